//! What the admin sees and does. Each deed is one transaction with its line in the audit trail.

pub mod audit;
pub mod chains;
pub mod deposits;
pub mod feed;
pub mod names;
pub mod orders;
pub mod stats;
pub mod transfers;
pub mod webhooks;

use super::orders::OrderError;
use crate::store::StoreError;

/// What callers meet of the store.
pub use crate::store::audit::{Actor, Entry as AuditEntry};
pub use crate::store::changes::Entry as FeedEntry;
pub use crate::store::claims::Claim;
pub use crate::store::deposit_list::{DepositFilter, ListedDeposit};
pub use crate::store::event_list::{EventFilter, ListedAttempt, ListedEvent};
pub use crate::store::likely::Meant;
pub use crate::store::order_list::{ListedOrder, OrderFilter};
pub use crate::store::page::{Page, Place};
pub use crate::store::transfer_list::{ListedTransfer, TransferFilter};

/// Why the admin's wish was not done; the texts are the wire's.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("resource not found")]
    NotFound,
    #[error("order is pending")]
    OrderIsPending,
    #[error("order has no webhook_url")]
    OrderHasNoWebhook,
    #[error("order is paid")]
    OrderIsPaid,
    #[error("transfer is matched")]
    Matched,
    #[error("transfer is not confirmed")]
    NotConfirmed,
    #[error("transfer is not unmatched")]
    NotUnmatched,
    #[error("no merchant.unknown_transfer_webhook_url is configured")]
    NoWebhookUrl,
    #[error("invalid blockchain: expected one of {0}")]
    Blockchain(String),
    #[error("invalid token: expected one of {0}")]
    Token(String),
    #[error("invalid url: {0}")]
    Url(&'static str),
    #[error("too many tests are under way, try again later")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OrderError> for AdminError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Store(error) => Self::Store(error),
            _ => Self::NotFound,
        }
    }
}
