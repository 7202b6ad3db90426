//! A shopper names a transaction: what comes in and what goes out.

use poem::Request;
use poem_openapi::payload::PlainText;
use poem_openapi::{ApiResponse, Enum, Object};
use serde::Deserialize;

use super::auth;
use super::body::RawJson;
use super::errors::{Failure, INTERNAL};
use crate::domain::claim::Finding;
use crate::service::App;
use crate::service::claims::{self, ClaimError, Examined};

/// A transaction that is said to be the payment.
#[derive(Object, Deserialize)]
#[oai(rename = "NamedTransaction", example)]
pub struct ClaimBody {
    /// The transaction's hash, or a link to it in an explorer.
    pub txn_hash: String,
    /// Where to look first, if the shopper knows.
    #[oai(skip_serializing_if_is_none)]
    pub blockchain: Option<String>,
}

/// What a transaction is to an order.
#[derive(Enum, Clone, Copy)]
#[oai(rename = "Finding", rename_all = "snake_case")]
pub enum FindingJson {
    /// It paid the order.
    Paid,
    /// It will pay the order once it has enough confirmations. Nothing needs to be done.
    Confirming,
    /// Another coin than the order's deposits ask for, or a contract that is none of the coin's.
    WrongCoin,
    /// The order has no deposit on that chain.
    WrongNetwork,
    /// It sends no coin to the address that the order gave.
    WrongAddress,
    /// From another account than the one that the order expects.
    WrongSender,
    /// Less than the exact amount, by `difference`.
    Short,
    /// More than the exact amount, by `difference`.
    Over,
    /// Mined before the order's deposit was made.
    TooEarly,
    /// Mined after the order's time, or after it was closed.
    TooLate,
    /// It paid something else.
    AlreadyUsed,
    /// It failed: nothing was sent.
    Reverted,
    /// No chain knows it yet. Just sent, it can take a minute.
    NotFound,
    /// The order has no deposit: nobody has chosen how to pay it.
    NoDeposit,
    /// Not all chains could be asked now: try again later.
    Unclear,
}

/// The answer to a claim. What is not known is absent.
#[derive(Object)]
#[oai(rename = "Examined", example)]
pub struct ExaminedJson {
    pub finding: FindingJson,
    /// Where the transaction was found.
    #[oai(skip_serializing_if_is_none)]
    pub blockchain: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub stablecoin: Option<String>,
    /// What it sends.
    #[oai(skip_serializing_if_is_none)]
    pub amount: Option<String>,
    /// What the order's deposit asks for.
    #[oai(skip_serializing_if_is_none)]
    pub expected: Option<String>,
    /// By how much it is short or over.
    #[oai(skip_serializing_if_is_none)]
    pub difference: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub confirmations: Option<u64>,
    #[oai(skip_serializing_if_is_none)]
    pub confirmations_required: Option<u32>,
    #[oai(skip_serializing_if_is_none)]
    pub explorer_url: Option<String>,
    /// Whether the merchant sees it as a claim of this order.
    pub reported: bool,
}

/// Errors of a claim.
#[derive(ApiResponse)]
pub enum ClaimErrors {
    /// As for every signed URL, and "invalid JSON body: …", "invalid txn_hash: …" or "invalid blockchain selection".
    #[oai(status = 400)]
    BadRequest(PlainText<String>),
    /// "missing Ocrch-Signature header", "signature verification failed" or "signature expired".
    #[oai(status = 401)]
    Unauthorized(PlainText<String>),
    /// "origin not allowed" or "signed url is for another order".
    #[oai(status = 403)]
    Forbidden(PlainText<String>),
    /// "order not found".
    #[oai(status = 404)]
    NotFound(PlainText<String>),
    /// "request body too large": over 64 KiB.
    #[oai(status = 413)]
    TooLarge(PlainText<String>),
    /// "too many look-ups, try again later".
    #[oai(status = 429)]
    TooMany(
        PlainText<String>,
        /// Seconds to wait.
        #[oai(header = "Retry-After")]
        u64,
    ),
    /// "internal server error": something failed on our side; the log has it, and trying again is safe.
    #[oai(status = 500)]
    Internal(PlainText<String>),
    /// "temporarily unavailable, try again later": the database cannot be used just now, say because the disk is full. What
    /// was found is not kept; ask again.
    #[oai(status = 503)]
    Unavailable(PlainText<String>),
}

/// Examines the transaction in the body for the order in the path.
pub async fn examine(
    app: &App,
    request: &Request,
    id: &str,
    body: RawJson<ClaimBody>,
) -> Result<ExaminedJson, ClaimErrors> {
    let id = auth::page_for_order(app, request, id)?;
    let claim = body.parse()?;
    let examined = claims::examine(app, id, &claim.txn_hash, claim.blockchain.as_deref()).await;
    examined
        .map(ExaminedJson::from)
        .map_err(|error| match error {
            ClaimError::Order(error) => Failure::from(error).into(),
            ClaimError::TooMany { retry_after } => {
                ClaimErrors::TooMany(PlainText(error.to_string()), retry_after)
            }
            ClaimError::Hash | ClaimError::Selection => {
                ClaimErrors::BadRequest(PlainText(error.to_string()))
            }
        })
}

impl From<Failure> for ClaimErrors {
    fn from(failure: Failure) -> Self {
        let text = PlainText(failure.text.into_owned());
        match failure.status.as_u16() {
            400 => Self::BadRequest(text),
            401 => Self::Unauthorized(text),
            403 => Self::Forbidden(text),
            404 => Self::NotFound(text),
            413 => Self::TooLarge(text),
            500 => Self::Internal(text),
            503 => Self::Unavailable(text),
            status => {
                tracing::error!(
                    status,
                    text = text.0,
                    "a claim failed in a way that is not documented"
                );
                Self::Internal(PlainText(INTERNAL.text.into_owned()))
            }
        }
    }
}

impl From<Examined> for ExaminedJson {
    fn from(examined: Examined) -> Self {
        let text = |amount: crate::domain::amount::Amount| amount.to_string();
        Self {
            finding: examined.finding.into(),
            blockchain: examined.blockchain.map(|blockchain| blockchain.to_string()),
            stablecoin: examined.coin.map(|coin| coin.to_string()),
            amount: examined.amount.map(text),
            expected: examined.expected.map(text),
            difference: examined.difference.map(text),
            confirmations: examined.confirmations,
            confirmations_required: examined.confirmations_required,
            explorer_url: examined.explorer_url,
            reported: examined.reported,
        }
    }
}

impl From<Finding> for FindingJson {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Paid => Self::Paid,
            Finding::Confirming => Self::Confirming,
            Finding::WrongCoin => Self::WrongCoin,
            Finding::WrongNetwork => Self::WrongNetwork,
            Finding::WrongAddress => Self::WrongAddress,
            Finding::WrongSender => Self::WrongSender,
            Finding::Short => Self::Short,
            Finding::Over => Self::Over,
            Finding::TooEarly => Self::TooEarly,
            Finding::TooLate => Self::TooLate,
            Finding::AlreadyUsed => Self::AlreadyUsed,
            Finding::Reverted => Self::Reverted,
            Finding::NotFound => Self::NotFound,
            Finding::NoDeposit => Self::NoDeposit,
            Finding::Unclear => Self::Unclear,
        }
    }
}
