//! The server under systemd: what it tells its supervisor, and the unit that ships with it.

use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::config::{Config, SECRET};
use crate::support::net;
use crate::support::server::{Server, ocrch};
use crate::support::shop::{Shop, order_body};
use crate::support::wait::{self, SOON};

/// What systemd would hear.
struct Supervisor(UnixDatagram);

impl Supervisor {
    fn at(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).expect("a free name");
        let pause = Some(Duration::from_millis(50));
        socket.set_read_timeout(pause).expect("a time-out");
        Self(socket)
    }

    fn next(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        match self.0.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8_lossy(&buffer[..length]).into_owned()),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            Err(e) => panic!("{e}"),
        }
    }

    /// The next message that is no sign of life.
    fn next_step(&self) -> String {
        wait::until("a step", || self.next().filter(|m| m != "WATCHDOG=1"))
    }

    fn wait_for_life(&self) {
        wait::until("a sign of life", || {
            self.next().filter(|m| m == "WATCHDOG=1")
        });
    }

    /// Waits until no sign of life has come for a second.
    fn wait_for_silence(&self) {
        let start = Instant::now();
        let mut silent = Instant::now();
        while silent.elapsed() < Duration::from_secs(1) {
            assert!(start.elapsed() < SOON, "it goes on living");
            if let Some(message) = self.next() {
                assert_eq!(message, "WATCHDOG=1");
                silent = Instant::now();
            }
        }
    }
}

/// A server started anew under a supervisor.
fn supervised(name: &str, watchdog: &[(&str, &str)]) -> Server {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    server.set_env("NOTIFY_SOCKET", name);
    for (name, value) in watchdog {
        server.set_env(name, value);
    }
    server.launch();
    server
}

#[test]
fn each_step_is_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("notify");
    let supervisor = Supervisor::at(&SocketAddr::from_pathname(&path).expect("a path"));
    let mut server = supervised(path.to_str().expect("UTF-8"), &[]);
    assert_eq!(supervisor.next_step(), "READY=1");
    for _ in 0..2 {
        server.reload();
        let reloading = supervisor.next_step();
        let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        let since: u64 = since
            .and_then(|s| s.parse().ok())
            .unwrap_or_else(|| panic!("{reloading}"));
        let up: f64 = std::fs::read_to_string("/proc/uptime")
            .expect("Linux")
            .split(' ')
            .next()
            .and_then(|s| s.parse().ok())
            .expect("seconds");
        // The two clocks differ by the time that the machine was asleep.
        assert!(
            since > 0 && (since as f64) < (up + 10.0) * 1e6,
            "{since} at {up}"
        );
        assert_eq!(supervisor.next_step(), "READY=1");
    }
    assert!(server.stop().success());
    assert_eq!(supervisor.next_step(), "STOPPING=1");
    assert_eq!(supervisor.next(), None, "and nothing more");
}

/// Containers have sockets without a path.
#[test]
fn the_watchdog_hears_of_a_stuck_writer() {
    let name = format!("ocrch-test-{}", std::process::id());
    let supervisor = Supervisor::at(&SocketAddr::from_abstract_name(&name).expect("a name"));
    let mut server = supervised(&format!("@{name}"), &[("WATCHDOG_USEC", "200000")]);
    wait::until("readiness", || supervisor.next().filter(|m| m == "READY=1"));
    supervisor.wait_for_life();
    supervisor.wait_for_life();
    // Somebody else holds the database: the writer hangs, and does so silently.
    let other = rusqlite::Connection::open(server.db_path()).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    supervisor.wait_for_silence();
    other.execute_batch("ROLLBACK").expect("SQL");
    supervisor.wait_for_life();
    drop(other);
    server.ask_to_stop();
    assert_eq!(supervisor.next_step(), "STOPPING=1");
    assert!(server.stop_already_asked().success());
}

#[test]
fn a_watchdog_of_another_process_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("notify");
    let supervisor = Supervisor::at(&SocketAddr::from_pathname(&path).expect("a path"));
    let watchdog = [("WATCHDOG_USEC", "200000"), ("WATCHDOG_PID", "1")];
    let _server = supervised(path.to_str().expect("UTF-8"), &watchdog);
    assert_eq!(supervisor.next_step(), "READY=1");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(700) {
        assert_eq!(supervisor.next(), None);
    }
}

/// A socket that nobody listens at, or that is none, keeps no server from running.
#[test]
fn a_supervisor_that_is_not_there_is_done_without() {
    for name in ["/no/such/socket", "nonsense", "@no-such-name"] {
        let mut server = supervised(name, &[("WATCHDOG_USEC", "200000")]);
        assert!(
            server.log().contains("NOTIFY_SOCKET cannot be used"),
            "{}",
            server.log()
        );
        assert!(server.stop().success());
    }
}

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/systemd")
}

/// What systemd itself says about the units of services.
#[test]
fn the_units_are_well_hardened() {
    for unit in [
        "ocrch.service",
        "ocrch-backup.service",
        "ocrch-alert@.service",
        "ocrch-litestream.service",
    ] {
        let checked = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=15", "--no-pager"])
            .arg(units().join(unit))
            .output()
            .expect("systemd-analyze (package systemd): run tests/run.sh");
        let report = String::from_utf8_lossy(&checked.stdout);
        // Below 1.5 of 10, where 0 is best.
        assert!(checked.status.success(), "{unit}: {report}");
        assert!(report.contains("Overall exposure level"), "{report}");
    }
}

#[test]
fn the_units_have_no_mistakes() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for unit in [
        "ocrch.service",
        "ocrch-alert@.service",
        "ocrch-backup.service",
        "ocrch-backup.timer",
        "ocrch-litestream.service",
    ] {
        let text = std::fs::read_to_string(units().join(unit)).expect("the unit");
        // The programs need not be installed here; everything else is as it ships.
        let installed = text
            .replace("/usr/local/bin/ocrch", env!("CARGO_BIN_EXE_ocrch"))
            .replace("/usr/local/bin/litestream", env!("CARGO_BIN_EXE_ocrch"));
        let path = dir.path().join(unit);
        std::fs::write(&path, installed).expect("room");
        let checked = Command::new("systemd-analyze")
            .arg("verify")
            .arg(&path)
            .output()
            .expect("systemd-analyze (package systemd): run tests/run.sh");
        let said = String::from_utf8_lossy(&checked.stderr);
        let ours: Vec<_> = said.lines().filter(|line| line.contains("ocrch")).collect();
        assert!(checked.status.success() && ours.is_empty(), "{said}");
    }
}

#[test]
fn a_backup_that_fails_asks_to_be_told_of() {
    let unit = std::fs::read_to_string(units().join("ocrch-backup.service")).expect("the unit");
    assert!(
        unit.contains("\nOnFailure=ocrch-alert@%n.service\n"),
        "{unit}"
    );
}

/// The layout of docs/operations.md: a configuration that the server cannot change, without a secret in it.
#[test]
fn a_read_only_configuration_with_a_credential_is_enough() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let [etc, credentials, state] = ["etc", "credentials", "state"].map(|name| {
        let path = dir.path().join(name);
        std::fs::create_dir(&path).expect("room");
        path
    });
    let config = etc.join("ocrch.toml");
    let init = ocrch().args(["init", "-c"]).arg(&config).output();
    assert!(init.expect("the binary starts").status.success());
    // As `openssl rand -base64 32 | install` leaves it, with a line's end.
    let credential = credentials.join("merchant");
    std::fs::write(&credential, format!("{SECRET}\n")).expect("room");

    let address = net::free_address();
    let fresh = std::fs::read_to_string(&config).expect("a file");
    let mut section = "";
    let lines = fresh.lines().map(|line| {
        if line.starts_with('[') {
            section = line;
        }
        match (section, line.split(" = ").next().unwrap_or_default()) {
            ("[server]", "listen") => format!("listen = \"{address}\""),
            ("[database]", "#path") => format!("path = {:?}", state.join("ocrch.db")),
            ("[admin]", "secret") => format!("secret = {:?}", hash_of("the admin's own secret")),
            ("[merchant]", "secret") => format!("secret_file = {credential:?}"),
            _ => line.to_owned(),
        }
    });
    let text: String = lines.map(|line| line + "\n").collect();
    std::fs::write(&config, &text).expect("room");
    for (path, mode) in [(&credential, 0o400), (&config, 0o440), (&etc, 0o555)] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
    }

    let log = dir.path().join("log");
    let mut server = ocrch()
        .args(["serve", "-c"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).expect("room"))
        .spawn()
        .expect("the binary starts");
    wait::until("the server to listen", || {
        std::net::TcpStream::connect(address).ok()
    });
    let shop = Shop {
        base: format!("http://{address}"),
    };
    shop.create(&order_body("5", "http://127.0.0.1:9/"));
    server.kill().expect("a child");
    server.wait().expect("a child");
    let said = std::fs::read_to_string(&log).expect("a log");
    assert!(
        !said.contains("stands plain") && !said.contains("replaced by its hash"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&config).expect("a file"), text);
    assert!(state.join("ocrch.db").exists());
}

fn hash_of(secret: &str) -> String {
    let mut child = ocrch()
        .arg("hash-secret")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "{secret}").expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("a child");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}
