//! The house's walls: who may import whom (docs/architecture.md).

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer and the layers it may import; value crates are everybody's.
const LAYERS: [(&str, &[&str]); 10] = [
    ("clock", &[]),
    ("domain", &["clock"]),
    ("config", &["domain"]),
    ("store", &["domain", "clock"]),
    ("chain", &["domain", "config"]),
    ("webhook", &["domain", "config"]),
    ("service", &["domain", "clock", "config", "store"]),
    (
        "task",
        &["domain", "clock", "config", "service", "chain", "webhook"],
    ),
    ("http", &["domain", "clock", "config", "service"]),
    (
        "cli",
        &[
            "domain", "clock", "config", "store", "chain", "webhook", "service", "task", "http",
        ],
    ),
];

/// Crates that belong to some layers only.
const CRATES: [(&str, &[&str]); 4] = [
    ("poem", &["http", "cli"]),
    ("poem_openapi", &["http", "cli"]),
    ("rusqlite", &["store"]),
    ("r2d2_sqlite", &["store"]),
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The first word of every path that starts with `prefix` in code, not in comments.
fn mentions<'a>(source: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(move |line| {
            line.match_indices(prefix).filter_map(move |(at, _)| {
                let before = line[..at].chars().next_back();
                let whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
                let rest = &line[at + prefix.len()..];
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                whole
                    .then_some(&rest[..end])
                    .filter(|word| !word.is_empty())
            })
        })
}

#[test]
fn layers_import_only_what_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "the sources are there");
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).expect("under src");
        let first = inside.iter().next().expect("a name").to_string_lossy();
        let layer = first.trim_end_matches(".rs");
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            assert!(
                matches!(layer, "main" | "lib"),
                "{} is in no layer",
                inside.display()
            );
            continue;
        };
        let source = fs::read_to_string(&file).expect("text");
        for other in mentions(&source, "crate::") {
            assert!(
                !other.is_empty(),
                "{}: a group of imports hides layers",
                inside.display()
            );
            let is_layer = LAYERS.iter().any(|(name, _)| *name == other);
            if is_layer && other != layer && !allowed.contains(&other) {
                wrong.push(format!("{}: {layer} imports {other}", inside.display()));
            }
        }
        for (name, owners) in CRATES {
            let path = format!("{name}::");
            let used = mentions(&source, &path).next().is_some();
            if used && !owners.contains(&layer) {
                wrong.push(format!("{}: {layer} uses {name}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
