use proptest::prelude::*;
use serde_json::json;

use super::super::evm_rpc::EvmRpc;
use super::super::explorer_world::{
    Outcome, World, any_world, ask, body_of, http, scan_all, sorted, tronscan,
};
use super::super::http::KeyHeader;
use super::super::scripted::{Answer, Scripted};
use super::*;

const MAINNET: u64 = 0x2b66_53dc;

fn provider(server: &Scripted) -> Tronscan {
    Tronscan::new(http(server, KeyHeader::Named("TRON-PRO-API-KEY")), MAINNET)
}

fn rpc(server: &Scripted) -> EvmRpc {
    EvmRpc::new(http(server, KeyHeader::Bearer), Family::Tron, MAINNET)
}

/// How often a path was asked for.
fn asked(server: &Scripted, path: &str) -> usize {
    let asked = server.asked();
    asked
        .iter()
        .filter(|asked| asked.head.contains(path))
        .count()
}

/// Tronscan that answers one path so, the rest properly.
fn with_fault(world: &World, path: &'static str, status: u16, body: &'static str) -> Scripted {
    world.serve(tronscan, move |request| {
        let is_it = request.path.ends_with(path) && request.text("number") != "0";
        is_it.then(|| Answer::text(status, body))
    })
}

#[test]
fn a_transfer_is_read_like_from_a_node() {
    let world = World::new(Family::Tron, 100);
    let hash = world.pay(
        50,
        &[
            (1, 7, 19_990_000),
            (1, 7, 19_990_000),
            (2, 8, 5),
            (3, 7, 6),
            (1, 6, 7),
        ],
    );
    let (server, node) = (world.tronscan(), world.node());
    let (scan, node) = (provider(&server), rpc(&node));
    let ask = ask(Family::Tron, 40, 99);
    let scanned = scan.scan(&ask).unwrap();
    assert_eq!(scanned.through, 99);
    assert_eq!(
        sorted(scanned.transfers.clone()),
        sorted(scan_all(&node, &ask))
    );
    assert_eq!(scanned.transfers.len(), 3);
    let receipt = |p: &dyn Provider| p.receipt(&hash, &ask.recipients);
    assert_eq!(receipt(&scan), receipt(&node));
    assert_eq!(receipt(&scan).unwrap().unwrap().transfers.len(), 4);
    assert_eq!(scan.block(50), node.block(50));
    assert_eq!(scan.block(1000), Ok(None));
    assert_eq!((scan.head(), scan.finalized()), (Ok(99), Ok(Some(80))));
}

#[test]
fn what_is_not_confirmed_is_seen_and_not_proven() {
    let world = World::new(Family::Tron, 100);
    let hash = world.pay(95, &[(1, 7, 5)]);
    let server = world.tronscan();
    let scan = provider(&server);
    assert_eq!(scan_all(&scan, &ask(Family::Tron, 40, 99)).len(), 1);
    assert_eq!(scan.receipt(&hash, &[]), Ok(None));
    world.state().final_lag = 4;
    assert_eq!(scan.receipt(&hash, &[]).unwrap().unwrap().block.number, 95);
}

#[test]
fn failed_and_reverted_rows_are_no_transfers() {
    let world = World::new(Family::Tron, 100);
    let failed = world.mine(50, Outcome::OutOfEnergy, &[(1, 7, 5)]);
    let reverted = world.mine(51, Outcome::Reverted, &[(1, 7, 5)]);
    let server = world.tronscan();
    let scan = provider(&server);
    assert_eq!(scan_all(&scan, &ask(Family::Tron, 40, 99)), []);
    for hash in [failed, reverted] {
        let receipt = scan.receipt(&hash, &ask(Family::Tron, 1, 2).recipients);
        let receipt = receipt.unwrap().unwrap();
        assert!(!receipt.succeeded && receipt.transfers.is_empty());
    }
}

#[test]
fn a_stalled_chain_keeps_its_last_confirmed_block() {
    let world = World::new(Family::Tron, 100);
    let server = world.tronscan();
    let scan = provider(&server);
    world.state().final_lag = 60;
    assert_eq!(scan.finalized(), Ok(Some(0)));
    world.state().final_lag = 19;
    assert_eq!(scan.finalized(), Ok(Some(80)));
    world.state().final_lag = 60;
    assert_eq!(scan.finalized(), Ok(Some(80)));
}

#[test]
fn its_head_is_that_of_its_index() {
    let world = World::new(Family::Tron, 100);
    world.state().index_lag = 30;
    assert_eq!(provider(&world.tronscan()).head(), Ok(69));
}

#[test]
fn an_error_is_never_no_transfers() {
    let world = World::new(Family::Tron, 100);
    world.pay(50, &[(1, 7, 5)]);
    let check = |status: u16, body: &'static str, expected: &str| {
        for path in ["/transfers", "/block"] {
            let server = with_fault(&world, path, status, body);
            let scanned = provider(&server).scan(&ask(Family::Tron, 40, 99));
            let told = match &scanned {
                Ok(scanned) => format!("found {}", scanned.transfers.len()),
                Err(error) => error.to_string().split(':').next().unwrap().to_owned(),
            };
            assert_eq!(told, expected, "{path} {body}");
        }
    };
    check(429, "", "rate limited");
    check(200, r#"{"message":"Too many requests"}"#, "rate limited");
    check(
        403,
        r#"{"Error":"The key exceeds the frequency limit(5)"}"#,
        "rate limited",
    );
    check(401, r#"{"Error":"invalid api key"}"#, "refused");
    check(200, r#"{"message":"Unauthorized"}"#, "refused");
    check(200, "{}", "bad answer");
    check(200, r#"{"message":"some error"}"#, "bad answer");
    check(500, "", "bad answer");
    check(200, "null", "bad answer");
    check(200, "<html>", "bad answer");
}

#[test]
fn a_wrong_key_and_another_chain_are_refused() {
    let world = World::new(Family::Tron, 100);
    let server = world.tronscan();
    let keyless = HttpClient::new(&server.entry(), KeyHeader::No, Default::default());
    let head = Tronscan::new(keyless, MAINNET).head();
    assert!(matches!(head, Err(ProviderError::Refused(_))), "{head:?}");
    // It need not show its first block; where it does, that tells the chain.
    let chain = world.clone();
    let server = world.serve(tronscan, move |request| {
        let hash = chain.state().block_hash(0);
        let body = json!({"data": [{"number": 0, "hash": hash, "timestamp": 0}]});
        (request.text("number") == "0").then(|| Answer::text(200, &body.to_string()))
    });
    assert_eq!(provider(&server).head(), Ok(99));
    world.state().chain_id = 0xcd86_90dc;
    let wrong = ProviderError::WrongChain {
        expected: MAINNET,
        found: 0xcd86_90dc,
    };
    assert_eq!(provider(&server).head(), Err(wrong));
}

#[test]
fn what_lacks_a_part_is_a_bad_answer() {
    let world = World::new(Family::Tron, 100);
    let hash = world.pay(50, &[(1, 7, 5)]);
    let recipients = ask(Family::Tron, 1, 2).recipients;
    let check = |part: &'static str| {
        let chain = world.clone();
        let server = world.serve(tronscan, move |request| {
            let text = body_of(tronscan(&chain.state(), request));
            let without = text.replace(&format!("\"{part}\""), "\"other\"");
            Some(Answer::text(200, &without))
        });
        let scan = provider(&server);
        let scanned = scan.scan(&ask(Family::Tron, 40, 99));
        let receipt = scan.receipt(&hash, &recipients);
        let is_bad = |answer: Option<ProviderError>| {
            let is_bad = matches!(answer, Some(ProviderError::BadAnswer(_)));
            assert!(is_bad, "{part}: {answer:?}");
        };
        match part {
            "quant" => is_bad(scanned.err()),
            "amount_str" => is_bad(receipt.err()),
            _ => {
                is_bad(scanned.err());
                is_bad(receipt.err());
            }
        }
    };
    check("contractRet");
    check("from_address");
    check("to_address");
    check("contract_address");
    check("block");
    check("quant");
    check("amount_str");
}

#[test]
fn a_list_that_shrinks_while_it_is_read_is_a_bad_answer() {
    let world = World::new(Family::Tron, 100);
    for number in 10..90 {
        world.pay(number, &[(1, 7, 5), (1, 7, 6)]);
    }
    let chain = world.clone();
    let server = world.serve(tronscan, move |request| {
        if request.path.ends_with("/transfers") && request.text("start") == "50" {
            chain.state().blocks[88].transactions.clear();
        }
        None
    });
    let scanned = provider(&server).scan(&ask(Family::Tron, 1, 99));
    let error = ProviderError::BadAnswer("a list that shrinks while it is read".into());
    assert_eq!(scanned, Err(error));
}

#[test]
fn a_block_with_more_than_the_window_is_an_error() {
    let world = World::new(Family::Tron, 20);
    world.pay(10, &[(1, 7, 5); 50]);
    let chain = world.clone();
    let server = world.serve(tronscan, move |request| {
        let mut request = request.clone();
        request.query.insert("start".to_owned(), "0".to_owned());
        let text = body_of(tronscan(&chain.state(), &request));
        Some(Answer::text(
            200,
            &text.replace(r#""total":50"#, r#""total":10000"#),
        ))
    });
    let scanned = provider(&server).scan(&ask(Family::Tron, 10, 10));
    let error = ProviderError::BadAnswer("more transfers in one block than it lists".into());
    assert_eq!(scanned, Err(error));
}

#[test]
fn requests_for_many_transfers() {
    let world = World::new(Family::Tron, 400);
    for number in 1..=300 {
        world.pay(number, &[(1, 7, 5)]);
    }
    let server = world.tronscan();
    let mut ask = ask(Family::Tron, 1, 399);
    ask.recipients.truncate(1);
    assert_eq!(scan_all(&provider(&server), &ask).len(), 300);
    assert!(
        asked(&server, "/transfers") <= 10,
        "{}",
        asked(&server, "/transfers")
    );
    assert!(
        asked(&server, "/api/block") <= 310,
        "{}",
        asked(&server, "/api/block")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the page limit and the range, Tronscan's list leads to what a node finds.
    #[test]
    fn a_scan_finds_exactly_the_chains_transfers(
        world in any_world(Family::Tron, 120),
        page_limit in prop::sample::select(vec![10usize, 20, 50, 1000]),
        from in 1u64..20,
        final_lag in 0u64..40,
    ) {
        world.state().page_limit = page_limit;
        world.state().final_lag = final_lag;
        let (server, node) = (world.tronscan(), world.node());
        let ask = ask(Family::Tron, from, world.state().head());
        let scan = provider(&server);
        let expected = sorted(scan_all(&rpc(&node), &ask));
        prop_assert_eq!(&sorted(scan_all(&scan, &ask)), &expected);
        prop_assert_eq!(&sorted(scan_all(&scan, &ask)), &expected, "out of memory");
    }
}
