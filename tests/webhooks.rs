//! Webhooks: at least once, in order, only 200 counts, and nobody waits for somebody else's endpoint.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::config::SECRET;
use crate::support::node;
use crate::support::receiver::{Answer, Delivery, Receiver};
use crate::support::shop::{Shopper, order_body};
use crate::support::sign;
use crate::support::wait;
use crate::support::world::{ORDERS, UNKNOWN, World};

/// An order that tells this URL, cancelled at once: the shortest way to an event.
fn cancelled(world: &World, webhook_url: &str) -> Shopper {
    let shopper = world.order_with(&order_body("1", webhook_url));
    shopper.cancel().expect(200);
    shopper
}

fn ids(deliveries: &[Delivery]) -> HashSet<&str> {
    deliveries.iter().map(|d| d.header("webhook-id")).collect()
}

#[test]
fn an_event_says_what_happened() {
    let world = World::start();
    let shopper = cancelled(&world, &world.receiver.url(ORDERS));
    let delivery = world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    let event = delivery.json();
    let order = world.shop.status(&shopper.order_id);
    assert_eq!(event["event_type"], "order_status_changed");
    for field in ["order_id", "merchant_order_id", "status", "amount"] {
        assert_eq!(event[field], order[field], "{field}");
    }
    assert!((delivery.wall - event["timestamp"].as_i64().expect("Unix seconds")).abs() < 30);
    let signature = delivery.header("ocrch-signature");
    let signed_at: i64 = signature
        .split_once('.')
        .expect("a timestamp")
        .0
        .parse()
        .expect("Unix seconds");
    assert_eq!(
        signature,
        sign::body(SECRET, signed_at, &delivery.body),
        "standard base64, padded"
    );
    assert!((delivery.wall - signed_at).abs() < 30);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        world.receiver.about(&shopper.order_id).len(),
        1,
        "once is enough"
    );
}

#[test]
fn an_unknown_transfer_is_told_and_signed() {
    let world = World::start();
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "3");
    world.confirm();
    let delivery = world.receiver.wait_for(UNKNOWN, 1).remove(0);
    let event = delivery.json();
    assert_eq!(event["event_type"], "unknown_transfer");
    assert_eq!(event["blockchain"], "devnet");
    assert!(
        event["transfer_id"].is_i64() && event["timestamp"].is_i64(),
        "{event}"
    );
    assert!(!delivery.header("webhook-id").is_empty());
    assert!(node::verifies_webhook(
        SECRET,
        delivery.header("ocrch-signature"),
        &delivery.body
    ));
}

#[test]
fn without_a_url_unknown_transfers_are_not_told() {
    let world = World::start();
    let mut config = crate::support::config::Config::new();
    world.net.add_to(&mut config, &world.rpc.url());
    let server = crate::support::server::Server::start(&config);
    let shop = crate::support::shop::Shop {
        base: server.base(),
    };
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "3");
    let order = shop.create(&world.order_body("4"));
    let shopper = shop.shopper(order["order_id"].as_str().expect("an id"));
    world.net.pay(&shopper.pay("devnet", "USDT"));
    world.confirm();
    world.wait_for_status(&shopper, "paid");
}

/// 1, 2, 4 seconds and a little jitter: the beginning of the schedule.
#[test]
fn failures_are_retried_after_1_2_4_seconds() {
    let world = World::start();
    world.receiver.always(Answer::Status(500));
    let shopper = cancelled(&world, &world.receiver.url(ORDERS));
    let attempts = world.receiver.wait_for(ORDERS, 4);
    for (pair, pause) in attempts.windows(2).zip([1.0, 2.0, 4.0]) {
        let waited = (pair[1].at - pair[0].at).as_secs_f64();
        assert!(
            (pause * 0.8..pause * 1.25 + 1.0).contains(&waited),
            "{waited} s instead of {pause}"
        );
    }
    assert_eq!(ids(&attempts).len(), 1, "one event, one id");
    assert!(attempts.windows(2).all(|pair| pair[0].body == pair[1].body));
    for attempt in &attempts {
        let sent: i64 = attempt
            .header("webhook-timestamp")
            .parse()
            .expect("Unix seconds");
        assert!(
            (attempt.wall - sent).abs() <= 2,
            "each attempt says when it was made"
        );
        let signature = attempt.header("ocrch-signature");
        let signed_at: i64 = signature
            .split_once('.')
            .expect("a timestamp")
            .0
            .parse()
            .expect("seconds");
        assert!(
            (attempt.wall - signed_at).abs() <= 2,
            "and is signed afresh"
        );
        assert_eq!(signature, sign::body(SECRET, signed_at, &attempt.body));
    }
    world.receiver.always(Answer::Status(200));
    world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
}

#[test]
fn only_exactly_200_is_delivered() {
    let world = World::start();
    let elsewhere = Receiver::start();
    let mut answers = vec![
        Answer::Status(201),
        Answer::Status(204),
        Answer::Status(202),
        Answer::Status(404),
        Answer::Drop,
        Answer::Redirect(elsewhere.url("/elsewhere")),
        Answer::Status(301),
    ];
    // Every order gets an answer of its own, and then 200.
    let orders: Vec<_> = answers.iter().map(|_| world.order("1")).collect();
    let mut wrong: std::collections::HashMap<String, Answer> = orders
        .iter()
        .map(|o| o.order_id.clone())
        .zip(answers.drain(..))
        .collect();
    world.receiver.script(move |delivery| {
        let id = delivery.json()["order_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        wrong.remove(&id).unwrap_or(Answer::Status(200))
    });
    for order in &orders {
        order.cancel().expect(200);
    }
    for order in &orders {
        world.receiver.wait_for_status(&order.order_id, "cancelled");
        let attempts = world.receiver.about(&order.order_id);
        assert_eq!(attempts.len(), 2, "{:?}", attempts[0].answered);
        assert_eq!(ids(&attempts).len(), 1);
    }
    assert!(
        elsewhere.deliveries().is_empty(),
        "redirects are not followed"
    );
}

#[test]
fn a_refused_connection_is_retried() {
    let world = World::start();
    let nobody = crate::support::net::free_address();
    let shopper = cancelled(&world, &format!("http://{nobody}{ORDERS}"));
    std::thread::sleep(Duration::from_millis(500));
    let attempts = || {
        let log: i64 = world
            .server
            .db()
            .query_row("SELECT count(*) FROM attempts", [], |row| row.get(0))
            .unwrap_or(0);
        log
    };
    wait::until("two attempts", || (attempts() >= 2).then_some(()));
    let order = shopper.status();
    assert_eq!(order["status"], "cancelled");
    // The first failure is told aloud, with what to look for.
    let log = world.server.log();
    let failures: Vec<_> = log
        .lines()
        .filter(|line| line.contains("webhook not delivered"))
        .collect();
    let whose = format!(
        "order={} to=\"http://{nobody}\"",
        order["merchant_order_id"]
    );
    for (line, level) in failures.iter().zip(["WARN", "INFO"]) {
        assert!(line.contains(level) && line.contains(&whose), "{line}");
        assert!(!line.contains(ORDERS), "no more of the address: {line}");
    }
    assert!(failures.len() >= 2, "{log}");
}

#[test]
fn a_slow_endpoint_delays_nobody_else() {
    let world = World::start();
    let slow = Receiver::start();
    slow.always(Answer::Hang);
    for _ in 0..40 {
        cancelled(&world, &slow.url("/slow"));
    }
    wait::until("the slow endpoint to be busy", || {
        (!slow.deliveries().is_empty()).then_some(())
    });
    for _ in 0..10 {
        let start = Instant::now();
        let shopper = cancelled(&world, &world.receiver.url(ORDERS));
        world
            .receiver
            .wait_for_status(&shopper.order_id, "cancelled");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
    }
    assert!(
        slow.deliveries().len() <= 4,
        "a quarter of the concurrency: {}",
        slow.deliveries().len()
    );
}

#[test]
fn a_timeout_is_a_failure() {
    let world = World::with(|config| {
        config.set("webhooks", "timeout", "\"1s\"");
    });
    let mut first = true;
    world.receiver.script(move |_| {
        if std::mem::take(&mut first) {
            Answer::Hang
        } else {
            Answer::Status(200)
        }
    });
    let shopper = cancelled(&world, &world.receiver.url(ORDERS));
    world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    let attempts = world.receiver.about(&shopper.order_id);
    assert_eq!(attempts.len(), 2);
    assert_eq!(ids(&attempts).len(), 1);
}

/// An order's newer status replaces an older one that was never delivered; it never comes after it.
#[test]
fn a_newer_status_supersedes_an_undelivered_one() {
    let world = World::with(|config| {
        config.set("orders", "expires_after", "\"3s\"");
        config.set("orders", "accept_late", "true");
    });
    world.receiver.always(Answer::Status(500));
    let (shopper, deposit) = world.deposit("9", "USDT");
    world.wait_for_status(&shopper, "expired");
    wait::until("an attempt to tell of the expiry", || {
        (!world.receiver.about(&shopper.order_id).is_empty()).then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    // An attempt to tell of the expiry may be under way at this moment, and still fails.
    std::thread::sleep(Duration::from_millis(300));
    world.receiver.always(Answer::Status(200));
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    std::thread::sleep(Duration::from_secs(5));
    let told = world.receiver.about(&shopper.order_id);
    let delivered: Vec<_> = told
        .iter()
        .filter(|d| d.is_delivered())
        .map(|d| d.json()["status"].clone())
        .collect();
    assert_eq!(delivered, ["paid"]);
    let first_paid = told
        .iter()
        .position(|d| d.json()["status"] == "paid")
        .expect("told");
    assert!(
        told[first_paid..]
            .iter()
            .all(|d| d.json()["status"] == "paid"),
        "in order"
    );
    assert_eq!(ids(&told).len(), 2);
}

#[test]
fn an_undelivered_event_survives_a_kill() {
    let mut world = World::start();
    world.receiver.always(Answer::Status(503));
    let shopper = cancelled(&world, &world.receiver.url(ORDERS));
    world.receiver.wait_for(ORDERS, 1);
    world.server.kill();
    world.receiver.always(Answer::Status(200));
    world.server.launch();
    world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    assert_eq!(ids(&world.receiver.about(&shopper.order_id)).len(), 1);
}

#[test]
fn private_targets_are_refused_where_configured() {
    let world = World::with(|config| {
        config.set("webhooks", "allow_private", "false");
    });
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
    ] {
        let url = world.receiver.url(ORDERS).replace("127.0.0.1", host);
        let reply = world.shop.post("/orders", &order_body("1", &url));
        if reply.status == 201 {
            let id = reply.json()["order_id"].as_str().expect("an id").to_owned();
            world.shop.cancel(&id).expect(200);
        }
    }
    wait::holds(Duration::from_secs(3), "nothing arrives", || {
        world.receiver.deliveries().is_empty()
    });
}

#[test]
fn unpadded_signatures_for_receivers_that_need_them() {
    let world = World::with(|config| {
        config.set("webhooks", "padded_signatures", "false");
    });
    let shopper = cancelled(&world, &world.receiver.url(ORDERS));
    let delivery = world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    let signature = delivery.header("ocrch-signature");
    let signed_at = signature
        .split_once('.')
        .expect("a timestamp")
        .0
        .parse()
        .expect("Unix seconds");
    let unpadded = sign::body_in(
        sign::Form::StandardUnpadded,
        SECRET,
        signed_at,
        &delivery.body,
    );
    assert_eq!(signature, unpadded);
}

/// What was told long ago is forgotten (`retention.events`); that it happened is not.
#[test]
fn a_forgotten_webhook_can_be_sent_again() {
    let mut world = World::start();
    let shopper = cancelled(&world, &world.receiver.url(ORDERS));
    let first = world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    assert!(world.server.stop().success());
    let db = world.server.stopped_db();
    for (table, at) in [("events", "created_at"), ("attempts", "tried_at")] {
        let old = format!("UPDATE {table} SET {at} = {at} - 100 * 86400");
        assert_eq!(db.execute(&old, []), Ok(1));
    }
    drop(db);
    world.server.launch();
    wait::until("it is forgotten", || {
        let webhooks = world.admin().get("/webhooks");
        (webhooks == serde_json::json!([])).then_some(())
    });
    let path = format!("/orders/{}/resend-webhook", shopper.order_id);
    world.admin().call("POST", &path, &Value::Null).expect(200);
    let again = world.receiver.wait_for(ORDERS, 2).remove(1);
    assert_eq!(again.json()["status"], "cancelled");
    assert_eq!(again.json()["order_id"], shopper.order_id.as_str());
    assert_ne!(again.header("webhook-id"), first.header("webhook-id"));
}
