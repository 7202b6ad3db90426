//! The configuration file: what is wrong with it is said all at once, and what is right is kept.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::config::{Config, SECRET};
use crate::support::http;
use crate::support::net;
use crate::support::server::{self, Server};
use crate::support::wait;

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `ocrch serve` with this file, which must make it end by itself.
fn serve(file: &str) -> (Output, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("ocrch.toml");
    std::fs::write(&path, file).expect("a writable directory");
    serve_file(&path)
}

fn serve_file(path: &Path) -> (Output, String) {
    let mut child = server::ocrch()
        .args(["serve", "-c"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let limit = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > limit {
            let _ = child.kill();
            let output = child.wait_with_output().expect("a child");
            panic!("it runs with a broken file: {}", text_of(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("a child");
    let errors = text_of(&output.stderr);
    (output, errors)
}

/// The number of the line that contains a text.
fn line_of(file: &str, part: &str) -> usize {
    1 + file
        .lines()
        .position(|line| line.contains(part))
        .expect("the line is there")
}

#[test]
fn every_error_is_told_at_once() {
    let file = format!(
        r#"[server]
listen = "127.0.0.1:{port}"
public_ulr = "http://127.0.0.1:8080"
max_connections = "many"

[admin]
secret = "admin-secret-for-tests"

[merchant]
name = "Shop"
secret = "short"
allowed_origins = ["not an origin"]
signature_max_age = "5 parsecs"

[orders]
expires_after = -5

[payments]
max_tail = "a little"

[webhooks]
timeout = "15"

[[wallets]]
blockchain = "eth"
address = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
enabled_coins = ["USDT", "DOGE"]

[[wallets]]
blockchain = "dogechain"
address = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"
enabled_coins = ["USDT"]

[chains.eth]
confirmations = "soon"
providers = [{{ kind = "rpx", url = "http://127.0.0.1:1" }}]
"#,
        port = net::free_address().port()
    );
    let (output, errors) = serve(&file);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(output.stdout.is_empty(), "errors go to stderr");
    for part in [
        "public_ulr",
        "max_connections",
        "secret = \"short\"",
        "allowed_origins",
        "signature_max_age",
        "expires_after",
        "max_tail",
        "timeout",
        "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "DOGE",
        "dogechain",
        "confirmations",
        "rpx",
    ] {
        let line = line_of(&file, part);
        assert!(
            errors.lines().any(|l| l.contains(&format!(":{line}"))),
            "line {line} ({part}) is not among the errors:\n{errors}"
        );
    }
    assert!(errors.contains("ocrch.toml"), "names the file: {errors}");
    assert!(
        errors.contains("public_url"),
        "names the nearest known key: {errors}"
    );
    assert!(errors.contains("rpc"), "names what is possible: {errors}");
    assert!(
        !errors.contains("admin-secret-for-tests"),
        "shows no secret: {errors}"
    );
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let (output, errors) = serve("[server]\nlisten = \n");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains(":2"), "{errors}");
}

#[test]
fn a_missing_file_is_told_by_its_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (output, errors) = serve_file(&dir.path().join("missing.toml"));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("missing.toml") && errors.contains("ocrch init"),
        "{errors}"
    );
}

#[test]
fn what_is_missing_is_told() {
    let (output, errors) = serve("");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("merchant") && errors.contains("secret"),
        "{errors}"
    );
}

/// A file as the older implementation has it works as it is.
#[test]
fn a_config_with_the_compatible_keys_only() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let listen = net::free_address();
    let path = dir.path().join("ocrch.toml");
    let file = format!(
        r#"[server]
listen = "{listen}"

[admin]
secret = "an admin's secret"

[merchant]
name = "My Shop"
secret = "{SECRET}"
allowed_origins = ["https://shop.example.com"]

[[wallets]]
blockchain = "eth"
address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
enabled_coins = ["USDT"]
"#
    );
    std::fs::write(&path, file).expect("a writable directory");
    let mut child = server::ocrch()
        .arg("-c")
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let url = format!("http://{listen}/health");
    wait::until("the server to be ready", || {
        http::try_send("GET", &url, &[], b"")
            .ok()
            .filter(|reply| reply.status == 200)
    });
    let _ = child.kill();
    let _ = child.wait();
}

/// The plain admin secret is replaced by its hash; not a byte of the rest changes.
#[cfg(unix)]
#[test]
fn the_admin_secret_is_hashed_in_place() {
    use std::os::unix::fs::PermissionsExt;
    let mut config = Config::new();
    config.set_text("admin", "secret", "plain admin secret");
    let mut server = Server::start(&config);
    let path = server.config_path();
    let hashed = std::fs::read_to_string(&path).expect("the file");
    let original = config.text(server.address());
    let (before, after) = original
        .split_once("\"plain admin secret\"")
        .expect("it was there");
    assert!(
        hashed.starts_with(before) && hashed.ends_with(after),
        "{hashed}"
    );
    let secret = &hashed[before.len()..hashed.len() - after.len()];
    assert!(
        secret.trim_matches(['"', '\'']).starts_with("$argon2id$"),
        "{secret}"
    );

    // It is still read, and written only once.
    server.stop();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("a mode");
    server.launch();
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), hashed);

    // With comments and an odd mode.
    server.stop();
    let odd = format!(
        "# first line\n{}\n# last line",
        original.replace("[admin]", "[admin] # mine")
    );
    std::fs::write(&path, &odd).expect("a writable file");
    server.launch();
    let hashed = std::fs::read_to_string(&path).expect("the file");
    assert!(hashed.starts_with("# first line\n") && hashed.ends_with("\n# last line"));
    assert!(hashed.contains("[admin] # mine") && !hashed.contains("plain admin secret"));
    let mode = std::fs::metadata(&path)
        .expect("the file")
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o640);
}

/// `ocrch init`: a file of one's own, for one's own eyes, never over another.
#[cfg(unix)]
#[test]
fn init_writes_a_private_file_once() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let init = |name: &str| {
        Command::new(env!("CARGO_BIN_EXE_ocrch"))
            .args(["init", "-c"])
            .arg(dir.path().join(name))
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts")
    };
    let output = init("a.toml");
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let path = dir.path().join("a.toml");
    let mode = std::fs::metadata(&path)
        .expect("the file")
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o600);
    let first = std::fs::read_to_string(&path).expect("the file");

    let again = init("a.toml");
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text_of(&again.stderr).contains("a.toml"),
        "{}",
        text_of(&again.stderr)
    );
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file"),
        first,
        "nothing is overwritten"
    );

    init("b.toml");
    let second = std::fs::read_to_string(dir.path().join("b.toml")).expect("the file");
    let secrets = |file: &str| -> Vec<String> {
        file.lines()
            .filter(|l| l.trim_start().starts_with("secret"))
            .map(str::to_owned)
            .collect()
    };
    let (one, other) = (secrets(&first), secrets(&second));
    assert_eq!(one.len(), 2, "the admin's and the merchant's");
    assert!(
        one.iter().all(|secret| !other.contains(secret)),
        "fresh secrets each time"
    );
    assert_eq!(first.lines().count(), second.lines().count());
}

/// What `init` writes runs, and the repository's example is the same text.
#[test]
fn what_init_writes_runs() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("ocrch.toml");
    let output = server::ocrch()
        .args(["init", "-c"])
        .arg(&path)
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let next = text_of(&output.stdout);
    let steps = ["ocrch check", "ocrch serve"].map(|step| next.find(&format!("{step} -c ")));
    assert!(steps[0].is_some() && steps[0] < steps[1], "{next}");
    let listen = net::free_address().to_string();
    let mut child = server::ocrch()
        .args(["serve", "--listen", &listen, "-c"])
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let url = format!("http://{listen}/health");
    wait::until("the server to be ready", || {
        http::try_send("GET", &url, &[], b"")
            .ok()
            .filter(|reply| reply.status == 200)
    });
    let _ = child.kill();
    let _ = child.wait();
}
