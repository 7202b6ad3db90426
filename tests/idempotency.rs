//! Asking twice for an order must not make two.

use std::thread;

use serde_json::json;

use crate::support::config::SECRET;
use crate::support::http::Reply;
use crate::support::shop::order_body;
use crate::support::sign;
use crate::support::world::World;

const HOOK: &str = "https://shop.example.com/hook";

fn keyed(world: &World, key: &str, body: &str) -> Reply {
    world
        .shop
        .post_with("/orders", body.as_bytes(), &[("idempotency-key", key)])
}

#[test]
fn the_same_key_and_body_get_the_first_answer() {
    let mut world = World::start();
    let body = order_body("4.20", HOOK).to_string();
    let first = keyed(&world, "key-1", &body).expect(201);
    let again = keyed(&world, "key-1", &body);
    assert_eq!((first.status, first.text()), (again.status, again.text()));

    // Its status has changed since, the answer has not.
    let id = first.json()["order_id"].as_str().expect("an id").to_owned();
    world.shop.cancel(&id).expect(200);
    assert_eq!(keyed(&world, "key-1", &body).text(), first.text());

    world.server.restart();
    assert_eq!(keyed(&world, "key-1", &body).text(), first.text());
}

#[test]
fn the_same_key_with_another_body_is_refused() {
    let world = World::start();
    let body = order_body("1", HOOK).to_string();
    keyed(&world, "key-1", &body).expect(201);
    let other = order_body("2", HOOK).to_string();
    keyed(&world, "key-1", &other)
        .expect_error(409, "idempotency key reused with a different body");
    keyed(&world, "key-2", &other).expect(201);
}

#[test]
fn a_refused_order_does_not_use_up_its_key() {
    let world = World::start();
    keyed(&world, "key-1", &order_body("-1", HOOK).to_string()).expect(400);
    keyed(&world, "key-1", &order_body("1", HOOK).to_string()).expect(201);
}

#[test]
fn without_a_key_equal_orders_are_two() {
    let world = World::start();
    let body = order_body("1", HOOK).to_string();
    let at = |ts: i64| {
        let signature = sign::body(SECRET, ts, body.as_bytes());
        world
            .shop
            .post_signed("/orders", body.as_bytes(), Some(&signature))
            .expect(201)
            .json()
    };
    let now = sign::now();
    assert_ne!(at(now)["order_id"], at(now - 1)["order_id"]);
}

/// Somebody who records a signed request and sends it again, whatever headers are added, gets no order.
#[test]
fn a_replay_to_the_byte_makes_no_second_order() {
    let mut world = World::start();
    let body = order_body("9.99", HOOK).to_string();
    let signature = sign::body(SECRET, sign::now(), body.as_bytes());
    let url = format!("{}/api/v1/service/orders", world.server.base());
    let send = |more: &[(&str, &str)]| {
        let mut headers = vec![
            ("content-type", "application/json"),
            ("ocrch-signature", &*signature),
        ];
        headers.extend(more);
        crate::support::http::send("POST", &url, &headers, body.as_bytes())
    };
    let first = send(&[]).expect(201);
    for more in [
        &[][..],
        &[("idempotency-key", "x")],
        &[("idempotency-key", "y"), ("x-forwarded-for", "10.0.0.1")],
    ] {
        let again = send(more);
        assert_eq!(
            (again.status, again.text()),
            (201, first.text()),
            "{more:?}"
        );
    }
    world.server.restart();
    assert_eq!(send(&[]).text(), first.text());
}

/// A key is not signed: whatever is made of it, the replay gets the first answer.
#[test]
fn a_replay_with_a_malformed_key_gets_the_first_answer() {
    let world = World::start();
    let body = order_body("9.99", HOOK).to_string();
    let signature = sign::body(SECRET, sign::now(), body.as_bytes());
    let url = format!("{}/api/v1/service/orders", world.server.base());
    let send = |key: Option<&str>| {
        let mut headers = vec![
            ("content-type", "application/json"),
            ("ocrch-signature", &*signature),
        ];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        crate::support::http::send("POST", &url, &headers, body.as_bytes())
    };
    let too_long = "k".repeat(256);
    for malformed in ["two words", &too_long] {
        send(Some(malformed)).expect(400);
    }
    let first = send(None).expect(201);
    for malformed in ["two words", &too_long] {
        let again = send(Some(malformed));
        assert_eq!((again.status, again.text()), (201, first.text()));
    }
}

/// The first answer counts for requests that race, too.
#[test]
fn racing_requests_make_one_order() {
    let world = World::start();
    let body = order_body("1", HOOK).to_string();
    let answers: Vec<_> = thread::scope(|scope| {
        let requests: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| keyed(&world, "one-key", &body)))
            .collect();
        requests
            .into_iter()
            .map(|r| r.join().expect("an answer"))
            .collect()
    });
    for answer in &answers {
        assert_eq!((answer.status, answer.text()), (201, answers[0].text()));
    }
}

/// The same merchant's id twice is the merchant's own affair.
#[test]
fn a_merchants_id_may_come_twice() {
    let world = World::start();
    let order = |amount: &str| {
        world
            .shop
            .create(&json!({"order_id": "the-same", "amount": amount, "webhook_url": HOOK}))
    };
    assert_ne!(order("1")["order_id"], order("2")["order_id"]);
}
