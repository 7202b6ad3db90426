//! All about one order.

use poem_openapi::Object;

use super::audit::AuditJson;
use super::types::{AdminOrderJson, AdminTransferJson, ClaimJson};
use super::webhooks::WebhookJson;
use crate::config::Config;
use crate::service::admin::orders::Detail;
use crate::service::admin::{FeedEntry, ListedDeposit};

/// An order with all that happened to it.
#[derive(Object)]
#[oai(rename = "AdminOrderDetail", example)]
pub struct OrderDetailJson {
    pub order: AdminOrderJson,
    /// The only sender that counts.
    #[oai(skip_serializing_if_is_none)]
    pub expecting_wallet_address: Option<String>,
    /// The pre-selected chain and coin.
    #[oai(skip_serializing_if_is_none)]
    pub blockchain: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub stablecoin: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub success_url: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub cancel_url: Option<String>,
    /// What its shopper was asked to send, the oldest first.
    pub deposits: Vec<DetailDepositJson>,
    /// What paid it or is about to, the oldest first.
    pub transfers: Vec<AdminTransferJson>,
    /// Each with every attempt that is still known, the oldest webhook first.
    pub webhooks: Vec<WebhookJson>,
    /// What happened to it, the oldest first, as far back as `retention.events`.
    pub history: Vec<HistoryJson>,
    /// What admins did to it, the oldest first.
    pub audit: Vec<AuditJson>,
    /// What its shopper said to have paid.
    pub claims: Vec<ClaimJson>,
}

/// What a shopper was asked to send.
#[derive(Object)]
#[oai(rename = "OrderDeposit")]
pub struct DetailDepositJson {
    pub id: i64,
    pub blockchain: String,
    pub token: String,
    pub wallet_address: String,
    pub value: String,
    /// `open`, `fulfilled` or `closed`.
    pub status: String,
    pub started_at: i64,
    pub closed_at: Option<i64>,
}

/// One thing that happened to an order.
#[derive(Object)]
#[oai(rename = "HistoryEntry")]
pub struct HistoryJson {
    pub at: i64,
    /// `order_created`, `order_status_changed` or `payment_changed`.
    pub kind: String,
    /// The order's status from then on.
    pub status: String,
    /// The transaction of the payment shown from then on.
    pub txn_hash: Option<String>,
}

impl OrderDetailJson {
    pub fn new(config: &Config, detail: Detail) -> Self {
        let new = &detail.listed.order.new;
        let transfers = detail.transfers.into_iter();
        Self {
            expecting_wallet_address: new.expecting_address.map(|a| a.to_string()),
            blockchain: new.blockchain.as_ref().map(ToString::to_string),
            stablecoin: new.stablecoin.as_ref().map(ToString::to_string),
            success_url: new.success_url.clone(),
            cancel_url: new.cancel_url.clone(),
            order: AdminOrderJson::new(config, detail.listed),
            deposits: detail.deposits.into_iter().map(Into::into).collect(),
            transfers: transfers
                .map(|t| AdminTransferJson::examined(config, t))
                .collect(),
            webhooks: detail.webhooks.into_iter().map(Into::into).collect(),
            history: detail.history.into_iter().filter_map(history).collect(),
            audit: detail.audit.into_iter().map(Into::into).collect(),
            claims: detail.claims.into_iter().map(Into::into).collect(),
        }
    }
}

fn history(entry: FeedEntry) -> Option<HistoryJson> {
    let order = entry.order?;
    Some(HistoryJson {
        at: entry.at,
        kind: entry.kind,
        status: order.status.as_str().to_owned(),
        txn_hash: order.payment.map(|p| p.txn_hash),
    })
}

impl From<ListedDeposit> for DetailDepositJson {
    fn from(deposit: ListedDeposit) -> Self {
        Self {
            id: deposit.row,
            blockchain: deposit.blockchain,
            token: deposit.coin,
            wallet_address: deposit.wallet,
            value: deposit.value.to_string(),
            status: deposit.status,
            started_at: deposit.opened_at,
            closed_at: deposit.closed_at,
        }
    }
}
