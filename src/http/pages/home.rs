//! The page at the server's bare address: for customers whose link lost its end, and for owners who look where it all is.

use poem::http::{HeaderValue, header};
use poem::{Endpoint, Request, Response, Result, Route};
use rust_embed::RustEmbed;

use super::template::{escape, fill};
use super::{Asset, checkout, heading, language, not_found, page, policy, readable};
use crate::service::App;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/home"]
struct Files;

const INDEX: &str = "index.html";

/// Adds `/` and its style sheet.
pub fn add(route: Route, app: &App) -> Route {
    route
        .at("/", readable(Home { app: app.clone() }))
        .at("/home.css", page(|_| Asset::of::<Files>("home.css")))
}

struct Home {
    app: App,
}

impl Endpoint for Home {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let config = self.app.config();
        let Some(template) = Asset::of::<Files>(INDEX) else {
            return Ok(not_found());
        };
        let languages = language::offered(&config);
        let accept = request.headers().get(header::ACCEPT_LANGUAGE);
        let accept = accept.and_then(|value| value.to_str().ok());
        let lang = language::choose(&languages, None, accept);
        let texts = checkout::texts(&config, lang).await;
        let values = [
            ("lang", lang),
            ("dir", texts.direction()),
            ("title", &escape(&config.checkout.title)),
            ("heading", &heading::text(&config, &texts)),
            ("text", &texts.html("problem.incomplete", &[])),
        ];
        let html = fill(&String::from_utf8_lossy(&template.content()), &values);
        let mut response = Asset::new(INDEX, html.into_bytes()).answer_once(&request);
        let vary = HeaderValue::from_static("Accept-Language");
        response.headers_mut().append(header::VARY, vary);
        policy::protect(&mut response);
        Ok(response)
    }
}
