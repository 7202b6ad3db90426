//! A deposit: the promise shown to the shopper, "exactly `value` of a coin to this wallet on this chain".

use super::address::Address;
use super::amount::Amount;
use super::registry::{Blockchain, Coin};
use super::transfer::Transfer;
use crate::clock::UnixSeconds;

/// How far a chain's clock may be behind ours, in seconds.
const CLOCK_SKEW: i64 = 60;

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
    /// Whether a transfer is younger: mined in a block not older than the opening and above the head known then, if one
    /// was, and not stored before. History never pays. The head alone would not do: on a chain where nothing was going on
    /// it can be two minutes old.
    pub fn is_before(&self, transfer: &Transfer) -> bool {
        self.head.is_none_or(|head| transfer.block_number > head)
            && self.is_before_by_time(transfer)
    }

    /// The same by the block's time alone: for a transfer on another chain, whose block numbers say nothing here.
    pub fn is_before_by_time(&self, transfer: &Transfer) -> bool {
        transfer.mined_at + CLOCK_SKEW >= self.at && transfer.sequence > self.after_sequence
    }
}
