//! How much each provider was used, in the day in which it was used last.

use rusqlite::{Connection, Row, params};

use super::{StoreError, Tx};
use crate::domain::registry::Blockchain;

/// A provider's day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Usage {
    pub blockchain: Blockchain,
    /// Kind and host.
    pub provider: String,
    /// Which it is of a chain's providers of one kind at one host.
    pub nth: u32,
    /// Days since 1970-01-01 (UTC).
    pub day: i64,
    pub requests: u64,
    pub errors: u64,
    /// What was left of its plan's budget, and when, in Unix milliseconds.
    pub budget: Option<(i64, i64)>,
    /// Tells the key whose budget that is from others.
    pub budget_key: Option<u16>,
}

/// All that is known, in an order that keeps those of one kind and host as they were.
pub fn all(connection: &Connection) -> Result<Vec<Usage>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT blockchain, provider, nth, day, requests, errors, budget_left, budget_at, budget_key
         FROM provider_usage ORDER BY blockchain, provider, nth",
    )?;
    let found = statement.query_map([], usage)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn usage(row: &Row<'_>) -> Result<Usage, rusqlite::Error> {
    let blockchain: String = row.get(0)?;
    let (left, at): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(Usage {
        blockchain: Blockchain::new(&blockchain),
        provider: row.get(1)?,
        nth: row.get(2)?,
        day: row.get(3)?,
        requests: row.get(4)?,
        errors: row.get(5)?,
        budget: left.zip(at),
        budget_key: row.get(8)?,
    })
}

/// Keeps these in the place of what was known of the same providers.
pub fn keep(tx: &Tx<'_>, usages: &[Usage]) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO provider_usage (blockchain, provider, nth, day, requests, errors, budget_left, budget_at,
             budget_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for usage in usages {
        let (left, at) = usage.budget.unzip();
        statement.execute(params![
            usage.blockchain.as_str(),
            usage.provider,
            usage.nth,
            usage.day,
            usage.requests,
            usage.errors,
            left,
            at,
            usage.budget_key
        ])?;
    }
    Ok(())
}

/// Forgets days before this one; returns how many.
pub fn prune(tx: &Tx<'_>, before: i64) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached("DELETE FROM provider_usage WHERE day < ?1")?
        .execute([before])?)
}
