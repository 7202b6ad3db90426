//! How many there are of what needs a look, up to a bound: nobody needs to know it exactly beyond that.

use rusqlite::Connection;

use super::{StoreError, rows};
use crate::domain::registry::Blockchain;

/// Counting stops here.
pub const MOST: u64 = 10_000;

/// What there is now, each no more than [`MOST`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    pub pending_orders: u64,
    pub open_deposits: u64,
    pub waiting_transfers: u64,
    /// Without the small ones.
    pub unmatched_transfers: u64,
    /// Unmatched ones that were too small to be reported.
    pub small_transfers: u64,
    pub failing_webhooks: u64,
}

/// Counts what there is now.
pub fn now(connection: &Connection) -> Result<Now, StoreError> {
    let count = |rows: &str| -> Result<u64, StoreError> {
        Ok(connection
            .prepare_cached(&sql(rows))?
            .query_row([], |row| row.get(0))?)
    };
    Ok(Now {
        pending_orders: count(PENDING)?,
        open_deposits: count(OPEN)?,
        waiting_transfers: count(WAITING)?,
        unmatched_transfers: count(UNMATCHED)?,
        small_transfers: count(SMALL)?,
        failing_webhooks: count(FAILING)?,
    })
}

/// Deposits on a chain that shoppers may still pay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenOn {
    pub blockchain: Blockchain,
    pub deposits: u64,
    /// When the last of them expires, in UTC, such as "2026-11-23 01:43:07".
    pub until: String,
}

/// The open deposits of each chain that has any.
pub fn open_on_each_chain(connection: &Connection) -> Result<Vec<OpenOn>, StoreError> {
    let mut statement = connection.prepare_cached(OPEN_ON_EACH_CHAIN)?;
    let found = statement.query_map([], |row| {
        Ok(OpenOn {
            blockchain: rows::blockchain(row, 0)?,
            deposits: row.get(1)?,
            until: row.get(2)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) const OPEN_ON_EACH_CHAIN: &str = "
    SELECT d.blockchain, count(*), datetime(max(o.expires_at), 'unixepoch')
    FROM deposits d INDEXED BY deposits_open_by_value JOIN orders o ON o.id = d.order_id
    WHERE d.status = 'open' GROUP BY d.blockchain";

pub(super) const PENDING: &str = "orders INDEXED BY orders_by_status WHERE status = 'pending'";
pub(super) const OPEN: &str = "deposits INDEXED BY deposits_open WHERE status = 'open'";
pub(super) const WAITING: &str =
    "transfers INDEXED BY transfers_by_status WHERE status = 'waiting_for_confirmation'";
pub(super) const UNMATCHED: &str = "transfers INDEXED BY transfers_unmatched_by_size
     WHERE small = 0 AND status = 'no_matched_deposit' AND ignored = 0";
pub(super) const SMALL: &str = "transfers INDEXED BY transfers_unmatched_by_size
     WHERE small = 1 AND status = 'no_matched_deposit' AND ignored = 0";
pub(super) const FAILING: &str = "events INDEXED BY events_failing
     WHERE state = 'given_up' OR state = 'queued' AND attempts > 0";

pub(super) fn sql(rows: &str) -> String {
    format!("SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {MOST})")
}
