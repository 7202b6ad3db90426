//! A deposit: the promise shown to the shopper, "exactly `value` of a coin to this wallet on this chain".

use super::address::Address;
use super::amount::Amount;
use super::registry::{Blockchain, Coin};
use super::transfer::Transfer;
use crate::clock::UnixSeconds;

/// How far a chain's clock may be behind ours, in seconds, where the block's time decides alone.
const CLOCK_SKEW: i64 = 60;

/// The same where a head is known: as much as signatures allow, beyond which no shop can order anyway. A transfer to who pays
/// within seconds must not look old because our clock is fast.
const CLOCK_ERROR: i64 = 300;

/// So many of the newest blocks may be replaced by others after a deposit remembered them.
const MAY_BE_REPLACED: u64 = 2;

/// A deposit as the rules about money see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deposit {
    /// Row id; older deposits have smaller ones.
    pub id: i64,
    pub blockchain: Blockchain,
    pub coin: Coin,
    pub wallet: Address,
    pub value: Amount,
    /// The only sender that counts, where the order names one.
    pub expected_sender: Option<Address>,
    pub opened: Opened,
    /// Transfers mined later than this are too late.
    pub expires_at: UnixSeconds,
}

/// What was known when a deposit was made: only younger transfers can pay it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opened {
    pub at: UnixSeconds,
    /// The head known for the chain, if one was.
    pub head: Option<u64>,
    /// The sequence of the last transfer stored before.
    pub after_sequence: i64,
}

impl Opened {
    /// Whether a transfer is younger: in a block above the head known then, if one was, or in one that took the place of the
    /// newest and was mined later than the opening; and not stored before. History never pays. The head alone would not do:
    /// a node can lag.
    pub fn is_before(&self, transfer: &Transfer) -> bool {
        let Some(head) = self.head else {
            return self.is_before_by_time(transfer);
        };
        let younger = match transfer.block_number > head {
            true => transfer.mined_at + CLOCK_ERROR >= self.at,
            false => transfer.block_number + MAY_BE_REPLACED > head && transfer.mined_at > self.at,
        };
        younger && transfer.sequence > self.after_sequence
    }

    /// The same by the block's time alone: for a transfer on another chain, whose block numbers say nothing here.
    pub fn is_before_by_time(&self, transfer: &Transfer) -> bool {
        transfer.mined_at + CLOCK_SKEW >= self.at && transfer.sequence > self.after_sequence
    }
}
