//! An EVM account has one address on all chains: money that comes on another one than the shopper chose.

use std::time::Duration;

use ocrch::domain::order::OrderStatus;
use ocrch::service::orders::{self, Canceller};

use crate::in_process::Turned;

const ACCEPTED: &str = "[payments]\naccept_other_chain = true";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn chains(more: &str) -> Turned {
    let mut turned = Turned::on(&["net", "other", "third"], 1, 2, more);
    turned.wait(5 * SECOND);
    turned
}

#[test]
fn it_pays_nothing_unless_the_merchant_says_so() {
    let mut turned = chains("");
    let (order, detail) = turned.deposit("20");
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

#[test]
fn it_pays_the_one_order_it_fits_and_the_order_shows_it() {
    let mut turned = chains(ACCEPTED);
    let (other_value, _) = turned.deposit_on("third", "20.01");
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay_on("other", &detail);
    turned.wait(SECOND);
    let seen = orders::find(&turned.app, order.id).unwrap();
    assert_eq!(seen.status, OrderStatus::Pending);
    let payment = seen.payment.expect("shown as soon as it is seen");
    assert_eq!(payment.txn_hash, hash);
    assert_eq!(payment.blockchain.as_str(), "other");
    turned.wait(4 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    assert_eq!(turned.status(&other_value), OrderStatus::Pending);
    assert_eq!(turned.newest_transfer().0, "matched");
    // A second one, like any payment to a paid order, is nobody's.
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

/// Values are unique on a chain only: on another one the same may be asked of somebody else.
#[test]
fn it_pays_nothing_where_two_orders_could_be_meant() {
    let mut turned = chains(ACCEPTED);
    let (first, detail) = turned.deposit_on("net", "20");
    let (second, _) = turned.deposit_on("third", "20");
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&first), OrderStatus::Pending);
    assert_eq!(turned.status(&second), OrderStatus::Pending);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

/// Also where one of the two is closed, but not for long: the shopper may have paid it late.
#[test]
fn it_pays_nothing_where_a_reserved_value_could_be_meant() {
    let mut turned = chains(ACCEPTED);
    let (closed, _) = turned.deposit_on("third", "20");
    let cancelled = orders::cancel(&turned.app, closed.id, Canceller::Merchant);
    turned.runtime.block_on(cancelled).unwrap();
    let (order, detail) = turned.deposit("20");
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
    // A day later that value is nobody's any more.
    turned.wait(25 * HOUR);
    let (order, detail) = turned.deposit("20");
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}

/// An order's own choices do not contradict each other, and its time counts as on its own chain.
#[test]
fn one_order_with_two_choices_is_still_one() {
    let mut turned = chains(ACCEPTED);
    let (order, detail) = turned.deposit("20");
    turned.choose("third", &order);
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);

    let (late, detail) = turned.deposit("21");
    turned.wait(HOUR);
    assert_eq!(turned.status(&late), OrderStatus::Expired);
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&late), OrderStatus::Expired);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

/// What was mined in time counts, on whichever chain: an order waits for each on which its money could come.
#[test]
fn an_order_expires_when_the_chains_that_could_pay_it_were_read() {
    for (more, waits) in [(ACCEPTED, true), ("", false)] {
        let mut turned = chains(more);
        let (paid, detail) = turned.deposit("20");
        let (unpaid, _) = turned.deposit("21");
        turned.wait(HOUR / 2 - 30 * SECOND);
        turned.pay_on("other", &detail);
        turned.provider("other", 0).fail();
        turned.clock.advance(5 * MINUTE);
        assert!(turned.tick("other").is_err());
        for name in ["net", "third"] {
            turned.tick(name).unwrap();
        }
        let expected = match waits {
            true => OrderStatus::Pending,
            false => OrderStatus::Expired,
        };
        assert_eq!(turned.status(&paid), expected);
        assert_eq!(turned.status(&unpaid), expected);
        if waits {
            turned.provider("other", 0).heal();
            turned.wait(MINUTE);
            assert_eq!(turned.status(&paid), OrderStatus::Paid);
            assert_eq!(turned.status(&unpaid), OrderStatus::Expired);
        }
    }
}

/// A coin that the merchant did not enable there is none that he takes, on whatever chain it was asked for.
#[test]
fn it_pays_nothing_in_a_coin_that_is_not_enabled_there() {
    let names = ["net", "other"];
    let dai = "[chains.other.tokens.DAI]\ncontract = \"0x00000000000000000000000000000000000000D2\"\ndecimals = 18";
    let text = Turned::text(&names, 1, "2", &format!("{ACCEPTED}\n{dai}"), "");
    let (before, wallet_there) = text.split_once("blockchain = \"other\"").unwrap();
    let wallet_there = wallet_there.replacen("[\"USDT\"]", "[\"DAI\"]", 1);
    let text = format!("{before}blockchain = \"other\"{wallet_there}");
    let mut turned = Turned::of_text(&names, 1, &text);
    turned.wait(5 * SECOND);
    let (order, detail) = turned.deposit("20");
    turned.pay_on("other", &detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
    // Nor does the order wait for that chain.
    turned.provider("other", 0).fail();
    turned.clock.advance(HOUR);
    assert!(turned.tick("other").is_err());
    turned.tick("net").unwrap();
    assert_eq!(turned.status(&order), OrderStatus::Expired);
}

/// The chain's own deposit comes first.
#[test]
fn what_the_shopper_chose_comes_first() {
    let mut turned = chains(ACCEPTED);
    let (elsewhere, _) = turned.deposit_on("net", "20");
    let (here, detail) = turned.deposit_on("other", "20");
    turned.pay(&detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&here), OrderStatus::Paid);
    assert_eq!(turned.status(&elsewhere), OrderStatus::Pending);
}
