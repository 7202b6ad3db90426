//! The demo's shop: a merchant's backend of a few lines, which knows the server by its public API only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use poem::http::StatusCode;
use poem::web::{Data, Json};
use poem::{Body, EndpointExt, IntoResponse, Request, Response, Result, Route, get, handler, post};
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pages::{Asset, page};
use crate::clock::{Clock, UnixSeconds};
use crate::domain::signature::{self, Keys};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/demo"]
struct Files;

const PRICE: &str = "19.99";
const PRODUCT: &str = "A very good mug";
const SIGNATURE_MAX_AGE: i64 = 300;
const BODY_LIMIT: usize = 64 * 1024;
/// The shop page lists no more than this many of each.
const KEPT: usize = 50;

/// Sends a transfer on the simulated chain; gives its hash, or says what is wrong.
pub type Pay = dyn Fn(&PaymentAsk) -> Result<String, String> + Send + Sync;

/// What a shopper's wallet has to send, as the User API's `/payment` said it.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentAsk {
    pub blockchain: String,
    pub stablecoin: String,
    pub contract_address: Option<String>,
    pub decimals: Option<u8>,
    pub wallet_address: String,
    pub amount: String,
}

/// The shop, its keys to the server, and its books.
pub struct Shop {
    base_url: String,
    secret: String,
    pay: Box<Pay>,
    clock: Clock,
    agent: ureq::Agent,
    books: Mutex<Books>,
}

/// What the shop page shows, newest first.
#[derive(Default, Serialize)]
struct Books {
    #[serde(skip)]
    sold: u32,
    orders: VecDeque<Sale>,
    deliveries: VecDeque<Delivery>,
}

#[derive(Clone, Serialize)]
struct Sale {
    order_id: String,
    merchant_order_id: String,
    amount: String,
    /// Changed by verified webhooks alone, as in a real shop.
    status: String,
    created_at: UnixSeconds,
    checkout_url: String,
}

#[derive(Clone, Serialize)]
struct Delivery {
    received_at: UnixSeconds,
    webhook_id: Option<String>,
    event_type: Option<String>,
    merchant_order_id: Option<String>,
    status: Option<String>,
    verified: bool,
    /// Why it was refused.
    problem: Option<String>,
}

/// The parts of an order that the shop reads.
#[derive(Deserialize)]
struct CreatedOrder {
    order_id: String,
    merchant_order_id: String,
    amount: String,
    status: String,
    created_at: UnixSeconds,
    checkout_url: String,
}

/// The parts of a webhook that the shop reads.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    event_type: Option<String>,
    order_id: Option<String>,
    merchant_order_id: Option<String>,
    status: Option<String>,
}

/// Adds the shop page at `/` and the shop's backend under `/demo`. Nothing may be nested at the root beside it:
/// poem prefers a nest's catch-all to the route `/`.
pub fn add(route: Route, shop: Arc<Shop>) -> Route {
    route
        .at("/", page(|_| Asset::of::<Files>("index.html")))
        .at("/demo/:file", page(Asset::of::<Files>))
        .at("/demo/state", get(state).data(shop.clone()))
        .at("/demo/orders", post(buy).data(shop.clone()))
        .at("/demo/pay", post(send_payment).data(shop.clone()))
        .at("/demo/webhook", post(webhook).data(shop))
}

impl Shop {
    /// A shop that reaches the server at `base_url` and signs with the merchant's `secret`.
    pub fn new(base_url: String, secret: String, pay: Box<Pay>, clock: Clock) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .max_redirects(0)
            // The server is on this machine, whatever the environment says of proxies.
            .proxy(None)
            .build()
            .into();
        Self {
            base_url,
            secret,
            pay,
            clock,
            agent,
            books: Mutex::default(),
        }
    }

    /// Creates an order through the Service API, as a merchant's backend does.
    fn create_order(&self) -> Result<Sale, String> {
        let number = {
            let mut books = self.books();
            books.sold += 1;
            books.sold
        };
        let body = json!({
            "order_id": format!("MUG-{number}"),
            "amount": PRICE,
            "description": PRODUCT,
            "webhook_url": format!("{}/demo/webhook", self.base_url),
            "success_url": format!("{}/", self.base_url),
            "cancel_url": format!("{}/", self.base_url),
        })
        .to_string();
        let signature = signature::sign_body(&self.secret, self.clock.now(), body.as_bytes(), true);
        let mut response = self
            .agent
            .post(format!("{}/api/v1/service/orders", self.base_url))
            .header("Ocrch-Signature", signature)
            .content_type("application/json")
            .send(&body)
            .map_err(|error| error.to_string())?;
        let text = response
            .body_mut()
            .read_to_string()
            .map_err(|error| error.to_string())?;
        if response.status() != StatusCode::CREATED.as_u16() {
            return Err(format!("{}: {text}", response.status()));
        }
        let order: CreatedOrder = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let sale = Sale::from(order);
        keep(&mut self.books().orders, sale.clone());
        Ok(sale)
    }

    /// Takes a webhook in: nothing of it is believed before its signature is verified.
    fn receive(&self, webhook_id: Option<String>, header: Option<&str>, body: &[u8]) -> bool {
        let now = self.clock.now();
        let keys = Keys {
            secret: &self.secret,
            previous: None,
        };
        let checked = match header {
            Some(header) => signature::verify_body(keys, header, body, now, SIGNATURE_MAX_AGE)
                .map_err(|error| error.to_string()),
            None => Err("no Ocrch-Signature header".to_owned()),
        };
        let verified = checked.is_ok();
        let event: Event = match verified {
            true => serde_json::from_slice(body).unwrap_or_default(),
            false => Event::default(),
        };
        let mut books = self.books();
        if let Some(status) = &event.status {
            let sold = |sale: &&mut Sale| Some(&sale.order_id) == event.order_id.as_ref();
            if let Some(sale) = books.orders.iter_mut().find(sold) {
                sale.status.clone_from(status);
            }
        }
        let delivery = Delivery {
            received_at: now,
            webhook_id,
            event_type: event.event_type,
            merchant_order_id: event.merchant_order_id,
            status: event.status,
            verified,
            problem: checked.err(),
        };
        keep(&mut books.deliveries, delivery);
        verified
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // A panic elsewhere leaves the books as they are: good enough for a demo.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<CreatedOrder> for Sale {
    fn from(order: CreatedOrder) -> Self {
        Self {
            order_id: order.order_id,
            merchant_order_id: order.merchant_order_id,
            amount: order.amount,
            status: order.status,
            created_at: order.created_at,
            checkout_url: order.checkout_url,
        }
    }
}

fn keep<T>(list: &mut VecDeque<T>, newest: T) {
    list.push_front(newest);
    list.truncate(KEPT);
}

#[handler]
fn state(Data(shop): Data<&Arc<Shop>>) -> Json<Value> {
    Json(json!(*shop.books()))
}

#[handler]
async fn buy(Data(shop): Data<&Arc<Shop>>) -> Response {
    let shop = shop.clone();
    let sale = blocking(move || shop.create_order()).await;
    answer(sale.map(|sale| json!({"checkout_url": sale.checkout_url})))
}

#[handler]
async fn send_payment(Data(shop): Data<&Arc<Shop>>, Json(ask): Json<PaymentAsk>) -> Response {
    let shop = shop.clone();
    let txn_hash = blocking(move || (shop.pay)(&ask)).await;
    answer(txn_hash.map(|txn_hash| json!({"txn_hash": txn_hash})))
}

#[handler]
async fn webhook(
    request: &Request,
    Data(shop): Data<&Arc<Shop>>,
    body: Body,
) -> Result<StatusCode> {
    let body = body.into_bytes_limit(BODY_LIMIT).await?;
    let webhook_id = request.header("webhook-id").map(str::to_owned);
    let verified = shop.receive(webhook_id, request.header("Ocrch-Signature"), &body);
    Ok(match verified {
        true => StatusCode::OK,
        false => StatusCode::UNAUTHORIZED,
    })
}

/// Runs what waits on the network off the server's own threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(error.to_string()),
    }
}

/// What went wrong is shown as it is: whoever tries the demo is its operator, too.
fn answer(done: Result<Value, String>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(problem) => problem.with_status(StatusCode::BAD_GATEWAY).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::Endpoint;

    fn shop() -> Shop {
        let pay = |ask: &PaymentAsk| Ok(format!("0x{}", ask.amount));
        Shop::new(
            "http://127.0.0.1:9".to_owned(),
            "demo-merchant-secret".to_owned(),
            Box::new(pay),
            Clock::system(),
        )
    }

    fn sale(order_id: &str) -> Sale {
        Sale {
            order_id: order_id.to_owned(),
            merchant_order_id: "MUG-1".to_owned(),
            amount: PRICE.to_owned(),
            status: "pending".to_owned(),
            created_at: 0,
            checkout_url: String::new(),
        }
    }

    #[test]
    fn only_a_verified_webhook_changes_an_order() {
        let shop = shop();
        keep(&mut shop.books().orders, sale("A"));
        let body = br#"{"event_type":"order_status_changed","order_id":"A","status":"paid"}"#;
        let sign = |secret| signature::sign_body(secret, shop.clock.now(), body, true);
        let check = |header: Option<&str>, expected: bool, status: &str| {
            assert_eq!(shop.receive(None, header, body), expected, "{header:?}");
            assert_eq!(shop.books().orders[0].status, status);
            assert_eq!(shop.books().deliveries[0].verified, expected);
        };
        check(None, false, "pending");
        check(Some("1.AAAA"), false, "pending");
        check(Some(&sign("another-secret")), false, "pending");
        check(Some(&sign("demo-merchant-secret")), true, "paid");
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error() {
        assert!(shop().create_order().is_err());
        assert!(shop().books().orders.is_empty());
    }

    #[test]
    fn the_page_offers_what_is_sold() {
        let page = Files::get("index.html").unwrap();
        let html = std::str::from_utf8(&page.data).unwrap();
        assert!(html.contains(PRICE) && html.contains(PRODUCT));
    }

    #[tokio::test]
    async fn the_shop_lives_beside_the_api() {
        #[handler]
        fn api() -> &'static str {
            "api"
        }
        let routes = add(Route::new(), Arc::new(shop()))
            .nest_no_strip("/api", Route::new().at("/api/x", api));
        for (path, status, text) in [
            ("/", StatusCode::OK, "demo/shop.js"),
            ("/demo/shop.js", StatusCode::OK, "refresh"),
            ("/demo/wallet.js", StatusCode::OK, "ocrch:payment"),
            ("/demo/state", StatusCode::OK, "deliveries"),
            ("/demo/other.js", StatusCode::NOT_FOUND, "not found"),
            ("/api/x", StatusCode::OK, "api"),
        ] {
            let request = Request::builder().uri_str(path).finish();
            let response = routes.get_response(request).await;
            assert_eq!(response.status(), status, "{path}");
            let body = response.into_body().into_string().await.unwrap();
            assert!(body.contains(text), "{path}: {body}");
        }
    }

    #[test]
    fn the_books_stay_short() {
        let mut list = VecDeque::new();
        for n in 0..KEPT + 5 {
            keep(&mut list, n);
        }
        assert_eq!((list.len(), list[0]), (KEPT, KEPT + 4));
    }
}
