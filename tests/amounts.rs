//! Amounts: exact decimals or a clear refusal.

use crate::support::devnet::text;
use crate::support::shop::{fresh_id, order_body};
use crate::support::world::World;

const HOOK: &str = "https://shop.example.com/hook";

/// Creates an order whose amount is this piece of JSON.
fn create(world: &World, amount: &str) -> crate::support::http::Reply {
    let body = format!(
        r#"{{"order_id":"{}","amount":{amount},"webhook_url":"{HOOK}"}}"#,
        fresh_id()
    );
    world.shop.post_with("/orders", body.as_bytes(), &[])
}

#[test]
fn good_amounts_are_echoed_with_their_scale() {
    let world = World::start();
    for amount in [
        "1",
        "20.00",
        "19.99",
        "0.1",
        "0.000001",
        "1.100000",
        "999999999999",
        "999999999999.999999",
        "0.50",
    ] {
        let as_text = create(&world, &format!("\"{amount}\"")).expect(201).json();
        assert_eq!(as_text["amount"], amount);
        // A number is taken by its text: no float ever sees it.
        let as_number = create(&world, amount).expect(201).json();
        assert_eq!(as_number["amount"], amount);
        let id = text(&as_number, "order_id");
        assert_eq!(world.shop.status(id)["amount"], amount);
    }
}

#[test]
fn bad_amounts_are_refused() {
    let world = World::start();
    let forty = "1".repeat(40);
    let texts = [
        "0",
        "0.0",
        "0.000000",
        "000",
        "-1",
        "-0",
        "+1",
        "1e3",
        "1E3",
        "NaN",
        "nan",
        "Infinity",
        "inf",
        "-inf",
        "19.9999999",
        "0.0000001",
        "1234567890123",
        "0000000000001",
        &forty,
        "",
        " ",
        " 1",
        "1 ",
        "1.",
        ".5",
        ".",
        "1..2",
        "1.2.3",
        "1,5",
        "1_000",
        "0x10",
        "١",
        "１",
        "1\\n",
        "1\\u0000",
        "$1",
        "one",
    ];
    for amount in texts {
        let reply = create(&world, &format!("\"{amount}\""));
        assert!(
            reply.status == 400 && reply.text().starts_with("invalid amount: "),
            "{amount:?}: {reply:?}"
        );
    }
    let numbers = [
        "0",
        "0.0",
        "-1",
        "1e3",
        "1E3",
        "1e-3",
        "19.9999999",
        "1234567890123",
        &forty,
        "1e400",
    ];
    for amount in numbers {
        let reply = create(&world, amount);
        assert!(
            reply.status == 400 && reply.text().starts_with("invalid amount: "),
            "{amount}: {reply:?}"
        );
    }
    // These are no amounts at all, or no JSON.
    for amount in [
        "null", "true", "[]", "{}", "[\"1\"]", "NaN", "01", "+1", ".5", "1.", "0x10", "--1",
    ] {
        let reply = create(&world, amount);
        assert_eq!(reply.status, 400, "{amount}: {reply:?}");
    }
}

/// An amount that a token cannot express exactly is not offered in it, and never rounded.
#[test]
fn what_does_not_fit_is_never_rounded() {
    let world = World::start();
    for (amount, coin) in [
        ("0.000001", "USDT"),
        ("0.000001", "DAI"),
        ("999999999999.999999", "DAI"),
    ] {
        let shopper = world.order(amount);
        let deposit = shopper.pay("devnet", coin);
        assert_eq!(text(&deposit, "amount"), amount);
    }
}

#[test]
fn a_deposit_is_exact_or_a_little_more() {
    let world = World::start();
    let body = order_body("10.00", HOOK);
    let first = world.order_with(&body).pay("devnet", "USDT");
    assert_eq!(text(&first, "amount").parse(), Ok(10.0));
    let second = world.order("10").pay("devnet", "USDT");
    assert_eq!(text(&second, "amount"), "10.0001");
}

/// Two texts of one amount would be two amounts to whoever compares them.
#[test]
fn zeros_before_an_amount_are_left_out() {
    let world = World::start();
    for (amount, expected) in [("00010", "10"), ("007.50", "7.50"), ("00.5", "0.5")] {
        let body = format!(
            r#"{{"order_id":"{}","amount":"{amount}","webhook_url":"{HOOK}"}}"#,
            fresh_id()
        );
        let send = || {
            let key = [("idempotency-key", amount)];
            let reply = world.shop.post_with("/orders", body.as_bytes(), &key);
            reply.expect(201).json()
        };
        let order = send();
        assert_eq!(order["amount"], expected);
        assert_eq!(send(), order, "the same body is the same order");
    }
}
