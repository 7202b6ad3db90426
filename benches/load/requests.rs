//! Requests, signed and written out before the clock starts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::config::CHECKOUT_ORIGIN;
use crate::support::sign;

/// A new order, unlike any other.
pub fn create_order(host: &str, secret: &str) -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let body = format!(
        r#"{{"order_id":"load-{}-{}","amount":"19.99","webhook_url":"https://shop.example.com/hook"}}"#,
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    service(host, secret, "/orders", &body)
}

/// The status of an order, as the merchant asks for it.
pub fn service_status(host: &str, secret: &str, order_id: &str) -> Vec<u8> {
    service(
        host,
        secret,
        "/orders/status",
        &format!(r#"{{"order_id":"{order_id}"}}"#),
    )
}

fn service(host: &str, secret: &str, path: &str, body: &str) -> Vec<u8> {
    let signature = sign::body(secret, sign::now(), body.as_bytes());
    format!(
        "POST /api/v1/service{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Ocrch-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The status of an order, as a shopper's page polls it.
pub fn user_status(host: &str, secret: &str, order_id: &str) -> Vec<u8> {
    user(host, secret, order_id, "status", "")
}

/// The upgrade to an order's WebSocket, of the shopper's own address: each client may have so many only.
pub fn socket(host: &str, secret: &str, order_id: &str, shopper: usize) -> Vec<u8> {
    let [_, _, high, low] = (shopper as u32).to_be_bytes();
    let upgrade = format!(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: 198.18.{high}.{low}\r\n"
    );
    user(host, secret, order_id, "ws", &upgrade)
}

fn user(host: &str, secret: &str, order_id: &str, call: &str, headers: &str) -> Vec<u8> {
    let url = format!("{CHECKOUT_ORIGIN}/pay?order_id={order_id}");
    let signature = sign::url(secret, sign::now(), &url);
    format!(
        "GET /api/v1/user/orders/{order_id}/{call} HTTP/1.1\r\nHost: {host}\r\nOcrch-Signed-Url: {url}\r\n\
         Ocrch-Signature: {signature}\r\n{headers}\r\n"
    )
    .into_bytes()
}
