//! TronGrid: its own lists, java-tron's API, and JSON-RPC.

use serde_json::{Value, json};

use super::index::{self, Outcome, Row, digits, failure, hex, quantity};
use super::{Answer, KEY, State, Trouble, hex_address, tron_address, tron_block_id};
use crate::support::incoming::Incoming;

/// Rows in a page at most.
const PAGE: usize = 200;

pub fn answer(state: &State, request: &Incoming) -> Answer {
    match state.trouble {
        Some(Trouble::RateLimited) => {
            let error = "The key exceeds the frequency limit(15), and the query server is suspended for 30s";
            let body = json!({"success": false, "error": error, "statusCode": 403});
            return Answer::new(403, body);
        }
        Some(Trouble::WrongKey) => return unknown_key(),
        _ => {}
    }
    let key = request.header("tron-pro-api-key");
    if !key.is_empty() && key != KEY {
        return unknown_key();
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let account = request.path().strip_prefix("/v1/accounts/");
    let account = account.and_then(|rest| rest.strip_suffix("/transactions/trc20"));
    match (account, request.path()) {
        (Some(account), _) => transfers(state, request, account),
        (_, "/jsonrpc") => json_rpc(state, &body),
        (_, path) => match java_tron(state, path, &body) {
            Some(answer) => Answer::json(answer),
            None => Answer::new(404, json!({"success": false, "error": "Not found"})),
        },
    }
}

fn unknown_key() -> Answer {
    Answer::new(401, json!({"Error": "ApiKey not exists"}))
}

fn java_tron(state: &State, path: &str, body: &Value) -> Option<Value> {
    let answer = match path {
        "/v1/blocks/latest/events" => latest_events(state),
        "/wallet/getblock" | "/wallet/getnowblock" => block(state, body, state.index.head()),
        "/walletsolidity/getblock" | "/walletsolidity/getnowblock" => {
            block(state, body, state.last_final())
        }
        "/wallet/gettransactioninfobyid" => info(state, body, state.index.head()),
        "/walletsolidity/gettransactioninfobyid" => info(state, body, state.last_final()),
        "/wallet/triggerconstantcontract" => constant(state, body),
        _ => return None,
    };
    // What java-tron answers about what it does not know.
    let is_null = state.trouble == Some(Trouble::Null);
    Some(if is_null { json!({}) } else { answer })
}

fn latest_events(state: &State) -> Value {
    let number = state.indexed();
    let event = json!({
        "block_number": number,
        "block_timestamp": state.index.block(number).map(|b| b.time * 1000),
        "event_name": "Transfer",
        "_unconfirmed": true,
    });
    json!({"success": true, "meta": {"at": 1}, "data": [event]})
}

/// By times upwards. It knows no blocks, no log indices and no status, and lists nothing of failed calls.
fn transfers(state: &State, request: &Incoming, account: &str) -> Answer {
    let contract = request.query("contract_address");
    assert_eq!(request.query("order_by"), "block_timestamp,asc");
    assert_eq!(request.query("only_to"), "true");
    let since = request.number("min_timestamp").unwrap_or(0);
    let account = hex_address(account);
    let account = account.trim_start_matches("0x");
    let rows = state.index.rows(account, state.indexed()).filter(|row| {
        row.outcome == Outcome::Success
            && row.to == account
            && row.time * 1000 >= since
            && (contract.is_empty() || contract == tron_address(&row.contract))
    });
    let start = request.query("fingerprint");
    let start: usize = start
        .strip_prefix("after~")
        .map_or(0, |s| s.parse().expect("its own"));
    let limit = state.page(request.number("limit"), 20, PAGE);
    // One more than the page tells whether there is another one.
    let rows = rows.skip(start).take(limit + 1);
    let mut rows: Vec<Value> = rows.map(json_row).collect();
    match state.trouble {
        Some(Trouble::EmptyLists) => rows.clear(),
        Some(Trouble::Invents) if start == 0 => rows.insert(0, invented(state, account, since)),
        _ => {}
    }
    let mut meta = json!({"at": 1_710_236_000_000_u64, "page_size": limit.min(rows.len())});
    if rows.len() > limit {
        meta["fingerprint"] = json!(format!("after~{}", start + limit));
        rows.truncate(limit);
    }
    let data = match state.trouble {
        Some(Trouble::Null) => Value::Null,
        _ => rows.into(),
    };
    Answer::json(json!({"data": data, "success": true, "meta": meta}))
}

fn json_row(row: &Row) -> Value {
    json!({
        "transaction_id": row.txn_hash,
        "token_info": {
            "symbol": "USDT", "address": tron_address(&row.contract), "decimals": 6, "name": "Tether USD",
        },
        "block_timestamp": row.time * 1000,
        "from": tron_address(&row.from),
        "to": tron_address(&row.to),
        "type": "Transfer",
        "value": row.value,
    })
}

/// A payment of a known coin that no node has heard of, as old as the list begins.
fn invented(state: &State, account: &str, since: u64) -> Value {
    let known = state.index.rows(account, state.indexed()).next();
    let contract = known.map_or("", |row| row.contract.as_str());
    json_row(&Row {
        block: 0,
        time: since.div_ceil(1000),
        txn_hash: "ab".repeat(32),
        contract: contract.to_owned(),
        from: "11".repeat(20),
        to: account.to_owned(),
        value: "5000000".to_owned(),
        outcome: Outcome::Success,
    })
}

/// A block up to the newest one of a view. Zeros are left out.
fn block(state: &State, body: &Value, newest: u64) -> Value {
    let number = body["id_or_num"]
        .as_str()
        .map_or(newest, |n| n.parse().expect("a number"));
    let Some(block) = state.index.block(number).filter(|_| number <= newest) else {
        return json!({});
    };
    let mut header = json!({"txTrieRoot": "00", "parentHash": "00", "version": 34});
    if number > 0 {
        header["number"] = json!(number);
        header["timestamp"] = json!(block.time * 1000);
    }
    let id = tron_block_id(number, &block.hash, state.told_chain_id());
    json!({"blockID": id, "block_header": {"raw_data": header, "witness_signature": "00"}})
}

/// What became of a transaction, up to the newest block of a view; `{}` otherwise.
fn info(state: &State, body: &Value, newest: u64) -> Value {
    let hash = body["value"].as_str().unwrap_or_default();
    let params = || json!([format!("0x{hash}")]);
    let ask = |method| index::call(&state.node, method, params()).unwrap_or_default();
    let receipt = ask("eth_getTransactionReceipt");
    let Some(number) = quantity(&receipt["blockNumber"]).filter(|n| *n <= newest) else {
        return json!({});
    };
    let mut info = json!({
        "id": hash,
        "fee": 345_000,
        "blockNumber": number,
        "blockTimeStamp": state.index.block(number).map(|b| b.time * 1000),
        "contractResult": [""],
        "receipt": {"energy_usage_total": 14_631, "result": "SUCCESS"},
    });
    if receipt["status"] == "0x1" {
        info["log"] = receipt["logs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(json_log)
            .collect();
    } else {
        let reason = match failure(&receipt, &ask("eth_getTransactionByHash")) {
            Outcome::OutOfEnergy => "OUT_OF_ENERGY",
            _ => "REVERT",
        };
        info["receipt"]["result"] = json!(reason);
        info["result"] = json!("FAILED");
    }
    info
}

/// A log without 0x anywhere; an address without Tron's 41.
fn json_log(log: &Value) -> Value {
    let topics = log["topics"].as_array().into_iter().flatten();
    json!({
        "address": digits(&log["address"]),
        "topics": topics.map(digits).collect::<Vec<_>>(),
        "data": digits(&log["data"]),
    })
}

/// A call that changes nothing, by its name.
fn constant(state: &State, body: &Value) -> Value {
    assert_eq!(body["function_selector"], "decimals()");
    assert_eq!(body["visible"], true, "addresses are in base58");
    let to = hex_address(body["contract_address"].as_str().expect("a contract"));
    let params = json!([{"to": to, "data": "0x313ce567"}, "latest"]);
    match index::call(&state.node, "eth_call", params).map(|result| digits(&result)) {
        Some(result) if !result.is_empty() => {
            json!({"result": {"result": true}, "energy_used": 541, "constant_result": [result]})
        }
        _ => {
            json!({"result": {"code": "CONTRACT_VALIDATE_ERROR", "message": "Smart contract is not exist."}})
        }
    }
}

/// The node's own answer, with blocks named as Tron names them.
fn json_rpc(state: &State, body: &Value) -> Answer {
    let Some(mut answer) = index::post(&state.node, body) else {
        return Answer::new(502, "the node is away");
    };
    if body["method"] == "eth_chainId" {
        answer["result"] = json!(hex(state.told_chain_id()));
    }
    name_blocks(&mut answer["result"], state.chain_id);
    Answer::json(answer)
}

/// Puts Tron's names of blocks into the place of the node's, wherever a hash stands beside its number.
fn name_blocks(value: &mut Value, chain_id: u64) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| name_blocks(item, chain_id)),
        Value::Object(fields) => {
            for (number, hash) in [("blockNumber", "blockHash"), ("number", "hash")] {
                let number = fields.get(number).and_then(quantity);
                if let (Some(number), Some(known)) = (number, fields.get(hash).map(digits)) {
                    let id = tron_block_id(number, &known, chain_id);
                    fields.insert(hash.to_owned(), json!(format!("0x{id}")));
                }
            }
            fields
                .values_mut()
                .for_each(|field| name_blocks(field, chain_id));
        }
        _ => {}
    }
}
