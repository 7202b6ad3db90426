//! Orders expire by what the chain has shown, so that money sent in time always counts.

use std::time::Duration;

use serde_json::json;

use crate::on_every_kind::on_every_kind;
use crate::support::config::Config;
use crate::support::devnet::{Devnet, text};
use crate::support::faulty_rpc::Fault;
use crate::support::kind::Kind;
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::{UNKNOWN, World};

/// A built-in chain, whose blocks come whether or not anybody sends anything.
fn on_a_steady_chain(change: impl FnOnce(&mut Config)) -> World {
    World::on(Devnet::start("arb", 42_161), change)
}

fn short(config: &mut Config) {
    config.set("orders", "expires_after", "\"3s\"");
}

/// Until an order's time is over, by our clock.
fn wait_until_overdue(shopper: &Shopper) {
    let expires_at = shopper.status()["expires_at"].as_i64().expect("a time");
    wait::until("the order's time to be over", || {
        (crate::support::sign::now() > expires_at).then_some(())
    });
}

/// The webhooks' statuses about an order, each once, in their order.
fn told(world: &World, shopper: &Shopper) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for event in world.receiver.about(&shopper.order_id) {
        let status = text(&event.json(), "status").to_owned();
        if !told.contains(&status) {
            told.push(status);
        }
    }
    told
}

/// A node that stopped importing blocks answers everything, and shows nothing of what was mined since.
#[test]
fn no_order_expires_by_a_node_that_stands_still() {
    let world = on_a_steady_chain(short);
    let (paid, deposit) = world.deposit("17", "USDT");
    let (unpaid, _) = world.deposit("18", "USDT");
    world.rpc.fail(Fault::Head(world.net.anvil.head()));
    let hash = world.net.pay(&deposit);
    wait_until_overdue(&unpaid);
    wait::holds(Duration::from_secs(3), "nobody knows who paid", || {
        unpaid.status()["status"] == "pending" && paid.status()["status"] == "pending"
    });
    world.rpc.heal();
    world.confirm();
    assert_eq!(
        world.wait_for_status(&paid, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    expires_as_blocks_come(&world, &unpaid);
    world.receiver.wait_for_status(&paid.order_id, "paid");
    assert_eq!(told(&world, &paid), ["paid"]);
}

/// The same with a node that always is some blocks behind.
#[test]
fn no_order_expires_by_a_node_that_lags_behind() {
    let world = on_a_steady_chain(short);
    world.net.anvil.mine(20);
    world.wait_scanned(world.net.anvil.head());
    world.rpc.fail(Fault::Behind(4));
    let (paid, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    wait_until_overdue(&paid);
    wait::holds(Duration::from_secs(2), "its last block is older", || {
        paid.status()["status"] == "pending"
    });
    // New blocks; the lagging node shows the payment four of them later.
    for _ in 0..8 {
        world.net.anvil.mine(1);
        assert_ne!(paid.status()["status"], "expired");
    }
    assert_eq!(
        world.wait_for_status(&paid, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
}

/// On a steady chain without payments, orders do expire.
#[test]
fn a_steady_chain_lets_orders_expire() {
    let world = on_a_steady_chain(short);
    let (unpaid, _) = world.deposit("17", "USDT");
    wait_until_overdue(&unpaid);
    expires_as_blocks_come(&world, &unpaid);
}

/// By blocks that are some time younger than the order's end: a list may lag that much.
fn expires_as_blocks_come(world: &World, shopper: &Shopper) {
    wait::until_within(2 * wait::SOON, "the order to expire as blocks come", || {
        world.net.anvil.mine(1);
        std::thread::sleep(Duration::from_millis(500));
        (shopper.status()["status"] == "expired").then_some(())
    });
}

/// An order's payment leaves the chain after its time is over, and comes back: it was in time.
fn a_payment_mined_again_after_the_expiry_is_in_time(kind: Kind) {
    let world = World::of_with(kind, short);
    let payer = world.net.anvil.account(4);
    world.net.usdt.transfer(&world.net.anvil, &payer, "1000");
    world.net.anvil.mine(10);
    let (shopper, deposit) = world.deposit("42", "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    let raw = world.net.anvil.raw(&hash);
    world.wait_for_progress(&shopper);
    wait_until_overdue(&shopper);
    world.reorg(1, &json!([]));
    wait::until("the payment to go away", || {
        shopper.status()["payment"].is_null().then_some(())
    });
    wait::holds(Duration::from_secs(2), "it may come back", || {
        shopper.status()["status"] == "pending"
    });
    world
        .net
        .anvil
        .call("eth_sendRawTransaction", &json!([raw]));
    world.net.anvil.receipt(&hash);
    world.confirm();
    assert_eq!(
        world.wait_for_status(&shopper, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    assert_eq!(told(&world, &shopper), ["paid"]);
    assert!(world.unknown_transfers().is_empty());
}

/// Where late money is welcome, money in time is no worse: here the order expired, since a chain
/// that may rest cannot be told from a node that stands still.
#[test]
fn accepting_late_payments_accepts_those_in_time() {
    let world = World::with(|config| {
        short(config);
        config.set("orders", "accept_late", "true");
    });
    let (shopper, deposit) = world.deposit("42", "USDT");
    world.rpc.fail(Fault::Head(world.net.anvil.head()));
    let hash = world.net.pay(&deposit);
    world.wait_for_status(&shopper, "expired");
    world.rpc.heal();
    world.confirm();
    assert_eq!(
        world.wait_for_status(&shopper, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    assert!(world.receiver.to(UNKNOWN).is_empty());
}

/// A head far below what was read before reads nothing: that is a fault, and no reason to expire.
#[test]
fn a_head_far_below_expires_nothing_and_is_said() {
    let net = Devnet::start("devnet", 31_337);
    net.anvil.mine(1200);
    let world = World::on(net, short);
    world.wait_scanned(world.net.anvil.head());
    let (paid, deposit) = world.deposit("17", "USDT");
    let (unpaid, _) = world.deposit("18", "USDT");
    world.rpc.fail(Fault::Head(50));
    let hash = world.net.pay(&deposit);
    world.confirm();
    wait::until("a complaint in the log", || {
        let log = world.server.log();
        log.lines()
            .any(|l| l.contains("WARN") && l.contains("devnet") && l.contains("far below"))
            .then_some(())
    });
    wait_until_overdue(&unpaid);
    wait::holds(Duration::from_secs(1), "nothing was read", || {
        unpaid.status()["status"] == "pending" && paid.status()["status"] == "pending"
    });
    world.rpc.heal();
    assert_eq!(
        world.wait_for_status(&paid, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    world.wait_for_status(&unpaid, "expired");
}

on_every_kind! {
    core:
    ;
    more:
        a_payment_mined_again_after_the_expiry_is_in_time
    ;
}
