//! What can be looked at without a network: the file, the database, the wallets.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::report::Report;
use crate::config::{Config, ConfigErrors, Loaded};
use crate::store::inspect::{Inspection, inspect};
use crate::store::{StoreError, expect_no_journal_alone};

/// Below this nothing can be stored any more soon.
const NO_SPACE: u64 = 50_000_000;
/// Enough for about a million orders.
const LITTLE_SPACE: u64 = 1_000_000_000;

/// What to do about a broken file.
const DAMAGED: &str = "Restore the last backup with `ocrch restore`, and have the disk checked.";

/// Every error of a file that does not load.
pub fn broken_config(errors: &ConfigErrors, report: &mut Report) {
    for error in &errors.errors {
        let line = error
            .line
            .map_or(String::new(), |line| format!(" line {line}"));
        let key = match error.key.as_str() {
            "" => String::new(),
            key => format!("{key}: "),
        };
        report.fail(
            "config",
            format!("{}{line}: {key}{}", errors.file, error.message),
            "",
        );
    }
}

/// The file that was loaded, and what is odd about it.
pub fn config(path: &Path, loaded: &Loaded, report: &mut Report) {
    report.ok("config", format!("{} is right", path.display()));
    for warning in &loaded.warnings {
        report.warn("config", warning, "");
    }
    let mode = std::fs::metadata(path).map(|file| file.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o004 != 0) {
        report.warn(
            "config",
            format!(
                "{} can be read by every user of this machine",
                path.display()
            ),
            format!("It holds your secrets: chmod 640 {}", path.display()),
        );
    }
}

/// The address that customers are sent to.
pub fn public_url(config: &Config, report: &mut Report) {
    let url = &config.server.public_url;
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if is_here {
        report.warn(
            "public_url",
            format!("{url} reaches this machine only"),
            "Before customers pay, set server.public_url to the https address at which they reach this server.",
        );
    } else if url.starts_with("http://") {
        report.warn(
            "public_url",
            format!("{url} is not encrypted"),
            "Put the server behind Caddy or nginx and use its https address (docs/operations.md).",
        );
    } else {
        report.ok("public_url", url);
    }
}

/// The database's file, or the place where it will be. Tells whether a server runs on it.
pub fn database(config: &Config, report: &mut Report) -> bool {
    let path = &config.database.path;
    let shown = path.display();
    let in_use = match (expect_no_journal_alone(path), path.exists()) {
        (Err(error), _) => {
            report.fail("database", format!("{shown}: {error}"), unusable(&error));
            false
        }
        (Ok(()), true) => existing(path, report),
        (Ok(()), false) => {
            missing(path, report);
            false
        }
    };
    let dir = path.parent().unwrap_or(path);
    if let Ok(space) = rustix::fs::statvfs(dir) {
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let text = format!("{} free where {shown} is", size(free));
        let remedy = "Make room on that disk: without it no order can be stored.";
        match free {
            ..NO_SPACE => report.fail("disk", text, remedy),
            NO_SPACE..LITTLE_SPACE => report.warn("disk", text, remedy),
            _ => report.ok("disk", text),
        }
    }
    in_use
}

fn existing(path: &Path, report: &mut Report) -> bool {
    let shown = path.display();
    let Inspection {
        schema,
        latest,
        orders,
        bytes,
        in_use,
        damage,
    } = match inspect(path) {
        Ok(found) => found,
        Err(error) => {
            report.fail("database", format!("{shown}: {error}"), unusable(&error));
            return false;
        }
    };
    if let Some(damage) = damage {
        report.fail("database", format!("{shown} is damaged: {damage}"), DAMAGED);
        return in_use;
    }
    let mut text = format!("{shown} is whole: {orders} orders, {}", size(bytes));
    if in_use {
        text.push_str("; a server is running on it");
    }
    if schema < latest {
        text.push_str("; it will be upgraded at the next start, after a copy was kept");
    }
    report.ok("database", text);
    in_use
}

fn unusable(error: &StoreError) -> &'static str {
    match error {
        StoreError::Newer { .. } => {
            "Install the newer version again, or restore a backup from before it."
        }
        StoreError::Names(_) | StoreError::Gone(_) => "The server does not start on it like this.",
        StoreError::File(error) if error.kind() == ErrorKind::IsADirectory => {
            "Set database.path to a file."
        }
        StoreError::Foreign => "Set database.path to another file; this one is left as it is.",
        error if error.is_damage() => DAMAGED,
        _ => "Run this as the user that runs the server; if it persists, restore the last backup.",
    }
}

/// A first start will make the file, if it may.
fn missing(path: &Path, report: &mut Report) {
    let dir = path.parent().unwrap_or(path);
    match tempfile::tempfile_in(dir) {
        Ok(_) => report.ok(
            "database",
            format!("{} will be made at the first start", path.display()),
        ),
        Err(error) => report.fail(
            "database",
            format!("{} cannot be made: {error}", path.display()),
            format!(
                "Create {} and let the user that runs the server write there.",
                dir.display()
            ),
        ),
    }
}

/// The address to listen at.
pub fn listen(config: &Config, server_runs: bool, report: &mut Report) {
    let address = config.server.listen;
    match TcpListener::bind(address) {
        Ok(_) => report.ok("listen", format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && server_runs => {
            report.ok(
                "listen",
                format!("{address} is in use, by the running server as it seems"),
            );
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => report.fail(
            "listen",
            format!("{address} is in use by another program"),
            "Stop that program, or set server.listen to another port.",
        ),
        Err(error) => report.fail(
            "listen",
            format!("{address}: {error}"),
            "Set server.listen to an address of this machine and a port above 1023.",
        ),
    }
}

/// What customers can pay with.
pub fn wallets(config: &Config, report: &mut Report) {
    if config.wallets.is_empty() {
        report.warn(
            "wallets",
            "none: nobody can pay",
            "Add a [[wallets]] block with an address of yours to the configuration.",
        );
    }
    for wallet in &config.wallets {
        let chain = config.chain(&wallet.blockchain);
        let coins: Vec<&str> = wallet.enabled_coins.iter().map(|c| c.as_str()).collect();
        let name = chain.map_or(wallet.blockchain.as_str(), |c| c.chain.name.as_str());
        report.ok(
            "wallet",
            format!("{} on {name} takes {}", wallet.address, coins.join(", ")),
        );
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
