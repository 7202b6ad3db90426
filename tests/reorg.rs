//! The chain changes its mind: a payment that was seen is gone, moved or replaced.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::on_every_kind::on_every_kind;
use crate::support::devnet::text;
use crate::support::kind::Kind;
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::{UNKNOWN, World};

/// A world whose first blocks are deep enough to stay, and a payer with nonces of its own.
fn world(kind: Kind) -> (World, String) {
    let world = World::of(kind);
    let payer = world.net.anvil.account(4);
    world.net.usdt.transfer(&world.net.anvil, &payer, "1000");
    world.net.anvil.mine(10);
    (world, payer)
}

fn wait_until_gone(world: &World, shopper: &Shopper) {
    wait::until(
        &format!("the payment of {} to go away", shopper.order_id),
        || shopper.status()["payment"].is_null().then_some(()),
    );
    let _ = world;
}

/// Paid by this transaction, told as one event, and nothing left over.
fn paid_once(world: &World, shopper: &Shopper, hash: &str) {
    let paid = world.wait_for_status(shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], hash);
    world.settle_everything();
    let events: HashSet<_> = world
        .receiver
        .about(&shopper.order_id)
        .iter()
        .map(|d| {
            (
                d.header("webhook-id").to_owned(),
                d.json()["status"].to_string(),
            )
        })
        .collect();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(
        world.unknown_transfers().is_empty(),
        "nothing was credited twice"
    );
}

fn a_removed_payment_is_forgotten_and_counts_when_mined_again(kind: Kind) {
    let (world, payer) = world(kind);
    let (shopper, deposit) = world.deposit("42", "USDT");
    let mut socket = shopper.socket();
    let hash = world.net.pay_from(&payer, &deposit);
    let raw = world.net.anvil.raw(&hash);
    world.net.anvil.mine(1);
    socket.until(|order| order["payment"]["confirmations"] == 2);

    world.reorg(2, &json!([]));
    socket.until(|order| order["payment"].is_null());
    assert_eq!(
        shopper.status().get("payment").unwrap_or(&Value::Null),
        &Value::Null
    );
    world.net.anvil.mine(10);
    world.settle_everything();
    assert_eq!(
        shopper.status()["status"],
        "pending",
        "a payment that is not on the chain pays nothing"
    );
    assert!(world.unknown_transfers().is_empty());

    world
        .net
        .anvil
        .call("eth_sendRawTransaction", &json!([raw]));
    world.net.anvil.receipt(&hash);
    socket.until(|order| order["payment"].is_object());
    world.confirm();
    socket.until(|order| order["status"] == "paid");
    paid_once(&world, &shopper, &hash);
}

fn a_payment_moved_to_another_block_starts_over(kind: Kind) {
    let (world, payer) = world(kind);
    let (shopper, deposit) = world.deposit("42", "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    let first = world.net.anvil.block_of(&hash);
    let raw = world.net.anvil.raw(&hash);
    world.net.anvil.mine(1);
    wait::until("two confirmations", || {
        (shopper.status()["payment"]["confirmations"] == 2).then_some(())
    });

    world.reorg(2, &json!([[raw, 1]]));
    assert_eq!(world.net.anvil.block_of(&hash), first + 1);
    world.net.anvil.mine(1);
    wait::until("the payment in its new block", || {
        let payment = &shopper.status()["payment"];
        (payment["block_number"] == first + 1 && payment["confirmations"] == 2).then_some(())
    });
    assert_eq!(
        shopper.status()["status"],
        "pending",
        "it has two confirmations of three"
    );
    world.net.anvil.mine(1);
    paid_once(&world, &shopper, &hash);
}

/// A block below the head that was known when the deposit was made is no history then.
fn a_payment_moved_to_a_lower_block_still_pays(kind: Kind) {
    let (world, payer) = world(kind);
    world.wait_scanned(world.net.anvil.head());
    let (shopper, deposit) = world.deposit("42", "USDT");
    let head = world.net.anvil.head();
    let hash = world.net.pay_from(&payer, &deposit);
    let raw = world.net.anvil.raw(&hash);
    world.wait_for_progress(&shopper);

    world.reorg(4, &json!([[raw, 0]]));
    assert!(world.net.anvil.block_of(&hash) < head);
    world.confirm();
    paid_once(&world, &shopper, &hash);
}

fn a_payment_replaced_by_a_smaller_one_pays_nothing(kind: Kind) {
    let (world, payer) = world(kind);
    let (shopper, deposit) = world.deposit("42", "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    world.wait_for_progress(&shopper);

    let smaller = json!({
        "from": payer,
        "to": world.net.usdt.contract,
        "data": world.net.usdt.transfer_data(&world.net.wallet, world.net.usdt.units("5")),
        "gas": "0x2dc6c0",
    });
    world.reorg(1, &json!([[smaller, 0]]));
    assert!(
        world
            .net
            .anvil
            .about("eth_getTransactionReceipt", &hash)
            .is_null()
    );
    wait_until_gone(&world, &shopper);
    world.confirm();
    world.settle_everything();
    assert_eq!(shopper.status()["status"], "pending");
    assert!(shopper.status()["payment"].is_null());
    world.receiver.wait_for(UNKNOWN, 1);
    assert_eq!(world.unknown_transfers().len(), 1, "the smaller one");
}

/// What was remembered from before the stop must not be believed after it.
fn a_reorg_while_the_server_was_down(kind: Kind) {
    let (mut world, payer) = world(kind);
    let (gone, deposit) = world.deposit("42", "USDT");
    world.net.pay_from(&payer, &deposit);
    let (stays, deposit) = world.deposit("43", "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    let raw = world.net.anvil.raw(&hash);
    world.wait_for_progress(&gone);
    world.wait_for_progress(&stays);
    world.server.kill();
    let nonce = world.net.anvil.about("eth_getTransactionByHash", &hash)["nonce"].clone();
    world.net.anvil.reorg(2, &json!([]));
    world.net.anvil.mine(10);
    world.server.launch();
    wait_until_gone(&world, &gone);
    wait_until_gone(&world, &stays);

    // Something else takes the first one's place; the second comes back.
    assert_eq!(
        nonce_before(&nonce),
        world
            .net
            .anvil
            .call("eth_getTransactionCount", &json!([payer, "latest"]))
    );
    world
        .net
        .usdt
        .transfer_units(&world.net.anvil, &payer, &world.net.anvil.account(1), 1);
    world
        .net
        .anvil
        .call("eth_sendRawTransaction", &json!([raw]));
    world.net.anvil.receipt(&hash);
    world.confirm();
    paid_once(&world, &stays, &hash);
    assert_eq!(gone.status()["status"], "pending");
}

fn nonce_before(nonce: &Value) -> Value {
    json!(format!("{:#x}", crate::support::anvil::number(nonce) - 1))
}

/// Too late to take goods back: the order stays paid, and somebody is told.
fn a_payment_that_vanishes_after_it_paid_raises_an_alarm(kind: Kind) {
    let (world, payer) = world(kind);
    let (shopper, deposit) = world.deposit("42", "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.reorg(5, &json!([]));
    world.net.anvil.mine(5);
    wait::until("an alarm in the log", || {
        let log = world.server.log();
        log.lines()
            .any(|l| (l.contains("WARN") || l.contains("ERROR")) && l.contains(&hash))
            .then_some(())
    });
    wait::holds(Duration::from_secs(1), "the order is paid", || {
        text(&world.shop.status(&shopper.order_id), "status") == "paid"
    });
}

on_every_kind! {
    core:
        a_removed_payment_is_forgotten_and_counts_when_mined_again
        a_payment_replaced_by_a_smaller_one_pays_nothing
        a_reorg_while_the_server_was_down
    ;
    more:
        a_payment_moved_to_another_block_starts_over
        a_payment_moved_to_a_lower_block_still_pays
        a_payment_that_vanishes_after_it_paid_raises_an_alarm
    ;
}
