//! Creating an order: what a merchant may ask for, and never twice by accident.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{App, payments};
use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::domain::amount::{Amount, AmountError};
use crate::domain::order::{NewOrder, Order};
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::signature::origin_of;
use crate::store::audit::{self, Action, Actor};
use crate::store::changes::{self, Kind};
use crate::store::{StoreError, Tx, orders, replays};

/// For how long an idempotency key stands for its order, in seconds.
const KEY_LIFETIME: i64 = 24 * 3600;

/// A request as it came, authenticated but not checked. Field by field as in protocol.md.
#[derive(Clone, Debug, Default)]
pub struct CreateOrder {
    pub merchant_order_id: String,
    /// The text of the amount, whether it came as a string or a number.
    pub amount: String,
    /// The Service API always has one.
    pub webhook_url: Option<String>,
    pub expecting_wallet_address: Option<String>,
    pub blockchain: Option<String>,
    pub stablecoin: Option<String>,
    pub description: Option<String>,
    pub expires_in: Option<i64>,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
}

/// What tells a repeated request from a new one.
#[derive(Clone, Debug)]
pub struct Origin {
    pub signed_at: UnixSeconds,
    pub mac: Vec<u8>,
    pub idempotency_key: Option<String>,
    pub body_hash: Vec<u8>,
}

/// Why no order was made; the texts are the wire's.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("invalid order_id: expected 1 to 255 characters, none of them a control character")]
    MerchantOrderId,
    #[error("invalid amount: {0}")]
    Amount(#[from] AmountError),
    #[error("invalid webhook_url: {0}")]
    WebhookUrl(&'static str),
    #[error("invalid {0}: {1}")]
    PageUrl(&'static str, &'static str),
    #[error("invalid expecting_wallet_address: {0}")]
    ExpectingAddress(#[from] crate::domain::address::AddressError),
    #[error("invalid blockchain selection")]
    Selection,
    /// The ways to pay that there are.
    #[error("nobody could pay this order: no wallet takes what it asks for; {0}")]
    NotPayable(String),
    #[error("invalid description: expected at most 200 characters")]
    Description,
    #[error("invalid description: expected no control characters but line breaks and tabs")]
    DescriptionControl,
    #[error("invalid expires_in: expected 60 to 604800 seconds")]
    ExpiresIn,
    #[error("invalid Idempotency-Key: expected 1 to 255 visible ASCII characters")]
    Key,
    #[error("idempotency key reused with a different body")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes an order, or finds the one that the same request made before. The order returned is as it was created.
pub async fn create_order(
    app: &App,
    request: CreateOrder,
    origin: Origin,
) -> Result<Order, CreateError> {
    let config = app.config();
    let new = check(&config, request);
    if let Ok(new) = new.as_ref()
        && !payments::is_payable(&config, new)
    {
        // Allowed, since a wallet can be added while it is open; until then its page offers nothing.
        tracing::warn!(
            merchant_order_id = new.merchant_order_id,
            blockchain = new.blockchain.as_ref().map(Blockchain::as_str),
            stablecoin = new.stablecoin.as_ref().map(Coin::as_str),
            "nobody can pay this order: no wallet takes what it pre-selects"
        );
    }
    app.db()
        .write(move |tx| {
            if let Some(row) = earlier(tx, &origin)? {
                return Ok(orders::at(tx, row)?.as_created());
            }
            let order = insert(tx, new?)?;
            replays::remember_signature(tx, origin.signed_at, &origin.mac, order.row)?;
            if let Some(key) = &origin.idempotency_key {
                replays::remember_key(tx, key, &origin.body_hash, order.row)?;
            }
            Ok(order)
        })
        .await
}

/// Makes an order for the admin, who sees at once if nobody could pay it. A shop's own is made all the same.
pub async fn create_as_admin(
    app: &App,
    request: CreateOrder,
    actor: Actor,
) -> Result<Order, CreateError> {
    let config = app.config();
    let new = check(&config, request)?;
    if !payments::is_payable(&config, &new) {
        return Err(CreateError::NotPayable(ways_to_pay(&config)));
    }
    app.db()
        .write(move |tx| {
            let order = insert(tx, new)?;
            let action = Action {
                name: "create_order",
                order: Some(order.row),
                ..Action::default()
            };
            audit::note(tx, &actor, action)?;
            Ok(order)
        })
        .await
}

/// Which coins can be paid on which chains, as a sentence's end.
fn ways_to_pay(config: &Config) -> String {
    let pairs = config.wallets.iter().flat_map(|wallet| {
        let coins = wallet.enabled_coins.iter();
        coins.map(|coin| format!("{coin} on {}", wallet.blockchain))
    });
    let pairs: BTreeSet<String> = pairs.collect();
    match pairs.is_empty() {
        true => "there is no wallet".to_owned(),
        false => format!("what can be paid: {}", Vec::from_iter(pairs).join(", ")),
    }
}

fn insert(tx: &mut Tx<'_>, new: NewOrder) -> Result<Order, StoreError> {
    let order = orders::insert(tx, Uuid::now_v7(), new)?;
    changes::note_order(tx, Kind::OrderCreated, order.row)?;
    Ok(order)
}

/// The order that this request made before: by the very same signature, else by its key.
fn earlier(tx: &Tx<'_>, origin: &Origin) -> Result<Option<i64>, CreateError> {
    if let Some(row) = replays::by_signature(tx, origin.signed_at, &origin.mac)? {
        return Ok(Some(row));
    }
    let Some(key) = &origin.idempotency_key else {
        return Ok(None);
    };
    check_key(key)?;
    match replays::by_key(tx, key, tx.now - KEY_LIFETIME)? {
        Some((hash, _)) if hash != origin.body_hash => Err(CreateError::KeyReused),
        Some((_, row)) => Ok(Some(row)),
        None => Ok(None),
    }
}

fn check_key(key: &str) -> Result<(), CreateError> {
    let sound = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if sound { Ok(()) } else { Err(CreateError::Key) }
}

fn check(config: &Config, request: CreateOrder) -> Result<NewOrder, CreateError> {
    let id = &request.merchant_order_id;
    if id.is_empty() || id.chars().count() > 255 || id.chars().any(char::is_control) {
        return Err(CreateError::MerchantOrderId);
    }
    Amount::parse_order_amount(&request.amount)?;
    if let Some(url) = &request.webhook_url {
        check_url(url).map_err(CreateError::WebhookUrl)?;
    }
    let expecting_address = match &request.expecting_wallet_address {
        Some(text) => Some(text.parse()?),
        None => None,
    };
    let blockchain = request.blockchain.as_deref().map(Blockchain::new);
    let stablecoin = request.stablecoin.as_deref().map(Coin::new);
    if !selection_is_known(config, blockchain.as_ref(), stablecoin.as_ref()) {
        return Err(CreateError::Selection);
    }
    if let Some(description) = &request.description {
        check_description(description)?;
    }
    for (name, url) in [
        ("success_url", &request.success_url),
        ("cancel_url", &request.cancel_url),
    ] {
        if let Some(url) = url {
            check_url(url).map_err(|why| CreateError::PageUrl(name, why))?;
        }
    }
    let expires_in = match request.expires_in {
        Some(seconds) if (60..=604_800).contains(&seconds) => seconds,
        Some(_) => return Err(CreateError::ExpiresIn),
        None => config
            .orders
            .expires_after
            .as_secs()
            .try_into()
            .unwrap_or(i64::MAX),
    };
    Ok(NewOrder {
        merchant_order_id: request.merchant_order_id,
        amount: without_leading_zeros(&request.amount).to_owned(),
        webhook_url: request.webhook_url,
        expecting_address,
        blockchain,
        stablecoin,
        description: request.description,
        expires_in,
        success_url: request.success_url,
        cancel_url: request.cancel_url,
    })
}

/// The shopper's page and the merchant's tables show it as it is.
fn check_description(text: &str) -> Result<(), CreateError> {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    match text.chars().all(is_shown) {
        _ if text.chars().count() > 200 => Err(CreateError::Description),
        true => Ok(()),
        false => Err(CreateError::DescriptionControl),
    }
}

/// An order's amount keeps the decimals it came with, since "20.00" is how shops write it; zeros before the number mean nothing.
fn without_leading_zeros(amount: &str) -> &str {
    let whole = amount.find('.').unwrap_or(amount.len());
    let zeros = amount.bytes().take_while(|b| *b == b'0').count();
    &amount[zeros.min(whole.saturating_sub(1))..]
}

pub(super) fn check_url(url: &str) -> Result<(), &'static str> {
    if url.len() > 2048 {
        return Err("longer than 2048 characters");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("contains white space or control characters");
    }
    match origin_of(url) {
        Some(_) => Ok(()),
        None => Err("expected an absolute http or https URL with a host"),
    }
}

/// Whether the server knows the chain and the coin, each for itself and, where both are named, together.
fn selection_is_known(
    config: &Config,
    blockchain: Option<&Blockchain>,
    coin: Option<&Coin>,
) -> bool {
    let has_coin = |chain: &crate::config::ChainConfig| {
        coin.is_none_or(|coin| chain.chain.tokens.iter().any(|t| t.coin == *coin))
    };
    match blockchain {
        Some(blockchain) => config.chain(blockchain).is_some_and(has_coin),
        None => coin.is_none() || config.chains.values().any(has_coin),
    }
}
