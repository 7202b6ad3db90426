//! The User API: what a shopper's page calls.

use serde_json::{Value, json};

use crate::support::config::{CHECKOUT_ORIGIN, SECRET};
use crate::support::devnet::text;
use crate::support::http::{self, Reply};
use crate::support::shop::Shopper;
use crate::support::sign::{self, Form};
use crate::support::world::World;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Every call there is, but for the WebSocket itself.
const CALLS: [(&str, &str); 5] = [
    ("GET", "chains"),
    ("POST", "payment"),
    ("POST", "cancel"),
    ("GET", "status"),
    ("POST", "ws-ticket"),
];

fn path(shopper: &Shopper, call: &str) -> String {
    match call {
        "chains" => "/chains".to_owned(),
        call => shopper.order_path(call),
    }
}

#[test]
fn chains_are_the_enabled_pairs() {
    let world = World::start();
    let wallet = world.net.wallet.as_str();
    let mut chains = world.order("1").chains();
    let list = chains.as_array_mut().expect("a list");
    list.sort_by_key(|c| text(c, "stablecoin").to_owned());
    assert_eq!(list.len(), 2);
    for (found, coin) in list.iter().zip(["DAI", "USDT"]) {
        assert_eq!(found["blockchain"], "devnet");
        assert_eq!(found["stablecoin"], coin);
        assert_eq!(text(found, "wallet_address").to_lowercase(), wallet);
    }
}

#[test]
fn chains_need_no_order_in_the_url() {
    let world = World::start();
    let shopper = world
        .shop
        .shopper_at(NOBODY, &format!("{CHECKOUT_ORIGIN}/anything"));
    assert_eq!(shopper.chains().as_array().map(Vec::len), Some(2));
}

#[test]
fn a_preselection_narrows_the_choice() {
    let world = World::start();
    let mut body = world.order_body("1");
    body["stablecoin"] = json!("DAI");
    let shopper = world.order_with(&body);
    let chains = shopper.chains();
    assert_eq!(chains.as_array().map(Vec::len), Some(1), "{chains}");
    assert_eq!(chains[0]["stablecoin"], "DAI");
    shopper
        .try_pay("devnet", "USDT")
        .expect_error(400, "invalid blockchain selection");
    shopper.pay("devnet", "DAI");
}

/// Other ids in the URL, such as a tenant's or a session's, are not taken for the order's.
#[test]
fn a_preselection_narrows_the_choice_whatever_else_the_url_names() {
    let world = World::start();
    let mut body = world.order_body("1");
    body["stablecoin"] = json!("DAI");
    let id = world.order_with(&body).order_id;
    for url in [
        format!("{CHECKOUT_ORIGIN}/t/{NOBODY}/pay?order_id={id}"),
        format!("{CHECKOUT_ORIGIN}/pay?session={NOBODY}&order_id={id}&cart={NOBODY}"),
        format!("{CHECKOUT_ORIGIN}/t/{NOBODY}/pay/{id}"),
    ] {
        let chains = world.shop.shopper_at(&id, &url).chains();
        assert_eq!(chains.as_array().map(Vec::len), Some(1), "{url}: {chains}");
        assert_eq!(chains[0]["stablecoin"], "DAI", "{url}");
    }
}

#[test]
fn an_expected_sender_narrows_the_choice_to_its_family() {
    let world = World::start();
    let offered = |address: &str| {
        let mut body = world.order_body("1");
        body["expecting_wallet_address"] = json!(address);
        world.order_with(&body).chains().as_array().map(Vec::len)
    };
    assert_eq!(
        offered("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        Some(2)
    );
    assert_eq!(
        offered("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
        Some(2)
    );
    assert_eq!(offered("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"), Some(0));
}

#[test]
fn a_deposit_says_all_that_a_wallet_needs() {
    let world = World::start();
    for (coin, contract, decimals) in [
        ("USDT", &world.net.usdt.contract, 6),
        ("DAI", &world.net.dai.contract, 18),
    ] {
        let shopper = world.order("20.00");
        let deposit = shopper.pay("devnet", coin);
        assert_eq!(deposit["order_id"], shopper.order_id.as_str());
        assert_eq!(deposit["blockchain"], "devnet");
        assert_eq!(deposit["stablecoin"], coin);
        assert_eq!(
            text(&deposit, "wallet_address").to_lowercase(),
            world.net.wallet
        );
        let amount: f64 = text(&deposit, "amount").parse().expect("a decimal");
        assert!((20.0..=20.01).contains(&amount), "{deposit}");
        assert_eq!(deposit["expires_at"], shopper.status()["expires_at"]);
        assert_eq!(text(&deposit, "contract_address").to_lowercase(), *contract);
        assert_eq!(deposit["decimals"], decimals);
        assert_eq!(deposit["chain_id"], 31_337);
        assert_eq!(deposit["confirmations_required"], 3);
        let uri = text(&deposit, "payment_uri").to_lowercase();
        assert!(
            uri.starts_with("ethereum:") && uri.contains(&contract[2..]),
            "EIP-681: {uri}"
        );
    }
}

#[test]
fn asking_again_gives_the_same_deposit() {
    let mut world = World::start();
    let shopper = world.order("8.50");
    let first = shopper.pay("devnet", "USDT");
    assert_eq!(shopper.pay("devnet", "USDT"), first);
    let other = shopper.pay("devnet", "DAI");
    assert_eq!(other["stablecoin"], "DAI");
    assert_eq!(shopper.pay("devnet", "USDT"), first);
    world.server.restart();
    assert_eq!(shopper.pay("devnet", "USDT"), first);
}

#[test]
fn what_cannot_be_paid_is_refused() {
    let world = World::with(|config| {
        config.wallets[0].coins = vec!["USDT".to_owned()];
    });
    let shopper = world.order("1");
    shopper
        .try_pay("devnet", "DAI")
        .expect_error(400, "no wallet available for the selected chain and coin");
    for (chain, coin) in [
        ("dogechain", "USDT"),
        ("devnet", "DOGE"),
        ("", ""),
        ("DEVNET", "USDT"),
    ] {
        let reply = shopper.try_pay(chain, coin);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (400, "invalid blockchain selection"),
            "{chain} {coin}"
        );
    }
}

/// The whole ladder of checks: each request repairs only the first fault of the one before.
#[test]
fn errors_come_in_their_order() {
    let world = World::start();
    let now = sign::now();
    let closed = world.order("1");
    closed.cancel().expect(200);
    let url = format!(
        "{}/api/v1/user/orders/{}/payment",
        world.server.base(),
        NOBODY
    );
    let post = |url: &str, signed: Option<&str>, signature: Option<&str>, body: &str| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(signature.map(|value| ("ocrch-signature", value)));
        headers.extend(signed.map(|value| ("ocrch-signed-url", value)));
        http::send("POST", url, &headers, body.as_bytes())
    };
    let try_with = |signed: Option<&str>, signature: Option<&str>, body: &str| -> Reply {
        post(&url, signed, signature, body)
    };
    let evil = "https://evil.example.com/pay";
    let other = format!("{CHECKOUT_ORIGIN}/pay?order_id={}", closed.order_id);
    let right = format!("{CHECKOUT_ORIGIN}/pay?order_id={NOBODY}");
    let choice = r#"{"blockchain":"devnet","stablecoin":"USDT"}"#;

    try_with(None, None, "broken").expect_error(401, "missing Ocrch-Signature header");
    try_with(Some(evil), None, "broken").expect_error(401, "missing Ocrch-Signature header");
    try_with(None, Some("nonsense"), "broken").expect_error(400, "missing Ocrch-Signed-Url header");
    try_with(Some(evil), Some("nonsense"), "broken")
        .expect_error(400, "invalid Ocrch-Signature header format");
    try_with(Some(evil), Some("12.***"), "broken").expect_error(400, "invalid signature encoding");
    let stale_forgery = sign::url("another secret of some length", now - 9999, evil);
    try_with(Some(evil), Some(&stale_forgery), "broken")
        .expect_error(401, "signature verification failed");
    let stale = sign::url(SECRET, now - 9999, evil);
    try_with(Some(evil), Some(&stale), "broken").expect_error(401, "signature expired");
    let signed = |url: &str| sign::url(SECRET, now, url);
    try_with(Some(evil), Some(&signed(evil)), "broken").expect_error(403, "origin not allowed");
    try_with(Some(&other), Some(&signed(&other)), "broken")
        .expect_error(403, "signed url is for another order");
    try_with(Some(&right), Some(&signed(&right)), "broken")
        .expect_error_starting(400, "invalid JSON body");
    try_with(Some(&right), Some(&signed(&right)), choice).expect_error(404, "order not found");

    let url = url.replace(NOBODY, &closed.order_id);
    post(&url, Some(&other), Some(&signed(&other)), choice)
        .expect_error(409, "order is not pending");
}

#[test]
fn every_call_is_protected() {
    let world = World::start();
    let shopper = world.order("1");
    let (other, evil) = (world.order("2"), "https://evil.example.com/pay".to_owned());
    let now = sign::now();
    for (method, call) in CALLS {
        let path = path(&shopper, call);
        let body = json!({"blockchain": "devnet", "stablecoin": "USDT"});
        let attempt = |url: &str, signature: &str| {
            let mut shopper = shopper.clone();
            shopper.url = url.to_owned();
            shopper.signature = signature.to_owned();
            shopper.call(method, &path, &body)
        };
        let api = format!("{}/api/v1/user{path}", world.server.base());
        http::send(method, &api, &[], b"").expect_error(401, "missing Ocrch-Signature header");
        attempt(&shopper.url, &sign::url(SECRET, now - 3700, &shopper.url))
            .expect_error(401, "signature expired");
        attempt(&shopper.url, &sign::url(SECRET, now + 75, &shopper.url))
            .expect_error(401, "signature expired");
        attempt(&shopper.url, &other.signature).expect_error(401, "signature verification failed");
        // What the Service API signs is no signature of a URL.
        attempt(
            &shopper.url,
            &sign::body(SECRET, now, shopper.url.as_bytes()),
        )
        .expect_error(401, "signature verification failed");
        attempt(&evil, &sign::url(SECRET, now, &evil)).expect_error(403, "origin not allowed");
        if call != "chains" {
            attempt(&other.url, &other.signature)
                .expect_error(403, "signed url is for another order");
        }
    }
    assert_eq!(shopper.status()["status"], "pending");
}

#[test]
fn unknown_and_malformed_ids_are_not_found() {
    let world = World::start();
    for id in [
        NOBODY,
        "nonsense",
        "1",
        "00000000-0000-4000-8000-00000000000g",
    ] {
        let shopper = world.shop.shopper(id);
        for (method, call) in CALLS.iter().filter(|(_, call)| *call != "chains") {
            let body = match *call {
                "payment" => json!({"blockchain": "devnet", "stablecoin": "USDT"}),
                _ => Value::Null,
            };
            let reply = shopper.call(method, &shopper.order_path(call), &body);
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (404, "order not found"),
                "{method} {call} of {id}"
            );
        }
    }
}

#[test]
fn the_order_may_be_anywhere_in_the_url() {
    let world = World::start();
    let id = world.order("1").order_id;
    for url in [
        format!("{CHECKOUT_ORIGIN}/pay?order_id={id}"),
        format!("{CHECKOUT_ORIGIN}/pay?lang=de&order={id}&x=1"),
        format!("{CHECKOUT_ORIGIN}/pay/{id}"),
        format!("{CHECKOUT_ORIGIN}/pay/{id}/now?lang=de#top"),
    ] {
        let reply = world.shop.shopper_at(&id, &url).call(
            "GET",
            &format!("/orders/{id}/status"),
            &Value::Null,
        );
        assert_eq!(reply.status, 200, "{url}: {reply:?}");
    }
    for url in [
        format!("{CHECKOUT_ORIGIN}/pay"),
        format!("{CHECKOUT_ORIGIN}/pay?order_id={NOBODY}"),
    ] {
        world
            .shop
            .shopper_at(&id, &url)
            .call("GET", &format!("/orders/{id}/status"), &Value::Null)
            .expect_error(403, "signed url is for another order");
    }
}

#[test]
fn origins_are_compared_whole() {
    let world = World::start();
    let id = world.order("1").order_id;
    let status = |url: &str| {
        world
            .shop
            .shopper_at(&id, url)
            .call("GET", &format!("/orders/{id}/status"), &Value::Null)
    };
    for origin in [
        CHECKOUT_ORIGIN,
        "https://checkout.example.com:443",
        "HTTPS://CHECKOUT.example.com",
        &world.server.base(),
    ] {
        assert_eq!(
            status(&format!("{origin}/pay?order_id={id}")).status,
            200,
            "{origin}"
        );
    }
    for origin in [
        "http://checkout.example.com",
        "https://checkout.example.com:444",
        "https://checkout.example.com.evil.com",
        "https://checkout.example.com@evil.com",
        "https://evil.com/https://checkout.example.com",
        "https://example.com",
        "//checkout.example.com",
        "checkout.example.com",
        "",
        "null",
    ] {
        let reply = status(&format!("{origin}/pay?order_id={id}"));
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (403, "origin not allowed"),
            "{origin}"
        );
    }
}

#[test]
fn a_url_on_the_servers_own_pages_does_not_grow_old() {
    let world = World::start();
    let order = world.order("1");
    let mut shopper = world.shop.shopper_at(
        &order.order_id,
        &format!(
            "{}/checkout?order_id={}",
            world.server.base(),
            order.order_id
        ),
    );
    shopper.signature = sign::url(SECRET, sign::now() - 30 * 86_400, &shopper.url);
    assert_eq!(shopper.status()["status"], "pending");
    shopper.pay("devnet", "USDT");
    shopper.cancel().expect(200);
    assert_eq!(shopper.status()["status"], "cancelled");
    // But none is from the future.
    shopper.signature = sign::url(SECRET, sign::now() + 120, &shopper.url);
    shopper
        .call("GET", &shopper.order_path("status"), &Value::Null)
        .expect_error(401, "signature expired");
}

#[test]
fn all_forms_of_base64_are_signatures() {
    let world = World::start();
    let mut shopper = world.order("1");
    for form in Form::ALL {
        for back in 0..8 {
            shopper.signature = sign::url_in(form, SECRET, sign::now() - back, &shopper.url);
            shopper.status();
        }
    }
}

#[test]
fn the_shopper_cancels() {
    let world = World::start();
    let shopper = world.order("1");
    shopper.pay("devnet", "USDT");
    let order = shopper.cancel().expect(200).json();
    assert_eq!(order["order_id"], shopper.order_id.as_str());
    assert_eq!(order["status"], "cancelled");
    shopper.cancel().expect_error(409, "order is not pending");
    shopper
        .try_pay("devnet", "USDT")
        .expect_error(409, "order is not pending");
    world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
}

#[test]
fn an_order_expires() {
    let world = World::with(|config| {
        config.set("orders", "expires_after", "\"2s\"");
    });
    let without_deposit = world.order("1");
    let (with_deposit, _) = world.deposit("2", "USDT");
    for shopper in [&without_deposit, &with_deposit] {
        world.wait_for_status(shopper, "expired");
        world.receiver.wait_for_status(&shopper.order_id, "expired");
        shopper
            .try_pay("devnet", "USDT")
            .expect_error(409, "order is not pending");
        shopper.cancel().expect_error(409, "order is not pending");
    }
}

#[test]
fn polling_costs_nothing_while_nothing_changes() {
    let world = World::start();
    let shopper = world.order("1");
    let poll = |tag: &str| {
        shopper.call_with(
            "GET",
            &shopper.order_path("status"),
            &Value::Null,
            &[("if-none-match", tag)],
        )
    };
    let first = poll("\"nothing\"").expect(200);
    let tag = first.header("etag").expect("an ETag").to_owned();
    let same = poll(&tag).expect(304);
    assert!(same.body.is_empty());
    shopper.cancel().expect(200);
    let changed = poll(&tag).expect(200);
    assert_eq!(changed.json()["status"], "cancelled");
    assert_ne!(changed.header("etag"), Some(&*tag));
}

#[test]
fn browsers_may_call_from_allowed_origins() {
    let world = World::start();
    let shopper = world.order("1");
    let base = world.server.base();
    for (method, call) in CALLS {
        let url = format!("{base}/api/v1/user{}", path(&shopper, call));
        let preflight = |origin: &str| {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", method),
                (
                    "access-control-request-headers",
                    "content-type,ocrch-signature,ocrch-signed-url",
                ),
            ];
            http::send("OPTIONS", &url, &headers, b"")
        };
        for origin in [CHECKOUT_ORIGIN, &*base] {
            let reply = preflight(origin);
            assert!((200..300).contains(&reply.status), "{call}: {reply:?}");
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
            let allowed = |name: &str| reply.header(name).unwrap_or_default().to_lowercase();
            assert!(allowed("access-control-allow-methods").contains(&method.to_lowercase()));
            for header in ["content-type", "ocrch-signature", "ocrch-signed-url"] {
                assert!(
                    allowed("access-control-allow-headers").contains(header),
                    "{reply:?}"
                );
            }
        }
        let refused = preflight("https://evil.example.com");
        assert_eq!(
            refused.header("access-control-allow-origin"),
            None,
            "{refused:?}"
        );
    }
    // A page must be able to read answers, errors included, to know that its signature has expired.
    let origin = [("origin", CHECKOUT_ORIGIN)];
    let answers = [
        shopper.call_with("GET", &shopper.order_path("status"), &Value::Null, &origin),
        http::send("GET", &format!("{base}/api/v1/user/chains"), &origin, b""),
    ];
    assert_eq!(answers.each_ref().map(|reply| reply.status), [200, 401]);
    for reply in answers {
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some(CHECKOUT_ORIGIN),
            "{reply:?}"
        );
    }
}
