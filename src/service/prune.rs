//! Forgetting what is of no use any more.

use super::App;
use crate::store::daily::day_of;
use crate::store::{StoreError, changes, claims, events, lost_deposits, replays, usage};

/// Idempotency keys are good for a day, in seconds; an hour more costs nothing.
const KEYS: i64 = 25 * 3600;
/// Signatures that are too old cannot be replayed; the margin covers clocks that are set back.
const SIGNATURES_BEYOND_AGE: i64 = 3600;
/// A transaction that no chain knew a month ago will not come any more.
const UNFOUNDED_CLAIMS: i64 = 30 * 24 * 3600;

/// Forgets idempotency keys and signatures that cannot be used again, webhooks and attempts beyond their retention, claims of
/// transactions that never came, values kept for lost deposits, and how much providers were used on earlier days; returns whether there may be more.
pub async fn prune(app: &App) -> Result<bool, StoreError> {
    let config = app.config();
    let (events_for, attempts_for) = (&config.retention.events, &config.retention.webhook_attempts);
    let (events_for, attempts_for) = (events_for.as_secs() as i64, attempts_for.as_secs() as i64);
    let max_age = config.merchant.signature_max_age.as_secs() as i64;
    let late_window = config.payments.late_window.as_secs() as i64;
    app.db()
        .write(move |tx| {
            let signatures_before = tx.now - max_age - SIGNATURES_BEYOND_AGE;
            let replays = replays::prune(tx, tx.now - KEYS, signatures_before)?;
            let events = events::prune(tx, tx.now - attempts_for, tx.now - events_for)?;
            let changes = changes::prune(tx, tx.now - events_for)?;
            let claims = claims::prune(tx, tx.now - UNFOUNDED_CLAIMS)?;
            let lost = lost_deposits::prune(tx, tx.now - late_window)?;
            // What is left of a plan today depends on yesterday evening, too.
            usage::prune(tx, day_of(tx.now) - 1)?;
            Ok(replays + events + changes + claims + lost > 0)
        })
        .await
}
