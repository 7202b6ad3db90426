//! Delivering webhooks: a slow or dead endpoint never delays another's events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::domain::signature::origin_of;
use crate::metrics;
use crate::service::{App, Attempt, Event, StoreError, outbox};
use crate::webhook::{Delivery, Outcome, Sender};

/// After a fault of the database.
const AFTER_FAULT: Duration = Duration::from_secs(1);
/// The longest rest: a clock that is turned, or an event queued by another process, is noticed by then.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Delivers until the stop; attempts under way end first.
pub async fn run(app: App, stop: CancellationToken) {
    let mut deliverer = Deliverer::new(app.clone());
    while !stop.is_cancelled() {
        if let Err(error) = deliverer.follow_clock().await {
            tracing::debug!(%error, "cannot look for webhooks that wait too long");
        }
        let rest = match deliverer.start_due() {
            Ok(rest) => rest,
            Err(error) => {
                tracing::error!(%error, "cannot read the outbox, trying again");
                AFTER_FAULT
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = deliverer.finished() => {}
            () = app.outbox_changed() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
    while !deliverer.attempts.is_empty() {
        deliverer.finished().await;
    }
}

/// Clocks are corrected by a little all the time, in seconds.
const CLOCKS_STEP: i64 = 5;

/// Attempts under way, and which places they take.
pub struct Deliverer {
    app: App,
    /// What the sender goes by.
    config: Arc<Config>,
    sender: Sender,
    attempts: JoinSet<Finished>,
    /// Rows of the events under way.
    events: HashSet<i64>,
    /// Orders with an event under way: events of one order go out in order.
    orders: HashSet<i64>,
    /// Attempts under way by origin.
    places: HashMap<String, usize>,
    /// Origins whose last attempt timed out.
    slow: HashSet<String>,
    turn: usize,
    /// The clock's time when it was last looked at; `None` before the first time.
    looked_at: Option<i64>,
}

/// An attempt that is over and recorded.
struct Finished {
    event: i64,
    order: Option<i64>,
    origin: String,
    timed_out: bool,
}

impl Deliverer {
    pub fn new(app: App) -> Self {
        let config = app.config();
        Self {
            sender: Sender::new(&config),
            config,
            app,
            attempts: JoinSet::new(),
            events: HashSet::new(),
            orders: HashSet::new(),
            places: HashMap::new(),
            slow: HashSet::new(),
            turn: 0,
            looked_at: None,
        }
    }

    /// Starts as many due attempts as there are places; returns how long it may rest.
    pub fn start_due(&mut self) -> Result<Duration, StoreError> {
        self.follow_config();
        if self.app.db().trouble().is_some() {
            // What cannot be recorded would be sent again and again.
            return Ok(AFTER_FAULT);
        }
        let mut next_ms: Option<i64> = None;
        let mut origins = outbox::origins(&self.app)?;
        // Another origin goes first each time, so that none is always too late for the last free place.
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn % origins.len().max(1);
        origins.rotate_left(first);
        for origin in origins {
            let free = self.free_places(&origin);
            // Those under way are still queued, so that many more must be read to find as many others.
            let limit = free + self.events.len();
            let (due, next) = outbox::due(&self.app, &origin, limit)?;
            next_ms = [next_ms, next].into_iter().flatten().min();
            let waiting: Vec<Event> = due
                .into_iter()
                .filter(|e| self.may_start(e))
                .take(free)
                .collect();
            for event in waiting {
                self.begin(origin.clone(), event);
            }
        }
        let rest = next_ms.map(|at| at - self.app.clock().now_ms());
        let rest = rest.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        Ok(rest.unwrap_or(LONGEST_REST).min(LONGEST_REST))
    }

    /// A clock that is set back, now or while the server did not run, must not keep webhooks waiting for the old time.
    pub async fn follow_clock(&mut self) -> Result<(), StoreError> {
        let now_ms = self.app.clock().now_ms();
        let seconds = self.looked_at.map_or(0, |at| (at - now_ms) / 1000);
        if seconds > CLOCKS_STEP {
            tracing::warn!(
                "the clock was set back by {seconds} s: what is signed meanwhile may be refused, and payments to what was offered before may count as too early"
            );
        }
        if seconds > CLOCKS_STEP || self.looked_at.is_none() {
            outbox::recall(&self.app).await?;
        }
        self.looked_at = Some(now_ms);
        Ok(())
    }

    /// After a reload, what starts from now on goes by the new configuration.
    fn follow_config(&mut self) {
        let config = self.app.config();
        if !Arc::ptr_eq(&config, &self.config) {
            self.sender = Sender::new(&config);
            self.config = config;
        }
    }

    /// Waits for an attempt to end; forever if none is under way.
    pub async fn finished(&mut self) {
        match self.attempts.join_next().await {
            None => std::future::pending().await,
            // An attempt that panicked cannot say what it was; forgetting all places would start events twice.
            Some(Err(error)) => tracing::error!(%error, "a webhook attempt crashed"),
            Some(Ok(finished)) => self.clear(finished),
        }
    }

    fn free_places(&self, origin: &str) -> usize {
        let all = self.config.webhooks.concurrency;
        let for_origin = if self.slow.contains(origin) {
            1
        } else {
            (all / 4).max(1)
        };
        let taken = self.places.get(origin).copied().unwrap_or(0);
        let left = all.saturating_sub(self.attempts.len());
        for_origin.saturating_sub(taken).min(left)
    }

    fn may_start(&self, event: &Event) -> bool {
        !self.events.contains(&event.row)
            && event.order_row.is_none_or(|o| !self.orders.contains(&o))
    }

    fn begin(&mut self, origin: String, event: Event) {
        self.events.insert(event.row);
        self.orders.extend(event.order_row);
        *self.places.entry(origin.clone()).or_default() += 1;
        let (app, sender) = (self.app.clone(), self.sender.clone());
        self.attempts.spawn(attempt(app, sender, origin, event));
    }

    fn clear(&mut self, finished: Finished) {
        self.events.remove(&finished.event);
        if let Some(order) = finished.order {
            self.orders.remove(&order);
        }
        if let Some(taken) = self.places.get_mut(&finished.origin) {
            *taken -= 1;
            if *taken == 0 {
                self.places.remove(&finished.origin);
            }
        }
        match finished.timed_out {
            true => self.slow.insert(finished.origin),
            false => self.slow.remove(&finished.origin),
        };
    }
}

/// One attempt: POST without any transaction open, then record how it went.
async fn attempt(app: App, sender: Sender, origin: String, event: Event) -> Finished {
    let outcome = post(sender, event.clone(), app.clock().now()).await;
    let finished = Finished {
        event: event.row,
        order: event.order_row,
        origin,
        timed_out: outcome.timed_out,
    };
    count(&app, &event, &outcome);
    if !outcome.delivered() {
        log(&event, &outcome);
    }
    let attempt = Attempt {
        status: outcome.status,
        error: outcome.error,
        latency_ms: outcome.latency_ms,
        answer: outcome.answer,
    };
    let recorded = outbox::record_attempt(&app, event, attempt, jitter()).await;
    if let Err(error) = recorded {
        tracing::error!(%error, "cannot record a webhook attempt; it will be made again");
        tokio::time::sleep(AFTER_FAULT).await;
    }
    finished
}

/// The first failure of each webhook is told aloud; those after it, a dozen in the first hour, would bury the rest of the log.
fn log(event: &Event, outcome: &Outcome) {
    let (order, to) = (order_in(&event.body), origin_of(&event.url));
    let (attempt, id) = (event.attempts + 1, &event.webhook_id);
    let (status, error) = (outcome.status, outcome.error.as_deref());
    match event.attempts {
        0 => tracing::warn!(
            order,
            to,
            webhook_id = id,
            attempt,
            status,
            error,
            "webhook not delivered"
        ),
        _ => tracing::info!(
            order,
            to,
            webhook_id = id,
            attempt,
            status,
            error,
            "webhook not delivered"
        ),
    }
}

/// The merchant's id of the order that an event is about; a stray transfer is about none.
fn order_in(body: &str) -> Option<String> {
    let event: serde_json::Value = serde_json::from_str(body).ok()?;
    Some(event.get("merchant_order_id")?.as_str()?.to_owned())
}

fn count(app: &App, event: &Event, outcome: &Outcome) {
    let webhooks = &app.metrics().webhooks;
    let how = match outcome {
        outcome if outcome.delivered() => "delivered",
        outcome if outcome.timed_out => "timed_out",
        Outcome {
            status: Some(_), ..
        } => "refused",
        _ => "unreachable",
    };
    let label = metrics::Outcome { outcome: how };
    webhooks.attempts.get_or_create(&label).inc();
    webhooks.seconds.observe(outcome.latency_ms as f64 / 1000.0);
    if event.attempts > 0 {
        webhooks.retries.inc();
    }
}

pub async fn post(sender: Sender, event: Event, timestamp: UnixSeconds) -> Outcome {
    let sent = tokio::task::spawn_blocking(move || {
        sender.post(&Delivery {
            url: &event.url,
            webhook_id: &event.webhook_id,
            timestamp,
            body: &event.body,
        })
    });
    sent.await.unwrap_or_else(|crash| Outcome {
        status: None,
        error: Some(crash.to_string()),
        latency_ms: 0,
        answer: String::new(),
        timed_out: false,
    })
}

fn jitter() -> f64 {
    let mut byte = [0u8];
    // Without randomness retries are just not spread.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}
