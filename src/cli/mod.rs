//! The command line: one file for each subcommand.

pub mod hash_secret;
pub mod init;
mod merchant;
pub mod order;
pub mod sign;

use std::path::PathBuf;

/// Which configuration file.
#[derive(clap::Args, Clone)]
pub struct ConfigArg {
    /// The configuration file
    #[arg(short, long, default_value = "ocrch.toml")]
    pub config: PathBuf,
}
