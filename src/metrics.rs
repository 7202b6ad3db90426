//! What is counted while the server runs, for `/metrics`: plain values that any layer may count with.
//!
//! Labels have few values each: patterns of routes, names of chains, never ids, amounts or addresses. What the database
//! knows is not counted here but read when somebody asks.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Everything that is counted: cheap to clone, all clones count together.
#[derive(Clone)]
pub struct Metrics {
    pub commits: Commits,
    pub http: Http,
    pub payments: Payments,
    pub webhooks: Webhooks,
}

/// The database's writer.
#[derive(Clone)]
pub struct Commits {
    /// From the beginning of a group of transactions until it is on disk.
    pub seconds: Histogram,
    /// Transactions that shared a commit.
    pub transactions: Histogram,
    pub failures: Counter,
}

#[derive(Clone)]
pub struct Http {
    pub seconds: Family<Request, Histogram>,
    pub connections: Gauge,
    pub refused: Family<Reason, Counter>,
    pub websockets: Gauge,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Request {
    /// The pattern, such as `/api/v1/user/orders/:id/status`.
    pub route: String,
    pub method: String,
    /// The class: `2xx`.
    pub status: String,
}

/// Why something was turned away.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Reason {
    pub reason: &'static str,
}

#[derive(Clone)]
pub struct Payments {
    /// From a payment's block until its order showed it.
    pub detection: Family<Chain, Histogram>,
    /// From a payment's block until it paid its order.
    pub confirmation: Family<Chain, Histogram>,
    /// Of the values that an order's amount could have: the share that was taken when a deposit was opened.
    pub slots_filled: Histogram,
    /// Choices of chain and coin turned away because all values were taken.
    pub slots_exhausted: Counter,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Chain {
    pub blockchain: String,
}

#[derive(Clone)]
pub struct Webhooks {
    pub attempts: Family<Outcome, Counter>,
    /// Attempts that were not the first of their event.
    pub retries: Counter,
    pub seconds: Histogram,
}

/// How an attempt went.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Outcome {
    pub outcome: &'static str,
}

impl Chain {
    pub fn new(blockchain: impl ToString) -> Self {
        Self {
            blockchain: blockchain.to_string(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            commits: Commits::default(),
            http: Http {
                seconds: Family::new_with_constructor(requests),
                connections: Gauge::default(),
                refused: Family::default(),
                websockets: Gauge::default(),
            },
            payments: Payments {
                detection: Family::new_with_constructor(blocks),
                confirmation: Family::new_with_constructor(blocks),
                slots_filled: Histogram::new([0.1, 0.25, 0.5, 0.8, 0.9, 0.95, 1.0]),
                slots_exhausted: Counter::default(),
            },
            webhooks: Webhooks {
                attempts: Family::default(),
                retries: Counter::default(),
                seconds: Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0]),
            },
        }
    }
}

impl Default for Commits {
    fn default() -> Self {
        Self {
            seconds: Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
            ]),
            transactions: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
            failures: Counter::default(),
        }
    }
}

/// Seconds that requests take.
fn requests() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    ])
}

/// Seconds that chains take.
fn blocks() -> Histogram {
    Histogram::new([
        1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0,
    ])
}

impl Metrics {
    /// Names them for an exposition. The names are part of the interface: dashboards and alerts are built on them.
    pub fn register(&self, to: &mut Registry) {
        let Self {
            commits,
            http,
            payments,
            webhooks,
        } = self;
        to.register(
            "ocrch_commit_seconds",
            "Time from the beginning of a group of transactions until it is on disk",
            commits.seconds.clone(),
        );
        to.register(
            "ocrch_commit_transactions",
            "Transactions that shared one commit",
            commits.transactions.clone(),
        );
        to.register(
            "ocrch_commit_failures",
            "Commits that failed",
            commits.failures.clone(),
        );
        to.register(
            "ocrch_http_request_seconds",
            "Time to answer requests, by route, method and class of status",
            http.seconds.clone(),
        );
        to.register(
            "ocrch_http_connections",
            "Open connections",
            http.connections.clone(),
        );
        to.register(
            "ocrch_http_connections_refused",
            "Connections turned away, by reason",
            http.refused.clone(),
        );
        to.register(
            "ocrch_websockets",
            "Open WebSockets",
            http.websockets.clone(),
        );
        to.register(
            "ocrch_payment_detection_seconds",
            "Time from a payment's block until its order showed it",
            payments.detection.clone(),
        );
        to.register(
            "ocrch_payment_confirmation_seconds",
            "Time from a payment's block until it paid its order",
            payments.confirmation.clone(),
        );
        to.register(
            "ocrch_slots_filled_ratio",
            "Share of the values for an order's amount that were taken when a deposit was opened",
            payments.slots_filled.clone(),
        );
        to.register(
            "ocrch_slots_exhausted",
            "Choices of chain and coin turned away because all values for the amount were taken",
            payments.slots_exhausted.clone(),
        );
        to.register(
            "ocrch_webhook_attempts",
            "Attempts to deliver webhooks, by outcome",
            webhooks.attempts.clone(),
        );
        to.register(
            "ocrch_webhook_retries",
            "Attempts that were not the first of their webhook",
            webhooks.retries.clone(),
        );
        to.register(
            "ocrch_webhook_seconds",
            "Time that receivers of webhooks took to answer",
            webhooks.seconds.clone(),
        );
    }
}
