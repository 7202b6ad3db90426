//! The Admin API: the compatible table, and who may use it.

use serde_json::{Value, json};

use crate::support::admin::{Admin, SECRET};
use crate::support::config::Config;
use crate::support::node::Script;
use crate::support::server::Server;
use crate::support::world::{ORDERS, UNKNOWN, World};
use crate::support::{http, wait};

/// A transfer that fits nothing, confirmed and reported; returns its hash.
fn unmatched(world: &World, amount: &str) -> String {
    let known = world.unknown_transfers().len();
    let net = &world.net;
    let hash = net.usdt.transfer(&net.anvil, &net.wallet, amount);
    world.confirm();
    wait::until("the unknown transfer's report", || {
        (world.unknown_transfers().len() > known).then_some(())
    });
    hash
}

#[test]
fn a_dashboard_for_the_compatible_api_works_unchanged() {
    let world = World::start();
    let (paid, deposit) = world.deposit("11", "USDT");
    world.net.pay(&deposit);
    let cancelled = world.order("12");
    cancelled.cancel().expect(200);
    let (pending, _) = world.deposit("13", "USDT");
    let unmatched = unmatched(&world, "99");
    world.wait_for_status(&paid, "paid");
    for (shopper, status) in [(&paid, "paid"), (&cancelled, "cancelled")] {
        let told = world.receiver.wait_for_status(&shopper.order_id, status);
        wait::until("the delivery to be recorded", || {
            let orders = world.admin().get(&format!("/orders?status={status}"));
            orders[0]["webhook_success_at"].is_i64().then_some(())
        });
        assert!(told.is_delivered());
    }
    let mut dashboard = Script::start(
        "admin-dashboard.mjs",
        &json!({
            "base": world.server.base(), "secret": SECRET, "wallet": world.net.wallet, "unmatched": unmatched,
            "paid": paid.order_id, "pending": pending.order_id, "cancelled": cancelled.order_id,
        }),
    );
    dashboard.expect("done");
    dashboard.finish();
    // Marking as paid fired what a payment fires; the resent event kept its id.
    for shopper in [&cancelled, &pending] {
        let told = world.receiver.wait_for_status(&shopper.order_id, "paid");
        assert_eq!(told.json()["event_type"], "order_status_changed");
    }
    wait::until("the event to come again", || {
        (world.receiver.about(&paid.order_id).len() == 2).then_some(())
    });
    let events = world.receiver.about(&paid.order_id);
    assert_eq!(
        events[0].header("webhook-id"),
        events[1].header("webhook-id")
    );
    assert_eq!(events[0].body, events[1].body);
    let reports = world.receiver.wait_for(UNKNOWN, 2);
    assert_eq!(
        reports[0].header("webhook-id"),
        reports[1].header("webhook-id")
    );
    assert_eq!(world.receiver.to(ORDERS).len(), 2 + 2 + 1);
}

#[test]
fn the_websocket_hears_of_an_order_marked_as_paid() {
    let world = World::start();
    let (shopper, _) = world.deposit("11", "USDT");
    let mut socket = shopper.socket();
    assert_eq!(socket.order()["status"], "pending");
    world.admin().post(
        &format!("/orders/{}/mark-paid", shopper.order_id),
        &Value::Null,
    );
    socket.until(|order| order["status"] == "paid");
    socket.expect_close(1000);
}

/// Not even what is wrong with a request.
#[test]
fn nobody_else_hears_anything() {
    let world = World::start();
    let admin = world.admin();
    let stranger = Admin {
        secret: "a guess".to_owned(),
        ..admin.clone()
    };
    for path in ["/orders?limit=abc", "/events?after=x", "/stats?from=now"] {
        http::send("GET", &admin.url(path), &[], b"")
            .expect_error(401, "missing Ocrch-Admin-Authorization header");
        let refused = stranger.call("GET", path, &Value::Null);
        refused.expect_error(401, "invalid admin secret");
        admin.call("GET", path, &Value::Null).expect(400);
    }
    // As far as numbers go.
    for after in [i64::MAX, i64::MAX - 1] {
        let feed = admin.get(&format!("/events?after={after}"));
        assert_eq!(feed, json!({"events": [], "next": 0, "missed": true}));
    }
}

#[test]
fn wrong_secrets_are_slowed_down_and_the_right_one_gets_in() {
    let server = Server::start(&Config::new());
    let admin = Admin::of(&server.base());
    let wrong = Admin {
        secret: "a guess".to_owned(),
        ..admin.clone()
    };
    let from = |admin: &Admin, client: &str| {
        admin.call_with(
            "GET",
            "/wallets",
            &Value::Null,
            &[("x-forwarded-for", client)],
        )
    };
    // Ten guesses are free; more are answered later, and otherwise.
    for _ in 0..10 {
        from(&wrong, "203.0.113.1").expect_error(401, "invalid admin secret");
    }
    let refused = from(&wrong, "203.0.113.1");
    refused.expect_error(429, "too many wrong admin secrets, try again later");
    assert_eq!(refused.header("retry-after"), Some("10"));
    // Another client is not punished, nor one that claims to be a proxy of ours.
    from(&wrong, "203.0.113.1, 203.0.113.2").expect_error(401, "invalid admin secret");
    // The right secret gets in, also where it was never seen before.
    from(&admin, "203.0.113.1").expect(200);
    from(&admin, "203.0.113.1").expect(200);
    http::send("GET", &admin.url("/wallets"), &[], b"")
        .expect_error(401, "missing Ocrch-Admin-Authorization header");
    assert_eq!(server.log().matches("many wrong admin secrets").count(), 1);
    assert!(!server.log().contains(SECRET) && !server.log().contains("a guess"));
}

#[test]
fn an_order_by_hand_that_nobody_could_pay_is_refused() {
    let world = World::start();
    let mut body = world.order_body("5.00");
    body["blockchain"] = json!("eth");
    body["stablecoin"] = json!("USDT");
    let refused = world.admin().call("POST", "/orders", &body);
    let chain = &world.net.name;
    refused.expect_error(
        400,
        &format!("nobody could pay this order: no wallet takes what it asks for; what can be paid: DAI on {chain}, USDT on {chain}"),
    );
    assert_eq!(world.admin().get("/orders"), json!([]));
    // A shop may ask before its wallet is there.
    world.shop.create(&body);
    body["blockchain"] = json!(chain);
    world.admin().call("POST", "/orders", &body).expect(201);
}

#[test]
fn statistics_that_end_ahead_end_today() {
    let world = World::start();
    world.order("5.00");
    for query in ["from=0&to=9999999999", "to=9999999999", "from=0", ""] {
        let stats = world.admin().get(&format!("/stats?{query}"));
        assert_eq!(stats["total"]["created"], 1, "{query}");
    }
}
