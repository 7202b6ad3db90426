//! One chain's loop: a pass, then a wait that is short while money is expected and ends at once when it becomes so.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::claims;
use super::look_ups::PassError;
use super::pass::Pass;
use crate::chain::pool::Providers;
use crate::domain::registry::Blockchain;
use crate::service::App;
use crate::service::settle::is_busy;

/// A failed pass is followed by another provider's, but not faster than this.
const BETWEEN_FAILURES: Duration = Duration::from_millis(100);

/// After a fault of the database or of ours the provider is spared.
const AFTER_OUR_FAULT: Duration = Duration::from_secs(5);

/// Watches a chain until the stop, and answers questions about its transactions meanwhile. A pass under way ends first.
pub async fn run(
    app: App,
    blockchain: Blockchain,
    providers: Arc<Providers>,
    stop: CancellationToken,
) {
    let answering = async {
        claims::answer(&app, &blockchain, &providers).await;
        // Another watcher of the chain answers now; this one goes on all the same.
        std::future::pending().await
    };
    tokio::select! {
        () = watch(app.clone(), blockchain.clone(), providers.clone(), stop) => {}
        () = answering => {}
    }
}

async fn watch(
    app: App,
    blockchain: Blockchain,
    providers: Arc<Providers>,
    stop: CancellationToken,
) {
    let mut pass = Pass::new(app, blockchain, providers);
    while !stop.is_cancelled() {
        let began = Instant::now();
        match pass.tick().await {
            Ok(()) => rest(&pass, began, &stop).await,
            Err(error) => {
                log(&pass, &error);
                let least = match error {
                    PassError::Store(_) | PassError::Crashed => AFTER_OUR_FAULT,
                    _ => BETWEEN_FAILURES,
                };
                back_off(&pass, least, &stop).await;
            }
        }
    }
}

async fn rest(pass: &Pass, began: Instant, stop: &CancellationToken) {
    let pause = Pause::after(pass);
    let until = began + pause.usual;
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep_until(until) => {}
        () = pass.app().chain_changed(pass.blockchain()) => {
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep_until(until.min(began + pause.if_woken)) => {}
            }
        }
    }
}

/// From the beginning of a pass that succeeded to that of the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pause {
    /// Short while money is expected.
    pub usual: Duration,
    /// Where a new deposit woke the watcher meanwhile. Out of a slow rest this is at once; deposits in quick succession share
    /// a pass.
    pub if_woken: Duration,
}

impl Pause {
    /// By what is stored now.
    pub fn after(pass: &Pass) -> Self {
        const UNKNOWN_CHAIN: Duration = Duration::from_secs(60);
        let config = pass.app().config();
        let chain = config.chain(pass.blockchain());
        let fast = chain.map_or(UNKNOWN_CHAIN, |chain| chain.poll_interval);
        let slow = chain.map_or(UNKNOWN_CHAIN, |chain| chain.idle_poll_interval.max(fast));
        let busy = is_busy(pass.app(), pass.blockchain()).unwrap_or(true);
        Self {
            usual: if busy { fast } else { slow },
            if_woken: fast,
        }
    }
}

async fn back_off(pass: &Pass, least: Duration, stop: &CancellationToken) {
    let now_ms = pass.app().clock().now_ms();
    let wait_ms = pass
        .providers()
        .next_at(now_ms)
        .map_or(1000, |at| at.saturating_sub(now_ms));
    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(wait.max(least)) => {}
    }
}

/// Providers' failures are logged by their keeper, once for each change; the rest is our own.
fn log(pass: &Pass, error: &PassError) {
    match error {
        PassError::Provider(_) | PassError::NoneReady | PassError::Lagging => {
            tracing::debug!(blockchain = %pass.blockchain(), %error, "pass failed");
        }
        PassError::Store(_) | PassError::Crashed => {
            tracing::error!(blockchain = %pass.blockchain(), %error, "pass failed");
        }
    }
}
