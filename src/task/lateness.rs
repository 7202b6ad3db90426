//! Says when webhooks wait for their turn for too long, and when that is over.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{App, StoreError, outbox};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// One that is due for so long, and could have been sent, is late, in seconds. A retry that waits for its time is not.
const LATE: i64 = 15 * 60;
/// So many that were due before the start are worth a word.
const MANY: u64 = 1000;
/// When none is due for longer than this, it is over.
const IN_TIME: i64 = 60;

/// Looks until the stop.
pub async fn run(app: App, stop: CancellationToken) {
    let mut lateness = Lateness::new(app);
    while !stop.is_cancelled() {
        if let Err(error) = lateness.look().await {
            tracing::debug!(%error, "cannot look for webhooks that are late");
        }
        stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
            .await;
    }
}

/// What the log was told last.
pub struct Lateness {
    app: App,
    /// Since when webhooks are sent: what was due before could not go out earlier.
    sending_since: i64,
    /// Since when the first of those that were late had been due; `None` while all is well.
    since: Option<i64>,
    /// Whether it was looked at all.
    looked: bool,
}

impl Lateness {
    pub fn new(app: App) -> Self {
        Self {
            sending_since: app.clock().now(),
            app,
            since: None,
            looked: false,
        }
    }

    /// Logs what changed since the last look.
    pub async fn look(&mut self) -> Result<(), StoreError> {
        let now = self.app.clock().now();
        if self.app.db().trouble().is_some() {
            // Meanwhile nothing is sent, and the log says why.
            self.sending_since = now;
            return Ok(());
        }
        // A clock that is set back must not put it off.
        self.sending_since = self.sending_since.min(now);
        let (waiting, oldest) = outbox::backlog(&self.app).await?;
        let seconds = oldest.map_or(0, |oldest| now - oldest);
        if !self.looked && seconds > LATE && waiting >= MANY {
            tracing::info!(
                waiting,
                "webhooks from before the start go out now: {waiting}, the first of them has been due for {seconds} s"
            );
        }
        self.looked = true;
        match (self.since, oldest) {
            (None, Some(since)) if now - since.max(self.sending_since) > LATE => {
                self.since = oldest;
                // Those that had to wait anyhow may just be many.
                let why = match since >= self.sending_since {
                    true => "; their receiver takes fewer than there are",
                    false => "",
                };
                tracing::warn!(
                    waiting,
                    since,
                    "webhooks are late: {waiting} wait for their turn, the first of them for {seconds} s now{why}"
                );
            }
            (Some(since), _) if seconds <= IN_TIME => {
                self.since = None;
                let seconds = now - since;
                tracing::info!(since, "webhooks are in time again, after {seconds} s");
            }
            _ => {}
        }
        Ok(())
    }
}
