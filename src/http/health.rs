//! Whether the server is alive, and whether it can do its work.

use poem::http::{StatusCode, header};
use poem::web::{Data, Json};
use poem::{IntoResponse, Response, handler};
use serde_json::{Map, Value, json};

use crate::service::App;
use crate::service::condition::{self, Watch};

/// That it runs, and its version. 503 while the database cannot be read or written.
#[handler]
pub fn health(Data(app): Data<&App>) -> Response {
    if let Some(trouble) = condition::database_trouble(app) {
        return super::text(StatusCode::SERVICE_UNAVAILABLE, trouble);
    }
    fresh(Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response())
}

/// Whether it does its work: 503 until every chain was tried once, and while the database cannot be read or written. A chain
/// that cannot be watched is shown, but is no reason to send nobody here.
#[handler]
pub fn ready(Data(app): Data<&App>) -> Response {
    let trouble = condition::database_trouble(app);
    let chains = condition::chains(app);
    let tried = chains.iter().all(|(_, how)| *how != Watch::NotTriedYet);
    let ready = trouble.is_none() && tried;
    let chains: Map<String, Value> = chains
        .into_iter()
        .map(|(name, how)| (name.to_string(), word(how).into()))
        .collect();
    let database = trouble.unwrap_or_else(|| "ok".to_owned());
    let body = json!({ "ready": ready, "database": database, "chains": chains });
    let mut response = Json(body).into_response();
    if !ready {
        response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    fresh(response)
}

fn word(how: Watch) -> &'static str {
    match how {
        Watch::NotTriedYet => "not tried yet",
        Watch::Watched => "watched",
        Watch::Degraded => "cannot be watched",
    }
}

/// An answer about this moment.
fn fresh(response: Response) -> Response {
    response
        .with_header(header::CACHE_CONTROL, "no-store")
        .into_response()
}
