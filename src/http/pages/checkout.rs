//! The bundled checkout page: its index with what this shop's settings and this order make of it, and its files.

use std::sync::Arc;

use poem::http::{HeaderValue, header};
use poem::{Endpoint, Request, Response, Result, Route};
use rust_embed::RustEmbed;

use super::template::{escape, fill};
use super::{Asset, CheckoutPage, language, not_found, overrides, policy, readable, settings};
use crate::config::Config;
use crate::service::App;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/checkout"]
struct Embedded;

const INDEX: &str = "index.html";
/// The script with which shops open the page on theirs; beside the page, not below it, for a short address.
const EMBEDDING: &str = "ocrch.js";
const EMBEDDING_SOURCE: &str = include_str!("../../../assets/ocrch.js");

/// A script of the demo, which adds a simulated wallet to the checkout page. Modules run in the order of the
/// document, so it listens before the page speaks.
const DEMO_WALLET: &str = "<script type=\"module\" src=\"demo/wallet.js\"></script>\n</head>";

/// Adds `/checkout`, what is below it, and `/ocrch.js`.
pub fn add(route: Route, app: &App, page: CheckoutPage) -> Route {
    let index = Index {
        app: app.clone(),
        page,
    };
    route
        .at("/checkout", readable(index))
        .at("/checkout/*file", readable(File { app: app.clone() }))
        .at("/ocrch.js", readable(Embedding { app: app.clone() }))
}

struct Index {
    app: App,
    page: CheckoutPage,
}

impl Endpoint for Index {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let config = self.app.config();
        let Some(template) = find(&config, INDEX).await else {
            return Ok(refused());
        };
        let html = self.render(&config, &request, template.content());
        let mut response = Asset::new(INDEX, html.into_bytes()).answer_once(&request);
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Accept-Language"));
        // It can show an order: no cache that others use may keep it.
        let private = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, private);
        policy::protect_checkout(&mut response, &config);
        Ok(response)
    }
}

impl Index {
    fn render(&self, config: &Config, request: &Request, template: &[u8]) -> String {
        let languages = language::offered(config);
        let asked = query_value(request, "lang");
        let accept = request.headers().get(header::ACCEPT_LANGUAGE);
        let accept = accept.and_then(|value| value.to_str().ok());
        let lang = language::choose(&languages, asked, accept);
        let values = [
            ("lang", lang),
            ("dir", language::direction(lang)),
            ("title", &escape(&config.checkout.title)),
            ("settings", &settings::json(config, self.page, &languages)),
            ("fallback", ""),
        ];
        let template = String::from_utf8_lossy(template);
        match self.page {
            CheckoutPage::Bundled => fill(&template, &values),
            CheckoutPage::Demo => fill(&template.replacen("</head>", DEMO_WALLET, 1), &values),
        }
    }
}

/// The page's other files.
struct File {
    app: App,
}

impl Endpoint for File {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let name = request.raw_path_param("file").unwrap_or_default();
        // The index is no page without what is filled in.
        let asset = match name {
            INDEX => None,
            name => find(&self.app.config(), name).await,
        };
        let mut response = asset.map_or_else(not_found, |asset| asset.answer(&request));
        policy::protect(&mut response);
        Ok(response)
    }
}

struct Embedding {
    app: App,
}

impl Endpoint for Embedding {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let config = self.app.config();
        if !config.checkout.enabled {
            return Ok(refused());
        }
        let asset = match own_file(&config, EMBEDDING).await {
            Some(content) => Asset::new(EMBEDDING, content),
            None => Asset::new(EMBEDDING, EMBEDDING_SOURCE.into()),
        };
        let mut response = asset.answer(&request);
        policy::protect(&mut response);
        // It is there for other sites, also for those that check its hash or isolate themselves.
        let headers = response.headers_mut();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

const CROSS_ORIGIN_RESOURCE_POLICY: header::HeaderName =
    header::HeaderName::from_static("cross-origin-resource-policy");

/// A file of the page: the shop's own, or the embedded one. None where the page is switched off.
async fn find(config: &Arc<Config>, name: &str) -> Option<Asset> {
    if !config.checkout.enabled {
        return None;
    }
    match own_file(config, name).await {
        Some(content) => Some(Asset::new(name, content)),
        None => Asset::of::<Embedded>(name),
    }
}

/// Read on a thread that may wait.
async fn own_file(config: &Arc<Config>, name: &str) -> Option<Vec<u8>> {
    let dir = config.checkout.override_dir.clone()?;
    let name = name.to_owned();
    let read = tokio::task::spawn_blocking(move || overrides::read(&dir, &name));
    read.await.ok().flatten()
}

fn refused() -> Response {
    let mut response = not_found();
    policy::protect(&mut response);
    response
}

/// The value of a plain query parameter.
fn query_value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut pairs = request.uri().query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
