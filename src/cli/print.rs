//! What a command says on stdout.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Prints a text and a line's end. A reader that has closed the pipe (`| head`) has seen what it wanted: no error.
pub fn print(text: impl Display) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
