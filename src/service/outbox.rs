//! Webhooks: queueing them with what they announce, and keeping score of attempts.

use serde::Serialize;
use uuid::Uuid;

use super::App;
use super::alerts;
use super::view::{self, PaymentView};
use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::retry;
use crate::domain::signature::origin_of;
use crate::store::changes::{self, Kind};
use crate::store::events::{self, Attempt, Event, Subject};
use crate::store::transfers::StoredTransfer;
use crate::store::{Change, StoreError, Tx};

#[derive(Serialize)]
struct OrderEvent<'a> {
    event_type: &'static str,
    order_id: String,
    merchant_order_id: &'a str,
    status: &'static str,
    amount: &'a str,
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentView>,
}

#[derive(Serialize)]
struct UnknownTransferEvent<'a> {
    event_type: &'static str,
    transfer_id: i64,
    blockchain: &'a str,
    timestamp: i64,
}

/// Queues an order's new status in the transaction that made it, where the order has a webhook, and announces it.
pub fn queue_order_event(
    tx: &mut Tx<'_>,
    config: &Config,
    order: &Order,
) -> Result<(), StoreError> {
    let body = OrderEvent {
        event_type: "order_status_changed",
        order_id: order.id.to_string(),
        merchant_order_id: &order.new.merchant_order_id,
        status: order.status.as_str(),
        amount: &order.new.amount,
        timestamp: tx.now,
        payment: order.payment.as_ref().map(|p| view::payment(config, p)),
    };
    if let Some(url) = &order.new.webhook_url {
        queue(tx, Subject::Order(order.row), url, &body)?;
    }
    if order.status == OrderStatus::Paid {
        alerts::order_paid(tx, config, order)?;
    }
    changes::note_order(tx, Kind::OrderStatusChanged, order.row)?;
    tx.announce(Change::Order(order.id));
    Ok(())
}

/// Queues the report of a transfer that pays nothing, where the merchant wants such reports.
pub fn queue_unknown_transfer(
    tx: &mut Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
) -> Result<(), StoreError> {
    alerts::unmatched(tx, config, transfer)?;
    let Some(url) = &config.merchant.unknown_transfer_webhook_url else {
        return Ok(());
    };
    report_transfer(tx, url, transfer)
}

/// Queues the report of a transfer that pays nothing.
pub fn report_transfer(
    tx: &mut Tx<'_>,
    url: &str,
    transfer: &StoredTransfer,
) -> Result<(), StoreError> {
    let body = UnknownTransferEvent {
        event_type: "unknown_transfer",
        transfer_id: transfer.row,
        blockchain: transfer.facts.blockchain.as_str(),
        timestamp: tx.now,
    };
    queue(tx, Subject::Transfer(transfer.row), url, &body)
}

/// Queues an event again, for now and for this URL, whatever became of it.
pub fn queue_again(tx: &mut Tx<'_>, event: i64, url: &str) -> Result<(), StoreError> {
    events::requeue(tx, event, url, &origin_of(url).unwrap_or_default())
}

fn queue(
    tx: &mut Tx<'_>,
    subject: Subject,
    url: &str,
    body: &impl Serialize,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(body).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    let origin = origin_of(url).unwrap_or_default();
    let webhook_id = format!("evt_{}", Uuid::now_v7().simple());
    events::queue(tx, &webhook_id, subject, url, &origin, &body)
}

/// The origins that webhooks wait for.
pub fn origins(app: &App) -> Result<Vec<String>, StoreError> {
    app.db().read(events::origins)
}

/// An origin's due webhooks, and when its next one will be, in Unix milliseconds.
pub fn due(app: &App, origin: &str, limit: usize) -> Result<(Vec<Event>, Option<i64>), StoreError> {
    let now_ms = app.clock().now_ms();
    app.db().read(|c| {
        let due = events::due(c, origin, now_ms, limit)?;
        Ok((due, events::next_due(c, origin, now_ms)?))
    })
}

/// How many webhooks are due, and since when the one that has waited longest is.
pub async fn backlog(app: &App) -> Result<(u64, Option<UnixSeconds>), StoreError> {
    let now_ms = app.clock().now_ms();
    let counted = app.db().read_long(move |c| events::backlog(c, now_ms));
    let (waiting, oldest_ms) = counted.await?;
    Ok((waiting, oldest_ms.map(|ms| ms.div_euclid(1000))))
}

/// After the clock was set back: makes due what would wait for the old time.
pub async fn recall(app: &App) -> Result<usize, StoreError> {
    app.db().write(|tx| events::recall(tx)).await
}

/// Notes how an attempt went and plans the next one. `jitter` in 0..1 spreads retries.
pub async fn record_attempt(
    app: &App,
    event: Event,
    attempt: Attempt,
    jitter: f64,
) -> Result<(), StoreError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let still_queued = events::record_attempt(tx, event.row, &attempt)?;
            if attempt.status == Some(200) {
                return events::set_delivered(tx, event.row);
            }
            if !still_queued {
                return Ok(());
            }
            let delay = retry::delay(event.attempts + 1, jitter);
            if delay.is_none() {
                let (url, body, tries) = (&event.url, &event.body, event.attempts + 1);
                alerts::webhook_given_up(tx, &config, url, body, tries)?;
            }
            let at_ms = delay.map(|d| tx.now_ms.saturating_add(d.as_millis() as i64));
            events::set_next_attempt(tx, event.row, at_ms)
        })
        .await
}
