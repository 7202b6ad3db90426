//! `/metrics`: everything that is counted, for Prometheus.

mod process;

use std::sync::Arc;

use poem::http::{StatusCode, header};
use poem::{IntoResponse, Request, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::admin::{self, Admin};
use super::errors::Failure;
use crate::metrics::Chain;
use crate::service::numbers::{self, ChainNumbers, Numbers};
use crate::service::{App, StoreError, Tallies};

/// [`admin::NO_SECRET`] for who may not know that there is an address for programs.
const NO_SECRET: Failure = Failure::new(
    StatusCode::UNAUTHORIZED,
    "missing Ocrch-Admin-Authorization header, or use server.metrics_listen",
);

/// What is asked for the numbers of an application.
#[derive(Clone)]
pub struct Exposition {
    app: App,
    numbers: Arc<Numbers>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Status {
    status: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Provider {
    blockchain: String,
    provider: String,
}

impl Exposition {
    pub fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            numbers: Arc::default(),
        }
    }

    /// All numbers as text.
    pub async fn answer(&self) -> Response {
        match self.text().await {
            Ok(text) => text
                .with_content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
                .with_header(header::CACHE_CONTROL, "no-store")
                .into_response(),
            Err(error) => Failure::from(error).answer(),
        }
    }

    /// [`Exposition::answer`] for the admin: by the admin's own header, or as a bearer token, which Prometheus can send.
    pub async fn answer_to_admin(&self, admin: &Admin, mut request: Request) -> Response {
        let bearer = request.header(header::AUTHORIZATION);
        let secret = bearer.and_then(|value| value.strip_prefix("Bearer "));
        if let Some(secret) = secret.and_then(|secret| secret.trim().parse().ok()) {
            request.headers_mut().insert(admin::HEADER, secret);
        }
        match admin.enter(&request).await {
            Ok(_) => self.answer().await,
            Err(failure) if failure == admin::NO_SECRET => NO_SECRET.answer(),
            Err(failure) => failure.answer(),
        }
    }

    async fn text(&self) -> Result<String, StoreError> {
        let mut registry = Registry::default();
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("ocrch_build", "The running version", Info::new(version));
        self.app.metrics().register(&mut registry);
        process::register(&mut registry);
        // What can be said without the database is said also while that cannot be read.
        match self.numbers.tallies(&self.app).await {
            Ok(tallies) => {
                register_tallies(&mut registry, &tallies, self.app.clock().now());
                register_chains(&mut registry, &numbers::chains(&self.app, &tallies));
            }
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(error),
        }
        let writable = i64::from(self.app.db().trouble().is_none());
        let help = "Whether the database can be written (1) or not (0)";
        registry.register("ocrch_database_writable", help, ConstGauge::new(writable));
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &registry);
        Ok(text)
    }
}

fn register_tallies(to: &mut Registry, tallies: &Tallies, now: i64) {
    let by_status = |counts: &mut dyn Iterator<Item = (String, u64)>| {
        let family = Family::<Status, Gauge>::default();
        for (status, count) in counts {
            family.get_or_create(&Status { status }).set(count as i64);
        }
        family
    };
    let orders = by_status(&mut tallies.orders.iter().cloned());
    to.register("ocrch_orders", "Orders by status", orders);
    let transfers = by_status(&mut tallies.transfers.iter().cloned());
    to.register("ocrch_transfers", "Transfers by status", transfers);
    let webhooks = by_status(&mut tallies.webhooks.iter().map(|(s, n)| ((*s).to_owned(), *n)));
    to.register(
        "ocrch_webhooks",
        "Webhooks that are queued or were given up",
        webhooks,
    );
    let age = tallies.oldest_webhook.map_or(0, |at| (now - at).max(0));
    to.register(
        "ocrch_webhook_oldest_seconds",
        "Age of the webhook that has waited longest",
        ConstGauge::new(age),
    );
    to.register(
        "ocrch_payments_vanished",
        "Transfers that paid an order and then left the chain",
        ConstGauge::new(tallies.vanished as i64),
    );
}

fn register_chains(to: &mut Registry, chains: &[ChainNumbers]) {
    let of_chains = |value: &dyn Fn(&ChainNumbers) -> Option<i64>| {
        let family = Family::<Chain, Gauge>::default();
        for chain in chains {
            if let Some(value) = value(chain) {
                family
                    .get_or_create(&Chain::new(&chain.blockchain))
                    .set(value);
            }
        }
        family
    };
    let head = |c: &ChainNumbers| c.head.map(|(number, _)| number as i64);
    let lag = |c: &ChainNumbers| Some((c.head?.0 as i64 - c.scanned? as i64).max(0));
    to.register(
        "ocrch_chain_head",
        "Newest block that was seen",
        of_chains(&head),
    );
    to.register(
        "ocrch_chain_scanned",
        "Block up to which all wallets have been read",
        of_chains(&|c| c.scanned.map(|block| block as i64)),
    );
    to.register(
        "ocrch_chain_lag_blocks",
        "Blocks between the head and what has been read",
        of_chains(&lag),
    );
    to.register(
        "ocrch_chain_head_age_seconds",
        "Time since the head was last seen; an idle chain is looked at every idle_poll_interval",
        of_chains(&|c| c.head.map(|(_, age)| age)),
    );
    to.register(
        "ocrch_chain_degraded",
        "Whether the chain cannot be watched (1) or can (0)",
        of_chains(&|c| Some(i64::from(c.degraded))),
    );
    register_providers(to, chains);
}

fn register_providers(to: &mut Registry, chains: &[ChainNumbers]) {
    let requests = Family::<Provider, Gauge>::default();
    let errors = Family::<Provider, Gauge>::default();
    let failing = Family::<Provider, Gauge>::default();
    let in_use = Family::<Provider, Gauge>::default();
    for chain in chains {
        for report in &chain.providers {
            let provider = Provider {
                blockchain: chain.blockchain.to_string(),
                provider: report.label.clone(),
            };
            // Two keys at one host have one label.
            requests
                .get_or_create(&provider)
                .inc_by(report.requests_today as i64);
            errors
                .get_or_create(&provider)
                .inc_by(report.errors_today as i64);
            failing
                .get_or_create(&provider)
                .inc_by(i64::from(report.failing_since_ms.is_some()));
            in_use
                .get_or_create(&provider)
                .inc_by(i64::from(report.in_use));
        }
    }
    to.register(
        "ocrch_provider_requests_today",
        "Requests in this day (UTC)",
        requests,
    );
    to.register(
        "ocrch_provider_errors_today",
        "Requests in this day (UTC) that got no proper answer",
        errors,
    );
    to.register(
        "ocrch_provider_failing",
        "Whether it failed when last asked",
        failing,
    );
    to.register(
        "ocrch_provider_in_use",
        "Whether passes go by it now",
        in_use,
    );
}
