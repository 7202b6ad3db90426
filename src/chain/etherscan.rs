//! Etherscan V2, one key for many chains, and the explorers that speak like it.
//!
//! What its list of transfers says is a hint: it shows no log index and comes from an index that may lag. Blocks and
//! receipts are read from a node, through its proxy, exactly as with an `rpc` provider.

mod crowded;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use self::crowded::ReceiptsRead;
use super::etherscan_api::EtherscanApi;
use super::evm_log;
use super::evm_rpc::EvmRpc;
use super::http::HttpClient;
use super::json_rpc::{CallError, NodeError};
use super::listing;
use super::meter::Meter;
use super::refusals::{self, Meaning};
use super::{Provider, ProviderError, Receipt, Scan, Scanned};
use crate::config::Secret;
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, TransferId, number_equal_events};

/// Records asked for at once: the most that the free plan gives.
const PAGE: usize = 1000;

/// Explorers cut pages shorter than they were asked for, and do not say so; none is known to cut below this.
const SURELY_LAST_BELOW: usize = 50;

/// The index is taken to be complete up to so many seconds ago: it fills while it is read.
const SETTLED_AFTER: u64 = 5;

/// One chain, as one explorer tells of it.
pub struct Etherscan {
    api: Arc<EtherscanApi>,
    node: EvmRpc,
    receipts_read: Mutex<ReceiptsRead>,
}

/// An entry of the answer to `tokentx`. Its token's name and decimals are whatever the token's contract says: not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    block_number: String,
    time_stamp: Option<String>,
    hash: String,
    /// Look-alikes leave it out.
    block_hash: Option<String>,
    contract_address: String,
    from: String,
    /// Empty where there is no recipient.
    to: String,
    /// Absent for what has no amount.
    value: Option<String>,
}

/// Rows that are complete from the beginning of a range up to a block.
struct Listed {
    through: u64,
    rows: Vec<Row>,
}

impl Etherscan {
    /// `http` must not send the key: it goes into the query.
    pub fn new(http: HttpClient, key: Option<Secret>, chain_id: u64) -> Self {
        let api = Arc::new(EtherscanApi::new(http, key, chain_id));
        let node = EvmRpc::over(api.clone(), Family::Evm, chain_id);
        Self {
            api,
            node,
            receipts_read: Mutex::default(),
        }
    }
}

impl Provider for Etherscan {
    fn label(&self) -> &str {
        self.node.label()
    }

    /// The newest block of its index, which is what a scan reads, not of the node behind its proxy.
    fn head(&self) -> Result<u64, ProviderError> {
        self.node.verify()?;
        match self.newest_indexed() {
            // A look-alike that cannot tell; the blocks that every pass reads again make up for a short lag.
            Err(CallError::Node(error)) if refusals::meaning(&error) != Meaning::Later => {
                self.node.head()
            }
            answer => Ok(answer?),
        }
    }

    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        // Tags are not part of what the proxy promises, and it has many words for that: all are its own errors.
        let no_tag = |error: &NodeError| {
            let plan_or_pace =
                matches!(refusals::meaning(error), Meaning::Later | Meaning::Refused);
            refusals::tag_unsupported(error) || !plan_or_pace
        };
        self.node.newest_final(no_tag)
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        self.node.verify()?;
        let mut scanned = Scanned {
            through: ask.to,
            transfers: Vec::new(),
        };
        if ask.recipients.is_empty() || ask.contracts.is_empty() || ask.from > ask.to {
            return Ok(scanned);
        }
        let mut blocks = HashMap::new();
        for wallet in BTreeSet::from_iter(&ask.recipients) {
            let listed = self.list(wallet, ask, scanned.through)?;
            scanned.through = listed.through;
            for row in &listed.rows {
                let id = transfer(row, wallet, &ask.contracts)?;
                if let Some(id) = id.filter(|_| row.number().is_ok_and(|n| n <= listed.through)) {
                    let block = self.block_of(row, &mut blocks)?;
                    scanned.transfers.push(ChainTransfer { id, block });
                }
            }
        }
        let through = scanned.through;
        scanned.transfers.retain(|t| t.block.number <= through);
        // Stable: within a block, the explorer's order stands.
        scanned.transfers.sort_by_key(|t| t.block.number);
        self.prove_equal_rows(ask, &mut scanned.transfers)?;
        listing::of_one_chain(&scanned.transfers)?;
        number_equal_events(&mut scanned.transfers);
        Ok(scanned)
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        self.node.block(number)
    }

    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        self.node.receipt(txn_hash, recipients)
    }

    fn decimals(&self, contract: &Address) -> Result<Option<u8>, ProviderError> {
        self.node.decimals(contract)
    }

    fn distrust(&self) {
        self.node.distrust();
    }

    fn meter(&self) -> Option<&Meter> {
        self.node.meter()
    }
}

impl Etherscan {
    fn newest_indexed(&self) -> Result<u64, CallError> {
        // A clock before 1970 finds no block.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let settled = now.map_or(0, |now| now.as_secs().saturating_sub(SETTLED_AFTER));
        let answer: Value = self.api.ask(&[
            ("module", "block"),
            ("action", "getblocknobytime"),
            ("timestamp", &settled.to_string()),
            ("closest", "before"),
        ])?;
        // Blockscout puts it into an object.
        let number = answer["blockNumber"].as_str().or(answer.as_str());
        let number = number.and_then(|number| number.parse().ok());
        number.ok_or_else(|| CallError::Failed(bad("no block number for the time of day")))
    }

    /// A wallet's rows from the beginning of the range on: to `to`, or as far as one page reaches. A page that may not
    /// be the last one can end in the middle of a block, so its last block is left to the next question; the paging
    /// is by blocks and not by page numbers, under which rows would slip past when others appear or vanish.
    fn list(&self, wallet: &Address, ask: &Scan, mut to: u64) -> Result<Listed, ProviderError> {
        let only = match ask.contracts.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let rows = loop {
            match self.page(wallet, only, (ask.from, to), (1, PAGE)) {
                Ok(rows) => break rows,
                Err(error) if is_too_much(&error) && to > ask.from => {
                    to = ask.from + (to - ask.from) / 2;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(Listed { through: to, rows });
        };
        let (first, last) = (first.number()?, last.number()?);
        if rows.len() < SURELY_LAST_BELOW {
            return Ok(Listed { through: to, rows });
        }
        if first < last {
            return Ok(Listed {
                through: last - 1,
                rows,
            });
        }
        Ok(Listed {
            through: last,
            rows: self.crowded_block(wallet, ask, last)?,
        })
    }

    /// One page, by blocks upwards. Without a contract it holds all tokens, the spam among them: one request for a wallet.
    fn page(
        &self,
        wallet: &Address,
        contract: Option<&Address>,
        (from, to): (u64, u64),
        (page, size): (usize, usize),
    ) -> Result<Vec<Row>, CallError> {
        let (address, from_text, to_text) = (wallet.to_hex(), from.to_string(), to.to_string());
        let (page, size) = (page.to_string(), size.to_string());
        let mut query = vec![
            ("module", "account"),
            ("action", "tokentx"),
            ("address", &address),
            ("startblock", &from_text),
            ("endblock", &to_text),
            ("page", &page),
            ("offset", &size),
            ("sort", "asc"),
        ];
        let contract = contract.map(Address::to_hex);
        if let Some(contract) = &contract {
            query.push(("contractaddress", contract));
        }
        let rows: Vec<Row> = self.api.ask(&query)?;
        let mut last = from;
        for row in &rows {
            let number = row.number().map_err(CallError::Failed)?;
            if number < last || number > to {
                return Err(CallError::Failed(bad("a list that is out of order")));
            }
            last = number;
        }
        Ok(rows)
    }

    /// The block of a row, looked up where the row does not name it whole.
    fn block_of(
        &self,
        row: &Row,
        looked_up: &mut HashMap<u64, BlockRef>,
    ) -> Result<BlockRef, ProviderError> {
        let number = row.number()?;
        if let (Some(hash), Some(time)) = (&row.block_hash, &row.time_stamp) {
            return Ok(BlockRef {
                number,
                hash: evm_log::hash(hash, Family::Evm)?,
                timestamp: time.parse().map_err(|_| bad("a malformed time"))?,
            });
        }
        if let Some(block) = looked_up.get(&number) {
            return Ok(block.clone());
        }
        let block = self.node.block(number)?;
        let block = block.ok_or_else(|| bad("a transfer in a block that its node lacks"))?;
        looked_up.insert(number, block.clone());
        Ok(block)
    }

    /// Two equal rows are two events, or one that is listed twice: the receipt tells.
    fn prove_equal_rows(
        &self,
        ask: &Scan,
        transfers: &mut Vec<ChainTransfer>,
    ) -> Result<(), ProviderError> {
        for txn_hash in listing::with_equal_rows(transfers) {
            let receipt = self.node.receipt(&txn_hash, &ask.recipients)?;
            let receipt =
                receipt.ok_or_else(|| bad("a transfer in a transaction without receipt"))?;
            listing::replace(transfers, &txn_hash, &receipt, &ask.contracts)?;
        }
        Ok(())
    }
}

impl Row {
    fn number(&self) -> Result<u64, ProviderError> {
        let number = self.block_number.parse();
        number.map_err(|_| bad("a malformed block number"))
    }
}

/// The event that a row tells of, if it moves one of the tokens to the wallet.
fn transfer(
    row: &Row,
    wallet: &Address,
    contracts: &[Address],
) -> Result<Option<TransferId>, ProviderError> {
    let contract = evm_log::address(&row.contract_address, Family::Evm)?;
    if row.to.is_empty()
        || evm_log::address(&row.to, Family::Evm)? != *wallet
        || !contracts.contains(&contract)
    {
        return Ok(None);
    }
    let value = row.value.as_deref().unwrap_or_default();
    let Some(units) = listing::units(value)? else {
        return Ok(None);
    };
    Ok(Some(TransferId {
        txn_hash: evm_log::hash(&row.hash, Family::Evm)?,
        contract,
        sender: evm_log::address(&row.from, Family::Evm)?,
        recipient: *wallet,
        units,
        ordinal: 0,
    }))
}

/// Whether a shorter range may be answered.
fn is_too_much(error: &CallError) -> bool {
    match error {
        CallError::Node(error) => matches!(
            refusals::meaning(error),
            Meaning::TooMuchFound { .. } | Meaning::RangeTooLong { .. }
        ),
        CallError::TooLong => true,
        CallError::Timeout | CallError::Failed(_) => false,
    }
}

fn bad(what: &str) -> ProviderError {
    ProviderError::BadAnswer(what.to_owned())
}

#[cfg(test)]
mod tests;
