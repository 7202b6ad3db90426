//! The server under systemd: what it tells its supervisor, and the unit that ships with it.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::config::Config;
use crate::support::server::Server;
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

fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/systemd/ocrch.service")
}

/// What systemd itself says about the unit.
#[test]
fn the_unit_is_well_hardened() {
    let checked = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=15", "--no-pager"])
        .arg(unit())
        .output()
        .expect("systemd-analyze (package systemd): run tests/run.sh");
    let report = String::from_utf8_lossy(&checked.stdout);
    // Below 1.5 of 10, where 0 is best.
    assert!(checked.status.success(), "{report}");
    assert!(report.contains("Overall exposure level"), "{report}");
}

#[test]
fn the_unit_has_no_mistakes() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let text = std::fs::read_to_string(unit()).expect("the unit");
    // The program need not be installed here; everything else is as it ships.
    let installed = text.replace("/usr/local/bin/ocrch", env!("CARGO_BIN_EXE_ocrch"));
    assert_ne!(text, installed);
    let path = dir.path().join("ocrch.service");
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
