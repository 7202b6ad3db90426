//! The OpenAPI document, made from the handlers.

use poem::http::header;
use poem::{Endpoint, IntoResponse, endpoint::make_sync};
use poem_openapi::OpenApiService;

use super::admin;
use super::service_api::ServiceApi;
use super::user_api::UserApi;
use super::ws::Sockets;
use crate::service::App;

const ABOUT: &str = "Open Crypto Checkout: stablecoins straight into wallets you own.\n\n\
Amounts are exact decimals in strings; times are Unix seconds; errors are plain text. \
Every change of an order's state is also POSTed to its `webhook_url`, signed like a request of yours: \
`Ocrch-Signature` over `{ts}.{body}`, with `webhook-id` the same for all attempts of one event. \
Only an answer of exactly 200 counts as delivered.";

/// Where the APIs are served.
pub const PREFIX: &str = "/api/v1";

/// All APIs.
pub type Api = OpenApiService<(ServiceApi, UserApi, admin::Api), ()>;

/// The APIs over an application.
pub fn service(app: &App, sockets: &Sockets) -> Api {
    let service = ServiceApi { app: app.clone() };
    let user = UserApi {
        app: app.clone(),
        sockets: sockets.clone(),
    };
    OpenApiService::new(
        (service, user, admin::api(app)),
        "Ocrch",
        env!("CARGO_PKG_VERSION"),
    )
    .description(ABOUT)
    .url_prefix(PREFIX)
}

/// The document, as `/openapi.json` serves it and `ocrch openapi` prints it.
pub fn document(api: &Api) -> String {
    api.spec()
}

/// Serves the document.
pub fn endpoint(document: String) -> impl Endpoint + 'static {
    make_sync(move |_| {
        document
            .clone()
            .with_content_type("application/json")
            .with_header(header::CACHE_CONTROL, "no-cache")
    })
}
