//! The command line: signatures, orders, secrets and the API's description, for people and scripts.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::config::{CHECKOUT_ORIGIN, SECRET};
use crate::support::server::{ocrch, run};
use crate::support::sign;
use crate::support::world::World;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// The binary with a world's configuration.
fn with_config(world: &World, args: &[&str]) -> Output {
    let path = world.server.config_path();
    ocrch()
        .args(args)
        .arg("-c")
        .arg(path)
        .output()
        .expect("the binary starts")
}

#[test]
fn version_and_help() {
    let version = run(&["--version"]);
    assert!(version.status.success());
    assert!(said(&version).contains(env!("CARGO_PKG_VERSION")));
    let help = run(&["--help"]);
    assert!(help.status.success());
    for command in [
        "serve",
        "init",
        "demo",
        "order",
        "sign",
        "openapi",
        "hash-secret",
        "backup",
        "restore",
    ] {
        assert!(said(&help).contains(command), "{command}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for args in [&["nonsense"][..], &["serve", "--nonsense"], &["sign"]] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    for args in [
        ["serve", "--listen", "8081"],
        ["demo", "--listen", "localhost:8081"],
    ] {
        let said = String::from_utf8_lossy(&run(&args).stderr).into_owned();
        assert!(
            said.contains("expected an IP address and a port, such as 127.0.0.1:8080"),
            "{said}"
        );
    }
    let before = run(&["--listen", "127.0.0.1:0", "serve"]);
    let said = String::from_utf8_lossy(&before.stderr);
    assert_eq!(before.status.code(), Some(2), "{said}");
    assert!(
        said.contains("'serve' cannot be used with '--listen")
            && said.contains("options stand after the subcommand"),
        "{said}"
    );
}

/// As `| head` does.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let config = dir.path().join("ocrch.toml");
    let config = config.to_str().expect("UTF-8");
    let commands = [
        &["init", "-c", config][..],
        &["check", "--offline", "-c", config],
        &["check", "--offline", "--json", "-c", config],
        &["sign", "url", "https://shop.example.com", "-c", config],
        &["openapi"],
    ];
    for args in commands {
        let (reader, closed) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = ocrch().args(args).stdout(closed).output();
        let output = output.expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn sign_agrees_with_the_protocol() {
    let world = World::start();
    let url = format!("{CHECKOUT_ORIGIN}/pay?order_id=1");
    let output = with_config(&world, &["sign", "url", &url]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let signature = said(&output);
    let ts = signature
        .split_once('.')
        .expect("a timestamp")
        .0
        .parse()
        .expect("Unix seconds");
    assert_eq!(signature, sign::url(SECRET, ts, &url));

    // The exact bytes: a line's end that an editor added would change the signature.
    let body = "{\"order_id\":\"1\"}\n";
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), body).expect("room");
    let path = file.path().to_str().expect("text");
    let signature = said(&with_config(&world, &["sign", "body", path]));
    let ts = signature
        .split_once('.')
        .expect("a timestamp")
        .0
        .parse()
        .expect("Unix seconds");
    assert_eq!(signature, sign::body(SECRET, ts, body.as_bytes()));
}

#[test]
fn openapi_describes_every_call() {
    let output = run(&["openapi"]);
    assert!(output.status.success());
    let spec: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let paths = spec["paths"].as_object().expect("paths");
    for path in [
        "/api/v1/service/orders",
        "/api/v1/service/orders/status",
        "/api/v1/service/orders/cancel",
        "/api/v1/user/chains",
        "/api/v1/user/orders/{order_id}/payment",
        "/api/v1/user/orders/{order_id}/cancel",
        "/api/v1/user/orders/{order_id}/status",
        "/api/v1/user/orders/{order_id}/ws",
        "/api/v1/user/orders/{order_id}/ws-ticket",
    ] {
        let prefix = spec["servers"][0]["url"]
            .as_str()
            .unwrap_or_default()
            .trim_end_matches('/');
        let bare = path.replace("{order_id}", "{}");
        let found = paths.iter().find(|(known, _)| {
            let known = format!("{prefix}{known}");
            let parts: Vec<_> = known
                .split('/')
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect();
            parts.join("/").ends_with(&bare)
        });
        let (_, item) = found.unwrap_or_else(|| panic!("{path} is not described"));
        for operation in item.as_object().expect("operations").values() {
            let answers = operation["responses"].as_object().expect("answers");
            assert!(
                answers.keys().any(|status| status == "401"),
                "{path}: error answers are described"
            );
        }
    }
}

#[test]
fn the_running_server_shows_its_description() {
    let world = World::start();
    let base = world.server.base();
    let spec =
        crate::support::http::send("GET", &format!("{base}/openapi.json"), &[], b"").expect(200);
    let printed: Value = serde_json::from_slice(&run(&["openapi"]).stdout).expect("JSON");
    assert_eq!(spec.json()["paths"], printed["paths"]);
    let page = crate::support::http::send("GET", &format!("{base}/docs"), &[], b"");
    let page = match page.header("location") {
        Some(to) => crate::support::http::send("GET", &format!("{base}{to}"), &[], b""),
        None => page,
    };
    let html = page.expect(200).text();
    assert!(
        html.contains("<html") || html.contains("<!DOCTYPE"),
        "{html}"
    );
    assert!(
        !html.contains("https://unpkg") && !html.contains("cdn."),
        "everything is embedded"
    );
}

#[test]
fn orders_from_the_command_line() {
    let world = World::start();
    let create = with_config(
        &world,
        &[
            "order",
            "create",
            "--amount",
            "12.50",
            "--order-id",
            "from-a-shell",
            "--webhook-url",
            &world.receiver.url("/orders"),
        ],
    );
    assert!(
        create.status.success(),
        "{}",
        String::from_utf8_lossy(&create.stderr)
    );
    let order: Value = serde_json::from_slice(&create.stdout).expect("JSON");
    assert_eq!(order["amount"], "12.50");
    let id = order["order_id"].as_str().expect("an id");
    let status = with_config(&world, &["order", "status", id]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["status"], "pending");
    let cancel = with_config(&world, &["order", "cancel", id]);
    assert!(cancel.status.success());
    assert_eq!(world.shop.status(id)["status"], "cancelled");
    let again = with_config(&world, &["order", "cancel", id]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("order is not pending"));
}

/// `ocrch hash-secret` with this on its stdin.
fn hash(line: &[u8]) -> Output {
    let mut child = ocrch()
        .arg("hash-secret")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(line)
        .expect("it reads");
    let output = child.wait_with_output().expect("a child");
    assert!(output.status.success());
    assert!(said(&output).starts_with("$argon2id$"), "{}", said(&output));
    output
}

#[test]
fn hash_secret_reads_from_stdin_and_warns_of_a_short_one() {
    let output = hash(b"a long secret\n");
    assert!(!said(&output).contains("a long secret"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let output = hash(b"short\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "the secret has fewer than 12 characters: who guesses it can mark orders paid\n"
    );
}

/// Secrets, signatures and tickets never reach a log.
#[test]
fn the_log_keeps_secrets() {
    let world = World::start();
    let shopper = world.order("1");
    let ticket = shopper.ticket();
    shopper.socket_with_ticket(&ticket).order();
    shopper.refused_socket(&format!("?ticket={ticket}"), &[]);
    shopper.cancel().expect(200);
    world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    let log = world.server.log();
    let signature = shopper.signature.split_once('.').expect("a timestamp").1;
    for secret in [SECRET, &ticket, signature] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// Starts a server that must not start, and gives what it said.
pub fn does_not_start(config: &std::path::Path) -> String {
    let mut second = ocrch()
        .args(["serve", "-c"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let ended = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        second.try_wait().expect("a child")
    });
    let _ = second.kill();
    let second = second.wait_with_output().expect("a child");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(ended.and_then(|e| e.code()), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// A configuration of its own, on an address of its own, over this database.
fn config_over(database: &std::path::Path, dir: &std::path::Path) -> std::path::PathBuf {
    let mut config = crate::support::config::Config::new();
    config.set_text("database", "path", database.to_str().expect("UTF-8"));
    let path = dir.join("second.toml");
    let listen = crate::support::net::free_address();
    std::fs::write(&path, config.text(listen)).expect("room");
    path
}

/// The file may lie on another disk: SQLite keeps its journal there, too.
#[test]
fn a_database_behind_a_link_is_served() {
    let mut world = World::start();
    let shopper = world.order("5");
    assert!(world.server.stop().success());
    let disk = tempfile::tempdir().expect("a temporary directory");
    let (database, moved) = (world.server.db_path(), disk.path().join("moved.db"));
    std::fs::rename(&database, &moved).expect("one file system");
    std::os::unix::fs::symlink(&moved, &database).expect("room");
    world.server.launch();
    assert_eq!(shopper.status()["status"], "pending");
    world.settle_everything();
}

/// Two servers would deliver every webhook twice.
#[test]
fn a_second_server_on_the_same_database_does_not_start() {
    use std::os::unix::fs::symlink;
    let mut world = World::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let database = world.server.db_path();
    let at = |name: &str| dir.path().join(name);
    symlink(database.parent().expect("a directory"), at("data")).expect("room");
    symlink(&database, at("link.db")).expect("room");
    let of_others = [database, at("data").join("ocrch.db"), at("link.db")];
    let configs = of_others.map(|path| config_over(&path, dir.path()));
    // The first one's own configuration, too: its address is in use as well, but that is not the point.
    for config in configs.into_iter().chain([world.server.config_path()]) {
        let said = does_not_start(&config);
        let why = "another ocrch is running on this file";
        assert_eq!(said.matches(why).count(), 1, "{said}");
    }

    // The first one goes on, and what a killed one leaves behind keeps nobody out.
    world.settle_everything();
    world.server.kill();
    world.server.launch();
    world.settle_everything();
}

/// For SQLite, and for the lock, these would be two databases.
#[test]
fn a_database_with_two_names_is_refused() {
    let world = World::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let second = dir.path().join("second.db");
    std::fs::hard_link(world.server.db_path(), &second).expect("one file system");
    let said = does_not_start(&config_over(&second, dir.path()));
    assert!(said.contains("the file has 2 names (hard links)"), "{said}");
    assert!(
        !dir.path().join("second.db-wal").exists(),
        "it was not opened"
    );
}

/// A server that does not start leaves all as it was.
#[test]
fn an_address_that_another_program_has_is_said_before_anything_is_written() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = taken.local_addr().expect("bound");
    let config = dir.path().join("ocrch.toml");
    let mut plain = crate::support::config::Config::new();
    plain.set_text("admin", "secret", "not a hash, so far");
    let text = plain.text(address);
    std::fs::write(&config, &text).expect("room");
    let said = does_not_start(&config);
    let why = format!(
        "cannot listen on {address}: in use by another program; stop it, or set server.listen to another port"
    );
    assert!(said.contains(&why), "{said}");
    assert_eq!(std::fs::read_to_string(&config).expect("a file"), text);
    assert!(!dir.path().join("ocrch.db").exists());
}

/// Orders name customers' payments.
#[test]
fn the_database_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::start();
    world.order("1");
    let database = world.server.db_path();
    let dir = database.parent().expect("a directory");
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let name = entry.file_name().into_string().expect("UTF-8");
        if name.starts_with("ocrch.db") {
            let mode = entry.metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}: {mode:o}");
            seen += 1;
        }
    }
    assert!(seen >= 1, "the database is there");
}

#[test]
fn logs_for_machines() {
    let listen = crate::support::net::free_address();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("ocrch.toml");
    std::fs::write(&path, crate::support::config::Config::new().text(listen)).expect("room");
    let log = dir.path().join("log");
    let mut child = ocrch()
        .arg("-c")
        .arg(&path)
        .env("OCRCH_LOG_FORMAT", "json")
        .stderr(std::fs::File::create(&log).expect("a log"))
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let lines = crate::support::wait::until("a line in the log", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.ends_with('\n').then_some(text)
    });
    let _ = child.kill();
    let _ = child.wait();
    for line in lines.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(entry["level"].is_string(), "{line}");
    }
}
