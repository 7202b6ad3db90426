//! The feed: what happened to orders and transfers, in the order of commits.

use rusqlite::{Connection, params};

use super::rows::{self, ORDER_COLUMNS};
use super::{Change, StoreError, Tx};
use crate::clock::UnixSeconds;
use crate::domain::order::{Order, OrderStatus};

/// What a change is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    OrderCreated,
    OrderStatusChanged,
    /// The payment that the order shows came, went, or is another one.
    PaymentChanged,
    /// A transfer was confirmed and fits nothing.
    UnknownTransfer,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrderCreated => "order_created",
            Self::OrderStatusChanged => "order_status_changed",
            Self::PaymentChanged => "payment_changed",
            Self::UnknownTransfer => "unknown_transfer",
        }
    }
}

/// One entry of the feed.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: i64,
    pub at: UnixSeconds,
    pub kind: String,
    /// The order as this change left it.
    pub order: Option<Order>,
    pub transfer: Option<i64>,
}

/// The entries after one, and what the feed was at that moment.
#[derive(Clone, Debug)]
pub struct Part {
    pub entries: Vec<Entry>,
    /// The last entry there is; 0 for none.
    pub last: i64,
    /// Whether there were others after that one which are gone, or it is none of this feed's: a restored backup lacks some of what was in the
    /// database before, and goes on with greater ids.
    pub missed: bool,
}

/// Notes that an order changed, as it is now.
pub fn note_order(tx: &mut Tx<'_>, kind: Kind, order_row: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO changes (at, kind, order_id, status, closed_at, shown_transfer)
         SELECT ?2, ?3, id, status, closed_at, shown_transfer FROM orders WHERE id = ?1",
    )?
    .execute(params![order_row, tx.now, kind.as_str()])?;
    tx.announce(Change::Feed);
    Ok(())
}

/// Notes that a transfer was found to fit nothing.
pub fn note_unknown_transfer(tx: &mut Tx<'_>, transfer: i64) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO changes (at, kind, transfer_id) VALUES (?1, ?2, ?3)")?
        .execute(params![tx.now, Kind::UnknownTransfer.as_str(), transfer])?;
    tx.announce(Change::Feed);
    Ok(())
}

fn select() -> String {
    format!(
        "SELECT {ORDER_COLUMNS}, c.id AS change, c.at, c.kind, c.transfer_id, c.status AS then_status,
             c.closed_at AS then_closed_at
         FROM changes c LEFT JOIN orders o ON o.id = c.order_id LEFT JOIN transfers t ON t.id = c.shown_transfer"
    )
}

fn entry(row: &rusqlite::Row<'_>) -> Result<Entry, rusqlite::Error> {
    let status: Option<String> = row.get("then_status")?;
    let order = match status {
        Some(status) => Some(Order {
            status: OrderStatus::parse(&status).ok_or_else(|| rows::unreadable(0, &status))?,
            closed_at: row.get("then_closed_at")?,
            ..rows::order(row)?
        }),
        None => None,
    };
    Ok(Entry {
        id: row.get("change")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        order,
        transfer: row.get("transfer_id")?,
    })
}

/// The entries after one, the oldest first, all from one moment.
pub fn part(connection: &Connection, id: i64, limit: u32) -> Result<Part, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let (first, last) = bounds(&moment)?;
    // Ids have no gaps but those that a restore left: the oldest entries are forgotten first, and an id that was rolled back is given again.
    let goes_on = id.saturating_add(1) == first.max(1) || exists(&moment, id)?;
    Ok(Part {
        entries: after(&moment, id, limit)?,
        last,
        missed: !goes_on,
    })
}

fn after(connection: &Connection, id: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(&after_sql())?;
    let found = statement.query_map(params![id, limit], entry)?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn after_sql() -> String {
    format!("{} WHERE c.id > ?1 ORDER BY c.id LIMIT ?2", select())
}

/// The entries about an order, the oldest first.
pub fn of_order(connection: &Connection, order_row: i64) -> Result<Vec<Entry>, StoreError> {
    let sql = format!("{} WHERE c.order_id = ?1 ORDER BY c.id", select());
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map([order_row], entry)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn exists(connection: &Connection, id: i64) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM changes WHERE id = ?1)")?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

/// The first and the last id that the feed has.
fn bounds(connection: &Connection) -> Result<(i64, i64), StoreError> {
    let mut first = connection.prepare_cached("SELECT ifnull(min(id), 0) FROM changes")?;
    let mut last = connection.prepare_cached("SELECT ifnull(max(id), 0) FROM changes")?;
    Ok((
        first.query_row([], |row| row.get(0))?,
        last.query_row([], |row| row.get(0))?,
    ))
}

/// Forgets entries from before a time, a bounded number at a time, but never the last one; returns how many.
pub fn prune(tx: &Tx<'_>, before: UnixSeconds) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE at < ?1 LIMIT 1000)
               AND id < (SELECT max(id) FROM changes)",
        )?
        .execute([before])?)
}
