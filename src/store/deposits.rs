//! Deposits.

use rusqlite::{Connection, Row, params};

use super::{StoreError, Tx, rows};
use crate::clock::UnixSeconds;
use crate::domain::address::Address;
use crate::domain::amount::Amount;
use crate::domain::deposit::{Deposit, Opened};
use crate::domain::matching::Kept;
use crate::domain::order::Order;
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::slots::{HeldValue, Holder};
use crate::domain::transfer::Transfer;

/// A deposit about to be opened.
pub struct NewDeposit<'a> {
    pub order: &'a Order,
    pub blockchain: &'a Blockchain,
    pub coin: &'a Coin,
    pub wallet: Address,
    pub micros: u64,
    pub head: Option<u64>,
    /// Whether its value is kept from other deposits.
    pub holds_value: bool,
}

/// The columns of a deposit, as [`deposit`] reads them.
pub(super) const COLUMNS: &str = "d.id, d.blockchain, d.stablecoin, d.wallet, d.micros, d.expected_sender, d.opened_at, \
     d.opened_head, d.after_transfer, o.expires_at";

pub(super) fn deposit(row: &Row<'_>) -> Result<Deposit, rusqlite::Error> {
    Ok(Deposit {
        id: row.get(0)?,
        blockchain: rows::blockchain(row, 1)?,
        coin: rows::coin(row, 2)?,
        wallet: rows::address(row, 3)?,
        value: Amount::from_micros(row.get(4)?),
        expected_sender: rows::optional(row, 5)?,
        opened: Opened {
            at: row.get(6)?,
            head: row.get(7)?,
            after_sequence: row.get(8)?,
        },
        expires_at: row.get(9)?,
    })
}

/// Opens a deposit.
pub fn open(tx: &Tx<'_>, new: &NewDeposit<'_>) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO deposits (order_id, blockchain, stablecoin, wallet, micros, expected_sender, opened_at, opened_head,
             after_transfer, status, holds_value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(max(id), 0) FROM transfers), 'open', ?9)",
    )?
    .execute(params![
        new.order.row,
        new.blockchain.as_str(),
        new.coin.as_str(),
        new.wallet.to_string(),
        new.micros,
        new.order.new.expecting_address.map(|a| a.to_string()),
        tx.now,
        new.head,
        new.holds_value,
    ])?;
    Ok(())
}

/// The order's open deposits for a pair, as (wallet, value): more than one only where wallets left the configuration.
pub fn open_for_pair(
    connection: &Connection,
    order_row: i64,
    blockchain: &Blockchain,
    coin: &Coin,
) -> Result<Vec<(Address, Amount)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT wallet, micros FROM deposits
         WHERE order_id = ?1 AND blockchain = ?2 AND stablecoin = ?3 AND status = 'open'",
    )?;
    let found = statement.query_map(
        params![order_row, blockchain.as_str(), coin.as_str()],
        |row| Ok((rows::address(row, 0)?, Amount::from_micros(row.get(1)?))),
    )?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The values taken in `from..=to` millionths on one chain, wallet and coin: those that are held, by open deposits and
/// by deposits closed after `reserved_since`, and those that open deposits have without holding them, from a time when
/// amounts did not have to be unique.
pub fn taken_values(
    connection: &Connection,
    (blockchain, wallet, coin): (&Blockchain, Address, &Coin),
    (from, to): (u64, u64),
    reserved_since: UnixSeconds,
) -> Result<Vec<HeldValue>, StoreError> {
    let mut statement = connection.prepare_cached(TAKEN_VALUES)?;
    let key = params![
        blockchain.as_str(),
        wallet.to_string(),
        coin.as_str(),
        from,
        to,
        reserved_since
    ];
    let found = statement.query_map(key, |row| {
        Ok(HeldValue {
            holder: Holder::Deposit(row.get(0)?),
            micros: row.get(1)?,
            expected_sender: rows::optional(row, 2)?,
            closed_at: row.get(3)?,
            transfer_seen: row.get(4)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Each half along its own index: a part of all deposits that is small at any time.
pub(super) const TAKEN_VALUES: &str = "
    SELECT id, micros, expected_sender, closed_at, transfer_seen FROM deposits INDEXED BY deposits_held_values
    WHERE blockchain = ?1 AND wallet = ?2 AND stablecoin = ?3 AND micros BETWEEN ?4 AND ?5
      AND holds_value = 1 AND (closed_at IS NULL OR closed_at > ?6)
    UNION ALL
    SELECT id, micros, expected_sender, closed_at, transfer_seen FROM deposits INDEXED BY deposits_open_by_value
    WHERE blockchain = ?1 AND wallet = ?2 AND stablecoin = ?3 AND micros BETWEEN ?4 AND ?5
      AND status = 'open' AND holds_value = 0";

/// Whether a deposit holds a value, be its time over or not.
pub fn is_value_held(
    connection: &Connection,
    (blockchain, wallet, coin): (&Blockchain, Address, &Coin),
    micros: u64,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deposits INDEXED BY deposits_held_values
         WHERE blockchain = ?1 AND wallet = ?2 AND stablecoin = ?3 AND micros = ?4 AND holds_value = 1)",
    )?;
    let key = params![
        blockchain.as_str(),
        wallet.to_string(),
        coin.as_str(),
        micros
    ];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

/// Lets go of a value: what closed deposits held there longer than the window, and the one that is evicted.
pub fn release_value(
    tx: &Tx<'_>,
    (blockchain, wallet, coin): (&Blockchain, Address, &Coin),
    micros: u64,
    reserved_since: UnixSeconds,
    evicts: Option<i64>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deposits SET holds_value = 0
         WHERE blockchain = ?1 AND wallet = ?2 AND stablecoin = ?3 AND micros = ?4
           AND holds_value = 1 AND closed_at IS NOT NULL AND (closed_at <= ?5 OR id = ?6)",
    )?
    .execute(params![
        blockchain.as_str(),
        wallet.to_string(),
        coin.as_str(),
        micros,
        reserved_since,
        evicts
    ])?;
    Ok(())
}

/// Deposits that a transfer's place and value fit: open ones of pending orders.
pub fn open_at(connection: &Connection, transfer: &Transfer) -> Result<Vec<Deposit>, StoreError> {
    at_value(
        connection,
        transfer,
        "d.closed_at IS NULL AND o.status = 'pending'",
        0,
    )
}

/// Deposits that a transfer's place and value fit: those of expired orders, closed after `since`, that still hold
/// their value: one whose value was given to another deposit can never be paid again.
pub fn expired_at(
    connection: &Connection,
    transfer: &Transfer,
    since: UnixSeconds,
) -> Result<Vec<Deposit>, StoreError> {
    at_value(
        connection,
        transfer,
        "d.closed_at > ?5 AND d.holds_value = 1 AND o.status = 'expired'",
        since,
    )
}

/// Deposits on a chain that a transfer's wallet, coin and value fit and that keep their value: open ones, and those
/// closed after `since`. The transfer may be on another chain.
pub fn kept_on(
    connection: &Connection,
    blockchain: &Blockchain,
    transfer: &Transfer,
    since: UnixSeconds,
) -> Result<Vec<Kept>, StoreError> {
    let Some(micros) = transfer.value.to_micros() else {
        return Ok(vec![]);
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, o.id, d.status = 'open' AND o.status = 'pending'
         FROM deposits d JOIN orders o ON o.id = d.order_id
         WHERE d.blockchain = ?1 AND d.wallet = ?2 AND d.stablecoin = ?3 AND d.micros = ?4
           AND (d.closed_at IS NULL OR d.closed_at > ?5)"
    ))?;
    let key = params![
        blockchain.as_str(),
        transfer.recipient.to_string(),
        transfer.coin.as_str(),
        micros,
        since
    ];
    let found = statement.query_map(key, |row| {
        Ok(Kept {
            deposit: deposit(row)?,
            order: row.get(10)?,
            payable: row.get(11)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn at_value(
    connection: &Connection,
    transfer: &Transfer,
    condition: &str,
    closed_since: UnixSeconds,
) -> Result<Vec<Deposit>, StoreError> {
    // Deposits are whole millionths, so a finer value fits none.
    let Some(micros) = transfer.value.to_micros() else {
        return Ok(vec![]);
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM deposits d JOIN orders o ON o.id = d.order_id
         WHERE d.blockchain = ?1 AND d.wallet = ?2 AND d.stablecoin = ?3 AND d.micros = ?4
           AND ?5 >= 0 AND {condition}"
    ))?;
    let key = params![
        transfer.blockchain.as_str(),
        transfer.recipient.to_string(),
        transfer.coin.as_str(),
        micros,
        closed_since
    ];
    let found = statement.query_map(key, deposit)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The amounts of the orders that have an open deposit just above a transfer's value: whether one of them
/// is that value, with a tail that somebody may have dropped.
pub fn order_amounts_above(
    connection: &Connection,
    transfer: &Transfer,
    max_tail_micros: u64,
) -> Result<Vec<String>, StoreError> {
    let Some(micros) = transfer.value.to_micros() else {
        return Ok(vec![]);
    };
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT o.amount FROM deposits d INDEXED BY deposits_open_by_value JOIN orders o ON o.id = d.order_id
         WHERE d.blockchain = ?1 AND d.wallet = ?2 AND d.stablecoin = ?3 AND d.micros > ?4 AND d.micros <= ?5
           AND d.status = 'open'",
    )?;
    let key = params![
        transfer.blockchain.as_str(),
        transfer.recipient.to_string(),
        transfer.coin.as_str(),
        micros,
        micros.saturating_add(max_tail_micros),
    ];
    let found = statement.query_map(key, |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// All deposits of an order, each with whether it can still be paid.
pub fn of_order(
    connection: &Connection,
    order_row: i64,
) -> Result<Vec<(Deposit, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, d.status = 'open' AND o.status = 'pending' FROM deposits d JOIN orders o ON o.id = d.order_id
         WHERE d.order_id = ?1 ORDER BY d.id"
    ))?;
    let found = statement.query_map([order_row], |row| Ok((deposit(row)?, row.get(10)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The deposit in this row.
pub fn at(connection: &Connection, row: i64) -> Result<Deposit, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM deposits d JOIN orders o ON o.id = d.order_id WHERE d.id = ?1"
    ))?;
    Ok(statement.query_row([row], deposit)?)
}

/// An order's deposit for what a transfer brought, which an admin says has paid the order: the one of its chain, coin and
/// wallet, the nearest in value; else a new one for the order's amount, which nobody was shown.
pub fn for_assignment(tx: &Tx<'_>, order: &Order, transfer: &Transfer) -> Result<i64, StoreError> {
    let of_order = of_order(tx, order.row)?;
    let place = |d: &Deposit| {
        (&d.blockchain, &d.coin, d.wallet)
            == (&transfer.blockchain, &transfer.coin, transfer.recipient)
    };
    let apart = |d: &Deposit| match d.value <= transfer.value {
        true => transfer.value.checked_sub(d.value),
        false => d.value.checked_sub(transfer.value),
    };
    let nearest = of_order
        .iter()
        .map(|(deposit, _)| deposit)
        .filter(|d| place(d));
    if let Some(deposit) = nearest.min_by_key(|d| apart(d)) {
        return Ok(deposit.id);
    }
    let micros = Amount::parse(&order.new.amount)
        .ok()
        .and_then(Amount::to_micros)
        .ok_or_else(|| StoreError::Corrupt(format!("amount of order row {}", order.row)))?;
    tx.prepare_cached(
        "INSERT INTO deposits (order_id, blockchain, stablecoin, wallet, micros, expected_sender, opened_at,
             after_transfer, status, closed_at, holds_value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(id), 0) FROM transfers), 'closed', ?7, 0)",
    )?
    .execute(params![
        order.row,
        transfer.blockchain.as_str(),
        transfer.coin.as_str(),
        transfer.recipient.to_string(),
        micros,
        order.new.expecting_address.map(|a| a.to_string()),
        tx.now,
    ])?;
    Ok(tx.last_insert_rowid())
}

/// The row of the order that a deposit belongs to.
pub fn order_of(connection: &Connection, deposit: i64) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT order_id FROM deposits WHERE id = ?1")?;
    Ok(statement.query_row([deposit], |row| row.get(0))?)
}

/// Whether one of an order's deposits was paid: a paid order without one was marked as paid by an admin.
pub fn any_fulfilled(connection: &Connection, order_row: i64) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deposits WHERE order_id = ?1 AND status = 'fulfilled')",
    )?;
    Ok(statement.query_row([order_row], |row| row.get(0))?)
}

/// Remembers that a transfer came for a deposit, so that its value is never given away early.
pub fn mark_transfer_seen(tx: &Tx<'_>, deposit: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE deposits SET transfer_seen = 1 WHERE id = ?1")?
        .execute([deposit])?;
    Ok(())
}

/// Marks a deposit as the one that was paid.
pub fn fulfil(tx: &Tx<'_>, deposit: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deposits SET status = 'fulfilled', closed_at = coalesce(closed_at, ?2), transfer_seen = 1 WHERE id = ?1",
    )?
    .execute(params![deposit, tx.now])?;
    Ok(())
}

/// Whether a deposit is open on a chain: whether its watcher must hurry.
pub fn any_open(connection: &Connection, blockchain: &Blockchain) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deposits WHERE blockchain = ?1 AND status = 'open')",
    )?;
    Ok(statement.query_row([blockchain.as_str()], |row| row.get(0))?)
}

/// The wallets that have open deposits, with their chains.
pub fn wallets_of_open(connection: &Connection) -> Result<Vec<(Blockchain, Address)>, StoreError> {
    let mut statement = connection.prepare_cached(WALLETS_OF_OPEN)?;
    let found = statement.query_map([], |row| {
        Ok((rows::blockchain(row, 0)?, rows::address(row, 1)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) const WALLETS_OF_OPEN: &str = "SELECT DISTINCT blockchain, wallet FROM deposits INDEXED BY deposits_open_by_value WHERE status = 'open'";

/// Whether a wallet has a deposit that is open or was closed after a moment. Reads the wallet's deposits: at the start only.
pub fn any_lately(
    connection: &Connection,
    blockchain: &Blockchain,
    wallet: Address,
    since: UnixSeconds,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deposits WHERE blockchain = ?1 AND wallet = ?2
           AND (closed_at IS NULL OR closed_at > ?3))",
    )?;
    let key = params![blockchain.as_str(), wallet.to_string(), since];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

/// When the oldest deposit on a wallet was opened, whatever became of it. Reads the wallet's deposits: for its first start
/// only.
pub fn oldest(
    connection: &Connection,
    blockchain: &Blockchain,
    wallet: Address,
) -> Result<Option<UnixSeconds>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT min(opened_at) FROM deposits WHERE blockchain = ?1 AND wallet = ?2",
    )?;
    let key = params![blockchain.as_str(), wallet.to_string()];
    Ok(statement.query_row(key, |row| row.get(0))?)
}
