//! Rules that take hours and days, in one process whose clock is turned.

use std::time::Duration;

use ocrch::domain::order::OrderStatus;
use ocrch::domain::registry::Blockchain;
use ocrch::domain::signature::{Signature, sign_url};
use ocrch::service::expire::expire_due;
use ocrch::service::orders::{self, Canceller, OrderError};
use ocrch::service::payments::PaymentError;
use ocrch::service::{Attempt, admin, outbox, payments, prune};
use ocrch::task::deliver::Deliverer;

use crate::in_process::logged::logged;
use crate::in_process::{NET, Turned, shopper};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn an_idempotency_key_stands_for_its_order_for_a_day() {
    let mut turned = Turned::new(2, "");
    let first = turned.create("5", Some("key"));
    turned.wait(DAY - HOUR);
    assert_eq!(turned.create("5", Some("key")).id, first.id);
    turned.wait(HOUR);
    assert_ne!(turned.create("5", Some("key")).id, first.id);
}

#[test]
fn a_clock_that_is_set_back_keeps_no_webhook_waiting() {
    let turned = Turned::new(2, "");
    let order = turned.create("5", None);
    turned
        .runtime
        .block_on(orders::cancel(&turned.app, order.id, Canceller::Merchant))
        .unwrap();
    let due = || {
        outbox::due(&turned.app, "http://127.0.0.1:1", 10)
            .unwrap()
            .0
            .len()
    };
    assert_eq!(due(), 1);
    let mut deliverer = Deliverer::new(turned.app.clone());
    let mut follow = || logged(|| turned.runtime.block_on(deliverer.follow_clock()).unwrap());
    assert_eq!(follow(), [""; 0]);
    turned.clock.set_back(HOUR);
    assert_eq!(due(), 0, "it was queued in what is now the future");
    let said = follow();
    assert_eq!(said.len(), 1, "{said:?}");
    // The test itself takes its milliseconds.
    let hour = ["3599", "3600"].map(|s| format!("WARN the clock was set back by {s} s: "));
    assert!(
        hour.iter().any(|line| said[0].starts_with(line)),
        "{said:?}"
    );
    assert_eq!(due(), 1);
    // Told once; and set right again, nothing is any different.
    assert_eq!(follow(), [""; 0]);
    turned.clock.advance(HOUR);
    assert_eq!(follow(), [""; 0]);
    assert_eq!(due(), 1);
}

/// An hour that comes twice: nothing ends early in it, and nothing lasts for ever.
#[test]
fn a_clock_that_is_set_back_keeps_orders_for_their_time() {
    let turned = Turned::new(2, "[orders]\nexpires_after = \"30m\"");
    let expire = || {
        let expiring = expire_due(&turned.app);
        turned.runtime.block_on(expiring).unwrap()
    };
    let before = turned.create("5", None);
    turned.clock.set_back(HOUR);
    let after = turned.create("6", None);
    assert_eq!(after.expires_at - after.created_at, 30 * 60);
    assert_eq!(expire(), 0);
    turned.clock.advance(HOUR / 2 + SECOND);
    assert_eq!(expire(), 1);
    assert_eq!(turned.status(&after), OrderStatus::Expired);
    assert_eq!(turned.status(&before), OrderStatus::Pending);
    turned.clock.advance(HOUR);
    assert_eq!(expire(), 1);
    assert_eq!(turned.status(&before), OrderStatus::Expired);
}

/// The page that a shopper has open is signed in what is now the future; a foreign signature from there is refused.
#[test]
fn a_clock_that_is_set_back_closes_no_page_and_opens_none() {
    let turned = Turned::new(2, "");
    let order = turned.create("5", None);
    let signed = |at: i64| Signature::parse(&sign_url("s", at, "u")).unwrap();
    let outlived = |at: i64| orders::has_outlived(&turned.app, order.id, &signed(at)).unwrap();
    let max_age = 300;
    let check = |at: i64| signed(at).check_age(turned.clock.now(), max_age);
    let now = turned.clock.now();
    assert!(!outlived(order.created_at) && check(now).is_ok());
    turned.clock.set_back(HOUR);
    assert!(!outlived(order.created_at));
    assert!(outlived(order.created_at + 3600));
    assert!(check(now).is_err() && check(now - 3600).is_ok());
    turned.clock.advance(HOUR);
    assert!(check(now).is_ok() && check(now - 3600).is_err());
}

#[test]
fn old_notes_are_forgotten_and_money_never() {
    let mut turned = Turned::new(2, "[retention]\nevents = \"7d\"\nwebhook_attempts = \"3d\"");
    let (order, deposit) = turned.deposit("5");
    turned.pay(&deposit);
    turned.wait(10 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    let event = outbox::due(&turned.app, "http://127.0.0.1:1", 1)
        .unwrap()
        .0
        .remove(0);
    let attempt = Attempt {
        status: Some(200),
        error: None,
        latency_ms: 5,
        answer: String::new(),
    };
    turned
        .runtime
        .block_on(outbox::record_attempt(&turned.app, event, attempt, 0.5))
        .unwrap();
    let waiting = turned.create("7", None);
    turned
        .runtime
        .block_on(orders::cancel(&turned.app, waiting.id, Canceller::Merchant))
        .unwrap();
    let rows = |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        turned.db().query_row(&count, [], |row| row.get(0)).unwrap()
    };
    let prune = || while turned.runtime.block_on(prune::prune(&turned.app)).unwrap() {};
    let kept = ["orders", "deposits", "transfers"].map(rows);
    prune();
    let changes = rows("changes");
    assert_eq!((rows("attempts"), rows("events")), (1, 2));
    turned.clock.advance(3 * DAY - HOUR);
    prune();
    assert_eq!(rows("attempts"), 1);
    turned.clock.advance(2 * HOUR);
    prune();
    assert_eq!((rows("attempts"), rows("events")), (0, 2));
    turned.clock.advance(4 * DAY - 2 * HOUR);
    prune();
    assert_eq!((rows("events"), rows("changes")), (2, changes));
    turned.clock.advance(2 * HOUR);
    prune();
    assert_eq!(rows("events"), 1, "one that waits is no note");
    assert!(changes > 1);
    assert_eq!(rows("changes"), 1, "the last one holds the place");
    assert_eq!(["orders", "deposits", "transfers"].map(rows), kept);
}

#[test]
fn a_value_stays_reserved_for_the_window_after_its_deposit_closed() {
    for (more, window) in [("", DAY), ("[payments]\nlate_window = \"5h\"", 5 * HOUR)] {
        let mut turned = Turned::new(2, more);
        let (order, first) = turned.deposit("20");
        assert_eq!(first.amount.to_string(), "20");
        turned.wait(HOUR);
        assert_eq!(turned.status(&order), OrderStatus::Expired);
        assert_eq!(turned.deposit("20").1.amount.to_string(), "20.0001");
        turned.wait(window - 2 * HOUR);
        assert_eq!(turned.deposit("20").1.amount.to_string(), "20.0002");
        turned.wait(2 * HOUR);
        assert_eq!(turned.deposit("20").1.amount.to_string(), "20");
    }
}

#[test]
fn a_bare_payment_beside_a_tailed_deposit_is_flagged() {
    let mut turned = Turned::new(2, "");
    let (bare, detail) = turned.deposit("20");
    let (tailed, with_tail) = turned.deposit("20");
    assert_eq!(with_tail.amount.to_string(), "20.0001");
    turned.pay(&detail);
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.status(&bare), OrderStatus::Paid);
    assert_eq!(turned.status(&tailed), OrderStatus::Pending);
    turned.pay(&with_tail);
    turned.wait(Duration::from_secs(5));
    let db = turned.db();
    let mut flags = db
        .prepare("SELECT tail_dropped FROM transfers ORDER BY id")
        .unwrap();
    let flags: Vec<bool> = flags
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(flags, [true, false]);
    // Others near it in amount and time are nobody's siblings.
    turned.deposit("20.0002");
    let detail = admin::orders::find(&turned.app, bare.id);
    let detail = turned.runtime.block_on(detail).unwrap();
    let siblings = detail.transfers[0].likely.iter().flatten();
    let siblings: Vec<_> = siblings.map(|(meant, _)| meant.order).collect();
    assert_eq!(siblings, [tailed.id]);
    let detail = admin::orders::find(&turned.app, tailed.id);
    let detail = turned.runtime.block_on(detail).unwrap();
    assert!(detail.transfers[0].likely.is_none());
}

#[test]
fn a_late_payment_pays_nobody() {
    let mut turned = Turned::new(2, "");
    let (late, detail) = turned.deposit("20");
    turned.wait(HOUR);
    let (other, _) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.status(&late), OrderStatus::Expired);
    assert_eq!(turned.status(&other), OrderStatus::Pending);
}

#[test]
fn late_payments_are_accepted_within_the_window_where_the_merchant_says_so() {
    let two_hours = "[payments]\nlate_window = \"2h\"";
    for (more, after, expected) in [
        ("", 23 * HOUR, OrderStatus::Paid),
        ("", 25 * HOUR, OrderStatus::Expired),
        (two_hours, HOUR, OrderStatus::Paid),
        (two_hours, 3 * HOUR, OrderStatus::Expired),
    ] {
        let mut turned = Turned::new(2, &format!("[orders]\naccept_late = true\n{more}"));
        let (order, detail) = turned.deposit("20");
        turned.wait(HOUR);
        assert_eq!(turned.status(&order), OrderStatus::Expired);
        turned.wait(after - HOUR / 2);
        turned.pay(&detail);
        turned.wait(Duration::from_secs(5));
        assert_eq!(turned.status(&order), expected, "{more} {after:?}");
    }
}

/// A steady chain is read for some seconds more before its orders expire: who pays in these seconds is late as well.
#[test]
fn late_payments_are_accepted_before_their_order_is_expired_too() {
    for (more, expected) in [
        ("[orders]\naccept_late = true", OrderStatus::Paid),
        ("", OrderStatus::Pending),
    ] {
        let mut turned = Turned::on(&["bsc"], 1, 2, more);
        let (order, detail) = turned.deposit_on("bsc", "20");
        let left = order.expires_at - turned.clock.now();
        turned.wait(Duration::from_secs(u64::try_from(left).unwrap() + 2));
        turned.pay(&detail);
        turned.wait(Duration::from_secs(5));
        assert_ne!(turned.newest_transfer().0, "waiting_for_confirmation");
        assert_eq!(turned.status(&order), expected, "{more}");
    }
}

/// Who paid before the wallet's chain could be read for the first time, and then gave up, is not forgotten.
#[test]
fn a_wallets_first_start_finds_what_was_paid_to_closed_orders() {
    let mut turned = Turned::new(2, "");
    turned.db().execute("DELETE FROM cursors", []).unwrap();
    turned.provider(NET, 0).fail();
    let (order, detail) = turned.deposit("20");
    turned.clock.advance(Duration::from_secs(5));
    turned.pay(&detail);
    turned.clock.advance(Duration::from_secs(5));
    let cancelled = orders::cancel(&turned.app, order.id, Canceller::Shopper);
    turned.runtime.block_on(cancelled).unwrap();
    turned.clock.advance(HOUR);
    turned.provider(NET, 0).heal();
    turned.settle();
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

#[test]
fn a_waiting_payment_keeps_its_order_for_a_day_at_most() {
    // So many confirmations are never reached here.
    let mut turned = Turned::new(95_000, "");
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(Duration::from_secs(5));
    let seen = orders::find(&turned.app, order.id).unwrap();
    assert!(seen.payment.is_some_and(|p| p.confirmations >= 1));
    turned.wait(DAY - HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    let cancelled =
        turned
            .runtime
            .block_on(orders::cancel(&turned.app, order.id, Canceller::Shopper));
    assert!(matches!(cancelled, Err(OrderError::PaymentOnItsWay)));
    turned.wait(2 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
}

#[test]
fn a_payment_that_waits_is_settled_however_long_after_the_expiry() {
    let mut turned = Turned::new(3 * 3600, "");
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(2 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.wait(2 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}

#[test]
fn a_payment_mined_before_its_deposit_never_pays_it() {
    let mut turned = Turned::new(2, "");
    let (first, detail) = turned.deposit("20");
    let cancelled = orders::cancel(&turned.app, first.id, Canceller::Merchant);
    turned.runtime.block_on(cancelled).unwrap();
    turned.pay(&detail);
    // Mined and seen, waiting still, when the value is promised anew.
    turned.wait(DAY + HOUR);
    turned.pay(&detail);
    turned.wait(Duration::from_secs(1));
    let (second, again) = turned.deposit("20");
    assert_eq!(again.amount, detail.amount);
    turned.wait(Duration::from_secs(10));
    assert_eq!(turned.status(&second), OrderStatus::Pending);
    turned.pay(&again);
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.status(&second), OrderStatus::Paid);
}

#[test]
fn a_signed_url_of_our_own_lives_a_day_longer_than_its_order() {
    let mut turned = Turned::new(2, "");
    let (order, _) = turned.deposit("20");
    let signature = Signature::parse(&sign_url("s", order.created_at, "u")).unwrap();
    let outlived =
        |turned: &Turned| orders::has_outlived(&turned.app, order.id, &signature).unwrap();
    assert!(!outlived(&turned));
    turned.wait(HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
    turned.wait(DAY - HOUR);
    assert!(!outlived(&turned));
    turned.wait(2 * HOUR);
    assert!(outlived(&turned));
}

/// An order is not closed over the shopper's head while nobody can know whether it was paid in time.
#[test]
fn orders_on_a_chain_that_cannot_be_watched_do_not_expire_until_it_has_caught_up() {
    let mut turned = Turned::on(&[NET, "other"], 1, 2, "");
    let (paid, detail) = turned.deposit("20");
    let (unpaid, _) = turned.deposit("21");
    let (elsewhere, _) = turned.deposit_on("other", "22");
    let net = Blockchain::new(NET);
    let degraded = |turned: &Turned| -> Vec<bool> {
        let options = payments::options(&turned.app, None);
        options.iter().map(|option| option.degraded).collect()
    };
    turned.provider(NET, 0).fail();
    turned.pay(&detail);
    turned.clock.advance(SECOND);
    assert!(turned.tick(NET).is_err());
    assert_eq!(degraded(&turned), [false, false]);
    let failed_at = turned.clock.now();
    turned.clock.advance(61 * SECOND);
    assert!(turned.tick(NET).is_err());
    assert_eq!(degraded(&turned), [true, false]);
    let since = turned.app.watching().degraded_since(&net).unwrap();
    assert!(
        (failed_at - 5..=failed_at).contains(&since),
        "{since} {failed_at}"
    );

    turned.clock.advance(HOUR);
    assert!(turned.tick(NET).is_err());
    turned.tick("other").unwrap();
    assert_eq!(turned.status(&elsewhere), OrderStatus::Expired);
    assert_eq!(turned.status(&paid), OrderStatus::Pending);
    assert_eq!(turned.status(&unpaid), OrderStatus::Pending);
    // But nobody is told to pay an order whose time is over, neither anew nor again.
    let over = PaymentError::Order(OrderError::NotPending).to_string();
    for name in ["other", NET] {
        let choice = turned.try_choose(name, &unpaid);
        assert_eq!(choice.map_err(|e| e.to_string()).unwrap_err(), over);
    }

    turned.provider(NET, 0).heal();
    turned.wait(11 * SECOND);
    assert_eq!(degraded(&turned), [false, false]);
    assert_eq!(turned.status(&paid), OrderStatus::Paid);
    assert_eq!(turned.status(&unpaid), OrderStatus::Expired);
}

/// What comes late is welcome there.
#[test]
fn an_order_that_is_held_up_is_shown_on_where_late_payments_are_accepted() {
    let mut turned = Turned::new(2, "[orders]\naccept_late = true");
    let (order, detail) = turned.deposit("20");
    turned.provider(NET, 0).fail();
    turned.clock.advance(HOUR);
    assert!(turned.tick(NET).is_err());
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    assert_eq!(turned.choose(NET, &order).amount, detail.amount);
}

#[test]
fn how_providers_are_doing_is_reported_after_each_pass() {
    let mut turned = Turned::on(&[NET], 2, 2, "");
    let reports = |turned: &Turned| turned.app.watching().providers(&Blockchain::new(NET));
    let before = reports(&turned);
    let in_use: Vec<bool> = before.iter().map(|r| r.in_use).collect();
    assert_eq!(in_use, [true, false]);
    assert_eq!(before[0].label, "scripted node0.example");
    assert!(before[0].requests_today > 0 && before[0].head.is_some());
    assert_eq!((before[1].requests_today, before[1].head), (0, None));

    turned.provider(NET, 0).fail();
    assert!(turned.tick(NET).is_err());
    turned.settle();
    let after = reports(&turned);
    assert_eq!(after[0].error.as_deref(), Some("unreachable: it is down"));
    assert!(after[0].failing_since_ms.is_some() && !after[0].in_use);
    assert_eq!((after[0].errors_today, after[1].errors_today), (1, 0));
    assert!(after[1].in_use && after[1].requests_today > 0);

    turned.clock.advance(DAY);
    assert!(turned.tick(NET).is_err());
    let next_day = reports(&turned);
    assert_eq!(
        (next_day[0].requests_today, next_day[0].errors_today),
        (1, 1)
    );
    assert_eq!(
        (next_day[1].requests_today, next_day[1].errors_today),
        (0, 0)
    );
}

/// A head that is a little too high would make history of the payments in the blocks below it.
#[test]
fn a_deposit_remembers_no_head_that_the_chain_has_not() {
    let mut turned = Turned::new(2, "");
    turned.wait(5 * SECOND);
    turned.provider(NET, 0).run_ahead(40);
    turned.clock.advance(SECOND);
    assert!(turned.tick(NET).is_err(), "it cannot show that block");
    let (order, detail) = turned.deposit("20");
    turned.provider(NET, 0).heal();
    turned.wait(2 * SECOND);
    turned.pay(&detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}

/// On a fast chain a provider's lists may be many blocks behind its head, and nothing in its answers tells.
#[test]
fn what_was_listed_late_is_read_again() {
    let mut turned = Turned::on(&["arb"], 1, 2, "");
    let (order, detail) = turned.deposit_on("arb", "20");
    turned.provider("arb", 0).list_late(300);
    turned.pay(&detail);
    for _ in 0..10 {
        turned.wait(6 * SECOND);
    }
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.provider("arb", 0).heal();
    turned.wait(SECOND);
    turned.wait(SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}

/// A payment in the last second must not be lost because the newest blocks were not listed yet.
#[test]
fn an_order_waits_for_what_its_last_blocks_bring() {
    let mut turned = Turned::on(&["base"], 1, 2, "");
    let (order, detail) = turned.deposit_on("base", "20");
    let (unpaid, _) = turned.deposit_on("base", "21");
    let left = order.expires_at - turned.clock.now() - 3;
    turned.wait(Duration::from_secs(left.try_into().unwrap()));
    turned.provider("base", 0).list_late(6);
    turned.pay(&detail);
    turned.wait(7 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.wait(7 * SECOND);
    turned.wait(7 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    turned.wait(7 * SECOND);
    assert_eq!(turned.status(&unpaid), OrderStatus::Expired);
}

/// Where nobody was about to pay, the head that the server knows can be two minutes old.
#[test]
fn what_was_mined_unseen_before_a_deposit_never_pays_it() {
    let mut turned = Turned::new(2, "");
    let (_, other) = turned.deposit("21");
    turned.wait(SECOND);
    let chain = turned.nets[NET].chain.clone();
    chain.send(other.contract, shopper(), other.wallet, 20_000_000);
    turned.clock.advance(100 * SECOND);
    let (order, detail) = turned.deposit("20");
    turned.settle();
    turned.wait(10 * SECOND);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.pay(&detail);
    turned.wait(10 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}

/// Cursors that a false head moved would keep a chain from being read until it is really there.
#[test]
fn no_chain_comes_further_than_it_can() {
    let mut turned = Turned::on(&["base"], 1, 2, "");
    turned.wait(60 * SECOND);
    turned.provider("base", 0).dream(5_000);
    turned.clock.advance(600 * SECOND);
    let refused = turned.tick("base").unwrap_err().to_string();
    assert!(refused.contains("too far above block"), "{refused}");
    turned.provider("base", 0).heal();
    turned.wait(10 * SECOND);
    let (order, detail) = turned.deposit_on("base", "20");
    turned.pay(&detail);
    turned.wait(10 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}
