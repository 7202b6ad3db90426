use proptest::prelude::*;

use super::super::explorer_world::tron_sites::{MAINNET, Site, asked, told, with_key};
use super::super::explorer_world::{Request, World, any_world, ask, body_of, scan_all, trongrid};
use super::super::scripted::{Answer, Scripted};
use super::*;
use crate::domain::address::Family;

const SITE: Site = Site {
    serve: World::trongrid,
    driver: |http| Box::new(TronGrid::new(http, MAINNET)),
};

fn provider(server: &Scripted) -> TronGrid {
    TronGrid::new(with_key(server), MAINNET)
}

/// TronGrid that answers one path so, the rest properly.
fn with_fault(world: &World, path: &'static str, fault: fn() -> Answer) -> Scripted {
    world.serve(trongrid, move |request: &Request| {
        request.path.ends_with(path).then(fault)
    })
}

#[test]
fn a_transfer_is_read_like_from_a_node() {
    SITE.reads_a_transfer_like_a_node();
}

#[test]
fn what_is_not_solid_is_seen_and_not_proven() {
    SITE.sees_what_is_not_final_and_does_not_prove_it();
}

#[test]
fn failed_and_reverted_rows_are_no_transfers() {
    SITE.takes_no_failure_for_a_transfer();
}

#[test]
fn what_is_none_of_ours_is_not_looked_up() {
    let world = World::new(Family::Tron, 100);
    world.pay(50, &[(3, 7, 5), (1, 7, 0)]);
    let approval = r#"{"success":true,"data":[{"transaction_id":"ab","block_timestamp":1700000151000,"type":"Approval","to":"T","value":"x"}],"meta":{}}"#;
    let server = world.trongrid();
    assert_eq!(scan_all(&provider(&server), &ask(Family::Tron, 40, 99)), []);
    assert_eq!(asked(&server, "gettransactioninfobyid"), 0);
    let server = world.serve(trongrid, move |request| {
        let is_list = request.path.ends_with("/trc20");
        is_list.then(|| Answer::text(200, approval))
    });
    assert_eq!(scan_all(&provider(&server), &ask(Family::Tron, 40, 99)), []);
}

#[test]
fn its_head_is_that_of_its_index() {
    let world = World::new(Family::Tron, 100);
    world.state().index_lag = 30;
    assert_eq!(provider(&world.trongrid()).head(), Ok(69));
    let events = "/latest/events";
    let none = || Answer::text(200, r#"{"success":true,"data":[],"meta":{}}"#);
    let server = with_fault(&world, events, none);
    assert_eq!(provider(&server).head(), Ok(99));
    let absent = || Answer::text(404, r#"{"success":false,"error":"Not found"}"#);
    let server = with_fault(&world, events, absent);
    assert_eq!(provider(&server).head(), Ok(99));
    let busy = || Answer::text(429, "");
    let head = provider(&with_fault(&world, events, busy)).head();
    assert!(
        matches!(head, Err(ProviderError::RateLimited { .. })),
        "{head:?}"
    );
}

#[test]
fn an_error_is_never_no_transfers() {
    let world = World::new(Family::Tron, 100);
    world.pay(50, &[(1, 7, 5)]);
    let check = |status: u16, body: &'static str, expected: &str| {
        for path in ["/trc20", "/wallet/getblock", "/gettransactioninfobyid"] {
            let server = world.serve(trongrid, move |request| {
                request
                    .path
                    .ends_with(path)
                    .then(|| Answer::text(status, body))
            });
            let scanned = provider(&server).scan(&ask(Family::Tron, 40, 99));
            assert_eq!(told(&scanned), expected, "{path} {body}");
        }
    };
    let suspended = r#"{"success":false,"error":"The key exceeds the frequency limit(15), and the query server is suspended for 30s","statusCode":403}"#;
    check(403, suspended, "rate limited");
    check(200, suspended, "rate limited");
    check(429, "", "rate limited");
    check(
        403,
        r#"{"Error":"request rate exceeded the allowed_rps(3), and the query server is suspended for 5s"}"#,
        "rate limited",
    );
    check(
        200,
        r#"{"Error":"lack of computing resources"}"#,
        "rate limited",
    );
    check(401, r#"{"Error":"ApiKey not exists"}"#, "refused");
    check(403, "<html>", "refused");
    check(
        200,
        r#"{"success":false,"error":"A valid account address is required","statusCode":400}"#,
        "bad answer",
    );
    check(
        200,
        r#"{"Error":"class java.lang.NullPointerException : null"}"#,
        "bad answer",
    );
    check(500, "{}", "bad answer");
    check(200, "[]", "bad answer");
    check(200, "null", "bad answer");
    check(200, "", "bad answer");
    check(200, "<html>", "bad answer");
}

#[test]
fn a_wrong_key_and_another_chain_are_refused() {
    let world = World::new(Family::Tron, 100);
    let server = world.trongrid();
    SITE.takes_no_wrong_key();
    let nile = TronGrid::new(with_key(&server), 0xcd86_90dc);
    let wrong = ProviderError::WrongChain {
        expected: 0xcd86_90dc,
        found: MAINNET,
    };
    assert_eq!(nile.head(), Err(wrong.clone()));
    assert_eq!(nile.scan(&ask(Family::Tron, 1, 9)), Err(wrong));
    let grid = provider(&server);
    grid.head().unwrap();
    grid.distrust();
    world.state().chain_id = 1;
    let other = ProviderError::WrongChain {
        expected: MAINNET,
        found: 1,
    };
    assert_eq!(grid.head(), Err(other), "the first block is read anew");
    world.state().chain_id = MAINNET;
    assert_eq!(grid.head(), Ok(99));
}

#[test]
fn a_transaction_that_the_node_lacks_is_awaited_only_while_it_is_young() {
    let world = World::new(Family::Tron, 100);
    world.pay(95, &[(1, 7, 5)]);
    let unknown = || Answer::text(200, "{}");
    let server = with_fault(&world, "/wallet/gettransactioninfobyid", unknown);
    assert_eq!(scan_all(&provider(&server), &ask(Family::Tron, 40, 99)), []);
    world.pay(50, &[(1, 7, 5)]);
    let scanned = provider(&server).scan(&ask(Family::Tron, 40, 99));
    let error = ProviderError::BadAnswer("its list has a transaction that its node lacks".into());
    assert_eq!(scanned, Err(error));
}

#[test]
fn a_doubtful_transaction_is_a_bad_answer() {
    let world = World::new(Family::Tron, 100);
    let hash = world.pay(50, &[(1, 7, 5)]);
    let check = |from: &'static str, to: &'static str| {
        let chain = world.clone();
        let server = world.serve(trongrid, move |request| {
            if !request.path.ends_with("/gettransactioninfobyid") {
                return None;
            }
            let text = body_of(trongrid(&chain.state(), request));
            assert!(text.contains(from), "{text}");
            Some(Answer::text(200, &text.replace(from, to)))
        });
        let grid = provider(&server);
        let receipt = grid.receipt(&hash, &ask(Family::Tron, 1, 2).recipients);
        let is_bad = matches!(receipt, Err(ProviderError::BadAnswer(_)));
        assert!(is_bad, "{to}: {receipt:?}");
        assert!(grid.scan(&ask(Family::Tron, 40, 99)).is_err(), "{to}");
    };
    check(r#","result":"SUCCESS""#, "");
    check(r#""id":""#, r#""id":"00"#);
    check(r#""blockNumber":50"#, r#""blockNumber":51"#);
    check(r#""blockNumber":50"#, r#""blockNumber":5000"#);
    check(r#""data":"00"#, r#""data":"zz"#);
}

#[test]
fn a_full_page_without_a_fingerprint_is_not_the_last() {
    let world = World::new(Family::Tron, 100);
    for number in 10..90 {
        world.pay(number, &[(1, 7, 5), (1, 7, 6), (1, 7, 7)]);
    }
    let chain = world.clone();
    let server = world.serve(trongrid, move |request| {
        if !request.path.ends_with("/trc20") {
            return None;
        }
        let text = body_of(trongrid(&chain.state(), request));
        Some(Answer::text(200, &text.replace("fingerprint", "lost")))
    });
    assert_eq!(
        scan_all(&provider(&server), &ask(Family::Tron, 1, 99)).len(),
        240
    );
}

#[test]
fn what_is_solid_is_looked_up_once() {
    let world = World::new(Family::Tron, 100);
    world.pay(50, &[(1, 7, 5)]);
    world.pay(95, &[(1, 7, 5)]);
    let server = world.trongrid();
    let grid = provider(&server);
    grid.finalized().unwrap();
    for _ in 0..3 {
        assert_eq!(scan_all(&grid, &ask(Family::Tron, 40, 99)).len(), 2);
    }
    assert_eq!(asked(&server, "/wallet/gettransactioninfobyid"), 1 + 3);
    let before = server.asked().len();
    grid.head().unwrap();
    grid.finalized().unwrap();
    grid.scan(&ask(Family::Tron, 41, 80)).unwrap();
    let what = "head, solid head, a list for each wallet, and what is not solid";
    assert_eq!(server.asked().len() - before, 1 + 1 + 2 + 2, "{what}");
}

/// Where nobody asks for the finalized block, many transfers in a re-scan are a reason to.
#[test]
fn many_that_are_solid_are_looked_up_once_by_any_rule() {
    let world = World::new(Family::Tron, 100);
    for number in 50..70 {
        world.pay(number, &[(1, 7, 5)]);
    }
    let server = world.trongrid();
    let grid = provider(&server);
    for _ in 0..3 {
        assert_eq!(scan_all(&grid, &ask(Family::Tron, 40, 99)).len(), 20);
    }
    assert_eq!(asked(&server, "/wallet/gettransactioninfobyid"), 20);
    assert_eq!(asked(&server, "/walletsolidity/getblock"), 1);
}

#[test]
fn requests_for_many_transfers() {
    let world = World::new(Family::Tron, 400);
    for number in 1..=300 {
        world.pay(number, &[(1, 7, 5)]);
    }
    let server = world.trongrid();
    let mut ask = ask(Family::Tron, 1, 399);
    ask.recipients.truncate(1);
    let grid = provider(&server);
    grid.finalized().unwrap();
    assert_eq!(scan_all(&grid, &ask).len(), 300);
    assert_eq!(asked(&server, "gettransactioninfobyid"), 300);
    assert_eq!(asked(&server, "/trc20"), 7, "one for each 50");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the page limit and the range, TronGrid's list leads to what a node finds.
    #[test]
    fn a_scan_finds_exactly_the_chains_transfers(
        world in any_world(Family::Tron, 120),
        page_limit in prop::sample::select(vec![20usize, 50, 200]),
        from in 1u64..20,
        final_lag in 0u64..40,
    ) {
        world.state().page_limit = page_limit;
        world.state().final_lag = final_lag;
        SITE.finds_exactly_what_a_node_finds(&world, from);
    }
}
