//! How many requests a day a plan allows, spread over the day, so that a busy morning leaves something for the evening.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use sha2::{Digest, Sha256};

const DAY_MS: f64 = 86_400_000.0;

/// What comes in evenly over a day, as a part of the limit: with what is saved up, it stays within the limit over any 24 hours.
const EVENLY: f64 = 0.9;
/// What can be saved up for a busy time, as a part of the limit: an hour's worth.
const SAVED: f64 = 1.0 / 24.0;

/// With this part of what can be saved up, nobody is kept to a share.
const ENOUGH: f64 = 0.1;
/// Who asked within this time is a user: two slow polls.
const STAYS_A_USER: i64 = 120_000;

/// Looks into a bucket may come so much out of order.
const OUT_OF_ORDER: i64 = 1000;

/// The budgets in use.
static SHARED: LazyLock<Mutex<HashMap<Place, Weak<Daily>>>> = LazyLock::new(Mutex::default);

/// A host, a hash of the key (so that the key lies about in one place less) and the limit.
type Place = (String, u64, u32);

/// A token bucket. It never makes a request wait: a provider without tokens is left alone until it has one, and what a pass
/// takes beyond them is paid back first. Times are Unix milliseconds.
pub struct Daily {
    limit: u32,
    key: u16,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    /// Below zero: taken in advance.
    tokens: f64,
    /// `None` before the first look.
    filled_at: Option<i64>,
    /// When each user asked last.
    asked_at: HashMap<u64, i64>,
}

impl Daily {
    /// So many requests in 24 hours at most, of the key that this mark is of.
    pub fn new(limit: u32, key: u16) -> Self {
        let tokens = f64::from(limit) * SAVED;
        Self {
            limit,
            key,
            bucket: Mutex::new(Bucket {
                tokens,
                filled_at: None,
                asked_at: HashMap::new(),
            }),
        }
    }

    /// The budget of a key at a host: one for all chains that use it, as the host counts them together.
    pub fn of_key(host: &str, key: &str, limit: u32) -> Arc<Self> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let place = (host.to_owned(), hasher.finish(), limit);
        // Each entry is whole by itself, whatever panicked elsewhere.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = shared.get(&place).and_then(Weak::upgrade) {
            return budget;
        }
        let budget = Arc::new(Self::new(limit, mark(host, key)));
        shared.retain(|_, budget| budget.strong_count() > 0);
        shared.insert(place, Arc::downgrade(&budget));
        budget
    }

    /// The plan's limit.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The mark of the key whose budget it is.
    pub fn key(&self) -> u16 {
        self.key
    }

    /// A request is sent.
    pub fn take(&self) {
        self.bucket().tokens -= 1.0;
    }

    /// What comes in for one of its users in a millisecond, where little is left: all that asked in the last minutes have
    /// equal shares, or the same would always be the first. `None`: there is enough for everybody.
    pub fn share(&self, user: u64, now_ms: i64) -> Option<f64> {
        let mut bucket = self.bucket();
        bucket.asked_at.insert(user, now_ms);
        let is_user = -OUT_OF_ORDER..=STAYS_A_USER;
        bucket
            .asked_at
            .retain(|_, at| is_user.contains(&(now_ms - *at)));
        let enough = f64::from(self.limit) * SAVED * ENOUGH;
        let users = bucket.asked_at.len() as f64;
        (bucket.tokens < enough).then(|| self.per_ms() / users)
    }

    /// How many whole requests are left, and when they were; `None` before the first look.
    pub fn left(&self) -> Option<(i64, i64)> {
        let bucket = self.bucket();
        Some((bucket.tokens.floor() as i64, bucket.filled_at?))
    }

    /// Goes on from what was left at a moment before, unless less is left by now: one key may be asked to go on by several chains, each of which
    /// knew of it at another time.
    pub fn resume(&self, (left, at): (i64, i64), now_ms: i64) {
        let since = (now_ms - at).max(0) as f64;
        let left = left as f64 + since * self.per_ms();
        let mut bucket = self.filled(now_ms);
        bucket.tokens = bucket.tokens.min(left);
    }

    fn per_ms(&self) -> f64 {
        f64::from(self.limit) * EVENLY / DAY_MS
    }

    /// From when on a pass may be begun: in the past if there is something left.
    pub fn ready_at(&self, now_ms: i64) -> i64 {
        let bucket = self.filled(now_ms);
        match bucket.tokens >= 1.0 {
            true => i64::MIN,
            false => now_ms + ((1.0 - bucket.tokens) / self.per_ms()).ceil() as i64,
        }
    }

    /// The bucket with what has come in until now.
    fn filled(&self, now_ms: i64) -> MutexGuard<'_, Bucket> {
        let mut bucket = self.bucket();
        let elapsed = bucket.filled_at.map_or(0, |at| (now_ms - at).max(0));
        bucket.tokens =
            (bucket.tokens + elapsed as f64 * self.per_ms()).min(f64::from(self.limit) * SAVED);
        bucket.filled_at = Some(bucket.filled_at.map_or(now_ms, |at| filled_at(at, now_ms)));
        bucket
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // A bucket is a pair of numbers: a panic elsewhere cannot have left it broken.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a host's keys apart without revealing them: two bytes of a hash, of which a new key hardly has the same, and which confirm no guess.
fn mark(host: &str, key: &str) -> u16 {
    let hash = Sha256::digest(format!("{host} {key}"));
    u16::from_be_bytes([hash[0], hash[1]])
}

/// When a bucket was filled last, once it is looked into at a moment. One that was filled in what is the future was so before the clock
/// was set back: what comes in counts from now on, or nothing would until then. Two looks at once may be a little out of order.
pub(super) fn filled_at(before_ms: i64, now_ms: i64) -> i64 {
    match before_ms.saturating_sub(now_ms) > OUT_OF_ORDER {
        true => now_ms,
        false => before_ms.max(now_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    /// Takes as much as it gives from one moment to another, a pass of `pass` requests at a time.
    fn drain(budget: &Daily, (mut now, until): (i64, i64), pass: u32) -> Vec<i64> {
        let mut taken = Vec::new();
        while now < until {
            let ready = budget.ready_at(now);
            if ready > now {
                now = ready;
                continue;
            }
            for _ in 0..pass {
                budget.take();
                taken.push(now);
            }
            now += 250;
        }
        taken
    }

    #[test]
    fn an_hours_worth_at_once_then_evenly() {
        let budget = Daily::new(24_000, 1);
        assert!(budget.ready_at(0) <= 0);
        (0..1000).for_each(|_| budget.take());
        let ready = budget.ready_at(0);
        // 21,600 in a day come in evenly: one in four seconds.
        assert_eq!(ready, 4_000);
        assert!(budget.ready_at(ready) <= ready);
        budget.take();
        (0..9).for_each(|_| budget.take());
        assert_eq!(
            budget.ready_at(ready),
            ready + 40_000,
            "what was taken in advance is paid back"
        );
        assert!(budget.ready_at(ready + 2 * HOUR) <= ready);
        (0..999).for_each(|_| budget.take());
        assert!(
            budget.ready_at(ready + 2 * HOUR) <= ready,
            "saved up for an hour, no more"
        );
        budget.take();
        assert!(budget.ready_at(ready + 2 * HOUR) > ready + 2 * HOUR);
    }

    #[test]
    fn a_restart_fills_nothing_up() {
        let budget = Daily::new(24_000, 1);
        budget.ready_at(0);
        (0..1500).for_each(|_| budget.take());
        let left = budget.left().unwrap();
        assert_eq!(left, (-500, 0));
        let restarted = Daily::new(24_000, 1);
        // What another chain knew before that, and what it knows later, is no news.
        for (left, now) in [((300, -60_000), 0), (left, 0), ((-485, 60_000), 60_000)] {
            restarted.resume(left, now);
        }
        assert_eq!(restarted.ready_at(60_000), budget.ready_at(60_000));
        let rested = Daily::new(24_000, 1);
        rested.resume(left, 3 * HOUR);
        assert_eq!(
            rested.left(),
            Some((1000, 3 * HOUR)),
            "saved up, and no more"
        );
        let turned_back = Daily::new(24_000, 1);
        turned_back.resume((10, HOUR), 0);
        assert_eq!(turned_back.left(), Some((10, 0)));
    }

    /// A chain that begins beside one that runs knows of less that is left: the time until then is over for both.
    #[test]
    fn time_that_went_by_fills_up_once() {
        let budget = Daily::new(24_000, 1);
        budget.ready_at(0);
        (0..1500).for_each(|_| budget.take());
        budget.resume((-600, 0), 60_000);
        budget.ready_at(60_000);
        assert_eq!(budget.left(), Some((-585, 60_000)));
    }

    /// What is stored of a key is the same after an update, and another for another key.
    #[test]
    fn a_keys_mark_stays() {
        let known = 0x01c3;
        assert_eq!(mark("explorer.example", "key"), known);
        assert_ne!(mark("explorer.example", "another key"), known);
        assert_ne!(mark("another.example", "key"), known);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nothing_from_coming_in() {
        let budget = Daily::new(24_000, 0);
        budget.ready_at(100 * HOUR);
        (0..1000).for_each(|_| budget.take());
        // Back to the right time: nothing is given for the way back, and what comes in from now on is.
        assert_eq!(budget.ready_at(0), 4_000);
        assert!(budget.ready_at(4_000) <= 4_000);
        // What is asked a moment earlier, by a chain that shares the key, gives nothing twice.
        budget.take();
        assert_eq!(budget.ready_at(3_900), 3_900 + 4_000);
        assert_eq!(budget.ready_at(4_000), 8_000);
        // Nor does who asked in that time have a share until then.
        let alone = budget.share(1, 4_000);
        budget.share(2, 100 * HOUR);
        assert_eq!(budget.share(1, 4_000), alone);
        assert!(budget.share(2, 4_500) < alone, "another one has");
    }

    #[test]
    fn chains_that_use_one_key_share_its_day() {
        let of = |host: &str, key: &str| Daily::of_key(host, key, 100);
        let one = of("explorer.example", "key");
        assert!(Arc::ptr_eq(&one, &of("explorer.example", "key")));
        assert!(!Arc::ptr_eq(&one, &of("explorer.example", "another key")));
        assert!(!Arc::ptr_eq(&one, &of("another.example", "key")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// However greedily it is used, over any 24 hours it stays within the plan.
        #[test]
        fn no_24_hours_have_more_than_the_limit(limit in 2_000u32..20_000, pass in 1u32..40, rest in 0..30 * HOUR) {
            let budget = Daily::new(limit, 1);
            let mut taken = drain(&budget, (0, 20 * HOUR), pass);
            taken.extend(drain(&budget, (20 * HOUR + rest, 60 * HOUR + rest), pass));
            let mut first = 0;
            for (last, at) in taken.iter().enumerate() {
                while taken[first] <= at - 24 * HOUR {
                    first += 1;
                }
                prop_assert!(last - first < limit as usize);
            }
            // And most of it can be used.
            let one_day = taken.iter().filter(|at| (20 * HOUR + rest..44 * HOUR + rest).contains(*at)).count();
            prop_assert!(one_day as f64 > f64::from(limit) * 0.85, "{} of {}", one_day, limit);
        }
    }
}
