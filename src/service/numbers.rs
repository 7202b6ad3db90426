//! The numbers that nobody counts while they arise: read when somebody asks for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::App;
use super::watching::ProviderReport;
use crate::domain::registry::Blockchain;
use crate::store::StoreError;
use crate::store::tallies::{self, Tallies};

/// Counting a million orders takes a while: it is not done more often than this.
const KEPT: Duration = Duration::from_secs(15);

/// The last counts, and when they were made.
#[derive(Default)]
pub struct Numbers(Mutex<Option<(Instant, Arc<Tallies>)>>);

/// A watched chain.
#[derive(Clone, Debug)]
pub struct ChainNumbers {
    pub blockchain: Blockchain,
    /// The newest block that passes went by, and seconds since it was seen.
    pub head: Option<(u64, i64)>,
    /// Up to which block its wallets have been read.
    pub scanned: Option<u64>,
    pub degraded: bool,
    pub providers: Vec<ProviderReport>,
}

impl Numbers {
    /// What is stored, as counted not long ago.
    pub async fn tallies(&self, app: &App) -> Result<Arc<Tallies>, StoreError> {
        // Whoever asks meanwhile waits for the same counts.
        let mut last = self.0.lock().await;
        if let Some((_, tallies)) = last.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            return Ok(tallies.clone());
        }
        let tallies = Arc::new(app.db().read_long(tallies::count).await?);
        *last = Some((Instant::now(), tallies.clone()));
        Ok(tallies)
    }
}

/// All watched chains as of now.
pub fn chains(app: &App, tallies: &Tallies) -> Vec<ChainNumbers> {
    let (watching, now_ms) = (app.watching(), app.clock().now_ms());
    let numbers = |blockchain: Blockchain| {
        let mut scanned = tallies.scanned.iter();
        let scanned = scanned.find(|(name, _)| name == blockchain.as_str());
        ChainNumbers {
            head: watching
                .last_head(&blockchain)
                .map(|(number, at)| (number, (now_ms - at).max(0) / 1000)),
            scanned: scanned.map(|(_, block)| *block),
            degraded: watching.degraded_since(&blockchain).is_some(),
            providers: watching.providers(&blockchain),
            blockchain,
        }
    };
    watching.watched().into_iter().map(numbers).collect()
}
