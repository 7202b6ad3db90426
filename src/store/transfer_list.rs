//! Lists of transfers, as the admin sees them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};

use super::page::{Page, Place, Walk};
use super::{StoreError, Tx, rows};
use crate::clock::UnixSeconds;
use crate::domain::transfer::TransferStatus;

/// Which transfers. A condition that is `None` or false asks for nothing.
#[derive(Clone, Default, Debug)]
pub struct TransferFilter {
    /// As addresses are stored.
    pub wallet: Option<String>,
    pub status: Option<TransferStatus>,
    pub blockchain: Option<String>,
    pub coin: Option<String>,
    pub txn_hash: Option<String>,
    /// Only those that wait for the admin: they fit nothing and are not ignored.
    pub unmatched: bool,
    /// Of the `unmatched` ones only those that were too small to be reported, or only the others.
    pub small: Option<bool>,
}

/// A transfer with what people ask about it.
#[derive(Clone, Debug)]
pub struct ListedTransfer {
    pub row: i64,
    pub blockchain: String,
    pub coin: String,
    pub contract: String,
    pub sender: String,
    pub recipient: String,
    pub txn_hash: String,
    pub value: String,
    pub block_number: u64,
    pub block_timestamp: UnixSeconds,
    pub created_at: UnixSeconds,
    pub status: TransferStatus,
    pub confirmations: u64,
    pub required: u32,
    /// Why it is neither confirmed nor given up yet.
    pub held_back: Option<String>,
    pub fulfillment: Option<i64>,
    pub tail_dropped: bool,
    pub vanished: bool,
    pub ignored: bool,
    /// Unmatched, and too small to be reported.
    pub small: bool,
    /// Public id of the order that it pays or is about to pay.
    pub order_id: Option<String>,
}

/// A page of transfers, and the place of its last one.
pub fn list(
    connection: &Connection,
    filter: &TransferFilter,
    page: &Page,
) -> Result<(Vec<ListedTransfer>, Option<Place>), StoreError> {
    let (walk, values) = walk(filter);
    let places = walk.places(connection, values, page)?;
    let transfers: Result<_, _> = places.iter().map(|p| at(connection, p.row)).collect();
    Ok((transfers?, places.last().copied()))
}

/// A transaction's hash in the form that a transfer has; what none has, as it was written.
pub fn hash_as_stored(connection: &Connection, written: &str) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached(HAS_HASH)?;
    for form in hash_forms(written).into_iter().flatten() {
        if statement.exists([&form])? {
            return Ok(form);
        }
    }
    Ok(written.to_owned())
}

pub(super) const HAS_HASH: &str = "SELECT 1 FROM transfers WHERE txn_hash = ?1";

/// The forms in which a transaction's hash may be stored, EVM's with 0x and Tron's without: people copy either. `None` for what is no hash.
pub(super) fn hash_forms(written: &str) -> Option<[String; 2]> {
    let digits = written.to_ascii_lowercase();
    let digits = digits.trim_start_matches("0x");
    let is_hash = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| [digits.to_owned(), format!("0x{digits}")])
}

/// The index that serves a filter best: what is likely to be least comes first.
pub(super) fn walk(filter: &TransferFilter) -> (Walk, Vec<Value>) {
    let text = |value: &str| Value::Text(value.to_owned());
    let status = filter.status.map(TransferStatus::as_str);
    let (inbox, unmatched) = match filter.small {
        None => (
            "transfers_unmatched",
            "status = 'no_matched_deposit' AND ignored = 0",
        ),
        Some(true) => (
            "transfers_unmatched_by_size",
            "small = 1 AND status = 'no_matched_deposit' AND ignored = 0",
        ),
        Some(false) => (
            "transfers_unmatched_by_size",
            "small = 0 AND status = 'no_matched_deposit' AND ignored = 0",
        ),
    };
    let mut left = [
        ("txn_hash = ?", filter.txn_hash.as_deref()),
        ("recipient = ?", filter.wallet.as_deref()),
        ("status = ?", status),
        ("blockchain = ?", filter.blockchain.as_deref()),
        ("stablecoin = ?", filter.coin.as_deref()),
    ];
    let mut take = |place: usize| left[place].1.take().map(text);
    let (index, (indexed, mut values)) = if filter.txn_hash.is_some() {
        let key = take(0).into_iter().collect();
        ("transfers_by_hash", ("txn_hash = ?", key))
    } else if filter.unmatched {
        (inbox, (unmatched, vec![]))
    } else if filter.wallet.is_some() && status.is_some() {
        let key = [take(1), take(2)].into_iter().flatten().collect();
        let indexed = "recipient = ? AND status = ?";
        ("transfers_by_wallet_and_status", (indexed, key))
    } else if filter.wallet.is_some() {
        let key = take(1).into_iter().collect();
        ("transfers_by_wallet", ("recipient = ?", key))
    } else if status.is_some_and(|s| s != "matched") {
        let key = take(2).into_iter().collect();
        ("transfers_by_status", ("status = ?", key))
    } else if filter.blockchain.is_some() {
        let key = take(3).into_iter().collect();
        ("transfers_by_chain", ("blockchain = ?", key))
    } else if filter.coin.is_some() {
        let key = take(4).into_iter().collect();
        ("transfers_by_coin", ("stablecoin = ?", key))
    } else if status.is_some() {
        let key = take(2).into_iter().collect();
        ("transfers_by_status", ("status = ?", key))
    } else {
        ("transfers_by_time", ("", vec![]))
    };
    let mut others = Vec::new();
    if filter.unmatched && index != inbox {
        others.push(unmatched);
    }
    for (condition, value) in left {
        if let Some(value) = value {
            others.push(condition);
            values.push(text(value));
        }
    }
    let walk = Walk {
        table: "transfers",
        index,
        time: "created_at",
        indexed,
        others,
    };
    (walk, values)
}

const SELECT: &str = "SELECT t.id, t.blockchain, t.stablecoin, t.contract, t.sender, t.recipient, t.txn_hash, t.value,
     t.block_number, t.block_timestamp, t.created_at, t.status, t.confirmations, t.required, t.fulfillment,
     t.tail_dropped, t.vanished, t.ignored, o.order_id, t.held_back, t.small
     FROM transfers t LEFT JOIN deposits d ON d.id = coalesce(t.fulfillment, t.candidate) LEFT JOIN orders o ON o.id = d.order_id";

/// The transfers that pay one of an order's deposits or are about to, the oldest first.
pub fn of_order(connection: &Connection, order: i64) -> Result<Vec<ListedTransfer>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE t.id IN (
             SELECT t2.id FROM deposits d2 JOIN transfers t2 ON t2.candidate = d2.id WHERE d2.order_id = ?1
             UNION SELECT t3.id FROM deposits d3 JOIN transfers t3 ON t3.fulfillment = d3.id WHERE d3.order_id = ?1)
         ORDER BY t.id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map([order], listed)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The transfer in this row.
pub fn at(connection: &Connection, row: i64) -> Result<ListedTransfer, StoreError> {
    find(connection, row)?
        .ok_or_else(|| StoreError::Corrupt(format!("transfer row {row} is missing")))
}

/// The transfer in this row, if there is one.
pub fn find(connection: &Connection, row: i64) -> Result<Option<ListedTransfer>, StoreError> {
    let sql = format!("{SELECT} WHERE t.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([row], listed).optional()?)
}

fn listed(row: &Row<'_>) -> Result<ListedTransfer, rusqlite::Error> {
    Ok(ListedTransfer {
        row: row.get(0)?,
        blockchain: row.get(1)?,
        coin: row.get(2)?,
        contract: row.get(3)?,
        sender: row.get(4)?,
        recipient: row.get(5)?,
        txn_hash: row.get(6)?,
        value: row.get(7)?,
        block_number: row.get(8)?,
        block_timestamp: row.get(9)?,
        created_at: row.get(10)?,
        status: rows::transfer_status(row, 11)?,
        confirmations: row.get(12)?,
        required: row.get(13)?,
        fulfillment: row.get(14)?,
        tail_dropped: row.get(15)?,
        vanished: row.get(16)?,
        ignored: row.get(17)?,
        order_id: row.get(18)?,
        held_back: row.get(19)?,
        small: row.get(20)?,
    })
}

/// Hides an unmatched transfer from the admin's inbox, or shows it again.
pub fn set_ignored(tx: &Tx<'_>, row: i64, ignored: bool) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE transfers SET ignored = ?2 WHERE id = ?1")?
        .execute((row, ignored))?;
    Ok(())
}
