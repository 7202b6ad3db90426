//! Sending the operator's messages: one for each event, but never more than a few a minute. Alarms go first and by themselves.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Alerts;
use crate::service::alerts::{self, Alert};
use crate::service::{App, StoreError};
use crate::webhook::alert::Messenger;

/// How often the queue is looked into.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many messages in a minute; what is more becomes one. As many alarms beside them; what is more of those waits.
const MOST: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
/// After a failure the next try waits this long, and twice as long each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// A message that could not be sent for so long is of no use any more, in seconds.
const OLD: i64 = 24 * 3600;

/// Sends until the stop. What is not sent by then is sent after the next start.
pub async fn run(app: App, stop: CancellationToken) {
    let mut sender = AlertSender::new(app);
    while !stop.is_cancelled() {
        if let Err(error) = sender.tick().await {
            tracing::debug!(%error, "cannot look for messages to the operator");
        }
        stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
            .await;
    }
}

/// What was sent lately, and how that went.
pub struct AlertSender {
    app: App,
    sent: VecDeque<Sent>,
    failures: u32,
    not_before: Instant,
    /// The settings of the last try: after a failure, others are tried at once.
    tried: Option<Alerts>,
}

struct Sent {
    at: Instant,
    alarm: bool,
}

impl AlertSender {
    pub fn new(app: App) -> Self {
        Self {
            app,
            sent: VecDeque::new(),
            failures: 0,
            not_before: Instant::now(),
            tried: None,
        }
    }

    /// Sends what waits: each message by itself while there are few, all but the alarms in one otherwise.
    pub async fn tick(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.sent.retain(|sent| now - sent.at < MINUTE);
        if now < self.not_before && !self.settings_changed() {
            return Ok(());
        }
        let waiting = alerts::waiting(&self.app)?;
        if waiting.is_empty() {
            return Ok(());
        }
        let old = self.app.clock().now() - OLD;
        if self.app.config().alerts.is_none() || waiting.iter().any(|a| a.created_at < old) {
            return self.drop_unwanted(waiting, old).await;
        }
        let (alarms, others): (Vec<Alert>, Vec<Alert>) =
            waiting.into_iter().partition(alerts::is_alarm);
        let free = self.free(true);
        if !self.send_each(alarms.into_iter().take(free), true).await? {
            return Ok(());
        }
        let free = self.free(false);
        if others.is_empty() || free == 0 {
            return Ok(());
        }
        // The last free place is kept for a summary, should more come in this minute.
        if others.len() > 1 && others.len() >= free {
            let text = alerts::summary(&self.app.config(), &others);
            let rows = others.iter().map(|alert| alert.row).collect();
            self.send(text, rows, false).await?;
        } else {
            self.send_each(others, false).await?;
        }
        Ok(())
    }

    fn settings_changed(&self) -> bool {
        self.app.config().alerts != self.tried
    }

    /// How many more messages may be sent in this minute.
    fn free(&self, alarm: bool) -> usize {
        let sent = self.sent.iter().filter(|sent| sent.alarm == alarm);
        MOST.saturating_sub(sent.count())
    }

    /// Sends until one fails; whether none did.
    async fn send_each(
        &mut self,
        waiting: impl IntoIterator<Item = Alert>,
        alarm: bool,
    ) -> Result<bool, StoreError> {
        for Alert { row, text, .. } in waiting {
            if !self.send(text, vec![row], alarm).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn drop_unwanted(&self, waiting: Vec<Alert>, old: i64) -> Result<(), StoreError> {
        let wanted = self.app.config().alerts.is_some();
        let unwanted = waiting.iter().filter(|a| !wanted || a.created_at < old);
        let rows: Vec<i64> = unwanted.map(|alert| alert.row).collect();
        if wanted {
            tracing::error!(
                messages = rows.len(),
                "messages to the operator could not be sent for a day and are dropped"
            );
        }
        alerts::remove(&self.app, rows).await
    }

    /// Sends one message; whether that worked.
    async fn send(
        &mut self,
        text: String,
        rows: Vec<i64>,
        alarm: bool,
    ) -> Result<bool, StoreError> {
        let config = self.app.config();
        let Some(to) = &config.alerts else {
            return Ok(false);
        };
        self.tried = Some(to.clone());
        let (messenger, shop) = (Messenger::new(to), config.merchant.name.clone());
        let sent = tokio::task::spawn_blocking(move || messenger.send(&shop, &text)).await;
        match sent.unwrap_or_else(|crash| Err(crash.to_string())) {
            Ok(()) => {
                self.failures = 0;
                let at = Instant::now();
                self.sent.push_back(Sent { at, alarm });
                alerts::remove(&self.app, rows).await?;
                Ok(true)
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(
                        error,
                        "a message to the operator could not be sent; trying again"
                    );
                }
                let wait = FIRST_WAIT * 2u32.pow(self.failures.min(10));
                self.failures = self.failures.saturating_add(1);
                self.not_before = Instant::now() + wait.min(LONGEST_WAIT);
                Ok(false)
            }
        }
    }
}
