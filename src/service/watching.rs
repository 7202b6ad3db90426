//! What is known of the chains: heads, successful passes, and who must be woken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::clock::{Clock, UnixSeconds};
use crate::domain::registry::Blockchain;

/// A head older than this says nothing about now, in milliseconds: two slow polls.
const HEAD_IS_FRESH: i64 = 120_000;

/// A deposit remembers no older head, in milliseconds: what was mined between the two is taken for younger than the deposit, and
/// that must be no more than a deposit that goes by time takes.
const HEAD_IS_NEW: i64 = 60_000;

/// A chain that could not be watched for longer is degraded, in milliseconds.
const UNWATCHED_AT_MOST: i64 = 60_000;

/// Forgotten at a restart on purpose: a head from before an outage must not pass for the present one.
pub struct Watching {
    clock: Clock,
    chains: Mutex<HashMap<Blockchain, State>>,
}

struct State {
    head: Option<(u64, i64)>,
    /// Everything mined before this moment has been read.
    read_until: Option<i64>,
    changed: Arc<Notify>,
    /// When the last pass succeeded, or watching began.
    well_at: i64,
    /// When the first pass after that began, of which none has succeeded yet. A chain that rests is not tried.
    trying_since: Option<i64>,
    /// Whether [`Watching::outages`] told that it is degraded.
    told: bool,
    providers: Vec<ProviderReport>,
}

/// How one provider of a chain is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderReport {
    /// Kind and host.
    pub label: String,
    /// Whether it is the one that passes go by now.
    pub in_use: bool,
    /// The newest block it told of, and when, in Unix milliseconds.
    pub head: Option<(u64, i64)>,
    pub lagging: bool,
    pub failing_since_ms: Option<i64>,
    /// What was wrong when it failed last: one line without secrets; `None` while it is well.
    pub error: Option<String>,
    /// The day (UTC) of the counts, in days since 1970-01-01.
    pub day: i64,
    /// Requests sent to it in this day.
    pub requests_today: u64,
    /// How often it gave no proper answer in this day.
    pub errors_today: u64,
    /// The requests that its plan allows in a day, where one is known.
    pub daily_limit: Option<u64>,
    /// What is left of that plan's budget, and when, in Unix milliseconds.
    pub budget: Option<(i64, i64)>,
    /// Tells the key whose budget that is from others.
    pub budget_key: Option<u16>,
}

/// A chain became degraded, or is watched again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outage {
    pub blockchain: Blockchain,
    /// When it was last read, or its watching began.
    pub since: UnixSeconds,
    pub over: bool,
}

impl Watching {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            chains: Mutex::default(),
        }
    }

    /// Enters a chain whose passes matter from now on.
    pub fn begin(&self, blockchain: &Blockchain) {
        let now_ms = self.clock.now_ms();
        let begun = || State {
            head: None,
            read_until: None,
            changed: Arc::default(),
            well_at: now_ms,
            trying_since: None,
            told: false,
            providers: Vec::new(),
        };
        self.lock().entry(blockchain.clone()).or_insert_with(begun);
    }

    /// A pass over the chain begins.
    pub fn pass_begins(&self, blockchain: &Blockchain) {
        let now_ms = self.clock.now_ms();
        if let Some(state) = self.lock().get_mut(blockchain) {
            state.trying_since.get_or_insert(now_ms);
        }
    }

    /// A pass over the chain succeeded: it is being watched.
    pub fn pass_succeeded(&self, blockchain: &Blockchain) {
        let now_ms = self.clock.now_ms();
        if let Some(state) = self.lock().get_mut(blockchain) {
            if !state.told {
                state.well_at = now_ms;
            }
            state.trying_since = None;
        }
    }

    /// When a chain was last read that could not be read for over a minute; `None` while all is well.
    pub fn degraded_since(&self, blockchain: &Blockchain) -> Option<UnixSeconds> {
        let now_ms = self.clock.now_ms();
        let chains = self.lock();
        let state = chains.get(blockchain)?;
        state.is_degraded(now_ms).then(|| seconds(state.well_at))
    }

    /// What changed since the last call, for the log: each outage once when it begins and once when it is over.
    pub fn outages(&self) -> Vec<Outage> {
        let now_ms = self.clock.now_ms();
        let mut chains = self.lock();
        let changed = chains.iter_mut().filter_map(|(blockchain, state)| {
            let degraded = state.is_degraded(now_ms);
            if degraded == state.told {
                return None;
            }
            state.told = degraded;
            let since = seconds(state.well_at);
            if !degraded {
                state.well_at = now_ms;
            }
            Some(Outage {
                blockchain: blockchain.clone(),
                since,
                over: !degraded,
            })
        });
        changed.collect()
    }

    /// Notes how a chain's providers are doing, in order of preference.
    pub fn report(&self, blockchain: &Blockchain, providers: Vec<ProviderReport>) {
        if let Some(state) = self.lock().get_mut(blockchain) {
            state.providers = providers;
        }
    }

    /// How a chain's providers were doing after its last pass; none before the first one ended.
    pub fn providers(&self, blockchain: &Blockchain) -> Vec<ProviderReport> {
        let chains = self.lock();
        let providers = chains.get(blockchain).map(|state| state.providers.clone());
        providers.unwrap_or_default()
    }

    /// Forgets a chain that nobody watches any more.
    pub fn end(&self, blockchain: &Blockchain) {
        self.lock().remove(blockchain);
    }

    /// All chains that somebody watches, by name.
    pub fn watched(&self) -> Vec<Blockchain> {
        let mut chains: Vec<_> = self.lock().keys().cloned().collect();
        chains.sort();
        chains
    }

    /// Whether somebody watches the chain.
    pub fn is_watched(&self, blockchain: &Blockchain) -> bool {
        self.lock().contains_key(blockchain)
    }

    /// Notes a head that a provider named.
    pub fn saw_head(&self, blockchain: &Blockchain, number: u64, now_ms: i64) {
        if let Some(state) = self.lock().get_mut(blockchain) {
            state.head = Some((number, now_ms));
        }
    }

    /// The head known for a chain, unless it is old.
    pub fn head(&self, blockchain: &Blockchain, now_ms: i64) -> Option<u64> {
        self.head_seen_within(HEAD_IS_FRESH, blockchain, now_ms)
    }

    /// The head that a deposit made now remembers, if there is a new one.
    pub fn head_for_deposit(&self, blockchain: &Blockchain, now_ms: i64) -> Option<u64> {
        self.head_seen_within(HEAD_IS_NEW, blockchain, now_ms)
    }

    fn head_seen_within(&self, most_ms: i64, blockchain: &Blockchain, now_ms: i64) -> Option<u64> {
        let (number, seen_at) = self.lock().get(blockchain)?.head?;
        // One from the future is from before the clock was set back, and as old as anybody can tell.
        (-1000..=most_ms)
            .contains(&(now_ms - seen_at))
            .then_some(number)
    }

    /// The head that passes last went by, and when it was seen, in Unix milliseconds.
    pub fn last_head(&self, blockchain: &Blockchain) -> Option<(u64, i64)> {
        self.lock().get(blockchain)?.head
    }

    /// Notes that everything that was mined before a moment has been read.
    pub fn has_read_until(&self, blockchain: &Blockchain, moment_ms: i64) {
        if let Some(state) = self.lock().get_mut(blockchain) {
            state.read_until = Some(moment_ms);
        }
    }

    /// Whether everything mined up to a moment has been read, since the start.
    pub fn was_read_until(&self, blockchain: &Blockchain, moment_ms: i64) -> bool {
        let chains = self.lock();
        let read_until = chains.get(blockchain).and_then(|state| state.read_until);
        read_until.is_some_and(|until| until > moment_ms)
    }

    /// The moment in Unix milliseconds until which everything mined has been read, since the start.
    pub fn read_until(&self, blockchain: &Blockchain) -> Option<i64> {
        self.lock().get(blockchain)?.read_until
    }

    /// Has the chain's watcher look at once.
    pub fn wake(&self, blockchain: &Blockchain) {
        if let Some(state) = self.lock().get(blockchain) {
            state.changed.notify_one();
        }
    }

    /// Waits to be woken; forever for a chain that nobody watches.
    pub async fn changed(&self, blockchain: &Blockchain) {
        let changed = self
            .lock()
            .get(blockchain)
            .map(|state| state.changed.clone());
        match changed {
            Some(changed) => changed.notified().await,
            None => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Blockchain, State>> {
        self.chains
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn is_degraded(&self, now_ms: i64) -> bool {
        self.trying_since
            .is_some_and(|since| now_ms - since > UNWATCHED_AT_MOST)
    }
}

fn seconds(ms: i64) -> UnixSeconds {
    ms.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn watching() -> (Watching, Clock, Blockchain) {
        let clock = Clock::system();
        let chain = Blockchain::new("eth");
        let watching = Watching::new(clock.clone());
        watching.begin(&chain);
        (watching, clock, chain)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_chain_is_degraded_when_no_pass_succeeded_for_a_minute() {
        let (watching, clock, chain) = watching();
        let began = clock.now();
        watching.pass_begins(&chain);
        clock.advance(59 * SECOND);
        watching.pass_begins(&chain);
        assert_eq!(watching.degraded_since(&chain), None);
        clock.advance(2 * SECOND);
        let since = watching.degraded_since(&chain).unwrap();
        assert!((began..=began + 1).contains(&since), "{since} {began}");
        watching.pass_succeeded(&chain);
        assert_eq!(watching.degraded_since(&chain), None);
    }

    /// However slowly an idle chain is polled: a rest is no outage.
    #[test]
    fn a_chain_that_rests_is_well() {
        let (watching, clock, chain) = watching();
        watching.pass_begins(&chain);
        watching.pass_succeeded(&chain);
        clock.advance(3600 * SECOND);
        assert_eq!(watching.degraded_since(&chain), None);
        watching.pass_begins(&chain);
        assert_eq!(watching.degraded_since(&chain), None);
        clock.advance(61 * SECOND);
        let since = watching.degraded_since(&chain).unwrap();
        assert!(since <= clock.now() - 3661, "as of the last good pass");
    }

    #[test]
    fn an_outage_is_told_once_at_each_end() {
        let (watching, clock, chain) = watching();
        let began = clock.now();
        watching.pass_begins(&chain);
        assert_eq!(watching.outages(), []);
        clock.advance(61 * SECOND);
        let told = watching.outages();
        assert!(
            matches!(&told[..], [Outage { over: false, .. }]),
            "{told:?}"
        );
        assert_eq!(watching.outages(), []);
        watching.pass_succeeded(&chain);
        let told = watching.outages();
        assert!(
            matches!(&told[..], [Outage { over: true, since, .. }] if (began..=began + 1).contains(since)),
            "{told:?}"
        );
        assert_eq!(watching.outages(), []);
    }

    #[test]
    fn nobody_watches_a_chain_that_was_not_begun() {
        let (watching, clock, _) = watching();
        let other = Blockchain::new("base");
        watching.pass_begins(&other);
        clock.advance(61 * SECOND);
        assert_eq!(watching.degraded_since(&other), None);
        assert_eq!(watching.providers(&other), []);
    }
}
