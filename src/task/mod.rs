//! What happens by itself: loops around ticks, which tests call directly.

pub mod deliver;
pub mod every;
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
use pass::Pass;

/// How often overdue orders are looked for.
const EXPIRE_EVERY: Duration = Duration::from_millis(500);
/// How often what is of no use any more is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

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
        if config.wallets.iter().any(|w| w.blockchain == *blockchain) {
            start_watching(app, blockchain, chain, simulated, tasks, stop);
        }
    }
    tasks.spawn(deliver::run(app.clone(), stop.clone()));
    let expiring = app.clone();
    tasks.spawn(every::run(
        "expiring orders",
        EXPIRE_EVERY,
        stop.clone(),
        move || {
            let app = expiring.clone();
            async move { expire::expire_due(&app).await.map(|_| false) }
        },
    ));
    let pruning = app.clone();
    tasks.spawn(every::run(
        "pruning",
        PRUNE_EVERY,
        stop.clone(),
        move || {
            let app = pruning.clone();
            async move { prune::prune(&app).await }
        },
    ));
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
    let pass = Pass::new(app.clone(), blockchain.clone(), providers);
    tasks.spawn(watch::run(pass, stop.clone()));
}
