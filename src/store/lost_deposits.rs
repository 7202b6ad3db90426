//! Deposits that a restored backup has not, but customers were shown: their values are kept from other orders.

use rusqlite::{Connection, params};

use super::{StoreError, Tx, rows};
use crate::clock::UnixSeconds;
use crate::domain::address::Address;
use crate::domain::order::OrderId;
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::slots::{HeldValue, Holder};
use crate::domain::transfer::Transfer;

/// The values in `from..=to` millionths on one chain, wallet and coin that are kept for others than this order, whose
/// customer may be shown again what was lost.
pub fn taken_values(
    connection: &Connection,
    (blockchain, wallet, coin): (&Blockchain, Address, &Coin),
    (from, to): (u64, u64),
    reserved_since: UnixSeconds,
    order: OrderId,
) -> Result<Vec<HeldValue>, StoreError> {
    let mut statement = connection.prepare_cached(TAKEN_VALUES)?;
    let key = params![
        blockchain.as_str(),
        wallet.to_string(),
        coin.as_str(),
        from,
        to,
        reserved_since,
        order.to_string()
    ];
    let found = statement.query_map(key, |row| {
        Ok(HeldValue {
            holder: Holder::LostDeposit(row.get(0)?),
            micros: row.get(1)?,
            expected_sender: rows::optional(row, 2)?,
            closed_at: row.get(3)?,
            transfer_seen: row.get(4)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) const TAKEN_VALUES: &str = "
    SELECT id, micros, expected_sender, closed_at, transfer_seen FROM lost_deposits
    WHERE blockchain = ?1 AND wallet = ?2 AND stablecoin = ?3 AND micros BETWEEN ?4 AND ?5
      AND closed_at > ?6 AND order_id <> ?7";

/// Whether a transfer that would pay this deposit can be meant for a lost one of another order on a chain. The transfer may be
/// on another one.
pub fn may_be_meant(
    connection: &Connection,
    blockchain: &Blockchain,
    transfer: &Transfer,
    deposit: i64,
    reserved_since: UnixSeconds,
) -> Result<bool, StoreError> {
    // Deposits are whole millionths, so a finer value is that of none.
    let Some(micros) = transfer.value.to_micros() else {
        return Ok(false);
    };
    let mut statement = connection.prepare_cached(MEANT)?;
    let key = params![
        blockchain.as_str(),
        transfer.recipient.to_string(),
        transfer.coin.as_str(),
        micros,
        reserved_since,
        transfer.sender.to_string(),
        deposit
    ];
    Ok(statement.exists(key)?)
}

pub(super) const MEANT: &str = "
    SELECT 1 FROM lost_deposits
    WHERE blockchain = ?1 AND wallet = ?2 AND stablecoin = ?3 AND micros = ?4 AND closed_at > ?5
      AND (expected_sender IS NULL OR expected_sender = ?6)
      AND order_id <> (SELECT o.order_id FROM deposits d JOIN orders o ON o.id = d.order_id WHERE d.id = ?7)";

/// Whether a wallet has one that was closed after a moment.
pub fn any_lately(
    connection: &Connection,
    blockchain: &Blockchain,
    wallet: Address,
    since: UnixSeconds,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(ANY_LATELY)?;
    let key = params![blockchain.as_str(), wallet.to_string(), since];
    Ok(statement.exists(key)?)
}

pub(super) const ANY_LATELY: &str =
    "SELECT 1 FROM lost_deposits WHERE blockchain = ?1 AND wallet = ?2 AND closed_at > ?3";

/// Lets go of the value that one keeps.
pub fn release(tx: &Tx<'_>, row: i64) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM lost_deposits WHERE id = ?1")?
        .execute([row])?;
    Ok(())
}

/// Forgets those that keep nothing any more, a bounded number at a time; returns how many.
pub fn prune(tx: &Tx<'_>, reserved_since: UnixSeconds) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM lost_deposits WHERE id IN (SELECT id FROM lost_deposits WHERE closed_at <= ?1 LIMIT 1000)",
        )?
        .execute([reserved_since])?)
}
