//! Orders.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, ORDER_COLUMNS};
use super::{StoreError, Tx, daily};
use crate::clock::UnixSeconds;
use crate::domain::address::Address;
use crate::domain::order::{NewOrder, Order, OrderId, OrderStatus};
use crate::domain::registry::{Blockchain, Coin};

/// Stores a new pending order.
pub fn insert(tx: &Tx<'_>, id: OrderId, new: NewOrder) -> Result<Order, StoreError> {
    let expires_at = tx.now.saturating_add(new.expires_in);
    tx.prepare_cached(
        "INSERT INTO orders (order_id, merchant_order_id, amount, status, webhook_url, expecting_address, blockchain,
             stablecoin, description, success_url, cancel_url, created_at, expires_at)
         VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        id.to_string(),
        new.merchant_order_id,
        new.amount,
        // The column takes no null; no URL is empty.
        new.webhook_url.as_deref().unwrap_or_default(),
        new.expecting_address.map(|a| a.to_string()),
        new.blockchain.as_ref().map(|b| b.as_str()),
        new.stablecoin.as_ref().map(|c| c.as_str()),
        new.description,
        new.success_url,
        new.cancel_url,
        tx.now,
        expires_at,
    ])?;
    // The row's id before any other row is inserted.
    let row = tx.last_insert_rowid();
    daily::count_created(tx)?;
    Ok(Order {
        row,
        id,
        new,
        status: OrderStatus::Pending,
        created_at: tx.now,
        expires_at,
        closed_at: None,
        payment: None,
    })
}

/// The order with this public id.
pub fn find(connection: &Connection, id: OrderId) -> Result<Option<Order>, StoreError> {
    let sql = "WHERE o.order_id = ?1";
    select(
        connection,
        sql,
        params![id.as_hyphenated().encode_lower(&mut [0; 36]) as &str],
    )
}

/// The order in this row.
pub fn at(connection: &Connection, row: i64) -> Result<Order, StoreError> {
    select(connection, "WHERE o.id = ?1", params![row])?
        .ok_or_else(|| StoreError::Corrupt(format!("order row {row} is missing")))
}

fn select(
    connection: &Connection,
    condition: &str,
    parameters: &[&dyn rusqlite::ToSql],
) -> Result<Option<Order>, StoreError> {
    let sql = format!(
        "SELECT {ORDER_COLUMNS} FROM orders o LEFT JOIN transfers t ON t.id = o.shown_transfer {condition}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row(parameters, rows::order).optional()?)
}

/// Moves an order into a terminal state and closes its open deposits, which keep their values reserved.
/// The caller has checked that the state may change.
pub fn close(tx: &Tx<'_>, row: i64, status: OrderStatus) -> Result<(), StoreError> {
    let before = at(tx, row)?;
    let before = before.closed_at.map(|closed_at| (before.status, closed_at));
    daily::count_closed(tx, before, status)?;
    tx.prepare_cached("UPDATE orders SET status = ?2, closed_at = ?3 WHERE id = ?1")?
        .execute(params![row, status.as_str(), tx.now])?;
    tx.prepare_cached(
        "UPDATE deposits SET status = 'closed', closed_at = ?2 WHERE order_id = ?1 AND status = 'open'",
    )?
    .execute(params![row, tx.now])?;
    Ok(())
}

/// Sets the transfer that the order shows as its payment; returns whether that is another one than before.
pub fn show_transfer(tx: &Tx<'_>, row: i64, transfer: Option<i64>) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE orders SET shown_transfer = ?2, (payment_chain, payment_coin) =
                 (SELECT blockchain, stablecoin FROM transfers WHERE id = ?2)
             WHERE id = ?1 AND shown_transfer IS NOT ?2",
        )?
        .execute(params![row, transfer])?;
    Ok(changed > 0)
}

/// An order whose time is over, with what its open deposits wait for.
pub struct Overdue {
    pub row: i64,
    pub expires_at: UnixSeconds,
    pub open: Vec<(Blockchain, Coin, Address)>,
}

/// Pending orders that expired before now, the longest overdue first, beginning after a known one.
pub fn overdue(
    connection: &Connection,
    now: UnixSeconds,
    after: (UnixSeconds, i64),
    limit: u32,
) -> Result<Vec<Overdue>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.expires_at, d.wallet, d.blockchain, d.stablecoin
         FROM (SELECT id, expires_at FROM orders
               WHERE status = 'pending' AND expires_at < ?1 AND (expires_at, id) > (?2, ?3)
               ORDER BY expires_at, id LIMIT ?4) o
         LEFT JOIN deposits d ON d.order_id = o.id AND d.status = 'open'
         ORDER BY o.expires_at, o.id",
    )?;
    let mut rows = statement.query(params![now, after.0, after.1, limit])?;
    let mut overdue: Vec<Overdue> = Vec::new();
    while let Some(row) = rows.next()? {
        let order = row.get(0)?;
        if overdue.last().is_none_or(|last| last.row != order) {
            overdue.push(Overdue {
                row: order,
                expires_at: row.get(1)?,
                open: Vec::new(),
            });
        }
        if let (Some(last), Some(wallet)) = (overdue.last_mut(), rows::optional(row, 2)?) {
            let place = (rows::blockchain(row, 3)?, rows::coin(row, 4)?, wallet);
            last.open.push(place);
        }
    }
    Ok(overdue)
}
