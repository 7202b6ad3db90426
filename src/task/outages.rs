//! Says when a chain cannot be watched, and when it can again.

use crate::service::{App, alerts};

/// Logs what changed since the last call.
pub async fn tell(app: &App) {
    for outage in app.watching().outages() {
        let seconds = app.clock().now() - outage.since;
        let (blockchain, since) = (outage.blockchain, outage.since);
        let text = match outage.over {
            false => format!(
                "{blockchain} cannot be watched since {seconds} s. Orders on it do not expire meanwhile, and payments are found later."
            ),
            true => format!("{blockchain} is watched again, after {seconds} s."),
        };
        if let Err(error) = alerts::chain_down(app, text).await {
            tracing::debug!(%error, "cannot queue a message to the operator");
        }
        match outage.over {
            false => tracing::error!(
                %blockchain, since,
                "chain cannot be watched, for {seconds} s now; orders on it do not expire meanwhile"
            ),
            true => tracing::info!(%blockchain, since, "chain is watched again, after {seconds} s"),
        }
    }
}
