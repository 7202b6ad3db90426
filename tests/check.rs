//! `ocrch check`: what the doctor finds, and what it advises.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::config::Config;
use crate::support::devnet::{Devnet, wallet_address};
use crate::support::explorers::{Explorer, Site, Trouble};
use crate::support::faulty_rpc::{Fault, FaultyRpc, Style};
use crate::support::kind::Kind;
use crate::support::receiver::Receiver;
use crate::support::world::World;
use crate::support::{net, server};

/// A chain, a provider in front of it, and a configuration that is right.
struct Patient {
    net: Devnet,
    rpc: FaultyRpc,
    config: Config,
    dir: TempDir,
}

/// What the doctor said.
struct Diagnosis {
    code: Option<i32>,
    checks: Vec<Value>,
    text: String,
}

impl Patient {
    fn new() -> Self {
        let patient = Self::on_a_young_chain();
        patient.net.anvil.mine(100);
        patient
    }

    /// On a chain that has but the blocks with its coins.
    fn on_a_young_chain() -> Self {
        let net = Devnet::start("devnet", 31_337);
        let rpc = FaultyRpc::start(&net.anvil.url);
        let mut config = Config::new();
        net.add_to(&mut config, &rpc.url());
        config.set("server", "public_url", "\"https://pay.example.com\"");
        Self {
            net,
            rpc,
            config,
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("ocrch.toml")
    }

    fn diagnose(&self, more: &[&str]) -> Diagnosis {
        let path = self.path();
        fs::write(&path, self.config.text(net::free_address())).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, mode).expect("a mode");
        diagnose(&path, more)
    }
}

fn diagnose(path: &std::path::Path, more: &[&str]) -> Diagnosis {
    let path = path.to_str().expect("UTF-8");
    let output = server::run(&[&["check", "--json", "-c", path], more].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(json["ok"], output.status.success());
    assert!(
        output.stderr.is_empty(),
        "{:?}",
        String::from_utf8_lossy(&output.stderr)
    );
    Diagnosis {
        code: output.status.code(),
        checks: json["checks"].as_array().expect("a list").clone(),
        text,
    }
}

impl Diagnosis {
    /// The finding of a level whose text has these words; its remedy must have those.
    #[track_caller]
    fn has(&self, level: &str, what: &str, text: &str, remedy: &str) -> &Self {
        let part = |check: &Value, field: &str| check[field].as_str().unwrap_or("").to_owned();
        let fits = |check: &&Value| {
            check["level"] == level
                && part(check, "what").contains(what)
                && part(check, "text").contains(text)
        };
        let found = self.checks.iter().find(fits);
        let found =
            found.unwrap_or_else(|| panic!("no {level} {what:?} {text:?} in {}", self.text));
        assert!(part(found, "remedy").contains(remedy), "{found}");
        self
    }

    #[track_caller]
    fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        self
    }
}

#[test]
fn all_is_well() {
    let patient = Patient::new();
    let report = patient.diagnose(&[]);
    report
        .exits(0)
        .has("ok", "config", "ocrch.toml is right", "")
        .has("ok", "public_url", "https://pay.example.com", "")
        .has("ok", "database", "will be made at the first start", "")
        .has("ok", "disk", "free", "")
        .has("ok", "listen", "is free", "")
        .has("ok", "wallet", "on Chain devnet takes USDT, DAI", "")
        .has("ok", "devnet", "3 confirmations, providers: 1", "")
        .has("ok", "devnet rpc 127.0.0.1", "block 102", "")
        .has("ok", "devnet", "1 of 1 providers work", "")
        .has("ok", "devnet USDT", "has 6 decimals", "")
        .has("ok", "devnet DAI", "has 18 decimals", "");
    let path = patient.path();
    assert!(
        !path.with_file_name("ocrch.db").exists(),
        "nothing is changed"
    );
    let table = server::run(&["check", "-c", path.to_str().expect("UTF-8")]);
    let table = String::from_utf8(table.stdout).expect("UTF-8");
    assert!(table.ends_with("\nAll is well.\n"), "{table}");
    assert!(table.lines().all(|line| line.len() < 160), "{table}");
}

#[test]
fn every_kind_of_provider_is_examined() {
    for kind in [
        Kind::TronRpc,
        Kind::Etherscan,
        Kind::TronGrid,
        Kind::Tronscan,
    ] {
        let mut patient = Patient::new();
        patient.net = patient.net.for_kind(kind);
        let explorer = kind
            .site()
            .map(|site| Explorer::start(site, &patient.net.anvil.url, 31_337));
        patient.config.chains.clear();
        patient.config.wallets.clear();
        patient.net.add_to(&mut patient.config, &patient.rpc.url());
        let label = match &explorer {
            Some(explorer) => {
                patient.config.chains[0].urls.clear();
                patient.config.chains[0].explorers.push(explorer.entry());
                format!("devnet {} 127.0.0.1", explorer.kind())
            }
            None => "devnet rpc 127.0.0.1".to_owned(),
        };
        let report = patient.diagnose(&[]);
        report
            .exits(0)
            .has("ok", &label, "block 102", "")
            .has("ok", "devnet USDT", "has 6 decimals", "")
            .has("ok", "devnet DAI", "has 18 decimals", "");
    }
}

#[test]
fn the_wrong_chain() {
    let patient = Patient::new();
    patient.rpc.fail(Fault::ChainId(5));
    let report = patient.diagnose(&[]);
    let wrong = "wrong chain: its chain id is 5, expected 31337";
    report
        .exits(1)
        .has("fail", "devnet rpc", wrong, "correct `url`")
        .has("fail", "devnet", "none of its 1 providers works", "");
}

#[test]
fn the_wrong_decimals_and_no_token_at_all() {
    let mut patient = Patient::new();
    patient.config.chains[0].tokens[0].2 = 18;
    patient.config.chains[0].tokens[1].1 = vec![wallet_address(9)];
    let report = patient.diagnose(&[]);
    let found = "has 6 decimals, and 18 are configured";
    report
        .exits(1)
        .has("fail", "devnet USDT", found, "Correct its `decimals`")
        .has("fail", "devnet DAI", "no token", "Correct its contract");
}

#[test]
fn a_dead_provider_is_a_warning_while_another_works() {
    let mut patient = Patient::new();
    let dead = format!("http://{}", net::free_address());
    patient.config.chains[0].urls.push(dead.clone());
    patient
        .diagnose(&[])
        .exits(0)
        .has("warn", "devnet rpc", "unreachable", "Check its address")
        .has("ok", "devnet", "1 of 2 providers work", "");
    patient.config.chains[0].urls = vec![dead];
    patient.diagnose(&[]).exits(1).has(
        "fail",
        "devnet",
        "none of its 1 providers works",
        "any single one",
    );
}

#[test]
fn one_that_lags_or_takes_few_blocks() {
    let mut patient = Patient::new();
    let slow = FaultyRpc::start(&patient.net.anvil.url);
    slow.fail(Fault::Behind(60));
    patient.config.chains[0].urls.push(slow.url());
    patient.rpc.limit_range(50, Style::PlainLimit);
    patient
        .diagnose(&[])
        .exits(0)
        .has("warn", "devnet rpc", "60 behind the others", "lags behind")
        .has("warn", "devnet rpc", "50 blocks at once", "catch up");
}

#[test]
fn a_chain_with_few_blocks_is_not_its_providers_fault() {
    let patient = Patient::on_a_young_chain();
    let report = patient.diagnose(&[]);
    report.exits(0).has("ok", "devnet rpc", "block 2, ", "");
    assert!(!report.text.contains("blocks at once"), "{}", report.text);
}

#[test]
fn a_bad_key_and_a_plan_without_the_chain() {
    let mut patient = Patient::new();
    let explorer = Explorer::start(Site::Etherscan, &patient.net.anvil.url, 31_337);
    let (kind, url, _) = explorer.entry();
    let secret = "a-key-that-nobody-knows";
    patient.config.chains[0]
        .explorers
        .push((kind, url, secret.to_owned()));
    let report = patient.diagnose(&[]);
    report.exits(1).has(
        "fail",
        "devnet etherscan",
        "Invalid API Key",
        "Correct its key",
    );
    assert!(!report.text.contains(secret), "{}", report.text);
    patient.config.chains[0].explorers[0] = explorer.entry();
    explorer.fail(Trouble::NotInPlan);
    let plan = "Free API access is not supported for this chain";
    patient
        .diagnose(&[])
        .exits(1)
        .has("fail", "devnet etherscan", plan, "plan does not cover");
}

#[test]
fn without_a_network_nobody_is_asked() {
    let patient = Patient::new();
    let report = patient.diagnose(&["--offline"]);
    report
        .exits(0)
        .has("ok", "devnet", "3 confirmations, providers: 1", "");
    assert!(patient.rpc.calls().is_empty());
    patient.rpc.fail(Fault::Refuse);
    patient.diagnose(&["--offline"]).exits(0);
    patient.diagnose(&[]).exits(1);
}

#[test]
fn too_few_who_could_agree() {
    let mut patient = Patient::new();
    let twice = patient.config.chains[0].urls[0].clone();
    patient.config.chains[0].urls.push(twice);
    patient.config.set("payments", "agree_from", "\"500\"");
    patient
        .diagnose(&[])
        .exits(0)
        .has("warn", "config", "agree_from asks for 2", "")
        .has(
            "warn",
            "devnet",
            "payments from 500 on",
            "another one works",
        );
    patient.config.chains[0].agreement = 2;
    let text = "2 providers must agree, but all are of 1 host";
    patient
        .diagnose(&["--offline"])
        .exits(1)
        .has("fail", "devnet", text, "wait for ever");
    // Two that could agree, of which one works.
    patient.config.chains[0].urls[1] = format!("http://{}", net::free_address());
    let text = "2 hosts that agree, and only 1 works";
    patient
        .diagnose(&[])
        .exits(1)
        .has("fail", "devnet", text, "another one works");
}

#[test]
fn a_broken_file_is_told_in_full() {
    let mut patient = Patient::new();
    patient.config.wallets[0].address = "0x12".to_owned();
    patient.config.set("orders", "expires_after", "\"soon\"");
    let report = patient.diagnose(&[]);
    report.exits(1);
    report.has("fail", "config", "wallets[0].address", "");
    report.has("fail", "config", "orders.expires_after", "");
    let missing = patient.path().with_file_name("none.toml");
    diagnose(&missing, &[])
        .exits(1)
        .has("fail", "config", "no such file", "");
    let wrong = server::run(&["check", "--nonsense"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn addresses_that_do_not_answer_or_are_for_this_machine_only() {
    let mut patient = Patient::new();
    let listening = Receiver::start();
    let key = "merchant";
    patient.config.set_text(
        key,
        "unknown_transfer_webhook_url",
        &listening.url("/secret-path"),
    );
    let report = patient.diagnose(&[]);
    report
        .exits(0)
        .has("ok", "unknown transfers", "accepts connections", "");
    assert!(!report.text.contains("secret-path"));
    assert!(listening.deliveries().is_empty(), "nothing is sent");
    let dead = format!("http://{}/hook", net::free_address());
    patient
        .config
        .set_text(key, "unknown_transfer_webhook_url", &dead);
    patient
        .config
        .set_text("server", "public_url", "http://localhost:8080");
    patient
        .diagnose(&[])
        .exits(0)
        .has(
            "warn",
            "unknown transfers",
            "cannot be reached",
            "sent again",
        )
        .has(
            "warn",
            "public_url",
            "reaches this machine only",
            "https address",
        );
    patient
        .config
        .set_text("server", "public_url", "http://pay.example.com");
    patient
        .diagnose(&["--offline"])
        .has("warn", "public_url", "not encrypted", "Caddy");
}

#[test]
fn the_database_of_a_running_server() {
    let mut world = World::start();
    let path = world.server.config_path();
    diagnose(&path, &["--offline"])
        .exits(0)
        .has("ok", "database", "a server is running on it", "")
        .has("ok", "listen", "in use, by the running server", "");
    // It goes on as if nothing had been.
    let (shopper, deposit) = world.deposit("17", "USDT");
    diagnose(&path, &[]).exits(0);
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.server.stop();
    diagnose(&path, &["--offline"])
        .exits(0)
        .has("ok", "database", "is whole: 1 orders", "")
        .has("ok", "listen", "is free", "");
    let taken = std::net::TcpListener::bind(world.server.address()).expect("a free port");
    diagnose(&path, &["--offline"]).exits(1).has(
        "fail",
        "listen",
        "in use by another program",
        "another port",
    );
    drop(taken);
    fs::write(world.server.db_path(), "this is no database at all").expect("a file");
    diagnose(&path, &["--offline"]).exits(1).has(
        "fail",
        "database",
        "not a database",
        "`ocrch restore`",
    );
}

#[test]
fn a_damaged_database() {
    let mut world = World::start();
    world.server.stop();
    let db = world.server.stopped_db();
    let broken = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE nonsense' WHERE name = 'orders'";
    db.execute_batch(broken).expect("a database");
    drop(db);
    let path = world.server.config_path();
    diagnose(&path, &["--offline"]).exits(1).has(
        "fail",
        "database",
        "malformed database schema",
        "Restore the last backup with `ocrch restore`",
    );
    // The server says the same.
    let output = server::run(&["serve", "-c", path.to_str().expect("UTF-8")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let advice = "the file is damaged; restore the last backup with `ocrch restore`";
    assert!(said.contains(advice), "{said}");
}

#[test]
fn a_file_that_everybody_can_read() {
    let patient = Patient::new();
    patient.diagnose(&["--offline"]).exits(0);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(patient.path(), mode).expect("a mode");
    diagnose(&patient.path(), &["--offline"]).exits(0).has(
        "warn",
        "config",
        "can be read by every user",
        "chmod 640",
    );
}
