//! The Service API: what a merchant's backend calls.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::devnet::text;
use crate::support::http;
use crate::support::shop::{fresh_id, order_body};
use crate::support::sign::{self, Form};
use crate::support::world::World;

const HOOK: &str = "https://shop.example.com/hook";

#[test]
fn an_order_is_created_and_read_back() {
    let world = World::start();
    let id = fresh_id();
    let before = sign::now();
    let created = world
        .shop
        .create(&json!({"order_id": id, "amount": "20.00", "webhook_url": HOOK}));

    let order_id = text(&created, "order_id");
    assert_eq!(order_id.len(), 36, "a UUID: {order_id}");
    assert_eq!(created["merchant_order_id"], id.as_str());
    assert_eq!(created["amount"], "20.00");
    assert_eq!(created["status"], "pending");
    let created_at = created["created_at"].as_i64().expect("Unix seconds");
    assert!((before..=sign::now()).contains(&created_at));
    assert_eq!(created["expires_at"], created_at + 1800);
    assert!(
        created.get("payment").is_none_or(Value::is_null),
        "{created}"
    );

    let read = world.shop.status(order_id);
    for field in [
        "order_id",
        "merchant_order_id",
        "amount",
        "status",
        "created_at",
        "expires_at",
    ] {
        assert_eq!(read[field], created[field], "{field}");
    }
}

#[test]
fn the_checkout_url_is_signed_for_its_order() {
    let world = World::start();
    let created = world.shop.create(&order_body("5", HOOK));
    let (signed, signature) = text(&created, "checkout_url")
        .split_once("&sig=")
        .expect("a signature");
    let order_id = text(&created, "order_id");
    assert_eq!(
        signed,
        format!("{}/checkout?order_id={order_id}", world.server.base())
    );
    let signature = signature
        .replace("%2B", "+")
        .replace("%2F", "/")
        .replace("%3D", "=");
    let (ts, _) = signature.split_once('.').expect("a timestamp");
    let ts = ts.parse().expect("Unix seconds");
    assert!(
        Form::ALL
            .iter()
            .any(|form| sign::url_in(*form, SECRET, ts, signed) == signature),
        "{signature}"
    );

    let mut shopper = world.shop.shopper_at(order_id, signed);
    shopper.signature = signature;
    let seen = shopper.status();
    assert!(
        seen.get("checkout_url").is_none_or(Value::is_null),
        "shoppers get no URL: {seen}"
    );
}

#[test]
fn the_checkout_url_is_absent_where_the_page_is_off() {
    let world = World::with(|config| {
        config.set("checkout", "enabled", "false");
    });
    let created = world.shop.create(&order_body("5", HOOK));
    assert!(
        created.get("checkout_url").is_none_or(Value::is_null),
        "{created}"
    );
}

#[test]
fn optional_fields_are_kept() {
    let world = World::start();
    let mut body = order_body("12.5", HOOK);
    body["description"] = json!("Two cups of coffee ☕");
    body["expires_in"] = json!(600);
    body["success_url"] = json!("https://shop.example.com/thanks");
    body["cancel_url"] = json!("https://shop.example.com/cart");
    let created = world.shop.create(&body);
    assert_eq!(created["description"], "Two cups of coffee ☕");
    let lifetime = created["expires_at"]
        .as_i64()
        .zip(created["created_at"].as_i64());
    assert_eq!(lifetime.map(|(end, start)| end - start), Some(600));

    for field in [
        "description",
        "expires_in",
        "success_url",
        "cancel_url",
        "expecting_wallet_address",
    ] {
        let mut body = order_body("1", HOOK);
        body[field] = Value::Null;
        world.shop.create(&body);
    }
    for field in ["blockchain", "stablecoin"] {
        let mut body = order_body("1", HOOK);
        body[field] = Value::Null;
        world.shop.create(&body);
    }
}

#[test]
fn bad_fields_are_refused() {
    let world = World::start();
    let refuse = |field: &str, value: Value, start: &str| {
        let mut body = order_body("1", HOOK);
        body[field] = value.clone();
        let reply = world.shop.post("/orders", &body);
        assert!(
            reply.status == 400 && reply.text().starts_with(start),
            "{field} = {value}: {reply:?}"
        );
    };
    for url in [
        "",
        "nonsense",
        "/hook",
        "ftp://shop.example.com/",
        "http://",
        "https:///hook",
        "javascript:alert(1)",
    ] {
        refuse("webhook_url", json!(url), "invalid webhook_url: ");
    }
    for address in [
        "",
        "0x12",
        "nonsense",
        "0xZZ5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e",
    ] {
        refuse(
            "expecting_wallet_address",
            json!(address),
            "invalid expecting_wallet_address: ",
        );
    }
    // A wrong EIP-55 checksum, and a Tron address with a wrong one.
    for address in [
        "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",
    ] {
        refuse(
            "expecting_wallet_address",
            json!(address),
            "invalid expecting_wallet_address: ",
        );
    }
    refuse(
        "blockchain",
        json!("dogecoin"),
        "invalid blockchain selection",
    );
    refuse("stablecoin", json!("DOGE"), "invalid blockchain selection");
    for id in [
        String::new(),
        "x".repeat(256),
        "a\nb".to_owned(),
        "a\u{0}b".to_owned(),
        "\u{7f}".to_owned(),
    ] {
        refuse("order_id", json!(id), "");
    }
    refuse("description", json!("x".repeat(201)), "");
    for control in ["two\0cups", "\u{1b}[2J", "\u{7f}", "\u{85}"] {
        refuse(
            "description",
            json!(control),
            "invalid description: expected no control characters but line breaks and tabs",
        );
    }
    for seconds in [
        json!(59),
        json!(604_801),
        json!(0),
        json!(-1),
        json!("an hour"),
    ] {
        refuse("expires_in", seconds, "");
    }
    for url in ["nonsense", "javascript:alert(1)", "data:text/html,x"] {
        refuse("success_url", json!(url), "");
        refuse("cancel_url", json!(url), "");
    }
}

#[test]
fn the_longest_texts_are_taken() {
    let world = World::start();
    let mut body = order_body("1", HOOK);
    body["order_id"] = json!("ü".repeat(255));
    body["description"] = json!(format!("{}\r\n\t", "é".repeat(197)));
    body["expires_in"] = json!(604_800);
    let created = world.shop.create(&body);
    assert_eq!(created["merchant_order_id"], body["order_id"]);
    body["expires_in"] = json!(60);
    world.shop.create(&body);
}

#[test]
fn missing_fields_and_other_json_are_refused() {
    let world = World::start();
    for field in ["order_id", "amount", "webhook_url"] {
        let mut body = order_body("1", HOOK);
        body.as_object_mut().expect("an object").remove(field);
        world
            .shop
            .post("/orders", &body)
            .expect_error_starting(400, "invalid JSON body");
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"text\"",
        "{\"order_id\":}",
        "\u{feff}{}",
    ] {
        world
            .shop
            .post_with("/orders", body.as_bytes(), &[])
            .expect_error_starting(400, "invalid JSON body");
    }
    world
        .shop
        .post_with("/orders", b"\xff\xfe", &[])
        .expect_error_starting(400, "invalid JSON body");
}

#[test]
fn unknown_orders_are_not_found() {
    let world = World::start();
    let nobody = json!({"order_id": "00000000-0000-4000-8000-000000000000"});
    world
        .shop
        .post("/orders/status", &nobody)
        .expect_error(404, "order not found");
    world
        .shop
        .post("/orders/cancel", &nobody)
        .expect_error(404, "order not found");
    let malformed = world
        .shop
        .post("/orders/status", &json!({"order_id": "nonsense"}));
    assert!(matches!(malformed.status, 400 | 404), "{malformed:?}");
}

#[test]
fn the_merchant_cancels() {
    let world = World::start();
    let order = world.order("3");
    let reply = world.shop.cancel(&order.order_id).expect(200).json();
    assert_eq!(reply["status"], "cancelled");
    assert_eq!(world.shop.status(&order.order_id)["status"], "cancelled");
    world
        .shop
        .cancel(&order.order_id)
        .expect_error(409, "order is not pending");
    world.receiver.wait_for_status(&order.order_id, "cancelled");
}

/// Every row of the signature error table, in the order in which it is checked: each request repairs
/// only the first fault of the one before.
#[test]
fn signature_errors_in_their_order() {
    let world = World::start();
    let broken = b"not json";
    let now = sign::now();
    let post =
        |body: &[u8], signature: Option<&str>| world.shop.post_signed("/orders", body, signature);

    post(broken, None).expect_error(401, "missing Ocrch-Signature header");
    let no_mac = sign::body(SECRET, now, broken).replace('.', "");
    for format in ["", "nonsense", &no_mac, "x.AAAA", ".AAAA", "12 .AAAA"] {
        post(broken, Some(format)).expect_error(400, "invalid Ocrch-Signature header format");
    }
    post(broken, Some(&format!("{}.***", now - 9999)))
        .expect_error(400, "invalid signature encoding");
    let stale_forgery = sign::body("another secret of some length", now - 9999, broken);
    post(broken, Some(&stale_forgery)).expect_error(401, "signature verification failed");
    post(broken, Some(&format!("{now}.AAAA"))).expect_error(401, "signature verification failed");
    let stale = sign::body(SECRET, now - 9999, broken);
    post(broken, Some(&stale)).expect_error(401, "signature expired");
    post(broken, Some(&sign::body(SECRET, now, broken)))
        .expect_error_starting(400, "invalid JSON body");
}

#[test]
fn a_signature_is_for_its_body_and_time_only() {
    let world = World::start();
    let body = order_body("1", HOOK).to_string();
    let now = sign::now();
    let signature = sign::body(SECRET, now, body.as_bytes());
    let other = body.replace("\"1\"", "\"2\"");
    let forged = world
        .shop
        .post_signed("/orders", other.as_bytes(), Some(&signature));
    forged.expect_error(401, "signature verification failed");
    let moved = signature.replacen(&now.to_string(), &(now + 1).to_string(), 1);
    let forged = world
        .shop
        .post_signed("/orders", body.as_bytes(), Some(&moved));
    forged.expect_error(401, "signature verification failed");
    // A checkout URL's signature is none for a body that reads like it.
    let url = sign::url(SECRET, now, &body);
    let forged = world
        .shop
        .post_signed("/orders", body.as_bytes(), Some(&url));
    forged.expect_error(401, "signature verification failed");
}

#[test]
fn the_age_of_a_signature_is_limited() {
    let world = World::with(|config| {
        config.set("merchant", "signature_max_age", "\"40s\"");
    });
    let body = br#"{"order_id":"00000000-0000-4000-8000-000000000000"}"#;
    let post = |ts: i64| {
        let signature = sign::body(SECRET, ts, body);
        world
            .shop
            .post_signed("/orders/status", body, Some(&signature))
    };
    let now = sign::now();
    post(now - 30).expect_error(404, "order not found");
    post(now + 50).expect_error(404, "order not found");
    post(now - 42).expect_error(401, "signature expired");
    post(now + 75).expect_error(401, "signature expired");
    for extreme in [0, -1, i64::MAX, i64::MIN] {
        post(extreme).expect_error(401, "signature expired");
    }
}

#[test]
fn all_forms_of_base64_are_signatures() {
    let world = World::start();
    let body = br#"{"order_id":"00000000-0000-4000-8000-000000000000"}"#;
    for form in Form::ALL {
        // So many times that + and / are among them.
        for back in 0..8 {
            let signature = sign::body_in(form, SECRET, sign::now() - back, body);
            let reply = world
                .shop
                .post_signed("/orders/status", body, Some(&signature));
            assert_eq!(reply.status, 404, "{form:?}: {reply:?}");
        }
    }
}

#[test]
fn the_previous_secret_still_verifies() {
    let world = World::with(|config| {
        config.set_text("merchant", "previous_secret", "the-secret-before-this-one");
    });
    let body = br#"{"order_id":"00000000-0000-4000-8000-000000000000"}"#;
    let signature = sign::body("the-secret-before-this-one", sign::now(), body);
    world
        .shop
        .post_signed("/orders/status", body, Some(&signature))
        .expect_error(404, "order not found");
}

#[test]
fn large_bodies_are_refused() {
    let world = World::start();
    let mut body = order_body("1", HOOK);
    body["description"] = json!("x".repeat(70_000));
    world
        .shop
        .post("/orders", &body)
        .expect_error(413, "request body too large");
    // 64 KiB are not too large: only the description is too long.
    body["description"] = json!("x".repeat(64_000));
    assert_eq!(world.shop.post("/orders", &body).status, 400);
}

#[test]
fn unknown_paths_and_methods_are_client_errors() {
    let world = World::start();
    let base = world.server.base();
    for (method, path, status) in [
        ("GET", "/api/v1/service/nothing", 404),
        ("POST", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/service/orders", 405),
        ("DELETE", "/api/v1/service/orders/status", 405),
    ] {
        let reply = http::send(method, &format!("{base}{path}"), &[], b"");
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
    }
}

#[test]
fn health_tells_the_version() {
    let world = World::start();
    let health = http::send("GET", &format!("{}/health", world.server.base()), &[], b"")
        .expect(200)
        .json();
    assert_eq!(
        health,
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})
    );
}
