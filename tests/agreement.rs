//! Providers that disagree: what one alone says is not paid where two must agree, and what one leaves out is found.

use std::time::Duration;

use ocrch::domain::order::{Order, OrderStatus};
use ocrch::domain::transfer::{BlockRef, ChainTransfer, TransferId};
use ocrch::service::payments::PaymentDetail;

use crate::in_process::moody::Moody;
use crate::in_process::{NET, Turned, shopper};

const SECOND: Duration = Duration::from_secs(1);

/// Every payment needs two of so many providers.
fn two_of(providers: usize) -> Turned {
    let mut turned = Turned::configured(&[NET], providers, 2, "", "agreement = 2");
    turned.wait(5 * SECOND);
    turned
}

fn one_of(providers: usize) -> Turned {
    let mut turned = Turned::on(&[NET], providers, 2, "");
    turned.wait(5 * SECOND);
    turned
}

/// Lets a few passes go by.
fn some_passes(turned: &mut Turned) {
    for _ in 0..5 {
        turned.wait(2 * SECOND);
    }
}

/// Passes so far apart that a second look belongs to each. It happens beside the pass.
fn second_looks(turned: &mut Turned, every: Duration, times: usize) {
    for _ in 0..times {
        turned.wait(every);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the second provider does holds a payment back, for as long as it does so.
fn holds_back(what_it_does: impl FnOnce(&Moody, &str), why: &str) {
    let mut turned = two_of(2);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    what_it_does(turned.provider(NET, 1), &hash);
    some_passes(&mut turned);
    waits(&turned, &order, why);
    turned.provider(NET, 1).heal();
    turned.wait(11 * SECOND);
    paid_once(&turned, &order);
}

#[track_caller]
fn waits(turned: &Turned, order: &Order, why: &str) {
    assert_eq!(turned.status(order), OrderStatus::Pending);
    let (status, held_back) = turned.newest_transfer();
    assert_eq!(status, "waiting_for_confirmation");
    assert_eq!(held_back.as_deref(), Some(why));
}

/// The order is paid, by one transfer, which nothing holds back any more.
#[track_caller]
fn paid_once(turned: &Turned, order: &Order) {
    assert_eq!(turned.status(order), OrderStatus::Paid);
    let transfers = "SELECT status || coalesce(held_back, '') FROM transfers";
    let db = turned.db();
    let mut statement = db.prepare(transfers).unwrap();
    let found = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let found: Vec<String> = found.map(Result::unwrap).collect();
    assert_eq!(found, ["matched"]);
    let events = "SELECT count(*) FROM events WHERE body LIKE '%\"paid\"%'";
    let events: u32 = db.query_row(events, [], |row| row.get(0)).unwrap();
    assert_eq!(events, 1);
}

/// A transfer that never happened, in the newest block, that pays a deposit.
fn made_up(turned: &Turned, detail: &PaymentDetail) -> ChainTransfer {
    use ocrch::chain::Provider;
    let chain = &turned.nets[NET].chain;
    let number = chain.head().unwrap();
    let block: BlockRef = chain.block(number).unwrap().unwrap();
    let id = TransferId {
        txn_hash: format!("0x{}", "ab".repeat(32)),
        contract: detail.contract,
        sender: shopper(),
        recipient: detail.wallet,
        units: detail.amount.to_base_units(6).unwrap(),
        ordinal: 0,
    };
    ChainTransfer { id, block }
}

#[test]
fn two_that_agree_pay() {
    let mut turned = two_of(2);
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    some_passes(&mut turned);
    paid_once(&turned, &order);
}

#[test]
fn a_second_provider_that_lags_is_waited_for() {
    let mut turned = two_of(2);
    let (order, detail) = turned.deposit("20");
    turned.provider(NET, 1).lag(9);
    turned.pay(&detail);
    turned.wait(3 * SECOND);
    waits(&turned, &order, "awaiting_second");
    // Its head is past the transfer now, but the transfer is not as deep as it must be.
    turned.wait(7 * SECOND);
    waits(&turned, &order, "awaiting_second");
    turned.wait(2 * SECOND);
    turned.wait(2 * SECOND);
    paid_once(&turned, &order);
}

#[test]
fn a_second_provider_that_is_down_is_waited_for() {
    holds_back(|second, _| second.fail(), "awaiting_second");
}

/// Whichever of the two it is that passes go by.
#[test]
fn a_payment_that_only_one_shows_is_not_paid_while_that_lasts() {
    for lies in [0, 1] {
        let mut turned = two_of(2);
        let (order, detail) = turned.deposit("20");
        let transfer = made_up(&turned, &detail);
        turned.provider(NET, lies).invent(transfer);
        second_looks(&mut turned, 10 * SECOND, 8);
        waits(&turned, &order, "providers_disagree");
        turned.provider(NET, lies).heal();
        for _ in 0..8 {
            turned.wait(10 * SECOND);
        }
        assert_eq!(turned.status(&order), OrderStatus::Pending);
    }
}

#[test]
fn a_second_provider_that_does_not_know_the_payment_holds_it_back() {
    holds_back(|second, hash| second.hide(hash), "providers_disagree");
}

#[test]
fn a_second_provider_on_a_fork_holds_it_back() {
    holds_back(|second, _| second.fork(), "providers_disagree");
}

#[test]
fn without_a_second_provider_it_waits_for_a_person() {
    let mut turned = Turned::on(&[NET], 1, 2, "[payments]\nagree_from = \"20\"");
    let (small, detail) = turned.deposit("19.99");
    turned.pay(&detail);
    some_passes(&mut turned);
    assert_eq!(turned.status(&small), OrderStatus::Paid);
    let (large, detail) = turned.deposit("20");
    turned.pay(&detail);
    some_passes(&mut turned);
    waits(&turned, &large, "no_second_provider");
    for _ in 0..30 {
        turned.wait(60 * SECOND);
    }
    waits(&turned, &large, "no_second_provider");
}

/// What fits nothing is not declared so on one provider's word either: that would be for ever.
#[test]
fn nothing_is_unmatched_on_one_providers_word() {
    let mut turned = two_of(2);
    let (order, detail) = turned.deposit("20");
    let mut transfer = made_up(&turned, &detail);
    transfer.id.units += 1;
    turned.provider(NET, 0).invent(transfer);
    some_passes(&mut turned);
    waits(&turned, &order, "providers_disagree");
}

/// It lists nothing of a payment, as one whose index has a gap: another provider's list has it.
#[test]
fn what_one_provider_leaves_out_of_its_lists_is_found_by_another() {
    let mut turned = one_of(2);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).omit(&hash);
    second_looks(&mut turned, 31 * SECOND, 1);
    turned.wait(4 * SECOND);
    paid_once(&turned, &order);
}

/// Also when the order was closed meanwhile: what was paid in time is not lost.
#[test]
fn a_last_look_follows_when_nobody_pays_any_more() {
    let mut turned = one_of(2);
    let (order, detail) = turned.deposit("20");
    turned.wait(31 * SECOND);
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).omit(&hash);
    turned.wait(2 * SECOND);
    let cancelled = ocrch::service::orders::cancel(
        &turned.app,
        order.id,
        ocrch::service::orders::Canceller::Merchant,
    );
    turned.runtime.block_on(cancelled).unwrap();
    second_looks(&mut turned, 31 * SECOND, 3);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

/// It does not even know the payment when asked: of two, nobody knows who is right.
#[test]
fn a_provider_that_hides_a_payment_is_contradicted() {
    let mut turned = one_of(2);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).hide(&hash);
    second_looks(&mut turned, 20 * SECOND, 5);
    waits(&turned, &order, "providers_disagree");
    // It is gone: the other decides, in its first pass.
    turned.provider(NET, 0).fail();
    assert!(turned.tick(NET).is_err());
    turned.settle();
    paid_once(&turned, &order);
}

/// Two of three overrule it.
#[test]
fn a_provider_that_hides_a_payment_is_overruled_by_two() {
    for turned in [one_of(3), two_of(3)] {
        let mut turned = turned;
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.provider(NET, 0).hide(&hash);
        second_looks(&mut turned, 20 * SECOND, 5);
        paid_once(&turned, &order);
    }
}

/// What one of three made up, the other two do not show.
#[test]
fn nobody_is_overruled_by_one() {
    let mut turned = one_of(3);
    let (order, detail) = turned.deposit("20");
    let transfer = made_up(&turned, &detail);
    turned.provider(NET, 1).invent(transfer);
    second_looks(&mut turned, 20 * SECOND, 5);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
}
