//! Going on with what providers were used before.

use crate::chain::meter::Spent;
use crate::chain::pool::Providers;
use crate::domain::registry::Blockchain;
use crate::service::{App, usage};

/// Counts on from what was known of a chain's providers before a restart, or before a reload.
pub fn resume(app: &App, blockchain: &Blockchain, providers: &Providers) {
    let known = match usage::of_chain(app, blockchain) {
        Ok(known) => known,
        Err(error) => {
            tracing::error!(%blockchain, %error, "cannot read how much providers were used today; counting from nothing");
            return;
        }
    };
    let spent = known.into_iter().map(|usage| Spent {
        label: usage.provider,
        day: usage.day,
        requests: usage.requests,
        errors: usage.errors,
        budget: usage.budget,
        budget_key: usage.budget_key,
    });
    providers.resume(spent.collect(), app.clock().now_ms());
}
