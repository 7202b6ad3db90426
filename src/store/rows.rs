//! Stored texts back to values. What cannot be read is an error, never a guess.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::Type;

use crate::domain::address::Address;
use crate::domain::agreement::HeldBack;
use crate::domain::amount::Amount;
use crate::domain::order::{NewOrder, Order, OrderId, OrderStatus, Payment};
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::transfer::TransferStatus;

type Result<T> = std::result::Result<T, rusqlite::Error>;

/// The columns of an order with its shown payment, as [`order`] reads them.
pub const ORDER_COLUMNS: &str = "o.id, o.order_id, o.merchant_order_id, o.amount, o.status, o.webhook_url, \
     o.expecting_address, o.blockchain, o.stablecoin, o.description, o.success_url, o.cancel_url, \
     o.created_at, o.expires_at, o.closed_at, \
     t.blockchain, t.stablecoin, t.txn_hash, t.value, t.sender, t.block_number, t.block_timestamp, \
     t.confirmations, t.required";

pub fn order(row: &Row<'_>) -> Result<Order> {
    let created_at: i64 = row.get(12)?;
    let expires_at: i64 = row.get(13)?;
    Ok(Order {
        row: row.get(0)?,
        id: parsed::<OrderId>(row, 1)?,
        new: NewOrder {
            merchant_order_id: row.get(2)?,
            amount: row.get(3)?,
            webhook_url: Some(row.get(5)?).filter(|url: &String| !url.is_empty()),
            expecting_address: optional(row, 6)?,
            blockchain: row
                .get::<_, Option<String>>(7)?
                .map(|b| Blockchain::new(&b)),
            stablecoin: row.get::<_, Option<String>>(8)?.map(|c| Coin::new(&c)),
            description: row.get(9)?,
            success_url: row.get(10)?,
            cancel_url: row.get(11)?,
            expires_in: expires_at - created_at,
        },
        status: order_status(row, 4)?,
        created_at,
        expires_at,
        closed_at: row.get(14)?,
        payment: match row.get::<_, Option<String>>(15)? {
            Some(blockchain) => Some(payment(row, &blockchain)?),
            None => None,
        },
    })
}

fn payment(row: &Row<'_>, blockchain: &str) -> Result<Payment> {
    Ok(Payment {
        blockchain: Blockchain::new(blockchain),
        stablecoin: coin(row, 16)?,
        txn_hash: row.get(17)?,
        amount: row.get(18)?,
        from_address: row.get(19)?,
        block_number: row.get(20)?,
        block_timestamp: row.get(21)?,
        confirmations: row.get(22)?,
        confirmations_required: row.get(23)?,
    })
}

pub fn amount(row: &Row<'_>, column: usize) -> Result<Amount> {
    let text = row.get_ref(column)?.as_str()?;
    Amount::parse(text).map_err(|_| unreadable(column, text))
}

pub fn coin(row: &Row<'_>, column: usize) -> Result<Coin> {
    Ok(Coin::new(row.get_ref(column)?.as_str()?))
}

pub fn blockchain(row: &Row<'_>, column: usize) -> Result<Blockchain> {
    Ok(Blockchain::new(row.get_ref(column)?.as_str()?))
}

pub fn order_status(row: &Row<'_>, column: usize) -> Result<OrderStatus> {
    let text = row.get_ref(column)?.as_str()?;
    OrderStatus::parse(text).ok_or_else(|| unreadable(column, text))
}

pub fn transfer_status(row: &Row<'_>, column: usize) -> Result<TransferStatus> {
    let text = row.get_ref(column)?.as_str()?;
    TransferStatus::parse(text).ok_or_else(|| unreadable(column, text))
}

pub fn held_back(row: &Row<'_>, column: usize) -> Result<Option<HeldBack>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => HeldBack::parse(text)
            .map(Some)
            .ok_or_else(|| unreadable(column, text)),
        None => Ok(None),
    }
}

pub fn address(row: &Row<'_>, column: usize) -> Result<Address> {
    parsed(row, column)
}

/// A text column that holds a value of ours.
pub fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|_| unreadable(column, text))
}

pub fn optional<T: FromStr>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => text.parse().map(Some).map_err(|_| unreadable(column, text)),
        None => Ok(None),
    }
}

pub fn unreadable(column: usize, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        Type::Text,
        format!("{text:?} is no value of ours").into(),
    )
}
