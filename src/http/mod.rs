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
mod headers;
mod health;
mod metrics;
pub mod openapi;
pub mod pages;
mod scheme;
pub mod serve;
mod service_api;
mod types;
mod user_api;
mod webhooks;
mod ws;

use poem::endpoint::{self, BoxEndpoint};
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Response, Route, get};

use crate::service::App;
use admin::Admin;
use pages::CheckoutPage;
use ws::Sockets;

/// Everything the server answers. `extra` has routes of the caller's own.
pub fn routes(
    app: &App,
    sockets: &Sockets,
    checkout: CheckoutPage,
    extra: Route,
) -> BoxEndpoint<'static> {
    let admin = Admin::new(app);
    let api = openapi::service(app, sockets, &admin);
    let document = openapi::document(&api);
    let routes = pages::add(extra, app, checkout)
        .at("/health", get(health::health).data(app.clone()))
        .at("/ready", get(health::ready).data(app.clone()))
        .at("/metrics", get(metrics_for_admin(app, admin.clone())))
        .at("/openapi.json", get(openapi::endpoint(document)))
        .nest(
            openapi::PREFIX,
            cors::cors(api.into_endpoint().data(admin.clone()), app.clone()),
        )
        .with(CatchPanic::new().with_handler(errors::on_panic))
        .catch_all_error(errors::plain_text)
        .map_to_response();
    headers::protected(routes, app).boxed()
}

/// What the server answers at `server.metrics_listen`: to everybody who reaches it.
pub fn metrics_routes(app: &App) -> BoxEndpoint<'static> {
    let exposition = metrics::Exposition::new(app);
    let answer = endpoint::make(move |_| {
        let exposition = exposition.clone();
        async move { exposition.answer().await }
    });
    Route::new()
        .at("/metrics", get(answer))
        .with(CatchPanic::new().with_handler(errors::on_panic))
        .catch_all_error(errors::plain_text)
        .map_to_response()
        .boxed()
}

/// The same on the main address, which shoppers reach, too: for the admin only.
fn metrics_for_admin(app: &App, admin: Admin) -> impl Endpoint + use<> {
    let exposition = metrics::Exposition::new(app);
    endpoint::make(move |request| {
        let (exposition, admin) = (exposition.clone(), admin.clone());
        async move { exposition.answer_to_admin(&admin, request).await }
    })
}

/// An answer of plain text.
fn text(status: poem::http::StatusCode, text: impl Into<String>) -> Response {
    text.into()
        .with_content_type("text/plain; charset=utf-8")
        .with_status(status)
        .into_response()
}
