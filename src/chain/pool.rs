//! The providers of one chain and how each of them is doing: which to ask next, and which to leave alone.
//!
//! It knows no clock and asks nobody anything: the caller says what happened and when.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::daily::Daily;
use super::health::{Health, Standing};
use super::meter::{Meter, Spent, Today};
use super::{Provider, ProviderError};
use crate::domain::confirmation::Head;
use crate::domain::registry::ConfirmationRule;

/// A head that was seen longer ago says nothing about how far the chain is now.
const HEAD_COUNTS_MS: i64 = 60_000;

/// Clocks are corrected by a little all the time.
const CLOCKS_STEP_MS: i64 = 1000;

/// The ordered providers of one chain. Times are milliseconds since 1970.
pub struct Providers {
    chain: String,
    max_lag: u64,
    members: Vec<Arc<dyn Provider>>,
    state: Mutex<State>,
}

struct State {
    health: Vec<Health>,
    today: Vec<Today>,
    /// The one that was picked last.
    current: Option<usize>,
    /// When one was picked last.
    picked_at: i64,
}

/// How one provider is doing, for the admin and the metrics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderStatus {
    /// Kind and host.
    pub label: String,
    /// Since when it fails, and with what; `None` while it is well.
    pub failing: Option<(i64, ProviderError)>,
    pub lagging: bool,
    /// The newest block it told of, and when.
    pub head: Option<(u64, i64)>,
    /// It is left alone until then.
    pub ready_at: i64,
    /// Whether it is the one in use.
    pub current: bool,
    /// The day (UTC) of the counts, in days since 1970-01-01.
    pub day: i64,
    /// Requests sent to it in this day, and how often it gave no proper answer.
    pub requests_today: u64,
    pub errors_today: u64,
    /// What its plan allows in a day.
    pub daily_limit: Option<u64>,
    /// What is left of that plan's budget, and when.
    pub budget: Option<(i64, i64)>,
    /// The mark of the key whose budget that is.
    pub budget_key: Option<u16>,
}

impl Providers {
    /// `chain` is for the log. A provider whose head is more than `max_lag` blocks behind another's is left alone for a while, and so
    /// is one whose final block stands still.
    pub fn new(chain: &str, providers: Vec<Arc<dyn Provider>>, max_lag: u64) -> Self {
        let alone = providers.len() == 1;
        let health = |provider: &Arc<dyn Provider>| Health::new(chain, provider.label(), alone);
        Self {
            chain: chain.to_owned(),
            max_lag,
            state: Mutex::new(State {
                health: providers.iter().map(health).collect(),
                today: vec![Today::default(); providers.len()],
                current: None,
                picked_at: i64::MIN,
            }),
            members: providers,
        }
    }

    /// The lowest head that does not lag behind this one.
    pub fn least_head(&self, head: Head) -> u64 {
        head.number.saturating_sub(self.max_lag)
    }

    /// How many there are, well or not.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The provider to ask now: the first that is not left alone. When all are, each of them is tried as often as an only one
    /// would be, so that an outage of ours is over for the chain soon after it is over. `None`: wait until [`Providers::next_at`].
    pub fn pick(&self, now_ms: i64) -> Option<Arc<dyn Provider>> {
        let mut state = self.state();
        state.follow_clock(now_ms);
        let choice = state.choice(&self.members, now_ms)?;
        let switched = state.current.is_some_and(|current| current != choice);
        state.current = Some(choice);
        drop(state);
        let picked = &self.members[choice];
        if switched {
            tracing::debug!(chain = %self.chain, provider = picked.label(), "switched provider");
            picked.distrust();
        }
        Some(picked.clone())
    }

    /// All that are not left alone now, in order of preference: for a second opinion.
    pub fn ready(&self, now_ms: i64) -> Vec<Arc<dyn Provider>> {
        let state = self.state();
        let ready = |(i, member): &(usize, &Arc<dyn Provider>)| {
            state.health[*i].ready_at() <= now_ms && spent_until(member, now_ms) <= now_ms
        };
        let ready = self.members.iter().enumerate().filter(ready);
        ready.map(|(_, provider)| provider.clone()).collect()
    }

    /// Providers of other hosts than `first`, one of each, in order of preference: who can say whether it tells the truth.
    /// One that lags behind or fails is asked as often as an only one would be.
    pub fn witnesses(&self, first: &Arc<dyn Provider>, now_ms: i64) -> Vec<Arc<dyn Provider>> {
        let state = self.state();
        let mut found: Vec<Arc<dyn Provider>> = Vec::new();
        for (member, health) in self.members.iter().zip(&state.health) {
            let known = |other: &Arc<dyn Provider>| other.host() == member.host();
            let ready = health.ready_if_last_at().max(spent_until(member, now_ms)) <= now_ms;
            if ready && !known(first) && !found.iter().any(known) {
                found.push(member.clone());
            }
        }
        found
    }

    /// How many hosts its providers have, well or not.
    pub fn hosts(&self) -> usize {
        let hosts: HashSet<&str> = self.members.iter().map(|m| m.host()).collect();
        hosts.len()
    }

    /// When [`Providers::pick`] finds one again; `None` if there are no providers.
    pub fn next_at(&self, now_ms: i64) -> Option<i64> {
        let state = self.state();
        let members = state.health.iter().zip(&self.members);
        members
            .map(|(health, member)| health.ready_if_last_at().max(spent_until(member, now_ms)))
            .min()
    }

    /// It did all that it was asked for.
    pub fn succeeded(&self, provider: &Arc<dyn Provider>, now_ms: i64) {
        if let Some(i) = self.index(provider) {
            self.state().health[i].succeeded(now_ms);
        }
    }

    /// It gave no answer: it is left alone for a while, longer each time.
    pub fn failed(&self, provider: &Arc<dyn Provider>, error: &ProviderError, now_ms: i64) {
        if let Some(i) = self.index(provider) {
            let mut state = self.state();
            state.health[i].failed(error, now_ms, jitter());
            state.today[i].read(provider.meter(), now_ms);
            state.today[i].errors += 1;
        }
    }

    /// It told its newest block, and its newest final one where the chain's rule goes by that. `true` if another provider that
    /// can be asked now is further in either: pick again.
    pub fn saw_head(
        &self,
        provider: &Arc<dyn Provider>,
        head: Head,
        rule: ConfirmationRule,
        now_ms: i64,
    ) -> bool {
        let Some(i) = self.index(provider) else {
            return false;
        };
        let mut state = self.state();
        state.health[i].saw(head, now_ms);
        let further = |(j, other): (usize, &Health)| {
            j != i
                && other.ready_at() <= now_ms
                && spent_until(&self.members[j], now_ms) <= now_ms
                && (is_further(other.head, Some(head.number), self.max_lag, now_ms)
                    || is_further(
                        other.finalized,
                        head.finalized,
                        self.max_final_lag(rule),
                        now_ms,
                    ))
        };
        let lags = state.health.iter().enumerate().any(further);
        state.health[i].set_lagging(lags, now_ms);
        lags
    }

    /// Counts on from what was spent of them before, and spends no more of their plans' budgets than those leave. What is said of one label
    /// is of the providers with that label, in order; a budget is of the key that it was of.
    pub fn resume(&self, spent: Vec<Spent>, now_ms: i64) {
        for daily in self.members.iter().filter_map(|m| m.meter()?.daily()) {
            let same = spent.iter().filter(|s| s.budget_key == Some(daily.key()));
            let left = same.filter_map(|spent| spent.budget);
            left.for_each(|left| daily.resume(left, now_ms));
        }
        let mut state = self.state();
        let mut known: Vec<usize> = Vec::new();
        for spent in spent {
            let labels = self.members.iter().map(|member| member.label());
            let place = labels
                .enumerate()
                .position(|(i, label)| label == spent.label && !known.contains(&i));
            let Some(i) = place else { continue };
            known.push(i);
            state.today[i].resume(&spent, self.members[i].meter(), now_ms);
        }
    }

    /// How each is doing, in order of preference.
    pub fn status(&self, now_ms: i64) -> Vec<ProviderStatus> {
        let mut state = self.state();
        for (today, member) in state.today.iter_mut().zip(&self.members) {
            today.read(member.meter(), now_ms);
        }
        let status = |(i, health): (usize, &Health)| {
            let daily = self.members[i].meter().and_then(Meter::daily);
            ProviderStatus {
                label: self.members[i].label().to_owned(),
                failing: match &health.standing {
                    Standing::Failing { since, error, .. } => Some((*since, error.clone())),
                    Standing::Well => None,
                },
                lagging: health.lagging(),
                head: health.head,
                ready_at: health.ready_at(),
                current: state.current == Some(i),
                day: state.today[i].day,
                requests_today: state.today[i].requests,
                errors_today: state.today[i].errors,
                daily_limit: daily.map(|daily| daily.limit().into()),
                budget: daily.and_then(Daily::left),
                budget_key: daily.map(Daily::key),
            }
        };
        state.health.iter().enumerate().map(status).collect()
    }

    /// Final blocks come many at a time, and reach one provider later than another: as many more may be missing as a final block
    /// usually is deep.
    fn max_final_lag(&self, rule: ConfirmationRule) -> u64 {
        self.max_lag.saturating_add(rule.required().into())
    }

    fn index(&self, provider: &Arc<dyn Provider>) -> Option<usize> {
        self.members
            .iter()
            .position(|member| std::ptr::addr_eq(Arc::as_ptr(member), Arc::as_ptr(provider)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each provider's health is written in one piece: a panic elsewhere cannot have left it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A clock that is set back must not let a wait of seconds become one of hours.
    fn follow_clock(&mut self, now_ms: i64) {
        let back_by = self.picked_at.saturating_sub(now_ms);
        if back_by > CLOCKS_STEP_MS {
            self.health.iter_mut().for_each(|h| h.come_forward(back_by));
        }
        self.picked_at = now_ms;
    }

    fn choice(&self, members: &[Arc<dyn Provider>], now_ms: i64) -> Option<usize> {
        let affordable = |i: &usize| spent_until(&members[*i], now_ms) <= now_ms;
        let all = (0..members.len()).filter(affordable);
        let ready = all.clone().find(|i| self.health[*i].ready_at() <= now_ms);
        ready.or_else(|| {
            let when = |i: &usize| self.health[*i].ready_if_last_at();
            all.min_by_key(when).filter(|i| when(i) <= now_ms)
        })
    }
}

/// Whether what another provider told is further than what one tells now, by more than it may be. What was told long ago counts
/// for nothing.
fn is_further(theirs: Option<(u64, i64)>, own: Option<u64>, may_be: u64, now_ms: i64) -> bool {
    match (theirs, own) {
        (Some((theirs, at)), Some(own)) => {
            now_ms - at <= HEAD_COUNTS_MS && theirs.saturating_sub(own) > may_be
        }
        _ => false,
    }
}

/// Until when a provider's day is used up: in the past if it is not.
fn spent_until(provider: &Arc<dyn Provider>, now_ms: i64) -> i64 {
    provider
        .meter()
        .map_or(i64::MIN, |meter| meter.ready_at(now_ms))
}

/// Blocks that a provider may be behind: half a minute's, and five at least.
pub fn usual_max_lag(block_time: Duration) -> u64 {
    (30_000 / block_time.as_millis().max(1)).max(5) as u64
}

/// From 0.5 to 1, so that servers that failed together do not come back together.
fn jitter() -> f64 {
    // Without randomness all wait the full time: no harm.
    getrandom::u32().map_or(1.0, |random| {
        0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX)
    })
}

#[cfg(test)]
mod tests;
