//! A wallet that got thousands of transfers while the server was down: all are found, each once, and not with more
//! requests than there is reason for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::support::anvil::{Anvil, number};
use crate::support::config::Config;
use crate::support::devnet::Devnet;
use crate::support::kind::Kind;
use crate::support::sign;
use crate::support::wait;
use crate::support::world::World;

/// Transfers in one transaction; each is in a block of its own.
const IN_ONE: u128 = 500;

/// 1,500 take seconds; `.ci/full` asks for 10,000.
fn transfers() -> u128 {
    let asked = std::env::var("OCRCH_TEST_BACKLOG").ok();
    asked.map_or(1500, |count| {
        count.parse().expect("OCRCH_TEST_BACKLOG is a number")
    })
}

/// Finds them all, then counts what was asked for until then. `most` is the bound for so many transfers and blocks.
fn all_are_found(kind: Kind, most: impl Fn(usize, usize) -> usize) {
    let quiet = |config: &mut Config| {
        config.set("payments", "report_from", "\"500\"");
    };
    let count = transfers();
    let singles = count as usize / 20;
    let net = spaced_out(singles + (count / IN_ONE) as usize + 100);
    let mut world = World::on_kind(kind, net, quiet);
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.server.stop();
    let (net, anvil) = (&world.net, &world.net.anvil);
    for _ in 0..count / IN_ONE {
        net.usdt
            .multi(anvil, &net.wallet, net.usdt.units("3"), IN_ONE);
    }
    // Transactions of one transfer each, as shops know them.
    let payer = anvil.account(0);
    for _ in 0..singles {
        net.usdt
            .transfer_units(anvil, &payer, &net.wallet, net.usdt.units("4"));
    }
    come_to_the_present(anvil);
    let hash = net.pay(&deposit);
    world.confirm();
    forget_requests(&world);
    world.server.launch();
    let expected = count as i64 + singles as i64;
    wait::until_within(Duration::from_secs(1200), "all transfers", || {
        let found = stored(&world, "status = 'no_matched_deposit'");
        (found >= expected).then_some(())
    });
    let requests = requests(&world);
    come_to_the_present(&world.net.anvil);
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], hash.as_str());
    world.settle_everything();
    assert_eq!(
        stored(&world, "status = 'no_matched_deposit'"),
        expected,
        "each once"
    );
    assert_eq!(stored(&world, "1"), expected + 2, "and the two that paid");

    let total: usize = requests.values().sum();
    println!("{kind:?}: {expected} transfers in {total} requests: {requests:?}");
    let most = most(expected as usize, singles + (count / IN_ONE) as usize);
    assert!(
        total <= most,
        "{total} requests, expected {most} at most: {requests:?}"
    );
}

/// A chain on which so many blocks three seconds apart find room before now: several in one second, as tests usually
/// have them, do not exist where explorers tell blocks apart by time.
fn spaced_out(blocks: usize) -> Devnet {
    let since = sign::now() - 3 * blocks as i64;
    let anvil = Anvil::start_with(31_337, &["--timestamp", &since.to_string()]);
    anvil.call("anvil_setBlockTimestampInterval", &json!([3]));
    Devnet::on("devnet", anvil)
}

/// By the chain's clock, too, what is mined from here on is younger than the orders.
fn come_to_the_present(anvil: &Anvil) {
    let newest = anvil.call("eth_getBlockByNumber", &json!(["latest", false]));
    let next = i64::try_from(number(&newest["timestamp"])).expect("a time") + 1;
    anvil.call("evm_setNextBlockTimestamp", &json!([next.max(sign::now())]));
}

fn stored(world: &World, which: &str) -> i64 {
    let query = format!("SELECT count(*) FROM transfers WHERE {which}");
    world
        .server
        .db()
        .query_row(&query, [], |row| row.get(0))
        .expect("a count")
}

fn forget_requests(world: &World) {
    match &world.explorer {
        Some(explorer) => explorer.forget_asked(),
        None => world.rpc.forget_calls(),
    }
}

/// How often each thing was asked for.
fn requests(world: &World) -> BTreeMap<String, usize> {
    let asked: Vec<String> = match &world.explorer {
        Some(explorer) => explorer.asked().into_iter().map(|a| a.what).collect(),
        None => world.rpc.calls().into_iter().map(|c| c.method).collect(),
    };
    let mut counts = BTreeMap::new();
    for what in asked {
        *counts.entry(what).or_default() += 1;
    }
    counts
}

// A transaction's receipt and its block are looked up before its transfers count, whatever found them.

#[test]
fn all_are_found_by_json_rpc() {
    all_are_found(Kind::Rpc, |_, transactions| 2 * transactions + 20);
}

#[test]
fn all_are_found_by_tron_json_rpc() {
    all_are_found(Kind::TronRpc, |_, transactions| 2 * transactions + 20);
}

/// Transactions with equal rows are looked up when they are listed, too.
#[test]
fn all_are_found_by_etherscan() {
    all_are_found(Kind::Etherscan, |transfers, transactions| {
        transfers / 150 + 2 * transactions + 20
    });
}

/// Its lists know no blocks: a transaction is looked up when it is listed, and again when it is solid.
#[test]
fn all_are_found_by_trongrid() {
    all_are_found(Kind::TronGrid, |transfers, transactions| {
        transfers / 100 + 4 * transactions + 20
    });
}

#[test]
fn all_are_found_by_tronscan() {
    all_are_found(Kind::Tronscan, |transfers, transactions| {
        transfers / 20 + 2 * transactions + 20
    });
}
