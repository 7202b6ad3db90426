use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::json;

use super::super::etherscan_api::json_rpc_url;
use super::super::explorer_world::{
    KEY, Outcome, Request, World, any_world, ask, entry, etherscan, http, json_rpc, scan_all,
    sorted,
};
use super::super::http::{KeyHeader, Timeouts};
use super::super::scripted::{Answer, Scripted};
use super::*;

fn provider(server: &Scripted) -> Etherscan {
    Etherscan::new(http(server, KeyHeader::No), Some(Secret::new(KEY)), 137)
}

fn rpc(server: &Scripted) -> EvmRpc {
    EvmRpc::new(http(server, KeyHeader::Bearer), Family::Evm, 137)
}

/// How often an action was asked for.
fn asked(server: &Scripted, action: &str) -> usize {
    let action = format!("action={action}&");
    let asked = server.asked();
    asked
        .iter()
        .filter(|asked| asked.head.contains(&action))
        .count()
}

/// An explorer that answers one action so, the rest properly.
fn with_fault(world: &World, action: &'static str, fault: fn() -> Answer) -> Scripted {
    world.serve(etherscan, move |request| {
        (request.text("action") == action).then(fault)
    })
}

#[test]
fn a_transfer_is_read_like_from_a_node() {
    let world = World::new(Family::Evm, 100);
    let hash = world.pay(50, &[(1, 7, 19_990_000), (2, 8, 5), (3, 7, 6), (1, 6, 7)]);
    let (explorer, node) = (world.etherscan(), world.node());
    let (explorer, node) = (provider(&explorer), rpc(&node));
    let ask = ask(Family::Evm, 40, 99);
    let scanned = explorer.scan(&ask).unwrap();
    assert_eq!(scanned.through, 99);
    assert_eq!(
        sorted(scanned.transfers.clone()),
        sorted(scan_all(&node, &ask))
    );
    assert_eq!(scanned.transfers.len(), 2);
    let receipt = |p: &dyn Provider| p.receipt(&hash, &ask.recipients);
    assert_eq!(receipt(&explorer), receipt(&node));
    assert_eq!(receipt(&explorer).unwrap().unwrap().transfers.len(), 3);
    assert_eq!(explorer.block(50), node.block(50));
    assert_eq!(explorer.block(1000), Ok(None));
    assert_eq!(explorer.finalized(), Ok(Some(80)));
}

#[test]
fn one_request_covers_a_wallets_tokens_and_names_chain_and_key() {
    let world = World::new(Family::Evm, 100);
    let server = world.etherscan();
    let explorer = provider(&server);
    explorer.scan(&ask(Family::Evm, 40, 99)).unwrap();
    assert_eq!(asked(&server, "tokentx"), 2, "two wallets");
    let last = server.asked().pop().unwrap();
    let target = last.head.split(' ').nth(1).unwrap();
    let wallet = "08".repeat(20);
    assert_eq!(
        target,
        format!(
            "/?module=account&action=tokentx&address=0x{wallet}&startblock=40&endblock=99&page=1\
             &offset=1000&sort=asc&chainid=137&apikey={KEY}"
        )
    );
    let mut one = ask(Family::Evm, 40, 99);
    one.contracts.truncate(1);
    explorer.scan(&one).unwrap();
    let last = server.asked().pop().unwrap();
    assert!(
        last.head
            .contains(&format!("&contractaddress=0x{}&", "01".repeat(20)))
    );
}

#[test]
fn a_look_alike_may_have_a_query_of_its_own() {
    let world = World::new(Family::Evm, 100);
    let server = world.serve(
        |_, _| Answer::text(200, r#"{"status":"1","message":"OK","result":"7"}"#),
        |_| None,
    );
    let mut entry = entry(&server);
    entry.url = format!("{}/v2/api?chain_id=137", server.url);
    let http = HttpClient::new(&entry, KeyHeader::No, Timeouts::default());
    let api = EtherscanApi::new(http, None, 137);
    let answer: String = api.ask(&[("module", "a b"), ("action", "c&d")]).unwrap();
    assert_eq!(answer, "7");
    let target = server.asked()[0].head.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(target, "/v2/api?chain_id=137&module=a%20b&action=c%26d");
}

#[test]
fn its_head_is_that_of_its_index() {
    let world = World::new(Family::Evm, 100);
    world.state().index_lag = 30;
    let server = world.etherscan();
    assert_eq!(provider(&server).head(), Ok(69));
    let blockscout = || {
        Answer::text(
            200,
            r#"{"status":"1","message":"OK","result":{"blockNumber":"68"}}"#,
        )
    };
    let server = with_fault(&world, "getblocknobytime", blockscout);
    assert_eq!(provider(&server).head(), Ok(68));
    let cannot = || {
        Answer::text(
            200,
            r#"{"status":"0","message":"Unknown action","result":null}"#,
        )
    };
    let server = with_fault(&world, "getblocknobytime", cannot);
    assert_eq!(provider(&server).head(), Ok(99));
    let busy = || {
        Answer::text(
            200,
            r#"{"status":"0","message":"NOTOK","result":"Max rate limit reached"}"#,
        )
    };
    let server = with_fault(&world, "getblocknobytime", busy);
    let head = provider(&server).head();
    assert!(
        matches!(head, Err(ProviderError::RateLimited { .. })),
        "{head:?}"
    );
}

#[test]
fn an_error_is_never_no_transfers() {
    let world = World::new(Family::Evm, 100);
    world.pay(50, &[(1, 7, 5)]);
    let check = |body: &'static str, expected: &str| {
        let fault = move |request: &Request| {
            (request.text("action") == "tokentx").then(|| Answer::text(200, body))
        };
        let server = world.serve(etherscan, fault);
        let scanned = provider(&server).scan(&ask(Family::Evm, 40, 99));
        let told = match &scanned {
            Ok(scanned) => format!("found {}", scanned.transfers.len()),
            Err(error) => error.to_string().split(':').next().unwrap().to_owned(),
        };
        assert_eq!(told, expected, "{body}");
    };
    let later = "rate limited";
    let not_ok = |text: &str| -> &'static str {
        let body = json!({"status": "0", "message": "NOTOK", "result": text});
        body.to_string().leak()
    };
    check(
        not_ok("Max calls per sec rate limit reached (3/sec)"),
        later,
    );
    check(
        not_ok("Max rate limit reached, please use API Key for higher rate limit"),
        later,
    );
    check(
        not_ok("Free API access is temporarily unavailable due to unusually high network activity"),
        later,
    );
    check(
        r#"{"status":"0","message":"Too many requests. Increase limits now at https://dev.blockscout.com","result":null}"#,
        later,
    );
    check(not_ok("Invalid API Key"), "refused");
    check(not_ok("Missing/Invalid API Key"), "refused");
    check(
        not_ok("Too many invalid api key attempts, please try again later"),
        "refused",
    );
    check(
        not_ok(
            "Free API access is not supported for this chain. Please upgrade your api plan for full chain coverage. https://etherscan.io/apis",
        ),
        "refused",
    );
    check(
        not_ok("Missing or unsupported chainid parameter (required for v2 api)"),
        "refused",
    );
    check(
        not_ok("You are using a deprecated V1 endpoint, switch to Etherscan API V2"),
        "refused",
    );
    let bad = "bad answer";
    check(
        not_ok("Query Timeout occured. Please select a smaller result dataset"),
        bad,
    );
    check(not_ok("Something that nobody here knows"), bad);
    check(r#"{"status":"0","message":"NOTOK","result":[]}"#, bad);
    check(r#"{"status":"0","message":"NOTOK","result":null}"#, bad);
    check(
        r#"{"status":"0","message":"No transactions found","result":"Invalid"}"#,
        bad,
    );
    check(r#"{"status":"2","message":"OK","result":[]}"#, bad);
    check(r#"{"status":"1","message":"OK","result":null}"#, bad);
    check(r#"{"status":"1","message":"OK"}"#, bad);
    check(r#"{"message":"Not found"}"#, bad);
    check(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"oops"}}"#,
        bad,
    );
    check("", bad);
    check("[]", bad);
    check("<html>", bad);
    check(
        r#"{"status":"0","message":"No transactions found","result":[]}"#,
        "found 0",
    );
    check(
        r#"{"status":"0","message":"No token transfers found","result":[]}"#,
        "found 0",
    );
    check(r#"{"status":"1","message":"OK","result":[]}"#, "found 0");
}

#[test]
fn a_wrong_key_and_an_uncovered_chain_are_refused_everywhere() {
    let world = World::new(Family::Evm, 100);
    let server = world.etherscan();
    let wrong_key = Secret::new("WRONG0123456789");
    let wrong = Etherscan::new(http(&server, KeyHeader::No), Some(wrong_key), 137);
    let refused = |error: ProviderError| {
        assert!(matches!(error, ProviderError::Refused(_)), "{error:?}");
        assert!(!error.to_string().contains("0123456789"), "{error}");
    };
    refused(wrong.scan(&ask(Family::Evm, 1, 9)).unwrap_err());
    refused(wrong.head().unwrap_err());
    refused(wrong.block(1).unwrap_err());
    let other = Etherscan::new(http(&server, KeyHeader::No), Some(Secret::new(KEY)), 8453);
    refused(other.scan(&ask(Family::Evm, 1, 9)).unwrap_err());
}

#[test]
fn the_proxy_refuses_in_the_explorers_envelope() {
    let world = World::new(Family::Evm, 100);
    let hash = world.pay(50, &[(1, 7, 5)]);
    let busy = || {
        Answer::text(
            200,
            r#"{"status":"0","message":"NOTOK","result":"Max calls per sec rate limit reached (3/sec)"}"#,
        )
    };
    let server = with_fault(&world, "eth_getTransactionReceipt", busy);
    let receipt = provider(&server).receipt(&hash, &[]);
    assert!(
        matches!(receipt, Err(ProviderError::RateLimited { .. })),
        "{receipt:?}"
    );
    let null = || Answer::text(200, r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
    let server = with_fault(&world, "eth_getTransactionReceipt", null);
    assert_eq!(provider(&server).receipt(&hash, &[]), Ok(None));
    let no_tag = || {
        Answer::text(
            200,
            r#"{"status":"0","message":"NOTOK","result":"Error! Invalid tag"}"#,
        )
    };
    let server = with_fault(&world, "eth_getBlockByNumber", no_tag);
    assert_eq!(provider(&server).finalized(), Ok(None));
    assert!(provider(&server).block(5).is_err());
}

/// Only the explorer's own word says that it has no such block; a gateway's page or half an answer says nothing.
#[test]
fn a_bad_moment_is_no_lack_of_a_final_block() {
    let world = World::new(Family::Evm, 100);
    let bad_moments: [fn() -> Answer; 3] = [
        || Answer::text(502, "<html>Bad Gateway</html>"),
        || Answer::text(200, r#"{"jsonrpc":"2.0","id":1,"resu"#),
        || Answer::text(200, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
    ];
    for moment in bad_moments {
        let server = with_fault(&world, "eth_getBlockByNumber", moment);
        let answer = provider(&server).finalized();
        assert!(
            matches!(answer, Err(ProviderError::BadAnswer(_))),
            "{answer:?}"
        );
    }
}

#[test]
fn another_chain_behind_a_look_alike_is_found_out_where_it_can_be() {
    let world = World::new(Family::Evm, 100);
    let other = || Answer::text(200, r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#);
    let server = with_fault(&world, "eth_chainId", other);
    let wrong = ProviderError::WrongChain {
        expected: 137,
        found: 1,
    };
    assert_eq!(provider(&server).head(), Err(wrong.clone()));
    assert_eq!(provider(&server).scan(&ask(Family::Evm, 1, 9)), Err(wrong));
    assert_eq!(provider(&world.etherscan()).head(), Ok(99));
}

#[test]
fn blockscout_is_asked_by_json_rpc_instead_of_a_proxy() {
    let world = World::new(Family::Evm, 100);
    let hash = world.pay(50, &[(1, 7, 5), (1, 7, 5)]);
    let chain = world.clone();
    let server = world.serve(etherscan, move |request| {
        let unknown = r#"{"message":"Unknown module","result":null,"status":"0"}"#;
        match request.path.as_str() {
            "/api/eth-rpc" => Some(json_rpc(&chain.state(), request)),
            _ => (request.text("module") == "proxy").then(|| Answer::text(200, unknown)),
        }
    });
    let mut entry = entry(&server);
    entry.url = format!("{}/api", server.url);
    let http = HttpClient::new(&entry, KeyHeader::No, Timeouts::default());
    let explorer = Etherscan::new(http, entry.api_key, 137);
    let ask = ask(Family::Evm, 40, 99);
    assert_eq!(explorer.head(), Ok(99));
    let found = scan_all(&explorer, &ask);
    assert_eq!(sorted(found), sorted(scan_all(&rpc(&world.node()), &ask)));
    let receipt = explorer.receipt(&hash, &ask.recipients).unwrap();
    assert_eq!(receipt.unwrap().transfers.len(), 2);
    assert_eq!(asked(&server, "eth_chainId"), 1, "the proxy is tried once");
    let posted = server.params("eth_getTransactionReceipt");
    assert_eq!(posted, [json!(hash), json!(hash)]);
    let asked = server.asked();
    let posts = asked.iter().filter(|asked| asked.head.starts_with("POST "));
    let path = format!("POST /api/eth-rpc?apikey={KEY} ");
    assert!(posts.clone().all(|asked| asked.head.starts_with(&path)) && posts.count() > 0);
}

#[test]
fn where_blockscout_answers_json_rpc() {
    let check = |url: &str, expected: &str| assert_eq!(json_rpc_url(url, 8453), expected);
    check(
        "https://base.blockscout.com/api",
        "https://base.blockscout.com/api/eth-rpc",
    );
    check(
        "https://base.blockscout.com/api/?a=b",
        "https://base.blockscout.com/api/eth-rpc",
    );
    let hosted = "https://api.blockscout.com/8453/json-rpc";
    check("https://api.blockscout.com/v2/api?chain_id=8453", hosted);
    check("https://api.blockscout.com/8453/api", hosted);
}

#[test]
fn equal_rows_are_proven_by_the_receipt() {
    let world = World::new(Family::Evm, 100);
    world.pay(50, &[(1, 7, 5), (2, 7, 5), (1, 7, 5), (1, 8, 5)]);
    world.pay(50, &[(1, 7, 5)]);
    let (server, node) = (world.etherscan(), world.node());
    let ask = ask(Family::Evm, 40, 99);
    let found = scan_all(&provider(&server), &ask);
    assert_eq!(found.len(), 5);
    assert_eq!(sorted(found), sorted(scan_all(&rpc(&node), &ask)));
    assert_eq!(asked(&server, "eth_getTransactionReceipt"), 1);
    // The same row twice, of one event.
    let listed_twice = World::new(Family::Evm, 100);
    listed_twice.pay(50, &[(1, 7, 5)]);
    let server = listed_twice.serve(etherscan, {
        let world = listed_twice.clone();
        move |request| {
            let wallet = format!("0x{}", "07".repeat(20));
            if request.text("action") != "tokentx" || request.text("address") != wallet {
                return None;
            }
            let row = json!({
                "blockNumber": "50", "timeStamp": world.state().blocks[50].time.to_string(),
                "hash": world.state().hash(0), "blockHash": world.state().block_hash(50),
                "from": format!("0x{}", "09".repeat(20)), "to": wallet,
                "contractAddress": format!("0x{}", "01".repeat(20)), "value": "5",
            });
            let body = json!({"status": "1", "message": "OK", "result": [row.clone(), row]});
            Some(Answer::text(200, &body.to_string()))
        }
    });
    assert_eq!(scan_all(&provider(&server), &ask).len(), 1);
}

#[test]
fn a_list_without_block_hashes_is_completed_from_the_node() {
    let world = World::new(Family::Evm, 100);
    let row = {
        let hash = world.pay(50, &[(1, 7, 5)]);
        json!({
            "blockNumber": "50", "hash": hash,
            "from": format!("0x{}", "09".repeat(20)), "to": format!("0x{}", "07".repeat(20)),
            "contractAddress": format!("0x{}", "01".repeat(20)), "value": "5",
        })
    };
    let body = json!({"status": "1", "message": "OK", "result": [row]}).to_string();
    let server = world.serve(etherscan, move |request| {
        (request.text("action") == "tokentx").then(|| Answer::text(200, &body))
    });
    let found = scan_all(&provider(&server), &ask(Family::Evm, 40, 99));
    assert_eq!(found.len(), 1);
    assert_eq!(Some(found[0].block.clone()), world.state().block(50));
}

#[test]
fn a_query_that_takes_too_long_is_asked_in_halves() {
    let world = World::new(Family::Evm, 100);
    world.pay(20, &[(1, 7, 5)]);
    world.pay(90, &[(1, 7, 5)]);
    let server = world.serve(etherscan, |request| {
        let blocks = request.number("endblock")?.saturating_sub(request.number("startblock")?);
        let refusal = r#"{"status":"0","message":"NOTOK","result":"Query Timeout occured. Please select a smaller result dataset"}"#;
        (blocks > 30).then(|| Answer::text(200, refusal))
    });
    assert_eq!(
        scan_all(&provider(&server), &ask(Family::Evm, 1, 99)).len(),
        2
    );
}

/// Anybody can send more of a token of his own than is listed, and hide a payment behind it.
#[test]
fn junk_hides_nothing_in_its_block_or_behind_it() {
    let world = World::new(Family::Evm, 20);
    world.pay(10, &[(3, 7, 5); 10_050]);
    world.pay(10, &[(2, 7, 6), (1, 7, 7)]);
    world.pay(11, &[(1, 7, 8)]);
    let (server, node) = (world.etherscan(), world.node());
    let ask = ask(Family::Evm, 1, 19);
    let found = sorted(scan_all(&provider(&server), &ask));
    assert_eq!(found.len(), 3);
    assert_eq!(found, sorted(scan_all(&rpc(&node), &ask)));
    let what =
        "the junk, each token in its block, what is behind it, and the other wallet in both ranges";
    assert_eq!(asked(&server, "tokentx"), 1 + 2 + 1 + 2, "{what}");
}

/// With the real token the same costs its sender no more, if he moves nothing.
#[test]
fn a_block_with_more_than_is_listed_is_read_from_its_receipts() {
    let world = World::new(Family::Evm, 20);
    world.state().page_limit = 60;
    world.pay(10, &[(1, 7, 0); 150]);
    world.pay(10, &[(1, 7, 5), (1, 8, 6), (2, 7, 7), (3, 7, 8), (1, 7, 5)]);
    let failed = world.mine(10, Outcome::Reverted, &[(1, 7, 9)]);
    world.pay(15, &[(1, 7, 5)]);
    let node = world.node();
    let server = world.serve(etherscan, |request| {
        let refusal = r#"{"status":"0","message":"NOTOK","result":"Result window is too large, PageNo x Offset size must be less than or equal to 10000"}"#;
        (request.number("page")? > 2).then(|| Answer::text(200, refusal))
    });
    let (explorer, ask) = (provider(&server), ask(Family::Evm, 1, 19));
    let expected = sorted(scan_all(&rpc(&node), &ask));
    assert_eq!(expected.len(), 5);
    assert_eq!(sorted(scan_all(&explorer, &ask)), expected);
    let receipts = || asked(&server, "eth_getTransactionReceipt");
    let equal_rows = 1;
    assert_eq!(receipts(), 3 + equal_rows, "each of the block's, once");
    assert_eq!(sorted(scan_all(&explorer, &ask)), expected);
    assert_eq!(receipts(), 3 + 2 * equal_rows, "and not again");
    // In another block at that height they are others.
    let mut state = world.state();
    state.blocks[10].fork = 1;
    state.blocks[10].transactions.retain(|t| t.hash != failed);
    drop(state);
    let expected = sorted(scan_all(&rpc(&node), &ask));
    assert_eq!(sorted(scan_all(&explorer, &ask)), expected);
}

#[test]
fn ten_thousand_transfers_are_found_in_a_dozen_requests() {
    let world = World::new(Family::Evm, 2100);
    for number in 0..2000 {
        world.mine(
            1 + number,
            Outcome::Succeeded,
            &[(1, 7, 1), (1, 7, 2), (1, 7, 3), (2, 7, 4), (2, 7, 5)],
        );
    }
    let server = world.etherscan();
    let mut ask = ask(Family::Evm, 1, 2099);
    ask.recipients.truncate(1);
    assert_eq!(scan_all(&provider(&server), &ask).len(), 10_000);
    assert_eq!(asked(&server, "tokentx"), 12);
}

#[test]
fn transfers_of_two_chains_are_a_bad_answer() {
    let world = World::new(Family::Evm, 100);
    world.pay(50, &[(1, 7, 5)]);
    world.pay(50, &[(1, 8, 5)]);
    let forks = AtomicUsize::new(0);
    let reorganised = world.clone();
    let server = world.serve(etherscan, move |request| {
        if request.text("action") == "tokentx" && forks.fetch_add(1, Ordering::Relaxed) == 1 {
            reorganised.state().blocks[50].fork = 1;
        }
        None
    });
    let scanned = provider(&server).scan(&ask(Family::Evm, 1, 99));
    assert_eq!(
        scanned,
        Err(ProviderError::BadAnswer("two blocks at one height".into()))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the page limit and the range, an explorer finds what a node finds.
    #[test]
    fn a_scan_finds_exactly_the_chains_transfers(
        world in any_world(Family::Evm, 200),
        page_limit in prop::sample::select(vec![50usize, 51, 200, 1000]),
        from in 0u64..20,
    ) {
        world.state().page_limit = page_limit;
        let (server, node) = (world.etherscan(), world.node());
        let ask = ask(Family::Evm, from, world.state().head());
        let found = sorted(scan_all(&provider(&server), &ask));
        prop_assert_eq!(found, sorted(scan_all(&rpc(&node), &ask)));
    }
}
