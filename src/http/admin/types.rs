//! What the Admin API sends and takes as JSON. A field that the compatible protocol has is there even if it is null.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Deserialize;

use super::likely::LikelyJson;
use crate::config::{Config, Wallet};
use crate::domain::likely::Reason;
use crate::http::types::{OrderJson, OrderReference, PaymentJson, StatusJson};
use crate::service::admin::transfers::Examined;
use crate::service::admin::{Claim, ListedDeposit, ListedOrder, ListedTransfer, Meant};
use crate::service::view;

/// An order and how its webhook fares.
#[derive(Object)]
#[oai(rename = "AdminOrder", example)]
pub struct AdminOrderJson {
    /// The server's id: a UUID.
    pub order_id: String,
    /// The merchant's id.
    pub merchant_order_id: String,
    /// As the merchant wrote it.
    pub amount: String,
    pub status: StatusJson,
    /// Unix seconds, as all times.
    pub created_at: i64,
    /// Empty where the order has none, as one made by hand may.
    pub webhook_url: String,
    /// How often the webhook of the present status was sent in vain.
    pub webhook_retry_count: u32,
    pub webhook_success_at: Option<i64>,
    pub webhook_last_tried_at: Option<i64>,
    pub expires_at: i64,
    #[oai(skip_serializing_if_is_none)]
    pub description: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub paid_at: Option<i64>,
    /// The payment seen for the order.
    #[oai(skip_serializing_if_is_none)]
    pub payment: Option<PaymentJson>,
    /// The bundled checkout page for this order, where the page is enabled.
    #[oai(skip_serializing_if_is_none)]
    pub checkout_url: Option<String>,
}

/// An open deposit: what a shopper was asked to send.
#[derive(Object)]
#[oai(rename = "AdminDeposit", example)]
pub struct AdminDepositJson {
    pub id: i64,
    pub order_id: String,
    pub blockchain: String,
    pub token: String,
    /// The only sender that counts, where the order names one.
    pub user_address: Option<String>,
    pub wallet_address: String,
    pub value: String,
    pub started_at: i64,
    /// Everything that was mined before this moment has been read.
    pub last_scanned_at: i64,
}

/// A transfer to one of the merchant's wallets.
#[derive(Object)]
#[oai(rename = "AdminTransfer", example)]
pub struct AdminTransferJson {
    pub id: i64,
    pub blockchain: String,
    pub token: String,
    pub from_address: String,
    pub to_address: String,
    pub txn_hash: String,
    pub value: String,
    pub block_number: u64,
    pub block_timestamp: i64,
    /// Whether it is as deep in the chain as the chain needs.
    pub blockchain_confirmed: bool,
    pub created_at: i64,
    /// `waiting_for_confirmation`, `failed_to_confirm`, `waiting_for_match`, `no_matched_deposit` or `matched`.
    pub status: String,
    /// The deposit that it paid.
    pub fulfillment_id: Option<i64>,
    /// The order that it paid or is about to pay.
    #[oai(skip_serializing_if_is_none)]
    pub order_id: Option<String>,
    pub contract_address: String,
    pub confirmations: u64,
    pub confirmations_required: u32,
    /// Why it is neither confirmed nor given up yet: `no_second_provider`, `awaiting_second` or `providers_disagree`.
    #[oai(skip_serializing_if_is_none)]
    pub held_back: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub explorer_url: Option<String>,
    /// Hidden from the inbox of unmatched transfers by an admin.
    pub ignored: bool,
    /// It was unmatched and below `payments.report_from` when it was confirmed, and so was not reported.
    pub small: bool,
    /// It paid its order and then left the chain: find out what happened.
    pub vanished: bool,
    /// It paid a deposit of the bare amount while one with a tail on it was open: perhaps another shopper dropped the tail.
    pub tail_dropped: bool,
    /// Of an unmatched one that is not ignored, the orders that it may have been meant for; of one with `tail_dropped`, the
    /// others that asked for this amount with a tail. The likeliest first. Absent where none were looked for: of all others, in the
    /// list of a wallet, and in the answers to deeds.
    #[oai(skip_serializing_if_is_none)]
    pub likely: Option<Vec<LikelyJson>>,
    /// What shoppers say about its transaction. Absent in the list of a wallet, and in the answers to deeds.
    #[oai(skip_serializing_if_is_none)]
    pub claims: Option<Vec<ClaimJson>>,
}

/// A shopper's word that a transaction is the payment of an order. Anybody can say that of any transaction.
#[derive(Object)]
#[oai(rename = "AdminClaim")]
pub struct ClaimJson {
    pub order_id: String,
    pub merchant_order_id: String,
    pub txn_hash: String,
    /// Where it was found.
    pub blockchain: Option<String>,
    /// What it was to the order when last claimed.
    pub finding: String,
    pub claimed_at: i64,
    /// Whether no chain had the transaction in a block then: few but its sender look for one earlier.
    pub before_public: bool,
}

impl From<Claim> for ClaimJson {
    fn from(claim: Claim) -> Self {
        Self {
            order_id: claim.order.to_string(),
            merchant_order_id: claim.merchant_order_id,
            txn_hash: claim.about.txn_hash,
            blockchain: claim.about.blockchain.map(|b| b.to_string()),
            finding: claim.about.finding.as_str().to_owned(),
            claimed_at: claim.claimed_at,
            before_public: claim.before_public,
        }
    }
}

/// A wallet in the configuration.
#[derive(Object)]
#[oai(rename = "AdminWallet", example)]
pub struct AdminWalletJson {
    pub blockchain: String,
    pub address: String,
    pub enabled_coins: Vec<String>,
}

/// Which order a transfer pays, and why.
#[derive(Object, Deserialize)]
#[oai(rename = "Assignment", example)]
pub struct AssignmentBody {
    /// The order's UUID.
    pub order_id: String,
    /// Up to 500 characters, for the audit trail.
    #[oai(skip_serializing_if_is_none)]
    pub reason: Option<String>,
}

impl Example for AssignmentBody {
    fn example() -> Self {
        Self {
            order_id: OrderReference::example().order_id,
            reason: Some("the customer sent 0.50 too little; agreed by e-mail".into()),
        }
    }
}

impl Example for ReasonBody {
    fn example() -> Self {
        Self {
            reason: Some("paid in cash".into()),
        }
    }
}

/// Why an admin does something, for the audit trail.
#[derive(Object, Deserialize)]
#[oai(rename = "Reason", example)]
pub struct ReasonBody {
    /// Up to 500 characters.
    #[oai(skip_serializing_if_is_none)]
    pub reason: Option<String>,
}

impl AdminOrderJson {
    pub fn new(config: &Config, listed: ListedOrder) -> Self {
        let webhook_url = listed.order.new.webhook_url.clone().unwrap_or_default();
        let order = OrderJson::for_merchant(config, listed.order);
        Self {
            order_id: order.order_id,
            merchant_order_id: order.merchant_order_id,
            amount: order.amount,
            status: order.status,
            created_at: order.created_at,
            webhook_url,
            webhook_retry_count: listed.webhook_failures,
            webhook_success_at: listed.webhook_success_at,
            webhook_last_tried_at: listed.webhook_tried_at,
            expires_at: order.expires_at,
            description: order.description,
            paid_at: order.paid_at,
            payment: order.payment,
            checkout_url: order.checkout_url,
        }
    }
}

impl AdminDepositJson {
    pub fn new(deposit: ListedDeposit, last_scanned_at: i64) -> Self {
        Self {
            id: deposit.row,
            order_id: deposit.order_id,
            blockchain: deposit.blockchain,
            token: deposit.coin,
            user_address: deposit.expected_sender,
            wallet_address: deposit.wallet,
            value: deposit.value.to_string(),
            started_at: deposit.opened_at,
            last_scanned_at,
        }
    }
}

impl AdminTransferJson {
    pub fn new(config: &Config, transfer: ListedTransfer) -> Self {
        Self {
            explorer_url: view::explorer_url(config, &transfer.blockchain, &transfer.txn_hash),
            id: transfer.row,
            blockchain: transfer.blockchain,
            token: transfer.coin,
            from_address: transfer.sender,
            to_address: transfer.recipient,
            txn_hash: transfer.txn_hash,
            value: transfer.value,
            block_number: transfer.block_number,
            block_timestamp: transfer.block_timestamp,
            blockchain_confirmed: transfer.status.is_confirmed(),
            created_at: transfer.created_at,
            status: transfer.status.as_str().to_owned(),
            fulfillment_id: transfer.fulfillment,
            order_id: transfer.order_id,
            contract_address: transfer.contract,
            confirmations: transfer.confirmations,
            confirmations_required: transfer.required,
            held_back: transfer.held_back,
            ignored: transfer.ignored,
            small: transfer.small,
            vanished: transfer.vanished,
            tail_dropped: transfer.tail_dropped,
            likely: None,
            claims: None,
        }
    }

    pub fn examined(config: &Config, examined: Examined) -> Self {
        let meant = |orders: Vec<(Meant, Vec<Reason>)>| {
            let orders = orders.into_iter();
            orders.map(|(m, why)| LikelyJson::new(m, &why)).collect()
        };
        let claims = examined.claims.into_iter();
        Self {
            likely: examined.likely.map(meant),
            claims: Some(claims.map(ClaimJson::from).collect()),
            ..Self::new(config, examined.transfer)
        }
    }
}

impl From<&Wallet> for AdminWalletJson {
    fn from(wallet: &Wallet) -> Self {
        Self {
            blockchain: wallet.blockchain.to_string(),
            address: wallet.address.to_string(),
            enabled_coins: wallet
                .enabled_coins
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}
