//! How much a provider is used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::daily::{Daily, filled_at};

const DAY_MS: i64 = 86_400_000;

/// What a user of a scarce budget can save up of its share, or take in advance: some passes' worth.
const OWN: f64 = 20.0;

/// Counts the requests that go to one provider, and says whether its plan leaves something. Copies of its connection count
/// together.
#[derive(Default)]
pub struct Meter {
    requests: AtomicU64,
    budget: Option<Budget>,
}

/// A plan's budget, and this provider's part in it.
struct Budget {
    daily: Arc<Daily>,
    user: u64,
    own: Mutex<Own>,
}

struct Own {
    tokens: f64,
    filled_at: i64,
}

impl Meter {
    /// With the budget that its plan allows, if any.
    pub fn new(daily: Option<Arc<Daily>>) -> Self {
        static USERS: AtomicU64 = AtomicU64::new(0);
        let budget = daily.map(|daily| Budget {
            daily,
            user: USERS.fetch_add(1, Ordering::Relaxed),
            own: Mutex::new(Own {
                tokens: OWN,
                filled_at: i64::MIN,
            }),
        });
        Self {
            requests: AtomicU64::new(0),
            budget,
        }
    }

    /// A request is sent.
    pub fn note_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(budget) = &self.budget {
            budget.daily.take();
            let mut own = budget.own();
            own.tokens = (own.tokens - 1.0).max(-OWN);
        }
    }

    /// The budget of its plan.
    pub fn daily(&self) -> Option<&Daily> {
        self.budget.as_ref().map(|budget| budget.daily.as_ref())
    }

    /// From when on the plan allows a pass, in Unix milliseconds: in the past if it does now.
    pub fn ready_at(&self, now_ms: i64) -> i64 {
        self.budget
            .as_ref()
            .map_or(i64::MIN, |budget| budget.ready_at(now_ms))
    }

    /// All requests since the start.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Budget {
    fn ready_at(&self, now_ms: i64) -> i64 {
        let ready = self.daily.ready_at(now_ms);
        let share = self.daily.share(self.user, now_ms);
        let own = share.map_or(i64::MIN, |share| self.own().ready_at(share, now_ms));
        ready.max(own)
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        // A pair of numbers: a panic elsewhere cannot have left it broken.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    fn ready_at(&mut self, per_ms: f64, now_ms: i64) -> i64 {
        let elapsed = now_ms.saturating_sub(self.filled_at).max(0);
        self.tokens = (self.tokens + elapsed as f64 * per_ms).min(OWN);
        self.filled_at = filled_at(self.filled_at, now_ms);
        match self.tokens >= 1.0 {
            true => i64::MIN,
            false => now_ms + ((1.0 - self.tokens) / per_ms).ceil() as i64,
        }
    }
}

/// What was spent of a provider in a day, as of some moment before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spent {
    /// Its kind and host.
    pub label: String,
    /// Days since 1970-01-01 (UTC).
    pub day: i64,
    pub requests: u64,
    pub errors: u64,
    /// What was left of its plan's budget, and when, in Unix milliseconds.
    pub budget: Option<(i64, i64)>,
    /// The mark of the key whose budget that is.
    pub budget_key: Option<u16>,
}

/// What a meter showed in the day so far (UTC).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Today {
    /// Days since 1970-01-01.
    pub day: i64,
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

    /// Counts on from what was counted by another meter.
    pub fn resume(&mut self, spent: &Spent, meter: Option<&Meter>, now_ms: i64) {
        self.read(meter, now_ms);
        if spent.day == self.day {
            self.requests += spent.requests;
            self.errors += spent.errors;
        }
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

    #[test]
    fn what_was_counted_before_a_restart_counts_on_the_same_day() {
        let meter = Meter::default();
        meter.note_request();
        let spent = Spent {
            label: String::new(),
            day: 5,
            requests: 40,
            errors: 2,
            budget: None,
            budget_key: None,
        };
        let resumed = |now_ms: i64| {
            let mut today = Today::default();
            today.resume(&spent, Some(&meter), now_ms);
            (today.requests, today.errors)
        };
        assert_eq!(resumed(6 * DAY_MS - 1), (41, 2));
        assert_eq!(resumed(6 * DAY_MS), (1, 0));
    }

    /// Several chains at one key, one of them always the quickest: each gets its share, and all together what there is.
    #[test]
    fn who_shares_a_scarce_budget_shares_it_evenly() {
        let daily = Arc::new(Daily::new(24_000, 1));
        let users: Vec<Meter> = (0..4).map(|_| Meter::new(Some(daily.clone()))).collect();
        let mut now = 0;
        while now < 6 * 3_600_000 {
            for user in &users {
                if user.ready_at(now) <= now {
                    (0..3).for_each(|_| user.note_request());
                }
            }
            now += 500;
        }
        let requests: Vec<u64> = users.iter().map(Meter::requests).collect();
        let all: u64 = requests.iter().sum();
        assert!((6_200..=6_450).contains(&all), "{requests:?}");
        assert!(requests.iter().all(|n| *n > all / 5), "{requests:?}");
    }

    /// Nor does a share wait for a time that is over.
    #[test]
    fn a_clock_that_was_ahead_keeps_nobody_from_a_share() {
        let mut own = Own {
            tokens: 0.0,
            filled_at: 360_000_000,
        };
        assert_eq!(own.ready_at(0.001, 0), 1_000);
        assert_eq!(own.ready_at(0.001, 1_000), i64::MIN);
    }

    /// What the others do not want is not kept for them.
    #[test]
    fn who_is_alone_has_all_of_it() {
        let daily = Arc::new(Daily::new(24_000, 1));
        let (one, other) = (Meter::new(Some(daily.clone())), Meter::new(Some(daily)));
        let mut now = 0;
        while now < 6 * 3_600_000 {
            if one.ready_at(now) <= now {
                one.note_request();
            }
            now += 500;
        }
        assert!(one.requests() > 6_000, "{}", one.requests());
        assert_eq!(other.requests(), 0);
    }
}
