//! Deposits that a stray transfer may have been meant for.

use rusqlite::{Connection, Row, params};

use super::deposits::{self, COLUMNS};
use super::{StoreError, rows};
use crate::domain::likely::Candidate;
use crate::domain::order::OrderId;
use crate::domain::transfer::Transfer;

/// Deposits looked at of each kind: opened not long before the transfer; asking for exactly its value anywhere; asking
/// for a little more or less where it went.
const OF_A_KIND: i64 = 40;

/// A candidate with its order's ids.
#[derive(Clone, Debug)]
pub struct Meant {
    pub candidate: Candidate,
    pub order: OrderId,
    pub merchant_order_id: String,
    /// What the order asks for, as the merchant wrote it.
    pub amount: String,
}

pub(super) const NEAR: &str = "
    SELECT id FROM (SELECT id FROM deposits INDEXED BY deposits_by_time WHERE opened_at <= ?1
                    ORDER BY opened_at DESC, id DESC LIMIT ?7)
    UNION SELECT id FROM (SELECT id FROM deposits INDEXED BY deposits_by_amount WHERE micros = ?5 AND opened_at <= ?1
                    ORDER BY opened_at DESC, id DESC LIMIT ?7)
    UNION SELECT id FROM (SELECT id FROM deposits INDEXED BY deposits_by_value
                    WHERE blockchain = ?2 AND wallet = ?3 AND stablecoin = ?4 AND micros BETWEEN ?6 AND ?5
                    ORDER BY micros DESC, closed_at DESC LIMIT ?7)
    UNION SELECT id FROM (SELECT id FROM deposits INDEXED BY deposits_by_value
                    WHERE blockchain = ?2 AND wallet = ?3 AND stablecoin = ?4 AND micros BETWEEN ?5 AND ?5 + ?5
                    ORDER BY micros, closed_at LIMIT ?7)";

/// Deposits near a transfer in time or value, in no order.
pub fn near(connection: &Connection, transfer: &Transfer) -> Result<Vec<Meant>, StoreError> {
    // A minute for clocks that differ.
    let opened_by = transfer.mined_at.saturating_add(60);
    // Deposits are whole millionths, and so small that twice their value fits: what is finer or larger is near none by value.
    let micros = transfer
        .value
        .to_micros()
        .filter(|m| *m < 1 << 61)
        .unwrap_or(0);
    let mut statement = connection.prepare_cached(NEAR)?;
    let key = params![
        opened_by,
        transfer.blockchain.as_str(),
        transfer.recipient.to_string(),
        transfer.coin.as_str(),
        micros,
        micros / 2,
        OF_A_KIND,
    ];
    let rows: Result<Vec<i64>, _> = statement.query_map(key, |row| row.get(0))?.collect();
    let mut statement = connection.prepare_cached(&meant_sql())?;
    rows?
        .into_iter()
        .map(|row| Ok(statement.query_row([row], meant)?))
        .collect()
}

/// A transfer has up to 160 candidates, and the inbox many transfers: one look-up each.
pub(super) fn meant_sql() -> String {
    format!(
        "SELECT {COLUMNS}, o.status, o.order_id, o.merchant_order_id, o.amount
         FROM deposits d JOIN orders o ON o.id = d.order_id WHERE d.id = ?1"
    )
}

fn meant(row: &Row<'_>) -> Result<Meant, rusqlite::Error> {
    Ok(Meant {
        candidate: Candidate {
            deposit: deposits::deposit(row)?,
            order: rows::order_status(row, 10)?,
        },
        order: rows::parsed(row, 11)?,
        merchant_order_id: row.get(12)?,
        amount: row.get(13)?,
    })
}
