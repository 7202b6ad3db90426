//! What a file may say, what it must not, and what is said about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

mod chains;
mod example;
mod values;

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$mUqKZk2wQTg3m1gL7dMJ1fZ5vX1nB5Qf2gJ0aJ8YQ5s";
const WALLET: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const TRON_WALLET: &str = "TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6";

/// A file that has the two secrets and whatever else is given.
fn with(rest: &str) -> String {
    format!("admin.secret = \"{HASH}\"\nmerchant.secret = \"0123456789abcdef\"\n{rest}")
}

fn good(rest: &str) -> Parsed {
    parse(&with(rest), "ocrch.toml", Path::new("/etc/ocrch")).unwrap()
}

fn config(rest: &str) -> Config {
    good(rest).config
}

/// What is said about a text, without the file's name: one string per error.
fn errors(text: &str) -> Vec<String> {
    let errors = parse(text, "f", Path::new("/etc")).err();
    let errors = errors.map_or(Vec::new(), |e| e.errors);
    let show = |e: ConfigError| match e.line {
        Some(line) => format!("{line}: {}: {}", e.key, e.message),
        None => format!("{}: {}", e.key, e.message),
    };
    errors.into_iter().map(show).collect()
}

/// The only error about a line that follows the two secrets.
fn error(rest: &str) -> String {
    let found = errors(&with(rest));
    assert_eq!(found.len(), 1, "{rest}: {found:#?}");
    found.into_iter().next().unwrap()
}

#[test]
fn two_secrets_are_enough() {
    let Parsed {
        config,
        warnings,
        plain_admin_secret,
    } = good("");
    assert_eq!(
        warnings,
        ["no [[wallets]]: nobody can pay until there is one"]
    );
    assert_eq!(plain_admin_secret, None);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.database.path, PathBuf::from("/etc/ocrch/ocrch.db"));
    assert_eq!(config.admin.secret_hash, HASH);
    assert_eq!(config.merchant.secret.expose(), "0123456789abcdef");
    assert_eq!(config.merchant.signature_max_age, Duration::from_secs(300));
    assert_eq!(config.orders.expires_after, Duration::from_secs(1800));
    assert!(config.payments.unique_amounts);
    assert_eq!(config.payments.max_tail.to_string(), "0.01");
    assert_eq!(config.retention.events, Duration::from_secs(90 * 86400));
    assert!(config.alerts.is_none());
    assert_eq!(config.webhooks.timeout, Duration::from_secs(15));
    assert_eq!(config.checkout.title, "Shop");
    assert_eq!(config.chains.len(), built_in().len());
    let eth = &config.chains[&Blockchain::new("eth")];
    assert_eq!(eth.providers.len(), 4);
    assert!(eth.providers.iter().all(|p| p.kind == ProviderKind::Rpc));
    assert_eq!(eth.idle_poll_interval, Duration::from_secs(60));
}

#[test]
fn a_file_of_the_existing_ocrch_loads() {
    let text = format!(
        r#"
[server]
listen = "0.0.0.0:8080"

[admin]
secret = "{HASH}"

[merchant]
name = "My Store"
secret = "your-merchant-secret"
allowed_origins = ["https://checkout.example.com"]

[api_keys]
etherscan_api_key = "ABC"
tronscan_api_key = "DEF"

[[wallets]]
blockchain = "eth"
address = "{WALLET}"
enabled_coins = ["USDT", "USDC"]
starting_tx = "0x{hash}"

[[wallets]]
blockchain = "tron"
address = "{TRON_WALLET}"
enabled_coins = ["USDT"]
starting_tx = "{hash}"
"#,
        hash = "Ab".repeat(32)
    );
    let Parsed {
        config, warnings, ..
    } = parse(&text, "f", Path::new("/")).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.checkout.title, "My Store");
    assert_eq!(
        config.wallets[0].starting_tx,
        Some(format!("0x{}", "ab".repeat(32)))
    );
    assert_eq!(config.wallets[1].starting_tx, Some("ab".repeat(32)));
    let (eth, usdt) = (Blockchain::new("eth"), Coin::new("USDT"));
    assert_eq!(config.wallets_for(&eth, &usdt).count(), 1);
    let keyed = |name: &str| -> Vec<ProviderKind> {
        let providers = &config.chains[&Blockchain::new(name)].providers;
        let keyed = providers.iter().filter(|p| p.api_key.is_some());
        keyed.map(|p| p.kind).collect()
    };
    assert_eq!(keyed("eth"), [ProviderKind::Etherscan]);
    assert_eq!(keyed("base"), [], "not in Etherscan's free plan");
    assert_eq!(keyed("tron"), [ProviderKind::Tronscan]);
}

/// It travels in a header, which browsers write in one way and programs in another.
#[test]
fn an_admin_secret_must_fit_into_a_header() {
    let found = |secret: &str| {
        errors(&format!(
            "merchant.secret = \"0123456789abcdef\"\nadmin.secret = \"{secret}\""
        ))
    };
    for secret in [
        "schlüssel-fürs-büro",
        "пароль-магазина",
        " with-a-space ",
        "a\\tb-and-more-of-it",
    ] {
        let said = found(secret).join("\n");
        assert!(
            said.contains("2: admin.secret: found a secret that does not fit into a header"),
            "{said}"
        );
    }
    assert!(found("correct horse \\\"battery\\\" staple!").is_empty());
}

#[test]
fn secrets_are_asked_for_and_never_shown() {
    assert_eq!(
        errors(""),
        [
            "admin.secret: missing, expected the admin's secret, plain or as an Argon2 hash",
            "merchant.secret: missing, expected the key that signs, at least 16 characters (or secret_file)",
        ]
    );
    let found = errors("[admin]\nsecret = \"change me\"\n\n[merchant]\nsecret = \"hunter2\"");
    assert_eq!(
        found,
        [
            "2: admin.secret: found a text of 9 characters, expected a secret of your own instead of the example's",
            "5: merchant.secret: found a text of 7 characters, expected a secret of at least 16 characters (`ocrch init` makes one)",
        ]
    );
    let found =
        errors("merchant.secret = \"0123456789abcdef\"\nadmin.secret = \"$argon2id$v=19$m=19456\"");
    assert!(
        found[0].starts_with("2: admin.secret: found a broken Argon2 hash"),
        "{found:?}"
    );
    let parsed =
        good("merchant.previous_secret = \"hunter2\"\napi_keys.etherscan_api_key = \"hunter2\"");
    let shown = format!("{parsed:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("0123456789abcdef"),
        "{shown}"
    );
}

#[test]
fn the_merchants_secret_can_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let read = |content: &str, rest: &str| {
        std::fs::write(dir.path().join("key"), content).unwrap();
        let text = format!("admin.secret = \"{HASH}\"\nmerchant.secret_file = \"key\"\n{rest}");
        parse(&text, "f", dir.path()).map(|p| p.config.merchant.secret.expose().to_owned())
    };
    assert_eq!(read("0123456789abcdef\n", "").unwrap(), "0123456789abcdef");
    let error = |content, rest| read(content, rest).unwrap_err().to_string();
    assert!(
        error("short\n", "").starts_with("f:2: merchant.secret_file: found a shorter text in ")
    );
    assert!(
        error("0123456789abcdef", "merchant.secret = \"0123456789abcdef\"")
            .contains("only one of the two")
    );
    std::fs::remove_file(dir.path().join("key")).unwrap();
    let text = format!("admin.secret = \"{HASH}\"\nmerchant.secret_file = \"key\"");
    let error = parse(&text, "f", dir.path()).unwrap_err().to_string();
    assert!(error.contains("cannot read"), "{error}");
}

#[test]
fn unknown_keys_name_their_line_and_the_nearest_known_one() {
    let check = |rest: &str, expected: &str| assert_eq!(error(rest), expected);
    check(
        "[databse]\npath = \"x\"",
        "3: databse: unknown key, did you mean \"database\"?",
    );
    check(
        "[orders]\nexpire_after = \"5m\"",
        "4: orders.expire_after: unknown key, did you mean \"expires_after\"?",
    );
    check(
        "[orders]\ncolour = 1",
        "4: orders.colour: unknown key, expected one of: expires_after, accept_late",
    );
    check(
        "[chains.eth]\nproviders = [{ kind = \"rpc\", url = \"http://x\", apikey = \"a\" }]",
        "4: chains.eth.providers[0].apikey: unknown key, did you mean \"api_key\"?",
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once_in_the_order_of_lines() {
    let text = "[merchant]\nname = 5\n[server]\nlisten = 1\nlissten = 2\n[[wallets]]\n";
    let found = errors(text);
    let starts: Vec<_> = found
        .iter()
        .map(|e| e.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        starts,
        [
            "admin.secret: missing,",
            "1: merchant.secret:",
            "2: merchant.name:",
            "4: server.listen:",
            "5: server.lissten:",
            "6: wallets[0].blockchain:",
            "6: wallets[0].address:",
            "6: wallets[0].enabled_coins:",
        ]
    );
}

#[test]
fn broken_toml_is_told_by_its_lines() {
    let found = errors("[server]\nlisten = \n[admin\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "2: : expected a value after =");
    assert_eq!(found[1], "3: : expected ] at the end of the heading");
    let shown = parse("a = 1\nb = 1_", "x.toml", Path::new("/"))
        .unwrap_err()
        .to_string();
    assert!(shown.starts_with("x.toml:2: this is no TOML: "), "{shown}");
}

#[test]
fn listening_elsewhere_moves_the_default_public_url() {
    let moved = |rest: &str| {
        let mut config = config(rest);
        config.listen_on("0.0.0.0:9000".parse().unwrap());
        config.server.public_url
    };
    assert_eq!(moved(""), "http://127.0.0.1:9000");
    let given = "server.public_url = \"https://pay.example.com\"";
    assert_eq!(moved(given), "https://pay.example.com");
}

/// Mistakes that people make who do not know TOML, or not yet what a chain is called here.
#[test]
fn typical_mistakes_are_told_with_what_would_be_right() {
    let wallet = |chain: &str| {
        format!(
            "[[wallets]]\nblockchain = {chain:?}\naddress = {WALLET:?}\nenabled_coins = [\"USDT\"]\n"
        )
    };
    for (rest, line, expected) in [
        (
            "[server]\nmax_connections = 9\n[orders]\n[server] # again\n".to_owned(),
            6,
            "[server] stands here for the second time, first in line 3: put all its lines under one heading",
        ),
        (
            "[orders]\nexpires_after = \"1h\"\nexpires_after = \"2h\"\n".to_owned(),
            5,
            "expires_after stands here for the second time, first in line 4: keep one of them",
        ),
        (
            "[server]\npublic_url = https://pay.example.com\n".to_owned(),
            4,
            "found a text without quotes, expected it in quotes: \"…\"",
        ),
        (
            "[server]\npublic_url = “https://pay.example.com”\n".to_owned(),
            4,
            "found curly quotes, expected straight ones: \"…\"",
        ),
        (
            "[server]\npublic_url: \"https://pay.example.com\"\n".to_owned(),
            4,
            "expected = and a value after the name of the setting",
        ),
        (
            "[server]\npublic_url = \"https://pay.example.com\n".to_owned(),
            4,
            "expected a quote (\") at the end of the text",
        ),
        (
            "[orders]\naccept_late = yes\n".to_owned(),
            4,
            "expected true or false, in small letters and without quotes",
        ),
        (
            "orders.accept_late = on\n".to_owned(),
            3,
            "expected true or false, in small letters and without quotes",
        ),
        (
            "[orders]\naccept_late = True\n".to_owned(),
            4,
            "expected true or false, in small letters and without quotes",
        ),
        (
            "[checkout]\ntitle = \"A\"\npublic_url = \"https://pay.example.com\"\n".to_owned(),
            5,
            "checkout.public_url: unknown key here, it belongs under [server]",
        ),
        (
            "[webhooks]\nblockchain = \"eth\"\n".to_owned(),
            4,
            "webhooks.blockchain: unknown key here, it belongs under [[wallets]]",
        ),
        (
            "[wallets]\nblockchain = \"eth\"\n".to_owned(),
            3,
            "wallets: found a table, expected [[wallets]], with two brackets on each side",
        ),
        (
            wallet("Ethereum"),
            4,
            "wallets[0].blockchain: found \"Ethereum\", did you mean \"eth\"?",
        ),
        (
            wallet("BEP20"),
            4,
            "wallets[0].blockchain: found \"BEP20\", did you mean \"bsc\"?",
        ),
        (
            "[chains.eth]\nproviders = [\"https://node.example.com\"]\n".to_owned(),
            4,
            "found \"https://node.example.com\", expected a list such as [{ kind = \"rpc\", url = ",
        ),
        (
            "[chains.eth]\nproviders = [\n{ kind = \"rpc\", url = \"https://a.example.com\" }\n{ kind = \"rpc\", url = \"https://b.example.com\" }]\n".to_owned(),
            6,
            "expected a comma between the items of the list",
        ),
    ] {
        let found = error(&rest);
        let beginning = format!("{line}: ");
        assert!(found.starts_with(&beginning) && found.contains(expected), "{rest}: {found}");
    }
    let found = errors(&with("[chains.arbitrum]\nconfirmations = 3\n"));
    assert!(found[0].contains("did you mean [chains.arb]?"), "{found:?}");
    let found = errors("[merchant]\nsecret_file = \"/run/credentials/ocrch.service/none\"\n");
    assert!(
        found
            .iter()
            .any(|e| e.contains("(systemd puts it there while the service runs)")),
        "{found:?}"
    );
}

/// What works is not called missing.
#[test]
fn nothing_is_doubted_that_works() {
    let text =
        "[server]\nmetrics_listen = \"127.0.0.1:9090\"\n[alerts]\nurl = \"https://ntfy.sh/x\"\n";
    assert_eq!(
        good(text).warnings,
        ["no [[wallets]]: nobody can pay until there is one"]
    );
}
