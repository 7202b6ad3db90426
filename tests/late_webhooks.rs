//! Webhooks that are due and not sent: the operator is told once, and once that it is over.

use std::time::Duration;

use ocrch::service::orders::{self, Canceller};
use ocrch::service::{Attempt, outbox};
use ocrch::task::lateness::Lateness;

use crate::in_process::Turned;
use crate::in_process::logged::logged;

/// What is said of who is known to be the cause.
const RECEIVER: &str = "their receiver takes fewer than there are";
const MINUTE: Duration = Duration::from_secs(60);

/// Queues a webhook.
fn queue(turned: &Turned) {
    let order = turned.create("5", None);
    let cancelled = orders::cancel(&turned.app, order.id, Canceller::Merchant);
    turned.runtime.block_on(cancelled).unwrap();
}

/// Makes an attempt at the webhook that has waited longest.
fn attempt(turned: &Turned, status: u16) {
    let mut due = outbox::due(&turned.app, "http://127.0.0.1:1", 1).unwrap().0;
    let attempt = Attempt {
        status: Some(status),
        error: None,
        latency_ms: 5,
        answer: String::new(),
    };
    let recorded = outbox::record_attempt(&turned.app, due.remove(0), attempt, 0.5);
    turned.runtime.block_on(recorded).unwrap();
}

/// What a look has the log say.
fn look(turned: &Turned, lateness: &mut Lateness) -> Vec<String> {
    logged(|| turned.runtime.block_on(lateness.look()).unwrap())
}

#[test]
fn a_backlog_is_told_once_at_each_end() {
    let turned = Turned::new(2, "");
    let mut lateness = Lateness::new(turned.app.clone());
    let mut look = || look(&turned, &mut lateness);
    queue(&turned);
    turned.clock.advance(10 * MINUTE);
    queue(&turned);
    assert_eq!(look(), [""; 0]);
    turned.clock.advance(6 * MINUTE);
    queue(&turned);
    let lines = look();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]
            .starts_with("WARN webhooks are late: 3 wait for their turn, the first of them for 96"),
        "{lines:?}"
    );
    assert!(lines[0].contains(RECEIVER), "{lines:?}");
    turned.clock.advance(10 * MINUTE);
    assert_eq!(look(), [""; 0]);
    // That fewer are late, and less, is not the end of it.
    attempt(&turned, 200);
    attempt(&turned, 200);
    assert_eq!(look(), [""; 0]);
    attempt(&turned, 200);
    let lines = look();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("INFO webhooks are in time again, after 15"),
        "{lines:?}"
    );
    assert_eq!(look(), [""; 0]);
}

/// It waits because it was tried, and the log said why.
#[test]
fn a_retry_that_waits_for_its_time_is_not_late() {
    let turned = Turned::new(2, "");
    let mut lateness = Lateness::new(turned.app.clone());
    queue(&turned);
    for _ in 0..20 {
        attempt(&turned, 500);
        assert_eq!(look(&turned, &mut lateness), [""; 0]);
        let (_, next) = outbox::due(&turned.app, "http://127.0.0.1:1", 1).unwrap();
        let wait = next.expect("it is tried again") - turned.clock.now_ms();
        turned.clock.advance(Duration::from_millis(wait as u64));
    }
}

/// What waited for the server waits no longer than it takes to send it.
#[test]
fn what_was_due_before_the_start_is_late_only_when_it_is_not_sent_then() {
    let turned = Turned::new(2, "");
    queue(&turned);
    turned.clock.advance(60 * MINUTE);
    let mut lateness = Lateness::new(turned.app.clone());
    assert_eq!(look(&turned, &mut lateness), [""; 0]);
    turned.clock.advance(15 * MINUTE);
    assert_eq!(look(&turned, &mut lateness), [""; 0]);
    turned.clock.advance(MINUTE);
    let lines = look(&turned, &mut lateness);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let beginning = "WARN webhooks are late: 1 wait for their turn, the first of them for 45";
    assert!(lines[0].starts_with(beginning), "{lines:?}");
    assert!(!lines[0].contains(RECEIVER), "{lines:?}");
}

/// While the database takes nothing, nothing is sent: that is said elsewhere, and is nobody else's fault.
#[test]
fn a_trouble_with_the_database_is_no_lateness() {
    let turned = Turned::new(2, "");
    let mut lateness = Lateness::new(turned.app.clone());
    queue(&turned);
    let there = turned.app.config().database.path.clone();
    let elsewhere = there.with_extension("elsewhere");
    std::fs::rename(&there, &elsewhere).unwrap();
    turned.clock.advance(60 * MINUTE);
    assert_eq!(look(&turned, &mut lateness), [""; 0]);
    std::fs::rename(&elsewhere, &there).unwrap();
    assert_eq!(look(&turned, &mut lateness), [""; 0]);
    turned.clock.advance(16 * MINUTE);
    let lines = look(&turned, &mut lateness);
    assert_eq!(lines.len(), 1, "{lines:?}");
}
