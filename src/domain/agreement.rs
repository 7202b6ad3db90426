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

/// What another provider says about a transfer that the first one says is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnGone {
    /// It is gone here, too.
    Gone,
    /// It stands here, deep enough to count.
    Stands,
    /// It stands here, not deep enough yet: a reorganisation may be on its way here.
    StandsYet,
    /// It says nothing sure, or is too far behind to have heard of it.
    Unsure,
}

/// Judges another provider's look-up of a transfer that the first one says is gone. `head` is the other's own; one that is below
/// `least_head` stands still, and what it shows near its head may be long past.
pub fn on_gone(found: &Verdict, head: Head, rule: ConfirmationRule, least_head: u64) -> OnGone {
    match found {
        Verdict::Gone => OnGone::Gone,
        Verdict::Stands(block) if head.confirms(block.number, rule) => OnGone::Stands,
        Verdict::Stands(_) if head.number >= least_head => OnGone::StandsYet,
        Verdict::Stands(_) | Verdict::Unclear(_) => OnGone::Unsure,
    }
}

/// What keeps a transfer that the first provider says is gone, by what the others say; `None`: nothing, it is gone. `needed`
/// providers make a payment count, of `hosts` that the chain has. Two that say so are enough to take it for gone, or as many
/// as make it count.
pub fn kept_by(others: &[OnGone], needed: u32, hosts: usize) -> Option<HeldBack> {
    let gone = 1 + others.iter().filter(|said| **said == OnGone::Gone).count();
    let needed = needed as usize;
    if gone >= needed.max(2) {
        None
    } else if others.contains(&OnGone::Stands) {
        Some(HeldBack::ProvidersDisagree)
    } else if others.contains(&OnGone::StandsYet) || gone < needed.min(hosts) {
        Some(HeldBack::AwaitingSecond)
    } else {
        None
    }
}

/// Why a transfer that is deep enough is not confirmed yet, or one that seems to be gone is not given up yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HeldBack {
    /// The chain has no other independent provider: it waits until there is one, or a person decides.
    NoSecondProvider,
    /// The others cannot be asked now, have not come so far, or have not heard yet that it is gone.
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
    fn what_stands_elsewhere_is_not_gone() {
        let rule = ConfirmationRule::Depth(3);
        let stands = Verdict::Stands(block(10, "a"));
        let say = |found: &Verdict, at: u64| on_gone(found, head(at), rule, 11);
        assert_eq!(
            [10, 11, 12].map(|at| say(&stands, at)),
            [OnGone::Unsure, OnGone::StandsYet, OnGone::Stands]
        );
        assert_eq!(
            on_gone(&stands, head(12), rule, 99),
            OnGone::Stands,
            "deep enough, however far it is behind"
        );
        assert_eq!(say(&Verdict::Gone, 12), OnGone::Gone);
        assert_eq!(
            say(&Verdict::Unclear(Doubt::LacksBlock), 12),
            OnGone::Unsure
        );
    }

    #[test]
    fn it_takes_two_to_give_a_payment_up_where_others_show_it() {
        use OnGone::{Gone, Stands, StandsYet, Unsure};
        let awaiting = Some(HeldBack::AwaitingSecond);
        let disagree = Some(HeldBack::ProvidersDisagree);
        assert_eq!(kept_by(&[], 1, 1), None, "an only provider is believed");
        assert_eq!(kept_by(&[], 1, 2), None, "nobody else can be asked");
        assert_eq!(kept_by(&[Unsure], 1, 2), None);
        assert_eq!(kept_by(&[Gone], 1, 2), None);
        assert_eq!(kept_by(&[StandsYet], 1, 2), awaiting);
        assert_eq!(kept_by(&[Stands], 1, 2), disagree);
        assert_eq!(kept_by(&[StandsYet, Stands], 1, 3), disagree);
        for order in [[Stands, Gone], [Gone, Stands]] {
            assert_eq!(kept_by(&order, 1, 3), None, "two against one");
            assert_eq!(kept_by(&order, 2, 3), None);
            assert_eq!(kept_by(&order, 3, 3), disagree);
        }
        assert_eq!(kept_by(&[], 2, 2), awaiting, "as for making it count");
        assert_eq!(kept_by(&[Unsure], 2, 2), awaiting);
        assert_eq!(kept_by(&[], 2, 1), None, "there never will be a second");
        assert_eq!(kept_by(&[Gone], 3, 2), None, "all that there are");
        assert_eq!(kept_by(&[], 3, 2), awaiting);
    }

    proptest! {
        /// Nobody alone takes back what another shows deep enough, whatever the settings and the order.
        #[test]
        fn one_word_never_buries_what_stands_elsewhere(
            said in prop::collection::vec(0u8..4, 0..5), needed in 1u32..4, hosts in 1usize..6,
        ) {
            let word = |n: &u8| [OnGone::Gone, OnGone::Stands, OnGone::StandsYet, OnGone::Unsure][*n as usize];
            let others: Vec<OnGone> = said.iter().map(word).collect();
            let mut backwards = others.clone();
            backwards.reverse();
            let kept = kept_by(&others, needed, hosts);
            prop_assert_eq!(kept, kept_by(&backwards, needed, hosts));
            if others.contains(&OnGone::Stands) && !others.contains(&OnGone::Gone) {
                prop_assert_eq!(kept, Some(HeldBack::ProvidersDisagree));
            }
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
