//! The checkout page in a real browser: paying on a real chain, through every trouble with the connection, with wallets,
//! for everybody, in every language.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::devnet::text;
use crate::support::net;
use crate::support::node::Script;
use crate::support::world::World;

/// Sends what the page shows.
fn pay_as_shown(world: &World, shown: &Value) {
    let usdt = &world.net.usdt;
    let units = usdt.units(text(shown, "amount"));
    let payer = world.net.anvil.account(0);
    usdt.transfer_units(&world.net.anvil, &payer, text(shown, "address"), units);
}

/// What the page shows is what must be sent, in text, in the picture and on the clipboard; and it brings the shopper back.
#[test]
fn takes_a_payment_and_returns() {
    let world = World::start();
    let shop = net::free_address();
    let mut body = world.order_body("19.99");
    body["success_url"] = json!(format!("http://{shop}/thanks"));
    let order = world.shop.create(&body);
    let mut script = Script::start(
        "checkout.mjs",
        &json!({ "url": order["checkout_url"], "shop_port": shop.port() }),
    );
    let shown = script.expect("payment");
    let (amount, address) = (text(&shown, "amount"), text(&shown, "address"));
    assert_eq!(address.to_lowercase(), world.net.wallet.to_lowercase());
    assert_eq!(shown["code"], *address, "the code is the bare address");
    assert_eq!(shown["copied"], json!([amount, address]));
    let link = format!(
        "ethereum:{}@31337/transfer?address={}&uint256={}",
        world.net.usdt.contract,
        world.net.wallet,
        world.net.usdt.units(amount)
    );
    let link_code = text(&shown, "link_code");
    assert_eq!(link_code.to_lowercase(), link.to_lowercase());
    script.expect("ready");
    pay_as_shown(&world, &shown);
    let seen = script.expect("seen");
    assert_eq!(seen["second"], "seen", "the other tab knows, too");
    assert!(
        text(&seen, "count").ends_with("of 3 confirmations"),
        "{seen}"
    );
    world.confirm();
    let paid = script.expect("paid");
    assert_eq!(paid["second"], "paid");
    assert_eq!(paid["return"], format!("http://{shop}/thanks"));
    let explorer = text(&paid, "explorer");
    assert!(explorer.starts_with("https://explorer.example.com/devnet/tx/0x"));
    for part in ["Test shop", amount, "USDT", "Chain devnet"] {
        assert!(text(&paid, "receipt").contains(part), "{part} in {paid}");
    }
    let end = script.expect("returned");
    assert_eq!(end["returning"], 0, "once is enough");
    assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
    script.finish();
}

fn new_order(world: &World) -> Value {
    world.shop.create(&world.order_body("19.99"))
}

fn connect(order: &Value, trouble: &str) -> (Script, Value) {
    let mut script = Script::start(
        "checkout-connection.mjs",
        &json!({ "url": order["checkout_url"], "trouble": trouble }),
    );
    let shown = script.expect("waiting");
    (script, shown)
}

fn ends_paid(mut script: Script) -> Value {
    let end = script.expect("paid");
    assert_eq!(end["errors"], json!([]), "no script failed");
    assert_eq!(end["notes"], 0, "no word of the trouble is left");
    script.finish();
    end
}

#[test]
fn needs_no_websocket() {
    let world = World::start();
    let (mut script, shown) = connect(&new_order(&world), "blocked");
    pay_as_shown(&world, &shown);
    script.expect("seen");
    world.confirm();
    ends_paid(script);
}

#[test]
fn survives_a_restart_of_the_server() {
    let mut world = World::start();
    let (mut script, shown) = connect(&new_order(&world), "restart");
    assert!(world.server.stop().success());
    script.expect("noticed");
    pay_as_shown(&world, &shown);
    world.server.launch();
    script.expect("seen");
    world.confirm();
    let end = ends_paid(script);
    assert!(
        end["sockets"].as_u64() > Some(1),
        "it connected again: {end}"
    );
}

#[test]
fn catches_up_after_being_offline() {
    let world = World::start();
    let order = new_order(&world);
    let (mut script, shown) = connect(&order, "offline");
    pay_as_shown(&world, &shown);
    world.confirm();
    world
        .receiver
        .wait_for_status(text(&order, "order_id"), "paid");
    script.tell(&json!("online"));
    ends_paid(script);
}

/// On the shop's own host, with a hook that signs anew and without one; and the bundled page, whose links do not grow old.
#[test]
fn wakes_after_its_signature_grew_old() {
    let shop = net::free_address();
    let world = World::with(|config| {
        config.set(
            "merchant",
            "allowed_origins",
            &format!("[\"http://{shop}\"]"),
        );
        config.set("merchant", "checkout_signature_max_age", "\"40s\"");
    });
    let orders: Vec<_> = (0..3).map(|_| new_order(&world)).collect();
    let mut script = Script::start(
        "checkout-asleep.mjs",
        &json!({
            "base": world.server.base(), "secret": SECRET, "port": shop.port(),
            "refreshable": orders[0]["order_id"], "stale": orders[1]["order_id"], "bundled": orders[2]["checkout_url"],
        }),
    );
    let shown = script.expect("asleep");
    for amount in ["amount", "bundled_amount"] {
        let payment = json!({"amount": shown[amount], "address": world.net.wallet});
        pay_as_shown(&world, &payment);
    }
    world.confirm();
    for order in [&orders[0], &orders[2]] {
        world
            .receiver
            .wait_for_status(text(order, "order_id"), "paid");
    }
    std::thread::sleep(Duration::from_secs(41));
    script.tell(&json!("wake"));
    let end = script.expect("awake");
    assert_eq!(end["failed"], "This link is too old");
    assert!(end["refreshed"].as_u64() >= Some(1), "{end}");
    assert_eq!(end["errors"], json!([]));
    script.finish();
}

/// The wallets' network is the real one: what they are asked to send pays.
#[test]
fn wallets_in_the_browser_pay() {
    let world = World::start();
    let orders: Vec<_> = (0..2).map(|_| new_order(&world)).collect();
    let mut script = Script::start(
        "checkout-wallets.mjs",
        &json!({
            "base": world.server.base(), "rpc": world.net.anvil.url,
            "announced": orders[0]["checkout_url"], "legacy": orders[1]["checkout_url"],
        }),
    );
    for (step, name) in [
        ("announced", "Pay with Test wallet"),
        ("legacy", "Pay with MetaMask"),
    ] {
        let sent = script.expect(step);
        assert_eq!(sent["buttons"], json!([name]));
        let amount = text(&sent, "amount");
        let usdt = &world.net.usdt;
        let data = usdt.transfer_data(&world.net.wallet, usdt.units(amount));
        let expected = json!({"from": world.net.anvil.account(0), "to": usdt.contract, "value": "0x0", "data": data});
        let lower = |value: &Value| value.to_string().to_lowercase();
        assert_eq!(lower(&sent["transaction"]), lower(&expected));
        world.confirm();
        script.tell(&json!("confirmed"));
        script.expect("paid");
    }
    let end = script.expect("refused");
    assert_eq!(end["problems"], json!([]));
    script.finish();
}

fn look_at_states(languages: &[&str]) {
    let world = World::start();
    let first = json!({ "base": world.server.base(), "languages": languages });
    let mut script = Script::start("checkout-states.mjs", &first);
    let end = script.expect("looked");
    assert!(end["states"].as_u64() > Some(25), "{end}");
    assert_eq!(end["problems"], json!([]));
    script.finish();
}

const LANGUAGES: [&str; 10] = ["en", "de", "fr", "es", "pt", "it", "tr", "ru", "zh", "ar"];

/// No violation for axe in light and dark, nothing cut off at 320 px. `OCRCH_TEST_LANGUAGES=all` takes all ten languages.
#[test]
fn every_state_is_for_everybody_in_its_languages() {
    match std::env::var("OCRCH_TEST_LANGUAGES").is_ok_and(|value| value == "all") {
        true => look_at_states(&LANGUAGES),
        false => look_at_states(&["en", "ar"]),
    }
}

#[test]
fn languages_have_every_key_and_every_form() {
    let mut script = Script::start("languages.mjs", &json!(LANGUAGES));
    assert_eq!(script.expect("compared")["problems"], json!([]));
    script.finish();
}

/// A small page: few requests, all to its own origin, and no complaint from its Content-Security-Policy.
#[test]
fn it_is_small_and_keeps_to_itself() {
    let world = World::start();
    let first = json!({ "base": world.server.base(), "url": new_order(&world)["checkout_url"] });
    let mut script = Script::start("checkout-weight.mjs", &first);
    let end = script.expect("weighed");
    println!("{end}");
    assert!(end["first_screen"].as_u64() <= Some(15), "{end}");
    assert!(end["files"].as_u64() <= Some(15), "{end}");
    assert!(end["bytes"].as_u64() <= Some(100 * 1024), "{end}");
    assert_eq!(end["foreign"], json!([]));
    assert_eq!(end["errors"], json!([]));
    script.finish();
}

#[test]
fn markup_from_outside_is_text() {
    let world = World::start();
    let mut script = Script::start(
        "checkout-markup.mjs",
        &json!({ "base": world.server.base() }),
    );
    let end = script.expect("shown");
    assert!(end["screens"].as_u64() > Some(5), "{end}");
    assert_eq!(end["problems"], json!([]));
    script.finish();
}

/// A shop's page opens it with /ocrch.js, hears what happens, and is heard by nobody else's frame.
#[test]
fn shops_embed_it_where_they_are_allowed() {
    let (shop, stranger) = (net::free_address(), net::free_address());
    let world = World::with(|config| {
        config.set(
            "merchant",
            "allowed_origins",
            &format!("[\"http://{shop}\"]"),
        );
    });
    let mut body = world.order_body("19.99");
    body["success_url"] = json!(format!("http://{shop}/thanks"));
    let order = world.shop.create(&body);
    let mut script = Script::start(
        "embed.mjs",
        &json!({ "base": world.server.base(), "url": order["checkout_url"], "port": shop.port(), "stranger_port": stranger.port() }),
    );
    assert_eq!(script.expect("strange")["heard"], json!([]));
    let opened = script.expect("opened");
    assert_eq!(opened["problems"], json!([]));
    pay_as_shown(&world, &opened);
    script.expect("seen");
    world.confirm();
    let end = script.expect("left");
    assert_eq!(end["result"], "paid");
    assert_eq!(end["to"], format!("http://{shop}/thanks"));
    assert_eq!(end["errors"], json!([]));
    script.finish();
}

/// "I paid, but nothing happens", with a payment that is a little short.
#[test]
fn a_shopper_asks_after_a_payment() {
    let world = World::start();
    let order = new_order(&world);
    let mut script = Script::start(
        "checkout-claim.mjs",
        &json!({ "url": order["checkout_url"] }),
    );
    script.expect("waiting");
    let usdt = &world.net.usdt;
    let hash = usdt.transfer(&world.net.anvil, &world.net.wallet, "19.98");
    world.confirm();
    script.tell(&json!({ "hash": hash }));
    let end = script.expect("answered");
    for part in ["too little", "19.98 USDT", "0.01", "The shop can see"] {
        assert!(text(&end, "answer").contains(part), "{part} in {end}");
    }
    let upper = hash.to_uppercase().replace("0X", "0x");
    assert_eq!(end["asked"], json!([hash, hash[2..], hash, upper]));
    assert_eq!(end["errors"], json!([]));
    script.finish();
}
