//! Which transfers pay, which are only reported, and which are nothing.

use std::collections::HashSet;

use serde_json::json;

use crate::on_every_kind::on_every_kind;
use crate::support::devnet::{text, wallet_address};
use crate::support::kind::Kind;
use crate::support::token::Token;
use crate::support::world::{UNKNOWN, World};

/// After everything has settled: so many unknown transfers were reported, each as the protocol says.
fn reported(world: &World, count: usize) {
    world.settle_everything();
    if count > 0 {
        crate::support::wait::until(&format!("{count} unknown transfers"), || {
            (world.unknown_transfers().len() >= count).then_some(())
        });
    }
    let found = world.unknown_transfers();
    assert_eq!(found.len(), count, "{found:?}");
    for event in &found {
        assert_eq!(event["event_type"], "unknown_transfer");
        assert_eq!(event["blockchain"], world.net.name.as_str());
        assert!(
            event["transfer_id"].is_i64() && event["timestamp"].is_i64(),
            "{event}"
        );
    }
    let ids: HashSet<_> = world
        .receiver
        .to(UNKNOWN)
        .iter()
        .map(|d| d.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), count, "one event for each");
}

fn still_pending(shopper: &crate::support::shop::Shopper) {
    let order = shopper.status();
    assert_eq!(order["status"], "pending");
    assert!(order["payment"].is_null(), "{order}");
}

fn equal_transfers_in_one_transaction_are_as_many_transfers(kind: Kind) {
    let world = World::of(kind);
    let (shopper, deposit) = world.deposit("11", "USDT");
    let units = world.net.usdt.units(text(&deposit, "amount"));
    let hash = world
        .net
        .usdt
        .multi(&world.net.anvil, &world.net.wallet, units, 3);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], world.net.hash(&hash));
    reported(&world, 2);
}

fn ignored_outright(kind: Kind) {
    let world = World::of(kind);
    let (net, anvil) = (&world.net, &world.net.anvil);
    let other = Token::deploy(anvil, "USDT", 6);
    let (shopper, deposit) = world.deposit("11", "USDT");
    let units = net.usdt.units(text(&deposit, "amount"));
    // Nothing at all.
    net.usdt
        .transfer_units(anvil, &anvil.account(0), &net.wallet, 0);
    // A contract that calls itself USDT and is not listed, and its invented events.
    other.transfer_units(anvil, &anvil.account(0), &net.wallet, units);
    other.fake_event(anvil, &anvil.account(5), &net.wallet, units);
    // From an account that has nothing: mined, and reverted.
    let reverted = net
        .usdt
        .transfer_units(anvil, &anvil.account(6), &net.wallet, units);
    assert_eq!(anvil.receipt(&reverted)["status"], "0x0");
    // Between others.
    net.usdt
        .transfer_units(anvil, &anvil.account(0), &anvil.account(1), units);
    world.confirm();
    reported(&world, 0);
    still_pending(&shopper);
}

/// A token can claim any number; the watcher must live with all of them.
fn a_value_beyond_all_bounds_stops_nothing(kind: Kind) {
    let world = World::of(kind);
    let (net, anvil) = (&world.net, &world.net.anvil);
    net.usdt
        .fake_event(anvil, &anvil.account(5), &net.wallet, u128::MAX);
    net.usdt
        .fake_event_of_any_value(anvil, &anvil.account(5), &net.wallet, &"f".repeat(64));
    net.dai
        .fake_event_of_any_value(anvil, &anvil.account(5), &net.wallet, &"8".repeat(64));
    world.confirm();
    world.settle_everything();
}

fn wrong_amounts_and_coins_never_pay(kind: Kind) {
    let world = World::of(kind);
    let (net, anvil) = (&world.net, &world.net.anvil);
    let (shopper, deposit) = world.deposit("11", "USDT");
    let owner = anvil.account(0);
    let units = net.usdt.units(text(&deposit, "amount"));
    net.usdt
        .transfer_units(anvil, &owner, &net.wallet, units + 1);
    net.usdt
        .transfer_units(anvil, &owner, &net.wallet, units - 1);
    net.dai
        .transfer(anvil, &net.wallet, text(&deposit, "amount"));
    // The same number of base units in the coin of 18 decimals is dust, and not reported.
    net.dai.transfer_units(anvil, &owner, &net.wallet, units);
    world.confirm();
    reported(&world, 3);
    still_pending(&shopper);
}

fn the_wrong_sender_never_pays(kind: Kind) {
    let world = World::of(kind);
    let mut body = world.order_body("11");
    body["expecting_wallet_address"] = json!(world.net.address(&world.net.anvil.account(3)));
    let shopper = world.order_with(&body);
    let deposit = shopper.pay(&world.net.name, "USDT");
    world.net.pay(&deposit);
    world.confirm();
    reported(&world, 1);
    still_pending(&shopper);
}

fn our_own_wallets_never_pay(kind: Kind) {
    let own = wallet_address(2);
    let world = World::of_with(kind, |config| {
        let mut second = config.wallets[0].clone();
        second.address = kind.address(&wallet_address(2));
        config.wallets.push(second);
    });
    let (net, anvil) = (&world.net, &world.net.anvil);
    anvil.impersonate(&own);
    // Filling the wallet is itself a transfer that nobody ordered.
    net.usdt.transfer(anvil, &own, "1000");
    let (shopper, deposit) = world.deposit("11", "USDT");
    net.pay_from(&own, &deposit);
    // And one to itself.
    let units = net.usdt.units(text(&deposit, "amount"));
    net.usdt.transfer_units(anvil, &own, &own, units);
    world.confirm();
    reported(&world, 1);
    still_pending(&shopper);
}

fn a_transfer_settled_before_the_deposit_never_pays(kind: Kind) {
    let world = World::of(kind);
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "11");
    world.confirm();
    world.receiver.wait_for(UNKNOWN, 1);
    let (shopper, _) = world.deposit("11", "USDT");
    reported(&world, 1);
    still_pending(&shopper);
}

fn a_transfer_waiting_before_the_deposit_never_pays(kind: Kind) {
    let world = World::of(kind);
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "11");
    world.wait_scanned(world.net.anvil.head());
    let (shopper, _) = world.deposit("11", "USDT");
    world.confirm();
    reported(&world, 1);
    still_pending(&shopper);
}

fn a_second_payment_is_never_swallowed(kind: Kind) {
    let world = World::of(kind);
    let (shopper, deposit) = world.deposit("11", "USDT");
    let first = world.net.pay(&deposit);
    world.net.pay(&deposit);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], first);
    reported(&world, 1);
    world.net.pay(&deposit);
    world.confirm();
    reported(&world, 2);
}

fn a_payment_of_an_ended_order_is_reported(kind: Kind) {
    let world = World::of_with(kind, |config| {
        config.set("orders", "expires_after", "\"3s\"");
    });
    let (cancelled, deposit_a) = world.deposit("11", "USDT");
    cancelled.cancel().expect(200);
    let (expired, deposit_b) = world.deposit("12", "USDT");
    world.wait_for_status(&expired, "expired");
    std::thread::sleep(std::time::Duration::from_secs(1));
    world.net.pay(&deposit_a);
    world.net.pay(&deposit_b);
    world.confirm();
    reported(&world, 2);
    assert_eq!(cancelled.status()["status"], "cancelled");
    assert_eq!(expired.status()["status"], "expired");
}

fn late_money_pays_where_the_merchant_accepts_it(kind: Kind) {
    let world = World::of_with(kind, |config| {
        config.set("orders", "expires_after", "\"3s\"");
        config.set("orders", "accept_late", "true");
    });
    let (shopper, deposit) = world.deposit("12", "USDT");
    world.wait_for_status(&shopper, "expired");
    world.receiver.wait_for_status(&shopper.order_id, "expired");
    std::thread::sleep(std::time::Duration::from_secs(1));
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    reported(&world, 0);
}

fn a_coin_that_is_not_enabled_is_reported(kind: Kind) {
    let world = World::of_with(kind, |config| {
        config.wallets[0].coins = vec!["USDT".to_owned()];
    });
    world
        .net
        .dai
        .transfer(&world.net.anvil, &world.net.wallet, "11");
    world.confirm();
    reported(&world, 1);
}

fn dust_is_not_reported(kind: Kind) {
    let world = World::of(kind);
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "0.009999");
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "0.01");
    world.confirm();
    reported(&world, 1);
}

on_every_kind! {
    core:
        equal_transfers_in_one_transaction_are_as_many_transfers
        ignored_outright
        wrong_amounts_and_coins_never_pay
        a_second_payment_is_never_swallowed
        a_payment_of_an_ended_order_is_reported
        a_transfer_settled_before_the_deposit_never_pays
    ;
    more:
        a_value_beyond_all_bounds_stops_nothing
        the_wrong_sender_never_pays
        our_own_wallets_never_pay
        a_transfer_waiting_before_the_deposit_never_pays
        late_money_pays_where_the_merchant_accepts_it
        a_coin_that_is_not_enabled_is_reported
        dust_is_not_reported
    ;
}
