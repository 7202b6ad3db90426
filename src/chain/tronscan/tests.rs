use proptest::prelude::*;
use serde_json::json;

use super::super::explorer_world::tron_sites::{MAINNET, Site, asked, told, with_key};
use super::super::explorer_world::{World, any_world, ask, body_of, scan_all, tronscan};
use super::super::scripted::{Answer, Scripted};
use super::*;

const SITE: Site = Site {
    serve: World::tronscan,
    driver: |http| Box::new(Tronscan::new(http, MAINNET)),
};

fn provider(server: &Scripted) -> Tronscan {
    Tronscan::new(with_key(server), MAINNET)
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
    SITE.reads_a_transfer_like_a_node();
}

#[test]
fn what_is_not_confirmed_is_seen_and_not_proven() {
    SITE.sees_what_is_not_final_and_does_not_prove_it();
}

#[test]
fn failed_and_reverted_rows_are_no_transfers() {
    SITE.takes_no_failure_for_a_transfer();
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
            assert_eq!(told(&scanned), expected, "{path} {body}");
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
    SITE.takes_no_wrong_key();
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

/// An empty page is the end of a list only where the list's own count agrees.
#[test]
fn an_empty_page_is_believed_if_the_count_agrees() {
    let check = |start: &'static str, page: &'static str, expected: Result<usize, &str>| {
        let world = World::new(Family::Tron, 100);
        for number in 10..90 {
            world.pay(number, &[(1, 7, 5)]);
        }
        let server = world.serve(tronscan, move |request| {
            let is_it = request.path.ends_with("/transfers") && request.text("start") == start;
            is_it.then(|| Answer::text(200, page))
        });
        let mut ask = ask(Family::Tron, 1, 99);
        ask.recipients.truncate(1);
        let found = provider(&server)
            .scan(&ask)
            .map(|found| found.transfers.len());
        let expected = expected.map_err(|what| ProviderError::BadAnswer(what.to_owned()));
        assert_eq!(found, expected, "{start} {page}");
    };
    let bad = Err("an empty page where its own count says more");
    check(
        "0",
        r#"{"total":80,"rangeTotal":80,"token_transfers":[]}"#,
        bad,
    );
    check("0", r#"{"total":80,"token_transfers":[]}"#, bad);
    check(
        "50",
        r#"{"total":80,"rangeTotal":80,"token_transfers":[]}"#,
        bad,
    );
    check(
        "50",
        r#"{"total":150,"rangeTotal":81,"token_transfers":[]}"#,
        bad,
    );
    check(
        "0",
        r#"{"total":0,"rangeTotal":0,"token_transfers":[]}"#,
        Ok(0),
    );
    // One of the counts may be of more than was asked for: neither of both is to refuse it for ever.
    check(
        "0",
        r#"{"total":80,"rangeTotal":0,"token_transfers":[]}"#,
        Ok(0),
    );
    check(
        "50",
        r#"{"total":150,"rangeTotal":50,"token_transfers":[]}"#,
        Ok(50),
    );
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

/// Anybody can send more of a token of his own than is listed, and hide a payment behind it.
#[test]
fn junk_hides_nothing_in_its_block() {
    let world = World::new(Family::Tron, 20);
    world.pay(10, &[(2, 7, 6), (1, 7, 7)]);
    world.pay(10, &[(3, 7, 5); 10_050]);
    let server = world.tronscan();
    let found = provider(&server).scan(&ask(Family::Tron, 10, 10)).unwrap();
    let mut units: Vec<u128> = found.transfers.iter().map(|t| t.id.units).collect();
    units.sort();
    assert_eq!(units, [6, 7]);
    let what = "the junk, each token, and the other wallet";
    assert_eq!(asked(&server, "/transfers"), 1 + 2 + 1, "{what}");
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
        SITE.finds_exactly_what_a_node_finds(&world, from);
    }
}
