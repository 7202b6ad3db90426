//! Providers that fail in every way: nothing is lost, nobody waits, and the log stays readable.

use std::time::Duration;

use serde_json::Value;

use crate::support::config::Config;
use crate::support::devnet::Devnet;
use crate::support::faulty_rpc::{Call, Fault, FaultyRpc};
use crate::support::wait;
use crate::support::world::World;

/// A world with a second, healthy chain.
fn two_chains(change: impl FnOnce(&mut Config)) -> (World, Devnet) {
    let other = Devnet::start("othernet", 31_338);
    let world = World::with(|config| {
        other.add_to(config, &other.anvil.url);
        change(config);
    });
    (world, other)
}

/// The lines that complain about a chain.
fn complaints(world: &World, chain: &str) -> Vec<String> {
    let log = world.server.log();
    log.lines()
        .filter(|l| (l.contains("WARN") || l.contains("ERROR")) && l.contains(chain))
        .map(str::to_owned)
        .collect()
}

/// While the chain's only provider fails: the API waits for nothing, the other chain pays, the log says it
/// shortly. Afterwards: what happened meanwhile is found.
fn survives(fault: Fault) {
    let (world, other) = two_chains(|_| {});
    let (during, deposit) = world.deposit("17", "USDT");
    world.rpc.fail(fault.clone());
    let hash = world.net.pay(&deposit);
    world.confirm();

    let ask = || {
        let on_other = world.order("18");
        let deposit = on_other.pay("othernet", "USDT");
        world.order("19").pay("devnet", "USDT");
        assert!(during.status()["payment"].is_null(), "{fault:?}");
        (on_other, deposit)
    };
    let (on_other, deposit) = match fault {
        // Who waited for a provider would not be answered before that is given up.
        Fault::Hang => wait::until("answers while one request hangs", || {
            let hanging = world.rpc.hanging()?;
            let answered = ask();
            (world.rpc.hanging() == Some(hanging)).then_some(answered)
        }),
        _ => ask(),
    };
    other.pay(&deposit);
    other.anvil.mine(3);
    world.wait_for_status(&on_other, "paid");
    wait::until("a complaint in the log", || {
        (!complaints(&world, "devnet").is_empty()).then_some(())
    });
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(during.status()["status"], "pending");

    let said = complaints(&world, "devnet");
    assert!(
        (1..=6).contains(&said.len()),
        "{fault:?}: {} lines: {said:#?}",
        said.len()
    );
    for line in &said {
        assert!(line.len() < 600, "{fault:?}: {line}");
    }

    world.rpc.heal();
    assert_eq!(
        world.wait_for_status(&during, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    world.settle_everything();
    assert!(world.unknown_transfers().is_empty());
    assert!(complaints(&world, "othernet").is_empty());
}

#[test]
fn one_that_hangs() {
    survives(Fault::Hang);
}

#[test]
fn one_that_refuses_connections() {
    survives(Fault::Refuse);
}

#[test]
fn one_that_answers_429() {
    survives(Fault::RateLimited(None));
}

#[test]
fn one_that_answers_500() {
    survives(Fault::Status(500));
}

#[test]
fn one_that_answers_html() {
    survives(Fault::Html);
}

#[test]
fn one_that_answers_half_an_answer() {
    survives(Fault::Truncated);
}

#[test]
fn one_whose_node_answers_errors() {
    survives(Fault::NodeError);
}

/// Retry-After is honoured to the second.
#[test]
fn one_that_says_when_to_come_back() {
    let world = World::start();
    world.rpc.fail(Fault::RateLimited(Some(4)));
    world.net.anvil.mine(1);
    let told = wait::until("a request that is told to wait", || {
        world
            .rpc
            .calls()
            .iter()
            .rev()
            .find(|c| !c.answered)
            .map(|c| c.at)
    });
    std::thread::sleep(Duration::from_millis(500));
    world.rpc.heal();
    let next = wait::until("the next request", || {
        world
            .rpc
            .calls()
            .iter()
            .find(|c| c.answered && c.at > told)
            .map(|c| c.at)
    });
    assert!(
        next - told >= Duration::from_millis(3800),
        "{:?}",
        next - told
    );
    world.settle_everything();
}

/// Another chain's node never counts, from the start or later.
#[test]
fn the_wrong_chain() {
    let mut world = World::start();
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.server.stop();
    world.rpc.fail(Fault::ChainId(1));
    world.server.launch();
    world.net.pay(&deposit);
    world.confirm();
    wait::until("the log to say which chain it is", || {
        complaints(&world, "devnet")
            .iter()
            .any(|l| l.contains("31337") && l.contains("chain"))
            .then_some(())
    });
    wait::holds(
        Duration::from_secs(2),
        "nothing of that chain counts",
        || shopper.status()["payment"].is_null(),
    );
    let said = complaints(&world, "devnet");
    assert!(said.len() <= 6, "{said:#?}");
    world.rpc.heal();
    world.wait_for_status(&shopper, "paid");
}

/// A load-balanced provider answers from a node that is behind: what was seen is not taken back.
#[test]
fn a_head_that_goes_backwards() {
    let world = World::start();
    world.net.anvil.mine(20);
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    world.net.anvil.mine(1);
    wait::until("two confirmations", || {
        (shopper.status()["payment"]["confirmations"] == 2).then_some(())
    });
    world.rpc.fail(Fault::Behind(10));
    wait::holds(Duration::from_secs(3), "the payment is still seen", || {
        shopper.status()["payment"]["txn_hash"] == hash.as_str()
    });
    world.confirm();
    world.rpc.heal();
    world.wait_for_status(&shopper, "paid");
    world.settle_everything();
    assert!(world.unknown_transfers().is_empty());
}

/// One block that cannot be read stops what is after it, loses nothing, and is asked again.
#[test]
fn an_error_for_one_range_only() {
    let (world, other) = two_chains(|_| {});
    let (before, deposit_before) = world.deposit("17", "USDT");
    let (inside, deposit_inside) = world.deposit("18", "USDT");
    let (after, deposit_after) = world.deposit("19", "USDT");
    world.net.anvil.mine(5);
    world.wait_scanned(world.net.anvil.head());
    let bad = world.net.anvil.head() + 4;
    world.rpc.fail(Fault::BlockError(bad));
    world.net.pay(&deposit_before);
    world.net.anvil.mine(2);
    let hash = world.net.pay(&deposit_inside);
    assert_eq!(world.net.anvil.block_of(&hash), bad);
    world.net.anvil.mine(2);
    world.net.pay(&deposit_after);
    world.net.anvil.mine(5);
    let on_other = world.order("20");
    let deposit = on_other.pay("othernet", "USDT");
    other.pay(&deposit);
    other.anvil.mine(3);
    world.wait_for_status(&on_other, "paid");
    assert_eq!(inside.status()["status"], "pending");
    assert!((1..=6).contains(&complaints(&world, "devnet").len()));
    world.rpc.heal();
    for shopper in [&before, &inside, &after] {
        world.wait_for_status(shopper, "paid");
    }
    world.settle_everything();
    assert!(world.unknown_transfers().is_empty());
}

/// A second provider takes over from one that fails, and no shopper notices.
#[test]
fn the_next_provider_takes_over() {
    for fault in [
        Fault::Hang,
        Fault::Html,
        Fault::Status(503),
        Fault::Behind(50),
    ] {
        let world = World::start();
        let backup = FaultyRpc::start(&world.net.anvil.url);
        takes_over(world, &backup, &fault);
    }
}

fn takes_over(mut world: World, backup: &FaultyRpc, fault: &Fault) {
    let mut config = Config::new();
    world.net.add_to(&mut config, &world.rpc.url());
    config.chains[0].urls.push(backup.url());
    world.net.anvil.mine(60);
    world.server.stop();
    world.server.configure(&config);
    // Which chain it is, is asked at the start and after every change of provider.
    if matches!(fault, Fault::ChainId(_)) {
        world.rpc.fail(fault.clone());
    }
    world.server.launch();
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.rpc.fail(fault.clone());
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    assert!(
        backup
            .calls()
            .iter()
            .any(|c| c.answered && c.method == "eth_chainId"),
        "{fault:?}: checked"
    );
    assert!(
        backup
            .calls()
            .iter()
            .any(|c| c.answered && c.method == "eth_getLogs"),
        "{fault:?}"
    );
}

/// A provider that is there only later is waited for; orders can be made meanwhile.
#[test]
fn none_at_the_start() {
    let mut world = World::start();
    world.server.stop();
    world.rpc.fail(Fault::Refuse);
    world.server.launch();
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.rpc.heal();
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
}

/// An order does not expire while nobody can know whether it was paid in time.
#[test]
fn expiry_waits_for_the_chain() {
    let (world, _other) = two_chains(|config| {
        config.set("orders", "expires_after", "\"3s\"");
    });
    let (paid, deposit) = world.deposit("17", "USDT");
    let (unpaid, _) = world.deposit("18", "USDT");
    let on_other = world.order("19");
    on_other.pay("othernet", "USDT");
    let undecided = world.order("20");
    world.rpc.fail(Fault::Status(500));
    let hash = world.net.pay(&deposit);
    world.wait_for_status(&on_other, "expired");
    world.wait_for_status(&undecided, "expired");
    wait::holds(Duration::from_secs(2), "it waits for the scan", || {
        unpaid.status()["status"] == "pending" && paid.status()["status"] == "pending"
    });
    world.rpc.heal();
    world.wait_for_status(&unpaid, "expired");
    world.confirm();
    assert_eq!(
        world.wait_for_status(&paid, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
}

/// A chain that cannot be watched for a minute is marked for shoppers, and the log says so once at each end.
#[test]
fn a_chain_that_cannot_be_watched_is_marked() {
    let (world, _other) = two_chains(|_| {});
    let shopper = world.order("17");
    let marked = || {
        let chains = shopper.chains();
        ["devnet", "othernet"].map(|name| {
            let mut rows = chains.as_array().expect("a list").iter();
            let row = rows.find(|row| row["blockchain"] == name);
            row.expect("a row of the chain")["degraded"].clone()
        })
    };
    assert_eq!(marked(), [Value::Null, Value::Null]);
    world.rpc.fail(Fault::Refuse);
    wait::until_within(4 * wait::SOON, "the chain to be marked", || {
        (marked() == [Value::Bool(true), Value::Null]).then_some(())
    });
    let said = |text: &str| world.server.log().matches(text).count();
    wait::until("the log to say so", || {
        (said("chain cannot be watched") == 1).then_some(())
    });
    world.rpc.heal();
    wait::until("the mark to go", || marked()[0].is_null().then_some(()));
    wait::until("the log to say so", || {
        (said("chain is watched again") == 1).then_some(())
    });
    assert_eq!(said("chain cannot be watched"), 1);
}

/// A coin whose decimals are set wrong would be paid with a millionth, or never: the chain is not read until they are right.
#[test]
fn decimals_are_compared_with_the_contract() {
    let mut world = World::start();
    let set = |decimals| move |config: &mut Config| config.chains[0].tokens[0].2 = decimals;
    world.rpc.forget_calls();
    world.restart_with(set(8));
    let contract = world.net.usdt.contract.clone();
    wait::until("a complaint in the log", || {
        let said = complaints(&world, "devnet");
        let about = |l: &String| {
            l.to_lowercase().contains(&contract.to_lowercase())
                && l.contains("has 6 decimals, and 8 are configured")
        };
        said.iter().any(about).then_some(())
    });
    let read = |call: &Call| call.method == "eth_getLogs";
    world.rpc.forget_calls();
    std::thread::sleep(Duration::from_secs(1));
    assert!(!world.rpc.calls().iter().any(read));
    world.restart_with(set(6));
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.rpc.forget_calls();
    world.confirm();
    world.wait_scanned(world.net.anvil.head());
    let asked = |call: &Call| call.method == "eth_call";
    assert!(!world.rpc.calls().iter().any(asked), "once is enough");
}

/// As many requests as needed and no more.
#[test]
fn a_tick_is_a_few_requests_for_all_wallets_and_coins() {
    let world = World::with(|config| {
        for index in 10..30 {
            let mut wallet = config.wallets[0].clone();
            wallet.address = crate::support::devnet::wallet_address(index);
            config.wallets.push(wallet);
        }
    });
    let _open: Vec<_> = (0..10).map(|_| world.deposit("17", "USDT")).collect();
    // What was paid before costs nothing more, unless the chain changes its mind.
    let paid: Vec<_> = (0..20).map(|_| world.deposit("18", "USDT")).collect();
    for (_, deposit) in &paid {
        world.net.pay(deposit);
    }
    world.settle_everything();
    world.rpc.forget_calls();
    std::thread::sleep(Duration::from_secs(3));
    let calls = world.rpc.calls();
    // A tick every 200 ms: head and logs, sometimes more.
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for call in &calls {
        *counts.entry(call.method.clone()).or_default() += 1;
    }
    assert!(
        calls.len() <= 15 * 4,
        "{} requests in 3 s: {counts:?}",
        calls.len()
    );
    assert!(!calls.is_empty());
}
