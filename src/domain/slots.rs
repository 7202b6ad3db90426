//! Unique amounts: the value that a new deposit gets, so that no two deposits can be confused.

use std::collections::BTreeMap;

use super::address::Address;
use crate::clock::UnixSeconds;

/// Whose a held value is, by its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    Deposit(i64),
    /// A deposit that was shown to a customer, and is not in the backup that was restored since.
    LostDeposit(i64),
}

/// A value that a deposit holds, or held until a while ago, on one chain, wallet and coin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldValue {
    pub holder: Holder,
    /// In millionths of a coin.
    pub micros: u64,
    pub expected_sender: Option<Address>,
    /// `None` while the deposit is open; of a lost one it may be yet to come.
    pub closed_at: Option<UnixSeconds>,
    /// Whether any transfer was ever seen for it: such a value is never given away early.
    pub transfer_seen: bool,
}

/// The bounds of a value's tail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TailRule {
    /// In millionths (`payments.max_tail`).
    pub max_micros: u64,
    /// The finest step the coin can carry, in millionths: 1 where it has six decimals or more.
    pub unit_micros: u64,
}

/// The value given to a new deposit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Index into the wallets that were offered.
    pub wallet: usize,
    pub micros: u64,
    /// Whose reserved value is taken over, because nothing else was free.
    pub evicts: Option<Holder>,
}

const COARSE: u64 = 100; // 0.0001 in millionths
const ONE_HOUR: i64 = 3600;

impl TailRule {
    /// The largest tail for an amount: `max_tail` and 1 % of the amount at most, but 0.0001 always.
    fn limit(self, amount: u64) -> u64 {
        self.max_micros.min((amount / 100).max(COARSE))
    }

    /// The largest value for an amount, tail and all.
    pub fn largest(self, amount: u64) -> u64 {
        amount + self.limit(amount)
    }

    /// All values a deposit of this amount may get on one wallet, in the order of preference:
    /// bare, then steps of 0.0001, then steps of 0.000001.
    pub fn candidates(self, amount: u64) -> impl Iterator<Item = u64> {
        let limit = self.limit(amount);
        let steps = move |step: u64| (1..=limit / step).map(move |k| k * step);
        let coarse = steps(COARSE);
        let fine = steps(1).filter(|tail| !tail.is_multiple_of(COARSE));
        std::iter::once(0)
            .chain(coarse)
            .chain(fine)
            .filter(move |tail| (amount + tail).is_multiple_of(self.unit_micros))
            .map(move |tail| amount + tail)
    }
}

/// Chooses wallet and value for a new deposit: the bare amount on any wallet first, then the smallest free tail,
/// at last the value whose deposit closed longest ago, at least an hour ago and with no transfer seen.
/// `held` has, for each offered wallet, what is held on it near the amount. `None`: nothing is free.
pub fn allocate(
    amount: u64,
    expected_sender: Option<Address>,
    held: &[Vec<HeldValue>],
    rule: TailRule,
    now: UnixSeconds,
) -> Option<Slot> {
    let clashes: Vec<BTreeMap<u64, Vec<&HeldValue>>> = held
        .iter()
        .map(|values| clashes_by_value(values, expected_sender))
        .collect();
    let free = |wallet: usize, micros: u64| !clashes[wallet].contains_key(&micros);
    let wallets = 0..held.len();

    let bare = rule.candidates(amount).next().filter(|v| *v == amount);
    if let Some(micros) = bare
        && let Some(wallet) = wallets.clone().find(|w| free(*w, micros))
    {
        return Some(Slot {
            wallet,
            micros,
            evicts: None,
        });
    }
    let tails = rule.candidates(amount).filter(|v| *v != amount);
    for micros in tails {
        if let Some(wallet) = wallets.clone().find(|w| free(*w, micros)) {
            return Some(Slot {
                wallet,
                micros,
                evicts: None,
            });
        }
    }
    oldest_reusable(amount, &clashes, rule, now)
}

/// The share of an amount's values on one wallet that are held, in percent.
pub fn percent_held(amount: u64, held: &[HeldValue], rule: TailRule) -> u64 {
    let all = rule.candidates(amount).count() as u64;
    let range = amount..=rule.largest(amount);
    let taken = held.iter().filter(|h| range.contains(&h.micros)).count() as u64;
    (taken * 100).checked_div(all).unwrap_or(100).min(100)
}

/// Two deposits may share a value only if both name an expected sender and these differ.
fn clashes_by_value(
    held: &[HeldValue],
    expected_sender: Option<Address>,
) -> BTreeMap<u64, Vec<&HeldValue>> {
    let told_apart = |h: &HeldValue| match (h.expected_sender, expected_sender) {
        (Some(theirs), Some(ours)) => theirs != ours,
        _ => false,
    };
    let mut by_value = BTreeMap::<u64, Vec<&HeldValue>>::new();
    for value in held.iter().filter(|h| !told_apart(h)) {
        by_value.entry(value.micros).or_default().push(value);
    }
    by_value
}

fn oldest_reusable(
    amount: u64,
    clashes: &[BTreeMap<u64, Vec<&HeldValue>>],
    rule: TailRule,
    now: UnixSeconds,
) -> Option<Slot> {
    let reusable = |holders: &[&HeldValue]| match holders {
        [only] if !only.transfer_seen => only.closed_at.filter(|at| now - at >= ONE_HOUR),
        _ => None,
    };
    let mut best: Option<(UnixSeconds, Slot)> = None;
    for micros in rule.candidates(amount) {
        for (wallet, by_value) in clashes.iter().enumerate() {
            let holders = by_value.get(&micros).map_or(&[][..], Vec::as_slice);
            if let Some(closed_at) = reusable(holders)
                && best.as_ref().is_none_or(|(at, _)| closed_at < *at)
            {
                let evicts = Some(holders[0].holder);
                best = Some((
                    closed_at,
                    Slot {
                        wallet,
                        micros,
                        evicts,
                    },
                ));
            }
        }
    }
    best.map(|(_, slot)| slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Family;
    use proptest::prelude::*;

    const RULE: TailRule = TailRule {
        max_micros: 10_000,
        unit_micros: 1,
    };
    const AMOUNT: u64 = 20_000_000;

    fn account(n: u8) -> Address {
        Address::new(Family::Evm, [n; 20])
    }

    fn held(deposit: i64, micros: u64, closed_at: Option<i64>) -> HeldValue {
        HeldValue {
            holder: Holder::Deposit(deposit),
            micros,
            expected_sender: None,
            closed_at,
            transfer_seen: false,
        }
    }

    fn slot(wallet: usize, micros: u64) -> Option<Slot> {
        Some(Slot {
            wallet,
            micros,
            evicts: None,
        })
    }

    #[test]
    fn values_are_given_in_the_documented_order() {
        let mut taken = vec![vec![], vec![]];
        let mut next = |expected| {
            let given = allocate(AMOUNT, None, &taken, RULE, 0);
            assert_eq!(given, expected);
            let given = given.unwrap();
            taken[given.wallet].push(held(0, given.micros, None));
        };
        next(slot(0, AMOUNT));
        next(slot(1, AMOUNT));
        next(slot(0, AMOUNT + 100));
        next(slot(1, AMOUNT + 100));
        next(slot(0, AMOUNT + 200));
    }

    #[test]
    fn tails_stay_small() {
        let largest = |amount, rule: TailRule| rule.candidates(amount).map(|v| v - amount).max();
        assert_eq!(largest(AMOUNT, RULE), Some(10_000)); // 0.01
        assert_eq!(largest(100_000, RULE), Some(1_000)); // 1 % of 0.10
        assert_eq!(largest(1, RULE), Some(100)); // 0.0001 always
        assert_eq!(
            largest(
                AMOUNT,
                TailRule {
                    max_micros: 0,
                    ..RULE
                }
            ),
            Some(0)
        );
        let cents = TailRule {
            unit_micros: 10_000,
            ..RULE
        };
        assert_eq!(
            cents.candidates(19_990_000).collect::<Vec<_>>(),
            [19_990_000, 20_000_000]
        );
        assert_eq!(
            cents.candidates(19_999_000).collect::<Vec<_>>(),
            [20_000_000]
        );
    }

    #[test]
    fn named_senders_share_a_value_only_when_they_differ() {
        let mut other = held(1, AMOUNT, None);
        other.expected_sender = Some(account(1));
        let taken = [vec![other]];
        assert_eq!(
            allocate(AMOUNT, Some(account(2)), &taken, RULE, 0),
            slot(0, AMOUNT)
        );
        assert_eq!(
            allocate(AMOUNT, Some(account(1)), &taken, RULE, 0),
            slot(0, AMOUNT + 100)
        );
        assert_eq!(
            allocate(AMOUNT, None, &taken, RULE, 0),
            slot(0, AMOUNT + 100)
        );
    }

    #[test]
    fn when_all_are_held_the_longest_closed_is_reused() {
        let small = TailRule {
            max_micros: 200,
            unit_micros: 100,
        };
        let closed = |a, b, c| {
            vec![vec![
                held(1, AMOUNT, a),
                held(2, AMOUNT + 100, b),
                held(3, AMOUNT + 200, c),
            ]]
        };
        let check = |taken: Vec<Vec<HeldValue>>, expected: Option<i64>| {
            let given = allocate(AMOUNT, None, &taken, small, 10_000);
            assert_eq!(given.and_then(|s| s.evicts), expected.map(Holder::Deposit));
        };
        check(closed(None, Some(5_000), Some(4_000)), Some(3));
        check(closed(None, Some(5_000), Some(6_401)), Some(2));
        check(closed(None, Some(6_401), None), None);
        let mut seen = closed(None, None, Some(4_000));
        seen[0][2].transfer_seen = true;
        check(seen, None);
    }

    /// What a customer was told to pay is kept for as long as if the deposit were there, whenever its order would have ended.
    #[test]
    fn lost_deposits_keep_their_values() {
        let small = TailRule {
            max_micros: 100,
            unit_micros: 100,
        };
        let lost = |row, micros, closed_at| HeldValue {
            holder: Holder::LostDeposit(row),
            ..held(0, micros, Some(closed_at))
        };
        let check = |taken: &[HeldValue], expected: Option<Slot>| {
            let given = allocate(AMOUNT, None, &[taken.to_vec()], small, 10_000);
            assert_eq!(given, expected);
        };
        check(&[lost(1, AMOUNT, 20_000)], slot(0, AMOUNT + 100));
        let full = [held(1, AMOUNT + 100, None), lost(1, AMOUNT, 20_000)];
        check(&full, None);
        check(&[held(1, AMOUNT + 100, None), lost(1, AMOUNT, 6_401)], None);
        let taken_over = Some(Slot {
            wallet: 0,
            micros: AMOUNT,
            evicts: Some(Holder::LostDeposit(7)),
        });
        check(
            &[held(7, AMOUNT + 100, None), lost(7, AMOUNT, 6_400)],
            taken_over,
        );
        let mut seen = lost(7, AMOUNT, 6_400);
        seen.transfer_seen = true;
        check(&[held(7, AMOUNT + 100, None), seen], None);
    }

    #[test]
    fn fullness_is_counted_over_all_values_of_the_amount() {
        let taken: Vec<_> = (0..8)
            .map(|k| held(k, AMOUNT + 100 * k as u64, None))
            .collect();
        let rule = TailRule {
            max_micros: 900,
            unit_micros: 100,
        };
        assert_eq!(percent_held(AMOUNT, &taken, rule), 80);
    }

    proptest! {
        /// However many deposits of however similar amounts are open or were lost lately, no two ever share a wallet and a value.
        #[test]
        fn open_values_are_unique(
            amounts in prop::collection::vec(19_999_990u64..20_000_010, 1..120),
            wallets in 1usize..4,
            lost in prop::collection::vec((0usize..3, 19_999_990u64..20_002_000, -3599i64..90_000), 0..60),
        ) {
            let mut taken = vec![vec![]; wallets];
            for (row, (wallet, micros, closed_at)) in lost.into_iter().enumerate() {
                let holder = Holder::LostDeposit(row as i64);
                taken[wallet % wallets].push(HeldValue { holder, ..held(0, micros, Some(closed_at)) });
            }
            for (i, amount) in amounts.into_iter().enumerate() {
                if let Some(given) = allocate(amount, None, &taken, RULE, 0) {
                    prop_assert!(given.micros >= amount && given.micros - amount <= 10_000);
                    prop_assert_eq!(given.evicts, None);
                    prop_assert!(taken[given.wallet].iter().all(|h: &HeldValue| h.micros != given.micros));
                    taken[given.wallet].push(held(i as i64, given.micros, None));
                }
            }
        }
    }
}
