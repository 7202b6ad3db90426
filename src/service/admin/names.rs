//! The names of chains and coins by which lists are filtered.

use std::collections::BTreeSet;

use super::AdminError;
use crate::service::App;
use crate::store::names;

/// A chain's name as it is stored, in whatever case it was written.
pub async fn chain(app: &App, written: &str) -> Result<String, AdminError> {
    let config = app.config();
    let configured = config.chains.keys().map(|b| b.as_str().to_owned());
    let mut known: BTreeSet<String> = configured.collect();
    if let Some(name) = spelled(&known, written) {
        return Ok(name);
    }
    // What was paid, or was to be, on a chain that has left the configuration is found all the same.
    known.extend(app.db().read_long(names::of_chains).await?);
    spelled(&known, written).ok_or_else(|| AdminError::Blockchain(listed(&known)))
}

/// A coin's name as it is stored, in whatever case it was written.
pub async fn coin(app: &App, written: &str) -> Result<String, AdminError> {
    let config = app.config();
    let tokens = config.chains.values().flat_map(|c| &c.chain.tokens);
    let mut known: BTreeSet<String> = tokens.map(|t| t.coin.as_str().to_owned()).collect();
    if let Some(name) = spelled(&known, written) {
        return Ok(name);
    }
    known.extend(app.db().read_long(names::of_coins).await?);
    spelled(&known, written).ok_or_else(|| AdminError::Token(listed(&known)))
}

fn spelled(known: &BTreeSet<String>, written: &str) -> Option<String> {
    let exactly = known.get(written);
    let same = || known.iter().find(|name| name.eq_ignore_ascii_case(written));
    exactly.or_else(same).cloned()
}

fn listed(known: &BTreeSet<String>) -> String {
    let names: Vec<_> = known.iter().map(String::as_str).collect();
    names.join(", ")
}
