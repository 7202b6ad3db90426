//! Cursors: how far each wallet's chain has been read.

use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, Tx, rows};
use crate::domain::address::Address;
use crate::domain::registry::Blockchain;
use crate::domain::scanning::Cursor;

/// The cursor of a wallet, if it was ever watched.
pub fn find(
    connection: &Connection,
    blockchain: &Blockchain,
    wallet: Address,
) -> Result<Option<Cursor>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT first_block, scanned_to FROM cursors WHERE blockchain = ?1 AND wallet = ?2",
    )?;
    let found = statement.query_row(params![blockchain.as_str(), wallet.to_string()], |row| {
        Ok(Cursor {
            first: row.get(0)?,
            scanned_to: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

/// All wallets of a chain that were ever watched: our own addresses, whose sends are never payments.
pub fn wallets(
    connection: &Connection,
    blockchain: &Blockchain,
) -> Result<Vec<Address>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT wallet FROM cursors WHERE blockchain = ?1")?;
    let found = statement.query_map([blockchain.as_str()], |row| rows::address(row, 0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// All wallets that were ever watched, with their chains.
pub fn all(connection: &Connection) -> Result<Vec<(Blockchain, Address)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT blockchain, wallet FROM cursors")?;
    let found = statement.query_map([], |row| {
        Ok((rows::blockchain(row, 0)?, rows::address(row, 1)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Stores a cursor.
pub fn set(
    tx: &Tx<'_>,
    blockchain: &Blockchain,
    wallet: Address,
    cursor: Cursor,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO cursors (blockchain, wallet, first_block, scanned_to) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (blockchain, wallet) DO UPDATE SET first_block = ?3, scanned_to = ?4",
    )?
    .execute(params![
        blockchain.as_str(),
        wallet.to_string(),
        cursor.first,
        cursor.scanned_to
    ])?;
    Ok(())
}
