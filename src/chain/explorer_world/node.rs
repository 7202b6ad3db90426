//! A node's JSON-RPC.

use serde_json::{Value, json};

use super::super::evm_log::{TRANSFER, quantity};
use super::super::scripted::Answer;
use super::{Outcome, Request, State};

/// Answers a call that came by POST.
pub fn answer(state: &State, request: &Request) -> Answer {
    let method = request.body["method"].as_str().unwrap_or_default();
    match call(state, method, &request.body["params"]) {
        Some(result) => Answer::result(result),
        None => Answer::error(200, -32601, &format!("the method {method} does not exist")),
    }
}

/// The result of a call; `None` for a method that it does not know.
pub fn call(state: &State, method: &str, params: &Value) -> Option<Value> {
    Some(match method {
        "eth_chainId" => json!(format!("{:#x}", state.chain_id)),
        "eth_blockNumber" => json!(format!("{:#x}", state.head())),
        "eth_getBlockByNumber" => block(state, &params[0]),
        "eth_getTransactionReceipt" => receipt(state, params[0].as_str().unwrap()),
        "eth_getLogs" => logs(state, &params[0]),
        _ => return None,
    })
}

fn block(state: &State, which: &Value) -> Value {
    let number = match which.as_str() {
        Some("finalized") => state.last_final(),
        _ => quantity(which).unwrap(),
    };
    state.block(number).map_or(Value::Null, |block| {
        let transactions = state.blocks[number as usize].transactions.iter();
        let hashes: Vec<String> = transactions.map(|t| prefixed(&t.hash)).collect();
        json!({
            "number": format!("{number:#x}"),
            "hash": prefixed(&block.hash),
            "timestamp": format!("{:#x}", block.timestamp),
            "transactions": hashes,
        })
    })
}

fn receipt(state: &State, hash: &str) -> Value {
    let Some((number, txn)) = state.transaction(hash) else {
        return Value::Null;
    };
    let hash = prefixed(&txn.hash);
    let mut logs = logs_of_block(state, number);
    logs.retain(|log| log["transactionHash"] == hash);
    json!({
        "transactionHash": hash,
        "blockNumber": format!("{number:#x}"),
        "blockHash": prefixed(&state.block_hash(number)),
        "status": if txn.outcome == Outcome::Succeeded { "0x1" } else { "0x0" },
        "logs": logs,
    })
}

fn logs(state: &State, filter: &Value) -> Value {
    let from = quantity(&filter["fromBlock"]).unwrap();
    let to = quantity(&filter["toBlock"]).unwrap().min(state.head());
    let has = |list: &Value, item: &Value| list.as_array().unwrap().contains(item);
    let wanted = |log: &Value| {
        has(&filter["address"], &log["address"]) && has(&filter["topics"][2], &log["topics"][2])
    };
    let all = (from..=to).flat_map(|number| logs_of_block(state, number));
    all.filter(wanted).collect()
}

/// The logs of what succeeded: failed transactions have none.
fn logs_of_block(state: &State, number: u64) -> Vec<Value> {
    let mut logs = Vec::new();
    let block_hash = prefixed(&state.block_hash(number));
    for txn in &state.blocks[number as usize].transactions {
        for event in &txn.events {
            if txn.outcome != Outcome::Succeeded {
                continue;
            }
            let topic = |bytes: &[u8; 20]| format!("0x{:0>64}", hex::encode(bytes));
            logs.push(json!({
                "address": event.contract.to_hex(),
                "topics": [TRANSFER, topic(event.sender.bytes()), topic(event.recipient.bytes())],
                "data": format!("{:#066x}", event.units),
                "blockNumber": format!("{number:#x}"),
                "blockHash": block_hash,
                "transactionHash": prefixed(&txn.hash),
                "logIndex": format!("{:#x}", logs.len()),
            }));
        }
    }
    logs
}

fn prefixed(hash: &str) -> String {
    format!("0x{}", hash.trim_start_matches("0x"))
}
