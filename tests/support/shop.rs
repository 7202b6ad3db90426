//! A merchant's backend and a shopper's browser, by the protocol's text.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::config::{CHECKOUT_ORIGIN, SECRET};
use super::http::{self, Reply};
use super::sign;
use super::socket::Socket;

/// The merchant's backend.
#[derive(Clone)]
pub struct Shop {
    pub base: String,
}

/// A shopper on the merchant's page, with a signed URL for one order.
#[derive(Clone)]
pub struct Shopper {
    pub base: String,
    pub order_id: String,
    pub url: String,
    pub signature: String,
}

/// A `merchant_order_id` that no other test uses.
pub fn fresh_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The least that an order needs.
pub fn order_body(amount: &str, webhook_url: &str) -> Value {
    json!({"order_id": fresh_id(), "amount": amount, "webhook_url": webhook_url})
}

impl Shop {
    /// A signed POST to the Service API.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, body.to_string().as_bytes(), &[])
    }

    /// [`Shop::post`] with a body of any bytes and more headers.
    pub fn post_with(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
        self.try_post(path, body, headers)
            .unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    /// [`Shop::post_with`] for tests in which the server may be gone.
    pub fn try_post(
        &self,
        path: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Reply, ureq::Error> {
        let signature = sign::body(SECRET, sign::now(), body);
        let mut all = vec![
            ("content-type", "application/json"),
            ("ocrch-signature", &*signature),
        ];
        all.extend(headers);
        http::try_send(
            "POST",
            &format!("{}/api/v1/service{path}", self.base),
            &all,
            body,
        )
    }

    /// A POST with a signature header of one's own, or none.
    pub fn post_signed(&self, path: &str, body: &[u8], signature: Option<&str>) -> Reply {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(signature.map(|value| ("ocrch-signature", value)));
        http::send(
            "POST",
            &format!("{}/api/v1/service{path}", self.base),
            &headers,
            body,
        )
    }

    pub fn create(&self, body: &Value) -> Value {
        self.post("/orders", body).expect(201).json()
    }

    pub fn status(&self, order_id: &str) -> Value {
        self.post("/orders/status", &json!({"order_id": order_id}))
            .expect(200)
            .json()
    }

    pub fn cancel(&self, order_id: &str) -> Reply {
        self.post("/orders/cancel", &json!({"order_id": order_id}))
    }

    /// The shopper of an order, on the merchant's own page.
    pub fn shopper(&self, order_id: &str) -> Shopper {
        self.shopper_at(
            order_id,
            &format!("{CHECKOUT_ORIGIN}/pay?order_id={order_id}"),
        )
    }

    /// The shopper with any signed URL.
    pub fn shopper_at(&self, order_id: &str, url: &str) -> Shopper {
        Shopper {
            base: self.base.clone(),
            order_id: order_id.to_owned(),
            url: url.to_owned(),
            signature: sign::url(SECRET, sign::now(), url),
        }
    }
}

impl Shopper {
    fn api(&self, path: &str) -> String {
        format!("{}/api/v1/user{path}", self.base)
    }

    /// The path of one of the order's calls.
    pub fn order_path(&self, call: &str) -> String {
        format!("/orders/{}/{call}", self.order_id)
    }

    /// The two headers of every call.
    pub fn headers(&self) -> [(&str, &str); 2] {
        [
            ("ocrch-signed-url", &self.url),
            ("ocrch-signature", &self.signature),
        ]
    }

    /// A call to the User API; a null body is an empty one.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_with(method, path, body, &[])
    }

    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        more: &[(&str, &str)],
    ) -> Reply {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.headers());
        headers.extend(more);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        http::send(method, &self.api(path), &headers, body.as_bytes())
    }

    /// A call about the order, for tests in which the server may be gone.
    pub fn try_call(&self, method: &str, call: &str, body: &Value) -> Option<Reply> {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.headers());
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let url = self.api(&self.order_path(call));
        http::try_send(method, &url, &headers, body.as_bytes()).ok()
    }

    pub fn chains(&self) -> Value {
        self.call("GET", "/chains", &Value::Null).expect(200).json()
    }

    pub fn try_pay(&self, blockchain: &str, stablecoin: &str) -> Reply {
        let choice = json!({"blockchain": blockchain, "stablecoin": stablecoin});
        self.call("POST", &self.order_path("payment"), &choice)
    }

    /// Chooses how to pay: what to send, and where.
    pub fn pay(&self, blockchain: &str, stablecoin: &str) -> Value {
        self.try_pay(blockchain, stablecoin).expect(201).json()
    }

    pub fn status(&self) -> Value {
        self.call("GET", &self.order_path("status"), &Value::Null)
            .expect(200)
            .json()
    }

    pub fn cancel(&self) -> Reply {
        self.call("POST", &self.order_path("cancel"), &Value::Null)
    }

    /// A ticket for a WebSocket.
    pub fn ticket(&self) -> String {
        let reply = self
            .call("POST", &self.order_path("ws-ticket"), &Value::Null)
            .expect(201);
        reply.json()["ticket"]
            .as_str()
            .expect("a ticket")
            .to_owned()
    }

    /// A WebSocket with the two headers.
    pub fn socket(&self) -> Socket {
        Socket::open(&self.api(&self.order_path("ws")), &self.headers())
    }

    /// A WebSocket with a ticket, as browsers do it.
    pub fn socket_with_ticket(&self, ticket: &str) -> Socket {
        Socket::open(
            &self.api(&self.order_path(&format!("ws?ticket={ticket}"))),
            &[],
        )
    }

    /// What an upgrade that must be refused is answered.
    pub fn refused_socket(&self, query: &str, headers: &[(&str, &str)]) -> Reply {
        let mut all = vec![
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        all.extend(headers);
        http::send(
            "GET",
            &self.api(&self.order_path(&format!("ws{query}"))),
            &all,
            b"",
        )
    }
}
