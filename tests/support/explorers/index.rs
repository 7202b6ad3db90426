//! What an explorer knows of a chain: read from a node, block by block, and kept.

use std::collections::HashSet;

use serde_json::{Value, json};
use sha3::{Digest, Keccak256};

use crate::support::{http, units};

/// Blocks asked for at once.
const AT_ONCE: usize = 250;

/// All blocks of a node, and the token transfers in them.
#[derive(Default)]
pub struct Index {
    /// By number.
    blocks: Vec<Block>,
    /// In the order of the chain.
    rows: Vec<Row>,
    /// Rows of transactions that a reorganisation removed.
    reverted: Vec<Row>,
}

/// A block's hash, without 0x, and its time.
#[derive(Clone, Debug)]
pub struct Block {
    pub hash: String,
    pub time: u64,
}

/// How a transaction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Success,
    Revert,
    OutOfEnergy,
}

/// One Transfer event, or a call of `transfer` that failed. Addresses and hashes are lower-case hex without 0x.
#[derive(Clone, Debug)]
pub struct Row {
    pub block: u64,
    pub time: u64,
    pub txn_hash: String,
    pub contract: String,
    pub from: String,
    pub to: String,
    /// Decimal, of any size.
    pub value: String,
    pub outcome: Outcome,
}

impl Index {
    /// Reads what is new on the node; all of it again, if the chain was reorganised. `None` if the node is away.
    pub fn sync(&mut self, node: &str) -> Option<()> {
        loop {
            let head = quantity(&call(node, "eth_blockNumber", json!([]))?)?;
            let known = self.blocks.len() as u64;
            if known > head + 1 || (known > 0 && !self.still_has(node, known - 1)?) {
                self.start_over();
            }
            let from = self.blocks.len() as u64;
            for from in (from..=head).step_by(AT_ONCE) {
                let to = head.min(from + AT_ONCE as u64 - 1);
                if self.read(node, from, to).is_none() {
                    self.start_over();
                    break;
                }
            }
            // It may have changed while it was read.
            if self.blocks.len() as u64 == head + 1 && self.still_has(node, head)? {
                break;
            }
            self.start_over();
        }
        let standing: HashSet<&str> = self.rows.iter().map(|r| r.txn_hash.as_str()).collect();
        self.reverted
            .retain(|r| !standing.contains(r.txn_hash.as_str()));
        Some(())
    }

    pub fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// The newest block that is not younger than a time.
    pub fn block_at(&self, time: u64, newest: u64) -> Option<u64> {
        (0..=newest)
            .rev()
            .find(|n| self.block(*n).is_some_and(|b| b.time <= time))
    }

    /// What came to an account, or went from it, in blocks up to one.
    pub fn rows(&self, account: &str, up_to: u64) -> impl DoubleEndedIterator<Item = &Row> {
        let is_of =
            move |row: &&Row| row.block <= up_to && (row.to == account || row.from == account);
        self.rows.iter().filter(is_of)
    }

    /// What came to an account and is no more.
    pub fn reverted(&self, account: &str) -> impl Iterator<Item = &Row> {
        self.reverted.iter().filter(move |row| row.to == account)
    }

    /// A transaction's rows.
    pub fn of_transaction(&self, txn_hash: &str) -> Vec<&Row> {
        let rows = self.rows.iter();
        rows.filter(|row| row.txn_hash == txn_hash).collect()
    }

    fn still_has(&self, node: &str, number: u64) -> Option<bool> {
        let block = call(node, "eth_getBlockByNumber", json!([hex(number), false]))?;
        let known = self.block(number)?;
        Some(known.hash == digits(&block["hash"]))
    }

    fn start_over(&mut self) {
        self.blocks.clear();
        self.reverted.append(&mut self.rows);
    }

    fn read(&mut self, node: &str, from: u64, to: u64) -> Option<()> {
        let blocks: Vec<Value> = (from..=to)
            .map(|n| request("eth_getBlockByNumber", json!([hex(n), true])))
            .collect();
        let blocks = post(node, &json!(blocks))?;
        let blocks: Vec<&Value> = blocks.as_array()?.iter().map(|a| &a["result"]).collect();
        let topic = hex::encode(Keccak256::digest("Transfer(address,address,uint256)"));
        let filter = json!([{
            "fromBlock": hex(from), "toBlock": hex(to), "topics": [format!("0x{topic}")],
        }]);
        let logs = call(node, "eth_getLogs", filter)?;
        for block in &blocks {
            self.blocks.push(Block {
                hash: digits(&block["hash"]),
                time: quantity(&block["timestamp"])?,
            });
        }
        let mut rows = Vec::new();
        for log in logs.as_array()? {
            rows.extend(self.event(log));
        }
        let told: HashSet<String> = rows.iter().map(|r| r.txn_hash.clone()).collect();
        for (block, number) in blocks.into_iter().zip(from..) {
            for transaction in block["transactions"].as_array()? {
                if !told.contains(&digits(&transaction["hash"])) {
                    rows.extend(self.failed_call(node, transaction, number));
                }
            }
        }
        // Stable: within a block, logs keep their order.
        rows.sort_by_key(|row| row.block);
        self.rows.append(&mut rows);
        Some(())
    }

    /// A token transfer; other tokens have events of the same name with four topics.
    fn event(&self, log: &Value) -> Option<Row> {
        let topics = log["topics"].as_array().filter(|t| t.len() == 3)?;
        let block = quantity(&log["blockNumber"])?;
        Some(Row {
            block,
            time: self.block(block)?.time,
            txn_hash: digits(&log["transactionHash"]),
            contract: digits(&log["address"]),
            from: digits(&topics[1])[24..].to_owned(),
            to: digits(&topics[2])[24..].to_owned(),
            value: units::decimal(&digits(&log["data"])),
            outcome: Outcome::Success,
        })
    }

    /// A call of `transfer` that was mined and failed: Tron's explorers list it, too.
    fn failed_call(&self, node: &str, transaction: &Value, block: u64) -> Option<Row> {
        let input = digits(&transaction["input"]);
        let arguments = input.strip_prefix("a9059cbb").filter(|a| a.len() == 128)?;
        let hash = &transaction["hash"];
        let receipt = call(node, "eth_getTransactionReceipt", json!([hash]))?;
        if receipt["status"] != "0x0" {
            return None;
        }
        Some(Row {
            block,
            time: self.block(block)?.time,
            txn_hash: digits(hash),
            contract: digits(&transaction["to"]),
            from: digits(&transaction["from"]),
            to: arguments[24..64].to_owned(),
            value: units::decimal(&arguments[64..]),
            outcome: failure(&receipt, transaction),
        })
    }
}

/// How a failed transaction ended: what used up all it had ran out of it.
pub fn failure(receipt: &Value, transaction: &Value) -> Outcome {
    match quantity(&receipt["gasUsed"]) >= quantity(&transaction["gas"]) {
        true => Outcome::OutOfEnergy,
        false => Outcome::Revert,
    }
}

/// The result of a call; `None` if the node has none to give.
pub fn call(node: &str, method: &str, params: Value) -> Option<Value> {
    let mut answer = post(node, &request(method, params))?;
    answer.get_mut("result").map(Value::take)
}

/// Passes any body on to the node; `None` if it is away.
pub fn post(node: &str, body: &Value) -> Option<Value> {
    let headers = [("content-type", "application/json")];
    let reply = http::try_send("POST", node, &headers, body.to_string().as_bytes()).ok()?;
    serde_json::from_slice(&reply.body).ok()
}

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// Lower-case hex digits without 0x.
pub fn digits(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.trim_start_matches("0x").to_lowercase()
}

/// A number as JSON-RPC writes it.
pub fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

pub fn hex(number: u64) -> String {
    format!("{number:#x}")
}
