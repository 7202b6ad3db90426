//! Lists of orders, as the admin sees them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};

use super::page::{Page, Place, Walk};
use super::rows::{self, ORDER_COLUMNS};
use super::{StoreError, Tx, order_search};
use crate::clock::UnixSeconds;
use crate::domain::order::{Order, OrderId, OrderStatus};

/// Which orders. A condition that is `None` asks for nothing.
#[derive(Clone, Default, Debug)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub merchant_order_id: Option<String>,
    /// Chain of the payment that the order shows.
    pub payment_chain: Option<String>,
    pub payment_coin: Option<String>,
    /// What people have in hand: the order's own id, a transaction's hash, or the beginning of the merchant's id.
    pub search: Option<String>,
}

/// An order and how the webhook of its present status fares.
#[derive(Clone, Debug)]
pub struct ListedOrder {
    pub order: Order,
    /// How often it was sent in vain.
    pub webhook_failures: u32,
    pub webhook_tried_at: Option<UnixSeconds>,
    pub webhook_success_at: Option<UnixSeconds>,
}

/// A page of orders, and the place of its last one. Those of a search are sorted by the merchant's id, the greatest first.
pub fn list(
    connection: &Connection,
    filter: &OrderFilter,
    page: &Page,
) -> Result<(Vec<ListedOrder>, Option<Place>), StoreError> {
    if let Some(text) = &filter.search {
        return order_search::search(connection, text, filter, page);
    }
    let (walk, values) = walk(filter);
    let places = walk.places(connection, values, page)?;
    let orders: Result<_, _> = places.iter().map(|p| at(connection, p.row)).collect();
    Ok((orders?, places.last().copied()))
}

/// The index that serves a filter best, with the values of its conditions. What the merchant's own id finds is little;
/// payments by chain and coin are more, all orders of a status the most.
pub(super) fn walk(filter: &OrderFilter) -> (Walk, Vec<Value>) {
    let mut values = Vec::new();
    let mut with = |value: &str| values.push(Value::Text(value.to_owned()));
    let (index, indexed) = match (
        &filter.merchant_order_id,
        &filter.payment_chain,
        &filter.payment_coin,
    ) {
        (Some(id), ..) => {
            with(id);
            ("orders_by_merchant_id", "merchant_order_id = ?")
        }
        (None, Some(chain), Some(coin)) => {
            with(chain);
            with(coin);
            (
                "orders_by_payment",
                "payment_chain = ? AND payment_coin = ?",
            )
        }
        (None, Some(chain), None) => {
            with(chain);
            ("orders_by_payment_chain", "payment_chain = ?")
        }
        (None, None, Some(coin)) => {
            with(coin);
            (
                "orders_by_payment_coin",
                "payment_coin = ? AND payment_chain IS NOT NULL",
            )
        }
        (None, None, None) => match filter.status {
            Some(status) => {
                with(status.as_str());
                ("orders_by_status", "status = ?")
            }
            None => ("orders_by_time", ""),
        },
    };
    let mut others = Vec::new();
    if index == "orders_by_merchant_id" {
        if let Some(chain) = &filter.payment_chain {
            with(chain);
            others.push("payment_chain = ?");
        }
        if let Some(coin) = &filter.payment_coin {
            with(coin);
            others.push("payment_coin = ?");
        }
    }
    if let Some(status) = filter.status.filter(|_| index != "orders_by_status") {
        with(status.as_str());
        others.push("status = ?");
    }
    let walk = Walk {
        table: "orders",
        index,
        time: "created_at",
        indexed,
        others,
    };
    (walk, values)
}

/// The order that a transfer with this transaction hash pays, or is about to pay.
pub fn by_hash(connection: &Connection, txn_hash: &str) -> Result<Vec<ListedOrder>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT d.order_id FROM transfers t INDEXED BY transfers_by_hash
         JOIN deposits d ON d.id = coalesce(t.fulfillment, t.candidate) WHERE t.txn_hash = ?1 LIMIT 200",
    )?;
    let found = statement.query_map([txn_hash], |row| row.get(0))?;
    found.map(|row| at(connection, row?)).collect()
}

/// The order with this public id.
pub fn find(connection: &Connection, id: OrderId) -> Result<Option<ListedOrder>, StoreError> {
    let sql = format!("{} WHERE o.order_id = ?1", select());
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.to_string()], listed).optional()?)
}

/// The order in this row.
pub fn at(connection: &Connection, row: i64) -> Result<ListedOrder, StoreError> {
    let sql = format!("{} WHERE o.id = ?1", select());
    Ok(connection.prepare_cached(&sql)?.query_row([row], listed)?)
}

fn select() -> String {
    format!(
        "SELECT {ORDER_COLUMNS}, o.webhook_failures, o.webhook_tried_at, o.webhook_success_at
         FROM orders o LEFT JOIN transfers t ON t.id = o.shown_transfer"
    )
}

fn listed(row: &Row<'_>) -> Result<ListedOrder, rusqlite::Error> {
    Ok(ListedOrder {
        order: rows::order(row)?,
        webhook_failures: row.get("webhook_failures")?,
        webhook_tried_at: row.get("webhook_tried_at")?,
        webhook_success_at: row.get("webhook_success_at")?,
    })
}

/// Starts the score of an order's webhook anew: it has a new event, or the old one is sent again.
pub fn reset_webhook(tx: &Tx<'_>, order_row: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE orders SET webhook_failures = 0, webhook_tried_at = NULL, webhook_success_at = NULL WHERE id = ?1",
    )?
    .execute([order_row])?;
    Ok(())
}

/// Notes an attempt at an order's event in its score, if it is the order's latest event.
pub fn score_webhook(tx: &Tx<'_>, event: i64, delivered: bool) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE orders SET webhook_tried_at = ?2, webhook_failures = webhook_failures + NOT ?3,
             webhook_success_at = CASE WHEN ?3 THEN ?2 ELSE webhook_success_at END
         WHERE id = (SELECT order_id FROM events WHERE id = ?1)
           AND ?1 = (SELECT max(id) FROM events WHERE order_id = orders.id)",
    )?
    .execute((event, tx.now, delivered))?;
    Ok(())
}
