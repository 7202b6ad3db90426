//! What travels as JSON.

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::config::Config;
use crate::domain::order::{Order, OrderStatus};
use crate::service::create_order::CreateOrder;
use crate::service::payments::{PaymentDetail, PaymentOption};
use crate::service::view::{self, PaymentView};

/// What a merchant's backend asks to be paid.
#[derive(Object, Deserialize)]
#[oai(rename = "CreateOrder", example)]
pub struct CreateOrderBody {
    /// Your own id for it, echoed as `merchant_order_id`: 1 to 255 characters.
    pub order_id: String,
    /// Exact decimal: up to 12 digits, optionally a point and up to 6 decimals; greater than zero. A JSON number is
    /// taken by its text.
    #[serde(deserialize_with = "text_of_string_or_number")]
    #[oai(validator(pattern = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"))]
    pub amount: String,
    /// Where status changes are POSTed: an absolute http(s) URL.
    pub webhook_url: String,
    /// Only transfers from this address count.
    #[oai(skip_serializing_if_is_none)]
    pub expecting_wallet_address: Option<String>,
    /// Pre-selects the chain: the shopper cannot choose another.
    #[oai(skip_serializing_if_is_none)]
    pub blockchain: Option<String>,
    /// Pre-selects the coin.
    #[oai(skip_serializing_if_is_none)]
    pub stablecoin: Option<String>,
    /// Shown to the shopper: up to 200 characters, no control characters but line breaks and tabs.
    #[oai(skip_serializing_if_is_none)]
    pub description: Option<String>,
    /// Seconds until the order expires, 60 to 604800; otherwise the server's `orders.expires_after`.
    #[oai(skip_serializing_if_is_none)]
    pub expires_in: Option<i64>,
    /// Where the bundled page sends the shopper once the order is paid.
    #[oai(skip_serializing_if_is_none)]
    pub success_url: Option<String>,
    /// Where the bundled page sends the shopper who cancels.
    #[oai(skip_serializing_if_is_none)]
    pub cancel_url: Option<String>,
}

/// A number keeps the text it was written with; what is neither shows up in the complaint about the amount.
pub fn text_of_string_or_number<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let raw = <&RawValue>::deserialize(value)?.get();
    Ok(serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
}

impl From<CreateOrderBody> for CreateOrder {
    fn from(body: CreateOrderBody) -> Self {
        Self {
            merchant_order_id: body.order_id,
            amount: body.amount,
            webhook_url: Some(body.webhook_url),
            expecting_wallet_address: body.expecting_wallet_address,
            blockchain: body.blockchain,
            stablecoin: body.stablecoin,
            description: body.description,
            expires_in: body.expires_in,
            success_url: body.success_url,
            cancel_url: body.cancel_url,
        }
    }
}

/// Names an order.
#[derive(Object, Deserialize)]
#[oai(rename = "OrderReference", example)]
pub struct OrderReference {
    /// The server's id of the order: a UUID.
    pub order_id: String,
}

/// A shopper's choice.
#[derive(Object, Deserialize)]
#[oai(rename = "PaymentChoice", example)]
pub struct PaymentChoice {
    pub blockchain: String,
    pub stablecoin: String,
}

/// The life of an order: `pending` until it is one of the others, which stay.
#[derive(Enum, Clone, Copy)]
#[oai(rename = "OrderStatus", rename_all = "snake_case")]
pub enum StatusJson {
    Pending,
    Paid,
    Expired,
    Cancelled,
}

/// An order.
#[derive(Object)]
#[oai(rename = "Order", example)]
pub struct OrderJson {
    /// The server's id: a UUID.
    pub order_id: String,
    /// The merchant's id.
    pub merchant_order_id: String,
    /// As the merchant wrote it.
    pub amount: String,
    pub status: StatusJson,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds. No deposit is opened after it, and no payment mined after it counts.
    pub expires_at: i64,
    #[oai(skip_serializing_if_is_none)]
    pub description: Option<String>,
    /// Unix seconds; once paid.
    #[oai(skip_serializing_if_is_none)]
    pub paid_at: Option<i64>,
    /// The payment seen for the order; it goes away again if a reorganisation of the chain removes it before it is confirmed.
    #[oai(skip_serializing_if_is_none)]
    pub payment: Option<PaymentJson>,
    /// The bundled checkout page for this order, ready for a redirect. In the Service API only, where the page is enabled.
    #[oai(skip_serializing_if_is_none)]
    pub checkout_url: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub success_url: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub cancel_url: Option<String>,
}

/// A payment on its way, or the one that paid.
#[derive(Object)]
#[oai(rename = "Payment", example)]
pub struct PaymentJson {
    pub blockchain: String,
    pub stablecoin: String,
    pub txn_hash: String,
    pub amount: String,
    pub from_address: String,
    pub block_number: u64,
    /// Unix seconds.
    pub block_timestamp: i64,
    pub confirmations: u32,
    /// How many it takes; where the chain's own finality decides, how many that usually is.
    pub confirmations_required: u32,
    #[oai(skip_serializing_if_is_none)]
    pub explorer_url: Option<String>,
}

/// One way to pay.
#[derive(Object)]
#[oai(rename = "PaymentOption", example)]
pub struct OptionJson {
    pub blockchain: String,
    pub stablecoin: String,
    pub wallet_address: String,
    /// `true` while the server cannot watch the chain: a payment is safe, but will be seen late. Absent otherwise.
    #[oai(skip_serializing_if_is_none)]
    pub degraded: Option<bool>,
}

/// What the shopper must send, exactly, and where.
#[derive(Object)]
#[oai(rename = "PaymentDetail", example)]
pub struct DetailJson {
    pub order_id: String,
    pub wallet_address: String,
    /// To be sent exactly. It can exceed the order's amount by a tiny tail that tells payments apart.
    pub amount: String,
    pub blockchain: String,
    pub stablecoin: String,
    /// Unix seconds.
    pub expires_at: i64,
    /// EIP-681 link for wallets, on EVM chains.
    #[oai(skip_serializing_if_is_none)]
    pub payment_uri: Option<String>,
    /// The coin's contract.
    pub contract_address: String,
    pub decimals: u8,
    pub chain_id: u64,
    pub confirmations_required: u32,
}

/// A one-time ticket for the WebSocket.
#[derive(Object)]
#[oai(rename = "Ticket", example)]
pub struct TicketJson {
    pub ticket: String,
    /// Seconds.
    pub expires_in: i64,
}

impl From<OrderStatus> for StatusJson {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Pending => Self::Pending,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Expired => Self::Expired,
            OrderStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl OrderJson {
    /// As shoppers see it.
    pub fn for_page(config: &Config, order: Order) -> Self {
        Self {
            order_id: order.id.to_string(),
            status: order.status.into(),
            created_at: order.created_at,
            expires_at: order.expires_at,
            paid_at: order.paid_at(),
            payment: order
                .payment
                .as_ref()
                .map(|p| view::payment(config, p).into()),
            merchant_order_id: order.new.merchant_order_id,
            amount: order.new.amount,
            description: order.new.description,
            checkout_url: None,
            success_url: order.new.success_url,
            cancel_url: order.new.cancel_url,
        }
    }

    /// As its merchant sees it.
    pub fn for_merchant(config: &Config, order: Order) -> Self {
        let checkout_url = view::checkout_url(config, &order);
        Self {
            checkout_url,
            ..Self::for_page(config, order)
        }
    }
}

impl From<PaymentView> for PaymentJson {
    fn from(view: PaymentView) -> Self {
        Self {
            blockchain: view.blockchain,
            stablecoin: view.stablecoin,
            txn_hash: view.txn_hash,
            amount: view.amount,
            from_address: view.from_address,
            block_number: view.block_number,
            block_timestamp: view.block_timestamp,
            confirmations: view.confirmations,
            confirmations_required: view.confirmations_required,
            explorer_url: view.explorer_url,
        }
    }
}

impl From<PaymentOption> for OptionJson {
    fn from(option: PaymentOption) -> Self {
        Self {
            blockchain: option.blockchain.to_string(),
            stablecoin: option.coin.to_string(),
            wallet_address: option.wallet.to_string(),
            degraded: option.degraded.then_some(true),
        }
    }
}

impl From<PaymentDetail> for DetailJson {
    fn from(detail: PaymentDetail) -> Self {
        Self {
            order_id: detail.order.to_string(),
            wallet_address: detail.wallet.to_string(),
            amount: detail.amount.to_string(),
            blockchain: detail.blockchain.to_string(),
            stablecoin: detail.coin.to_string(),
            expires_at: detail.expires_at,
            payment_uri: detail.payment_uri,
            contract_address: detail.contract.to_string(),
            decimals: detail.decimals,
            chain_id: detail.chain_id,
            confirmations_required: detail.confirmations_required,
        }
    }
}
