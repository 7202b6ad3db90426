//! TronGrid: its own lists, and java-tron's API.

use serde_json::{Value, json};

use super::super::evm_log::TRANSFER;
use super::super::scripted::Answer;
use super::{KEY, Outcome, Request, Row, State};

pub fn answer(state: &State, request: &Request) -> Answer {
    if !request
        .head
        .contains(&format!("tron-pro-api-key: {}", KEY.to_lowercase()))
    {
        return Answer::text(401, r#"{"Error":"ApiKey not exists"}"#);
    }
    let body = match request.path.as_str() {
        "/v1/blocks/latest/events" => latest_events(state),
        "/wallet/getblock" => block(state, request, state.head()),
        "/walletsolidity/getblock" => block(state, request, state.last_final()),
        "/wallet/gettransactioninfobyid" => info(state, request, state.head()),
        "/walletsolidity/gettransactioninfobyid" => info(state, request, state.last_final()),
        path => {
            let account = path.strip_prefix("/v1/accounts/");
            let account = account.and_then(|rest| rest.strip_suffix("/transactions/trc20"));
            match account {
                Some(account) => transfers(state, request, account),
                None => return Answer::text(404, r#"{"success":false,"error":"Not found"}"#),
            }
        }
    };
    Answer::text(200, &body.to_string())
}

fn latest_events(state: &State) -> Value {
    let event = json!({
        "block_number": state.indexed(),
        "block_timestamp": state.blocks[state.indexed() as usize].time * 1000,
        "event_name": "Transfer",
        "_unconfirmed": true,
    });
    json!({"success": true, "meta": {"at": 1}, "data": [event]})
}

fn transfers(state: &State, request: &Request, account: &str) -> Value {
    let since = request.number("min_timestamp").unwrap_or(0) as i64;
    let contract = request.text("contract_address");
    assert_eq!(request.text("order_by"), "block_timestamp,asc");
    assert_eq!(request.text("only_to"), "true");
    let rows = state.rows(account);
    let rows = rows.iter().filter(|row| {
        row.time * 1000 >= since
            && row.event.recipient.to_string() == account
            && (contract.is_empty() || row.event.contract.to_string() == contract)
    });
    let start = request.text("fingerprint").strip_prefix("after~");
    let start: usize = start.map_or(0, |start| start.parse().unwrap());
    let limit = request.limit("limit", 20, state).min(200);
    let rows: Vec<&Row> = rows.skip(start).collect();
    let mut meta = json!({"at": 1_710_236_000_000u64, "page_size": limit.min(rows.len())});
    if rows.len() > limit {
        meta["fingerprint"] = json!(format!("after~{}", start + limit));
    }
    let data: Vec<Value> = rows.into_iter().take(limit).map(json_row).collect();
    json!({"data": data, "success": true, "meta": meta})
}

fn json_row(row: &Row) -> Value {
    json!({
        "transaction_id": row.txn_hash,
        "token_info": {
            "symbol": "USDT", "address": row.event.contract.to_string(), "decimals": 6, "name": "Tether USD",
        },
        "block_timestamp": row.time * 1000,
        "from": row.event.sender.to_string(),
        "to": row.event.recipient.to_string(),
        "type": "Transfer",
        "value": row.event.units.to_string(),
    })
}

/// Up to the newest block of a view. Zeros are left out.
fn block(state: &State, request: &Request, newest: u64) -> Value {
    assert_eq!(request.body["detail"], false);
    let number = request.body["id_or_num"].as_str();
    let number = number.map_or(newest, |number| number.parse().unwrap());
    let Some(block) = state.block(number).filter(|_| number <= newest) else {
        return json!({});
    };
    let mut header = json!({"txTrieRoot": "00", "parentHash": "00", "version": 34});
    if number > 0 {
        header["number"] = json!(number);
        header["timestamp"] = json!(block.timestamp * 1000);
    }
    json!({"blockID": block.hash, "block_header": {"raw_data": header, "witness_signature": "00"}})
}

fn info(state: &State, request: &Request, newest: u64) -> Value {
    let found = state.transaction(request.body["value"].as_str().unwrap());
    let Some((number, txn)) = found.filter(|(number, _)| *number <= newest) else {
        return json!({});
    };
    let topic = |bytes: &[u8; 20]| format!("{:0>64}", hex::encode(bytes));
    let logs = txn.events.iter().map(|event| {
        json!({
            "address": hex::encode(event.contract.bytes()),
            "topics": [TRANSFER[2..], topic(event.sender.bytes()), topic(event.recipient.bytes())],
            "data": format!("{:064x}", event.units),
        })
    });
    let mut info = json!({
        "id": txn.hash,
        "fee": 345_000,
        "blockNumber": number,
        "blockTimeStamp": state.blocks[number as usize].time * 1000,
        "contractResult": [""],
        "receipt": {"energy_usage_total": 14_631, "result": "SUCCESS"},
    });
    match txn.outcome {
        Outcome::Succeeded => info["log"] = logs.collect(),
        outcome => {
            let reason = match outcome {
                Outcome::OutOfEnergy => "OUT_OF_ENERGY",
                _ => "REVERT",
            };
            info["receipt"]["result"] = json!(reason);
            info["result"] = json!("FAILED");
        }
    }
    info
}
