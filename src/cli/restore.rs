//! `ocrch restore`: put a backup in the place of the database.

use std::path::PathBuf;

use serde_json::json;

use super::ConfigArg;
use super::backup::{as_json, summary};
use super::print::print;
use crate::clock::Clock;
use crate::config::database_path;
use crate::store::StoreError;
use crate::store::restore::{RestoreError, Restored, restore};

#[derive(clap::Args)]
pub struct Args {
    /// The backup: written by `ocrch backup`, or any whole copy of the database
    file: PathBuf,
    /// Restore also if the present database has what the backup has not: orders, amounts that customers were told to pay,
    /// decisions of yours
    #[arg(long)]
    discard_newer: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

/// What follows where nobody knows what customers were shown since the backup.
const UNKNOWN_AMOUNTS: &str = ". An amount that a customer was told to pay since the backup may be asked of somebody else as well, whose order \
     that customer's payment would then pay: docs/operations.md, under Restore, says what to do before the server starts";

/// Verifies, then replaces, and says where the old database is now.
pub fn run(args: Args) -> Result<(), String> {
    let database = database_path(&args.config.config).map_err(|errors| errors.to_string())?;
    let now = Clock::system().now();
    let restored = restore(&args.file, &database, now, args.discard_newer).map_err(explain)?;
    match args.json {
        true => print(to_json(&restored)),
        false => print(to_text(&restored, &args, &database)),
    }
}

fn explain(error: RestoreError) -> String {
    let advice = match &error {
        RestoreError::Store(StoreError::InUse) => ": stop it first",
        RestoreError::Ahead(_) => {
            " (--discard-newer restores all the same; the present database is kept beside it)"
        }
        _ => "",
    };
    match error {
        RestoreError::NotOnDisk(..) => error.to_string(),
        _ => format!("nothing was restored: {error}{advice}"),
    }
}

fn to_text(restored: &Restored, args: &Args, database: &std::path::Path) -> String {
    let (from, to) = (args.file.display(), database.display());
    let mut text = format!(
        "Restored {to} from {from}: {}.",
        summary(&restored.contents)
    );
    if let Some(kept) = &restored.kept {
        text += &format!("\nThe database that was there is kept: {}", kept.display());
    }
    if let Some(journal) = &restored.kept_journal {
        let whose = match restored.kept {
            Some(_) => "Its journal",
            None => "There was no database, but the journal of one, which",
        };
        text += &format!("\n{whose} is kept: {}", journal.display());
    }
    match restored.lost {
        Some(loss) if !loss.is_none() => text += &format!("\nThe backup lacks {loss}"),
        None => {
            text += match restored.kept {
                Some(_) => "\nIt could not be read, so what it had beyond the backup is not known",
                None => "\nThere was no database here to compare the backup with",
            };
            text += UNKNOWN_AMOUNTS;
        }
        _ => {}
    }
    text + "\nStart the server: it reads the blocks since then again"
}

fn to_json(restored: &Restored) -> serde_json::Value {
    let mut shown = as_json(&restored.contents);
    shown["kept"] = json!(restored.kept);
    shown["kept_journal"] = json!(restored.kept_journal);
    shown["missing"] = json!(restored.lost.map(|l| l.orders));
    shown["changed"] = json!(restored.lost.map(|l| l.changed));
    shown["missing_deposits"] = json!(restored.lost.map(|l| l.deposits));
    shown["missing_ignored"] = json!(restored.lost.map(|l| l.ignored));
    shown["missing_claims"] = json!(restored.lost.map(|l| l.claims));
    shown["missing_audit"] = json!(restored.lost.map(|l| l.audit));
    shown
}
