//! Small programs in other languages, run as their readers would.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{net, wait};

/// A shell that runs something which does not end by itself, with what it says in a file; all of it ends when dropped.
pub struct Program {
    process: Child,
    log: std::path::PathBuf,
}

impl Program {
    /// Starts a shell's code in a directory, with these variables; `ocrch` is the binary under test.
    pub fn start(code: &str, dir: &Path, log: &str, variables: &[(&str, &str)]) -> Self {
        let log = dir.join(log);
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(&log);
            file.expect("a log")
        };
        let (output, errors): (File, File) = (open(), open());
        let process = shell(dir, variables)
            .arg("-c")
            .arg(code)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .expect("bash is installed");
        Self { process, log }
    }

    /// Everything it has said, and earlier ones with the same log.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}---", self.log.display(), self.said());
        }
    }
}

/// Runs a shell's code to its end; what it printed, and whether it succeeded.
pub fn run(code: &str, dir: &Path, variables: &[(&str, &str)]) -> (bool, String) {
    let mut shell = shell(dir, variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash is installed");
    let mut input = shell.stdin.take().expect("piped");
    input.write_all(code.as_bytes()).expect("it reads");
    drop(input);
    let output = shell.wait_with_output().expect("a child");
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success(), printed)
}

fn shell(dir: &Path, variables: &[(&str, &str)]) -> Command {
    let binaries = Path::new(env!("CARGO_BIN_EXE_ocrch"))
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell
        .current_dir(dir)
        .env_remove("RUST_LOG")
        .env("PATH", format!("{}:{path}", binaries.display()))
        .envs(variables.iter().copied());
    shell
}

/// A webhook receiver that runs; it ends when dropped.
pub struct Receiving {
    _program: Program,
    address: SocketAddr,
    dir: TempDir,
}

impl Receiving {
    /// Runs code for "Node.js", "Python" or "PHP" on a port of its own.
    pub fn start(language: &str, code: &str, secret: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let address = net::free_address();
        let (file, command) = match language {
            "Node.js" => ("receiver.mjs", "node receiver.mjs".to_owned()),
            "Python" => ("receiver.py", "python3 receiver.py".to_owned()),
            _ => ("receiver.php", format!("php -S {address} receiver.php")),
        };
        std::fs::write(dir.path().join(file), code).expect("room");
        let port = address.port().to_string();
        let variables = [("MERCHANT_SECRET", secret), ("PORT", &port)];
        let program = Program::start(&command, dir.path(), "log", &variables);
        wait::until("the receiver to listen", || {
            std::net::TcpStream::connect(address).ok()
        });
        Self {
            _program: program,
            address,
            dir,
        }
    }

    /// Runs a shell's code that tells it something; gives what that printed.
    pub fn tell(&self, code: &str, secret: &str) -> String {
        let url = format!("http://{}/ocrch-webhook", self.address);
        let variables = [("MERCHANT_SECRET", secret), ("RECEIVER", &url)];
        run(code, self.dir.path(), &variables).1
    }
}
