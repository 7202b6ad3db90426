//! Says when a chain cannot be watched, and when it can again.

use crate::service::App;

/// Logs what changed since the last call.
pub fn tell(app: &App) {
    for outage in app.watching().outages() {
        let seconds = app.clock().now() - outage.since;
        let (blockchain, since) = (outage.blockchain, outage.since);
        match outage.over {
            false => tracing::error!(
                %blockchain, since,
                "chain cannot be watched, for {seconds} s now; orders on it do not expire meanwhile"
            ),
            true => tracing::info!(%blockchain, since, "chain is watched again, after {seconds} s"),
        }
    }
}
