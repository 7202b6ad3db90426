//! What happened on each UTC day, counted as it happens, so that no statistic reads a million orders.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StoreError, Tx, rows};
use crate::clock::UnixSeconds;
use crate::domain::amount::Amount;
use crate::domain::order::OrderStatus;

const DAY: i64 = 86_400;

/// What paid an order, as statistics tell payments apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source<'a> {
    Transfer {
        blockchain: &'a str,
        coin: &'a str,
    },
    /// An admin said so.
    ByHand,
}

/// Orders of one kind on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Days since 1970-01-01.
    pub day: i64,
    /// `created`, or a terminal status.
    pub what: String,
    pub orders: u64,
}

/// What paid orders on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    pub day: i64,
    /// Without a chain and a coin, orders were marked as paid by an admin.
    pub blockchain: Option<String>,
    pub coin: Option<String>,
    pub orders: u64,
    pub amount: Amount,
}

/// The UTC day of a moment.
pub fn day_of(at: UnixSeconds) -> i64 {
    at.div_euclid(DAY)
}

/// Counts an order created now.
pub fn count_created(tx: &Tx<'_>) -> Result<(), StoreError> {
    count(tx, tx.now, "created", 1)
}

/// Counts an order that gets a terminal status now; one that had another before no longer counts there.
pub fn count_closed(
    tx: &Tx<'_>,
    before: Option<(OrderStatus, UnixSeconds)>,
    status: OrderStatus,
) -> Result<(), StoreError> {
    if let Some((status, closed_at)) = before {
        count(tx, closed_at, status.as_str(), -1)?;
    }
    count(tx, tx.now, status.as_str(), 1)
}

fn count(tx: &Tx<'_>, at: UnixSeconds, what: &str, change: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO daily_orders (day, what, orders) VALUES (?1, ?2, ?3)
         ON CONFLICT (day, what) DO UPDATE SET orders = orders + ?3",
    )?
    .execute(params![day_of(at), what, change])?;
    Ok(())
}

/// Adds a payment of an order that was paid at a moment.
pub fn add_payment(
    tx: &Tx<'_>,
    at: UnixSeconds,
    source: Source<'_>,
    amount: Amount,
) -> Result<(), StoreError> {
    change_payments(tx, at, source, 1, |sum| sum.checked_add(amount))
}

/// Takes a payment back that was added before: it was another one.
pub fn take_payment_back(
    tx: &Tx<'_>,
    at: UnixSeconds,
    source: Source<'_>,
    amount: Amount,
) -> Result<(), StoreError> {
    change_payments(tx, at, source, -1, |sum| sum.checked_sub(amount))
}

fn change_payments(
    tx: &Tx<'_>,
    at: UnixSeconds,
    source: Source<'_>,
    orders: i64,
    change: impl FnOnce(Amount) -> Option<Amount>,
) -> Result<(), StoreError> {
    let (blockchain, coin) = match source {
        Source::Transfer { blockchain, coin } => (blockchain, coin),
        Source::ByHand => ("", ""),
    };
    let key = params![day_of(at), blockchain, coin];
    let sum = tx
        .prepare_cached(
            "SELECT amount FROM daily_payments WHERE day = ?1 AND blockchain = ?2 AND stablecoin = ?3",
        )?
        .query_row(key, |row| rows::amount(row, 0))
        .optional()?
        .unwrap_or(Amount::ZERO);
    // No statistic may keep an order from being paid: what has more than 38 digits is not counted.
    let sum = change(sum).unwrap_or_else(|| {
        tracing::error!(blockchain, coin, %sum, "a day's payments are too much to be summed up; this one is left out");
        sum
    });
    tx.prepare_cached(
        "INSERT INTO daily_payments (day, blockchain, stablecoin, orders, amount) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (day, blockchain, stablecoin) DO UPDATE SET orders = orders + ?4, amount = ?5",
    )?
    .execute(params![day_of(at), blockchain, coin, orders, sum.to_string()])?;
    Ok(())
}

/// The counts of the days `from..=to`, the oldest first.
pub fn orders(connection: &Connection, from: i64, to: i64) -> Result<Vec<Orders>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT day, what, orders FROM daily_orders WHERE day BETWEEN ?1 AND ?2 AND orders > 0 ORDER BY day, what",
    )?;
    let found = statement.query_map([from, to], |row| {
        Ok(Orders {
            day: row.get(0)?,
            what: row.get(1)?,
            orders: row.get(2)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The payments of the days `from..=to`, the oldest first.
pub fn payments(connection: &Connection, from: i64, to: i64) -> Result<Vec<Payments>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT day, blockchain, stablecoin, orders, amount FROM daily_payments
         WHERE day BETWEEN ?1 AND ?2 AND orders > 0 ORDER BY day, blockchain, stablecoin",
    )?;
    let named = |row: &Row<'_>, column| {
        let name: String = row.get(column)?;
        Ok::<_, rusqlite::Error>(Some(name).filter(|name| !name.is_empty()))
    };
    let found = statement.query_map([from, to], |row| {
        Ok(Payments {
            day: row.get(0)?,
            blockchain: named(row, 1)?,
            coin: named(row, 2)?,
            orders: row.get(3)?,
            amount: rows::amount(row, 4)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
