//! Parses the command line and starts; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ocrch::cli::main()
}
