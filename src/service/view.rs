//! Orders and payments with what the configuration adds for their readers.

use serde::Serialize;

use crate::config::Config;
use crate::domain::order::{Order, Payment};
use crate::domain::registry::Blockchain;
use crate::domain::signature::sign_url;

/// A payment as the wire shows it.
#[derive(Clone, Debug, Serialize)]
pub struct PaymentView {
    pub blockchain: String,
    pub stablecoin: String,
    pub txn_hash: String,
    pub amount: String,
    pub from_address: String,
    pub block_number: u64,
    pub block_timestamp: i64,
    pub confirmations: u32,
    pub confirmations_required: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explorer_url: Option<String>,
}

/// Adds the explorer's link.
pub fn payment(config: &Config, payment: &Payment) -> PaymentView {
    PaymentView {
        blockchain: payment.blockchain.to_string(),
        stablecoin: payment.stablecoin.to_string(),
        txn_hash: payment.txn_hash.clone(),
        amount: payment.amount.clone(),
        from_address: payment.from_address.clone(),
        block_number: payment.block_number,
        block_timestamp: payment.block_timestamp,
        confirmations: payment.confirmations,
        confirmations_required: payment.confirmations_required,
        explorer_url: explorer_url(config, payment.blockchain.as_str(), &payment.txn_hash),
    }
}

/// Where people look a transaction up.
pub fn explorer_url(config: &Config, blockchain: &str, txn_hash: &str) -> Option<String> {
    let chain = config.chain(&Blockchain::new(blockchain))?;
    chain.chain.explorer_link(txn_hash)
}

/// The bundled page's URL for an order, signed as of the order's creation: signatures of our own origin
/// do not grow old while the order lives. `None` where the page is switched off.
pub fn checkout_url(config: &Config, order: &Order) -> Option<String> {
    if !config.checkout.enabled {
        return None;
    }
    let url = format!(
        "{}/checkout?order_id={}",
        config.server.public_url, order.id
    );
    let signature = sign_url(config.merchant.secret.expose(), order.created_at, &url);
    Some(format!("{url}&sig={}", escape_base64(&signature)))
}

/// Base64's own characters that a query value must not hold as they are.
fn escape_base64(text: &str) -> String {
    text.replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}
