//! The Admin API: for whoever runs the shop.

mod answers;
mod audit;
mod chains;
mod csv;
mod examples;
mod feed;
mod filters;
mod gate;
mod likely;
mod lists;
mod new_order;
mod order_detail;
mod orders;
mod session;
mod sessions;
mod stats;
mod transfers;
mod types;
mod wallets;
mod webhooks;

use std::sync::Arc;

use poem::Request;
use poem::http::StatusCode;

use super::body::OptionalJson;
use super::client;
use super::errors::Failure;
use super::serve::{most_connections, most_of_client};
use super::ws::Sockets;
use crate::service::App;
use crate::service::admin::Actor;
use audit::AuditApi;
use chains::ChainsApi;
use csv::CsvApi;
use feed::FeedApi;
use gate::{Gate, Verdict};
use orders::OrdersApi;
use session::SessionApi;
use sessions::Sessions;
use stats::StatsApi;
use transfers::TransfersApi;
use types::ReasonBody;
use wallets::WalletsApi;
use webhooks::WebhooksApi;

pub const HEADER: &str = "Ocrch-Admin-Authorization";

pub const NO_SECRET: Failure = Failure::new(
    StatusCode::UNAUTHORIZED,
    "missing Ocrch-Admin-Authorization header",
);
const NOT_TEXT: Failure = Failure::new(StatusCode::BAD_REQUEST, "invalid authorization header");
const WRONG_SECRET: Failure = Failure::new(StatusCode::UNAUTHORIZED, "invalid admin secret");
const TOO_MANY_WRONG: Failure = Failure::too_many(
    "too many wrong admin secrets, try again later",
    gate::RETRY_AFTER,
);
const TOO_MANY_WAITING: Failure = Failure::too_many(
    "too many admin secrets wait to be checked, try again later",
    gate::RETRY_AFTER,
);
const NOT_FOUND: Failure = Failure::new(StatusCode::NOT_FOUND, "resource not found");
const LONG_REASON: Failure = Failure::new(
    StatusCode::BAD_REQUEST,
    "invalid reason: expected at most 500 characters",
);

/// The Admin API's parts, by noun.
pub type Api = (
    OrdersApi,
    TransfersApi,
    WebhooksApi,
    WalletsApi,
    ChainsApi,
    StatsApi,
    FeedApi,
    CsvApi,
    AuditApi,
    SessionApi,
);

/// The Admin API.
pub fn api(admin: &Admin, sockets: &Sockets) -> Api {
    (
        OrdersApi(admin.clone()),
        TransfersApi(admin.clone()),
        WebhooksApi(admin.clone()),
        WalletsApi(admin.clone()),
        ChainsApi(admin.clone()),
        StatsApi(admin.clone()),
        FeedApi(admin.clone(), sockets.clone()),
        CsvApi(admin.clone()),
        AuditApi(admin.clone()),
        SessionApi(admin.clone()),
    )
}

/// What everything shares that the admin may ask. A server has one: failures and sessions count everywhere.
#[derive(Clone)]
pub struct Admin {
    app: App,
    gate: Gate,
    sessions: Arc<Sessions>,
}

impl Admin {
    pub fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            gate: Gate::new(),
            sessions: Arc::default(),
        }
    }

    /// Lets the admin in: by the secret, or by a session of the dashboard.
    pub async fn enter(&self, request: &Request) -> Result<Actor, Failure> {
        let config = self.app.config();
        let address = client::client_address(request, &config);
        let Some(secret) = request.headers().get(HEADER) else {
            let signed_in = session::is_signed_in(&self.app, &self.sessions, request);
            return signed_in.then(|| Actor::at(address)).ok_or(NO_SECRET);
        };
        std::str::from_utf8(secret.as_bytes()).map_err(|_| NOT_TEXT)?;
        let hash = &config.admin.secret_hash;
        let network = client::network(address);
        // Whoever speaks to us directly never has more connections than may wait.
        let most = most_of_client(most_connections(config.server.max_connections));
        let check = self.gate.check(hash, secret.as_bytes(), network, most);
        match check.await {
            Verdict::Right => Ok(Actor::at(address)),
            Verdict::Wrong => Err(WRONG_SECRET),
            Verdict::TooMany => Err(TOO_MANY_WRONG),
            Verdict::Unread => Err(TOO_MANY_WAITING),
        }
    }
}

/// Keeps others out before anything else of a request is looked at: the endpoints' parameters are read before their
/// handlers run, which let the admin in by [`Admin::enter`].
pub async fn keep_out(request: &Request) -> poem::Result<()> {
    let Some(admin) = request.data::<Admin>() else {
        return Ok(());
    };
    let entered = admin.enter(request).await;
    entered.map_err(|failure| poem::Error::from_response(failure.answer()))?;
    Ok(())
}

impl Admin {
    /// [`Admin::enter`] for a deed, with the reason that the body may give.
    async fn enter_with_reason(
        &self,
        request: &Request,
        body: &OptionalJson<ReasonBody>,
    ) -> Result<Actor, Failure> {
        let actor = self.enter(request).await?;
        let reason = body.parse()?.and_then(|body| body.reason);
        with_reason(actor, reason)
    }
}

/// The actor with a reason, if it is not too long.
fn with_reason(actor: Actor, reason: Option<String>) -> Result<Actor, Failure> {
    if reason.as_ref().is_some_and(|r| r.chars().count() > 500) {
        return Err(LONG_REASON);
    }
    Ok(Actor { reason, ..actor })
}

/// The id of a transfer in a path.
fn transfer_in_path(path: &str) -> Result<i64, Failure> {
    path.parse().map_err(|_| NOT_FOUND)
}

/// The id of an order in a path.
fn order_in_path(path: &str) -> Result<crate::domain::order::OrderId, Failure> {
    super::auth::order_in_path(path).map_err(|_| NOT_FOUND)
}
