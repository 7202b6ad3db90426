//! The real binary with a real configuration, as a child process.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::config::Config;
use super::{http, net, wait};

/// A running server, its directory and its log. Ends, and complains about panics, when dropped.
pub struct Server {
    dir: TempDir,
    address: SocketAddr,
    process: Option<Child>,
    environment: Vec<(String, String)>,
}

/// The binary under test, without a proxy or a log filter from outside.
pub fn ocrch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ocrch"));
    command
        .env_remove("RUST_LOG")
        .env_remove("OCRCH_LOG_FORMAT")
        .stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub fn run(args: &[&str]) -> Output {
    ocrch().args(args).output().expect("the binary starts")
}

impl Server {
    /// Writes the configuration, starts the server and waits until it is ready.
    pub fn start(config: &Config) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut server = Self {
            dir,
            address: net::free_address(),
            process: None,
            environment: Vec::new(),
        };
        server.configure(config);
        server.launch();
        server
    }

    /// Sets a variable of the environment for the next [`Server::launch`].
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes another configuration for the next [`Server::launch`].
    pub fn configure(&self, config: &Config) {
        std::fs::write(self.config_path(), config.text(self.address))
            .expect("a writable directory");
    }

    /// Starts the process and waits until it is ready.
    pub fn launch(&mut self) {
        self.spawn();
        self.wait_until_ready();
    }

    /// Starts the process, and no more.
    pub fn spawn(&mut self) {
        assert!(self.process.is_none(), "still running");
        let log = self.log_file();
        let process = ocrch()
            .arg("serve")
            .arg("-c")
            .arg(self.config_path())
            .envs(self.environment.iter().cloned())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        self.process = Some(process);
    }

    /// The id of the running process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("running").id()
    }

    fn wait_until_ready(&mut self) {
        let url = format!("{}/health", self.base());
        wait::until("the server to be ready", || {
            if let Some(status) = self
                .process
                .as_mut()
                .and_then(|p| p.try_wait().expect("a child"))
            {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            http::try_send("GET", &url, &[], b"")
                .ok()
                .filter(|reply| reply.status == 200)
        });
    }

    /// Asks it to stop and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.stop_already_asked()
    }

    /// Waits for the end of a server that was asked to stop.
    pub fn stop_already_asked(&mut self) -> ExitStatus {
        let limit = Instant::now() + Duration::from_secs(20);
        let mut process = self.process.take().expect("running");
        loop {
            if let Some(status) = process.try_wait().expect("a child") {
                return status;
            }
            if Instant::now() > limit {
                let _ = process.kill();
                panic!("the server did not stop:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends SIGTERM.
    pub fn ask_to_stop(&self) {
        self.signal("-TERM");
    }

    /// Has it read its configuration again (SIGHUP) and waits until it has said how that went; gives what it said.
    pub fn reload(&self) -> String {
        let before = self.log().len();
        self.signal("-HUP");
        wait::until("the end of a reload", || {
            let said = self.log()[before..].to_owned();
            let over = ["configuration reloaded", "configuration was not reloaded"];
            over.iter().any(|line| said.contains(line)).then_some(said)
        })
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .status()
            .expect("kill(1)");
        assert!(status.success());
    }

    /// Kills it without warning (SIGKILL).
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("running");
        process.kill().expect("a child");
        process.wait().expect("a child");
    }

    /// An orderly stop and a new start.
    pub fn restart(&mut self) {
        assert!(
            self.stop().success(),
            "a stop is not a failure:\n{}",
            self.log()
        );
        self.launch();
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn config_path(&self) -> PathBuf {
        self.dir.path().join("ocrch.toml")
    }

    pub fn db_path(&self) -> PathBuf {
        self.dir.path().join("ocrch.db")
    }

    /// The database of a server that is stopped, to prepare what would take hours.
    pub fn stopped_db(&self) -> Connection {
        assert!(self.process.is_none(), "still running");
        Connection::open(self.db_path()).expect("a database")
    }

    /// The database, to look at.
    pub fn db(&self) -> Connection {
        let db = Connection::open_with_flags(self.db_path(), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("a database");
        db.busy_timeout(Duration::from_secs(5)).expect("a timeout");
        db
    }

    /// Everything it has said since the first start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    fn log_file(&self) -> File {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        let log = self.log();
        if std::thread::panicking() {
            let lines: Vec<_> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(40)..];
            eprintln!("--- the server's last words ---\n{}\n---", tail.join("\n"));
        } else {
            assert!(!log.contains("panicked at"), "the server panicked:\n{log}");
        }
    }
}
