//! The only code that imports poem: requests in, answers out.

mod admin;
mod auth;
mod body;
mod claims;
mod client;
mod cors;
pub mod demo;
mod errors;
mod examples;
mod group;
mod health;
pub mod openapi;
pub mod pages;
mod scheme;
pub mod serve;
mod service_api;
mod types;
mod user_api;
mod webhooks;
mod ws;

use poem::endpoint::BoxEndpoint;
use poem::middleware::CatchPanic;
use poem::{EndpointExt, IntoEndpoint, IntoResponse, Response, Route, get};

use crate::service::App;
use pages::CheckoutPage;
use ws::Sockets;

/// Everything the server answers. `extra` has routes of the caller's own.
pub fn routes(
    app: &App,
    sockets: &Sockets,
    checkout: CheckoutPage,
    extra: Route,
) -> BoxEndpoint<'static> {
    let api = openapi::service(app, sockets);
    let document = openapi::document(&api);
    pages::add(extra, app, checkout)
        .at("/health", get(health::health).data(app.clone()))
        .at("/openapi.json", get(openapi::endpoint(document)))
        .nest(
            openapi::PREFIX,
            cors::cors(api.into_endpoint(), app.clone()),
        )
        .with(CatchPanic::new().with_handler(errors::on_panic))
        .catch_all_error(errors::plain_text)
        .map_to_response()
        .boxed()
}

/// An answer of plain text.
fn text(status: poem::http::StatusCode, text: impl Into<String>) -> Response {
    text.into()
        .with_content_type("text/plain; charset=utf-8")
        .with_status(status)
        .into_response()
}
