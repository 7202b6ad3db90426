use super::super::evm_log::TRANSFER;
use super::super::http::{KeyHeader, Timeouts};
use super::super::scripted::{Answer, Scripted};
use super::*;

const HEAD: u64 = 100_000;

pub fn address(n: u8) -> Address {
    Address::new(Family::Evm, [n; 20])
}

pub fn hash(n: u64) -> String {
    format!("{n:#066x}")
}

pub fn provider(server: &Scripted) -> EvmRpc {
    let http = HttpClient::new(&server.entry(), KeyHeader::Bearer, Timeouts::default());
    EvmRpc::new(http, Family::Evm, 1)
}

pub fn ask(from: u64, to: u64) -> Scan {
    Scan {
        from,
        to,
        recipients: vec![address(7)],
        contracts: vec![address(1)],
    }
}

/// A transfer of `units` to the wallet, in block `number`, whose hash is its number.
pub fn log(number: u64, index: u64, txn: u64, units: u128) -> Value {
    let topic = |n: u8| format!("0x{}{}", "00".repeat(12), hex::encode([n; 20]));
    json!({
        "address": address(1).to_hex(),
        "topics": [TRANSFER, topic(2), topic(7)],
        "data": format!("{units:#066x}"),
        "blockNumber": hex_quantity(number),
        "blockHash": hash(number),
        "transactionHash": hash(txn),
        "logIndex": hex_quantity(index),
    })
}

pub fn block(number: u64) -> Value {
    json!({"number": hex_quantity(number), "hash": hash(number), "timestamp": hex_quantity(1_700_000_000 + number)})
}

pub fn quantity(value: &Value) -> u64 {
    evm_log::quantity(value).unwrap()
}

pub fn range(filter: &Value) -> (u64, u64) {
    (quantity(&filter["fromBlock"]), quantity(&filter["toBlock"]))
}

/// A node that knows every block and these logs.
pub fn node_with(logs: Vec<Value>) -> Scripted {
    Scripted::node(move |method, params| match method {
        "eth_getBlockByNumber" => Answer::result(block(quantity(&params[0]))),
        "eth_getLogs" => {
            let (from, to) = range(&params[0]);
            let inside = |log: &&Value| (from..=to).contains(&quantity(&log["blockNumber"]));
            Answer::result(logs.iter().filter(inside).cloned().collect())
        }
        _ => Answer::result(json!(hex_quantity(HEAD))),
    })
}

/// A node that answers one method so.
pub fn node_that(answer: impl Fn(&str) -> Answer + Send + 'static) -> Scripted {
    Scripted::node(move |method, _| answer(method))
}

#[test]
fn the_chain_id_is_verified_once_and_after_distrust() {
    let server = node_with(vec![]);
    let node = provider(&server);
    assert_eq!((node.head(), node.head()), (Ok(HEAD), Ok(HEAD)));
    assert_eq!(server.params("eth_chainId").len(), 1);
    node.distrust();
    node.scan(&ask(1, 2)).unwrap();
    assert_eq!(server.params("eth_chainId").len(), 2);
}

#[test]
fn another_chain_is_never_believed() {
    let server = Scripted::start(|_| Answer::result(json!("0x38")));
    let node = provider(&server);
    let wrong = ProviderError::WrongChain {
        expected: 1,
        found: 56,
    };
    assert_eq!(node.head(), Err(wrong.clone()));
    assert_eq!(node.scan(&ask(1, 2)), Err(wrong.clone()));
    assert_eq!(node.block(1), Err(wrong.clone()));
    assert_eq!(node.receipt(&hash(1), &[]), Err(wrong.clone()));
    assert_eq!(node.finalized(), Err(wrong));
}

#[test]
fn null_is_not_nothing() {
    let server = node_that(|_| Answer::result(Value::Null));
    let node = provider(&server);
    assert!(node.scan(&ask(1, 2)).is_err());
    assert!(node.head().is_err());
    assert_eq!(node.block(1), Ok(None));
    assert_eq!(node.receipt(&hash(1), &[]), Ok(None));
    assert_eq!(node.finalized(), Ok(None));
}

#[test]
fn finalized_is_none_only_where_the_tag_is_unknown() {
    let ask = |answer: fn() -> Answer| provider(&node_that(move |_| answer())).finalized();
    assert_eq!(ask(|| Answer::result(block(77))), Ok(Some(77)));
    assert_eq!(
        ask(|| Answer::error(200, -32602, "TAG [pending | finalized] not supported")),
        Ok(None)
    );
    assert!(ask(|| Answer::error(200, -32603, "Internal error")).is_err());
    assert!(ask(|| Answer::text(502, "")).is_err());
}

/// A bad moment of a node that knows the tag is no lack of it.
#[test]
fn what_told_of_a_final_block_has_one() {
    let no_more: [fn() -> Answer; 3] = [
        || Answer::result(Value::Null),
        || Answer::error(200, -32000, "header not found"),
        || Answer::error(200, -32602, "TAG [pending | finalized] not supported"),
    ];
    for answer in no_more {
        let mut asked = 0;
        let node = Scripted::node(move |_, _| {
            asked += 1;
            match asked {
                1 | 3 => answer(),
                _ => Answer::result(block(77)),
            }
        });
        let node = provider(&node);
        assert_eq!(node.finalized(), Ok(None));
        assert_eq!(node.finalized(), Ok(Some(77)));
        assert!(node.finalized().is_err());
        node.distrust();
        assert_eq!(node.finalized(), Ok(Some(77)));
    }
}

#[test]
fn a_block_is_the_one_that_was_asked_for() {
    let server = node_that(|_| Answer::result(block(5)));
    let node = provider(&server);
    let known = BlockRef {
        number: 5,
        hash: hash(5),
        timestamp: 1_700_000_005,
    };
    assert_eq!(node.block(5), Ok(Some(known)));
    assert!(node.block(6).is_err());
}

/// The receipt of transaction 1 in block 10, and a node that has it.
fn receipt_node(change: impl Fn(&mut Value) + Send + 'static) -> Scripted {
    Scripted::node(move |method, params| {
        if method == "eth_getBlockByNumber" {
            return Answer::result(block(quantity(&params[0])));
        }
        let mut receipt = json!({
            "transactionHash": hash(1),
            "blockNumber": "0xa",
            "blockHash": hash(10),
            "status": "0x1",
            "logs": [log(10, 3, 1, 5), log(10, 4, 1, 5)],
            // Seen with anvil: a number here, hex in logs.
            "blockTimestamp": 1_700_000_010,
        });
        change(&mut receipt);
        Answer::result(receipt)
    })
}

fn receipt_with(
    change: impl Fn(&mut Value) + Send + 'static,
) -> Result<Option<Receipt>, ProviderError> {
    provider(&receipt_node(change)).receipt(&hash(1), &[address(7)])
}

#[test]
fn a_receipt_carries_every_transfer_to_us() {
    let receipt = receipt_with(|_| ()).unwrap().unwrap();
    assert!(receipt.succeeded);
    assert_eq!(
        (receipt.block.number, receipt.block.timestamp),
        (10, 1_700_000_010)
    );
    let ids: Vec<_> = receipt
        .transfers
        .iter()
        .map(|t| (t.id.units, t.id.ordinal))
        .collect();
    assert_eq!(ids, [(5, 0), (5, 1)]);
    let other = provider(&receipt_node(|_| ())).receipt(&hash(1), &[address(8)]);
    assert_eq!(other.unwrap().unwrap().transfers, []);
}

#[test]
fn a_failed_transaction_moves_nothing() {
    let receipt = receipt_with(|receipt| receipt["status"] = json!("0x0"))
        .unwrap()
        .unwrap();
    assert!(!receipt.succeeded);
    assert_eq!(receipt.transfers, []);
}

#[test]
fn a_receipt_without_a_block_is_none_yet() {
    assert_eq!(
        receipt_with(|receipt| receipt["blockNumber"] = Value::Null),
        Ok(None)
    );
}

#[test]
fn a_doubtful_receipt_is_a_bad_answer() {
    let check = |field: &'static str, value: Value| {
        let answer = receipt_with(move |receipt| receipt[field] = value.clone());
        assert!(
            matches!(answer, Err(ProviderError::BadAnswer(_))),
            "{field}: {answer:?}"
        );
    };
    check("status", Value::Null);
    check("status", json!("0x2"));
    check("transactionHash", json!(hash(2)));
    // Reorganised, or not sealed yet.
    check("blockHash", json!(hash(999)));
    check("blockHash", Value::Null);
    check("logs", json!([log(10, 3, 2, 5)]));
    check("logs", json!([log(11, 3, 1, 5)]));
    check("logs", Value::Null);
}

#[test]
fn tron_is_asked_in_hex_and_answers_in_its_own_form() {
    let server = node_with(vec![log(10, 0, 1, 5)]);
    let http = HttpClient::new(&server.entry(), KeyHeader::Bearer, Timeouts::default());
    let node = EvmRpc::new(http, Family::Tron, 1);
    let tron = |n: u8| Address::new(Family::Tron, [n; 20]);
    let ask = Scan {
        recipients: vec![tron(7)],
        contracts: vec![tron(1)],
        ..ask(1, 20)
    };
    let transfer = node.scan(&ask).unwrap().transfers.remove(0);
    assert_eq!(
        (transfer.id.contract, transfer.id.recipient),
        (tron(1), tron(7))
    );
    assert_eq!(transfer.id.txn_hash, hash(1)[2..]);
    assert_eq!(transfer.block.hash, hash(10)[2..]);
    let receipts = receipt_node(|_| ());
    let http = HttpClient::new(&receipts.entry(), KeyHeader::Bearer, Timeouts::default());
    let node = EvmRpc::new(http, Family::Tron, 1);
    let receipt = node.receipt(&hash(1)[2..], &[tron(7)]).unwrap().unwrap();
    assert_eq!(receipt.transfers[0].id, transfer.id);
    assert_eq!(
        receipts.params("eth_getTransactionReceipt"),
        [json!(hash(1))]
    );
}
