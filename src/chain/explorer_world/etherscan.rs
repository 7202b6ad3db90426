//! Etherscan V2.

use serde_json::{Value, json};

use super::super::scripted::Answer;
use super::{KEY, Outcome, Request, Row, State, node};

pub fn answer(state: &State, request: &Request) -> Answer {
    if request.text("apikey") != KEY {
        return refuse("Invalid API Key");
    }
    if request.number("chainid") != Some(state.chain_id) {
        return refuse("Missing or unsupported chainid parameter (required for v2 api)");
    }
    match (request.text("module"), request.text("action")) {
        ("account", "tokentx") => transfers(state, request),
        ("block", "getblocknobytime") => {
            let time = request.number("timestamp").unwrap() as i64;
            let mut numbers = (0..=state.indexed()).rev();
            match numbers.find(|n| state.blocks[*n as usize].time <= time) {
                Some(number) => succeed(json!(number.to_string())),
                None => refuse("Error! No closest block found"),
            }
        }
        ("proxy", method) => proxy(state, method, request),
        _ => refuse("Error! Missing Or invalid Module name"),
    }
}

/// A refusal in the explorer's own envelope, under status 200.
pub fn refuse(result: &str) -> Answer {
    json_answer(json!({"status": "0", "message": "NOTOK", "result": result}))
}

fn succeed(result: Value) -> Answer {
    json_answer(json!({"status": "1", "message": "OK", "result": result}))
}

fn json_answer(body: Value) -> Answer {
    Answer::text(200, &body.to_string())
}

fn transfers(state: &State, request: &Request) -> Answer {
    let (page, offset) = (
        request.number("page").unwrap(),
        request.number("offset").unwrap(),
    );
    if page * offset > 10_000 {
        return refuse(
            "Result window is too large, PageNo x Offset size must be less than or equal to 10000",
        );
    }
    let range = request.number("startblock").unwrap()..=request.number("endblock").unwrap();
    let contract = request.text("contractaddress");
    let address: crate::domain::address::Address = request.text("address").parse().unwrap();
    let rows = state.rows(&address.to_string());
    let rows = rows.iter().filter(|row| {
        row.outcome == Outcome::Succeeded
            && range.contains(&row.number)
            && (contract.is_empty() || row.event.contract.to_hex() == contract)
    });
    let limit = request.limit("offset", 100, state);
    let rows: Vec<Value> = rows
        .skip(((page - 1) * offset) as usize)
        .take(limit)
        .map(json_row)
        .collect();
    if rows.is_empty() {
        let body = json!({"status": "0", "message": "No transactions found", "result": []});
        return json_answer(body);
    }
    succeed(rows.into())
}

fn json_row(row: &Row) -> Value {
    json!({
        "blockNumber": row.number.to_string(),
        "timeStamp": row.time.to_string(),
        "hash": row.txn_hash,
        "nonce": "406",
        "blockHash": row.block_hash,
        "from": row.event.sender.to_hex(),
        "contractAddress": row.event.contract.to_hex(),
        "to": row.event.recipient.to_hex(),
        "value": row.event.units.to_string(),
        "tokenName": "Tether USD",
        "tokenSymbol": "USDT",
        "tokenDecimal": "6",
        "transactionIndex": "81",
        "gas": "940000",
        "input": "deprecated",
        "confirmations": "7968350",
    })
}

/// Calls that are passed on. `eth_chainId` is not one of them.
fn proxy(state: &State, method: &str, request: &Request) -> Answer {
    let params = match method {
        "eth_blockNumber" => json!([]),
        "eth_getBlockByNumber" => json!([request.text("tag"), false]),
        "eth_getTransactionReceipt" => json!([request.text("txhash")]),
        _ => return refuse("Error! Missing Or invalid Action name"),
    };
    let result = node::call(state, method, &params).unwrap();
    json_answer(json!({"jsonrpc": "2.0", "id": 83, "result": result}))
}
