//! Programs in Node that check what must not be checked by our own code.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The folder of the tests, wherever they are started from.
pub fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Panics with the remedy where what npm installs is missing.
pub fn installed(path: &str) -> PathBuf {
    let path = tests_dir().join("node_modules").join(path);
    assert!(
        path.exists(),
        "{} is missing: run tests/run.sh, or npm ci --prefix tests",
        path.display()
    );
    path
}

/// A Node program that speaks JSON, one value a line, in both directions.
pub struct Script {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Script {
    /// Starts `tests/e2e/{name}` and gives it its first line.
    pub fn start(name: &str, first: &Value) -> Self {
        let mut child = Command::new("node")
            .arg(tests_dir().join("e2e").join(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js is installed");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut script = Self {
            child,
            input,
            output,
        };
        script.tell(first);
        script
    }

    pub fn tell(&mut self, value: &Value) {
        writeln!(self.input, "{value}").expect("the script reads");
    }

    /// The next line of the script; panics where it ended instead.
    pub fn hear(&mut self) -> Value {
        let mut line = String::new();
        let read = self
            .output
            .read_line(&mut line)
            .expect("the script's output is text");
        assert!(read > 0, "the script ended: {:?}", self.child.wait());
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("not JSON ({e}): {line}"))
    }

    /// The next line, which must have this `step`.
    #[track_caller]
    pub fn expect(&mut self, step: &str) -> Value {
        let value = self.hear();
        assert_eq!(value["step"], step, "{value}");
        value
    }

    /// Waits for a clean end.
    pub fn finish(mut self) {
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "the script failed: {status}");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether Node's crypto agrees that the signature fits the webhook's body.
pub fn verifies_webhook(secret: &str, signature: &str, body: &[u8]) -> bool {
    let mut script = Script::start(
        "verify-webhook.mjs",
        &json!({"secret": secret, "signature": signature, "body": STANDARD.encode(body)}),
    );
    let answer = script.hear();
    answer["valid"] == true
}
