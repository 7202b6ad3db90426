//! The command line: one file for each subcommand.

pub mod backup;
mod bind;
pub mod check;
pub mod demo;
pub mod hash_secret;
pub mod init;
pub mod lifecycle;
mod logging;
mod merchant;
mod metrics;
mod names;
pub mod openapi;
pub mod order;
mod print;
mod reload;
pub mod restore;
mod running;
pub mod serve;
pub mod sign;
mod systemd;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, Parser, Subcommand};

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
    /// Write a commented configuration with fresh secrets; asks nothing, overwrites nothing
    Init(init::Args),
    /// Look at everything that payments depend on: configuration, database, providers, clock
    Check(check::Args),
    /// Create, look up or cancel an order on a running server
    Order(order::Args),
    /// Print an Ocrch-Signature
    Sign(sign::Args),
    /// Copy the database to a file, also while the server runs
    Backup(backup::Args),
    /// Verify a backup and put it in the place of the database, which is kept
    Restore(restore::Args),
    /// Print the hash of a secret read from the terminal or stdin
    HashSecret,
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

/// An option before a subcommand is the server's own, and nobody may think that it reached the subcommand.
fn with_tip(mut error: Error) -> Error {
    let is_before = error.kind() == ErrorKind::ArgumentConflict
        && error.get(ContextKind::InvalidSubcommand).is_some();
    if is_before {
        let tip = "options stand after the subcommand".into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// Runs what the command line asks for: 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    names::look_up_without_plug_ins();
    let cli = Cli::try_parse().unwrap_or_else(|error| with_tip(error).exit());
    let done = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Init(args)) => init::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Order(args)) => order::run(args),
        Some(Command::Sign(args)) => sign::run(args),
        Some(Command::Backup(args)) => backup::run(args),
        Some(Command::Restore(args)) => restore::run(args),
        Some(Command::HashSecret) => hash_secret::run(),
        Some(Command::Openapi) => openapi::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Empty where all has been said.
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}
