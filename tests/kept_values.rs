//! Who keeps a value, and for how long, in one process whose clock is turned.

use std::time::Duration;

use ocrch::domain::order::{Order, OrderStatus};
use ocrch::service::orders::{self, Canceller, OrderError};
use ocrch::service::payments::PaymentError;

use crate::in_process::{NET, Turned};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Each amount has one value: the bare one.
const NO_TAILS: &str = "[payments]\nmax_tail = \"0\"";

fn cancel(turned: &Turned, order: &Order, who: Canceller) -> Result<(), OrderError> {
    let cancelled = orders::cancel(&turned.app, order.id, who);
    turned.runtime.block_on(cancelled).map(|_| ())
}

/// Whether a new order of an amount can have a value.
fn has_room(turned: &Turned, amount: &str) -> bool {
    let order = turned.create(amount, None);
    match turned.try_choose(NET, &order) {
        Ok(detail) => {
            assert_eq!(detail.amount.to_string(), amount);
            true
        }
        Err(PaymentError::NoSlot) => false,
        Err(error) => panic!("{error}"),
    }
}

/// An hour after its order ended a value may be given away for want of others, but none for which money was seen: what
/// became of that money may not be the last word.
#[test]
fn a_value_for_which_money_came_is_not_given_away_early() {
    // So many confirmations are not reached before the orders expire.
    let mut turned = Turned::new(95_000, NO_TAILS);
    let (seen, detail) = turned.deposit("20");
    let (unpaid, _) = turned.deposit("21");
    turned.pay(&detail);
    turned.wait(5 * SECOND);
    turned.wait(DAY + HOUR);
    assert_eq!(turned.status(&seen), OrderStatus::Expired);
    assert_eq!(turned.status(&unpaid), OrderStatus::Expired);
    turned.wait(2 * HOUR);
    assert!(has_room(&turned, "21"), "taken over");
    assert!(!has_room(&turned, "20"));
    turned.wait(DAY);
    assert!(has_room(&turned, "20"), "no longer reserved");
}

/// Set back, the clock has a value closed in the future. It is not given away before its hour is over.
#[test]
fn a_clock_that_is_set_back_gives_no_value_away() {
    let turned = Turned::new(2, NO_TAILS);
    let (order, _) = turned.deposit("20");
    cancel(&turned, &order, Canceller::Merchant).unwrap();
    turned.clock.set_back(2 * DAY);
    assert!(!has_room(&turned, "20"));
    turned.clock.advance(2 * DAY);
    assert!(!has_room(&turned, "20"));
    turned.clock.advance(59 * MINUTE);
    assert!(!has_room(&turned, "20"));
    turned.clock.advance(2 * MINUTE);
    assert!(has_room(&turned, "20"));
}

/// Set back or forward, the clock ends no order while its payment waits, as long as it does not say that a day is over.
#[test]
fn a_clock_that_is_turned_lets_no_order_go_whose_payment_waits() {
    let mut turned = Turned::new(95_000, "");
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(5 * SECOND);
    let is_held = |turned: &Turned| {
        let cancelled = cancel(turned, &order, Canceller::Shopper);
        matches!(cancelled, Err(OrderError::PaymentOnItsWay))
    };
    assert!(is_held(&turned));
    turned.clock.set_back(2 * DAY);
    assert!(is_held(&turned));
    turned.clock.advance(2 * DAY);
    turned.wait(DAY - HOUR);
    assert!(is_held(&turned));
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.clock.set_back(DAY - 2 * HOUR);
    assert!(is_held(&turned));
    turned.clock.advance(DAY);
    assert!(!is_held(&turned));
}

/// Late money goes to who can be paid in time first, and never to who said that he will not pay.
#[test]
fn late_money_is_for_open_orders_first_and_never_for_cancelled_ones() {
    let mut turned = Turned::new(
        2,
        "[orders]\naccept_late = true\n[payments]\nunique_amounts = false",
    );
    let (cancelled, _) = turned.deposit("20");
    cancel(&turned, &cancelled, Canceller::Shopper).unwrap();
    let (expired, _) = turned.deposit("20");
    turned.wait(HOUR);
    assert_eq!(turned.status(&expired), OrderStatus::Expired);
    let (open, detail) = turned.deposit("20");
    for _ in 0..3 {
        turned.pay(&detail);
        turned.wait(5 * SECOND);
    }
    assert_eq!(turned.status(&open), OrderStatus::Paid);
    let paid_by = |order: &Order| {
        let payment = orders::find(&turned.app, order.id).unwrap().payment;
        payment.map(|payment| payment.block_number)
    };
    if let Some(late) = paid_by(&expired) {
        assert!(paid_by(&open) < Some(late), "the open one comes first");
    }
    assert_eq!(turned.status(&cancelled), OrderStatus::Cancelled);
}
