//! Acting as the merchant: where the subcommands that sign take the secret from.

use std::env;
use std::path::PathBuf;

use super::ConfigArg;
use crate::config::{Config, Secret, load, secret_in};

/// The variable that a script can give the secret by.
const VARIABLE: &str = "OCRCH_MERCHANT_SECRET";

#[derive(clap::Args, Clone)]
pub struct MerchantArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Take the merchant's secret from this file (otherwise from OCRCH_MERCHANT_SECRET, or the configuration)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl MerchantArgs {
    /// The configuration, or what is wrong with it.
    pub fn config(&self) -> Result<Config, String> {
        let loaded = load(&self.config.config).map_err(|errors| errors.to_string())?;
        Ok(loaded.config)
    }

    /// The secret to sign with. Reads the configuration only if nothing else has it.
    pub fn secret(&self) -> Result<Secret, String> {
        let text = match (&self.secret_file, env::var(VARIABLE)) {
            (Some(path), _) => std::fs::read_to_string(path)
                .map_err(|e| format!("cannot read {}: {e}", path.display()))?,
            (None, Ok(text)) => text,
            (None, Err(_)) => return Ok(self.config()?.merchant.secret),
        };
        match secret_in(&text) {
            "" => Err("the merchant's secret is empty".to_owned()),
            secret => Ok(Secret::new(secret)),
        }
    }
}
