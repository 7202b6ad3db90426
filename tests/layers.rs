//! The layer table of docs/architecture.md: which part of the house may import which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// For each layer, the layers it may import. `lib.rs` and `main.rs` are no layers: they only name the others.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("metrics", &[]),
    ("domain", &["clock"]),
    ("config", &["domain"]),
    ("store", &["domain", "clock", "metrics"]),
    ("chain", &["domain", "config"]),
    ("webhook", &["domain", "config"]),
    (
        "service",
        &["domain", "clock", "metrics", "config", "store"],
    ),
    (
        "task",
        &[
            "domain", "clock", "metrics", "config", "service", "chain", "webhook",
        ],
    ),
    ("http", &["domain", "clock", "metrics", "config", "service"]),
    (
        "cli",
        &[
            "domain", "clock", "metrics", "config", "store", "chain", "webhook", "service", "task",
            "http",
        ],
    ),
];

/// Crates that belong to one layer: what they are for happens there and nowhere else.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("poem", &["http", "cli"]),
    ("poem_openapi", &["http"]),
    ("prometheus_client", &["metrics", "http"]),
    ("hyper", &["http/serve"]),
    ("hyper_util", &["http/serve"]),
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("ureq", &["chain", "webhook", "http/demo", "cli"]),
];

#[test]
fn every_import_follows_the_layer_table() {
    let allowed: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in rust_files(&source()) {
        let place = place_of(&file);
        let layer = place.split('/').next().unwrap().to_owned();
        if ["lib", "main"].contains(&layer.as_str()) {
            continue;
        }
        let may = allowed.get(layer.as_str());
        let may = may.unwrap_or_else(|| panic!("{place}: the layer table does not know {layer:?}"));
        for imported in imports(&read(&file)) {
            checked += 1;
            if imported != layer && !may.contains(&imported.as_str()) {
                wrong.push(format!("{place} imports {imported}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the layer table:\n{}",
        wrong.join("\n")
    );
    assert!(
        checked > 100,
        "only {checked} imports found: the test is blind"
    );
}

#[test]
fn crates_stay_in_their_layer() {
    let mut wrong = Vec::new();
    for file in rust_files(&source()) {
        let (place, text) = (place_of(&file), read(&file));
        for (name, layers) in ONLY_IN {
            let uses = code_lines(&text).any(|line| names_crate(line, name));
            if uses && !layers.iter().any(|layer| place.starts_with(layer)) {
                wrong.push(format!("{place} uses {name}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "crates outside their layer:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_domain_does_no_io_and_reads_no_clock() {
    for file in rust_files(&source().join("domain")) {
        let text = read(&file);
        for forbidden in [
            "std::fs",
            "std::net",
            "std::time::System",
            "Instant::now",
            "tokio",
            "tracing",
            "Clock",
        ] {
            let found = code_lines(&text).find(|line| line.contains(forbidden));
            assert_eq!(found, None, "{} must not use {forbidden}", place_of(&file));
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

/// "http/user_api" for src/http/user_api.rs, "chain" for src/chain/mod.rs.
fn place_of(file: &Path) -> String {
    let inside = file.strip_prefix(source()).unwrap().with_extension("");
    let place = inside.to_string_lossy().into_owned();
    place
        .strip_suffix("/mod")
        .map(str::to_owned)
        .unwrap_or(place)
}

/// Lines that are neither comments nor part of a file's tests, which may use what they like.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let before_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    before_tests
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// The first segments after `crate::` in code.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in code_lines(text) {
        for rest in line.split("crate::").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            assert!(
                !name.is_empty(),
                "a nested import hides its layer; name it on one line: {line}"
            );
            found.push(name);
        }
    }
    found
}

fn names_crate(line: &str, name: &str) -> bool {
    let path = format!("{name}::");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}
