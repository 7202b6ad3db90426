//! The bundled checkout page: its index with what this shop's settings and this order make of it, and its files.

use std::sync::Arc;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response, Result, Route};
use rust_embed::RustEmbed;
use serde::Deserialize;

use super::fallback::Fallback;
use super::link::Link;
use super::template::{escape, fill};
use super::texts::Texts;
use super::{
    Asset, CheckoutPage, heading, language, not_found, overrides, policy, readable, settings,
};
use crate::config::Config;
use crate::domain::registry::{Blockchain, Coin};
use crate::http::body;
use crate::service::App;
use crate::service::payments::{self, PaymentError};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/checkout"]
struct Embedded;

/// A choice is short, in bytes.
const FORM_LIMIT: usize = 4096;
const INDEX: &str = "index.html";
/// The script with which shops open the page on theirs; beside the page, not below it, for a short address.
const EMBEDDING: &str = "ocrch.js";
const EMBEDDING_SOURCE: &str = include_str!("../../../assets/ocrch.js");

/// The place of what is at the head until the script has loaded.
const HEADING: &str = "heading";

/// A script of the demo, which adds a simulated wallet to the checkout page. Modules run in the order of the
/// document, so it listens before the page speaks.
const DEMO_WALLET: &str = "<script type=\"module\" src=\"demo/wallet.js\"></script>\n</head>";

/// Adds `/checkout`, what is below it, and `/ocrch.js`.
pub fn add(route: Route, app: &App, page: CheckoutPage) -> Route {
    let index = Arc::new(Index {
        app: app.clone(),
        page,
    });
    let checkout = readable(index.clone()).post(Choose(index));
    route
        .at("/checkout", checkout)
        .at("/checkout/*file", readable(File { app: app.clone() }))
        .at("/ocrch.js", readable(Embedding { app: app.clone() }))
}

/// A file that comes with the checkout page, for another page that needs it, too.
pub fn bundled(name: &str) -> Option<Asset> {
    Asset::of::<Embedded>(name)
}

/// The page itself; what it shows without JavaScript depends on the order.
struct Index {
    app: App,
    page: CheckoutPage,
}

impl Endpoint for Index {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        Ok(self.show(&request, None).await)
    }
}

impl Index {
    async fn show(&self, request: &Request, refused: Option<PaymentError>) -> Response {
        let config = self.app.config();
        let Some(template) = find(&config, INDEX).await else {
            return refused_page();
        };
        let html = self
            .render(&config, request, &template.content(), refused)
            .await;
        let mut response = Asset::new(INDEX, html.into_bytes()).answer_once(request);
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Accept-Language"));
        // It can show an order: no cache that others use may keep it.
        let private = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, private);
        policy::protect_checkout(&mut response, &config);
        response
    }

    async fn render(
        &self,
        config: &Arc<Config>,
        request: &Request,
        template: &[u8],
        refused: Option<PaymentError>,
    ) -> String {
        let link = Link::of(request);
        let languages = language::offered(config);
        let accept = request.headers().get(header::ACCEPT_LANGUAGE);
        let accept = accept.and_then(|value| value.to_str().ok());
        let lang = language::choose(&languages, link.lang.as_deref(), accept);
        let texts = texts(config, lang).await;
        let fallback = Fallback {
            app: &self.app,
            config,
            texts: &texts,
            link: &link,
            refused,
        };
        let values = [
            ("lang", lang),
            ("dir", texts.direction()),
            ("title", &escape(&config.checkout.title)),
            ("settings", &settings::json(config, self.page, &languages)),
            ("texts", &texts.json()),
            (HEADING, &heading::html(config, &texts)),
            ("fallback", &fallback.html()),
        ];
        // As a place that is filled in once like all others: what a value contains is not looked at.
        let place = format!("{{{{{HEADING}}}}}");
        let template = String::from_utf8_lossy(template).replacen(heading::PLACE, &place, 1);
        match self.page {
            CheckoutPage::Bundled => fill(&template, &values),
            CheckoutPage::Demo => fill(&template.replacen("</head>", DEMO_WALLET, 1), &values),
        }
    }
}

/// The choice of how to pay, made without JavaScript: opens the deposit, then shows the page again.
struct Choose(Arc<Index>);

#[derive(Deserialize)]
struct Choice {
    choice: String,
}

impl Endpoint for Choose {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let app = &self.0.app;
        let link = Link::of(&request);
        let order = match link.order(app) {
            Some(Ok(order)) if app.config().checkout.enabled => order,
            _ => return Ok(self.0.show(&request, None).await),
        };
        let body = match body::read(request.take_body(), FORM_LIMIT).await {
            Ok(body) => body,
            Err(failure) => return Ok(failure.answer()),
        };
        let chosen = serde_urlencoded::from_bytes::<Choice>(&body).unwrap_or(Choice {
            choice: String::new(),
        });
        let (blockchain, coin) = chosen.choice.split_once(' ').unwrap_or_default();
        let opened = payments::choose(app, order, Blockchain::new(blockchain), Coin::new(coin));
        if let Err(error) = opened.await {
            return Ok(self.0.show(&request, Some(error)).await);
        }
        // Relative, so that a server behind a path prefix works too.
        let mut response = Response::builder()
            .status(StatusCode::SEE_OTHER)
            .header(header::LOCATION, format!("checkout?{}", link.query))
            .finish();
        policy::protect(&mut response);
        Ok(response)
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
            return Ok(refused_page());
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
    match config.checkout.enabled {
        true => file(config, name).await,
        false => None,
    }
}

async fn file(config: &Arc<Config>, name: &str) -> Option<Asset> {
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

fn refused_page() -> Response {
    let mut response = not_found();
    policy::protect(&mut response);
    response
}

/// A language's texts over the English ones.
pub async fn texts(config: &Arc<Config>, lang: &str) -> Texts {
    let english = file(config, "lang/en.json").await;
    let own = match lang {
        "en" => None,
        lang => file(config, &format!("lang/{lang}.json")).await,
    };
    let files = [&english, &own];
    Texts::read(files.into_iter().flatten().map(Asset::content))
}
