//! `ocrch backup`: a whole, checked copy of the database, also while the server runs.

use std::path::PathBuf;

use serde_json::json;

use super::ConfigArg;
use super::print::print;
use crate::config::database_path;
use crate::store::copy::{Contents, CopyError, copy};

#[derive(clap::Args)]
pub struct Args {
    /// The file to write; readable by its owner only
    file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

/// Writes the copy and says what is in it.
pub fn run(args: Args) -> Result<(), String> {
    let database = database_path(&args.config.config).map_err(|errors| errors.to_string())?;
    let contents = copy(&database, &args.file, args.force).map_err(|error| match error {
        CopyError::Exists(_) => format!("{error}: left as it is (--force replaces it)"),
        _ => format!("no backup was made: {error}"),
    })?;
    if args.json {
        let mut shown = as_json(&contents);
        shown["file"] = json!(args.file);
        return print(shown);
    }
    print(format!(
        "Wrote {}: {}. It was read back and is whole.",
        args.file.display(),
        summary(&contents)
    ))
}

/// Such as "12 orders (the last of 2026-11-23 01:43:07 UTC), 9 transfers, 0.4 MB".
pub fn summary(contents: &Contents) -> String {
    let last = match &contents.last_order_at {
        Some(time) => format!(" (the last of {time} UTC)"),
        None => String::new(),
    };
    let megabytes = contents.bytes as f64 / 1e6;
    format!(
        "{} orders{last}, {} transfers, {megabytes:.1} MB",
        contents.orders, contents.transfers
    )
}

/// The same for programs.
pub fn as_json(contents: &Contents) -> serde_json::Value {
    json!({
        "orders": contents.orders,
        "transfers": contents.transfers,
        "last_order_at": contents.last_order_at,
        "bytes": contents.bytes,
    })
}
