//! Which transfer pays which deposit.

use super::address::Family;
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
    match transfer.blockchain == deposit.blockchain {
        true => fits_but_for_chain(transfer, deposit),
        false => Err(Misfit::Elsewhere),
    }
}

/// The same, whatever chain it came on.
fn fits_but_for_chain(transfer: &Transfer, deposit: &Deposit) -> Result<(), Misfit> {
    if transfer.coin != deposit.coin || transfer.recipient != deposit.wallet {
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
    // Another chain's block numbers say nothing about this one's head.
    let younger = match transfer.blockchain == deposit.blockchain {
        true => deposit.opened.is_before(transfer),
        false => deposit.opened.is_before_by_time(transfer),
    };
    if !younger {
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

/// The deposit that a late transfer pays where late payments are accepted (`orders.accept_late`): one whose order's time is
/// over, fitting but for that, and mined before the window after its expiry ended. One mined in time whose
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

/// A deposit on any chain that still keeps its value: open, or closed not long ago.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    pub deposit: Deposit,
    /// The row of its order.
    pub order: i64,
    /// It is open, and its order pending.
    pub payable: bool,
}

/// The deposit that a transfer pays which came on another chain than was asked for (`payments.accept_other_chain`): of all that
/// keep their value, on whatever chain, those of one order only may fit. EVM chains only, where an account has one address on all.
pub fn other_chain_deposit_paid_by<'a>(
    transfer: &Transfer,
    kept: &'a [Kept],
) -> Option<&'a Deposit> {
    if transfer.recipient.family() != Family::Evm {
        return None;
    }
    let fit = |kept: &&Kept| {
        let fits = fits_but_for_chain(transfer, &kept.deposit);
        // Late or not: it could have been meant.
        matches!(fits, Ok(()) | Err(Misfit::Late))
    };
    let fitting: Vec<&Kept> = kept.iter().filter(fit).collect();
    let one_order = fitting
        .windows(2)
        .all(|pair| pair[0].order == pair[1].order);
    let payable = fitting
        .into_iter()
        .filter(|kept| kept.payable && fits_but_for_chain(transfer, &kept.deposit).is_ok());
    let oldest = payable.map(|kept| &kept.deposit).min_by_key(|d| d.id);
    oldest.filter(|_| one_order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;
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
        check(&|t, _| t.block_number = 48, Err(Misfit::History));
        // In the place of the newest block, or of the one below.
        for (block, mined_at, expected) in [
            (49, 1001, Ok(())),
            (50, 1001, Ok(())),
            (50, 1000, Err(Misfit::History)),
            (51, 700, Ok(())),
            (51, 699, Err(Misfit::History)),
        ] {
            let mined = |t: &mut Transfer, _: &mut Deposit| {
                (t.block_number, t.mined_at) = (block, mined_at);
            };
            check(&mined, expected);
        }
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

    fn on(chain: &str, id: i64, order: i64, payable: bool) -> Kept {
        let mut deposit = deposit(id, 5);
        deposit.blockchain = Blockchain::new(chain);
        Kept {
            deposit,
            order,
            payable,
        }
    }

    #[test]
    fn on_another_chain_only_the_one_order_that_fits_is_paid() {
        let check = |change: &dyn Fn(&mut Transfer), kept: &[Kept], expected: Option<i64>| {
            let mut t = transfer(5);
            t.blockchain = Blockchain::new("arb");
            change(&mut t);
            let paid = other_chain_deposit_paid_by(&t, kept).map(|d| d.id);
            assert_eq!(paid, expected, "{t:?} {kept:?}");
        };
        let open = |chain: &str, id: i64, order: i64| on(chain, id, order, true);
        let reserved = |chain: &str, id: i64, order: i64| on(chain, id, order, false);
        let one = [open("eth", 1, 10)];
        check(&|_| (), &one, Some(1));
        check(&|t| t.value = Amount::from_micros(6), &one, None);
        check(&|t| t.coin = Coin::new("USDC"), &one, None);
        check(&|t| t.recipient = account(2), &one, None);
        check(&|t| t.mined_at = 2001, &one, None);
        check(&|t| t.sequence = 7, &one, None);
        // By time only, whatever the block's number; 60 seconds of skew.
        check(&|t| (t.block_number, t.mined_at) = (1, 940), &one, Some(1));
        check(&|t| t.mined_at = 939, &one, None);
        let tron = |t: &mut Transfer| t.recipient = Address::new(Family::Tron, [1; 20]);
        check(&tron, &one, None);
        // Two orders that it could be meant for, even if one is closed already.
        check(&|_| (), &[open("eth", 1, 10), open("base", 2, 11)], None);
        check(
            &|_| (),
            &[open("eth", 1, 10), reserved("base", 2, 11)],
            None,
        );
        check(&|_| (), &[open("eth", 1, 10), reserved("arb", 2, 11)], None);
        // One order's choices are no contradiction.
        check(&|_| (), &[open("base", 2, 10), open("eth", 1, 10)], Some(1));
        check(&|_| (), &[reserved("eth", 1, 10)], None);
        // What names another sender cannot be meant.
        let mut named = open("base", 2, 11);
        named.deposit.expected_sender = Some(account(3));
        check(&|_| (), &[open("eth", 1, 10), named.clone()], Some(1));
        named.deposit.expected_sender = Some(account(9));
        check(&|_| (), &[named.clone()], Some(2));
        check(&|_| (), &[open("eth", 1, 10), named], None);
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

        /// Whatever is open and reserved on whatever chains: nothing is paid where two orders could be meant, and what is paid is
        /// the order's own value.
        #[test]
        fn another_chain_never_pays_one_of_two(
            places in prop::collection::vec((0usize..4, 1i64..4, 4u64..7, any::<bool>()), 1..8), paid in 4u64..7,
        ) {
            let chains = ["eth", "base", "arb", "op"];
            let kept: Vec<Kept> = places.iter().enumerate().map(|(i, (chain, order, micros, payable))| {
                let mut kept = on(chains[*chain], i as i64, *order, *payable);
                kept.deposit.value = Amount::from_micros(*micros);
                kept
            }).collect();
            let mut t = transfer(paid);
            t.blockchain = Blockchain::new("linea");
            let orders: std::collections::HashSet<i64> =
                kept.iter().filter(|k| k.deposit.value == t.value).map(|k| k.order).collect();
            let found = other_chain_deposit_paid_by(&t, &kept);
            let any_payable = kept.iter().any(|k| k.deposit.value == t.value && k.payable);
            prop_assert_eq!(found.is_some(), orders.len() == 1 && any_payable);
            if let Some(deposit) = found {
                prop_assert_eq!(deposit.value, t.value);
                prop_assert!(kept[deposit.id as usize].payable);
            }
        }

        /// History never pays: whatever the rest, a transfer not younger than the deposit fits nothing.
        #[test]
        fn history_never_pays(block in 0u64..100, sequence in 0i64..20, head in prop::option::of(0u64..100), mined_at in 0i64..3000) {
            let mut d = deposit(1, 5);
            d.opened.head = head;
            let mut t = transfer(5);
            (t.block_number, t.sequence, t.mined_at) = (block, sequence, mined_at);
            let younger = match head {
                None => mined_at >= 940,
                Some(head) if block > head => mined_at >= 700,
                Some(head) => mined_at > 1000 && block + 2 > head,
            };
            prop_assert_eq!(fits(&t, &d).is_ok(), sequence > 7 && younger && mined_at <= 2000);
        }
    }
}
