//! Which transfer pays which deposit.

use super::deposit::Deposit;
use super::transfer::Transfer;

/// Why a deposit is not paid by a transfer to its wallet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Misfit {
    /// Another chain, coin or wallet.
    Elsewhere,
    Amount,
    Sender,
    /// Mined or stored before the deposit existed.
    History,
    /// Mined after the order's expiry.
    Late,
}

/// Whether a transfer pays a deposit, but for the state of its order.
pub fn fits(transfer: &Transfer, deposit: &Deposit) -> Result<(), Misfit> {
    let same_place = transfer.blockchain == deposit.blockchain
        && transfer.coin == deposit.coin
        && transfer.recipient == deposit.wallet;
    if !same_place {
        return Err(Misfit::Elsewhere);
    }
    if transfer.value != deposit.value {
        return Err(Misfit::Amount);
    }
    if deposit
        .expected_sender
        .is_some_and(|s| s != transfer.sender)
    {
        return Err(Misfit::Sender);
    }
    if !deposit.opened.is_before(transfer) {
        return Err(Misfit::History);
    }
    if transfer.mined_at > deposit.expires_at {
        return Err(Misfit::Late);
    }
    Ok(())
}

/// The deposit that a transfer pays: among those it fits one that names its sender wins, then the oldest.
pub fn deposit_paid_by<'a>(transfer: &Transfer, open: &'a [Deposit]) -> Option<&'a Deposit> {
    open.iter()
        .filter(|deposit| fits(transfer, deposit).is_ok())
        .min_by_key(|deposit| (deposit.expected_sender.is_none(), deposit.id))
}

/// The deposit that a late transfer pays where late payments are accepted (`orders.accept_late`): one of an expired
/// order, fitting but for the time, and mined before the window after its expiry ended. One mined in time whose
/// order expired all the same, say because a reorg held it up, is no worse than a late one.
pub fn late_deposit_paid_by<'a>(
    transfer: &Transfer,
    expired: &'a [Deposit],
    late_window: i64,
) -> Option<&'a Deposit> {
    expired
        .iter()
        .filter(|deposit| matches!(fits(transfer, deposit), Ok(()) | Err(Misfit::Late)))
        .filter(|deposit| transfer.mined_at <= deposit.expires_at.saturating_add(late_window))
        .min_by_key(|deposit| (deposit.expected_sender.is_none(), deposit.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{Address, Family};
    use crate::domain::amount::Amount;
    use crate::domain::deposit::Opened;
    use crate::domain::registry::{Blockchain, Coin};
    use proptest::prelude::*;

    fn account(n: u8) -> Address {
        Address::new(Family::Evm, [n; 20])
    }

    fn deposit(id: i64, micros: u64) -> Deposit {
        Deposit {
            id,
            blockchain: Blockchain::new("eth"),
            coin: Coin::new("USDT"),
            wallet: account(1),
            value: Amount::from_micros(micros),
            expected_sender: None,
            opened: Opened {
                at: 1000,
                head: Some(50),
                after_sequence: 7,
            },
            expires_at: 2000,
        }
    }

    fn transfer(micros: u64) -> Transfer {
        Transfer {
            blockchain: Blockchain::new("eth"),
            coin: Coin::new("USDT"),
            sender: account(9),
            recipient: account(1),
            value: Amount::from_micros(micros),
            block_number: 51,
            mined_at: 1500,
            sequence: 8,
        }
    }

    #[test]
    fn a_transfer_fits_only_when_everything_is_equal_and_in_time() {
        let check = |change: &dyn Fn(&mut Transfer, &mut Deposit), expected: Result<(), Misfit>| {
            let (mut t, mut d) = (transfer(20_000_000), deposit(1, 20_000_000));
            change(&mut t, &mut d);
            assert_eq!(fits(&t, &d), expected, "{t:?} {d:?}");
        };
        check(&|_, _| (), Ok(()));
        check(
            &|t, _| t.blockchain = Blockchain::new("base"),
            Err(Misfit::Elsewhere),
        );
        check(&|t, _| t.coin = Coin::new("USDC"), Err(Misfit::Elsewhere));
        check(&|t, _| t.recipient = account(2), Err(Misfit::Elsewhere));
        check(
            &|t, _| t.value = Amount::from_micros(20_000_001),
            Err(Misfit::Amount),
        );
        check(
            &|t, _| t.value = Amount::from_micros(19_999_999),
            Err(Misfit::Amount),
        );
        let dust_more = Amount::from_base_units(20_000_000_000_000_000_001, 18).unwrap();
        check(&|t, _| t.value = dust_more, Err(Misfit::Amount));
        check(
            &|_, d| d.expected_sender = Some(account(3)),
            Err(Misfit::Sender),
        );
        check(&|_, d| d.expected_sender = Some(account(9)), Ok(()));
        check(&|t, _| t.block_number = 50, Err(Misfit::History));
        check(&|t, _| t.sequence = 7, Err(Misfit::History));
        check(&|t, _| t.mined_at = 2000, Ok(()));
        check(&|t, _| t.mined_at = 2001, Err(Misfit::Late));
    }

    #[test]
    fn without_a_known_head_the_block_time_decides() {
        let mut d = deposit(1, 5);
        d.opened.head = None;
        let mut t = transfer(5);
        t.block_number = 1;
        for (mined_at, expected) in [(939, Err(Misfit::History)), (940, Ok(())), (1500, Ok(()))] {
            t.mined_at = mined_at;
            assert_eq!(fits(&t, &d), expected, "{mined_at}");
        }
    }

    #[test]
    fn a_named_sender_wins_then_the_oldest() {
        let mut named = deposit(3, 5);
        named.expected_sender = Some(account(9));
        let open = [deposit(2, 5), named.clone(), deposit(1, 5)];
        assert_eq!(deposit_paid_by(&transfer(5), &open), Some(&named));
        assert_eq!(
            deposit_paid_by(&transfer(5), &[open[0].clone(), open[2].clone()]),
            Some(&open[2])
        );
    }

    #[test]
    fn a_late_transfer_pays_within_the_window_only() {
        let expired = [deposit(1, 5)];
        for (mined_at, expected) in [
            (2000, Some(1)),
            (2001, Some(1)),
            (2100, Some(1)),
            (2101, None),
        ] {
            let mut t = transfer(5);
            t.mined_at = mined_at;
            let paid = late_deposit_paid_by(&t, &expired, 100).map(|d| d.id);
            assert_eq!(paid, expected, "{mined_at}");
        }
    }

    proptest! {
        /// With distinct values each transfer pays its own deposit, whatever else is open and in any order.
        #[test]
        fn distinct_values_are_never_confused(
            values in prop::collection::hash_set(1u64..1_000_000, 1..60),
            pick in any::<prop::sample::Index>(),
        ) {
            let values: Vec<u64> = values.into_iter().collect();
            let open: Vec<_> = values.iter().enumerate().map(|(i, v)| deposit(i as i64, *v)).collect();
            let i = pick.index(values.len());
            let paid = deposit_paid_by(&transfer(values[i]), &open);
            prop_assert_eq!(paid.map(|d| d.id), Some(i as i64));
        }

        /// History never pays: whatever the rest, a transfer not younger than the deposit fits nothing.
        #[test]
        fn history_never_pays(block in 0u64..100, sequence in 0i64..20, head in prop::option::of(0u64..100), mined_at in 0i64..3000) {
            let mut d = deposit(1, 5);
            d.opened.head = head;
            let mut t = transfer(5);
            (t.block_number, t.sequence, t.mined_at) = (block, sequence, mined_at);
            let younger = sequence > 7 && head.map_or(mined_at >= 940, |h| block > h);
            prop_assert_eq!(fits(&t, &d).is_ok(), younger && mined_at <= 2000);
        }
    }
}
