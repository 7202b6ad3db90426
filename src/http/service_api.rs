//! The Service API: for merchants' backends, which sign each body.

use poem::Request;
use poem_openapi::param::Header;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use sha2::{Digest, Sha256};

use super::auth;
use super::body::RawJson;
use super::errors::{Failure, error_answers};
use super::group::Group;
use super::scheme::SignedBody;
use super::types::{CreateOrderBody, OrderJson, OrderReference};
use crate::domain::order::Order;
use crate::service::App;
use crate::service::create_order::{Origin, create_order};
use crate::service::orders::{self, Canceller};

pub struct ServiceApi {
    pub app: App,
}

#[derive(ApiResponse)]
enum Created {
    /// The order; the first answer again where the request is a repeated one.
    #[oai(status = 201)]
    Order(Json<OrderJson>),
}

error_answers!(CreateErrors {
    /// "invalid Ocrch-Signature header format", "invalid signature encoding", "invalid JSON body: …", or what is wrong
    /// with a field: "invalid amount: …", "invalid webhook_url: …", "invalid expecting_wallet_address: …",
    /// "invalid blockchain selection" and so on.
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "idempotency key reused with a different body".
    Conflict = 409,
    /// "request body too large": over 64 KiB.
    TooLarge = 413,
});

error_answers!(StatusErrors {
    /// "invalid Ocrch-Signature header format", "invalid signature encoding" or "invalid JSON body: …".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "order not found".
    NotFound = 404,
    /// "request body too large": over 64 KiB.
    TooLarge = 413,
});

error_answers!(CancelErrors {
    /// "invalid Ocrch-Signature header format", "invalid signature encoding" or "invalid JSON body: …".
    BadRequest = 400,
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    Unauthorized = 401,
    /// "order not found".
    NotFound = 404,
    /// "order is not pending".
    Conflict = 409,
    /// "request body too large": over 64 KiB.
    TooLarge = 413,
});

#[OpenApi(prefix_path = "/service", tag = "Group::Service")]
impl ServiceApi {
    /// Create an order
    ///
    /// The order is stored on disk before it is answered. Send the shopper to its `checkout_url`, or to a page of your
    /// own with a signed URL.
    ///
    /// Trying again is safe: with an `Idempotency-Key` the same key and body within 24 hours give the first answer, and
    /// a byte-for-byte replay of a signed request never makes a second order.
    #[oai(path = "/orders", method = "post", operation_id = "createOrder")]
    async fn create(
        &self,
        request: &Request,
        _signed: SignedBody,
        /// 1 to 255 visible ASCII characters of your choice, one for each order you mean.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<String>>,
        body: RawJson<CreateOrderBody>,
    ) -> Result<Created, CreateErrors> {
        let order = self.create_from(request, idempotency_key.0, body).await?;
        Ok(Created::Order(self.answer(order)))
    }

    /// Ask for an order's status
    ///
    /// Webhooks tell you of changes; this is for asking yourself.
    #[oai(path = "/orders/status", method = "post", operation_id = "orderStatus")]
    async fn status(
        &self,
        request: &Request,
        _signed: SignedBody,
        body: RawJson<OrderReference>,
    ) -> Result<Json<OrderJson>, StatusErrors> {
        let found = self.find(request, body);
        Ok(self.answer(found?))
    }

    /// Cancel an order
    ///
    /// A pending order becomes `cancelled`, and its webhook says so. A payment that is already on its way will then be
    /// reported as an unknown transfer.
    #[oai(path = "/orders/cancel", method = "post", operation_id = "cancelOrder")]
    async fn cancel(
        &self,
        request: &Request,
        _signed: SignedBody,
        body: RawJson<OrderReference>,
    ) -> Result<Json<OrderJson>, CancelErrors> {
        let order = self.cancel_named(request, body).await?;
        Ok(self.answer(order))
    }
}

impl ServiceApi {
    async fn create_from(
        &self,
        request: &Request,
        idempotency_key: Option<String>,
        body: RawJson<CreateOrderBody>,
    ) -> Result<Order, Failure> {
        let signature = auth::backend(&self.app, request, body.bytes())?;
        let asked = body.parse()?;
        let origin = Origin {
            signed_at: signature.timestamp,
            mac: signature.mac,
            idempotency_key,
            body_hash: Sha256::digest(body.bytes()?).to_vec(),
        };
        Ok(create_order(&self.app, asked.into(), origin).await?)
    }

    fn find(&self, request: &Request, body: RawJson<OrderReference>) -> Result<Order, Failure> {
        auth::backend(&self.app, request, body.bytes())?;
        let id = auth::order_in_path(&body.parse()?.order_id)?;
        Ok(orders::find(&self.app, id)?)
    }

    async fn cancel_named(
        &self,
        request: &Request,
        body: RawJson<OrderReference>,
    ) -> Result<Order, Failure> {
        auth::backend(&self.app, request, body.bytes())?;
        let id = auth::order_in_path(&body.parse()?.order_id)?;
        Ok(orders::cancel(&self.app, id, Canceller::Merchant).await?)
    }

    fn answer(&self, order: Order) -> Json<OrderJson> {
        Json(OrderJson::for_merchant(&self.app.config(), order))
    }
}
