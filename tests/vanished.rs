//! Payments that leave the chain and come back, or do not: how long each is looked for, and what its order does meanwhile.

use std::time::Duration;

use ocrch::domain::claim::Finding;
use ocrch::domain::order::{Order, OrderStatus};
use ocrch::service::admin::{Actor, orders, transfers};
use ocrch::service::claims::examine;

use crate::in_process::{NET, Turned, shopper};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn actor() -> Actor {
    Actor {
        client: "127.0.0.1".into(),
        reason: None,
    }
}

fn newest(turned: &Turned) -> String {
    turned.newest_transfer().0
}

fn is_watched(turned: &Turned) -> bool {
    turned.number("SELECT watched FROM transfers ORDER BY id DESC LIMIT 1") == 1
}

fn has_vanished(turned: &Turned) -> bool {
    turned.number("SELECT vanished FROM transfers ORDER BY id DESC LIMIT 1") == 1
}

/// A payment that was seen, so long after its order was made, and left the chain.
fn gone(more: &str, after: Duration) -> (Turned, Order, String) {
    let mut turned = Turned::new(5, more);
    let (order, detail) = turned.deposit("20");
    turned.wait(after);
    let hash = turned.pay(&detail);
    turned.wait(2 * SECOND);
    assert_eq!(newest(&turned), "waiting_for_confirmation");
    turned.provider(NET, 0).reorg(&hash);
    turned.wait(SECOND);
    assert_eq!(newest(&turned), "failed_to_confirm");
    (turned, order, hash)
}

/// Mined again in the orders' time, a payment counts like any other.
#[test]
fn a_payment_that_comes_back_pays_its_order() {
    let (mut turned, order, _) = gone("", SECOND);
    turned.wait(20 * MINUTE);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    turned.wait(SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    assert_eq!(newest(&turned), "matched");
}

/// It may come back for ten minutes after it left; then the order's time is over. What comes back later is money that fits
/// nothing, and is shown to the merchant; or pays the order, where late payments are welcome.
#[test]
fn an_order_waits_ten_minutes_for_a_payment_that_left_the_chain() {
    let late = [
        ("", OrderStatus::Expired, "no_matched_deposit"),
        ("[orders]\naccept_late = true", OrderStatus::Paid, "matched"),
    ];
    for (more, then, transfer) in late {
        let (mut turned, order, _) = gone(more, 29 * MINUTE);
        turned.wait(9 * MINUTE);
        assert_eq!(turned.status(&order), OrderStatus::Pending, "its hold");
        turned.wait(2 * MINUTE);
        assert_eq!(turned.status(&order), OrderStatus::Expired);
        turned.provider(NET, 0).heal();
        turned.wait(MINUTE);
        turned.wait(SECOND);
        assert_eq!(
            (turned.status(&order), newest(&turned).as_str()),
            (then, transfer)
        );
        let told = "SELECT count(*) FROM events WHERE kind = 'unknown_transfer'";
        assert!(turned.number(told) <= 1);
    }
    let (mut turned, order, _) = gone("", 29 * MINUTE);
    turned.wait(9 * MINUTE);
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    turned.wait(SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid, "within it");
}

/// Back after its order's time it is about to pay nothing: who asks is not told to wait for it, and the merchant hears of it.
#[test]
fn what_comes_back_for_a_closed_order_is_no_payment_on_its_way() {
    let (mut turned, order, hash) = gone("", 29 * MINUTE);
    turned.wait(11 * MINUTE);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    assert_eq!(newest(&turned), "waiting_for_confirmation");
    let examined = examine(&turned.app, order.id, &hash, None);
    let examined = turned.runtime.block_on(examined).unwrap();
    assert_eq!(examined.finding, Finding::TooLate);
    assert!(examined.reported);
}

#[test]
fn what_left_the_chain_is_looked_for_a_day() {
    let (mut turned, order, _) = gone("", SECOND);
    turned.wait(23 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
    assert!(is_watched(&turned));
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    turned.wait(SECOND);
    assert_eq!(
        newest(&turned),
        "no_matched_deposit",
        "it is somebody's money"
    );

    let (mut turned, _, _) = gone("", SECOND);
    turned.wait(24 * HOUR);
    turned.wait(2 * MINUTE);
    assert!(!is_watched(&turned));
    let before = turned.provider(NET, 0).look_ups();
    turned.provider(NET, 0).heal();
    turned.wait(HOUR);
    assert_eq!(newest(&turned), "failed_to_confirm");
    assert_eq!(turned.provider(NET, 0).look_ups(), before);
}

/// An order that was paid stays paid. Its payment is looked for until nothing can bring it back.
#[test]
fn a_payment_that_vanished_after_it_paid_is_given_up_in_the_end() {
    let paid_and_gone = || {
        let mut turned = Turned::new(2, "");
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(5 * SECOND);
        assert_eq!(turned.status(&order), OrderStatus::Paid);
        turned.provider(NET, 0).reorg(&hash);
        turned.wait(SECOND);
        assert!(has_vanished(&turned) && is_watched(&turned));
        (turned, order)
    };
    // A block a second: at 2,000 deep it is over.
    let (mut turned, order) = paid_and_gone();
    turned.wait(1900 * SECOND);
    assert!(has_vanished(&turned) && is_watched(&turned));
    turned.wait(100 * SECOND);
    assert!(has_vanished(&turned) && !is_watched(&turned));
    turned.provider(NET, 0).heal();
    turned.wait(HOUR);
    assert!(has_vanished(&turned), "nobody looks any more");
    assert_eq!(turned.status(&order), OrderStatus::Paid);

    let (mut turned, order) = paid_and_gone();
    turned.wait(1900 * SECOND);
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    assert!(
        !has_vanished(&turned) && !is_watched(&turned),
        "it is back, and final"
    );
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    assert_eq!(newest(&turned), "matched");
}

/// One provider that says so, against another that shows it, raises no alarm; two do, or one that nobody gainsays.
#[test]
fn an_alarm_about_a_paid_order_needs_more_than_one_of_two_words() {
    let paid_and_gone = |meanwhile: &dyn Fn(&Turned, &str)| {
        let mut turned = Turned::configured(&[NET], 2, 2, "", "");
        turned.wait(5 * SECOND);
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(5 * SECOND);
        turned.wait(5 * SECOND);
        assert_eq!(turned.status(&order), OrderStatus::Paid);
        turned.provider(NET, 0).reorg(&hash);
        meanwhile(&turned, &hash);
        turned.wait(5 * SECOND);
        turned.wait(5 * SECOND);
        assert!(is_watched(&turned));
        (turned, hash)
    };
    let (mut turned, hash) = paid_and_gone(&|_, _| {});
    assert!(!has_vanished(&turned), "the other shows it");
    turned.provider(NET, 1).reorg(&hash);
    turned.wait(MINUTE);
    turned.wait(5 * SECOND);
    assert!(has_vanished(&turned), "both say so");

    let (turned, _) = paid_and_gone(&|turned, _| turned.provider(NET, 1).fail());
    assert!(has_vanished(&turned), "the other says nothing");
}

/// An admin marked its order as paid while it was on its way: gone and back, it is still that order's.
#[test]
fn a_bound_payment_stays_bound_through_a_reorganisation() {
    let mut turned = Turned::new(5, "");
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.wait(2 * SECOND);
    let marked = orders::mark_paid(&turned.app, order.id, actor());
    turned.runtime.block_on(marked).unwrap();
    turned.provider(NET, 0).reorg(&hash);
    turned.wait(SECOND);
    assert_eq!(newest(&turned), "failed_to_confirm");
    let shown = |turned: &Turned| {
        let found = ocrch::service::orders::find(&turned.app, order.id).unwrap();
        (found.status, found.payment.map(|payment| payment.txn_hash))
    };
    assert_eq!(shown(&turned), (OrderStatus::Paid, None));
    // Another order asks for the same amount meanwhile, and gets another value.
    let (other, _) = turned.deposit("20");
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    turned.wait(SECOND);
    assert_eq!(shown(&turned), (OrderStatus::Paid, Some(hash)));
    assert_eq!(newest(&turned), "matched");
    assert_eq!(turned.status(&other), OrderStatus::Pending);
    let told = "SELECT count(*) FROM events WHERE body LIKE '%\"paid\"%'";
    assert_eq!(turned.number(told), 1, "told once, by the admin's deed");
}

/// What an admin assigned is watched like what was matched by itself: gone, it raises the alarm, and the order stays paid.
#[test]
fn an_assigned_payment_is_watched_through_a_reorganisation() {
    let alerts = "[alerts]\nurl = \"http://127.0.0.1:1/\"\non = []";
    let mut turned = Turned::new(2, alerts);
    let (order, detail) = turned.deposit("20");
    let chain = &turned.nets[NET].chain;
    let hash = chain.send(detail.contract, shopper(), detail.wallet, 19_500_000);
    turned.wait(5 * SECOND);
    assert_eq!(newest(&turned), "no_matched_deposit");
    let row = turned.number("SELECT max(id) FROM transfers");
    let assigned = transfers::assign(&turned.app, row, order.id, actor());
    turned.runtime.block_on(assigned).unwrap();
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    turned.wait(SECOND);
    assert!(is_watched(&turned));
    turned.provider(NET, 0).reorg(&hash);
    turned.wait(SECOND);
    assert!(has_vanished(&turned));
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    let alarms = "SELECT count(*) FROM alerts WHERE kind = 'vanished'";
    assert_eq!(turned.number(alarms), 1);
    turned.provider(NET, 0).heal();
    turned.wait(MINUTE);
    assert!(!has_vanished(&turned));
    assert_eq!(
        (turned.status(&order), newest(&turned).as_str()),
        (OrderStatus::Paid, "matched")
    );
    assert_eq!(turned.number(alarms), 1);
}

/// The shopper changed the chain: the money may come on either.
#[test]
fn an_order_with_deposits_on_two_chains_waits_for_both() {
    for blind in [NET, "other"] {
        let mut turned = Turned::on(&[NET, "other"], 1, 2, "");
        let order = turned.create("20", None);
        turned.choose(NET, &order);
        turned.choose("other", &order);
        let unpaid = turned.create("30", None);
        turned.choose(NET, &unpaid);
        turned.choose("other", &unpaid);
        let detail = turned.choose(blind, &order);
        turned.pay(&detail);
        turned.provider(blind, 0).fail();
        let sees = if blind == NET { "other" } else { NET };
        turned.clock.advance(HOUR);
        assert!(turned.tick(blind).is_err());
        turned.tick(sees).unwrap();
        assert_eq!(turned.status(&order), OrderStatus::Pending, "{blind}");
        assert_eq!(turned.status(&unpaid), OrderStatus::Pending, "{blind}");
        turned.provider(blind, 0).heal();
        turned.wait(11 * SECOND);
        assert_eq!(turned.status(&order), OrderStatus::Paid, "{blind}");
        assert_eq!(turned.status(&unpaid), OrderStatus::Expired, "{blind}");
    }
}
