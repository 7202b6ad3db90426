//! The pages: files from `assets/`, embedded in the binary and served under strict rules.

mod asset;
mod checkout;
mod encoding;
mod fallback;
mod heading;
mod home;
mod language;
mod link;
mod overrides;
mod policy;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod texts;

use poem::http::StatusCode;
use poem::{Endpoint, EndpointExt, Request, Response, Result, Route, RouteMethod, get};
use rust_embed::RustEmbed;

pub(super) use asset::Asset;

use crate::service::App;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/admin"]
struct Admin;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/docs"]
struct Docs;

/// Compressed by the build script.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/vendor"]
struct Vendor;

/// Which checkout page `/checkout` is, where it is switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckoutPage {
    /// The bundled one.
    Bundled,
    /// The same, with the demo's simulated wallet (`http::demo`).
    Demo,
}

/// Adds `/checkout`, `/ocrch.js`, `/admin`, `/docs`, `/vendor` and, where it is no demo with a shop there, `/` to the server's
/// routes.
pub fn add(route: Route, app: &App, page_kind: CheckoutPage) -> Route {
    let route = route
        .at("/admin", page(|_| Asset::of::<Admin>("index.html")))
        .at(
            "/admin/uqr.js",
            page(|_| checkout::bundled("vendor/uqr.js")),
        )
        .at("/admin/*file", page(Asset::of::<Admin>))
        .at("/docs", page(|_| Asset::of::<Docs>("index.html")))
        .at("/docs/:file", page(Asset::of::<Docs>))
        .at("/vendor/*file", page(Asset::of_compressed::<Vendor>));
    let route = match page_kind {
        CheckoutPage::Bundled => home::add(route, app),
        CheckoutPage::Demo => route,
    };
    checkout::add(route, app, page_kind)
}

/// A GET and HEAD endpoint for what `find` makes of the path's `file` parameter.
pub(super) fn page(find: fn(&str) -> Option<Asset>) -> RouteMethod {
    readable(Page { find })
}

fn readable(endpoint: impl Endpoint<Output = Response> + 'static) -> RouteMethod {
    let endpoint = std::sync::Arc::new(endpoint.boxed());
    get(endpoint.clone()).head(endpoint)
}

struct Page {
    find: fn(&str) -> Option<Asset>,
}

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let file = request.raw_path_param("file").unwrap_or_default();
        let mut response = match (self.find)(file) {
            Some(asset) => asset.answer(&request),
            None => not_found(),
        };
        policy::protect(&mut response);
        Ok(response)
    }
}

fn not_found() -> Response {
    Response::builder()
        .status(StatusCode::NOT_FOUND)
        .content_type("text/plain; charset=utf-8")
        .body("not found")
}
