//! The OpenAPI document, made from the handlers.

mod arrange;

use poem::http::header;
use poem::{Endpoint, IntoResponse, endpoint::make_sync};
use poem_openapi::OpenApiService;

use super::admin::{self, Admin};
use super::service_api::ServiceApi;
use super::user_api::UserApi;
use super::webhooks::Webhooks;
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
pub type Api = OpenApiService<(ServiceApi, UserApi, admin::Api), Webhooks>;

/// The APIs over an application, with the admin whom the server's other parts let in, too.
pub fn service(app: &App, sockets: &Sockets, admin: &Admin) -> Api {
    let service = ServiceApi { app: app.clone() };
    let user = UserApi {
        app: app.clone(),
        sockets: sockets.clone(),
    };
    let parts = (service, user, admin::api(admin, sockets));
    OpenApiService::new(parts, "Ocrch", env!("CARGO_PKG_VERSION"))
        .webhooks()
        .description(ABOUT)
        .url_prefix(PREFIX)
}

/// The document of the APIs over an application.
pub fn document_of(app: &App) -> String {
    document(&service(app, &Sockets::new(app), &Admin::new(app)))
}

/// The document, as `/openapi.json` serves it and `ocrch openapi` prints it.
pub fn document(api: &Api) -> String {
    // Tools look for the bare media type.
    let text = api.spec().replace("; charset=utf-8\"", "\"");
    let arranged = serde_json::from_str(&text).map(arrange::arranged);
    arranged.map_or(text, |document| format!("{document:#}"))
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
