//! The dashboard in a real browser.

use serde_json::json;

use crate::support::admin::SECRET;
use crate::support::node::Script;
use crate::support::wait;
use crate::support::world::World;

/// A payment that came short, in the inbox; the order that it was meant for.
fn short_payment(world: &World, merchant_order_id: &str) -> String {
    let mut body = world.order_body("20.00");
    body["order_id"] = json!(merchant_order_id);
    let shopper = world.order_with(&body);
    shopper.pay("devnet", "USDT");
    let known = world.unknown_transfers().len();
    let net = &world.net;
    net.usdt.transfer(&net.anvil, &net.wallet, "19.50");
    world.confirm();
    wait::until("the transfer to be unmatched", || {
        (world.unknown_transfers().len() > known).then_some(())
    });
    shopper.order_id
}

#[test]
fn a_short_payment_is_assigned_with_the_keyboard_alone() {
    let world = World::start();
    let id = short_payment(&world, "INVOICE-7");
    let mut script = Script::start(
        "dashboard-keyboard.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET, "order": "INVOICE-7" }),
    );
    let why = script.expect("why")["text"].to_string();
    assert!(why.contains("0.5 short"), "{why}");
    script.expect("assigned");
    world.receiver.wait_for_status(&id, "paid");
    let told = script.expect("told");
    assert_eq!(told["status"], "Paid");
    let history = told["history"].to_string();
    for part in [
        "Assigned a transfer",
        "the customer will not mind",
        "Your shop was told",
    ] {
        assert!(history.contains(part), "{part} in {history}");
    }
    let end = script.expect("out");
    assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
    script.finish();
}

#[test]
fn every_view_is_for_everybody() {
    let world = World::with(|config| {
        config.set_text("merchant", "name", "<b class=injected>Shop</b>");
    });
    let order = short_payment(&world, "<img class=injected src=x onerror=alert(1)>");
    let mut script = Script::start(
        "dashboard-views.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET, "order": order }),
    );
    assert_eq!(script.expect("looked")["found"], json!([]));
    script.finish();
}
