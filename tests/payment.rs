//! A paid order, end to end: from the shop's request to the webhook that says "paid".

use serde_json::{Value, json};

use crate::on_every_kind::on_every_kind;
use crate::support::config::SECRET;
use crate::support::devnet::text;
use crate::support::kind::Kind;
use crate::support::node;
use crate::support::sign;
use crate::support::units;
use crate::support::world::World;

fn pays(kind: Kind, coin: &str, amount: &str) {
    let world = World::of(kind);
    let shopper = world.order(amount);
    let mut socket = shopper.socket();
    assert_eq!(socket.order()["status"], "pending");
    let deposit = shopper.pay(&world.net.name, coin);
    let wallet = text(&deposit, "wallet_address");
    assert!(wallet.eq_ignore_ascii_case(&world.net.address(&world.net.wallet)));
    let contract = &world.net.token(coin).contract;
    assert!(text(&deposit, "contract_address").eq_ignore_ascii_case(&world.net.address(contract)));

    let hash = world.net.pay(&deposit);
    let block = world.net.anvil.block_of(&hash);
    let seen = socket.until(|order| order["payment"].is_object());
    assert_eq!(
        seen["status"], "pending",
        "one confirmation of three: {seen}"
    );
    check_payment(&world, &seen["payment"], &deposit, &hash, block);
    assert_eq!(seen["payment"]["confirmations"], 1);
    assert_eq!(
        world.wait_for_progress(&shopper)["txn_hash"],
        seen["payment"]["txn_hash"]
    );
    shopper
        .cancel()
        .expect_error(409, "a payment is already on its way");

    world.net.anvil.mine(1);
    let deeper = socket.until(|order| order["payment"]["confirmations"] == 2);
    assert_eq!(deeper["status"], "pending");
    let before = sign::now();
    world.net.anvil.mine(1);
    let paid = socket.until(|order| order["status"] == "paid");
    socket.expect_close(1000);
    assert!((before..=sign::now()).contains(&paid["paid_at"].as_i64().expect("Unix seconds")));
    assert_eq!(
        paid["amount"], amount,
        "the order's own amount, not the deposit's"
    );
    assert_eq!(
        paid["merchant_order_id"],
        shopper.status()["merchant_order_id"]
    );
    assert_eq!(shopper.status()["status"], "paid");
    assert_eq!(world.shop.status(&shopper.order_id)["status"], "paid");
    check_payment(&world, &paid["payment"], &deposit, &hash, block);

    check_webhook(&world, &shopper.order_id, &paid);
    shopper.cancel().expect_error(409, "order is not pending");
    shopper
        .try_pay(&world.net.name, coin)
        .expect_error(409, "order is not pending");
    world
        .shop
        .cancel(&shopper.order_id)
        .expect_error(409, "order is not pending");
}

/// Progress as the protocol lists it.
fn check_payment(world: &World, payment: &Value, deposit: &Value, hash: &str, block: u64) {
    let coin = text(deposit, "stablecoin");
    let decimals = world.net.token(coin).decimals;
    assert_eq!(payment["blockchain"], "devnet");
    assert_eq!(payment["stablecoin"], coin);
    assert_eq!(payment["txn_hash"], hash);
    let sent = units::to_units(text(deposit, "amount"), decimals);
    assert_eq!(payment["amount"], units::to_text(sent, decimals).as_str());
    let payer = world.net.anvil.account(0);
    assert_eq!(
        text(payment, "from_address").to_lowercase(),
        world.net.address(&payer).to_lowercase()
    );
    assert_eq!(payment["block_number"], block);
    let age = sign::now() - payment["block_timestamp"].as_i64().expect("Unix seconds");
    assert!((-5..120).contains(&age), "{payment}");
    assert_eq!(payment["confirmations_required"], 3);
    assert_eq!(
        payment["explorer_url"],
        format!("https://explorer.example.com/devnet/tx/{hash}")
    );
}

/// The event and its signature, as a merchant's backend in Node checks it.
fn check_webhook(world: &World, order_id: &str, paid: &Value) {
    let delivery = world.receiver.wait_for_status(order_id, "paid");
    assert_eq!(delivery.method, "POST");
    assert_eq!(delivery.header("content-type"), "application/json");
    let event = delivery.json();
    assert_eq!(event["event_type"], "order_status_changed");
    assert_eq!(event["order_id"], order_id);
    assert_eq!(event["merchant_order_id"], paid["merchant_order_id"]);
    assert_eq!(event["status"], "paid");
    assert_eq!(event["amount"], paid["amount"]);
    let age = delivery.wall - event["timestamp"].as_i64().expect("Unix seconds");
    assert!((0..60).contains(&age), "{event}");
    assert_eq!(event["payment"]["txn_hash"], paid["payment"]["txn_hash"]);
    assert!(!delivery.header("webhook-id").is_empty());
    let sent: i64 = delivery
        .header("webhook-timestamp")
        .parse()
        .expect("Unix seconds");
    assert!((delivery.wall - sent).abs() < 60);

    let signature = delivery.header("ocrch-signature");
    assert!(node::verifies_webhook(SECRET, signature, &delivery.body));
    assert!(!node::verifies_webhook(
        "another secret entirely",
        signature,
        &delivery.body
    ));
    let mut forged = delivery.body.clone();
    forged[10] ^= 1;
    assert!(!node::verifies_webhook(SECRET, signature, &forged));
}

fn an_order_is_paid_in_a_coin_of_6_decimals(kind: Kind) {
    pays(kind, "USDT", "19.99");
}

fn an_order_is_paid_in_a_coin_of_18_decimals(kind: Kind) {
    pays(kind, "DAI", "20.00");
}

fn a_transfer_by_a_contract_or_an_exchange_pays(kind: Kind) {
    let world = World::of(kind);
    let (shopper, deposit) = world.deposit("3.21", "USDT");
    let units = world.net.usdt.units(text(&deposit, "amount"));
    let owner = world.net.anvil.account(0);
    world
        .net
        .usdt
        .transfer_by_other(&world.net.anvil, &owner, &world.net.wallet, units);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
}

fn any_open_deposit_of_an_order_pays_it(kind: Kind) {
    let world = World::of(kind);
    let shopper = world.order("15");
    let first = shopper.pay(&world.net.name, "USDT");
    let second = shopper.pay(&world.net.name, "DAI");
    assert_ne!(first["stablecoin"], second["stablecoin"]);
    world.net.pay(&first);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["stablecoin"], "USDT");
    // The other promise is void: its transfer is nobody's.
    world.net.pay(&second);
    world.confirm();
    world.receiver.wait_for("/unknown", 1);
    assert_eq!(
        world.shop.status(&shopper.order_id)["payment"],
        paid["payment"]
    );
}

fn the_expected_sender_pays(kind: Kind) {
    let world = World::of(kind);
    let payer = world.net.anvil.account(3);
    world.net.usdt.transfer(&world.net.anvil, &payer, "1000");
    let mut body = world.order_body("15");
    // In hex, whatever the case it is written in.
    body["expecting_wallet_address"] = json!(world.net.address(&payer.to_lowercase()));
    let shopper = world.order_with(&body);
    let deposit = shopper.pay(&world.net.name, "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    world.confirm();
    assert_eq!(
        world.wait_for_status(&shopper, "paid")["payment"]["txn_hash"],
        hash
    );
}

/// Mined in time counts, however late it is confirmed.
fn a_payment_in_time_holds_off_the_expiry(kind: Kind) {
    let world = World::of_with(kind, |config| {
        config.set("orders", "expires_after", "\"4s\"");
    });
    let (shopper, deposit) = world.deposit("15", "USDT");
    world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    let expires_at = shopper.status()["expires_at"]
        .as_i64()
        .expect("Unix seconds");
    while sign::now() < expires_at + 3 {
        assert_eq!(shopper.status()["status"], "pending");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    shopper
        .try_pay(&world.net.name, "DAI")
        .expect_error(409, "order is not pending");
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    let told: Vec<_> = world
        .receiver
        .about(&shopper.order_id)
        .iter()
        .map(|d| d.json())
        .collect();
    assert!(
        told.iter().all(|event| event["status"] == "paid"),
        "{told:?}"
    );
}

fn a_payment_survives_a_restart_at_every_step(kind: Kind) {
    let mut world = World::of(kind);
    let (shopper, deposit) = world.deposit("15", "USDT");
    world.server.restart();
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    world.server.restart();
    assert_eq!(world.wait_for_progress(&shopper)["txn_hash"], hash);
    world.server.stop();
    world.confirm();
    world.server.launch();
    world.wait_for_status(&shopper, "paid");
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    world.server.restart();
    world.settle_everything();
    let ids: std::collections::HashSet<_> = world
        .receiver
        .about(&shopper.order_id)
        .iter()
        .map(|d| d.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "paid once, told as one event");
    assert!(world.unknown_transfers().is_empty());
}

on_every_kind! {
    core:
        an_order_is_paid_in_a_coin_of_6_decimals
        a_payment_survives_a_restart_at_every_step
        the_expected_sender_pays
    ;
    more:
        an_order_is_paid_in_a_coin_of_18_decimals
        a_transfer_by_a_contract_or_an_exchange_pays
        any_open_deposit_of_an_order_pays_it
        a_payment_in_time_holds_off_the_expiry
    ;
}
