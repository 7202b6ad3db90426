//! The documents: tables made from the code are fresh, and commands do what they say.
//!
//! `OCRCH_WRITE_DOCS=1 cargo test documents` writes the tables anew.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use crate::support::markdown::{self, blocks};
use crate::support::node::tests_dir;
use crate::support::programs::{self, Program};
use crate::support::server::run;
use crate::support::{http, net, settings, wait};

/// Compares what is between a document's markers with what the code says, or writes it there.
fn check_table(path: &str, name: &str, table: &str) {
    let (begin, end) = (
        format!("<!-- {name}: made by tests/documents.rs -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let text = markdown::read(path);
    let (before, rest) = text.split_once(&begin).expect("the first marker");
    let (old, after) = rest.split_once(&end).expect("the last marker");
    let new = format!("\n{}\n\n", table.trim());
    if std::env::var_os("OCRCH_WRITE_DOCS").is_some() {
        let text = format!("{before}{begin}{new}{end}{after}");
        std::fs::write(tests_dir().join("..").join(path), text).expect("a writable document");
    } else {
        assert_eq!(
            old, new,
            "{path} is stale: OCRCH_WRITE_DOCS=1 cargo test documents"
        );
    }
}

#[test]
fn the_table_of_settings_is_fresh() {
    let mut table = String::new();
    for section in settings::sections(&markdown::read("ocrch.toml")) {
        let _ = writeln!(table, "\n### `{}`\n", section.name);
        if !section.about.is_empty() {
            let _ = writeln!(table, "{}\n", section.about);
        }
        table.push_str("| setting | default or example | what it is |\n|---|---|---|\n");
        for setting in &section.settings {
            let value = match (&*setting.value, setting.is_example) {
                (settings::PLACEHOLDER, _) => "`ocrch init` makes one".to_owned(),
                (value, true) => format!("for example `{value}`"),
                (value, false) => format!("`{value}`"),
            };
            let _ = writeln!(
                table,
                "| `{}` | {} | {} |",
                setting.name,
                value.replace('|', "\\|"),
                setting.about.replace('|', "\\|")
            );
        }
    }
    check_table("docs/config.md", "settings", &table);
}

/// Every key that the parser knows is in the example file, and so in the table.
#[test]
fn no_setting_is_missing() {
    let text = markdown::read("docs/config.md");
    let sections = settings::sections(&markdown::read("ocrch.toml"));
    let count: usize = sections.iter().map(|s| s.settings.len()).sum();
    assert!(count > 40, "{count} settings");
    for setting in sections.iter().flat_map(|s| &s.settings) {
        assert!(
            !setting.about.is_empty(),
            "{} is not explained",
            setting.name
        );
        assert!(
            text.contains(&format!("| `{}` |", setting.name)),
            "{}",
            setting.name
        );
    }
}

fn openapi() -> Value {
    serde_json::from_slice(&run(&["openapi"]).stdout).expect("JSON")
}

#[test]
fn the_table_of_calls_is_fresh() {
    let document = openapi();
    let mut table = String::new();
    for tag in document["tags"].as_array().expect("tags") {
        let _ = writeln!(
            table,
            "\n**{}**. {}\n\n| call | what it does | answers |\n|---|---|---|",
            text(&tag["name"]),
            text(&tag["description"])
        );
        for (method, path, call) in calls(&document) {
            if call["tags"][0] != tag["name"] {
                continue;
            }
            let mut answers: Vec<&str> = call["responses"]
                .as_object()
                .expect("answers")
                .keys()
                .map(String::as_str)
                .collect();
            answers.sort_unstable();
            let _ = writeln!(
                table,
                "| `{} {path}` | {} | {} |",
                method.to_uppercase(),
                text(&call["summary"]),
                answers.join(", ")
            );
        }
    }
    check_table("docs/api.md", "calls", &table);
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not text: {value}"))
        .trim()
}

fn calls(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let calls = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("calls");
        item.iter()
            .map(move |(method, call)| (method.as_str(), path.as_str(), call))
    });
    calls.collect()
}

/// What a developer reads in `/docs` says enough to use each call without asking anybody.
#[test]
fn every_call_is_explained() {
    let document = openapi();
    for (method, path, call) in calls(&document) {
        let name = format!("{method} {path}");
        for part in ["summary", "description", "operationId"] {
            let said = call[part].as_str().unwrap_or_default();
            assert!(!said.trim().is_empty(), "{name} has no {part}");
        }
        for parameter in call["parameters"].as_array().into_iter().flatten() {
            let said = parameter["description"].as_str().unwrap_or_default();
            assert!(
                !said.is_empty(),
                "{name}: {} is not explained",
                parameter["name"]
            );
        }
        let answers = call["responses"].as_object().expect("answers");
        let can_fail = answers.keys().any(|status| status.starts_with('4'));
        assert!(
            !can_fail || answers.contains_key("500"),
            "{name}: what if the server fails?"
        );
        for (status, answer) in answers {
            let said = answer["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{name}: {status} is not explained");
            check_example(&document, &format!("{name}, {status}"), &answer["content"]);
        }
        check_example(&document, &name, &call["requestBody"]["content"]);
    }
    let ids: std::collections::HashSet<&str> = calls(&document)
        .iter()
        .map(|c| text(&c.2["operationId"]))
        .collect();
    assert_eq!(
        ids.len(),
        calls(&document).len(),
        "operation ids are unique"
    );
}

/// JSON that travels has an example, which has all required fields.
fn check_example(document: &Value, name: &str, content: &Value) {
    let Some(schema) = content["application/json"].get("schema") else {
        return;
    };
    let item = schema.get("items").unwrap_or(schema);
    let Some(reference) = item["$ref"].as_str() else {
        panic!("{name}: an unnamed schema {schema}");
    };
    let schema = document
        .pointer(reference.trim_start_matches('#'))
        .expect("described");
    let Some(example) = schema.get("example") else {
        assert!(
            name.contains("/admin/"),
            "{name}: {reference} has no example"
        );
        return;
    };
    for field in schema["required"].as_array().into_iter().flatten() {
        assert!(
            example.get(text(field)).is_some(),
            "{reference}: the example lacks {field}"
        );
    }
    for field in example.as_object().expect("an object").keys() {
        assert!(
            schema["properties"].get(field).is_some(),
            "{reference}: {field} is not described"
        );
    }
}

/// docs/api.md says of its commands that they run as they stand, from top to bottom.
#[test]
fn the_commands_of_the_api_page_run() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let listen = net::free_address();
    let _demo = demo(dir.path(), &listen.to_string());
    let commands = blocks(&markdown::read("docs/api.md"), "sh").concat();
    let commands = commands.replace("127.0.0.1:8080", &listen.to_string());
    let (ended_well, printed) =
        programs::run(&format!("set -euo pipefail\n{commands}"), dir.path(), &[]);
    assert!(ended_well, "{printed}");
    // The Service API's and the User API's orders come first, then what the admin sees.
    let mut answers = printed
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok());
    assert!(answers.any(|order| order["status"] == "paid"), "{printed}");
    let detail = answers.find(|answer| answer["order"].is_object());
    let detail = detail.expect("the admin's view of the order");
    assert_eq!(detail["order"]["status"], "paid", "{printed}");
    for refusal in ["signature", "invalid", "not found", "not allowed"] {
        assert!(!printed.contains(refusal), "{printed}");
    }
}

fn demo(dir: &std::path::Path, listen: &str) -> Program {
    let demo = Program::start(
        &format!("ocrch demo --listen {listen}"),
        dir,
        "demo.log",
        &[],
    );
    wait_for(&format!("http://{listen}/health"));
    demo
}

fn wait_for(url: &str) {
    wait::until("it to answer", || http::try_send("GET", url, &[], b"").ok());
}

/// The README's steps, from `ocrch init` to a verified webhook, without the network.
#[test]
fn the_readmes_steps_lead_to_a_webhook() {
    let readme = markdown::read("README.md");
    let (ocrch, shop) = (
        net::free_address().to_string(),
        net::free_address().to_string(),
    );
    let here = |text: &str| {
        let text = text
            .replace("127.0.0.1:8080", &ocrch)
            .replace("127.0.0.1:3000", &shop);
        text.replace(
            "listen(3000,",
            &format!("listen({},", shop.rsplit(':').next().expect("a port")),
        )
    };
    let block = |language: &str, with: &str| {
        let found = blocks(&readme, language)
            .into_iter()
            .find(|b| b.contains(with));
        here(&found.unwrap_or_else(|| panic!("the README has no {with}")))
    };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let secret = configure(
        dir.path(),
        &block("sh", "ocrch init"),
        &block("toml", "[[wallets]]"),
        &ocrch,
    );
    let variables = [("MERCHANT_SECRET", &*secret)];

    let _server = Program::start(&block("sh", "ocrch serve"), dir.path(), "server.log", &[]);
    wait_for(&format!("http://{ocrch}/health"));
    std::fs::write(dir.path().join("shop.mjs"), block("js", "isGenuine")).expect("room");
    let receiver = Program::start("node shop.mjs", dir.path(), "shop.log", &variables);
    wait::until("the shop to listen", || {
        std::net::TcpStream::connect(&shop).ok()
    });

    let (ended_well, page) = programs::run(&block("sh", "ocrch order create"), dir.path(), &[]);
    assert!(
        ended_well && page.starts_with(&format!("http://{ocrch}/checkout?order_id=")),
        "{page}"
    );
    let page = http::send("GET", &page, &[], b"").expect(200).text();
    assert!(page.contains("<html"), "{page}");
    // In one shell, as somebody has it open: the second block goes by the id that the first one took from the answer.
    let both = block("sh", "Idempotency-Key") + &block("sh", "ocrch order cancel");
    let (ended_well, printed) = programs::run(&both, dir.path(), &variables);
    let mut orders = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
    for status in ["pending", "cancelled"] {
        let order = orders.next().and_then(Result::ok);
        let order = order.unwrap_or_else(|| panic!("no order that is {status}: {printed}"));
        assert!(ended_well && order["status"] == status, "{printed}");
    }
    wait::until_within(Duration::from_secs(30), "the shop to be told", || {
        receiver.said().contains("A-1043 cancelled").then_some(())
    });
}

/// Writes a configuration as the first two steps say; gives the merchant's secret.
fn configure(dir: &std::path::Path, init: &str, wallets: &str, listen: &str) -> String {
    let init: String = init
        .lines()
        .filter(|line| line.starts_with("ocrch "))
        .collect();
    let (ended_well, printed) = programs::run(&init, dir, &[]);
    assert!(ended_well, "{printed}");
    let path = dir.join("ocrch.toml");
    let mut text = std::fs::read_to_string(&path).expect("written");
    let wallets = &wallets[wallets.find("[[wallets]]").expect("a wallet")..];
    let address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    let wallets = wallets.replace("0x-your-own-address", address);
    assert!(wallets.contains(address), "{wallets}");
    // Nothing is asked outside of this machine.
    let nobody = "[chains.base]\nproviders = [{ kind = \"rpc\", url = \"http://127.0.0.1:1\" }]\n";
    let at = format!("listen = \"{listen}\"");
    text = text.replace("listen = \"127.0.0.1:8080\"", &at);
    std::fs::write(&path, format!("{text}\n{wallets}\n{nobody}")).expect("writable");
    let section = &text[text.find("\n[merchant]").expect("a merchant")..];
    let secret = section
        .lines()
        .find_map(|line| line.strip_prefix("secret = \""));
    secret.expect("a secret").trim_end_matches('"').to_owned()
}

/// The documents that people read.
fn documents() -> Vec<String> {
    let mut found = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    for folder in [
        "docs",
        "examples/node",
        "examples/python",
        "examples/php",
        "examples/static",
    ] {
        let entries = std::fs::read_dir(tests_dir().join("..").join(folder)).expect("a folder");
        let names = entries
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned());
        let pages = names.filter(|name| name.ends_with(".md"));
        found.extend(pages.map(|name| format!("{folder}/{name}")));
    }
    found
}

/// A heading's anchor, as forges make it: small letters, digits, hyphens.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars()
        .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
        .collect()
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut links = 0;
    for document in documents() {
        let text = markdown::read(&document);
        let folder = std::path::Path::new(&document).parent().expect("a folder");
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().expect("an end");
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match file {
                "" => document.clone(),
                file => folder.join(file).to_string_lossy().into_owned(),
            };
            let found = tests_dir().join("..").join(&path);
            assert!(found.exists(), "{document}: {target} is not there");
            if !heading.is_empty() {
                let page = markdown::read(&path);
                let headings = page.lines().filter(|line| line.starts_with('#'));
                let known = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(
                    known.into_iter().any(|a| a == heading),
                    "{document}: {target} has no such heading"
                );
            }
            links += 1;
        }
    }
    assert!(links > 30, "{links} links");
}

/// What the troubleshooting page tells to run on a command line.
#[test]
fn the_troubleshooting_pages_signatures_are_made() {
    let commands = blocks(&markdown::read("docs/troubleshooting.md"), "sh");
    let signing = commands
        .iter()
        .find(|c| c.contains("ocrch sign"))
        .expect("there");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ended_well, printed) = programs::run(
        &format!("set -e\nocrch init >init.log\n{signing}"),
        dir.path(),
        &[],
    );
    assert!(ended_well, "{printed}");
    assert_eq!(printed.lines().count(), 2, "{printed}");
    for signature in printed.lines() {
        let (ts, mac) = signature.split_once('.').expect("a point");
        assert!(ts.parse::<i64>().is_ok() && mac.len() == 44, "{signature}");
    }
}

/// What is quoted in the prose of these pages and is neither a log line nor an error: commands, calls, settings.
fn is_no_message(quoted: &str) -> bool {
    let first = quoted.split(' ').next().unwrap_or_default();
    let programs = [
        "sudo",
        "ocrch",
        "curl",
        "df",
        "docker",
        "journalctl",
        "rsync",
        "ss",
        "ssh",
        "systemctl",
        "systemd-analyze",
        "uname",
        "sqlite3",
    ];
    let calls = ["GET", "POST", "Authorization:"];
    programs.contains(&first) || calls.contains(&first) || quoted.contains(" = ")
}

/// What others say, and the server passes on: SQLite, and the operating system (strerror(3)).
const OF_OTHERS: [&str; 5] = [
    "database or disk is full",
    "attempt to write a readonly database",
    "database is locked",
    "database disk image is malformed",
    "Permission denied",
];

/// An operator searches these pages for what the log says: a line that no version says leads nowhere.
#[test]
fn every_quoted_message_is_one_that_the_server_says() {
    let said = sources();
    let mut found = 0;
    for page in ["docs/operations.md", "docs/troubleshooting.md"] {
        let text = markdown::prose(&markdown::read(page));
        for quoted in text.split('`').skip(1).step_by(2) {
            if !quoted.contains(' ') || is_no_message(quoted) || OF_OTHERS.contains(&quoted) {
                continue;
            }
            for part in quoted.split('…').map(str::trim) {
                assert!(said.contains(part), "{page}: nothing says {quoted:?}");
            }
            found += 1;
        }
    }
    assert!(found > 30, "{found} messages");
}

/// SQLite's own are in the program; the system's are what it says here.
#[test]
fn the_messages_of_others_are_theirs() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_ocrch")).expect("the binary");
    for message in &OF_OTHERS[..4] {
        let bytes = message.as_bytes();
        let found = program.windows(bytes.len()).any(|part| part == bytes);
        assert!(found, "{message}");
    }
    let refused = std::io::Error::from_raw_os_error(13).to_string();
    assert!(refused.contains(OF_OTHERS[4]), "{refused}");
}

/// The program's source without its comments, in one line, with texts that are broken across lines made whole.
fn sources() -> String {
    let mut found = String::new();
    let mut folders = vec![tests_dir().join("../src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(path).expect("text");
                let code = text.lines().map(str::trim);
                for line in code.filter(|line| !line.starts_with("//")) {
                    found.push_str(line.trim_end_matches('\\'));
                    found.push_str(if line.ends_with('\\') { "" } else { " " });
                }
            }
        }
    }
    found
}
