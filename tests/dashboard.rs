//! The dashboard in a real browser.

use serde_json::json;

use crate::support::admin::SECRET;
use crate::support::faulty_rpc::Fault;
use crate::support::node::Script;
use crate::support::receiver::{Answer, Delivery};
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::World;

/// A payment that came short, in the inbox; the order that it was meant for.
pub fn short_payment(world: &World, merchant_order_id: &str) -> String {
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

/// A transfer that no order waits for, in the inbox.
fn stray(world: &World, amount: &str) -> String {
    let known = world.unknown_transfers().len();
    let net = &world.net;
    let hash = net.usdt.transfer(&net.anvil, &net.wallet, amount);
    world.confirm();
    wait::until("the transfer to be unmatched", || {
        (world.unknown_transfers().len() > known).then_some(())
    });
    hash
}

/// An order of this id and description.
fn named(world: &World, merchant_order_id: &str, description: &str) -> Shopper {
    let mut body = world.order_body("20.00");
    body["order_id"] = json!(merchant_order_id);
    body["description"] = json!(description);
    world.order_with(&body)
}

#[test]
fn each_deed_is_done_with_the_keyboard_alone() {
    // As through a tunnel: by http from this machine, whatever the public URL is.
    let world = World::with(|config| {
        config.set_text("server", "public_url", "https://pay.example.com");
    });
    let cash = named(&world, "CASH-7", "At the counter");
    let [ten, hundred] =
        ["A-10", "A-101"].map(|id| named(&world, id, &format!("The tickets of {id}")));
    stray(&world, "3.33");
    let mut script = Script::start(
        "dashboard-deeds.mjs",
        &json!({
            "base": world.server.base(), "secret": SECRET,
            "shop": world.receiver.url("/tested"), "orders": { "cash": "CASH-7" },
        }),
    );
    let marked = script.expect("marked");
    assert_eq!(marked["status"], "Paid");
    assert!(marked["history"].to_string().contains("paid in cash"));
    assert_eq!(cash.status()["status"], "paid");
    script.expect("resent");
    script.expect("resent");
    let told = world.receiver.about(&cash.order_id);
    let id = |d: &Delivery| d.header("webhook-id").to_owned();
    assert_eq!(told.len(), 3, "paid, and sent again twice");
    assert!(told.iter().all(|d| id(d) == id(&told[0])));
    let tested = script.expect("tested");
    assert!(
        tested["toast"].to_string().contains("It answered 200"),
        "{tested}"
    );
    assert_eq!(tested["focus"], "Send a test");
    assert_eq!(world.receiver.to("/tested")[0].json()["event_type"], "test");
    assert_eq!(script.expect("ignored")["focus"], "Inbox");
    script.expect("back");

    let found = script.expect("found");
    assert!(
        found["complaint"]
            .to_string()
            .contains("There is no order \u{2068}A-1\u{2069}."),
        "{found}"
    );
    for part in [
        "A-10\\n",
        "20.00",
        "Pending",
        "The tickets of A-10\\n",
        &ten.order_id,
        "3.33 USDT",
    ] {
        assert!(
            found["shown"].to_string().contains(part),
            "{part} in {found}"
        );
    }
    assert_eq!(found["barriers"], json!([]));
    assert_eq!(ten.status()["status"], "pending", "shown is not assigned");
    script.tell(&json!({}));
    script.expect("assigned");
    world.receiver.wait_for_status(&ten.order_id, "paid");
    assert_eq!(hundred.status()["status"], "pending");
    let reasons = world.admin().get("/audit").to_string();
    for reason in [
        "paid in cash",
        "a test of my own",
        "they gave us their number",
    ] {
        assert!(reasons.contains(reason), "{reason} in {reasons}");
    }
    let link = script.expect("copied")["text"].to_string();
    assert!(
        link.contains("/checkout?order_id=") && link.contains(&cash.order_id),
        "{link}"
    );
    let out = script.expect("out");
    assert_eq!(out["status"], 401, "the session is over on the server, too");
    assert_eq!(
        out["secure"], false,
        "a plain page of one's own machine keeps its cookie"
    );
    let dropped = out["dropped"].to_string();
    assert!(dropped.contains("did not keep the cookie"), "{dropped}");
    assert_eq!(out["errors"], json!([]));
    script.finish();
}

#[test]
fn markup_that_others_wrote_is_shown_as_text() {
    const MARKUP: &str = "<img class=injected src=x onerror=alert(1)>";
    let world = World::start();
    let text = |what: &str| format!("{MARKUP}{what}");
    world.receiver.always(Answer::Text(500, text("answer")));
    let paid = named(&world, &text("id"), &text("description"));
    let deposit = paid.pay("devnet", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&paid, "paid");
    let marked = named(&world, &text("marked"), &text("description"));
    let reason = json!({ "reason": text("reason") });
    world
        .admin()
        .post(&format!("/orders/{}/mark-paid", marked.order_id), &reason);
    let claimed = stray(&world, "19.5");
    let claim = json!({ "txn_hash": claimed, "blockchain": null });
    let pending = named(&world, &text("pending"), &text("description"));
    pending.pay("devnet", "USDT");
    pending
        .call("POST", &pending.order_path("claim"), &claim)
        .expect(200);
    wait::until("both webhooks to fail", || {
        let failing = world.admin().get("/webhooks?failing=true");
        (failing.as_array().map(Vec::len) >= Some(2)).then_some(())
    });
    world.rpc.fail(Fault::Html);
    wait::until("the provider to fail", || {
        let chains = world.admin().get("/chains");
        chains[0]["providers"][0]["error"].is_string().then_some(())
    });
    let mut script = Script::start(
        "dashboard-markup.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET, "order": paid.order_id }),
    );
    let looked = script.expect("looked");
    assert_eq!(looked["found"], json!([]));
    assert_eq!(looked["errors"], json!([]));
    for (view, parts) in [
        ("order", vec!["id", "description", "answer"]),
        ("webhooks", vec!["id", "marked", "answer"]),
        ("audit", vec!["reason"]),
    ] {
        for part in parts {
            let shown = looked["real"][view].as_str().unwrap_or_default();
            assert!(shown.contains(&text(part)), "{part} in {shown}");
        }
    }
    let order = looked["real"]["order"].as_str().unwrap_or_default();
    let (_, order) = order.split_once("What happened").expect("its history");
    let place = |what: &str| {
        order
            .find(what)
            .unwrap_or_else(|| panic!("{what}: {order}"))
    };
    assert!(
        place("was seen") < place("\nPaid\n"),
        "the one leads to the other: {order}"
    );
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
