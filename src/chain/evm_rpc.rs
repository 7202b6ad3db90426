//! A node's JSON-RPC: every EVM chain, and Tron through the same methods.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::evm_log::{self, Log, Wanted};
use super::evm_scan::Learned;
use super::http::HttpClient;
use super::json_rpc::{CallError, JsonRpc, Node, NodeError};
use super::meter::Meter;
use super::refusals;
use super::{Provider, ProviderError, Receipt, Scan, Scanned};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, number_equal_events};

/// One node, or a gateway to many.
pub struct EvmRpc {
    pub(super) rpc: Arc<dyn Node>,
    pub(super) family: Family,
    chain_id: u64,
    trusted: AtomicBool,
    /// Whether it ever told of a final block.
    tells_final: AtomicBool,
    learned: Mutex<Learned>,
}

#[derive(Deserialize)]
struct RawBlock {
    number: Option<Value>,
    hash: Option<String>,
    timestamp: Value,
}

#[derive(Deserialize)]
struct RawWithTransactions {
    #[serde(flatten)]
    block: RawBlock,
    transactions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReceipt {
    transaction_hash: String,
    block_number: Option<Value>,
    block_hash: Option<String>,
    status: Option<Value>,
    logs: Vec<Log>,
}

impl EvmRpc {
    /// `chain_id` as `eth_chainId` must answer it.
    pub fn new(http: HttpClient, family: Family, chain_id: u64) -> Self {
        Self::over(Arc::new(JsonRpc::new(http)), family, chain_id)
    }

    /// The same over whatever passes the calls on.
    pub fn over(rpc: Arc<dyn Node>, family: Family, chain_id: u64) -> Self {
        Self {
            rpc,
            family,
            chain_id,
            trusted: AtomicBool::new(false),
            tells_final: AtomicBool::new(false),
            learned: Mutex::default(),
        }
    }
}

impl Provider for EvmRpc {
    fn label(&self) -> &str {
        self.rpc.label()
    }

    fn head(&self) -> Result<u64, ProviderError> {
        self.verify()?;
        let head: Value = self.ask("eth_blockNumber", json!([]))?;
        evm_log::quantity(&head)
    }

    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        self.newest_final(refusals::tag_unsupported)
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        self.verify()?;
        // An empty list would match every wallet or every contract of the chain.
        if ask.recipients.is_empty() || ask.contracts.is_empty() || ask.from > ask.to {
            return Ok(Scanned {
                through: ask.to,
                transfers: Vec::new(),
            });
        }
        self.transfers(ask)
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        self.verify()?;
        let Some(block) = self.raw_block(json!(hex_quantity(number)))? else {
            return Ok(None);
        };
        let block = self.block_ref(&block)?;
        if block.number != number {
            return bad("another block than was asked for");
        }
        Ok(Some(block))
    }

    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        self.verify()?;
        let digits = txn_hash.strip_prefix("0x").unwrap_or(txn_hash);
        let params = json!([format!("0x{digits}")]);
        let raw: Option<RawReceipt> = self.rpc.call("eth_getTransactionReceipt", params)?;
        match raw {
            // Without a block it waits in the pool still.
            Some(raw) if raw.block_number.is_some() => {
                self.mined(txn_hash, &raw, recipients).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn decimals(&self, contract: &Address) -> Result<Option<u8>, ProviderError> {
        self.decimals_of(contract).map(Some)
    }

    fn longest_range(&self, ask: &Scan) -> Result<Option<u64>, ProviderError> {
        self.longest_range_of(ask).map(Some)
    }

    fn distrust(&self) {
        self.trusted.store(false, Ordering::Release);
    }

    fn meter(&self) -> Option<&Meter> {
        Some(self.rpc.meter())
    }
}

impl EvmRpc {
    /// The newest final block. `None` where the node answers `null`, or with an error that is `no_tag`; but never again once it
    /// told of one: without it a payment would count at the usual depth, which is not what the merchant asked for.
    pub(super) fn newest_final(
        &self,
        no_tag: impl Fn(&NodeError) -> bool,
    ) -> Result<Option<u64>, ProviderError> {
        self.verify()?;
        let has_told = self.tells_final.load(Ordering::Acquire);
        match self.raw_block(json!("finalized")) {
            Ok(Some(block)) => {
                let number = self.block_ref(&block)?.number;
                self.tells_final.store(true, Ordering::Release);
                Ok(Some(number))
            }
            Ok(None) if has_told => bad("no finalized block, though it told of one before"),
            Ok(None) => Ok(None),
            Err(CallError::Node(error)) if !has_told && no_tag(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks the chain id, unless that has been done.
    pub(super) fn verify(&self) -> Result<(), ProviderError> {
        if self.trusted.load(Ordering::Acquire) {
            return Ok(());
        }
        let found = evm_log::quantity(&self.ask::<Value>("eth_chainId", json!([]))?)?;
        if found != self.chain_id {
            return Err(ProviderError::WrongChain {
                expected: self.chain_id,
                found,
            });
        }
        self.trusted.store(true, Ordering::Release);
        Ok(())
    }

    /// Calls a method that always has a result.
    fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, ProviderError> {
        let result = self.rpc.call(method, params)?;
        result.map_or_else(|| bad(&format!("{method} answered null")), Ok)
    }

    /// The block at a height, if it is the one that is expected there; a reorganisation under way is a bad answer.
    pub(super) fn canonical(&self, number: u64, hash: &str) -> Result<BlockRef, ProviderError> {
        match self.block(number)? {
            Some(block) if block.hash == hash => {
                self.learned().remember(&block);
                Ok(block)
            }
            Some(_) => bad("another block at that height: the chain is being reorganised"),
            None => bad("no block at that height"),
        }
    }

    /// The block at a height, which the node must have, and the hashes of its transactions.
    pub(super) fn transactions_in(
        &self,
        number: u64,
    ) -> Result<(BlockRef, Vec<String>), ProviderError> {
        let params = json!([hex_quantity(number), false]);
        let raw: RawWithTransactions = self.ask("eth_getBlockByNumber", params)?;
        let block = self.block_ref(&raw.block)?;
        match block.number == number {
            true => Ok((block, raw.transactions)),
            false => bad("another block than was asked for"),
        }
    }

    /// The receipt of a transaction of this block, which need not be looked up again.
    pub(super) fn receipt_in(
        &self,
        block: &BlockRef,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Receipt, ProviderError> {
        let raw: RawReceipt = self.ask("eth_getTransactionReceipt", json!([txn_hash]))?;
        let (number, hash) = raw.place(self.family)?;
        if (number, &hash) != (block.number, &block.hash) {
            return bad("a receipt of another block: the chain is being reorganised");
        }
        self.read_receipt(txn_hash, &raw, block.clone(), recipients)
    }

    fn mined(
        &self,
        txn_hash: &str,
        raw: &RawReceipt,
        recipients: &[Address],
    ) -> Result<Receipt, ProviderError> {
        let (number, hash) = raw.place(self.family)?;
        // A receipt can be of a block that is not sealed yet (Base's preconfirmations): such a block is not found here.
        let block = self.canonical(number, &hash)?;
        self.read_receipt(txn_hash, raw, block, recipients)
    }

    fn read_receipt(
        &self,
        txn_hash: &str,
        raw: &RawReceipt,
        block: BlockRef,
        recipients: &[Address],
    ) -> Result<Receipt, ProviderError> {
        let asked = evm_log::hash(txn_hash, self.family)?;
        if evm_log::hash(&raw.transaction_hash, self.family)? != asked {
            return bad("the receipt of another transaction");
        }
        let succeeded = match raw.status.as_ref().map(evm_log::quantity).transpose()? {
            Some(1) => true,
            Some(0) => false,
            _ => return bad("a receipt without a status"),
        };
        let transfers = if succeeded {
            self.transfers_in(raw, &asked, &block, recipients)?
        } else {
            Vec::new()
        };
        Ok(Receipt {
            block,
            succeeded,
            transfers,
        })
    }

    fn transfers_in(
        &self,
        raw: &RawReceipt,
        txn_hash: &str,
        block: &BlockRef,
        recipients: &[Address],
    ) -> Result<Vec<ChainTransfer>, ProviderError> {
        let wanted = Wanted {
            family: self.family,
            blocks: block.number..=block.number,
            contracts: None,
            recipients,
        };
        let logs = evm_log::transfers(&raw.logs, &wanted)?;
        if logs
            .iter()
            .any(|log| log.id.txn_hash != txn_hash || log.block_hash != block.hash)
        {
            return bad("a receipt with a log of another transaction");
        }
        let mut transfers: Vec<ChainTransfer> = logs
            .into_iter()
            .map(|log| ChainTransfer {
                id: log.id,
                block: block.clone(),
            })
            .collect();
        number_equal_events(&mut transfers);
        Ok(transfers)
    }

    fn raw_block(&self, which: Value) -> Result<Option<RawBlock>, CallError> {
        self.rpc.call("eth_getBlockByNumber", json!([which, false]))
    }

    fn block_ref(&self, raw: &RawBlock) -> Result<BlockRef, ProviderError> {
        let (Some(number), Some(hash)) = (&raw.number, &raw.hash) else {
            return bad("a block that is not sealed");
        };
        Ok(BlockRef {
            number: evm_log::quantity(number)?,
            hash: evm_log::hash(hash, self.family)?,
            timestamp: evm_log::timestamp(&raw.timestamp)?,
        })
    }

    pub(super) fn learned(&self) -> MutexGuard<'_, Learned> {
        // Nothing in it can be half changed: each field is right by itself.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RawReceipt {
    /// The number and hash of its block.
    fn place(&self, family: Family) -> Result<(u64, String), ProviderError> {
        let (Some(number), Some(hash)) = (&self.block_number, &self.block_hash) else {
            return bad("a receipt without a block");
        };
        Ok((evm_log::quantity(number)?, evm_log::hash(hash, family)?))
    }
}

/// A number as JSON-RPC takes it: the shortest hex.
pub(super) fn hex_quantity(number: u64) -> String {
    format!("{number:#x}")
}

fn bad<T>(what: &str) -> Result<T, ProviderError> {
    Err(ProviderError::BadAnswer(what.to_owned()))
}

#[cfg(test)]
pub(super) mod tests;
