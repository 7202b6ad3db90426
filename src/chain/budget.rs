//! How many requests a second a provider may be asked.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The budgets in use.
static SHARED: LazyLock<Mutex<HashMap<Place, Weak<Budget>>>> = LazyLock::new(Mutex::default);

/// A host, a hash of the key (so that the key lies about in one place less) and the rate.
type Place = (String, u64, u64);

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

    /// The budget of a key at a host: one for all chains that use it, as the host counts them together.
    pub fn of_key(host: &str, key: &str, per_second: f64) -> Option<Arc<Self>> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let place = (host.to_owned(), hasher.finish(), per_second.to_bits());
        // Each entry is whole by itself, whatever panicked elsewhere.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = shared.get(&place).and_then(Weak::upgrade) {
            return Some(budget);
        }
        let budget = Arc::new(Self::new(per_second)?);
        // A reload leaves the budgets of keys behind that nobody uses any more.
        shared.retain(|_, budget| budget.strong_count() > 0);
        shared.insert(place, Arc::downgrade(&budget));
        Some(budget)
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
    fn chains_that_use_one_key_share_its_budget() {
        let of = |host: &str, key: &str, rate: f64| Budget::of_key(host, key, rate).unwrap();
        let one = of("explorer.example", "key", 3.0);
        let same = |other: &Arc<Budget>| Arc::ptr_eq(&one, other);
        assert!(same(&of("explorer.example", "key", 3.0)));
        assert!(!same(&of("explorer.example", "another key", 3.0)));
        assert!(!same(&of("another.example", "key", 3.0)));
        assert!(!same(&of("explorer.example", "key", 5.0)));
        assert!(Budget::of_key("explorer.example", "key", 0.0).is_none());
    }

    #[test]
    fn what_is_no_rate_limits_nothing() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Budget::new(rate).is_none());
        }
    }
}
