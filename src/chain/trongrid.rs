//! TronGrid: the list of an account's TRC-20 transfers, and the nodes behind it.
//!
//! The list knows no blocks, no log indices and no status, only times. A row of it is a reason to read the transaction
//! from the node, and everything is taken from there.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;

use super::http::{HttpClient, encoded};
use super::meter::Meter;
use super::tron_node::{Transaction, TronNode, View};
use super::{Provider, ProviderError, Receipt, Scan, Scanned, listing, rest};
use crate::domain::address::Address;
use crate::domain::transfer::{BlockRef, ChainTransfer};

/// Rows in a page: the most it gives.
const PAGE: usize = 200;

/// Transactions looked up in one scan; one that needs more ends earlier.
const LOOKUPS_AT_ONCE: usize = 50;

/// With more new rows than this it is worth a request to know which blocks are solid.
const MANY: usize = 5;

/// Tron, as TronGrid tells of it.
pub struct TronGrid {
    http: HttpClient,
    node: TronNode,
    chain_id: u64,
    trusted: AtomicBool,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Row>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    /// Where the next page begins; absent after the last.
    fingerprint: Option<String>,
}

/// Times are milliseconds.
#[derive(Deserialize)]
struct Row {
    transaction_id: String,
    block_timestamp: i64,
    /// There are approvals among them.
    #[serde(rename = "type")]
    kind: String,
    to: String,
    value: Option<String>,
    #[serde(default)]
    token_info: TokenInfo,
}

/// Its other fields are whatever the token's contract says. Tokens that are not known to TronGrid have none at all.
#[derive(Deserialize, Default)]
struct TokenInfo {
    address: Option<String>,
}

#[derive(Deserialize)]
struct Events {
    data: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    block_number: u64,
}

/// Rows that are complete from some time on, in the order of their times.
struct Listed {
    /// Up to and including this time; `None`: up to the newest.
    until: Option<i64>,
    rows: Vec<Hint>,
}

/// A row worth looking up, or one that only shows how far the list reaches.
struct Hint {
    time: i64,
    txn_hash: String,
    is_ours: bool,
}

impl TronGrid {
    /// `chain_id` as the chain's first block tells it.
    pub fn new(http: HttpClient, chain_id: u64) -> Self {
        Self {
            node: TronNode::new(http.clone()),
            http,
            chain_id,
            trusted: AtomicBool::new(false),
        }
    }
}

impl Provider for TronGrid {
    fn label(&self) -> &str {
        self.http.label()
    }

    /// The newest block of its index, which is what a scan reads, not of the nodes behind it.
    fn head(&self) -> Result<u64, ProviderError> {
        self.verify()?;
        let newest: Result<Events, _> = rest::get(&self.http, "/v1/blocks/latest/events");
        match newest.map(|events| events.data.into_iter().next()) {
            Ok(Some(event)) => Ok(event.block_number),
            // No index of events: the blocks that every pass reads again make up for a short lag.
            Ok(None) | Err(ProviderError::BadAnswer(_)) => {
                Ok(self.node.newest(View::Newest)?.number)
            }
            Err(error) => Err(error),
        }
    }

    /// The newest solid block.
    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        self.verify()?;
        Ok(Some(self.node.newest(View::Solid)?.number))
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        self.verify()?;
        let mut scanned = Scanned {
            through: ask.to,
            transfers: Vec::new(),
        };
        if ask.recipients.is_empty() || ask.contracts.is_empty() || ask.from > ask.to {
            return Ok(scanned);
        }
        // One millisecond before, should the bound itself not be meant.
        let first = self.node.block_not_after(ask.from)?;
        let mut since = (first.timestamp * 1000 - 1).max(0);
        scanned.through = loop {
            let listed = self.list_all(ask, since)?;
            let reached = self.look_up(ask, &listed, &mut scanned.transfers)?;
            match (reached, listed.until) {
                (Some(through), _) => break through,
                (None, None) => break ask.to,
                // A page of rows that are none of ours tells of no block: read on behind it.
                (None, Some(until)) => since = until + 1,
            }
        };
        let range = ask.from..=scanned.through;
        let found = &mut scanned.transfers;
        found.retain(|transfer| range.contains(&transfer.block.number));
        found.sort_by_key(|transfer| transfer.block.number);
        listing::of_one_chain(found)?;
        Ok(scanned)
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        self.verify()?;
        self.node.block(number)
    }

    /// Of solid blocks only: before that, a transaction is none that counts.
    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        self.verify()?;
        let transaction = self.node.transaction(View::Solid, txn_hash, false)?;
        transaction.map(|t| t.receipt(recipients)).transpose()
    }

    fn decimals(&self, contract: &Address) -> Result<Option<u8>, ProviderError> {
        self.verify()?;
        self.node.decimals(contract).map(Some)
    }

    fn distrust(&self) {
        self.trusted.store(false, Ordering::Release);
    }

    fn meter(&self) -> Option<&Meter> {
        Some(self.http.meter())
    }
}

impl TronGrid {
    /// Checks the chain id, unless that has been done.
    fn verify(&self) -> Result<(), ProviderError> {
        if self.trusted.load(Ordering::Acquire) {
            return Ok(());
        }
        let expected = self.chain_id;
        match self.node.chain_id()? {
            Some(found) if found != expected => {
                return Err(ProviderError::WrongChain { expected, found });
            }
            _ => self.trusted.store(true, Ordering::Release),
        }
        Ok(())
    }

    /// The rows of all wallets, as far as they are complete for each.
    fn list_all(&self, ask: &Scan, since: i64) -> Result<Listed, ProviderError> {
        let mut all = Listed {
            until: None,
            rows: Vec::new(),
        };
        for wallet in BTreeSet::from_iter(&ask.recipients) {
            let listed = self.list(wallet, ask, since)?;
            all.until = match (all.until, listed.until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            all.rows.extend(listed.rows);
        }
        all.rows
            .retain(|row| all.until.is_none_or(|until| row.time <= until));
        all.rows.sort_by_key(|row| row.time);
        Ok(all)
    }

    /// A wallet's rows from a time on: one page, without its last block, which may go on in the next one. More pages
    /// only where one block fills the first.
    fn list(&self, wallet: &Address, ask: &Scan, since: i64) -> Result<Listed, ProviderError> {
        let mut rows: Vec<Hint> = Vec::new();
        let mut fingerprint = None;
        loop {
            let page = self.page(wallet, ask, since, fingerprint.as_deref())?;
            // A full page without a fingerprint has been seen, with more rows behind it.
            let is_last =
                page.data.is_empty() || (page.meta.fingerprint.is_none() && page.data.len() < PAGE);
            for row in page.data {
                rows.push(row.hint(wallet, &ask.contracts)?);
            }
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                return Ok(Listed { until: None, rows });
            };
            if is_last {
                return Ok(Listed { until: None, rows });
            }
            if !rows.is_sorted_by_key(|row| row.time) {
                return Err(bad("a list that is out of order"));
            }
            if first.time < last.time {
                let cut = last.time;
                rows.retain(|row| row.time < cut);
                let until = rows.last().map(|row| row.time);
                return Ok(Listed { until, rows });
            }
            fingerprint = page.meta.fingerprint;
            if fingerprint.is_none() {
                return Err(bad("a full page of one block, and no way to the next"));
            }
        }
    }

    /// One page, by times upwards. Confirmed or not: what `only_confirmed` leaves out would be seen a minute late, and
    /// it has left out what was confirmed.
    fn page(
        &self,
        wallet: &Address,
        ask: &Scan,
        since: i64,
        fingerprint: Option<&str>,
    ) -> Result<Page, ProviderError> {
        let mut path = format!(
            "/v1/accounts/{wallet}/transactions/trc20?only_to=true&limit={PAGE}\
             &order_by=block_timestamp,asc&min_timestamp={since}"
        );
        if let [only] = ask.contracts.as_slice() {
            path.push_str(&format!("&contract_address={only}"));
        }
        if let Some(fingerprint) = fingerprint {
            path.push_str(&format!("&fingerprint={}", encoded(fingerprint)));
        }
        rest::get(&self.http, &path)
    }

    /// Reads the transactions that the rows point to. Tells the block up to which that is complete, if that can be told:
    /// the rows that are left are of later blocks.
    fn look_up(
        &self,
        ask: &Scan,
        listed: &Listed,
        found: &mut Vec<ChainTransfer>,
    ) -> Result<Option<u64>, ProviderError> {
        let is_new = |row: &Hint| row.is_ours && !self.node.remembers(&row.txn_hash);
        if listed.rows.iter().filter(|row| is_new(row)).count() > MANY {
            // What is solid by now need not be looked up when these blocks are read again.
            self.node.newest(View::Solid)?;
        }
        let mut through = None;
        let mut looked_up = HashSet::new();
        for block in listed.rows.chunk_by(|one, next| one.time == next.time) {
            if looked_up.len() >= LOOKUPS_AT_ONCE && through.is_some() {
                return Ok(through);
            }
            for row in block {
                if !row.is_ours || !looked_up.insert(&row.txn_hash) {
                    continue;
                }
                let Some(transaction) = self.transaction_of(row)? else {
                    continue;
                };
                let number = transaction.block.number;
                found.extend(transaction.transfers(Some(&ask.contracts), &ask.recipients)?);
                // After a reorganisation, a row may show the time of a block that is no more.
                if transaction.block.timestamp * 1000 == row.time {
                    if number > ask.to {
                        return Ok(Some(ask.to));
                    }
                    through = through.max((number >= ask.from).then_some(number));
                }
            }
        }
        Ok(through.filter(|_| listed.until.is_some()))
    }

    /// A row's transaction; `None` if the node does not know it yet, or no more: its block is not solid, and will be read again.
    fn transaction_of(&self, row: &Hint) -> Result<Option<Arc<Transaction>>, ProviderError> {
        let transaction = self.node.transaction(View::Newest, &row.txn_hash, true)?;
        if transaction.is_none() && row.time <= self.node.newest(View::Solid)?.timestamp * 1000 {
            return Err(bad("its list has a transaction that its node lacks"));
        }
        Ok(transaction)
    }
}

impl Row {
    fn hint(self, wallet: &Address, contracts: &[Address]) -> Result<Hint, ProviderError> {
        let is_known = match &self.token_info.address {
            Some(token) => contracts.contains(&listing::tron_address(token)?),
            None => false,
        };
        let is_ours = is_known
            && self.kind == "Transfer"
            && listing::tron_address(&self.to)? == *wallet
            && listing::units(self.value.as_deref().unwrap_or_default())?.is_some();
        Ok(Hint {
            time: self.block_timestamp,
            txn_hash: self.transaction_id,
            is_ours,
        })
    }
}

fn bad(what: &str) -> ProviderError {
    ProviderError::BadAnswer(what.to_owned())
}

#[cfg(test)]
mod tests;
