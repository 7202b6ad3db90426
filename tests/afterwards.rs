//! For how long a transfer is asked after, in one process whose clock is turned.

use std::time::Duration;

use ocrch::domain::order::OrderStatus;

use crate::in_process::{NET, Turned};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A transfer that a reorganisation removed is asked after for a day: mined again until then, it starts anew.
#[test]
fn a_transfer_that_is_gone_may_come_back_for_a_day() {
    for (after, expected) in [(22, "no_matched_deposit"), (25, "failed_to_confirm")] {
        let mut turned = Turned::new(10, "");
        let (order, detail) = turned.deposit("20");
        let hash = turned.pay(&detail);
        turned.wait(3 * SECOND);
        turned.provider(NET, 0).hide(&hash);
        turned.provider(NET, 0).fork();
        turned.wait(10 * SECOND);
        assert_eq!(turned.newest_transfer().0, "failed_to_confirm");
        turned.wait(after * HOUR);
        assert_eq!(turned.status(&order), OrderStatus::Expired);
        turned.provider(NET, 0).heal();
        for _ in 0..3 {
            turned.wait(61 * SECOND);
        }
        assert_eq!(turned.newest_transfer().0, expected, "after {after} hours");
    }
}

/// Where no block is known to be final, a thousand blocks have to do.
#[test]
fn a_payment_is_checked_until_it_is_a_thousand_blocks_deep() {
    let mut turned = Turned::new(2, "");
    turned.provider(NET, 0).know_no_finality();
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    let watched = |turned: &Turned| -> bool {
        let sql = "SELECT watched FROM transfers";
        turned.db().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    turned.wait(980 * SECOND);
    assert!(watched(&turned), "989 blocks deep at most");
    turned.wait(30 * SECOND);
    assert!(!watched(&turned));
}

/// Every pass reads the newest 64 blocks again: what an index shows late is no loss.
#[test]
fn what_was_left_out_of_the_newest_blocks_is_found_a_minute_later() {
    let mut turned = Turned::new(2, "");
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.provider(NET, 0).omit(&hash);
    for _ in 0..5 {
        turned.wait(10 * SECOND);
    }
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.provider(NET, 0).heal();
    turned.wait(5 * SECOND);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}
