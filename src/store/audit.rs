//! The audit trail: what admins did.

use rusqlite::{Connection, Row, params};

use super::{StoreError, Tx};
use crate::clock::UnixSeconds;

/// What an admin does.
#[derive(Clone, Default, Debug)]
pub struct Action {
    pub name: &'static str,
    /// Row of the order, and of the transfer, that it is about.
    pub order: Option<i64>,
    pub transfer: Option<i64>,
    pub detail: Option<String>,
}

/// Who acts, and why.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The address that the request came from.
    pub client: String,
    pub reason: Option<String>,
}

/// One line of the trail.
#[derive(Clone, Debug)]
pub struct Entry {
    pub row: i64,
    pub at: UnixSeconds,
    pub client: String,
    pub action: String,
    pub order_id: Option<String>,
    pub transfer_id: Option<i64>,
    pub reason: Option<String>,
    pub detail: Option<String>,
}

/// Writes a line, in the transaction of the action itself.
pub fn note(tx: &Tx<'_>, actor: &Actor, action: Action) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO audit (at, client, action, order_id, transfer_id, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        tx.now,
        actor.client,
        action.name,
        action.order,
        action.transfer,
        actor.reason,
        action.detail
    ])?;
    Ok(())
}

const SELECT: &str =
    "SELECT a.id, a.at, a.client, a.action, o.order_id, a.transfer_id, a.reason, a.detail
     FROM audit a LEFT JOIN orders o ON o.id = a.order_id";

/// A page of the trail, newest first, from before a line on.
pub fn list(
    connection: &Connection,
    before: Option<i64>,
    limit: u32,
    offset: u32,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(&list_sql())?;
    let found = statement.query_map(params![before.unwrap_or(i64::MAX), limit, offset], entry)?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn list_sql() -> String {
    format!("{SELECT} WHERE a.id < ?1 ORDER BY a.id DESC LIMIT ?2 OFFSET ?3")
}

/// What was done to an order, the oldest first.
pub fn of_order(connection: &Connection, order: i64) -> Result<Vec<Entry>, StoreError> {
    let sql = format!("{SELECT} WHERE a.order_id = ?1 ORDER BY a.id");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map([order], entry)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    Ok(Entry {
        row: row.get(0)?,
        at: row.get(1)?,
        client: row.get(2)?,
        action: row.get(3)?,
        order_id: row.get(4)?,
        transfer_id: row.get(5)?,
        reason: row.get(6)?,
        detail: row.get(7)?,
    })
}
