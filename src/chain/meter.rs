//! How much a provider is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::daily::Daily;

const DAY_MS: i64 = 86_400_000;

/// Counts the requests that go to one provider. Copies of its connection count together.
#[derive(Default)]
pub struct Meter {
    requests: AtomicU64,
    daily: Option<Arc<Daily>>,
}

impl Meter {
    /// With the budget that its plan allows, if any.
    pub fn new(daily: Option<Arc<Daily>>) -> Self {
        Self {
            requests: AtomicU64::new(0),
            daily,
        }
    }

    /// A request is sent.
    pub fn note_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(daily) = &self.daily {
            daily.take();
        }
    }

    /// The budget of its plan.
    pub fn daily(&self) -> Option<&Daily> {
        self.daily.as_deref()
    }

    /// All requests since the start.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// What a meter showed in the day so far (UTC).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Today {
    day: i64,
    /// What the meter showed when it was read last.
    read: u64,
    pub requests: u64,
    pub errors: u64,
}

impl Today {
    /// Reads the meter. What it counted since the last reading counts as of now.
    pub fn read(&mut self, meter: Option<&Meter>, now_ms: i64) {
        let day = now_ms.div_euclid(DAY_MS);
        if day != self.day {
            (self.day, self.requests, self.errors) = (day, 0, 0);
        }
        let shows = meter.map_or(0, Meter::requests);
        self.requests += shows.saturating_sub(self.read);
        self.read = shows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_begins_at_nothing() {
        let (meter, mut today) = (Meter::default(), Today::default());
        let mut count = |requests: u64, now_ms: i64| {
            (0..requests).for_each(|_| meter.note_request());
            today.read(Some(&meter), now_ms);
            today.requests
        };
        assert_eq!(count(3, 5 * DAY_MS), 3);
        assert_eq!(count(2, 6 * DAY_MS - 1), 5);
        assert_eq!(count(1, 6 * DAY_MS), 1);
        assert_eq!(count(0, 6 * DAY_MS + 1), 1);
    }
}
