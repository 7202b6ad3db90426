//! What makes a repeated order creation the same order: idempotency keys and seen signatures.

use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, Tx};
use crate::clock::UnixSeconds;

/// The order made by a request with this very signature, if any.
pub fn by_signature(
    connection: &Connection,
    signed_at: UnixSeconds,
    mac: &[u8],
) -> Result<Option<i64>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT order_id FROM creations WHERE signed_at = ?1 AND mac = ?2")?;
    Ok(statement
        .query_row(params![signed_at, mac], |row| row.get(0))
        .optional()?)
}

/// Remembers the signature that an order was created with.
pub fn remember_signature(
    tx: &Tx<'_>,
    signed_at: UnixSeconds,
    mac: &[u8],
    order_row: i64,
) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO creations (signed_at, mac, order_id) VALUES (?1, ?2, ?3)")?
        .execute(params![signed_at, mac, order_row])?;
    Ok(())
}

/// The hash of the body and the order that a key stands for, if it was used since.
pub fn by_key(
    connection: &Connection,
    key: &str,
    since: UnixSeconds,
) -> Result<Option<(Vec<u8>, i64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT body_hash, order_id FROM idempotency_keys WHERE idempotency_key = ?1 AND created_at > ?2",
    )?;
    let found = statement.query_row(params![key, since], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

/// Remembers a key; one that had run out is given its new meaning.
pub fn remember_key(
    tx: &Tx<'_>,
    key: &str,
    body_hash: &[u8],
    order_row: i64,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO idempotency_keys (idempotency_key, body_hash, order_id, created_at)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![key, body_hash, order_row, tx.now])?;
    Ok(())
}

/// Forgets what cannot be replayed any more, a bounded number at a time; returns how many were forgotten.
pub fn prune(
    tx: &Tx<'_>,
    keys_before: UnixSeconds,
    signatures_before: UnixSeconds,
) -> Result<usize, StoreError> {
    let keys = tx
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE idempotency_key IN
             (SELECT idempotency_key FROM idempotency_keys WHERE created_at < ?1 LIMIT 1000)",
        )?
        .execute([keys_before])?;
    let signatures = tx
        .prepare_cached(
            "DELETE FROM creations WHERE (signed_at, mac) IN
             (SELECT signed_at, mac FROM creations WHERE signed_at < ?1 LIMIT 1000)",
        )?
        .execute([signatures_before])?;
    Ok(keys + signatures)
}
