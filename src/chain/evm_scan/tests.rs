use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::super::Provider;
use super::super::evm_rpc::tests::{
    address, ask, block, hash, log, node_that, node_with, provider, quantity, range,
};
use super::super::http::{HttpClient, KeyHeader, Timeouts};
use super::super::refusals::tests::known;
use super::super::scripted::{Answer, Scripted};
use super::*;
use crate::domain::address::Family;

#[test]
fn one_request_covers_all_wallets_and_contracts() {
    let server = node_with(vec![]);
    let mut ask = ask(10, 20);
    ask.recipients = (0..=255).map(address).collect();
    ask.contracts = vec![address(1), address(2)];
    provider(&server).scan(&ask).unwrap();
    let filters = server.params("eth_getLogs");
    assert_eq!(filters.len(), 1);
    assert_eq!(range(&filters[0]), (10, 20));
    assert_eq!(
        filters[0]["address"],
        json!([address(1).to_hex(), address(2).to_hex()])
    );
    assert_eq!(filters[0]["topics"][0], TRANSFER);
    assert_eq!(filters[0]["topics"][1], Value::Null);
    assert_eq!(filters[0]["topics"][2].as_array().unwrap().len(), 256);
    let first = format!("0x{}", "00".repeat(32));
    assert_eq!(filters[0]["topics"][2][0], json!(first));
}

#[test]
fn many_wallets_are_asked_for_in_several_requests() {
    let server = node_with(vec![]);
    let mut ask = ask(10, 20);
    let wallet = |n: u16| {
        Address::new(
            Family::Evm,
            [[(n >> 8) as u8; 10], [n as u8; 10]]
                .concat()
                .try_into()
                .unwrap(),
        )
    };
    ask.recipients = (0..1200).chain(0..10).map(wallet).collect();
    provider(&server).scan(&ask).unwrap();
    let filters = server.params("eth_getLogs");
    let sizes: Vec<usize> = filters
        .iter()
        .map(|f| f["topics"][2].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [500, 500, 200]);
}

#[test]
fn fewer_wallets_at_once_where_a_node_takes_fewer() {
    let server =
        Scripted::node(
            |_, params| match params[0]["topics"][2].as_array().unwrap().len() {
                0..=3 => Answer::result(json!([])),
                _ => Answer::error(200, -32602, "exceed max topics"),
            },
        );
    let mut ask = ask(10, 20);
    ask.recipients = (0..10).map(address).collect();
    let node = provider(&server);
    assert_eq!(node.scan(&ask).unwrap().through, 20);
    // 10, 5, then 2 at once; the second time, 2 at once from the beginning.
    assert_eq!(server.params("eth_getLogs").len(), 1 + 1 + 5);
    node.scan(&ask).unwrap();
    assert_eq!(server.params("eth_getLogs").len(), 1 + 1 + 5 + 5);
}

#[test]
fn nothing_to_look_for_is_not_asked() {
    let server = node_with(vec![log(10, 0, 1, 5)]);
    let node = provider(&server);
    let empty = |ask: Scan| {
        let through = ask.to;
        let transfers = vec![];
        assert_eq!(node.scan(&ask), Ok(Scanned { through, transfers }));
    };
    empty(Scan {
        recipients: vec![],
        ..ask(1, 20)
    });
    empty(Scan {
        contracts: vec![],
        ..ask(1, 20)
    });
    empty(ask(20, 10));
    assert_eq!(server.params("eth_getLogs").len(), 0);
}

#[test]
fn equal_events_of_a_transaction_are_numbered() {
    let logs = vec![
        log(10, 9, 1, 5),
        log(10, 3, 1, 5),
        log(10, 4, 1, 6),
        log(10, 5, 1, 0),
        log(11, 0, 2, 5),
        log(10, 11, 1, 5),
    ];
    let node = node_with(logs);
    let scanned = provider(&node).scan(&ask(1, 20)).unwrap();
    let ids: Vec<_> = scanned
        .transfers
        .iter()
        .map(|t| (t.block.number, t.id.units, t.id.ordinal))
        .collect();
    assert_eq!(
        ids,
        [(10, 5, 0), (10, 6, 0), (10, 5, 1), (10, 5, 2), (11, 5, 0)]
    );
}

#[test]
fn block_times_are_looked_up_once() {
    let server = node_with(vec![log(10, 0, 1, 5), log(10, 1, 2, 5), log(11, 0, 3, 5)]);
    let node = provider(&server);
    for _ in 0..2 {
        let scanned = node.scan(&ask(1, 20)).unwrap();
        let times: Vec<i64> = scanned
            .transfers
            .iter()
            .map(|t| t.block.timestamp)
            .collect();
        assert_eq!(times, [1_700_000_010, 1_700_000_010, 1_700_000_011]);
    }
    assert_eq!(server.params("eth_getBlockByNumber").len(), 2);
}

#[test]
fn times_that_logs_tell_are_not_looked_up() {
    let mut timed = log(10, 0, 1, 5);
    timed["blockTimestamp"] = json!("0x65f04d2e");
    let server = node_with(vec![timed]);
    let scanned = provider(&server).scan(&ask(1, 20)).unwrap();
    assert_eq!(scanned.transfers[0].block.timestamp, 0x65f0_4d2e);
    assert_eq!(server.params("eth_getBlockByNumber").len(), 0);
}

#[test]
fn too_many_look_ups_end_the_scan_early() {
    let node = node_with((0..120).map(|n| log(100 + n, 0, n, 5)).collect());
    let node = provider(&node);
    let mut from = 90;
    let mut found = vec![];
    let mut throughs = vec![];
    while from <= 400 {
        let scanned = node.scan(&ask(from, 400)).unwrap();
        found.extend(scanned.transfers.iter().map(|t| t.block.number));
        throughs.push(scanned.through);
        from = scanned.through + 1;
    }
    assert_eq!(throughs, [149, 199, 400]);
    assert_eq!(found, (100..220).collect::<Vec<u64>>());
}

#[test]
fn a_reorganisation_during_a_scan_is_a_bad_answer() {
    let mut other = log(10, 0, 1, 5);
    other["blockHash"] = json!(hash(999));
    let answer = provider(&node_with(vec![other])).scan(&ask(1, 20));
    assert!(
        matches!(answer, Err(ProviderError::BadAnswer(_))),
        "{answer:?}"
    );
}

#[test]
fn every_known_refusal_is_understood() {
    for (status, code, text, meaning) in known() {
        let mut refused = false;
        let server = Scripted::node(move |_, _| {
            if !std::mem::replace(&mut refused, true) {
                return Answer::error(status, code, text);
            }
            Answer::result(json!([]))
        });
        let node = provider(&server);
        // As if longer ranges had gone well before.
        for blocks in [500, 1000, 2000, 4000, 8000] {
            node.learned().span.answered(blocks);
        }
        let wide = Scan {
            recipients: vec![address(7), address(8)],
            ..ask(0x1000, 0x1000 + 11_999)
        };
        let answer = node.scan(&wide);
        let ranges: Vec<_> = server.params("eth_getLogs").iter().map(range).collect();
        let expected = match meaning {
            Meaning::RangeTooLong { .. } | Meaning::TooMuchFound { .. } => {
                assert_eq!(ranges.len(), 2, "{text}");
                assert!(
                    ranges[1].0 == 0x1000 && ranges[1].1 < ranges[0].1,
                    "{text}: {ranges:?}"
                );
                assert_eq!(answer.unwrap().through, ranges[1].1, "{text}");
                continue;
            }
            Meaning::TooManyAddresses => {
                assert_eq!(answer.unwrap().through, wide.to, "{text}");
                continue;
            }
            Meaning::Later => "rate limited",
            Meaning::Refused => "refused",
            Meaning::Behind | Meaning::Unknown => "bad answer",
        };
        assert_eq!(ranges.len(), 1, "{text}");
        let error = answer.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn a_node_that_refuses_even_one_block_is_an_error() {
    let server = node_that(|_| Answer::error(200, -32000, "block range too large"));
    let answer = provider(&server).scan(&ask(1, 20_000));
    assert_eq!(
        answer,
        Err(ProviderError::BadAnswer(
            "code -32000: block range too large".into()
        ))
    );
    let last = server.params("eth_getLogs").iter().map(range).next_back();
    assert_eq!(last, Some((1, 1)));
}

#[test]
fn silence_makes_the_next_range_shorter_and_is_an_error() {
    let server = Scripted::node(|_, params| match range(&params[0]) {
        (from, to) if to - from > 200 => Answer::Hang,
        _ => Answer::result(json!([])),
    });
    let impatient = Timeouts {
        total: Duration::from_secs(1),
        ..Timeouts::default()
    };
    let http = HttpClient::new(&server.entry(), KeyHeader::Bearer, impatient);
    let node = EvmRpc::new(http, Family::Evm, 1);
    let silent = Err(ProviderError::Unreachable("no answer in time".into()));
    assert_eq!(node.scan(&ask(1, 1000)), silent);
    assert_eq!(node.scan(&ask(1, 1000)), silent);
    assert_eq!(node.scan(&ask(1, 1000)).unwrap().through, 125);
}

#[test]
fn threads_share_a_provider() {
    let server = node_with(vec![log(10, 0, 1, 5)]);
    let node: Arc<dyn Provider> = Arc::new(provider(&server));
    let scan = |_| {
        let node = node.clone();
        std::thread::spawn(move || node.scan(&ask(1, 20)).map(|s| s.transfers.len()))
    };
    let scans: Vec<_> = (0..4).map(scan).collect();
    for scan in scans {
        assert_eq!(scan.join().unwrap(), Ok(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a node takes at once and however it says so, nothing is left out and nothing is told twice.
    #[test]
    fn scans_cover_every_block(
        most in 1u64..4000,
        at in proptest::collection::btree_set(1u64..6000, 0..12),
        wording in 0usize..4,
    ) {
        let logs: Vec<Value> = at.iter().map(|n| log(*n, 0, *n, 5)).collect();
        let server = Scripted::node(move |method, params| {
            if method == "eth_getBlockByNumber" {
                return Answer::result(block(quantity(&params[0])));
            }
            let (from, to) = range(&params[0]);
            if to - from >= most {
                let end = from + most - 1;
                return Answer::error(200, -32602, &[
                    format!("exceed maximum block range: {most}"),
                    "block range too large".to_owned(),
                    format!("query exceeds max results 20000, retry with the range {from}-{end}"),
                    "query timeout exceeded".to_owned(),
                ][wording]);
            }
            let inside = |log: &&Value| (from..=to).contains(&quantity(&log["blockNumber"]));
            Answer::result(logs.iter().filter(inside).cloned().collect())
        });
        let node = provider(&server);
        let (mut from, mut found) = (1, vec![]);
        // A node that takes a few blocks only is not followed to the end.
        while from <= 6000.min(most * 50) {
            let scanned = node.scan(&ask(from, 6000)).unwrap();
            prop_assert!(scanned.through >= from);
            found.extend(scanned.transfers.iter().map(|t| t.block.number));
            from = scanned.through + 1;
        }
        let expected: Vec<u64> = at.into_iter().filter(|n| *n < from).collect();
        prop_assert_eq!(found, expected);
    }
}
