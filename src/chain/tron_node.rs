//! What Tron's nodes say about blocks and transactions, in java-tron's own HTTP API: TronGrid passes it on.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::evm_log::{self, Log, Wanted};
use super::evm_probe::decimals_in;
use super::http::HttpClient;
use super::{ProviderError, Receipt, rest};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, number_equal_events};

/// Transactions remembered once they are solid: more than a re-scan of the newest blocks needs again.
const REMEMBERED: usize = 1000;

/// Which of a node's two views of the chain to ask: all of it, or what 19 of the 27 witnesses have built upon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    Newest,
    Solid,
}

/// A node behind the provider's URL.
pub struct TronNode {
    http: HttpClient,
    /// The newest block that was seen solid.
    solid: AtomicU64,
    remembered: Mutex<Remembered>,
}

/// Solid blocks and transactions do not change any more.
#[derive(Default)]
struct Remembered {
    blocks: SolidBlocks,
    transactions: HashMap<String, Arc<Transaction>>,
}

/// Solid blocks by number.
#[derive(Default)]
pub struct SolidBlocks(BTreeMap<u64, BlockRef>);

/// A mined transaction.
pub struct Transaction {
    pub block: BlockRef,
    succeeded: bool,
    logs: Vec<Log>,
}

#[derive(Deserialize)]
struct RawBlock {
    #[serde(rename = "blockID")]
    id: Option<String>,
    #[serde(default)]
    block_header: RawHeader,
}

#[derive(Deserialize, Default)]
struct RawHeader {
    #[serde(default)]
    raw_data: RawHeaderData,
}

/// The first block has neither: zeros are left out.
#[derive(Deserialize, Default)]
struct RawHeaderData {
    #[serde(default)]
    number: u64,
    #[serde(default)]
    timestamp: i64,
}

/// `{}` where the node knows no such transaction.
#[derive(Deserialize)]
struct RawInfo {
    id: Option<String>,
    #[serde(rename = "blockNumber")]
    block_number: Option<u64>,
    #[serde(rename = "blockTimeStamp")]
    block_time: Option<i64>,
    /// Only there if it failed.
    result: Option<String>,
    #[serde(default)]
    receipt: RawInfoReceipt,
    #[serde(default)]
    log: Vec<RawInfoLog>,
}

#[derive(Deserialize, Default)]
struct RawInfoReceipt {
    result: Option<String>,
}

#[derive(Deserialize)]
struct RawInfoLog {
    address: String,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    data: String,
}

/// Without results where the contract is none.
#[derive(Deserialize)]
struct Called {
    #[serde(default)]
    constant_result: Vec<String>,
}

impl TronNode {
    pub fn new(http: HttpClient) -> Self {
        Self {
            http,
            solid: AtomicU64::new(0),
            remembered: Mutex::default(),
        }
    }

    /// The newest block of a view.
    pub fn newest(&self, view: View) -> Result<BlockRef, ProviderError> {
        let block = self.header(view, &json!({"detail": false}))?;
        let block = block.ok_or_else(|| bad("no newest block"))?;
        if view == View::Solid {
            self.solid.fetch_max(block.number, Ordering::Relaxed);
        }
        Ok(block)
    }

    /// The block at a height; `None` if the node has not got it.
    pub fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        if let Some(block) = self.remembered().blocks.get(number) {
            return Ok(Some(block.clone()));
        }
        let block = self.read_block(number)?;
        if let Some(block) = block.as_ref().filter(|_| self.is_solid(number)) {
            self.remembered().blocks.remember(block);
        }
        Ok(block)
    }

    /// The same, never out of memory.
    fn read_block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        let ask = json!({"id_or_num": number.to_string(), "detail": false});
        let block = self.header(View::Newest, &ask)?;
        if block.as_ref().is_some_and(|block| block.number != number) {
            return Err(bad("another block than was asked for"));
        }
        Ok(block)
    }

    /// A block at or below a height and not far from it: for times that must not be too late.
    pub fn block_not_after(&self, number: u64) -> Result<BlockRef, ProviderError> {
        if let Some(block) = self.remembered().blocks.floor(number) {
            return Ok(block.clone());
        }
        let block = self.block(number)?;
        block.ok_or_else(|| bad("the beginning of the range is missing"))
    }

    /// The id of the chain, read anew; `None` if the node has not got its first block.
    pub fn chain_id(&self) -> Result<Option<u64>, ProviderError> {
        let first = self.read_block(0)?;
        first.map(|first| chain_id_of(&first)).transpose()
    }

    /// A transaction and its block; `None` if the view has no such transaction. A reorganisation under way is a bad
    /// answer. Out of memory, if `or_remembered` and it was solid.
    pub fn transaction(
        &self,
        view: View,
        txn_hash: &str,
        or_remembered: bool,
    ) -> Result<Option<Arc<Transaction>>, ProviderError> {
        let txn_hash = evm_log::hash(txn_hash, Family::Tron)?;
        let known = self.remembered().transactions.get(&txn_hash).cloned();
        if let Some(known) = known.filter(|_| or_remembered) {
            return Ok(Some(known));
        }
        let path = match view {
            View::Newest => "/wallet/gettransactioninfobyid",
            View::Solid => "/walletsolidity/gettransactioninfobyid",
        };
        let info: RawInfo = rest::post(&self.http, path, &json!({"value": txn_hash}))?;
        let Some(id) = &info.id else {
            return Ok(None);
        };
        if evm_log::hash(id, Family::Tron)? != txn_hash {
            return Err(bad("another transaction than was asked for"));
        }
        let number = info.block_number;
        let number = number.ok_or_else(|| bad("a transaction without a block"))?;
        let block = self.block(number)?;
        let block = block.ok_or_else(|| bad("a transaction in a block that the node lacks"))?;
        if info
            .block_time
            .is_some_and(|time| time.div_euclid(1000) != block.timestamp)
        {
            return Err(bad(
                "another block at that height: the chain is being reorganised",
            ));
        }
        let transaction = Arc::new(info.transaction(&txn_hash, block)?);
        if self.is_solid(transaction.block.number) {
            self.remembered().remember(txn_hash, &transaction);
        }
        Ok(Some(transaction))
    }

    /// What a token's contract answers to `decimals()`. A contract that is none is a bad answer.
    pub fn decimals(&self, contract: &Address) -> Result<u8, ProviderError> {
        let call = json!({
            "owner_address": contract.to_string(),
            "contract_address": contract.to_string(),
            "function_selector": "decimals()",
            "visible": true,
        });
        let called: Called = rest::post(&self.http, "/wallet/triggerconstantcontract", &call)?;
        decimals_in(called.constant_result.first().map_or("", String::as_str))
    }

    /// Whether a transaction is known to be solid, so that [`TronNode::transaction`] can tell it out of memory.
    pub fn remembers(&self, txn_hash: &str) -> bool {
        self.remembered().transactions.contains_key(txn_hash)
    }

    fn header(&self, view: View, ask: &Value) -> Result<Option<BlockRef>, ProviderError> {
        let path = match view {
            View::Newest => "/wallet/getblock",
            View::Solid => "/walletsolidity/getblock",
        };
        let block: RawBlock = rest::post(&self.http, path, ask)?;
        let Some(id) = &block.id else {
            return Ok(None);
        };
        let header = block.block_header.raw_data;
        Ok(Some(BlockRef {
            number: header.number,
            hash: evm_log::hash(id, Family::Tron)?,
            timestamp: header.timestamp.div_euclid(1000),
        }))
    }

    fn is_solid(&self, number: u64) -> bool {
        number <= self.solid.load(Ordering::Relaxed)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // Each entry is whole by itself, whatever panicked elsewhere.
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chain's id: the end of its first block's hash.
pub fn chain_id_of(first: &BlockRef) -> Result<u64, ProviderError> {
    let end = first.hash.get(56..).unwrap_or_default();
    u64::from_str_radix(end, 16).map_err(|_| bad("a malformed first block"))
}

impl RawInfo {
    /// A call that ran out of energy or was reverted is mined and paid for all the same.
    fn succeeded(&self) -> Result<bool, ProviderError> {
        match (&self.result, self.receipt.result.as_deref()) {
            (None, Some(result)) => Ok(result == "SUCCESS"),
            // No call of a contract.
            (None, None) if self.log.is_empty() => Ok(true),
            // Taken for a failure, this would undo a payment.
            (None, None) => Err(bad("a transaction with logs and without a result")),
            (Some(_), _) => Ok(false),
        }
    }

    fn transaction(self, txn_hash: &str, block: BlockRef) -> Result<Transaction, ProviderError> {
        let succeeded = self.succeeded()?;
        let log = |(index, log): (usize, RawInfoLog)| {
            Log::of_tron(
                &log.address,
                log.topics,
                &log.data,
                &block,
                txn_hash,
                index as u64,
            )
        };
        let logs = self.log.into_iter().enumerate().map(log).collect();
        Ok(Transaction {
            block,
            succeeded,
            logs,
        })
    }
}

impl Transaction {
    /// The transfers to these wallets, by these contracts or by any, ordinals given; none if it failed.
    pub fn transfers(
        &self,
        contracts: Option<&[Address]>,
        recipients: &[Address],
    ) -> Result<Vec<ChainTransfer>, ProviderError> {
        if !self.succeeded {
            return Ok(Vec::new());
        }
        let wanted = Wanted {
            family: Family::Tron,
            blocks: self.block.number..=self.block.number,
            contracts,
            recipients,
        };
        let transfer = |log: evm_log::TransferLog| ChainTransfer {
            id: log.id,
            block: self.block.clone(),
        };
        let logs = evm_log::transfers(&self.logs, &wanted)?;
        let mut transfers: Vec<_> = logs.into_iter().map(transfer).collect();
        number_equal_events(&mut transfers);
        Ok(transfers)
    }

    pub fn receipt(&self, recipients: &[Address]) -> Result<Receipt, ProviderError> {
        Ok(Receipt {
            block: self.block.clone(),
            succeeded: self.succeeded,
            transfers: self.transfers(None, recipients)?,
        })
    }
}

impl Remembered {
    fn remember(&mut self, txn_hash: String, transaction: &Arc<Transaction>) {
        if self.transactions.len() >= REMEMBERED {
            self.transactions.clear();
        }
        self.transactions.insert(txn_hash, transaction.clone());
    }
}

impl SolidBlocks {
    /// Blocks between a height and the one that is taken for its time.
    const NEAR: u64 = 200;

    pub fn get(&self, number: u64) -> Option<&BlockRef> {
        self.0.get(&number)
    }

    /// A block at or shortly below a height.
    pub fn floor(&self, number: u64) -> Option<&BlockRef> {
        let mut near = self.0.range(number.saturating_sub(Self::NEAR)..=number);
        near.next_back().map(|(_, block)| block)
    }

    pub fn remember(&mut self, block: &BlockRef) {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(block.number, block.clone());
    }
}

fn bad(what: &str) -> ProviderError {
    ProviderError::BadAnswer(what.to_owned())
}
