//! What an admin asks to be paid.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Deserialize;

use crate::http::types::{CreateOrderBody, text_of_string_or_number};
use crate::service::create_order::CreateOrder;

/// An order made by hand: the Service API's, whose webhook may be left out.
#[derive(Object, Deserialize)]
#[oai(rename = "AdminNewOrder", example)]
pub struct AdminNewOrderBody {
    /// Your own id for it, echoed as `merchant_order_id`: 1 to 255 characters.
    pub order_id: String,
    /// Exact decimal: up to 12 digits, optionally a point and up to 6 decimals; greater than zero. A JSON number is
    /// taken by its text.
    #[serde(deserialize_with = "text_of_string_or_number")]
    #[oai(validator(pattern = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"))]
    pub amount: String,
    /// Where status changes are POSTed: an absolute http(s) URL. Without one nobody is told.
    #[oai(skip_serializing_if_is_none)]
    pub webhook_url: Option<String>,
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

impl From<AdminNewOrderBody> for CreateOrder {
    fn from(body: AdminNewOrderBody) -> Self {
        Self {
            merchant_order_id: body.order_id,
            amount: body.amount,
            webhook_url: body.webhook_url,
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

impl Example for AdminNewOrderBody {
    fn example() -> Self {
        let order = CreateOrderBody::example();
        Self {
            order_id: order.order_id,
            amount: order.amount,
            webhook_url: None,
            expecting_wallet_address: None,
            blockchain: None,
            stablecoin: None,
            description: order.description,
            expires_in: Some(86_400),
            success_url: None,
            cancel_url: None,
        }
    }
}
