//! The feed of changes: for backends that cannot receive webhooks, and for pages that show what happens.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::service::App;
use crate::store::StoreError;
use crate::store::changes::{self, Part};

/// The entries after one, the oldest first; where there are none, waits for one, but not longer than `wait`. After one that there never was,
/// nothing is waited for.
pub async fn after(app: &App, id: i64, limit: u32, wait: Duration) -> Result<Part, StoreError> {
    let until = Instant::now() + wait;
    loop {
        let news = app.feed_changed();
        let part = app.db().read_long(move |c| changes::part(c, id, limit));
        let part = part.await?;
        let nothing_to_come = !part.entries.is_empty() || part.last < id;
        if nothing_to_come || timeout_at(until, news).await.is_err() {
            return Ok(part);
        }
    }
}
