//! The frontend guide of Open Crypto Checkout, steps 1 to 6, as it is written: in Node, and in a real
//! browser with a ticket for the WebSocket.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::net;
use crate::support::node::Script;
use crate::support::world::World;

/// Plays the part of the chain in a script's checkout: sends what the page asks for and confirms it.
fn pay_as_shown(world: &World, script: &mut Script) {
    let shown = script.expect("payment");
    assert!(
        shown["amount"].is_string() && shown["wallet_address"].is_string(),
        "{shown}"
    );
    script.expect("watching");
    world.net.pay(&shown);
    world.confirm();
}

fn told_of_payment(world: &World, order_id: &Value) {
    world
        .receiver
        .wait_for_status(order_id.as_str().expect("an id"), "paid");
}

#[test]
fn in_node() {
    let world = World::start();
    let body = world.order_body("19.99");
    let order = world.shop.create(&body);
    let mut script = Script::start(
        "seed-frontend.mjs",
        &json!({
            "base": world.server.base(),
            "secret": SECRET,
            "page": "https://checkout.example.com/pay",
            "order_id": order["order_id"],
        }),
    );
    let chains = script.expect("chains");
    assert_eq!(chains["chains"].as_array().map(Vec::len), Some(2));
    pay_as_shown(&world, &mut script);
    let end = script.expect("closed");
    assert_eq!(
        end["statuses"].as_array().and_then(|all| all.first()),
        Some(&json!("pending"))
    );
    assert_eq!(
        end["statuses"].as_array().and_then(|all| all.last()),
        Some(&json!("paid"))
    );
    assert_eq!(
        end["redirect"],
        format!(
            "/success?order={}",
            body["order_id"].as_str().expect("an id")
        )
    );
    script.finish();
    told_of_payment(&world, &order["order_id"]);
}

#[test]
fn in_node_with_an_expired_signature() {
    let world = World::start();
    let order = world.shop.create(&world.order_body("19.99"));
    let mut script = Script::start(
        "seed-frontend.mjs",
        &json!({
            "base": world.server.base(),
            "secret": SECRET,
            "page": "https://checkout.example.com/pay",
            "order_id": order["order_id"],
            "stale_by": 7200,
            "cancel": true,
        }),
    );
    // The page asks its backend for a fresh signature when it is told that its own has expired.
    let expired = script.expect("expired");
    assert_eq!(
        (&expired["status"], &expired["text"]),
        (&json!(401), &json!("signature expired"))
    );
    script.expect("chains");
    script.expect("payment");
    script.expect("watching");
    let end = script.expect("closed");
    assert_eq!(
        end["statuses"].as_array().and_then(|all| all.last()),
        Some(&json!("cancelled"))
    );
    assert_eq!(end["message"], "Order was cancelled.");
    script.finish();
}

#[test]
fn in_a_browser_with_a_ticket() {
    let page = net::free_address();
    let world = World::with(|config| {
        config.set(
            "merchant",
            "allowed_origins",
            &format!("[\"http://{page}\"]"),
        );
    });
    let order = world.shop.create(&world.order_body("19.99"));
    let mut script = Script::start(
        "seed-frontend-browser.mjs",
        &json!({
            "base": world.server.base(),
            "secret": SECRET,
            "port": page.port(),
            "order_id": order["order_id"],
        }),
    );
    pay_as_shown(&world, &mut script);
    let end = script.expect("redirected");
    let id = order["merchant_order_id"].as_str().expect("an id");
    assert_eq!(end["path"], format!("/success?order={id}"));
    assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
    script.finish();
    told_of_payment(&world, &order["order_id"]);
}
