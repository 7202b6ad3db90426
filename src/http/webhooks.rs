//! Webhooks, for the API document only: `service::outbox` writes them.

use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaWebhook, Registry};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, Webhook};

use super::types::{OrderJson, PaymentJson};

/// What Ocrch POSTs by itself: both, since poem-openapi takes one POST from a trait.
pub struct Webhooks;

impl poem_openapi::Webhook for Webhooks {
    fn meta() -> Vec<MetaWebhook> {
        let mut all = <&dyn OfOrders>::meta();
        all.extend(<&dyn OfTransfers>::meta());
        all
    }

    fn register(registry: &mut Registry) {
        <&dyn OfOrders>::register(registry);
        <&dyn OfTransfers>::register(registry);
    }
}

#[Webhook]
#[expect(dead_code, reason = "only its description is used")]
trait OfOrders {
    /// An order was paid, expired or was cancelled
    ///
    /// POSTed to the order's `webhook_url`, with `Ocrch-Signature` over `{ts}.{body}`. Verify it over the bytes as they
    /// came, before parsing them, and refuse what is older than a few minutes.
    ///
    /// Answer exactly 200: anything else, redirects too, counts as not delivered and is tried again after 1, 2, 4 …
    /// 2048 seconds, then hourly for three days. An event comes at least once, all its attempts with the same
    /// `webhook-id` header. Events of one order come in order; a newer status replaces one that was never delivered.
    #[oai(method = "post", operation_id = "orderStatusChanged")]
    fn order_status_changed(&self, body: Json<OrderEvent>);
}

#[Webhook]
#[expect(dead_code, reason = "only its description is used")]
trait OfTransfers {
    /// Money came that belongs to no order
    ///
    /// POSTed to `merchant.unknown_transfer_webhook_url`, where that is set, once for each confirmed transfer that pays
    /// nothing: a wrong amount, too late, sent twice. Transfers below `payments.report_from` are not reported. Signed and
    /// tried again like every webhook.
    #[oai(method = "post", operation_id = "unknownTransfer")]
    fn unknown_transfer(&self, body: Json<UnknownTransferEvent>);
}

/// The statuses that are told.
#[derive(Enum)]
#[oai(rename = "ToldStatus", rename_all = "snake_case")]
pub enum ToldStatus {
    Paid,
    Expired,
    Cancelled,
}

/// What an order's webhook says.
#[derive(Object)]
#[oai(rename = "OrderEvent", example)]
pub struct OrderEvent {
    /// `order_status_changed`.
    pub event_type: String,
    /// The server's id of the order: a UUID.
    pub order_id: String,
    /// The merchant's id.
    pub merchant_order_id: String,
    pub status: ToldStatus,
    /// As the merchant wrote it.
    pub amount: String,
    /// Unix seconds of the event; that of the attempt is in the signature.
    pub timestamp: i64,
    /// The payment, of a paid order.
    #[oai(skip_serializing_if_is_none)]
    pub payment: Option<PaymentJson>,
}

/// What is said of a transfer that pays nothing.
#[derive(Object)]
#[oai(rename = "UnknownTransferEvent", example)]
pub struct UnknownTransferEvent {
    /// `unknown_transfer`.
    pub event_type: String,
    /// The transfer's id in the Admin API.
    pub transfer_id: i64,
    pub blockchain: String,
    /// Unix seconds.
    pub timestamp: i64,
}

impl Example for OrderEvent {
    fn example() -> Self {
        let order = OrderJson::example();
        Self {
            event_type: "order_status_changed".into(),
            order_id: order.order_id,
            merchant_order_id: order.merchant_order_id,
            status: ToldStatus::Paid,
            amount: order.amount,
            timestamp: 1_795_390_742,
            payment: order.payment,
        }
    }
}

impl Example for UnknownTransferEvent {
    fn example() -> Self {
        Self {
            event_type: "unknown_transfer".into(),
            transfer_id: 7,
            blockchain: "base".into(),
            timestamp: 1_795_393_175,
        }
    }
}
