use proptest::prelude::*;

use super::*;
use crate::domain::deposit::Opened;

const DIGITS: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn account(n: u8) -> Address {
    Address::new(Family::Evm, [n; 20])
}

fn usdt() -> Coin {
    Coin::new("USDT")
}

/// Opened at 1000 above block 50, to be paid until 2000.
fn promise(id: i64, micros: u64) -> Promise {
    Promise {
        deposit: Deposit {
            id,
            blockchain: Blockchain::new("eth"),
            coin: usdt(),
            wallet: account(1),
            value: Amount::from_micros(micros),
            expected_sender: None,
            opened: Opened {
                at: 1000,
                head: Some(50),
                after_sequence: 7,
            },
            expires_at: 2000,
        },
        open: true,
    }
}

fn named(micros: u64) -> NamedTransfer {
    NamedTransfer {
        blockchain: Blockchain::new("eth"),
        coin: Some((usdt(), Amount::from_micros(micros))),
        pays: true,
        sender: account(9),
        recipient: account(1),
        block_number: 60,
        mined_at: 1500,
        sequence: i64::MAX,
        standing: Standing::Waiting,
    }
}

#[test]
fn a_hash_is_found_in_what_people_paste() {
    let upper = DIGITS.to_ascii_uppercase();
    for text in [
        DIGITS.to_owned(),
        format!("  0x{DIGITS}\n"),
        format!("0X{upper}"),
        format!("https://etherscan.io/tx/0x{DIGITS}?a=b#eventlog"),
        format!("https://tronscan.org/#/transaction/{DIGITS}"),
        format!("{DIGITS} {upper}"),
    ] {
        let hash = TxnHash::find(&text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(hash.on(Family::Tron), DIGITS, "{text}");
        assert_eq!(hash.on(Family::Evm), format!("0x{DIGITS}"));
    }
    for text in [
        "",
        "0x",
        &DIGITS[1..],
        &format!("0{DIGITS}"),
        &DIGITS.replace('a', "g"),
        &format!("{DIGITS} {}", DIGITS.replace('a', "b")),
    ] {
        assert_eq!(TxnHash::find(text), None, "{text}");
    }
}

#[test]
fn a_prefix_tells_the_family() {
    let bare = TxnHash::find(DIGITS).unwrap();
    assert!(bare.can_be_on(Family::Tron) && bare.can_be_on(Family::Evm));
    assert_eq!(bare.as_written(), DIGITS);
    let prefixed = TxnHash::find(&format!("0x{DIGITS}")).unwrap();
    assert!(!prefixed.can_be_on(Family::Tron) && prefixed.can_be_on(Family::Evm));
    assert_eq!(prefixed.as_written(), format!("0x{DIGITS}"));
}

#[test]
fn findings_keep_their_names() {
    for finding in Finding::ALL {
        assert_eq!(Finding::parse(finding.as_str()), Some(finding));
    }
    assert_eq!(Finding::parse("x"), None);
}

#[test]
fn each_difference_has_its_finding() {
    let check = |change: &dyn Fn(&mut NamedTransfer, &mut Promise), expected: Finding| {
        let (mut t, mut p) = (named(20_000_000), promise(1, 20_000_000));
        change(&mut t, &mut p);
        let (transfers, promises) = ([t], [p]);
        let judged = judge(&transfers, &promises).unwrap();
        assert_eq!(judged.finding, expected, "{transfers:?} {promises:?}");
    };
    let value = |micros| Some((usdt(), Amount::from_micros(micros)));
    check(&|_, _| (), Finding::Confirming);
    check(
        &|t, _| t.standing = Standing::AboutToPay(1),
        Finding::Confirming,
    );
    check(&|t, _| t.standing = Standing::Paid(1), Finding::Paid);
    check(
        &|t, _| t.standing = Standing::AboutToPay(2),
        Finding::AlreadyUsed,
    );
    check(&|t, _| t.standing = Standing::Paid(2), Finding::AlreadyUsed);
    check(
        &|t, _| t.blockchain = Blockchain::new("base"),
        Finding::WrongNetwork,
    );
    check(
        &|t, _| t.coin = Some((Coin::new("USDC"), Amount::ZERO)),
        Finding::WrongCoin,
    );
    check(&|t, _| t.coin = None, Finding::WrongCoin);
    check(&|t, _| t.pays = false, Finding::WrongCoin);
    check(&|t, _| t.recipient = account(2), Finding::WrongAddress);
    check(&|t, _| t.coin = value(19_999_999), Finding::Short);
    check(&|t, _| t.coin = value(20_000_001), Finding::Over);
    check(
        &|_, p| p.deposit.expected_sender = Some(account(3)),
        Finding::WrongSender,
    );
    check(&|t, _| t.block_number = 48, Finding::TooEarly);
    check(&|t, _| t.sequence = 7, Finding::TooEarly);
    check(&|t, _| t.mined_at = 2001, Finding::TooLate);
    check(&|_, p| p.open = false, Finding::TooLate);
    check(&|t, _| t.standing = Standing::Unmatched, Finding::TooLate);
}

#[test]
fn without_a_deposit_there_is_nothing_to_compare_with() {
    let transfers = [named(5)];
    let judged = judge(&transfers, &[]).unwrap();
    assert_eq!((judged.finding, judged.promise), (Finding::NoDeposit, None));
    assert_eq!(judge(&[], &[promise(1, 5)]), None);
}

#[test]
fn the_nearest_deposit_and_transfer_count() {
    let promises = [promise(1, 10_000_000), promise(2, 25_000_000)];
    let transfers = [named(3_000_000), named(24_000_000)];
    let judged = judge(&transfers, &promises).unwrap();
    assert_eq!(judged.finding, Finding::Short);
    assert_eq!(judged.promise.unwrap().deposit.id, 2);
    assert_eq!(judged.difference, Some(Amount::from_micros(1_000_000)));
    let elsewhere = NamedTransfer {
        blockchain: Blockchain::new("base"),
        ..named(10_000_000)
    };
    let transfers = [elsewhere, named(10_000_000)];
    assert_eq!(
        judge(&transfers, &promises).unwrap().finding,
        Finding::Confirming
    );
}

#[test]
fn as_far_above_as_below_is_short_in_any_order() {
    let promises = [promise(1, 20_000_000)];
    let mut transfers = [named(25_000_000), named(15_000_000)];
    for _ in 0..2 {
        let judged = judge(&transfers, &promises).unwrap();
        assert_eq!(judged.finding, Finding::Short);
        transfers.reverse();
    }
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Waiting),
        Just(Standing::Unmatched),
        (1i64..5).prop_map(Standing::AboutToPay),
        (1i64..5).prop_map(Standing::Paid),
    ]
}

prop_compose! {
    fn any_named()(
        micros in 1u64..6, chain in 0u8..2, coin in 0u8..3, recipient in 1u8..3, block in 45u64..55,
        mined_at in 1900i64..2100, sequence in 5i64..10, standing in standing()
    ) -> NamedTransfer {
        NamedTransfer {
            blockchain: Blockchain::new(["eth", "base"][usize::from(chain)]),
            coin: [Some("USDT"), Some("USDC"), None][usize::from(coin)]
                .map(|coin| (Coin::new(coin), Amount::from_micros(micros))),
            recipient: account(recipient),
            block_number: block,
            mined_at,
            sequence,
            standing,
            ..named(micros)
        }
    }
}

prop_compose! {
    fn any_promises()(all in prop::collection::vec((1u64..6, any::<bool>()), 0..3)) -> Vec<Promise> {
        let promise = |(i, (micros, open))| Promise { open, ..promise(i as i64 + 1, micros) };
        all.into_iter().enumerate().map(promise).collect()
    }
}

proptest! {
    /// Good news only where it is true: paid for a deposit of this order, or fitting an open one in everything.
    #[test]
    fn hope_is_never_false(transfer in any_named(), promises in any_promises()) {
        let transfers = [transfer.clone()];
        let judged = judge(&transfers, &promises).unwrap();
        let own = |id: i64| promises.iter().any(|p| p.deposit.id == id);
        let paid = matches!(transfer.standing, Standing::Paid(id) if own(id));
        prop_assert_eq!(judged.finding == Finding::Paid, paid);
        let about_to = matches!(transfer.standing, Standing::AboutToPay(id) if own(id));
        let fits = |p: &Promise| transfer.coin.as_ref().is_some_and(|(coin, value)| {
            matching::fits(&transfer.as_transfer(coin, *value), &p.deposit).is_ok()
        });
        let will = transfer.standing == Standing::Waiting && promises.iter().any(|p| p.open && fits(p));
        prop_assert_eq!(judged.finding == Finding::Confirming, about_to || will);
    }

    /// A stranger's payment is used, and that is all that is said.
    #[test]
    fn what_paid_others_tells_nothing(mut transfer in any_named(), promises in any_promises(), paid in any::<bool>()) {
        transfer.standing = if paid { Standing::Paid(99) } else { Standing::AboutToPay(99) };
        let transfers = [transfer];
        let judged = judge(&transfers, &promises).unwrap();
        prop_assert_eq!((judged.finding, judged.promise, judged.difference), (Finding::AlreadyUsed, None, None));
    }

    /// The difference is exact, and there is one exactly where the amount is the matter.
    #[test]
    fn differences_are_exact(transfer in any_named(), promises in any_promises()) {
        let transfers = [transfer];
        let judged = judge(&transfers, &promises).unwrap();
        let by_amount = matches!(judged.finding, Finding::Short | Finding::Over);
        prop_assert_eq!(judged.difference.is_some(), by_amount);
        if let (Some(difference), Some(promise), Some((_, value))) = (judged.difference, judged.promise, &judged.transfer.coin) {
            let micros = |amount: Amount| amount.to_micros().unwrap();
            let (value, asked, difference) = (micros(*value), micros(promise.deposit.value), micros(difference));
            let expected = if judged.finding == Finding::Short { value + difference } else { value - difference };
            prop_assert_eq!(expected, asked);
        }
    }

    /// In whatever order a transaction's transfers come, the finding is the same.
    #[test]
    fn the_order_of_transfers_does_not_matter(mut transfers in prop::collection::vec(any_named(), 1..4), promises in any_promises()) {
        let finding = judge(&transfers, &promises).unwrap().finding;
        transfers.reverse();
        prop_assert_eq!(judge(&transfers, &promises).unwrap().finding, finding);
    }
}
