//! The example file, which is the manual that shop owners read: complete, and true.

use std::collections::BTreeSet;

use super::*;

const EXAMPLE: &str = include_str!("../../../ocrch.toml");

/// The example with secrets of one's own.
fn started() -> String {
    EXAMPLE
        .replacen("\"change me\"", &format!("\"{HASH}\""), 1)
        .replacen("\"change me\"", "\"0123456789abcdef\"", 1)
}

/// The same with every setting switched on and every blank filled in.
fn switched_on() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| !c.is_whitespace()) => setting.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = started().lines().map(line).collect();
    // One of the two ways to give the merchant's key; the other is tested by itself.
    let text = text
        .join("\n")
        .replace("secret_file = ", "# secret_file = ");
    text.replace("0x-your-ethereum-address", WALLET)
        .replace("T-your-tron-address", TRON_WALLET)
        .replace("0x-a-transaction-hash", &"ab".repeat(32))
        .replace(
            "0x-the-contract",
            "0xdAC17F958D2ee523a2206206994597C13D831ec7",
        )
        .replace(
            "0x-one-contract",
            "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        )
        .replace(
            "0x-another-contract",
            "0x6B175474E89094C44Da98b954EedeAC495271d0F",
        )
}

fn parsed(text: &str) -> Parsed {
    let dir = tempfile::tempdir().unwrap();
    let languages = dir.path().join("checkout/lang");
    std::fs::create_dir_all(&languages).unwrap();
    std::fs::write(languages.join("de.json"), "{}").unwrap();
    parse(text, "ocrch.toml", dir.path()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_example_works_once_it_has_secrets() {
    let keys: Vec<_> = errors(EXAMPLE)
        .iter()
        .map(|e| e.split(':').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(keys, [" admin.secret", " merchant.secret"]);
    let Parsed { warnings, .. } = parsed(&started());
    assert_eq!(
        warnings,
        ["no [[wallets]]: nobody can pay until there is one"]
    );
}

#[test]
fn every_setting_of_the_example_works() {
    let config = parsed(&switched_on()).config;
    assert_eq!(config.wallets.len(), 2);
    assert_eq!(config.chains[&Blockchain::new("eth")].providers.len(), 2);
    let devnet = &config.chains[&Blockchain::new("devnet")].chain;
    assert_eq!(devnet.tokens.len(), 3);
    assert!(config.alerts.is_some());
}

#[test]
fn the_values_that_the_example_calls_defaults_are_the_defaults() {
    let (started, on) = (parsed(&started()).config, parsed(&switched_on()).config);
    let same = |default: &dyn std::fmt::Debug, shown: &dyn std::fmt::Debug| {
        assert_eq!(format!("{default:?}"), format!("{shown:?}"));
    };
    same(&started.server.trusted_proxies, &on.server.trusted_proxies);
    same(&started.server.max_connections, &on.server.max_connections);
    same(
        &started.server.max_websockets_per_order,
        &on.server.max_websockets_per_order,
    );
    same(
        &started.database.path.file_name(),
        &on.database.path.file_name(),
    );
    same(
        &started.merchant.signature_max_age,
        &on.merchant.signature_max_age,
    );
    same(
        &started.merchant.checkout_signature_max_age,
        &on.merchant.checkout_signature_max_age,
    );
    same(&started.orders, &on.orders);
    same(
        &started.payments,
        &Payments {
            agree_from: None,
            ..on.payments
        },
    );
    same(&started.retention, &on.retention);
    same(&started.webhooks, &on.webhooks);
    same(&started.checkout.enabled, &on.checkout.enabled);
    same(&started.checkout.title, &on.checkout.title);
    let eth = |config: &Config| {
        let eth = config.chains[&Blockchain::new("eth")].clone();
        (
            eth.chain,
            eth.poll_interval,
            eth.idle_poll_interval,
            eth.agreement,
        )
    };
    same(&eth(&started), &eth(&on));
    let url = switched_on()
        .replace("on = [\"unm", "# on = [\"unm")
        .replace("format =", "# format =");
    same(&parsed(&url).config.alerts, &on.alerts);
}

/// The parser lists a table's keys when it finds one that it does not know, so one is put into each table.
#[test]
fn the_example_has_every_key_that_the_parser_knows() {
    let text = switched_on();
    let with_unknown = |line: &str| match line.strip_prefix("{ ") {
        Some(rest) => format!("{{ zzzzzzzz = 1, {rest}"),
        None if line.starts_with('[') => format!("{line}\nzzzzzzzz = 1"),
        None => line.replace("[{ ", "[{ zzzzzzzz = 1, "),
    };
    let probe: Vec<String> = text.lines().map(with_unknown).collect();
    let dir = tempfile::tempdir().unwrap();
    let languages = dir.path().join("checkout/lang");
    std::fs::create_dir_all(&languages).unwrap();
    std::fs::write(languages.join("de.json"), "{}").unwrap();
    let errors = parse(
        &format!("zzzzzzzz = 1\n{}", probe.join("\n")),
        "f",
        dir.path(),
    )
    .unwrap_err();

    let mut present = BTreeSet::new();
    collect("", &toml::Value::Table(text.parse().unwrap()), &mut present);
    present.insert("merchant.secret_file".to_owned());
    let mut known = BTreeSet::new();
    for error in errors.errors {
        let table = error
            .key
            .strip_suffix("zzzzzzzz")
            .unwrap_or_else(|| panic!("{error:?}"));
        let Some((_, keys)) = error.message.split_once("expected one of: ") else {
            panic!("{error:?}");
        };
        known.extend(
            keys.split(", ")
                .map(|key| pattern(&format!("{table}{key}"))),
        );
    }
    let missing: Vec<_> = known.difference(&present).collect();
    assert_eq!(missing, [""; 0]);
    assert!(known.len() > 70, "only {} keys were probed", known.len());
}

/// All keys of a document as patterns.
fn collect(path: &str, value: &toml::Value, keys: &mut BTreeSet<String>) {
    keys.insert(pattern(path));
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{key}"), value, keys);
            }
        }
        toml::Value::Array(items) => {
            for item in items.iter().filter(|item| item.is_table()) {
                collect(&format!("{path}[0]"), item, keys);
            }
        }
        _ => {}
    }
}

/// A dotted key without what the user counts or names.
fn pattern(key: &str) -> String {
    let mut parts: Vec<&str> = key
        .split('.')
        .map(|part| part.split('[').next().unwrap_or(part))
        .collect();
    for named in ["chains", "tokens"] {
        if let Some(i) = parts.iter().position(|p| *p == named)
            && let Some(name) = parts.get_mut(i + 1)
        {
            *name = "*";
        }
    }
    parts.join(".")
}
