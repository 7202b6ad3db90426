//! `ocrch hash-secret`: the Argon2id of a secret, to paste into a file that the server may not write.

use std::io::{self, BufRead, IsTerminal};
use std::process::{Command, Stdio};

use super::print::print;
use crate::config::{hash_admin_secret, weakness_of_admin_secret};

/// Reads a secret from the terminal, unseen, or a line from stdin, and prints its hash. Warns of a short one as the server does.
pub fn run() -> Result<(), String> {
    let secret = match io::stdin().is_terminal() {
        true => ask()?,
        false => line(io::stdin().lock())?,
    };
    print(hash_admin_secret(&secret)?)?;
    if let Some(weakness) = weakness_of_admin_secret(&secret) {
        eprintln!("the secret {weakness}");
    }
    Ok(())
}

/// Asks twice, since nobody sees what is typed.
fn ask() -> Result<String, String> {
    let _unseen = Unseen::new();
    let (first, second) = (prompt("Secret: ")?, prompt("Again: ")?);
    match first == second {
        true => Ok(first),
        false => Err("the two differ".to_owned()),
    }
}

fn prompt(question: &str) -> Result<String, String> {
    eprint!("{question}");
    let answer = line(io::stdin().lock());
    eprintln!();
    answer
}

fn line(mut input: impl BufRead) -> Result<String, String> {
    let mut text = String::new();
    input
        .read_line(&mut text)
        .map_err(|e| format!("cannot read the secret: {e}"))?;
    let secret = text.trim_end_matches(['\n', '\r']);
    match secret.is_empty() {
        true => Err("the secret is empty".to_owned()),
        false => Ok(secret.to_owned()),
    }
}

/// A terminal that does not show what is typed, until dropped.
struct Unseen;

impl Unseen {
    fn new() -> Self {
        echo("-echo");
        Self
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        echo("echo");
    }
}

/// `stty` is part of every Unix; without it the secret is seen, and hashed all the same.
fn echo(setting: &str) {
    let _ = Command::new("stty")
        .arg(setting)
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_secret_without_its_end() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(line(text.as_bytes()).ok().as_deref(), expected, "{text:?}");
        };
        check("hunter2\n", Some("hunter2"));
        check("hunter2\r\n", Some("hunter2"));
        check(" with spaces ", Some(" with spaces "));
        check("first\nsecond\n", Some("first"));
        check("\n", None);
        check("", None);
    }
}
