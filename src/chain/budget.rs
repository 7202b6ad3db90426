//! How many requests a second a provider may be asked.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token bucket: a second's worth at once, then evenly.
pub struct Budget {
    per_second: f64,
    state: Mutex<Bucket>,
}

struct Bucket {
    /// Below zero when requests are waiting for their turn.
    tokens: f64,
    filled_at: Instant,
}

impl Budget {
    /// `None` if the rate is no rate: zero, negative or not a number.
    pub fn new(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second > 0.0).then(|| Self {
            per_second,
            state: Mutex::new(Bucket {
                tokens: per_second.max(1.0),
                filled_at: Instant::now(),
            }),
        })
    }

    /// Takes a request's turn and sleeps until it comes.
    pub fn wait(&self) {
        let wait = self.take(Instant::now());
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }

    /// How long from `now` the turn is away.
    fn take(&self, now: Instant) -> Duration {
        // A bucket is a pair of numbers: a panic elsewhere cannot have left it broken.
        let mut bucket = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now
            .saturating_duration_since(bucket.filled_at)
            .as_secs_f64();
        let full = self.per_second.max(1.0);
        bucket.tokens = (bucket.tokens + elapsed * self.per_second).min(full) - 1.0;
        bucket.filled_at = bucket.filled_at.max(now);
        if bucket.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-bucket.tokens / self.per_second).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_second_then_evenly() {
        let budget = Budget::new(2.0).unwrap();
        let start = Instant::now();
        let waits: Vec<u128> = (0..5).map(|_| budget.take(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 500, 1000, 1500]);
        assert_eq!(budget.take(start + Duration::from_secs(60)), Duration::ZERO);
    }

    #[test]
    fn slower_than_one_a_second() {
        let budget = Budget::new(0.5).unwrap();
        let start = Instant::now();
        assert_eq!(budget.take(start), Duration::ZERO);
        assert_eq!(budget.take(start), Duration::from_secs(2));
    }

    #[test]
    fn what_is_no_rate_limits_nothing() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Budget::new(rate).is_none());
        }
    }
}
