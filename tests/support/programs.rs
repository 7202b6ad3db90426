//! Small programs in other languages, run as their readers would.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{net, wait};

/// A webhook receiver that runs; it ends when dropped.
pub struct Receiving {
    process: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Receiving {
    /// Runs code for "Node.js", "Python" or "PHP" on a port of its own.
    pub fn start(language: &str, code: &str, secret: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let address = net::free_address();
        let listen = address.to_string();
        let (file, command): (_, Vec<&str>) = match language {
            "Node.js" => ("receiver.mjs", vec!["node"]),
            "Python" => ("receiver.py", vec!["python3"]),
            _ => ("receiver.php", vec!["php", "-q", "-S", &listen]),
        };
        std::fs::write(dir.path().join(file), code).expect("room");
        let process = Command::new(command[0])
            .args(&command[1..])
            .arg(file)
            .current_dir(dir.path())
            .env("MERCHANT_SECRET", secret)
            .env("PORT", address.port().to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{} is missing ({e}): run tests/run.sh", command[0]));
        wait::until("the receiver to listen", || {
            std::net::TcpStream::connect(address).ok()
        });
        Self {
            process,
            address,
            _dir: dir,
        }
    }

    /// Runs a shell's code that tells it something; gives what that printed.
    pub fn tell(&self, code: &str, secret: &str) -> String {
        let mut shell = Command::new("bash")
            .env("MERCHANT_SECRET", secret)
            .env("RECEIVER", format!("http://{}/ocrch-webhook", self.address))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash is installed");
        let mut input = shell.stdin.take().expect("piped");
        input.write_all(code.as_bytes()).expect("it reads");
        drop(input);
        let output = shell.wait_with_output().expect("a child");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
