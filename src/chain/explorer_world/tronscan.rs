//! Tronscan.

use serde_json::{Value, json};

use super::super::scripted::Answer;
use super::{KEY, Outcome, Request, Row, State};

pub fn answer(state: &State, request: &Request) -> Answer {
    if !request
        .head
        .contains(&format!("tron-pro-api-key: {}", KEY.to_lowercase()))
    {
        return Answer::text(401, r#"{"Error":"Unauthorized: invalid API key"}"#);
    }
    let body = match request.path.as_str() {
        "/api/block" => blocks(state, request),
        "/api/token_trc20/transfers" => transfers(state, request),
        "/api/transaction-info" => info(state, request.text("hash")),
        _ => return Answer::text(404, "<html>"),
    };
    Answer::text(200, &body.to_string())
}

fn blocks(state: &State, request: &Request) -> Value {
    let limit = request.limit("limit", 10, state).min(50);
    let numbers: Vec<u64> = match request.number("number") {
        // The explorer takes a zero for no number.
        Some(number) if number > 0 => (number..=number.min(state.indexed())).collect(),
        _ => (0..=state.indexed()).rev().take(limit).collect(),
    };
    let block = |number: u64| {
        let block = state.block(number)?;
        Some(json!({
            "number": number,
            "hash": block.hash,
            "size": 2815,
            "timestamp": block.timestamp * 1000,
            "confirmed": number <= state.last_final(),
        }))
    };
    let data: Vec<Value> = numbers.into_iter().filter_map(block).collect();
    json!({"total": data.len(), "data": data})
}

/// The newest first; limits are kept without a word.
fn transfers(state: &State, request: &Request) -> Value {
    let account = request.text("toAddress");
    let time = |name| request.number(name).unwrap() as i64;
    let (since, until) = (time("start_timestamp"), time("end_timestamp"));
    let contract = request.text("contract_address");
    let mut rows = state.rows(account);
    rows.retain(|row| {
        (since..=until).contains(&(row.time * 1000))
            && row.event.recipient.to_string() == account
            && (contract.is_empty() || row.event.contract.to_string() == contract)
    });
    rows.reverse();
    let start = request.number("start").unwrap_or(0) as usize;
    let limit = request.limit("limit", 10, state).min(50);
    let rows_there = rows.iter().skip(start).take(limit);
    let rows_there = rows_there.take(10_000usize.saturating_sub(start));
    let data: Vec<Value> = rows_there.map(|row| json_row(state, row)).collect();
    json!({
        "total": rows.len().min(10_000),
        "rangeTotal": rows.len(),
        "token_transfers": data,
        "contractInfo": {},
        "normalAddressInfo": {},
    })
}

fn json_row(state: &State, row: &Row) -> Value {
    let call = match row.outcome {
        Outcome::OutOfEnergy => "OUT_OF_ENERGY",
        _ => "SUCCESS",
    };
    json!({
        "transaction_id": row.txn_hash,
        "status": 0,
        "block_ts": row.time * 1000,
        "from_address": row.event.sender.to_string(),
        "to_address": row.event.recipient.to_string(),
        "block": row.number,
        "contract_address": row.event.contract.to_string(),
        "quant": row.event.units.to_string(),
        "event_type": "Transfer",
        "confirmed": row.number <= state.last_final(),
        "contractRet": call,
        "finalResult": call,
        "revert": row.outcome == Outcome::Reverted,
        "tokenInfo": {"tokenAbbr": "USDT", "tokenDecimal": 6},
    })
}

fn info(state: &State, hash: &str) -> Value {
    let found = state.transaction(hash);
    let Some((number, txn)) = found.filter(|(number, _)| *number <= state.indexed()) else {
        return json!({});
    };
    let transfers = txn.events.iter().map(|event| {
        json!({
            "symbol": "USDT",
            "type": "Transfer",
            "tokenType": "trc20",
            "contract_address": event.contract.to_string(),
            "from_address": event.sender.to_string(),
            "to_address": event.recipient.to_string(),
            "amount_str": event.units.to_string(),
            "status": 0,
        })
    });
    let transfers: Vec<Value> = transfers.collect();
    json!({
        "hash": txn.hash,
        "block": number,
        "timestamp": state.blocks[number as usize].time * 1000,
        "confirmed": number <= state.last_final(),
        "contractRet": match txn.outcome {
            Outcome::OutOfEnergy => "OUT_OF_ENERGY",
            _ => "SUCCESS",
        },
        "revert": txn.outcome == Outcome::Reverted,
        "trc20TransferInfo": transfers,
    })
}
