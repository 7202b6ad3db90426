//! The User API: for shoppers' pages, which show a URL that the merchant signed.

use poem::Request;
use poem::http::header;
use poem::web::websocket::BoxWebSocketUpgraded;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth;
use super::body::RawJson;
use super::claims::{self, ClaimBody, ClaimErrors, ExaminedJson};
use super::errors::{Failure, INTERNAL, error_answers};
use super::group::Group;
use super::scheme::{SignedUrl, UrlSignature};
use super::types::{DetailJson, OptionJson, OrderJson, PaymentChoice, TicketJson};
use super::ws::{self, Sockets};
use crate::domain::order::Order;
use crate::domain::registry::{Blockchain, Coin};
use crate::service::App;
use crate::service::orders::{self, Canceller};
use crate::service::{payments, tickets};

pub struct UserApi {
    pub app: App,
    pub sockets: Sockets,
}

#[derive(ApiResponse)]
enum Opened {
    /// The deposit: what to send, and where.
    #[oai(status = 201)]
    Detail(Json<DetailJson>),
}

#[derive(ApiResponse)]
enum Issued {
    /// The ticket.
    #[oai(status = 201)]
    Ticket(Json<TicketJson>),
}

#[derive(ApiResponse)]
#[expect(
    clippy::large_enum_variant,
    reason = "poem-openapi cannot box a payload, and one lives at a time"
)]
enum Status {
    /// The order.
    #[oai(status = 200)]
    Order(
        Json<OrderJson>,
        /// Names this state of the order, for `If-None-Match`.
        #[oai(header = "ETag")]
        String,
    ),
    /// Nothing changed since the state named in `If-None-Match`.
    #[oai(status = 304)]
    Unchanged(#[oai(header = "ETag")] String),
}

error_answers!(ChainsErrors {
    /// "missing Ocrch-Signed-Url header", "invalid Ocrch-Signature header format" or "invalid signature encoding".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "origin not allowed".
    Forbidden = 403,
});

error_answers!(PageErrors {
    /// "missing Ocrch-Signed-Url header", "invalid Ocrch-Signature header format" or "invalid signature encoding".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "origin not allowed" or "signed url is for another order".
    Forbidden = 403,
    /// "order not found".
    NotFound = 404,
});

error_answers!(PaymentErrors {
    /// As for every signed URL, and "invalid JSON body: …", "no wallet available for the selected chain and coin", or
    /// "invalid blockchain selection".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "origin not allowed" or "signed url is for another order".
    Forbidden = 403,
    /// "order not found".
    NotFound = 404,
    /// "order is not pending".
    Conflict = 409,
    /// "request body too large": over 64 KiB.
    TooLarge = 413,
} also unavailable {
    /// "no payment slot free, try again later": too many orders of this amount are open at once. Or
});

error_answers!(CancelErrors {
    /// "missing Ocrch-Signed-Url header", "invalid Ocrch-Signature header format" or "invalid signature encoding".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "origin not allowed" or "signed url is for another order".
    Forbidden = 403,
    /// "order not found".
    NotFound = 404,
    /// "order is not pending" or "a payment is already on its way".
    Conflict = 409,
});

error_answers!(SocketErrors {
    /// As for every signed URL, or "websocket upgrade expected".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed", "signature expired" or "invalid ticket".
    Unauthorized = 401,
    /// "origin not allowed" or "signed url is for another order".
    Forbidden = 403,
    /// "order not found": the id in the path is malformed.
    NotFound = 404,
    /// "too many websockets for this order" or "too many websockets of this client".
    TooMany = 429,
} also unavailable {
    /// "too many websockets, try again later". Or
});

#[OpenApi(prefix_path = "/user", tag = "Group::User")]
impl UserApi {
    /// List the ways to pay
    ///
    /// One entry for each enabled pair of wallet and coin. Where the signed URL names an order, only what that order
    /// leaves open: its pre-selected chain or coin, and the family of chains of the sender it expects.
    #[oai(path = "/chains", method = "get", operation_id = "listChains")]
    async fn chains(
        &self,
        request: &Request,
        _signed: UrlSignature,
        /// The URL that the signature covers.
        #[oai(name = "Ocrch-Signed-Url")]
        _url: SignedUrl,
    ) -> Result<Json<Vec<OptionJson>>, ChainsErrors> {
        let options = self.options(request);
        Ok(Json(options?))
    }

    /// Choose chain and coin
    ///
    /// Opens a deposit: the shopper must send exactly `amount` of the coin, on this chain, to `wallet_address`. Asking
    /// again for the same pair gives the same deposit; another pair adds a deposit, and all of them stay payable until
    /// one is paid.
    #[oai(
        path = "/orders/:id/payment",
        method = "post",
        operation_id = "choosePayment"
    )]
    async fn payment(
        &self,
        request: &Request,
        _signed: UrlSignature,
        /// The URL that the signature covers.
        #[oai(name = "Ocrch-Signed-Url")]
        _url: SignedUrl,
        /// The order's UUID.
        id: Path<String>,
        body: RawJson<PaymentChoice>,
    ) -> Result<Opened, PaymentErrors> {
        let detail = self.choose(request, &id, body).await?;
        Ok(Opened::Detail(Json(detail)))
    }

    /// Cancel the order
    ///
    /// Not while a payment is on its way.
    #[oai(
        path = "/orders/:id/cancel",
        method = "post",
        operation_id = "cancelOrderAsShopper"
    )]
    async fn cancel(
        &self,
        request: &Request,
        _signed: UrlSignature,
        /// The URL that the signature covers.
        #[oai(name = "Ocrch-Signed-Url")]
        _url: SignedUrl,
        /// The order's UUID.
        id: Path<String>,
    ) -> Result<Json<OrderJson>, CancelErrors> {
        let order = self.cancel_as_shopper(request, &id).await?;
        Ok(self.answer(order))
    }

    /// Find out about a payment that does not show up
    ///
    /// Looks a transaction up and says what it is to this order: on its way, the wrong coin, network, address or amount, too
    /// early or too late, used for something else, reverted, or not found yet. Money that the rules cannot settle is shown
    /// to the merchant as a claim of this order (`reported`). A claim proves nothing and pays nothing: anybody can name
    /// a stranger's transaction. An order has ten look-ups an hour; answers are kept for a while and cost nothing.
    #[oai(
        path = "/orders/:id/claim",
        method = "post",
        operation_id = "claimPayment"
    )]
    async fn claim(
        &self,
        request: &Request,
        _signed: UrlSignature,
        /// The URL that the signature covers.
        #[oai(name = "Ocrch-Signed-Url")]
        _url: SignedUrl,
        /// The order's UUID.
        id: Path<String>,
        body: RawJson<ClaimBody>,
    ) -> Result<Json<ExaminedJson>, ClaimErrors> {
        claims::examine(&self.app, request, &id, body)
            .await
            .map(Json)
    }

    /// Ask for the order's status
    ///
    /// For pages that poll instead of using the WebSocket. With `If-None-Match` an unchanged order costs an empty 304.
    #[oai(
        path = "/orders/:id/status",
        method = "get",
        operation_id = "pollOrder"
    )]
    async fn status(
        &self,
        request: &Request,
        _signed: UrlSignature,
        /// The URL that the signature covers.
        #[oai(name = "Ocrch-Signed-Url")]
        _url: SignedUrl,
        /// The order's UUID.
        id: Path<String>,
    ) -> Result<Status, PageErrors> {
        let order = self.find(request, &id)?;
        let tag = etag(&order);
        Ok(match is_known(request, &tag) {
            true => Status::Unchanged(tag),
            false => Status::Order(self.answer(order), tag),
        })
    }

    /// Get a ticket for the WebSocket
    ///
    /// Browsers cannot set headers on a WebSocket. The ticket works once, for 30 seconds, for this order; an order has
    /// five at most, a sixth drops the oldest.
    #[oai(
        path = "/orders/:id/ws-ticket",
        method = "post",
        operation_id = "createTicket"
    )]
    async fn ticket(
        &self,
        request: &Request,
        _signed: UrlSignature,
        /// The URL that the signature covers.
        #[oai(name = "Ocrch-Signed-Url")]
        _url: SignedUrl,
        /// The order's UUID.
        id: Path<String>,
    ) -> Result<Issued, PageErrors> {
        let ticket = self.issue(request, &id);
        Ok(Issued::Ticket(Json(ticket?)))
    }

    /// Follow the order on a WebSocket
    ///
    /// Authenticated by the two headers, as all of this API, or by `?ticket=…`.
    ///
    /// Text frames of JSON: at once `{"type":"status_update","order":Order}`, and again whenever the order or its seen
    /// payment changes. After a terminal status the server closes with 1000. An unknown order gets
    /// `{"type":"error","code":4004,"reason":"order not found"}` and is closed with 4004 five seconds later. At shutdown
    /// the server closes with 1001: connect again.
    #[oai(path = "/orders/:id/ws", method = "get", operation_id = "followOrder")]
    async fn follow(
        &self,
        request: &Request,
        /// The order's UUID.
        id: Path<String>,
        /// A ticket, instead of the headers.
        ticket: Query<Option<String>>,
    ) -> Result<BoxWebSocketUpgraded, SocketErrors> {
        Ok(ws::upgrade(&self.app, &self.sockets, request, &id, ticket.0.as_deref()).await?)
    }
}

impl UserApi {
    fn options(&self, request: &Request) -> Result<Vec<OptionJson>, Failure> {
        let named = auth::page(&self.app, request)?;
        let order = payments::order_of_options(&self.app, named)?;
        let options = payments::options(&self.app, order.as_ref());
        Ok(options.into_iter().map(OptionJson::from).collect())
    }

    async fn choose(
        &self,
        request: &Request,
        id: &str,
        body: RawJson<PaymentChoice>,
    ) -> Result<DetailJson, Failure> {
        let id = auth::page_for_order(&self.app, request, id)?;
        let choice = body.parse()?;
        let (chain, coin) = (
            Blockchain::new(&choice.blockchain),
            Coin::new(&choice.stablecoin),
        );
        Ok(payments::choose(&self.app, id, chain, coin).await?.into())
    }

    async fn cancel_as_shopper(&self, request: &Request, id: &str) -> Result<Order, Failure> {
        let id = auth::page_for_order(&self.app, request, id)?;
        Ok(orders::cancel(&self.app, id, Canceller::Shopper).await?)
    }

    fn find(&self, request: &Request, id: &str) -> Result<Order, Failure> {
        let id = auth::page_for_order(&self.app, request, id)?;
        Ok(orders::find(&self.app, id)?)
    }

    fn issue(&self, request: &Request, id: &str) -> Result<TicketJson, Failure> {
        let order = self.find(request, id)?;
        let ticket = self
            .app
            .tickets()
            .issue(order.id, self.app.clock().now_ms());
        let ticket = ticket.map_err(|error| {
            tracing::error!(%error, "no randomness for a ticket");
            INTERNAL
        })?;
        Ok(TicketJson {
            ticket,
            expires_in: tickets::LIFETIME,
        })
    }

    fn answer(&self, order: Order) -> Json<OrderJson> {
        Json(OrderJson::for_page(&self.app.config(), order))
    }
}

/// Names what can change of an order: its status and the payment it shows.
fn etag(order: &Order) -> String {
    match &order.payment {
        None => format!("\"{}\"", order.status.as_str()),
        Some(payment) => format!(
            "\"{}-{}-{}-{}-{}\"",
            order.status.as_str(),
            payment.txn_hash,
            payment.block_number,
            payment.block_timestamp,
            payment.confirmations
        ),
    }
}

/// Whether the client has this state already.
fn is_known(request: &Request, tag: &str) -> bool {
    let asked = request.headers().get_all(header::IF_NONE_MATCH);
    let mut tags = asked
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','));
    tags.any(|t| t.trim().trim_start_matches("W/") == tag || t.trim() == "*")
}
