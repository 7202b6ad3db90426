//! What happens by itself: loops around ticks, which tests call directly.

pub mod claims;
pub mod deliver;
pub mod every;
pub mod look_ups;
pub mod pass;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chain::pool::{Providers, usual_max_lag};
use crate::chain::simulated::SimulatedChain;
use crate::chain::{Connected, connect};
use crate::config::ChainConfig;
use crate::domain::registry::Blockchain;
use crate::service::App;
use crate::service::{expire, prune};

/// How often overdue orders are looked for.
const EXPIRE_EVERY: Duration = Duration::from_millis(500);
/// How often what is of no use any more is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Before a loop that crashed is started anew.
const AFTER_CRASH: Duration = Duration::from_secs(1);

/// Starts everything that happens by itself; it ends, each thing at a point where nothing is half done, after the
/// token is cancelled.
pub fn start(
    app: &App,
    simulated: Option<&SimulatedChain>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let config = app.config();
    for (blockchain, chain) in &config.chains {
        let retired = app.retired_wallets().iter().any(|(of, _)| of == blockchain);
        if retired || config.wallets.iter().any(|w| w.blockchain == *blockchain) {
            start_watching(app, blockchain, chain, simulated, tasks, stop);
        }
    }
    let (delivering, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "delivering webhooks", move || {
        deliver::run(delivering.clone(), stopped.clone())
    });
    let (expiring, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "expiring orders", move || {
        let app = expiring.clone();
        every::run(
            "expiring orders",
            EXPIRE_EVERY,
            stopped.clone(),
            move || {
                let app = app.clone();
                async move { expire::expire_due(&app).await.map(|_| false) }
            },
        )
    });
    let (pruning, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "pruning", move || {
        let app = pruning.clone();
        every::run("pruning", PRUNE_EVERY, stopped.clone(), move || {
            let app = app.clone();
            async move { prune::prune(&app).await }
        })
    });
}

/// Runs a loop, and runs it anew should a bug make it panic: a chain must not go unwatched because of one.
fn keep_running<F, Fut>(tasks: &TaskTracker, name: &'static str, run: F)
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    tasks.spawn(async move {
        while let Err(error) = tokio::spawn(run()).await {
            tracing::error!(%error, "{name} crashed; starting it anew");
            tokio::time::sleep(AFTER_CRASH).await;
        }
    });
}

fn start_watching(
    app: &App,
    blockchain: &Blockchain,
    chain: &ChainConfig,
    simulated: Option<&SimulatedChain>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let Connected { providers, skipped } = connect(chain, simulated);
    if providers.is_empty() {
        tracing::warn!(
            %blockchain, kinds = skipped.join(", "),
            "chain is offered but not watched: none of its providers can be used by this version"
        );
        return;
    }
    let names: Vec<&str> = providers.iter().map(|p| p.label()).collect();
    tracing::info!(%blockchain, providers = names.join(", "), "watching chain");
    app.watching().begin(blockchain);
    let max_lag = usual_max_lag(chain.chain.block_time);
    let providers = Arc::new(Providers::new(blockchain.as_str(), providers, max_lag));
    let (app, blockchain, stop) = (app.clone(), blockchain.clone(), stop.clone());
    keep_running(tasks, "watching a chain", move || {
        watch::run(
            app.clone(),
            blockchain.clone(),
            providers.clone(),
            stop.clone(),
        )
    });
}
