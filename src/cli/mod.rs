//! The command line: one file for each subcommand.

pub mod demo;
mod logging;
pub mod openapi;
mod running;
pub mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Accept stablecoins straight into wallets you own.
#[derive(Parser)]
#[command(name = "ocrch", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (also the default without a subcommand)
    Serve(serve::Args),
    /// Try the whole flow with a simulated chain and a small shop: no config, keys or network
    Demo(demo::Args),
    /// Print the OpenAPI document
    Openapi,
}

/// Which configuration file.
#[derive(clap::Args, Clone)]
pub struct ConfigArg {
    /// The configuration file
    #[arg(short, long, default_value = "ocrch.toml")]
    pub config: PathBuf,
}

/// Runs what the command line asks for: 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Openapi) => openapi::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
