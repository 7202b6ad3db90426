//! What the provider in use cannot explain, or says is gone, is asked of others: nothing is paid or given up by a minority, and
//! nothing waits for ever for one provider that is confused.

use std::time::Duration;

use ocrch::domain::order::{Order, OrderStatus};

use crate::in_process::{NET, Turned};
use crate::support::wait;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// So many providers, of which so many must agree.
fn providers(count: usize, agreement: u32) -> Turned {
    let rule = format!("agreement = {agreement}");
    let mut turned = Turned::configured(&[NET], count, 2, "", &rule);
    turned.wait(5 * SECOND);
    turned
}

fn passes(turned: &mut Turned, count: u32) {
    for _ in 0..count {
        turned.wait(5 * SECOND);
    }
}

#[track_caller]
fn waits(turned: &Turned, order: &Order, why: Option<&str>) {
    assert_eq!(turned.status(order), OrderStatus::Pending);
    let (status, held_back) = turned.newest_transfer();
    assert_eq!(status, "waiting_for_confirmation");
    assert_eq!(held_back.as_deref(), why);
}

#[track_caller]
fn paid_once(turned: &Turned, order: &Order) {
    assert_eq!(turned.status(order), OrderStatus::Paid);
    let found = (
        turned.newest_transfer(),
        turned.number("SELECT count(*) FROM transfers"),
    );
    assert_eq!(found, (("matched".to_owned(), None), 1));
    let told = "SELECT count(*) FROM events WHERE body LIKE '%\"paid\"%'";
    assert_eq!(turned.number(told), 1);
}

/// The one in use lists the payment, and answers nonsense about it for ever: another one's word is as good.
#[test]
fn a_payment_that_the_provider_in_use_cannot_explain_is_paid_by_another() {
    let mut turned = providers(2, 1);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).confuse(&hash);
    passes(&mut turned, 3);
    // It may have been a bad moment, or a reorganisation under way.
    waits(&turned, &order, None);
    passes(&mut turned, 2);
    paid_once(&turned, &order);
}

#[test]
fn a_bad_moment_of_the_provider_in_use_needs_nobody_else() {
    let mut turned = providers(2, 1);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).confuse(&hash);
    passes(&mut turned, 1);
    turned.provider(NET, 1).fail();
    turned.provider(NET, 0).heal();
    passes(&mut turned, 2);
    paid_once(&turned, &order);
}

/// Alone, it is asked again and again, and pays once it can explain.
#[test]
fn an_only_provider_that_cannot_explain_a_payment_is_waited_for() {
    let mut turned = providers(1, 1);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).confuse(&hash);
    passes(&mut turned, 30);
    waits(&turned, &order, None);
    turned.provider(NET, 0).heal();
    turned.wait(60 * SECOND);
    paid_once(&turned, &order);
}

/// Where two must agree, the confused one is no voice.
#[test]
fn with_agreement_it_takes_two_that_can_explain_it() {
    let mut turned = providers(2, 2);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).confuse(&hash);
    passes(&mut turned, 20);
    waits(&turned, &order, Some("awaiting_second"));
    turned.provider(NET, 0).heal();
    turned.wait(60 * SECOND);
    paid_once(&turned, &order);

    let mut turned = providers(3, 2);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).confuse(&hash);
    passes(&mut turned, 5);
    paid_once(&turned, &order);
}

/// The one in use says nothing, one shows it, one denies it: whichever of them is asked first.
#[test]
fn one_against_one_pays_nothing() {
    for denies in [1, 2] {
        let mut turned = providers(3, 1);
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.provider(NET, 0).confuse(&hash);
        turned.provider(NET, denies).hide(&hash);
        passes(&mut turned, 10);
        waits(&turned, &order, Some("providers_disagree"));
    }
}

/// Its fork lacks the payment. As many blocks long as everybody's, so that it does not lag.
#[test]
fn a_payment_is_not_given_up_for_one_providers_fork() {
    for agreement in [1, 2] {
        let mut turned = providers(2, agreement);
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(SECOND);
        waits(&turned, &order, None);
        turned.provider(NET, 0).reorg(&hash);
        turned.wait(SECOND);
        waits(&turned, &order, Some("providers_disagree"));
        // Neither its time nor that of a payment that left the chain is over for the order.
        turned.wait(2 * HOUR);
        turned.wait(HOUR);
        waits(&turned, &order, Some("providers_disagree"));
        turned.provider(NET, 0).heal();
        turned.wait(60 * SECOND);
        paid_once(&turned, &order);
    }
}

/// Before it is deep enough anywhere, nobody is accused: the other may not have heard of it yet. It is kept all the same.
#[test]
fn a_young_payment_is_kept_quietly_until_others_say_that_it_is_gone() {
    for agreement in [1, 2] {
        let rule = format!("agreement = {agreement}");
        let mut turned = Turned::configured(&[NET], 2, 5, "", &rule);
        turned.wait(5 * SECOND);
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(2 * SECOND);
        turned.provider(NET, 0).reorg(&hash);
        turned.wait(SECOND);
        waits(&turned, &order, Some("awaiting_second"));
        // It was the one in use that was wrong.
        turned.provider(NET, 0).heal();
        turned.wait(SECOND);
        waits(&turned, &order, None);
        turned.provider(NET, 0).reorg(&hash);
        turned.wait(SECOND / 2);
        waits(&turned, &order, Some("awaiting_second"));
        turned.provider(NET, 1).reorg(&hash);
        turned.wait(SECOND / 2);
        assert_eq!(turned.newest_transfer().0, "failed_to_confirm");
        assert_eq!(turned.status(&order), OrderStatus::Pending);
    }
}

/// A real reorganisation: the very pass that sees it gone gives it up.
#[test]
fn what_is_gone_for_all_is_given_up_at_once() {
    for (count, agreement) in [(1, 1), (2, 1), (2, 2), (3, 3)] {
        let mut turned = providers(count, agreement);
        let (_, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(SECOND);
        for place in 0..count {
            turned.provider(NET, place).reorg(&hash);
        }
        turned.wait(SECOND);
        assert_eq!(
            turned.newest_transfer(),
            ("failed_to_confirm".to_owned(), None),
            "{count} {agreement}"
        );
    }
}

/// One that stands still shows what is long past.
#[test]
fn a_provider_that_stands_still_keeps_no_young_payment() {
    let mut turned = Turned::configured(&[NET], 2, 500, "", "");
    turned.wait(5 * SECOND);
    let (_, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.wait(2 * SECOND);
    turned.provider(NET, 0).reorg(&hash);
    turned.provider(NET, 1).lag(1);
    turned.wait(SECOND);
    assert_eq!(
        turned.newest_transfer().1.as_deref(),
        Some("awaiting_second")
    );
    turned.provider(NET, 1).lag(31);
    turned.wait(30 * SECOND);
    assert_eq!(turned.newest_transfer().0, "failed_to_confirm");
}

/// Where two make a payment count, one cannot take it back while the other is silent.
#[test]
fn with_agreement_one_alone_gives_nothing_up() {
    let mut turned = providers(2, 2);
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.wait(SECOND);
    turned.provider(NET, 1).fail();
    turned.provider(NET, 0).reorg(&hash);
    passes(&mut turned, 3);
    waits(&turned, &order, Some("awaiting_second"));
    turned.provider(NET, 1).heal();
    turned.provider(NET, 1).reorg(&hash);
    passes(&mut turned, 3);
    assert_eq!(turned.newest_transfer().0, "failed_to_confirm");
}

/// Two of three show it: the fork of the one in use is overruled, and two of three that say it is gone are believed.
#[test]
fn the_majority_decides_about_a_fork() {
    for agreement in [1, 2] {
        let mut turned = providers(3, agreement);
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(SECOND);
        turned.provider(NET, 0).reorg(&hash);
        passes(&mut turned, 2);
        paid_once(&turned, &order);
    }
    for stands in [1, 2] {
        let mut turned = providers(3, 2);
        let (_, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(SECOND);
        for place in (0..3).filter(|place| *place != stands) {
            turned.provider(NET, place).reorg(&hash);
        }
        turned.wait(SECOND);
        assert_eq!(turned.newest_transfer().0, "failed_to_confirm", "{stands}");
    }
}

/// On a chain that confirms by its own word, the one in use stops hearing it.
#[test]
fn a_final_block_that_stands_still_is_noticed() {
    let mut turned = Turned::by_rule(&[NET], 2, "\"finalized\"", "", "");
    turned.wait(5 * SECOND);
    let (order, detail) = turned.deposit("20");
    turned.provider(NET, 0).stop_final();
    turned.pay(&detail);
    let mut ticks = 0;
    while turned.status(&order) != OrderStatus::Paid {
        ticks += 1;
        assert!(ticks < 60, "ten minutes, and nobody noticed");
        turned.clock.advance(10 * SECOND);
        // One pass finds it out and fails, the next one is another's.
        let _ = turned.tick(NET);
        let _ = turned.tick(NET);
        // The second look happens beside the pass.
        std::thread::sleep(Duration::from_millis(20));
    }
    paid_once(&turned, &order);
}

/// Whoever leaves something out of its lists is found out also after the clock was set back.
#[test]
fn a_clock_that_is_set_back_stops_no_second_look() {
    let mut turned = providers(2, 1);
    turned.deposit("19");
    passes(&mut turned, 7);
    turned.clock.set_back(HOUR / 2);
    passes(&mut turned, 1);
    let requests = |turned: &Turned| turned.provider(NET, 1).requests();
    let before = requests(&turned);
    passes(&mut turned, 7);
    // It happens beside the pass.
    wait::until("the other to be asked", || {
        (requests(&turned) > before).then_some(())
    });
}
