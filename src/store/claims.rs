//! Claims: shoppers' words that a transaction is their payment.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StoreError, Tx, rows};
use crate::clock::UnixSeconds;
use crate::domain::claim::Finding;
use crate::domain::order::OrderId;
use crate::domain::registry::Blockchain;

/// An order has so many at most: nobody fills the merchant's inbox from one link.
const PER_ORDER: i64 = 20;

/// What is known about a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewClaim {
    /// As its chain writes it.
    pub txn_hash: String,
    pub blockchain: Option<Blockchain>,
    pub finding: Finding,
    pub transfer: Option<i64>,
}

/// A claim as stored, with its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    pub order: OrderId,
    pub merchant_order_id: String,
    pub about: NewClaim,
    /// When it was made first.
    pub claimed_at: UnixSeconds,
    /// Whether no chain knew the transaction then.
    pub before_public: bool,
}

const SELECT: &str = "SELECT o.order_id, o.merchant_order_id, c.txn_hash, c.blockchain, c.finding, c.transfer_id, \
     c.claimed_at, c.before_public FROM claims c JOIN orders o ON o.id = c.order_id";

fn claim(row: &Row<'_>) -> Result<Claim, rusqlite::Error> {
    let finding = row.get_ref(4)?.as_str()?;
    let blockchain: Option<String> = row.get(3)?;
    Ok(Claim {
        order: rows::parsed(row, 0)?,
        merchant_order_id: row.get(1)?,
        about: NewClaim {
            txn_hash: row.get(2)?,
            blockchain: blockchain.map(|b| Blockchain::new(&b)),
            finding: Finding::parse(finding).ok_or_else(|| rows::unreadable(4, finding))?,
            transfer: row.get(5)?,
        },
        claimed_at: row.get(6)?,
        before_public: row.get(7)?,
    })
}

/// The claim of an order about a transaction, whose hash can be written in two ways.
pub fn find(
    connection: &Connection,
    order_row: i64,
    [one, other]: [&str; 2],
) -> Result<Option<Claim>, StoreError> {
    let sql = format!("{SELECT} WHERE c.order_id = ?1 AND c.txn_hash IN (?2, ?3) ORDER BY c.id");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row(params![order_row, one, other], claim);
    Ok(found.optional()?)
}

/// All claims about a transaction, the first one first: also those made while nobody knew how its chain writes the hash.
pub fn of_transaction(connection: &Connection, txn_hash: &str) -> Result<Vec<Claim>, StoreError> {
    let digits = txn_hash.strip_prefix("0x").unwrap_or(txn_hash);
    let prefixed = format!("0x{digits}");
    all(
        connection,
        "c.txn_hash IN (?1, ?2) ORDER BY c.id",
        params![digits, prefixed],
    )
}

/// All claims of an order, the first one first.
pub fn of_order(connection: &Connection, order_row: i64) -> Result<Vec<Claim>, StoreError> {
    all(
        connection,
        "c.order_id = ?1 ORDER BY c.id",
        params![order_row],
    )
}

fn all(
    connection: &Connection,
    condition: &str,
    key: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Claim>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {condition}"))?;
    let found = statement.query_map(key, claim)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Brings a claim that is stored as `before` up to date.
pub fn update(
    tx: &Tx<'_>,
    order_row: i64,
    before: &str,
    claim: &NewClaim,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE OR REPLACE claims SET txn_hash = ?3, blockchain = ?4, finding = ?5, transfer_id = ?6
         WHERE order_id = ?1 AND txn_hash = ?2",
    )?
    .execute(params![
        order_row,
        before,
        claim.txn_hash,
        claim.blockchain.as_ref().map(Blockchain::as_str),
        claim.finding.as_str(),
        claim.transfer,
    ])?;
    Ok(())
}

/// Stores a claim, unless the order has made too many; whether it was stored.
pub fn insert(
    tx: &Tx<'_>,
    order_row: i64,
    claim: &NewClaim,
    before_public: bool,
) -> Result<bool, StoreError> {
    let stored = tx
        .prepare_cached(
            "INSERT INTO claims (order_id, txn_hash, blockchain, finding, claimed_at, transfer_id, before_public)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM claims WHERE order_id = ?1) < ?8",
        )?
        .execute(params![
            order_row,
            claim.txn_hash,
            claim.blockchain.as_ref().map(Blockchain::as_str),
            claim.finding.as_str(),
            tx.now,
            claim.transfer,
            before_public,
            PER_ORDER,
        ])?;
    Ok(stored > 0)
}

/// Forgets claims from before a moment about transactions that never came; returns how many, a thousand at most.
pub fn prune(tx: &Tx<'_>, before: UnixSeconds) -> Result<usize, StoreError> {
    let forgotten = tx
        .prepare_cached(
            "DELETE FROM claims WHERE id IN (
               SELECT id FROM claims WHERE transfer_id IS NULL AND claimed_at < ?1 AND finding = 'not_found' LIMIT 1000)",
        )?
        .execute([before])?;
    Ok(forgotten)
}
