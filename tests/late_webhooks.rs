//! Webhooks that are due and not sent: the operator is told once, and once that it is over.

use std::time::Duration;

use ocrch::service::orders::{self, Canceller};
use ocrch::service::{Attempt, outbox};
use ocrch::task::lateness::Lateness;

use crate::in_process::Turned;
use crate::in_process::logged::logged;

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
