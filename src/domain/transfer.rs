//! A transfer: one token Transfer event to one of our wallets, seen on a chain.

use super::address::Address;
use super::amount::Amount;
use super::registry::{Blockchain, Coin};
use crate::clock::UnixSeconds;

/// What tells one transfer from every other, whoever reported it: an explorer hides the log index,
/// and a block-wide index shifts with a reorg, so equal events of one transaction are told apart by
/// their ordinal among themselves.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TransferId {
    /// `0x` and 64 lower-case hex digits; on Tron without `0x`, as its explorers write it.
    pub txn_hash: String,
    pub contract: Address,
    pub sender: Address,
    pub recipient: Address,
    /// In the token's base units.
    pub units: u128,
    /// 0 for the first of equal events in a transaction, by their order in the block.
    pub ordinal: u32,
}

/// Where a transfer was mined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockRef {
    pub number: u64,
    /// Lower-case hex as the chain writes it.
    pub hash: String,
    pub timestamp: UnixSeconds,
}

/// A transfer as a provider reports it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainTransfer {
    pub id: TransferId,
    pub block: BlockRef,
}

/// Gives equal events of one transaction their ordinals. Expects the order of the chain.
pub fn number_equal_events(transfers: &mut [ChainTransfer]) {
    let mut seen = std::collections::HashMap::new();
    for transfer in transfers {
        transfer.id.ordinal = 0;
        let next = seen.entry(transfer.id.clone()).or_insert(0u32);
        transfer.id.ordinal = *next;
        *next += 1;
    }
}

/// The life of a transfer, by its names on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransferStatus {
    WaitingForConfirmation,
    FailedToConfirm,
    WaitingForMatch,
    NoMatchedDeposit,
    Matched,
}

impl TransferStatus {
    pub const ALL: [Self; 5] = [
        Self::WaitingForConfirmation,
        Self::FailedToConfirm,
        Self::WaitingForMatch,
        Self::NoMatchedDeposit,
        Self::Matched,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForConfirmation => "waiting_for_confirmation",
            Self::FailedToConfirm => "failed_to_confirm",
            Self::WaitingForMatch => "waiting_for_match",
            Self::NoMatchedDeposit => "no_matched_deposit",
            Self::Matched => "matched",
        }
    }

    /// Whether it was found deep enough in its chain.
    pub fn is_confirmed(self) -> bool {
        matches!(
            self,
            Self::WaitingForMatch | Self::NoMatchedDeposit | Self::Matched
        )
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// A transfer as the rules about money see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    pub blockchain: Blockchain,
    pub coin: Coin,
    pub sender: Address,
    pub recipient: Address,
    pub value: Amount,
    /// The highest block it was ever seen in: a reorg does not turn a payment into history.
    pub block_number: u64,
    /// The time of the earliest block it was ever seen in: a reorg does not make it younger or later.
    pub mined_at: UnixSeconds,
    /// Its place in the order in which transfers were stored.
    pub sequence: i64,
}
