//! Whether the server is alive.

use poem::web::Json;
use poem::{IntoResponse, handler};

/// The version and that it runs.
#[handler]
pub fn health() -> impl IntoResponse {
    Json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}
