//! Waiting for what happens soon, with a deadline instead of a sleep.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take that a person would wait for. Generous: CI's two cores are shared.
pub const SOON: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer; panics with what was awaited after [`SOON`].
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    until_within(SOON, what, ask)
}

/// [`until`] with a deadline of one's own.
pub fn until_within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            start.elapsed() < limit,
            "waited {:?} in vain for {what}",
            start.elapsed()
        );
        sleep(PAUSE);
    }
}

/// Checks that something stays true for a while.
pub fn holds(for_long: Duration, what: &str, mut check: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < for_long {
        assert!(
            check(),
            "no longer true after {:?}: {what}",
            start.elapsed()
        );
        sleep(PAUSE);
    }
}
