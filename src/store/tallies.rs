//! How much there is of what, for the metrics.

use rusqlite::Connection;

use super::StoreError;
use crate::clock::UnixSeconds;

/// Counts of what is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tallies {
    pub orders: Vec<(String, u64)>,
    pub transfers: Vec<(String, u64)>,
    /// Transfers that paid an order and then left the chain.
    pub vanished: u64,
    pub webhooks: Vec<(&'static str, u64)>,
    /// When the webhook that has waited longest was queued.
    pub oldest_webhook: Option<UnixSeconds>,
    /// The lowest block up to which each chain's wallets have been read.
    pub scanned: Vec<(String, u64)>,
}

/// Counts everything: along indices, but in time that grows with the number of orders.
pub fn count(connection: &Connection) -> Result<Tallies, StoreError> {
    let number = |sql: &str| -> Result<u64, StoreError> {
        Ok(connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    };
    let queued = number("SELECT count(*) FROM events WHERE state = 'queued'")?;
    let given_up = number("SELECT count(*) FROM events WHERE state = 'given_up'")?;
    let mut oldest =
        connection.prepare_cached("SELECT min(created_at) FROM events WHERE state = 'queued'")?;
    Ok(Tallies {
        orders: by_name(
            connection,
            "SELECT status, count(*) FROM orders GROUP BY status",
        )?,
        transfers: by_name(
            connection,
            "SELECT status, count(*) FROM transfers GROUP BY status",
        )?,
        // Those that vanished are watched, in case they come back.
        vanished: number("SELECT count(*) FROM transfers WHERE watched = 1 AND vanished = 1")?,
        webhooks: vec![("queued", queued), ("given_up", given_up)],
        oldest_webhook: oldest.query_row([], |row| row.get(0))?,
        scanned: by_name(
            connection,
            "SELECT blockchain, min(scanned_to) FROM cursors GROUP BY blockchain",
        )?,
    })
}

fn by_name(connection: &Connection, sql: &str) -> Result<Vec<(String, u64)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}
