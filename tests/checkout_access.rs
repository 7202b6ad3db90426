//! The checkout page for everybody: without a mouse, without a picture, without motion, in every shop's colour.

use serde_json::{Value, json};

use crate::support::node::Script;
use crate::support::world::World;

/// What a script makes of the page on the stage (`tests/e2e/stage.mjs`).
fn look(script: &str, step: &str) -> Value {
    let world = World::start();
    let mut script = Script::start(script, &json!({ "base": world.server.base() }));
    let seen = script.expect(step);
    script.finish();
    seen
}

#[test]
fn it_can_be_walked_through_by_keyboard_alone() {
    let seen = look("checkout-keyboard.mjs", "walked");
    assert_eq!(seen["problems"], json!([]));
    assert_eq!(seen["screen"], "pay");
}

#[test]
fn screen_readers_are_told_of_each_change() {
    let seen = look("checkout-announce.mjs", "said");
    assert_eq!(seen["problems"], json!([]));
    for (change, words) in [
        ("copied", "Copied"),
        ("seen", "Payment seen: 3 of 12 confirmations"),
        ("confirmed", "Payment seen: 4 of 12 confirmations"),
        ("dropped", "The network dropped the payment"),
        ("back", "Payment seen: 1 of 12 confirmations"),
        ("paid", "Paid"),
        ("time", "Five minutes left to pay."),
        (
            "degraded",
            "The server cannot see Ethereum (ERC\u{2011}20) at the moment. Your payment is not lost",
        ),
        ("offline", "No connection. Trying again…"),
        ("expired", "This order has expired"),
        ("cancelled", "This order was cancelled"),
    ] {
        let said = seen["said"][change].as_str().unwrap_or_default();
        assert!(said.starts_with(words), "{change}: {said}");
    }
}

#[test]
fn who_wants_no_motion_gets_none() {
    let seen = look("checkout-motion.mjs", "looked");
    let states = |wish: &str| {
        let found = seen["running"][wish].as_object().expect("states").clone();
        assert_eq!(found.len(), 6, "{wish}");
        found
    };
    for (state, moving) in states("no-preference") {
        assert_ne!(moving, json!([]), "{state} moves otherwise");
    }
    for (state, moving) in states("reduce") {
        assert_eq!(moving, json!([]), "{state}");
    }
}

#[test]
fn every_accent_can_be_read() {
    let seen = look("checkout-accents.mjs", "looked");
    assert_eq!(seen["problems"], json!([]));
    assert_eq!(seen["used"], seen["accents"], "each colour is used");
}
