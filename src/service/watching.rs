//! What is known of the chains: heads, successful passes, and who must be woken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::domain::registry::Blockchain;

/// A head older than this says nothing about now, in milliseconds: two slow polls.
const HEAD_IS_FRESH: i64 = 120_000;

/// Forgotten at a restart on purpose: a head from before an outage must not pass for the present one.
#[derive(Default)]
pub struct Watching {
    chains: Mutex<HashMap<Blockchain, State>>,
}

#[derive(Default)]
struct State {
    head: Option<(u64, i64)>,
    /// Everything mined before this moment has been read.
    read_until: Option<i64>,
    changed: Arc<Notify>,
}

impl Watching {
    /// Enters a chain whose passes matter from now on.
    pub fn begin(&self, blockchain: &Blockchain) {
        self.lock().entry(blockchain.clone()).or_default();
    }

    /// Forgets a chain that nobody watches any more.
    pub fn end(&self, blockchain: &Blockchain) {
        self.lock().remove(blockchain);
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
        let (number, seen_at) = self.lock().get(blockchain)?.head?;
        (now_ms - seen_at <= HEAD_IS_FRESH).then_some(number)
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
