//! One scan of a range of blocks: `eth_getLogs`, as few and as large as the node takes them.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use super::evm_log::{self, Log, TRANSFER, TransferLog, Wanted};
use super::evm_rpc::{EvmRpc, hex_quantity};
use super::json_rpc::CallError;
use super::refusals::{self, Meaning};
use super::span::Span;
use super::{ProviderError, Scan, Scanned};
use crate::domain::address::Address;
use crate::domain::transfer::{BlockRef, ChainTransfer, number_equal_events};

/// Recipients in one `eth_getLogs`: geth takes 1,000 topics by default.
const RECIPIENTS_AT_ONCE: usize = 500;

/// Blocks looked up for their time in one scan, where logs do not tell it; a scan that needs more ends earlier.
const LOOKUPS_AT_ONCE: usize = 50;

/// Block times remembered: more than a re-scan of the newest blocks needs again.
const TIMES_REMEMBERED: usize = 1000;

/// What a provider taught us.
pub struct Learned {
    span: Span,
    recipients_at_once: usize,
    /// By block hash: a hash's time never changes.
    times: HashMap<String, i64>,
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            span: Span::default(),
            recipients_at_once: RECIPIENTS_AT_ONCE,
            times: HashMap::new(),
        }
    }
}

impl Learned {
    /// A block's time need not be looked up again.
    pub fn remember(&mut self, block: &BlockRef) {
        if self.times.len() >= TIMES_REMEMBERED {
            self.times.clear();
        }
        self.times.insert(block.hash.clone(), block.timestamp);
    }
}

impl EvmRpc {
    /// The transfers from the beginning of the range on, to its end or as far as one answer reaches.
    /// There must be something to ask for.
    pub(super) fn transfers(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        let (through, logs) = self.logs_from(ask)?;
        self.with_times(through, logs)
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
            if !self.adapt(&error, ask, to) {
                return Err(error.into());
            }
        }
    }

    /// Draws the lesson from a refusal. Whether to ask again at once.
    fn adapt(&self, error: &CallError, ask: &Scan, to: u64) -> bool {
        let mut learned = self.learned();
        let meaning = match error {
            CallError::Node(node) => refusals::meaning(node),
            CallError::TooLong => Meaning::TooMuchFound { suggested: None },
            // A node that is down looks the same: ask for less the next time, but let another provider go first.
            CallError::Timeout => {
                learned.span.refused(ask.from, to, Meaning::Unknown);
                return false;
            }
            CallError::Failed(_) => return false,
        };
        match meaning {
            Meaning::RangeTooLong { .. } | Meaning::TooMuchFound { .. } => {
                learned.span.refused(ask.from, to, meaning)
            }
            Meaning::TooManyAddresses => {
                let at_once = learned.recipients_at_once.min(ask.recipients.len());
                learned.recipients_at_once = (at_once / 2).max(1);
                at_once > 1
            }
            // It may be about the range, in words that nobody here knows.
            Meaning::Unknown => {
                learned.span.refused(ask.from, to, meaning);
                false
            }
            Meaning::Later | Meaning::Behind | Meaning::Refused => false,
        }
    }

    /// All transfers in `ask.from..=to`, in one request, or several where there are many wallets.
    pub(super) fn logs(&self, ask: &Scan, to: u64) -> Result<Vec<TransferLog>, CallError> {
        let contracts: Vec<String> = ask.contracts.iter().map(Address::to_hex).collect();
        let at_once = self.learned().recipients_at_once;
        // Twice the same recipient, in two requests, would be twice the same log.
        let recipients = BTreeSet::from_iter(&ask.recipients);
        let topics: Vec<String> = recipients.into_iter().map(topic).collect();
        let mut logs: Vec<Log> = Vec::new();
        for topics in topics.chunks(at_once) {
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
                    let known = log
                        .timestamp
                        .or_else(|| self.learned().times.get(&log.block_hash).copied());
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
}

/// An address as a topic: padded to 32 bytes.
fn topic(address: &Address) -> String {
    format!("0x{:0>64}", hex::encode(address.bytes()))
}

fn failed(what: &str) -> CallError {
    CallError::Failed(ProviderError::BadAnswer(what.to_owned()))
}

#[cfg(test)]
mod tests;
