//! Which blocks to ask for, and how far a cursor may move.

/// How far a wallet's chain has been read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Nothing below this block counts: the wallet was not ours to watch yet.
    pub first: u64,
    /// All of `first..=scanned_to` has been read at least once; `first - 1` before the first pass.
    pub scanned_to: u64,
}

/// A range of blocks to read for some wallets, by their index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pass {
    pub from: u64,
    pub to: u64,
    pub wallets: Vec<usize>,
}

/// Wallets whose ranges begin within so many blocks are read together: that is one request anyway.
const TOGETHER: u64 = 500;

/// How far back a pass may go when a provider's head went backwards.
pub const MAX_REWIND: u64 = 1000;

impl Cursor {
    /// A wallet whose first block to read is `first`.
    pub fn starting_at(first: u64) -> Self {
        Self {
            first,
            scanned_to: first.saturating_sub(1),
        }
    }

    /// The cursor after `from..=through` has been read. It never moves over a gap and never back.
    pub fn advanced(self, from: u64, through: u64) -> Self {
        if from > self.scanned_to.saturating_add(1) && from > self.first {
            return self;
        }
        Self {
            scanned_to: self.scanned_to.max(through),
            ..self
        }
    }

    /// Where the next pass begins: the last `rescan` blocks are read again. `lowest_head` is the lowest head
    /// that was reported since the last pass that reached the cursor, so that a chain that was cut short is read again.
    fn next_from(self, rescan: u64, lowest_head: u64) -> u64 {
        let read = self
            .scanned_to
            .min(lowest_head.max(self.scanned_to.saturating_sub(MAX_REWIND)));
        (read + 1).saturating_sub(rescan).max(self.first)
    }
}

/// The passes that bring all wallets up to `head`. Wallets far behind are caught up on their own until they meet the rest.
pub fn plan(cursors: &[Cursor], head: u64, rescan: u64, lowest_head: u64) -> Vec<Pass> {
    let mut starts: Vec<(u64, usize)> = cursors
        .iter()
        .enumerate()
        .map(|(i, cursor)| (cursor.next_from(rescan, lowest_head), i))
        .filter(|(from, _)| *from <= head)
        .collect();
    starts.sort_unstable();
    let mut passes: Vec<Pass> = Vec::new();
    for (from, wallet) in starts {
        match passes.last_mut() {
            Some(pass) if from - pass.from <= TOGETHER => pass.wallets.push(wallet),
            Some(pass) => {
                pass.to = from - 1;
                let wallets = pass.wallets.iter().copied().chain([wallet]).collect();
                passes.push(Pass {
                    from,
                    to: head,
                    wallets,
                });
            }
            None => passes.push(Pass {
                from,
                to: head,
                wallets: vec![wallet],
            }),
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_moves_only_over_what_was_read() {
        let cursor = Cursor {
            first: 10,
            scanned_to: 20,
        };
        let check = |from, through, expected| {
            assert_eq!(
                cursor.advanced(from, through).scanned_to,
                expected,
                "{from}..={through}"
            );
        };
        check(21, 30, 30);
        check(15, 30, 30);
        check(5, 30, 30);
        check(22, 30, 20);
        check(15, 18, 20);
        assert_eq!(Cursor::starting_at(10).advanced(10, 12).scanned_to, 12);
        assert_eq!(Cursor::starting_at(10).advanced(11, 12).scanned_to, 9);
        assert_eq!(Cursor::starting_at(0).advanced(0, 3).scanned_to, 3);
    }

    #[test]
    fn near_wallets_are_read_together_and_far_ones_catch_up() {
        let at = |scanned_to| Cursor {
            first: 0,
            scanned_to,
        };
        let pass = |from, to, wallets: &[usize]| Pass {
            from,
            to,
            wallets: wallets.to_vec(),
        };
        assert_eq!(
            plan(&[at(1000), at(1010)], 1020, 64, u64::MAX),
            [pass(937, 1020, &[0, 1])]
        );
        assert_eq!(
            plan(&[at(5000), at(1000)], 5010, 64, u64::MAX),
            [pass(937, 4936, &[1]), pass(4937, 5010, &[1, 0])]
        );
        assert_eq!(plan(&[Cursor::starting_at(51)], 50, 64, u64::MAX), []);
        assert_eq!(plan(&[], 50, 64, u64::MAX), []);
    }

    #[test]
    fn a_chain_that_was_cut_short_is_read_again() {
        let cursor = [Cursor {
            first: 0,
            scanned_to: 5000,
        }];
        assert_eq!(plan(&cursor, 5001, 64, 4800)[0].from, 4737);
        assert_eq!(
            plan(&cursor, 5001, 64, 3)[0].from,
            3937,
            "a mad head costs a bounded re-scan"
        );
    }

    proptest! {
        /// Whatever ranges a provider serves, carrying out plans leaves no gap for any wallet.
        #[test]
        fn plans_leave_no_gap(
            cursors in prop::collection::vec((0u64..3000, 0u64..3000), 1..6),
            head in 0u64..4000, rescan in 1u64..100, served in 1u64..700,
        ) {
            let mut cursors: Vec<Cursor> = cursors
                .into_iter()
                .map(|(first, more)| Cursor { first, scanned_to: first + more })
                .collect();
            let before = cursors.clone();
            for pass in plan(&cursors, head, rescan, u64::MAX) {
                let mut from = pass.from;
                while from <= pass.to {
                    let through = pass.to.min(from + served - 1);
                    for w in &pass.wallets {
                        cursors[*w] = cursors[*w].advanced(from, through);
                    }
                    from = through + 1;
                }
            }
            for (was, is) in before.iter().zip(&cursors) {
                prop_assert_eq!(is.scanned_to, was.scanned_to.max(head));
            }
        }
    }
}
