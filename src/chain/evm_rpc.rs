//! A node's JSON-RPC: every EVM chain, and Tron through the same methods.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::evm_log::{self, Log, TRANSFER, TransferLog, Wanted};
use super::http::HttpClient;
use super::json_rpc::{CallError, JsonRpc};
use super::refusals::{self, Meaning};
use super::span::Span;
use super::{Provider, ProviderError, Receipt, Scan, Scanned};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, number_equal_events};

/// Recipients in one `eth_getLogs`: geth takes 1,000 topics by default.
const RECIPIENTS_AT_ONCE: usize = 500;

/// Blocks looked up for their time in one scan, where logs do not tell it; a scan that needs more ends earlier.
const LOOKUPS_AT_ONCE: usize = 50;

/// Block times remembered: more than a re-scan of the newest blocks needs again.
const TIMES_REMEMBERED: usize = 1000;

/// One node, or a gateway to many.
pub struct EvmRpc {
    rpc: JsonRpc,
    family: Family,
    chain_id: u64,
    trusted: AtomicBool,
    learned: Mutex<Learned>,
}

/// What this provider taught us.
struct Learned {
    span: Span,
    recipients_at_once: usize,
    /// By block hash: a hash's time never changes.
    times: HashMap<String, i64>,
}

#[derive(Deserialize)]
struct RawBlock {
    number: Option<Value>,
    hash: Option<String>,
    timestamp: Value,
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
        Self {
            rpc: JsonRpc::new(http),
            family,
            chain_id,
            trusted: AtomicBool::new(false),
            learned: Mutex::new(Learned {
                span: Span::default(),
                recipients_at_once: RECIPIENTS_AT_ONCE,
                times: HashMap::new(),
            }),
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
        self.verify()?;
        match self.raw_block(json!("finalized")) {
            Ok(Some(block)) => Ok(Some(self.block_ref(&block)?.number)),
            Ok(None) => Ok(None),
            Err(CallError::Node(error)) if refusals::tag_unsupported(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        self.verify()?;
        // An empty list would match every wallet or every contract of the chain.
        if ask.recipients.is_empty() || ask.contracts.is_empty() {
            return Ok(Scanned {
                through: ask.to,
                transfers: Vec::new(),
            });
        }
        let (through, logs) = self.logs_from(ask)?;
        self.with_times(through, logs)
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

    fn distrust(&self) {
        self.trusted.store(false, Ordering::Release);
    }
}

impl EvmRpc {
    /// Checks the chain id, unless that has been done.
    fn verify(&self) -> Result<(), ProviderError> {
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

    /// The logs from the beginning of the range on, and the block they reach to. Shortens the range until the node takes it.
    fn logs_from(&self, ask: &Scan) -> Result<(u64, Vec<TransferLog>), ProviderError> {
        loop {
            let to = self.learned().span.end(ask.from, ask.to);
            let error = match self.logs(ask, to) {
                Ok(logs) => {
                    self.learned()
                        .span
                        .answered((to - ask.from).saturating_add(1));
                    return Ok((to, logs));
                }
                Err(error) => error,
            };
            if !self.adapt(&error, ask.from, to) {
                return Err(error.into());
            }
        }
    }

    /// Draws the lesson from a refusal. Whether to ask again at once.
    fn adapt(&self, error: &CallError, from: u64, to: u64) -> bool {
        let mut learned = self.learned();
        let meaning = match error {
            CallError::Node(node) => refusals::meaning(node),
            CallError::TooLong => Meaning::TooMuchFound { suggested: None },
            // A node that is down looks the same: ask for less the next time, but let another provider go first.
            CallError::Timeout => {
                learned.span.refused(from, to, Meaning::Unknown);
                return false;
            }
            CallError::Failed(_) => return false,
        };
        match meaning {
            Meaning::RangeTooLong { .. } | Meaning::TooMuchFound { .. } => {
                learned.span.refused(from, to, meaning)
            }
            Meaning::TooManyAddresses => {
                learned.recipients_at_once /= 2;
                let any = learned.recipients_at_once > 0;
                learned.recipients_at_once = learned.recipients_at_once.max(1);
                any
            }
            // It may be about the range, in words that nobody here knows.
            Meaning::Unknown => {
                learned.span.refused(from, to, meaning);
                false
            }
            Meaning::Later | Meaning::Behind | Meaning::Refused => false,
        }
    }

    /// All transfers in `ask.from..=to`, in one request, or several where there are many wallets.
    fn logs(&self, ask: &Scan, to: u64) -> Result<Vec<TransferLog>, CallError> {
        let contracts: Vec<String> = ask.contracts.iter().map(Address::to_hex).collect();
        let at_once = self.learned().recipients_at_once;
        let mut logs: Vec<Log> = Vec::new();
        for recipients in ask.recipients.chunks(at_once) {
            let topics: Vec<String> = recipients.iter().map(topic).collect();
            let filter = json!([{
                "fromBlock": hex_quantity(ask.from),
                "toBlock": hex_quantity(to),
                "address": contracts,
                "topics": [TRANSFER, null, topics],
            }]);
            let answer: Option<Vec<Log>> = self.rpc.call("eth_getLogs", filter)?;
            // A node that has no answer is not a node that found nothing.
            logs.extend(answer.ok_or_else(|| failed("eth_getLogs answered null"))?);
        }
        let wanted = Wanted {
            family: self.family,
            blocks: ask.from..=to,
            contracts: Some(&ask.contracts),
            recipients: &ask.recipients,
        };
        evm_log::transfers(&logs, &wanted).map_err(CallError::Failed)
    }

    /// The transfers with the times of their blocks, as far as these could be looked up.
    fn with_times(&self, through: u64, logs: Vec<TransferLog>) -> Result<Scanned, ProviderError> {
        let mut lookups = 0;
        let mut last: Option<BlockRef> = None;
        let mut scanned = Scanned {
            through,
            transfers: Vec::new(),
        };
        for log in logs {
            let block = match last.filter(|block| block.number == log.block_number) {
                Some(block) => block,
                None => {
                    let known = log.timestamp.or_else(|| self.remembered(&log.block_hash));
                    lookups += usize::from(known.is_none());
                    if lookups > LOOKUPS_AT_ONCE {
                        scanned.through = log.block_number - 1;
                        break;
                    }
                    self.block_of(&log, known)?
                }
            };
            last = Some(block.clone());
            scanned.transfers.push(ChainTransfer { id: log.id, block });
        }
        number_equal_events(&mut scanned.transfers);
        Ok(scanned)
    }

    /// The block of a log. Where its time has to be looked up, the canonical block must still be the log's.
    fn block_of(&self, log: &TransferLog, time: Option<i64>) -> Result<BlockRef, ProviderError> {
        let timestamp = match time {
            Some(time) => time,
            None => self.canonical(log.block_number, &log.block_hash)?.timestamp,
        };
        Ok(BlockRef {
            number: log.block_number,
            hash: log.block_hash.clone(),
            timestamp,
        })
    }

    /// The block at a height, if it is the one that is expected there; a reorganisation under way is a bad answer.
    fn canonical(&self, number: u64, hash: &str) -> Result<BlockRef, ProviderError> {
        match self.block(number)? {
            Some(block) if block.hash == hash => {
                let mut learned = self.learned();
                if learned.times.len() >= TIMES_REMEMBERED {
                    learned.times.clear();
                }
                learned.times.insert(block.hash.clone(), block.timestamp);
                Ok(block)
            }
            Some(_) => bad("another block at that height: the chain is being reorganised"),
            None => bad("no block at that height"),
        }
    }

    fn remembered(&self, hash: &str) -> Option<i64> {
        self.learned().times.get(hash).copied()
    }

    fn mined(
        &self,
        txn_hash: &str,
        raw: &RawReceipt,
        recipients: &[Address],
    ) -> Result<Receipt, ProviderError> {
        let asked = evm_log::hash(txn_hash, self.family)?;
        if evm_log::hash(&raw.transaction_hash, self.family)? != asked {
            return bad("the receipt of another transaction");
        }
        let (Some(number), Some(hash)) = (&raw.block_number, &raw.block_hash) else {
            return bad("a receipt without a block");
        };
        let number = evm_log::quantity(number)?;
        // A receipt can be of a block that is not sealed yet (Base's preconfirmations): such a block is not found here.
        let block = self.canonical(number, &evm_log::hash(hash, self.family)?)?;
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

    fn learned(&self) -> MutexGuard<'_, Learned> {
        // Nothing in it can be half changed: each field is right by itself.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number as JSON-RPC takes it: the shortest hex.
fn hex_quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// An address as a topic: padded to 32 bytes.
fn topic(address: &Address) -> String {
    format!("0x{:0>64}", hex::encode(address.bytes()))
}

fn failed(what: &str) -> CallError {
    CallError::Failed(ProviderError::BadAnswer(what.to_owned()))
}

fn bad<T>(what: &str) -> Result<T, ProviderError> {
    Err(ProviderError::BadAnswer(what.to_owned()))
}
