//! Messages to the operator that wait to be sent.

use rusqlite::{Connection, params};

use super::{StoreError, Tx};
use crate::clock::UnixSeconds;

/// A message that was not sent yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    pub row: i64,
    pub kind: String,
    pub text: String,
    pub created_at: UnixSeconds,
}

/// Queues a message.
pub fn queue(tx: &Tx<'_>, kind: &str, text: &str) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO alerts (kind, text, created_at) VALUES (?1, ?2, ?3)")?
        .execute(params![kind, text, tx.now])?;
    Ok(())
}

/// The messages that wait, the oldest first, but those of one kind before all others.
pub fn waiting(
    connection: &Connection,
    first: &str,
    limit: usize,
) -> Result<Vec<Alert>, StoreError> {
    let mut waiting = some(connection, OF_KIND, first, limit)?;
    let rest = limit - waiting.len();
    waiting.extend(some(connection, OF_OTHERS, first, rest)?);
    Ok(waiting)
}

pub(super) const OF_KIND: &str =
    "SELECT id, kind, text, created_at FROM alerts WHERE kind = ?1 ORDER BY id LIMIT ?2";
pub(super) const OF_OTHERS: &str =
    "SELECT id, kind, text, created_at FROM alerts WHERE kind <> ?1 ORDER BY id LIMIT ?2";

fn some(
    connection: &Connection,
    sql: &str,
    kind: &str,
    limit: usize,
) -> Result<Vec<Alert>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![kind, limit], |row| {
        Ok(Alert {
            row: row.get(0)?,
            kind: row.get(1)?,
            text: row.get(2)?,
            created_at: row.get(3)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Forgets these messages: they were sent, or nobody wants them any more.
pub fn remove(tx: &Tx<'_>, rows: &[i64]) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached("DELETE FROM alerts WHERE id = ?1")?;
    for row in rows {
        statement.execute([row])?;
    }
    Ok(())
}
