//! "I paid, but nothing happens": what a transaction that a shopper names is to an order.
//!
//! It tells; it decides nothing. Wallets are public, so anybody can name a stranger's transaction.

use super::address::{Address, Family};
use super::amount::Amount;
use super::deposit::Deposit;
use super::matching::{self, Misfit};
use super::registry::{Blockchain, Coin};
use super::transfer::Transfer;
use crate::clock::UnixSeconds;

/// A transaction's hash as a shopper wrote it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TxnHash {
    /// 64 hex digits in lower case.
    digits: String,
    /// With `0x` before them, which only EVM chains write.
    prefixed: bool,
}

impl TxnHash {
    /// Finds the hash in a text: the hash itself, or an explorer's link to it. `None` unless there is exactly one.
    pub fn find(text: &str) -> Option<Self> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let mut hashes = words.filter_map(Self::read);
        let found = hashes.next()?;
        hashes
            .all(|other| other.digits == found.digits)
            .then_some(found)
    }

    fn read(word: &str) -> Option<Self> {
        let bare = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let digits = bare.unwrap_or(word);
        let is_hash = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| Self {
            digits: digits.to_ascii_lowercase(),
            prefixed: bare.is_some(),
        })
    }

    /// Whether a chain of this family can have it. A shopper may have lost the `0x`, but nobody adds one.
    pub fn can_be_on(&self, family: Family) -> bool {
        family == Family::Evm || !self.prefixed
    }

    /// As chains of a family write it.
    pub fn on(&self, family: Family) -> String {
        match family {
            Family::Evm => format!("0x{}", self.digits),
            Family::Tron => self.digits.clone(),
        }
    }

    /// As it is told from others while nobody knows its chain.
    pub fn as_written(&self) -> String {
        let family = if self.prefixed {
            Family::Evm
        } else {
            Family::Tron
        };
        self.on(family)
    }
}

/// One transfer of the named transaction to a wallet of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedTransfer {
    pub blockchain: Blockchain,
    /// The coin and how much of it; `None` where the contract is none that we know.
    pub coin: Option<(Coin, Amount)>,
    /// Whether that contract's transfers pay.
    pub pays: bool,
    pub sender: Address,
    pub recipient: Address,
    /// The highest block it was seen in.
    pub block_number: u64,
    pub mined_at: UnixSeconds,
    /// Its place in the order in which transfers were stored; the largest number for one that is not.
    pub sequence: i64,
    pub standing: Standing,
}

/// What became of a transfer so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Waiting to be read or confirmed, and not about to pay anything.
    Waiting,
    /// About to pay this deposit.
    AboutToPay(i64),
    /// Confirmed, and paid nothing.
    Unmatched,
    /// It paid this deposit.
    Paid(i64),
}

/// A deposit of the order that the shopper is at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise {
    pub deposit: Deposit,
    /// Whether a transfer can still pay it.
    pub open: bool,
}

/// What a named transaction is to an order, by its names on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Finding {
    /// It paid the order.
    Paid,
    /// It will pay the order once it is deep enough.
    Confirming,
    WrongCoin,
    WrongNetwork,
    /// It sends nothing to the address that the order gave.
    WrongAddress,
    /// From another account than the order asks for.
    WrongSender,
    Short,
    Over,
    /// Mined before the order's deposit was made.
    TooEarly,
    /// Mined after the order's time, or after the order was closed.
    TooLate,
    /// It paid something else, or is about to.
    AlreadyUsed,
    Reverted,
    /// No chain knows it, so far.
    NotFound,
    /// The order has no deposit that it could pay.
    NoDeposit,
    /// Nothing sure could be learned now.
    Unclear,
}

impl Finding {
    pub const ALL: [Self; 15] = [
        Self::Paid,
        Self::Confirming,
        Self::WrongCoin,
        Self::WrongNetwork,
        Self::WrongAddress,
        Self::WrongSender,
        Self::Short,
        Self::Over,
        Self::TooEarly,
        Self::TooLate,
        Self::AlreadyUsed,
        Self::Reverted,
        Self::NotFound,
        Self::NoDeposit,
        Self::Unclear,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Confirming => "confirming",
            Self::WrongCoin => "wrong_coin",
            Self::WrongNetwork => "wrong_network",
            Self::WrongAddress => "wrong_address",
            Self::WrongSender => "wrong_sender",
            Self::Short => "short",
            Self::Over => "over",
            Self::TooEarly => "too_early",
            Self::TooLate => "too_late",
            Self::AlreadyUsed => "already_used",
            Self::Reverted => "reverted",
            Self::NotFound => "not_found",
            Self::NoDeposit => "no_deposit",
            Self::Unclear => "unclear",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|finding| finding.as_str() == text)
    }

    /// How much a transfer of that finding looks like the order's payment: of several the first counts.
    fn rank(self) -> usize {
        const ORDER: [&[Finding]; 10] = [
            &[Finding::Paid],
            &[Finding::Confirming],
            &[Finding::TooLate],
            &[Finding::TooEarly],
            &[Finding::WrongSender],
            &[Finding::Short, Finding::Over],
            &[Finding::WrongAddress],
            &[Finding::WrongCoin],
            &[Finding::WrongNetwork],
            &[Finding::AlreadyUsed],
        ];
        let place = ORDER.iter().position(|findings| findings.contains(&self));
        place.unwrap_or(ORDER.len())
    }
}

/// The finding about the transfer that looks most like the payment, and the deposit it was held against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged<'a> {
    pub finding: Finding,
    pub transfer: &'a NamedTransfer,
    pub promise: Option<&'a Promise>,
    /// By how much it is short or over.
    pub difference: Option<Amount>,
}

/// Judges the transfers of a mined transaction, all of them to wallets of ours. `None` if there are none.
pub fn judge<'a>(transfers: &'a [NamedTransfer], promises: &'a [Promise]) -> Option<Judged<'a>> {
    let judged = transfers
        .iter()
        .map(|transfer| judge_one(transfer, promises));
    judged.min_by_key(Judged::unlikeness)
}

impl Judged<'_> {
    /// How little it looks like the order's payment. As far off above as below, what is missing is told first, so that no
    /// order among transfers or deposits decides.
    fn unlikeness(&self) -> (usize, Option<Amount>, bool) {
        let over = self.finding == Finding::Over;
        (self.finding.rank(), self.difference, over)
    }
}

fn judge_one<'a>(transfer: &'a NamedTransfer, promises: &'a [Promise]) -> Judged<'a> {
    let own = |deposit: i64| promises.iter().find(|p| p.deposit.id == deposit);
    let settled = match transfer.standing {
        Standing::Paid(deposit) => Some((Finding::Paid, own(deposit))),
        Standing::AboutToPay(deposit) => Some((Finding::Confirming, own(deposit))),
        Standing::Waiting | Standing::Unmatched => None,
    };
    let plain = |finding, promise| Judged {
        finding,
        transfer,
        promise,
        difference: None,
    };
    match settled {
        Some((finding, Some(promise))) => plain(finding, Some(promise)),
        // Whose it is is nobody's business here.
        Some((_, None)) => plain(Finding::AlreadyUsed, None),
        None => {
            let compared = promises.iter().map(|promise| compare(transfer, promise));
            compared
                .min_by_key(Judged::unlikeness)
                .unwrap_or_else(|| plain(Finding::NoDeposit, None))
        }
    }
}

fn compare<'a>(named: &'a NamedTransfer, promise: &'a Promise) -> Judged<'a> {
    let deposit = &promise.deposit;
    let coin = named.coin.as_ref().filter(|_| named.pays);
    let (finding, difference) = match coin {
        _ if named.blockchain != deposit.blockchain => (Finding::WrongNetwork, None),
        Some((coin, value)) if *coin == deposit.coin => {
            let transfer = named.as_transfer(coin, *value);
            finding_of(&transfer, named.standing, promise)
        }
        _ => (Finding::WrongCoin, None),
    };
    Judged {
        finding,
        transfer: named,
        promise: Some(promise),
        difference,
    }
}

fn finding_of(
    transfer: &Transfer,
    standing: Standing,
    promise: &Promise,
) -> (Finding, Option<Amount>) {
    let (value, asked) = (transfer.value, promise.deposit.value);
    match matching::fits(transfer, &promise.deposit) {
        Err(Misfit::Elsewhere) => (Finding::WrongAddress, None),
        Err(Misfit::Amount) if value < asked => (Finding::Short, asked.checked_sub(value)),
        Err(Misfit::Amount) => (Finding::Over, value.checked_sub(asked)),
        Err(Misfit::Sender) => (Finding::WrongSender, None),
        Err(Misfit::History) => (Finding::TooEarly, None),
        Err(Misfit::Late) => (Finding::TooLate, None),
        // What fits an open deposit is read and confirmed by itself.
        Ok(()) if promise.open && standing == Standing::Waiting => (Finding::Confirming, None),
        Ok(()) => (Finding::TooLate, None),
    }
}

impl NamedTransfer {
    fn as_transfer(&self, coin: &Coin, value: Amount) -> Transfer {
        Transfer {
            blockchain: self.blockchain.clone(),
            coin: coin.clone(),
            sender: self.sender,
            recipient: self.recipient,
            value,
            block_number: self.block_number,
            mined_at: self.mined_at,
            sequence: self.sequence,
        }
    }
}

#[cfg(test)]
mod tests;
