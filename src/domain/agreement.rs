//! Where one provider's word is not enough: whether others show the same transfer.

use std::fmt;

use super::amount::Amount;
use super::confirmation::{Doubt, Head, Verdict};
use super::registry::ConfirmationRule;
use super::transfer::BlockRef;

/// How many independent providers must show a transfer of this value before it counts. `agreement` is the chain's
/// rule; from `agree_from` upwards it takes two in any case.
pub fn witnesses_needed(agreement: u32, agree_from: Option<Amount>, value: Amount) -> u32 {
    let large = agree_from.is_some_and(|from| value >= from);
    agreement.max(if large { 2 } else { 1 })
}

/// What another provider says about a transfer that the first one shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opinion {
    /// The same event in the same block, deep enough by its own head.
    Agrees,
    /// It has not come so far, or says nothing sure: ask again.
    NotYet,
    /// It is far enough to know, and shows something else.
    Disagrees(Dissent),
}

/// What it shows instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dissent {
    OtherBlock,
    Gone,
    Absent(Doubt),
}

impl fmt::Display for Dissent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBlock => f.write_str("it is in another block"),
            Self::Gone => f.write_str("it failed, or another block is in its place"),
            Self::Absent(doubt) => write!(f, "{doubt}"),
        }
    }
}

/// Judges another provider's look-up against the block in which the first one shows the transfer. `head` is the other's own.
pub fn opinion(
    shown_in: &BlockRef,
    found: &Verdict,
    head: Head,
    rule: ConfirmationRule,
) -> Opinion {
    if !head.confirms(shown_in.number, rule) {
        return Opinion::NotYet;
    }
    match found {
        Verdict::Stands(block)
            if block.number == shown_in.number && block.hash == shown_in.hash =>
        {
            Opinion::Agrees
        }
        Verdict::Stands(_) => Opinion::Disagrees(Dissent::OtherBlock),
        Verdict::Gone => Opinion::Disagrees(Dissent::Gone),
        Verdict::Unclear(doubt) if doubt.is_contradiction() => {
            Opinion::Disagrees(Dissent::Absent(*doubt))
        }
        Verdict::Unclear(_) => Opinion::NotYet,
    }
}

/// Why a transfer that is deep enough is not confirmed yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HeldBack {
    /// The chain has no other independent provider: it waits until there is one, or a person decides.
    NoSecondProvider,
    /// The others cannot be asked now, or have not come so far.
    AwaitingSecond,
    /// Another provider shows something else.
    ProvidersDisagree,
}

impl HeldBack {
    pub const ALL: [Self; 3] = [
        Self::NoSecondProvider,
        Self::AwaitingSecond,
        Self::ProvidersDisagree,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSecondProvider => "no_second_provider",
            Self::AwaitingSecond => "awaiting_second",
            Self::ProvidersDisagree => "providers_disagree",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(number: u64, hash: &str) -> BlockRef {
        BlockRef {
            number,
            hash: hash.into(),
            timestamp: 1,
        }
    }

    fn head(number: u64) -> Head {
        Head {
            number,
            finalized: None,
        }
    }

    #[test]
    fn large_payments_need_two_whatever_the_chains_rule() {
        let amount = |text: &str| Amount::parse(text).unwrap();
        let needed = |agreement, value: &str| {
            witnesses_needed(agreement, Some(amount("500")), amount(value))
        };
        assert_eq!([needed(1, "499.999999"), needed(1, "500")], [1, 2]);
        assert_eq!([needed(3, "499.999999"), needed(3, "500")], [3, 3]);
        assert_eq!(needed(1, "500.000000000000000001"), 2);
        assert_eq!(witnesses_needed(1, None, amount("1000000")), 1);
    }

    #[test]
    fn only_the_same_block_deep_enough_agrees() {
        let shown = block(10, "a");
        let rule = ConfirmationRule::Depth(3);
        let say = |found: Verdict, at: u64| opinion(&shown, &found, head(at), rule);
        assert_eq!(say(Verdict::Stands(block(10, "a")), 12), Opinion::Agrees);
        assert_eq!(say(Verdict::Stands(block(10, "a")), 11), Opinion::NotYet);
        let other = Opinion::Disagrees(Dissent::OtherBlock);
        assert_eq!(say(Verdict::Stands(block(10, "b")), 12), other);
        assert_eq!(say(Verdict::Stands(block(11, "a")), 12), other);
        assert_eq!(say(Verdict::Gone, 12), Opinion::Disagrees(Dissent::Gone));
        assert_eq!(say(Verdict::Gone, 11), Opinion::NotYet);
        for doubt in [Doubt::NoReceipt, Doubt::LacksEvent] {
            let absent = Opinion::Disagrees(Dissent::Absent(doubt));
            assert_eq!(say(Verdict::Unclear(doubt), 12), absent);
            assert_eq!(say(Verdict::Unclear(doubt), 11), Opinion::NotYet);
        }
        for doubt in [Doubt::LacksBlock, Doubt::NotCanonical, Doubt::Nonsense] {
            assert_eq!(say(Verdict::Unclear(doubt), 12), Opinion::NotYet);
        }
    }

    proptest! {
        /// However the answers are mixed: who agrees shows this block, and is as deep as the chain's rule asks.
        #[test]
        fn agreement_is_never_to_less(
            number in 0u64..20, hash in "[ab]", at in 0u64..40, finalized in prop::option::of(0u64..40), depth in 1u32..8,
            final_rule in any::<bool>(),
        ) {
            let shown = block(10, "a");
            let rule = if final_rule { ConfirmationRule::Finalized { usual: depth } } else { ConfirmationRule::Depth(depth) };
            let head = Head { number: at, finalized };
            let agrees = opinion(&shown, &Verdict::Stands(block(number, &hash)), head, rule) == Opinion::Agrees;
            prop_assert_eq!(agrees, number == 10 && hash == "a" && head.confirms(10, rule));
        }
    }

    #[test]
    fn stored_words_are_read_again() {
        for why in HeldBack::ALL {
            assert_eq!(HeldBack::parse(why.as_str()), Some(why));
        }
        assert_eq!(HeldBack::parse("tired"), None);
    }
}
