//! Nonsense of every kind: refused as the client's fault, never a 500, never a panic, and the server
//! goes on as before.

use serde_json::{Value, json};

use crate::support::config::{CHECKOUT_ORIGIN, SECRET};
use crate::support::http::{self, send_raw};
use crate::support::random::Random;
use crate::support::shop::order_body;
use crate::support::sign;
use crate::support::world::World;

const PATHS: [&str; 9] = [
    "/api/v1/service/orders",
    "/api/v1/service/orders/status",
    "/api/v1/service/orders/cancel",
    "/api/v1/user/chains",
    "/api/v1/user/orders/{id}/payment",
    "/api/v1/user/orders/{id}/cancel",
    "/api/v1/user/orders/{id}/status",
    "/api/v1/user/orders/{id}/ws",
    "/api/v1/user/orders/{id}/ws-ticket",
];

/// A request of any bytes, framed so that the server knows where it ends.
struct Raw {
    method: String,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Raw {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} ", self.method).into_bytes();
        bytes.extend(&self.target);
        bytes.extend(b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            bytes.extend(name.as_bytes());
            bytes.extend(b": ");
            bytes.extend(value);
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// Bytes without those that end a header line.
fn in_line(bytes: Vec<u8>) -> Vec<u8> {
    bytes
        .into_iter()
        .filter(|b| !matches!(b, b'\r' | b'\n' | 0))
        .collect()
}

fn check(world: &World, what: &str, status: Option<u16>) {
    assert!(status.is_none_or(|s| s < 500), "{status:?} for {what}");
    let _ = world;
}

/// After all the nonsense, an order still goes its way.
fn still_well(world: &World) {
    let shopper = world.order("1");
    assert_eq!(shopper.status()["status"], "pending");
    shopper.cancel().expect(200);
    let log = world.server.log();
    assert!(!log.contains("panicked at"), "{log}");
}

#[test]
fn random_bytes_anywhere() {
    let world = World::start();
    let mut random = Random::new(1);
    let shopper = world.order("1");
    let to = world.server.address();
    for round in 0..1500 {
        let path = random.pick(&PATHS).replace("{id}", &shopper.order_id);
        let mut raw = Raw {
            method: random
                .pick(&["GET", "POST", "OPTIONS", "PUT", "HEAD"])
                .to_string(),
            target: path.into_bytes(),
            headers: vec![
                (
                    "Ocrch-Signature".to_owned(),
                    shopper.signature.clone().into_bytes(),
                ),
                (
                    "Ocrch-Signed-Url".to_owned(),
                    shopper.url.clone().into_bytes(),
                ),
                ("Content-Type".to_owned(), b"application/json".to_vec()),
            ],
            body: random.bytes(200),
        };
        let noise = in_line(random.bytes(120));
        match random.below(6) {
            0 => raw.headers[0].1 = noise,
            1 => raw.headers[1].1 = noise,
            2 => raw.headers[2].1 = noise,
            3 => {
                let name = *random.pick(&[
                    "Origin",
                    "Idempotency-Key",
                    "If-None-Match",
                    "X-Forwarded-For",
                    "Cookie",
                    "Upgrade",
                    "Sec-WebSocket-Key",
                    "Authorization",
                    "Ocrch-Admin-Authorization",
                    "Accept-Encoding",
                    "Access-Control-Request-Headers",
                ]);
                raw.headers.push((name.to_owned(), noise));
            }
            4 => {
                let escaped: String = noise.iter().map(|b| format!("%{b:02x}")).collect();
                raw.target
                    .extend(format!("?ticket={escaped}&limit={escaped}").into_bytes());
            }
            _ => {
                raw.target = [b"/".to_vec(), noise].concat();
            }
        }
        let bytes = raw.bytes();
        let status = send_raw(to, &bytes);
        check(
            &world,
            &format!("round {round}: {:?}", String::from_utf8_lossy(&bytes)),
            status,
        );
    }
    still_well(&world);
}

/// Signed nonsense gets past the door: it reaches the parsers behind it.
#[test]
fn signed_bodies_of_any_bytes() {
    let world = World::start();
    let mut random = Random::new(2);
    let good = order_body("19.99", "https://shop.example.com/hook")
        .to_string()
        .into_bytes();
    for round in 0..1000 {
        let body = match random.below(3) {
            0 => random.bytes(300),
            // A good body with a few bytes changed, dropped or doubled.
            1 => {
                let mut body = good.clone();
                for _ in 0..=random.below(4) {
                    let at = random.below(body.len());
                    match random.below(3) {
                        0 => body[at] = random.next() as u8,
                        1 => drop(body.remove(at)),
                        _ => body.insert(at, *random.pick(b"{}[]\",:\\0e-.\xff\x00")),
                    }
                }
                body
            }
            _ => odd_order(&mut random).to_string().into_bytes(),
        };
        let path = *random.pick(&["/orders", "/orders", "/orders/status", "/orders/cancel"]);
        let key = String::from_utf8_lossy(&in_line(random.bytes(20))).into_owned();
        let headers = [("idempotency-key", key.as_str())];
        let headers = if random.one_in(3) && key.trim() == key {
            &headers[..]
        } else {
            &[]
        };
        let reply = world.shop.post_with(path, &body, headers);
        check(
            &world,
            &format!("round {round}: {:?}", String::from_utf8_lossy(&body)),
            Some(reply.status),
        );
    }
    still_well(&world);
}

/// An order with one field that is anything.
fn odd_order(random: &mut Random) -> Value {
    let text = String::from_utf8_lossy(&random.bytes(40)).into_owned();
    let value = match random.below(8) {
        0 => Value::Null,
        1 => json!(random.next()),
        2 => json!(-(random.below(1000) as i64)),
        3 => json!(random.next() as f64 * 1e300),
        4 => json!([text]),
        5 => json!({ "x": text }),
        6 => json!(random.one_in(2)),
        _ => json!(text),
    };
    let fields = [
        "order_id",
        "amount",
        "webhook_url",
        "expecting_wallet_address",
        "blockchain",
        "stablecoin",
        "description",
        "expires_in",
        "success_url",
        "cancel_url",
        "something_else",
    ];
    let mut body = order_body("1", "https://shop.example.com/hook");
    body[*random.pick(&fields)] = value;
    body
}

/// URLs that the merchant signed in error reach the parser of URLs.
#[test]
fn signed_urls_of_any_text() {
    let world = World::start();
    let mut random = Random::new(3);
    let id = world.order("1").order_id;
    let pieces = [
        CHECKOUT_ORIGIN,
        "https://",
        "http://",
        "//",
        "/",
        "?",
        "#",
        "&",
        "=",
        ":",
        "@",
        "[",
        "]",
        "%",
        "%zz",
        "order_id=",
        &id,
        "..",
        " ",
        "é",
        "☕",
        "127.0.0.1",
        ":99999",
        ":0",
        "[::1]",
        "xn--",
        "\\",
        "data:,",
        "a",
    ];
    for round in 0..500 {
        let url: String = match random.below(4) {
            0 => String::from_utf8_lossy(&in_line(random.bytes(60))).into_owned(),
            _ => (0..random.below(7))
                .map(|_| *random.pick(&pieces))
                .collect(),
        };
        let url = url.trim();
        let signature = sign::url(SECRET, sign::now(), url);
        let raw = Raw {
            method: "GET".to_owned(),
            target: format!("/api/v1/user/orders/{id}/status").into_bytes(),
            headers: vec![
                ("Ocrch-Signature".to_owned(), signature.into_bytes()),
                ("Ocrch-Signed-Url".to_owned(), url.as_bytes().to_vec()),
            ],
            body: Vec::new(),
        };
        check(
            &world,
            &format!("round {round}: {url:?}"),
            send_raw(world.server.address(), &raw.bytes()),
        );
    }
    still_well(&world);
}

/// Requests that stop in the middle, lie about their length or are no HTTP at all.
#[test]
fn broken_connections() {
    let world = World::start();
    let to = world.server.address();
    let signature = sign::body(SECRET, sign::now(), b"");
    let head = format!(
        "POST /api/v1/service/orders HTTP/1.1\r\nHost: x\r\nOcrch-Signature: {signature}\r\n"
    );
    for rest in [
        "",
        "Content-Length: 100\r\n\r\nshort",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    ] {
        check(
            &world,
            rest,
            send_raw(to, format!("{head}{rest}").as_bytes()),
        );
    }
    let mut random = Random::new(4);
    for _ in 0..50 {
        check(&world, "noise", send_raw(to, &random.bytes(500)));
    }
    // A body without an end is refused, not collected.
    let endless = format!(
        "{head}Content-Length: 1000000000\r\n\r\n{}",
        "x".repeat(200_000)
    );
    check(&world, "endless", send_raw(to, endless.as_bytes()));
    assert_eq!(
        http::send("GET", &format!("{}/health", world.server.base()), &[], b"").status,
        200
    );
    still_well(&world);
}
