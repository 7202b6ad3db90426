//! When a transfer counts: depth, finality, and what to believe when a provider contradicts an earlier answer.

use super::registry::ConfirmationRule;
use super::transfer::{BlockRef, ChainTransfer, TransferId};

/// Matched transfers this deep are not checked any more.
pub const DEPTH_OF_NO_RETURN: u64 = 1000;

/// A mined transaction, as a provider tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    pub block: BlockRef,
    pub succeeded: bool,
    /// All transfers to our wallets in it, ordinals given; empty if it failed.
    pub transfers: Vec<ChainTransfer>,
}

/// Where the chain stands, by one provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub number: u64,
    /// The newest final block, where the provider knows one.
    pub finalized: Option<u64>,
}

impl Head {
    /// Confirmations of a block: 1 in the newest block, 0 above it.
    pub fn confirmations(self, block: u64) -> u64 {
        self.number.saturating_add(1).saturating_sub(block)
    }

    /// Whether a block satisfies the chain's rule. Without a finalized block to go by, the usual depth decides.
    pub fn confirms(self, block: u64, rule: ConfirmationRule) -> bool {
        match (rule, self.finalized) {
            (ConfirmationRule::Finalized { .. }, Some(finalized)) => block <= finalized,
            (rule, _) => self.confirmations(block) >= u64::from(rule.required().max(1)),
        }
    }

    /// Whether nothing can undo a block any more.
    pub fn is_final(self, block: u64) -> bool {
        self.finalized.is_some_and(|finalized| block <= finalized)
            || self.confirmations(block) >= DEPTH_OF_NO_RETURN
    }
}

/// What one look-up of a transfer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It stands on the canonical chain, in this block.
    Stands(BlockRef),
    /// Reorganised away or reverted.
    Gone,
    /// The answers do not fit together, so nothing is believed; ask again.
    Unclear(Doubt),
}

/// What does not fit together in a look-up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Doubt {
    #[error("the provider lacks the block")]
    LacksBlock,
    #[error("another block was looked up")]
    OtherBlockAsked,
    #[error("no receipt, yet the block it was in is unchanged")]
    NoReceipt,
    #[error("the receipt names a block that is not canonical")]
    NotCanonical,
    #[error("the receipt lacks an event that was seen in its block")]
    LacksEvent,
    #[error("the provider's answer makes no sense")]
    Nonsense,
    #[error("it is gone for one provider and stands for another")]
    Disputed,
}

impl Doubt {
    /// Whether the provider has the block and denies what another answer showed in it.
    pub fn is_contradiction(self) -> bool {
        matches!(self, Self::NoReceipt | Self::LacksEvent)
    }
}

/// Judges a look-up. `canonical` is the provider's block at the height of the receipt's block, or of the
/// block the transfer was seen in where there is no receipt. Absence is believed only with another block hash at that
/// height, or with a failed receipt.
pub fn judge(
    id: &TransferId,
    seen_in: &BlockRef,
    receipt: Option<&Receipt>,
    canonical: Option<&BlockRef>,
) -> Verdict {
    let Some(canonical) = canonical else {
        return Verdict::Unclear(Doubt::LacksBlock);
    };
    match receipt {
        None if canonical.number != seen_in.number => Verdict::Unclear(Doubt::OtherBlockAsked),
        None if canonical.hash != seen_in.hash => Verdict::Gone,
        None => Verdict::Unclear(Doubt::NoReceipt),
        Some(receipt) if receipt.block.hash != canonical.hash => {
            Verdict::Unclear(Doubt::NotCanonical)
        }
        Some(receipt) if !receipt.succeeded => Verdict::Gone,
        Some(receipt) if receipt.transfers.iter().any(|t| t.id == *id) => {
            Verdict::Stands(receipt.block.clone())
        }
        Some(receipt) if receipt.block.hash != seen_in.hash => Verdict::Gone,
        Some(_) => Verdict::Unclear(Doubt::LacksEvent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{Address, Family};
    use proptest::prelude::*;

    fn block(number: u64, hash: &str) -> BlockRef {
        BlockRef {
            number,
            hash: hash.into(),
            timestamp: 1,
        }
    }

    fn id(ordinal: u32) -> TransferId {
        let account = |n| Address::new(Family::Evm, [n; 20]);
        TransferId {
            txn_hash: "0x1".into(),
            contract: account(1),
            sender: account(2),
            recipient: account(3),
            units: 5,
            ordinal,
        }
    }

    fn receipt(at: BlockRef, succeeded: bool, ids: &[TransferId]) -> Receipt {
        let transfers = ids
            .iter()
            .map(|id| ChainTransfer {
                id: id.clone(),
                block: at.clone(),
            })
            .collect();
        Receipt {
            block: at,
            succeeded,
            transfers,
        }
    }

    #[test]
    fn depth_counts_the_transfers_own_block() {
        let head = Head {
            number: 10,
            finalized: None,
        };
        assert_eq!(
            (
                head.confirmations(10),
                head.confirmations(9),
                head.confirmations(11)
            ),
            (1, 2, 0)
        );
        let rule = ConfirmationRule::Depth(3);
        assert_eq!(
            [7, 8, 9, 10, 11].map(|b| head.confirms(b, rule)),
            [true, true, false, false, false]
        );
        assert!(
            !head.confirms(11, ConfirmationRule::Depth(0)),
            "never before it is mined"
        );
    }

    #[test]
    fn finality_decides_where_it_is_known() {
        let rule = ConfirmationRule::Finalized { usual: 3 };
        let known = Head {
            number: 100,
            finalized: Some(90),
        };
        assert_eq!([90, 91].map(|b| known.confirms(b, rule)), [true, false]);
        let unknown = Head {
            number: 100,
            finalized: None,
        };
        assert_eq!([98, 99].map(|b| unknown.confirms(b, rule)), [true, false]);
        assert!(known.is_final(90) && !known.is_final(91) && !unknown.is_final(90));
        assert!(
            Head {
                number: 1100,
                finalized: None
            }
            .is_final(101)
        );
    }

    #[test]
    fn absence_is_believed_only_with_evidence() {
        let seen = block(5, "a");
        let check = |receipt: Option<Receipt>, canonical: Option<BlockRef>, expected: &str| {
            let verdict = judge(&id(0), &seen, receipt.as_ref(), canonical.as_ref());
            let word = match &verdict {
                Verdict::Stands(b) => format!("stands {}", b.hash),
                Verdict::Gone => "gone".into(),
                Verdict::Unclear(_) => "unclear".into(),
            };
            assert_eq!(word, expected);
        };
        let ok = |b: BlockRef| Some(receipt(b, true, &[id(0)]));
        check(ok(block(5, "a")), Some(block(5, "a")), "stands a");
        check(ok(block(7, "c")), Some(block(7, "c")), "stands c");
        check(ok(block(5, "a")), Some(block(5, "b")), "unclear");
        check(ok(block(5, "a")), None, "unclear");
        check(None, Some(block(5, "a")), "unclear");
        check(None, Some(block(5, "b")), "gone");
        check(None, None, "unclear");
        check(
            Some(receipt(block(5, "a"), false, &[])),
            Some(block(5, "a")),
            "gone",
        );
        check(
            Some(receipt(block(5, "a"), false, &[])),
            Some(block(5, "b")),
            "unclear",
        );
        check(
            Some(receipt(block(5, "a"), true, &[id(1)])),
            Some(block(5, "a")),
            "unclear",
        );
        check(
            Some(receipt(block(6, "b"), true, &[id(1)])),
            Some(block(6, "b")),
            "gone",
        );
    }

    proptest! {
        /// A transfer stands only in a block that is canonical and whose receipt carries exactly it.
        #[test]
        fn only_a_canonical_receipt_stands(
            hashes in prop::array::uniform3(0u8..3), succeeded in any::<bool>(), carried in any::<bool>(), known in any::<bool>()
        ) {
            let [seen, mined, canonical] = hashes.map(|h| block(5, &h.to_string()));
            let ids = if carried && succeeded { vec![id(0)] } else { vec![] };
            let found = known.then(|| receipt(mined.clone(), succeeded, &ids));
            let stands = matches!(judge(&id(0), &seen, found.as_ref(), Some(&canonical)), Verdict::Stands(_));
            prop_assert_eq!(stands, known && succeeded && carried && mined.hash == canonical.hash);
        }
    }
}
