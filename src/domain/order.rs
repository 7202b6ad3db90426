//! An order: what the merchant asks to be paid.

use uuid::Uuid;

use super::address::Address;
use super::registry::{Blockchain, Coin};
use crate::clock::UnixSeconds;

/// The order's public, unguessable id.
pub type OrderId = Uuid;

/// For so long a waiting transfer keeps its order from expiring and from being cancelled by the shopper, in seconds.
pub const HOLD: i64 = 24 * 3600;

/// The life of an order, by its names on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OrderStatus {
    Pending,
    Paid,
    Expired,
    Cancelled,
}

impl OrderStatus {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Paid, Self::Expired, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// Whether nothing is expected to happen to the order any more.
    pub fn is_terminal(self) -> bool {
        self != Self::Pending
    }
}

/// What a merchant asks for, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOrder {
    pub merchant_order_id: String,
    /// As the merchant wrote it: "20.00" stays "20.00".
    pub amount: String,
    /// Where the merchant hears of its states; nowhere, for one that an admin made by hand.
    pub webhook_url: Option<String>,
    /// Only transfers from this address count.
    pub expecting_address: Option<Address>,
    pub blockchain: Option<Blockchain>,
    pub stablecoin: Option<Coin>,
    pub description: Option<String>,
    /// How long the order stays payable, in seconds.
    pub expires_in: i64,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
}

/// An order as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its place in the store.
    pub row: i64,
    pub id: OrderId,
    pub new: NewOrder,
    pub status: OrderStatus,
    pub created_at: UnixSeconds,
    pub expires_at: UnixSeconds,
    /// When it left `pending`.
    pub closed_at: Option<UnixSeconds>,
    pub payment: Option<Payment>,
}

impl Order {
    /// The order as it was when it was created: what a repeated request is answered.
    pub fn as_created(self) -> Self {
        Self {
            status: OrderStatus::Pending,
            closed_at: None,
            payment: None,
            ..self
        }
    }

    pub fn paid_at(&self) -> Option<UnixSeconds> {
        self.closed_at.filter(|_| self.status == OrderStatus::Paid)
    }
}

/// The transfer that pays the order, or is about to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    pub blockchain: Blockchain,
    pub stablecoin: Coin,
    pub txn_hash: String,
    /// Canonical decimal text.
    pub amount: String,
    pub from_address: String,
    pub block_number: u64,
    pub block_timestamp: UnixSeconds,
    pub confirmations: u32,
    pub confirmations_required: u32,
}
