//! Whose money a stray transfer probably is: for the person who decides, never for deciding by itself.

use super::address::Address;
use super::amount::Amount;
use super::deposit::Deposit;
use super::order::OrderStatus;
use super::registry::{Blockchain, Coin};
use super::transfer::Transfer;

/// A deposit that a stray transfer may have been meant for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    pub deposit: Deposit,
    pub order: OrderStatus,
}

/// A candidate and all that keeps the transfer from paying it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Likely<'a> {
    pub candidate: &'a Candidate,
    /// The amount's first, then the chain's, the coin's, the wallet's, the sender's, the time's, the order's. Empty for a
    /// transfer that fits a pending order's deposit.
    pub reasons: Vec<Reason>,
}

/// How a transfer differs from what a deposit asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// So much less than the deposit's value.
    ShortBy(Amount),
    /// So much more than the deposit's value.
    OverBy(Amount),
    /// The deposit is on this chain.
    OtherChain(Blockchain),
    /// The deposit asks for this coin.
    OtherCoin(Coin),
    /// The deposit names this wallet.
    OtherWallet(Address),
    /// Only this sender counts.
    WrongSender(Address),
    /// Mined so many seconds before the deposit was made, or seen before it; 0 where only the block tells.
    Early { seconds: i64 },
    /// Mined so many seconds after the order expired.
    Late { seconds: i64 },
    /// The order is closed already, in this state.
    Closed(OrderStatus),
}

/// What a difference weighs. One of these is as much as so many millionths of the amount.
const OTHER_CHAIN: u128 = 20_000;
const OTHER_COIN: u128 = 30_000;
const OTHER_WALLET: u128 = 30_000;
const WRONG_SENDER: u128 = 20_000;
const EARLY: u128 = 100_000;
const ALREADY_PAID: u128 = 40_000;
const CANCELLED: u128 = 5_000;
/// Each second before or after its time weighs 3, but no more than this in all: an hour late is as odd as 1 % too little.
const WRONG_TIME_AT_MOST: u128 = 300_000;

/// The deposits that a transfer was most likely meant for, the likeliest first, `most` of them. An amount that is off by
/// more than half of the larger one is nobody's slip, and left out.
pub fn rank<'a>(transfer: &Transfer, candidates: &'a [Candidate], most: usize) -> Vec<Likely<'a>> {
    let mut ranked: Vec<_> = candidates
        .iter()
        .filter_map(|candidate| {
            let off = off_by(transfer.value, candidate.deposit.value)?;
            let reasons = reasons(transfer, candidate);
            let weight = off + reasons.iter().map(weight).sum::<u128>();
            let apart = transfer.mined_at.abs_diff(candidate.deposit.opened.at);
            let newest_first = std::cmp::Reverse(candidate.deposit.id);
            Some(((weight, apart, newest_first), Likely { candidate, reasons }))
        })
        .collect();
    ranked.sort_by_key(|(order, _)| *order);
    ranked.truncate(most);
    ranked.into_iter().map(|(_, likely)| likely).collect()
}

/// All that keeps a transfer from paying a candidate.
pub fn reasons(transfer: &Transfer, candidate: &Candidate) -> Vec<Reason> {
    let deposit = &candidate.deposit;
    let differs = |differs: bool, reason: Reason| differs.then_some(reason);
    let reasons = [
        amount_differs(transfer.value, deposit.value),
        differs(
            transfer.blockchain != deposit.blockchain,
            Reason::OtherChain(deposit.blockchain.clone()),
        ),
        differs(
            transfer.coin != deposit.coin,
            Reason::OtherCoin(deposit.coin.clone()),
        ),
        differs(
            transfer.recipient != deposit.wallet,
            Reason::OtherWallet(deposit.wallet),
        ),
        deposit
            .expected_sender
            .filter(|sender| *sender != transfer.sender)
            .map(Reason::WrongSender),
        time_differs(transfer, deposit),
        differs(
            matches!(candidate.order, OrderStatus::Paid | OrderStatus::Cancelled),
            Reason::Closed(candidate.order),
        ),
    ];
    reasons.into_iter().flatten().collect()
}

fn amount_differs(paid: Amount, asked: Amount) -> Option<Reason> {
    match paid.cmp(&asked) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => Some(Reason::ShortBy(asked.checked_sub(paid)?)),
        std::cmp::Ordering::Greater => Some(Reason::OverBy(paid.checked_sub(asked)?)),
    }
}

fn time_differs(transfer: &Transfer, deposit: &Deposit) -> Option<Reason> {
    if transfer.mined_at > deposit.expires_at {
        let seconds = transfer.mined_at - deposit.expires_at;
        return Some(Reason::Late { seconds });
    }
    // Another chain's blocks say nothing about this one's head.
    let same_chain = transfer.blockchain == deposit.blockchain;
    let younger = match same_chain {
        true => deposit.opened.is_before(transfer),
        false => deposit.opened.is_before_by_time(transfer),
    };
    let seconds = (deposit.opened.at - transfer.mined_at).max(0);
    (!younger).then_some(Reason::Early { seconds })
}

/// How far two amounts are apart, in millionths of the larger; `None` if that is more than half of it.
fn off_by(a: Amount, b: Amount) -> Option<u128> {
    let (small, large) = (a.min(b), a.max(b));
    let apart = large.checked_sub(small)?;
    apart.millionths_of(large).filter(|off| *off <= 500_000)
}

fn weight(reason: &Reason) -> u128 {
    let time = |seconds: &i64| (3 * u128::from(seconds.unsigned_abs())).min(WRONG_TIME_AT_MOST);
    match reason {
        // Weighed by how far they are off.
        Reason::ShortBy(_) | Reason::OverBy(_) => 0,
        Reason::OtherChain(_) => OTHER_CHAIN,
        Reason::OtherCoin(_) => OTHER_COIN,
        Reason::OtherWallet(_) => OTHER_WALLET,
        Reason::WrongSender(_) => WRONG_SENDER,
        Reason::Early { seconds } => EARLY + time(seconds),
        Reason::Late { seconds } => time(seconds),
        Reason::Closed(OrderStatus::Paid) => ALREADY_PAID,
        Reason::Closed(_) => CANCELLED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Family;
    use crate::domain::deposit::Opened;
    use proptest::prelude::*;

    fn account(n: u8) -> Address {
        Address::new(Family::Evm, [n; 20])
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    /// Opened at 1000 above block 50, to be paid until 2000.
    fn candidate(id: i64, value: &str) -> Candidate {
        Candidate {
            deposit: Deposit {
                id,
                blockchain: Blockchain::new("eth"),
                coin: Coin::new("USDT"),
                wallet: account(1),
                value: amount(value),
                expected_sender: None,
                opened: Opened {
                    at: 1000,
                    head: Some(50),
                    after_sequence: 7,
                },
                expires_at: 2000,
            },
            order: OrderStatus::Pending,
        }
    }

    fn transfer(value: &str) -> Transfer {
        Transfer {
            blockchain: Blockchain::new("eth"),
            coin: Coin::new("USDT"),
            sender: account(9),
            recipient: account(1),
            value: amount(value),
            block_number: 60,
            mined_at: 1500,
            sequence: 8,
        }
    }

    #[test]
    fn every_difference_is_named_with_its_size() {
        let check = |change: &dyn Fn(&mut Transfer, &mut Candidate), expected: &[Reason]| {
            let (mut t, mut c) = (transfer("20"), candidate(1, "20"));
            change(&mut t, &mut c);
            assert_eq!(reasons(&t, &c), expected, "{t:?}");
        };
        check(&|_, _| (), &[]);
        check(
            &|t, _| t.value = amount("19.5"),
            &[Reason::ShortBy(amount("0.5"))],
        );
        check(
            &|t, _| t.value = amount("20.000000000000000001"),
            &[Reason::OverBy(amount("0.000000000000000001"))],
        );
        check(
            &|t, _| t.blockchain = Blockchain::new("base"),
            &[Reason::OtherChain(Blockchain::new("eth"))],
        );
        check(
            &|t, _| t.coin = Coin::new("USDC"),
            &[Reason::OtherCoin(Coin::new("USDT"))],
        );
        check(
            &|t, _| t.recipient = account(2),
            &[Reason::OtherWallet(account(1))],
        );
        check(
            &|_, c| c.deposit.expected_sender = Some(account(3)),
            &[Reason::WrongSender(account(3))],
        );
        check(&|t, _| t.mined_at = 2180, &[Reason::Late { seconds: 180 }]);
        check(
            &|t, _| (t.mined_at, t.block_number) = (900, 50),
            &[Reason::Early { seconds: 100 }],
        );
        check(&|t, _| t.sequence = 7, &[Reason::Early { seconds: 0 }]);
        for closed in [OrderStatus::Paid, OrderStatus::Cancelled] {
            check(&|_, c| c.order = closed, &[Reason::Closed(closed)]);
        }
        check(&|_, c| c.order = OrderStatus::Expired, &[]);
        check(
            &|t, _| (t.value, t.mined_at) = (amount("19.5"), 2180),
            &[
                Reason::ShortBy(amount("0.5")),
                Reason::Late { seconds: 180 },
            ],
        );
    }

    /// Block numbers of two chains cannot be compared: only the time tells.
    #[test]
    fn on_another_chain_time_alone_says_what_came_first() {
        let mut t = transfer("20");
        (t.blockchain, t.block_number) = (Blockchain::new("base"), 3);
        let other_chain = Reason::OtherChain(Blockchain::new("eth"));
        let in_time = reasons(&t, &candidate(1, "20"));
        t.mined_at = 800;
        let early = Reason::Early { seconds: 200 };
        assert_eq!(
            reasons(&t, &candidate(1, "20")),
            [other_chain.clone(), early]
        );
        assert_eq!(in_time, [other_chain]);
    }

    fn ids(transfer: &Transfer, candidates: &[Candidate]) -> Vec<i64> {
        let ranked = rank(transfer, candidates, 10);
        ranked.iter().map(|l| l.candidate.deposit.id).collect()
    }

    #[test]
    fn the_likeliest_comes_first() {
        let mut late = transfer("20");
        late.mined_at = 2180;
        let mut paid = candidate(4, "20");
        paid.order = OrderStatus::Paid;
        let mut elsewhere = candidate(5, "20");
        elsewhere.deposit.blockchain = Blockchain::new("base");
        let candidates = [
            candidate(1, "21"),
            candidate(2, "20.5"),
            candidate(3, "20"),
            paid,
            elsewhere,
            candidate(6, "41"),
        ];
        // A twenty-first of the amount weighs more than that the order was paid before.
        assert_eq!(ids(&late, &candidates), [3, 5, 2, 4, 1]);
    }

    #[test]
    fn a_slip_is_never_more_than_half() {
        let candidates = [
            candidate(1, "40"),
            candidate(2, "40.01"),
            candidate(3, "9.99"),
        ];
        assert_eq!(ids(&transfer("20"), &candidates), [1]);
    }

    proptest! {
        /// Whatever else there is and in whatever order: a deposit that it pays exactly is first, and numbers are true.
        #[test]
        fn what_fits_is_first_and_the_sizes_are_exact(
            mut micros in prop::collection::vec(1u64..100_000_000, 1..40),
            paid in 1u64..100_000_000,
            at in any::<prop::sample::Index>(),
        ) {
            let at = at.index(micros.len());
            micros[at] = paid;
            let text = |micros: u64| Amount::from_micros(micros).to_string();
            let candidates: Vec<_> = micros.iter().enumerate().map(|(i, m)| candidate(i as i64, &text(*m))).collect();
            let t = transfer(&text(paid));
            let ranked = rank(&t, &candidates, 100);
            prop_assert_eq!(&ranked[0].reasons, &vec![]);
            let mut last = 0;
            for likely in &ranked {
                let asked = likely.candidate.deposit.value.to_micros().unwrap();
                let (sign, off) = match likely.reasons.as_slice() {
                    [] => (0, 0),
                    [Reason::ShortBy(by)] => (1, by.to_micros().unwrap()),
                    [Reason::OverBy(by)] => (-1, by.to_micros().unwrap()),
                    other => panic!("{other:?}"),
                };
                prop_assert_eq!(i128::from(paid) + sign * i128::from(off), i128::from(asked));
                let weight = u128::from(off) * 1_000_000 / u128::from(asked.max(paid));
                prop_assert!(weight >= last, "{} after {}", weight, last);
                last = weight;
            }
        }
    }
}
