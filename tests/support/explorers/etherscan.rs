//! Etherscan V2.

use serde_json::{Value, json};

use super::index::{self, Outcome, Row};
use super::{Answer, KEY, State, Trouble};
use crate::support::incoming::Incoming;

/// Records in one answer at most, since July 2026 on the free plan.
const PAGE: usize = 1000;

/// Page times offset, beyond which nothing is listed.
const WINDOW: u64 = 10_000;

pub fn answer(state: &State, request: &Incoming) -> Answer {
    // The plan is looked at before the key.
    if state.trouble == Some(Trouble::NotInPlan) {
        return refuse(
            "Free API access is not supported for this chain. Please upgrade your api plan for full chain coverage. \
             https://etherscan.io/apis",
        );
    }
    if request.query("apikey") != KEY || state.trouble == Some(Trouble::WrongKey) {
        return refuse("Invalid API Key");
    }
    if request.number("chainid") != Some(state.told_chain_id()) {
        return refuse(
            "Missing or unsupported chainid parameter (required for v2 api), please see https://api.etherscan.io/v2/chainlist \
             for the list of supported chainids",
        );
    }
    match state.trouble {
        Some(Trouble::RateLimited) => {
            return refuse("Max calls per sec rate limit reached (3/sec)");
        }
        Some(Trouble::Unavailable) => {
            return refuse(
                "Free API access is temporarily unavailable due to unusually high network activity. Please try again later.",
            );
        }
        Some(Trouble::QueryTimeout) => {
            return refuse("Query Timeout occured. Please select a smaller result dataset");
        }
        _ => {}
    }
    match (&*request.query("module"), &*request.query("action")) {
        ("account", "tokentx") => transfers(state, request),
        ("block", "getblocknobytime") => block_by_time(state, request),
        ("proxy", method) => proxy(state, method, request),
        _ => refuse("Error! Missing Or invalid Module name"),
    }
}

/// A refusal in the explorer's own envelope, under status 200.
fn refuse(result: &str) -> Answer {
    Answer::json(json!({"status": "0", "message": "NOTOK", "result": result}))
}

fn succeed(result: Value) -> Answer {
    Answer::json(json!({"status": "1", "message": "OK", "result": result}))
}

fn transfers(state: &State, request: &Incoming) -> Answer {
    let number = |name| request.number(name).expect("a number");
    let (page, offset) = (number("page"), number("offset"));
    if page * offset > WINDOW {
        return refuse(
            "Result window is too large, PageNo x Offset size must be less than or equal to 10000",
        );
    }
    let range = number("startblock")..=number("endblock");
    let contract = request.query("contractaddress").to_lowercase();
    let address = request.query("address").to_lowercase();
    assert_eq!(request.query("sort"), "asc");
    let rows = state
        .index
        .rows(address.trim_start_matches("0x"), state.indexed());
    let rows = rows.filter(|row| {
        let is_wanted = contract.is_empty() || contract.trim_start_matches("0x") == row.contract;
        is_wanted && row.outcome == Outcome::Success && range.contains(&row.block)
    });
    let limit = state.page(Some(offset), PAGE, PAGE);
    let rows = rows.skip(((page - 1) * offset) as usize).take(limit);
    let rows: Vec<Value> = match state.trouble {
        Some(Trouble::EmptyLists) => vec![],
        _ => rows.map(|row| json_row(state, row)).collect(),
    };
    match (&state.trouble, rows.is_empty()) {
        (Some(Trouble::Null), _) => {
            Answer::json(json!({"status": "0", "message": "NOTOK", "result": null}))
        }
        (_, true) => {
            Answer::json(json!({"status": "0", "message": "No transactions found", "result": []}))
        }
        (_, false) => succeed(rows.into()),
    }
}

/// All values are texts, and there is no log index.
fn json_row(state: &State, row: &Row) -> Value {
    let hash = &state.index.block(row.block).expect("a block of a row").hash;
    json!({
        "blockNumber": row.block.to_string(),
        "timeStamp": row.time.to_string(),
        "hash": format!("0x{}", row.txn_hash),
        "nonce": "406",
        "blockHash": format!("0x{hash}"),
        "from": format!("0x{}", row.from),
        "contractAddress": format!("0x{}", row.contract),
        "to": format!("0x{}", row.to),
        "value": row.value,
        // Whatever the token's contract says: never to be believed.
        "tokenName": "Tether USD",
        "tokenSymbol": "USDT",
        "tokenDecimal": "6",
        "transactionIndex": "0",
        "gas": "940000",
        "gasPrice": "32010000000",
        "gasUsed": "77759",
        "cumulativeGasUsed": "2523379",
        "input": "deprecated",
        "methodId": "0xa9059cbb",
        "functionName": "transfer(address _to, uint256 _value)",
        "confirmations": (state.index.head() - row.block).to_string(),
    })
}

fn block_by_time(state: &State, request: &Incoming) -> Answer {
    let time = request.number("timestamp").expect("a time") + state.clock_ahead;
    assert_eq!(request.query("closest"), "before");
    match state.index.block_at(time, state.indexed()) {
        Some(_) if state.trouble == Some(Trouble::Null) => succeed(Value::Null),
        Some(number) => succeed(json!(number.to_string())),
        None => refuse("Error! No closest block found"),
    }
}

/// Calls that are passed on to a node. `eth_chainId` is not one of them.
fn proxy(state: &State, method: &str, request: &Incoming) -> Answer {
    let params = match method {
        "eth_blockNumber" => json!([]),
        "eth_getBlockByNumber" => json!([request.query("tag"), request.query("boolean") == "true"]),
        "eth_getTransactionReceipt" | "eth_getTransactionByHash" => {
            json!([request.query("txhash")])
        }
        "eth_call" => {
            let call = json!({"to": request.query("to"), "data": request.query("data")});
            json!([call, request.query("tag")])
        }
        _ => return refuse("Error! Missing Or invalid Action name"),
    };
    let result = match state.trouble {
        Some(Trouble::Null) => Value::Null,
        _ => index::call(&state.node, method, params).unwrap_or_default(),
    };
    Answer::json(json!({"jsonrpc": "2.0", "id": 83, "result": result}))
}
