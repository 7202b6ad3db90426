//! Transfers.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StoreError, Tx, rows};
use crate::clock::UnixSeconds;
use crate::domain::agreement::HeldBack;
use crate::domain::amount::Amount;
use crate::domain::deposit::Deposit;
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::transfer::{BlockRef, ChainTransfer, Transfer, TransferId, TransferStatus};

/// A transfer as stored.
#[derive(Clone, Debug)]
pub struct StoredTransfer {
    pub row: i64,
    pub id: TransferId,
    /// As the rules see it; its sequence is the row.
    pub facts: Transfer,
    pub block: BlockRef,
    pub status: TransferStatus,
    pub confirmations: u64,
    pub waiting_since: UnixSeconds,
    pub failed_at: Option<UnixSeconds>,
    pub candidate: Option<i64>,
    pub fulfillment: Option<i64>,
    pub vanished: bool,
    /// Why it is neither confirmed nor given up yet.
    pub held_back: Option<HeldBack>,
}

const COLUMNS: &str = "id, blockchain, stablecoin, txn_hash, contract, sender, recipient, units, ordinal, value, \
     block_number, block_hash, block_timestamp, mined_at, status, confirmations, waiting_since, failed_at, \
     candidate, fulfillment, vanished, highest_block, held_back";

fn stored(row: &Row<'_>) -> Result<StoredTransfer, rusqlite::Error> {
    let (sender, recipient) = (rows::address(row, 5)?, rows::address(row, 6)?);
    let number = row.get(10)?;
    Ok(StoredTransfer {
        row: row.get(0)?,
        id: TransferId {
            txn_hash: row.get(3)?,
            contract: rows::address(row, 4)?,
            sender,
            recipient,
            units: rows::parsed(row, 7)?,
            ordinal: row.get(8)?,
        },
        facts: Transfer {
            blockchain: rows::blockchain(row, 1)?,
            coin: rows::coin(row, 2)?,
            sender,
            recipient,
            value: rows::amount(row, 9)?,
            block_number: row.get(21)?,
            mined_at: row.get(13)?,
            sequence: row.get(0)?,
        },
        block: BlockRef {
            number,
            hash: row.get(11)?,
            timestamp: row.get(12)?,
        },
        status: rows::transfer_status(row, 14)?,
        confirmations: row.get(15)?,
        waiting_since: row.get(16)?,
        failed_at: row.get(17)?,
        candidate: row.get(18)?,
        fulfillment: row.get(19)?,
        vanished: row.get(20)?,
        held_back: rows::held_back(row, 22)?,
    })
}

/// The transfer with this identity on a chain.
pub fn find(
    connection: &Connection,
    blockchain: &Blockchain,
    id: &TransferId,
) -> Result<Option<StoredTransfer>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM transfers WHERE blockchain = ?1 AND txn_hash = ?2 AND contract = ?3 AND sender = ?4
           AND recipient = ?5 AND units = ?6 AND ordinal = ?7"
    ))?;
    let key = params![
        blockchain.as_str(),
        id.txn_hash,
        id.contract.to_string(),
        id.sender.to_string(),
        id.recipient.to_string(),
        id.units.to_string(),
        id.ordinal
    ];
    Ok(statement.query_row(key, stored).optional()?)
}

/// All transfers of a transaction.
pub fn of_transaction(
    connection: &Connection,
    blockchain: &Blockchain,
    txn_hash: &str,
) -> Result<Vec<StoredTransfer>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM transfers WHERE blockchain = ?1 AND txn_hash = ?2 ORDER BY id"
    ))?;
    let found = statement.query_map([blockchain.as_str(), txn_hash], stored)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The transfer in this row.
pub fn at(connection: &Connection, row: i64) -> Result<StoredTransfer, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM transfers WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([row], stored)?)
}

/// Stores a transfer seen for the first time, waiting for confirmation; returns its row.
pub fn insert(
    tx: &Tx<'_>,
    blockchain: &Blockchain,
    coin: &Coin,
    value: Amount,
    seen: &ChainTransfer,
    required: u32,
) -> Result<i64, StoreError> {
    tx.prepare_cached(
        "INSERT INTO transfers (blockchain, stablecoin, txn_hash, contract, sender, recipient, units, ordinal, value,
             block_number, block_hash, block_timestamp, mined_at, highest_block, status, confirmations, required, created_at,
             waiting_since, watched)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?10, 'waiting_for_confirmation', 0, ?13, ?14, ?14, 1)",
    )?
    .execute(params![
        blockchain.as_str(),
        coin.as_str(),
        seen.id.txn_hash,
        seen.id.contract.to_string(),
        seen.id.sender.to_string(),
        seen.id.recipient.to_string(),
        seen.id.units.to_string(),
        seen.id.ordinal,
        value.to_string(),
        seen.block.number,
        seen.block.hash,
        seen.block.timestamp,
        required,
        tx.now,
    ])?;
    Ok(tx.last_insert_rowid())
}

/// All transfers of a chain that are still looked up, the oldest block first.
pub fn watched(
    connection: &Connection,
    blockchain: &Blockchain,
) -> Result<Vec<StoredTransfer>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM transfers WHERE blockchain = ?1 AND watched = 1 ORDER BY block_number, id"
    ))?;
    let found = statement.query_map([blockchain.as_str()], stored)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Whether a transfer of the chain waits to be confirmed: whether its watcher must hurry.
pub fn any_waiting(connection: &Connection, blockchain: &Blockchain) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM transfers WHERE blockchain = ?1 AND watched = 1
           AND status = 'waiting_for_confirmation')",
    )?;
    Ok(statement.query_row([blockchain.as_str()], |row| row.get(0))?)
}

/// Notes the block that a transfer is in now; the time of its earliest block stays.
pub fn move_to(tx: &Tx<'_>, row: i64, block: &BlockRef) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE transfers SET block_number = ?2, block_hash = ?3, block_timestamp = ?4, mined_at = min(mined_at, ?4),
             highest_block = max(highest_block, ?2)
         WHERE id = ?1",
    )?
    .execute(params![row, block.number, block.hash, block.timestamp])?;
    Ok(())
}

/// Starts a transfer that came back again.
pub fn revive(tx: &Tx<'_>, row: i64, confirmations: u64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE transfers SET status = 'waiting_for_confirmation', confirmations = ?3, waiting_since = ?2,
             failed_at = NULL, watched = 1
         WHERE id = ?1",
    )?
    .execute(params![row, tx.now, confirmations])?;
    Ok(())
}

pub fn set_confirmations(tx: &Tx<'_>, row: i64, confirmations: u64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE transfers SET confirmations = ?2 WHERE id = ?1")?
        .execute(params![row, confirmations])?;
    Ok(())
}

/// Sets the deposit that a waiting transfer will pay.
pub fn set_candidate(tx: &Tx<'_>, row: i64, deposit: Option<i64>) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE transfers SET candidate = ?2 WHERE id = ?1")?
        .execute(params![row, deposit])?;
    Ok(())
}

/// Marks a transfer as gone from the chain; it is looked up for a while.
pub fn set_failed(tx: &Tx<'_>, row: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE transfers SET status = 'failed_to_confirm', failed_at = ?2, confirmations = 0, held_back = NULL
         WHERE id = ?1",
    )?
    .execute(params![row, tx.now])?;
    Ok(())
}

/// Marks a confirmed transfer as the one that paid a deposit; it is watched until it is final.
pub fn set_matched(
    tx: &Tx<'_>,
    row: i64,
    deposit: i64,
    tail_dropped: bool,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE transfers SET status = 'matched', fulfillment = ?2, candidate = ?2, tail_dropped = ?3, watched = 1,
             ignored = 0, held_back = NULL
         WHERE id = ?1",
    )?
    .execute(params![row, deposit, tail_dropped])?;
    Ok(())
}

/// Marks a confirmed transfer as one that fits nothing: it is never matched again by itself. A `small` one is not reported.
pub fn set_unmatched(tx: &Tx<'_>, row: i64, small: bool) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE transfers SET status = 'no_matched_deposit', watched = 0, held_back = NULL, small = ?2 WHERE id = ?1",
    )?
    .execute((row, small))?;
    Ok(())
}

/// Notes why a transfer is neither confirmed nor given up yet; `None`: nothing keeps it.
pub fn set_held_back(tx: &Tx<'_>, row: i64, why: Option<HeldBack>) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE transfers SET held_back = ?2 WHERE id = ?1")?
        .execute(params![row, why.map(HeldBack::as_str)])?;
    Ok(())
}

/// Stops looking a transfer up.
pub fn unwatch(tx: &Tx<'_>, row: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE transfers SET watched = 0 WHERE id = ?1")?
        .execute([row])?;
    Ok(())
}

/// Notes that a transfer that paid an order has left its chain, or that it is back.
pub fn set_vanished(tx: &Tx<'_>, row: i64, vanished: bool) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE transfers SET vanished = ?2 WHERE id = ?1")?
        .execute(params![row, vanished])?;
    Ok(())
}

/// The waiting transfer to show for an order: the one mined first among those that will pay one of its deposits.
/// With `since`, only transfers that have not waited longer than that.
pub fn waiting_for_order(
    connection: &Connection,
    order_row: i64,
    since: UnixSeconds,
) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT t.id FROM deposits d JOIN transfers t ON t.candidate = d.id
         WHERE d.order_id = ?1 AND t.status IN ('waiting_for_confirmation', 'waiting_for_match') AND t.waiting_since >= ?2
         ORDER BY t.block_number, t.id LIMIT 1",
    )?;
    Ok(statement
        .query_row([order_row, since], |row| row.get(0))
        .optional()?)
}

/// Whether a transfer keeps an order from expiring: one that waits since `waiting_since` at the longest, or that left
/// the chain after `gone_since`.
pub fn holds_order(
    connection: &Connection,
    order_row: i64,
    waiting_since: UnixSeconds,
    gone_since: UnixSeconds,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deposits d JOIN transfers t ON t.candidate = d.id
         WHERE d.order_id = ?1
           AND (t.status IN ('waiting_for_confirmation', 'waiting_for_match') AND t.waiting_since >= ?2
                OR t.status = 'failed_to_confirm' AND t.failed_at > ?3))",
    )?;
    let key = params![order_row, waiting_since, gone_since];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

/// Waiting transfers that were going to pay one of an order's deposits.
pub fn waiting_with_candidates_of(
    connection: &Connection,
    order_row: i64,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT t.id FROM deposits d JOIN transfers t ON t.candidate = d.id
         WHERE d.order_id = ?1 AND t.status = 'waiting_for_confirmation' ORDER BY t.id",
    )?;
    let found = statement.query_map([order_row], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Waiting transfers to where a deposit wants its money that will pay no deposit, the first mined first.
pub fn waiting_for_nobody(
    connection: &Connection,
    deposit: &Deposit,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM transfers INDEXED BY transfers_watched
         WHERE blockchain = ?1 AND watched = 1 AND status = 'waiting_for_confirmation' AND candidate IS NULL
           AND recipient = ?2 AND stablecoin = ?3 ORDER BY block_number, id",
    )?;
    let key = params![
        deposit.blockchain.as_str(),
        deposit.wallet.to_string(),
        deposit.coin.as_str(),
    ];
    let found = statement.query_map(key, |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Whether another waiting transfer will pay a deposit.
pub fn is_claimed(connection: &Connection, deposit: i64, but: i64) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM transfers WHERE candidate = ?1 AND id <> ?2
           AND status = 'waiting_for_confirmation')",
    )?;
    Ok(statement.query_row([deposit, but], |row| row.get(0))?)
}
