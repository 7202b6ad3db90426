//! How many blocks to ask for at once. Every provider has its own limit, few tell it, and it depends on what
//! the blocks hold: so begin small, double while it goes well, halve when it does not.

use super::refusals::Meaning;

const FIRST: u64 = 500;
const MOST: u64 = 50_000;

/// Ranges that went well at a guessed limit before a longer one is tried again.
const PATIENCE: u32 = 100;

/// What is known about one provider's ranges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    blocks: u64,
    limit: u64,
    /// Whether the provider named the limit itself: then it is not tried again.
    told: bool,
    full_ranges: u32,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            blocks: FIRST,
            limit: MOST,
            told: true,
            full_ranges: 0,
        }
    }
}

impl Span {
    /// The last block to ask for, from `from` on and not after `to`.
    pub fn end(&self, from: u64, to: u64) -> u64 {
        to.min(from.saturating_add(self.blocks - 1))
    }

    /// A range of `asked` blocks was answered. Only a full one says that a longer one may do.
    pub fn answered(&mut self, asked: u64) {
        if asked < self.blocks {
            return;
        }
        self.full_ranges = self.full_ranges.saturating_add(1);
        if self.blocks == self.limit && !self.told && self.full_ranges >= PATIENCE {
            self.limit = (self.limit * 2).min(MOST);
            self.full_ranges = 0;
        }
        self.blocks = (self.blocks * 2).min(self.limit);
    }

    /// The range `from..=to` was refused: the next one is shorter. `false` if none can be.
    pub fn refused(&mut self, from: u64, to: u64, meaning: Meaning) -> bool {
        let asked = to.saturating_sub(from).saturating_add(1);
        if asked == 1 {
            return false;
        }
        let shorter = |blocks: u64| (1..asked).contains(&blocks).then_some(blocks);
        let (told, suggested) = match meaning {
            Meaning::RangeTooLong {
                max_blocks,
                suggested,
            } => (max_blocks.and_then(shorter), suggested),
            Meaning::TooMuchFound { suggested } => (None, suggested),
            _ => (None, None),
        };
        // A node may offer the very range it refused, or another one: neither is of use.
        let offered = suggested
            .filter(|(start, end)| *start == from && end >= start)
            .and_then(|(start, end)| shorter(end - start + 1));
        let halved = asked / 2;
        self.blocks = match (told, offered) {
            (Some(told), Some(offered)) => told.min(offered),
            (one, other) => one.or(other).unwrap_or(halved),
        };
        self.full_ranges = 0;
        if matches!(meaning, Meaning::RangeTooLong { .. }) {
            self.told = told.is_some();
            self.limit = told.unwrap_or(self.blocks);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNTOLD: Meaning = Meaning::RangeTooLong {
        max_blocks: None,
        suggested: None,
    };

    /// Blocks the provider is asked for next.
    fn next(span: &Span) -> u64 {
        span.end(1, u64::MAX)
    }

    #[test]
    fn grows_to_the_cap() {
        let mut span = Span::default();
        assert_eq!(next(&span), 500);
        for _ in 0..20 {
            span.answered(next(&span));
        }
        assert_eq!(next(&span), 50_000);
    }

    #[test]
    fn a_short_range_says_nothing_about_a_long_one() {
        let mut span = Span::default();
        span.answered(64);
        assert_eq!(next(&span), 500);
    }

    #[test]
    fn a_told_limit_is_kept() {
        let mut span = Span::default();
        let told = Meaning::RangeTooLong {
            max_blocks: Some(300),
            suggested: None,
        };
        assert!(span.refused(1, 500, told));
        for _ in 0..1000 {
            assert_eq!(next(&span), 300);
            span.answered(300);
        }
    }

    #[test]
    fn a_guessed_limit_is_tried_again_after_a_while() {
        let mut span = Span::default();
        assert!(span.refused(1, 500, UNTOLD));
        let ranges = (0..1000).take_while(|_| {
            let again = next(&span) == 250;
            span.answered(next(&span));
            again
        });
        assert_eq!(ranges.count(), PATIENCE as usize);
    }

    #[test]
    fn an_offer_counts_only_if_it_is_shorter_and_starts_where_we_are() {
        let check = |offer: (u64, u64), blocks: u64| {
            let mut span = Span::default();
            let suggested = Some(offer);
            assert!(span.refused(1, 500, Meaning::TooMuchFound { suggested }));
            assert_eq!(next(&span), blocks, "{offer:?}");
        };
        check((1, 40), 40);
        check((1, 500), 250);
        check((1, 9999), 250);
        check((2, 40), 250);
        check((40, 1), 250);
        check((0, u64::MAX), 250);
    }

    fn any_meaning() -> impl Strategy<Value = Meaning> {
        let range = proptest::option::of((0u64..3000, 0u64..3000));
        prop_oneof![
            Just(Meaning::Unknown),
            (proptest::option::of(any::<u64>()), range.clone()).prop_map(
                |(max_blocks, suggested)| Meaning::RangeTooLong {
                    max_blocks,
                    suggested
                }
            ),
            range.prop_map(|suggested| Meaning::TooMuchFound { suggested }),
        ]
    }

    proptest! {
        #[test]
        fn any_refusals_still_cover_everything_without_a_gap(
            from in 0u64..3000,
            length in 0u64..3000,
            refusals in proptest::collection::vec(proptest::option::of(any_meaning()), 0..200),
        ) {
            let to = from + length;
            let mut span = Span::default();
            let mut refusals = refusals.into_iter();
            let mut next = from;
            let mut asked = 0;
            while next <= to {
                asked += 1;
                prop_assert!(asked < 5000, "no progress");
                let end = span.end(next, to);
                prop_assert!((next..=to).contains(&end));
                match refusals.next().flatten() {
                    Some(meaning) => {
                        let could = span.refused(next, end, meaning);
                        prop_assert_eq!(could, end > next);
                        prop_assert!(!could || span.end(next, to) < end);
                    }
                    None => {
                        span.answered(end - next + 1);
                        next = end + 1;
                    }
                }
            }
        }
    }
}
