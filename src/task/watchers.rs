//! Who watches which chain, adjusted to the configuration whenever that changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch as watch_channel;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::left_chains::LeftChains;
use super::{keep_running, usage, watch};
use crate::chain::pool::{Providers, usual_max_lag};
use crate::chain::simulated::SimulatedChain;
use crate::chain::{Connected, connect};
use crate::config::ChainConfig;
use crate::domain::registry::Blockchain;
use crate::service::App;

/// After a message could not be queued.
const TELL_AGAIN: Duration = Duration::from_secs(5);

/// The chains' loops.
pub struct Watchers {
    app: App,
    simulated: Option<SimulatedChain>,
    tasks: TaskTracker,
    stop: CancellationToken,
    changes: watch_channel::Receiver<()>,
    running: HashMap<Blockchain, Watcher>,
    left: LeftChains,
}

/// One chain's loop.
struct Watcher {
    /// What it goes by; `None` once it was told to stop.
    by: Option<ChainConfig>,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Watchers {
    pub fn new(
        app: App,
        simulated: Option<SimulatedChain>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            changes: app.settings_changes(),
            app,
            simulated,
            tasks,
            stop,
            running: HashMap::new(),
            left: LeftChains::default(),
        }
    }

    /// Adjusts the loops after each change of the settings, until the stop.
    pub async fn run(mut self) {
        loop {
            let told = self.left.tell(&self.app).await;
            if let Err(error) = &told {
                tracing::debug!(%error, "cannot queue a message about chains that left the configuration");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(TELL_AGAIN), if told.is_err() => {}
                // The application, which sends them, is our own: it cannot be gone.
                _ = self.changes.changed() => self.adjust(),
            }
        }
    }

    /// Watches the chains that have a wallet, each by its present configuration. A loop whose chain did not change is
    /// left alone; another is started anew once its pass under way has ended.
    pub fn adjust(&mut self) {
        let wanted = wanted(&self.app);
        self.running.retain(|_, w| !w.ended.is_finished());
        for (blockchain, watcher) in &mut self.running {
            if watcher.by.is_some() && !wanted.contains_key(blockchain) {
                tracing::info!(%blockchain, "chain is no longer watched");
                watcher.leave();
                self.app.watching().end(blockchain);
            }
        }
        for (blockchain, chain) in wanted {
            let by = self.running.get(&blockchain).and_then(|w| w.by.as_ref());
            match by == Some(&chain) {
                // It may have a wallet more.
                true => self.app.watching().wake(&blockchain),
                false => self.start(blockchain, chain),
            }
        }
    }

    fn start(&mut self, blockchain: Blockchain, chain: ChainConfig) {
        let Connected { providers, skipped } = connect(&chain, self.simulated.as_ref());
        let before = self
            .running
            .remove(&blockchain)
            .map(Watcher::leave_for_good);
        if providers.is_empty() {
            tracing::warn!(
                %blockchain, kinds = skipped.join(", "),
                "chain is offered but not watched: none of its providers can be used by this version"
            );
            self.app.watching().end(&blockchain);
            return;
        }
        let names: Vec<&str> = providers.iter().map(|p| p.label()).collect();
        tracing::info!(%blockchain, providers = names.join(", "), "watching chain");
        self.app.watching().begin(&blockchain);
        let max_lag = usual_max_lag(chain.chain.block_time);
        let providers = Arc::new(Providers::new(blockchain.as_str(), providers, max_lag));
        let stop = self.stop.child_token();
        let (app, name, stopped) = (self.app.clone(), blockchain.clone(), stop.clone());
        let tasks = self.tasks.clone();
        let ended = self.tasks.spawn(async move {
            if let Some(before) = before {
                // Two passes over one chain would do everything twice. How the old one ended does not matter.
                let _ = before.await;
            }
            usage::resume(&app, &name, &providers);
            let watch = move || {
                watch::run(
                    app.clone(),
                    name.clone(),
                    providers.clone(),
                    stopped.clone(),
                )
            };
            let _ = keep_running(&tasks, "watching a chain", watch).await;
        });
        let by = Some(chain);
        self.running.insert(blockchain, Watcher { by, stop, ended });
    }
}

impl Watcher {
    fn leave(&mut self) {
        self.stop.cancel();
        self.by = None;
    }

    fn leave_for_good(mut self) -> JoinHandle<()> {
        self.leave();
        self.ended
    }
}

/// The chains that have a wallet, or had one not long ago.
fn wanted(app: &App) -> BTreeMap<Blockchain, ChainConfig> {
    let (config, retired) = app.config_and_retired_wallets();
    let configured = config.wallets.iter().map(|w| &w.blockchain);
    let chains = configured.chain(retired.iter().map(|w| &w.blockchain));
    chains
        .filter_map(|name| Some((name.clone(), config.chain(name)?.clone())))
        .collect()
}
