//! Tronscan.

use serde_json::{Value, json};

use super::index::{self, Outcome, Row, digits, quantity};
use super::{Answer, KEY, State, Trouble, hex_address, tron_address, tron_block_id};
use crate::support::incoming::Incoming;
use crate::support::units;

/// Rows in a page at most; more are cut without a word.
const PAGE: usize = 50;

/// The row behind which nothing is listed.
const WINDOW: usize = 10_000;

pub fn answer(state: &State, request: &Incoming) -> Answer {
    match state.trouble {
        Some(Trouble::RateLimited) => {
            let text = "You have exceeded the allowed number of requests, please try again later";
            return Answer::json(json!({"code": 429, "message": text}));
        }
        Some(Trouble::WrongKey) => return unknown_key(),
        _ => {}
    }
    let key = request.header("tron-pro-api-key");
    if !key.is_empty() && key != KEY {
        return unknown_key();
    }
    let answer = match request.path() {
        "/api/block" => blocks(state, request),
        "/api/token_trc20/transfers" => return transfers(state, request),
        "/api/transaction-info" => info(state, &request.query("hash")),
        "/api/token_trc20" => token(state, &request.query("contract")),
        _ => return Answer::new(404, "<html>"),
    };
    Answer::json(match state.trouble {
        Some(Trouble::Null) => json!({}),
        _ => answer,
    })
}

fn unknown_key() -> Answer {
    Answer::new(401, json!({"Error": "Unauthorized: invalid API key"}))
}

fn blocks(state: &State, request: &Incoming) -> Value {
    let limit = state.page(request.number("limit"), 10, PAGE);
    let numbers: Vec<u64> = match request.number("number") {
        // The explorer takes a zero for no number.
        Some(number) if number > 0 => (number..=number.min(state.indexed())).collect(),
        _ => (0..=state.indexed()).rev().take(limit).collect(),
    };
    let block = |number: u64| {
        let block = state.index.block(number)?;
        Some(json!({
            "number": number,
            "hash": tron_block_id(number, &block.hash, state.told_chain_id()),
            "size": 2815,
            "timestamp": block.time * 1000,
            "confirmed": number <= state.last_final(),
        }))
    };
    let data: Vec<Value> = numbers.into_iter().filter_map(block).collect();
    json!({"total": data.len(), "data": data})
}

/// The newest first, failed calls and removed transactions among them; limits are kept without a word.
fn transfers(state: &State, request: &Incoming) -> Answer {
    let contract = request.query("contract_address");
    let time = |name| request.number(name).expect("a time");
    let (since, until) = (time("start_timestamp"), time("end_timestamp"));
    let account = hex_address(&request.query("toAddress"));
    let account = account.trim_start_matches("0x");
    let is_wanted = |row: &&Row| {
        row.to == account
            && (since..=until).contains(&(row.time * 1000))
            && (contract.is_empty() || contract == tron_address(&row.contract))
    };
    let standing = state.index.rows(account, state.indexed()).filter(is_wanted);
    let mut rows: Vec<(&Row, bool)> = standing.rev().map(|row| (row, false)).collect();
    let reverted = state.index.reverted(account).filter(is_wanted);
    rows.extend(reverted.map(|row| (row, true)));
    if state.trouble == Some(Trouble::EmptyLists) {
        rows.clear();
    }
    let total = rows.len();
    let start = request.number("start").unwrap_or(0) as usize;
    let limit = state.page(request.number("limit"), 10, PAGE);
    let limit = limit.min(WINDOW.saturating_sub(start));
    let page = rows.into_iter().skip(start).take(limit);
    let rows: Vec<Value> = page
        .map(|(row, revert)| json_row(state, row, revert))
        .collect();
    let list = match state.trouble {
        Some(Trouble::Null) => Value::Null,
        _ => rows.into(),
    };
    Answer::json(json!({
        "total": total.min(WINDOW),
        "rangeTotal": total,
        "token_transfers": list,
        "contractInfo": {},
        "normalAddressInfo": {},
    }))
}

fn json_row(state: &State, row: &Row, revert: bool) -> Value {
    let result = result_of(row.outcome);
    json!({
        "transaction_id": row.txn_hash,
        "status": 0,
        "block_ts": row.time * 1000,
        "from_address": tron_address(&row.from),
        "from_address_tag": {},
        "to_address": tron_address(&row.to),
        "to_address_tag": {},
        "block": row.block,
        "contract_address": tron_address(&row.contract),
        "quant": row.value,
        "event_type": "Transfer",
        "confirmed": !revert && row.block <= state.last_final(),
        "contractRet": result,
        "finalResult": result,
        "revert": revert,
        "tokenInfo": {"tokenAbbr": "USDT", "tokenName": "Tether USD", "tokenDecimal": 6, "tokenType": "trc20"},
        "contract_type": "trc20",
    })
}

fn result_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "SUCCESS",
        Outcome::Revert => "REVERT",
        Outcome::OutOfEnergy => "OUT_OF_ENERGY",
    }
}

/// The page about a transaction; `{}` for one that it does not know.
fn info(state: &State, hash: &str) -> Value {
    let params = json!([format!("0x{hash}")]);
    let receipt = index::call(&state.node, "eth_getTransactionReceipt", params).unwrap_or_default();
    let Some(number) = quantity(&receipt["blockNumber"]).filter(|n| *n <= state.indexed()) else {
        return json!({});
    };
    let rows = state.index.of_transaction(hash);
    let outcome = rows.first().map_or(Outcome::Success, |row| row.outcome);
    let transfers: Vec<Value> = rows.iter().map(|row| json_transfer(row)).collect();
    json!({
        "hash": hash,
        "block": number,
        "timestamp": state.index.block(number).map(|b| b.time * 1000),
        "confirmed": number <= state.last_final(),
        "contractRet": result_of(outcome),
        "revert": false,
        "trc20TransferInfo": transfers,
    })
}

fn json_transfer(row: &Row) -> Value {
    json!({
        "symbol": "USDT",
        "type": "Transfer",
        "tokenType": "trc20",
        "contract_address": tron_address(&row.contract),
        "from_address": tron_address(&row.from),
        "to_address": tron_address(&row.to),
        "amount_str": row.value,
        "status": 0,
    })
}

/// The page about a token, which reads its contract.
fn token(state: &State, contract: &str) -> Value {
    let params = json!([{"to": hex_address(contract), "data": "0x313ce567"}, "latest"]);
    let decimals = index::call(&state.node, "eth_call", params).map(|result| digits(&result));
    match decimals.filter(|digits| !digits.is_empty()) {
        Some(decimals) => {
            let decimals: u8 = units::decimal(&decimals).parse().expect("a small number");
            json!({"total": 1, "trc20_tokens": [{"contract_address": contract, "symbol": "USDT", "decimals": decimals}]})
        }
        None => json!({"total": 0, "trc20_tokens": []}),
    }
}
