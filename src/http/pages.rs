//! The pages: files from `assets/`, embedded in the binary and served under strict rules.

use std::borrow::Cow;

use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result, Route, RouteMethod, get};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/checkout"]
struct Checkout;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/docs"]
struct Docs;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/vendor"]
struct Vendor;

/// Everything from our own origin, nothing inline, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A script of the demo, which adds a simulated wallet to the checkout page. Modules run in the order of the
/// document, so it listens before the page speaks.
const DEMO_WALLET: &str = "<script type=\"module\" src=\"demo/wallet.js\"></script>\n</head>";

/// Which checkout page `/checkout` is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckoutPage {
    /// None: the merchant has a page of its own.
    Off,
    On,
    /// With the demo's simulated wallet (`http::demo`).
    Demo,
}

/// Adds `/checkout`, `/docs` and `/vendor` to the server's routes.
pub fn add(route: Route, checkout: CheckoutPage) -> Route {
    let route = route
        .at("/docs", page(|_| Asset::of::<Docs>("index.html")))
        .at("/docs/:file", page(Asset::of::<Docs>))
        .at("/vendor/*file", page(Asset::of::<Vendor>));
    let index = match checkout {
        CheckoutPage::Off => return route,
        CheckoutPage::On => page(|_| Asset::of::<Checkout>("index.html")),
        CheckoutPage::Demo => page(|_| Asset::of::<Checkout>("index.html").map(with_demo_wallet)),
    };
    route
        .at("/checkout", index)
        .at("/checkout/*file", page(Asset::of::<Checkout>))
}

/// A GET and HEAD endpoint for what `find` makes of the path's `file` parameter.
pub(super) fn page(find: fn(&str) -> Option<Asset>) -> RouteMethod {
    get(Page { find }).head(Page { find })
}

/// One file, ready to be served.
pub(super) struct Asset {
    content_type: &'static str,
    content: Cow<'static, [u8]>,
    hash: [u8; 32],
}

impl Asset {
    pub(super) fn of<E: RustEmbed>(name: &str) -> Option<Self> {
        let EmbeddedFile { data, metadata, .. } = E::get(name)?;
        Some(Self {
            content_type: content_type(name),
            content: data,
            hash: metadata.sha256_hash(),
        })
    }

    fn etag(&self) -> String {
        format!("\"{}\"", hex::encode(&self.hash[..16]))
    }
}

fn with_demo_wallet(page: Asset) -> Asset {
    let html = String::from_utf8_lossy(&page.content).replacen("</head>", DEMO_WALLET, 1);
    Asset {
        hash: Sha256::digest(&html).into(),
        content: html.into_bytes().into(),
        ..page
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

struct Page {
    find: fn(&str) -> Option<Asset>,
}

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let file = request.raw_path_param("file").unwrap_or_default();
        let mut response = match (self.find)(file) {
            Some(asset) => serve(&request, asset),
            None => plain(StatusCode::NOT_FOUND, "not found"),
        };
        protect(&mut response);
        Ok(response)
    }
}

fn serve(request: &Request, asset: Asset) -> Response {
    let etag = asset.etag();
    let response = Response::builder()
        .header(header::ETAG, &etag)
        // Kept by browsers, but asked about each time: an upgraded server is seen at once.
        .header(header::CACHE_CONTROL, "no-cache");
    if is_known(request, &etag) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    let response = response.content_type(asset.content_type);
    if request.method() == Method::HEAD {
        let length = asset.content.len().to_string();
        return response.header(header::CONTENT_LENGTH, length).finish();
    }
    match asset.content {
        Cow::Borrowed(bytes) => response.body(bytes),
        Cow::Owned(bytes) => response.body(bytes),
    }
}

/// Whether the client already has this version. `W/` is what a compressing proxy makes of an ETag.
fn is_known(request: &Request, etag: &str) -> bool {
    request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/plain; charset=utf-8")
        .body(text)
}

fn protect(response: &mut Response) {
    let rules = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // A checkout's address holds a signature, which must not travel to an explorer or a shop.
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in rules {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(method: Method, path: &str, known: &str) -> Response {
        let routes = add(Route::new(), CheckoutPage::On);
        let request = Request::builder()
            .method(method)
            .uri_str(path)
            .header(header::IF_NONE_MATCH, known)
            .finish();
        routes.get_response(request).await
    }

    #[tokio::test]
    async fn files_have_their_types_and_rules() {
        for (path, content_type) in [
            ("/checkout", "text/html; charset=utf-8"),
            ("/checkout/main.js", "text/javascript; charset=utf-8"),
            ("/checkout/style.css", "text/css; charset=utf-8"),
            ("/checkout/lang/en.json", "application/json"),
            ("/docs/icon.svg", "image/svg+xml"),
            ("/docs", "text/html; charset=utf-8"),
            (
                "/vendor/swagger-ui/swagger-ui.css",
                "text/css; charset=utf-8",
            ),
            ("/vendor/swagger-ui/LICENSE", "text/plain; charset=utf-8"),
        ] {
            let response = answer(Method::GET, path, "").await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.content_type(), Some(content_type), "{path}");
            assert_eq!(response.header("content-security-policy"), Some(POLICY));
            assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        }
    }

    #[tokio::test]
    async fn a_known_version_is_not_sent_again() {
        let first = answer(Method::GET, "/checkout", "").await;
        let etag = first.header("etag").unwrap();
        for known in [etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
            let again = answer(Method::GET, "/checkout", known).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        let other = answer(Method::GET, "/checkout", "\"x\"").await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn head_tells_the_length_without_the_body() {
        let full = answer(Method::GET, "/checkout", "").await;
        let length = full.into_body().into_bytes().await.unwrap().len();
        let head = answer(Method::HEAD, "/checkout", "").await;
        assert_eq!(head.header("content-length"), Some(&*length.to_string()));
        assert!(head.into_body().into_bytes().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_not_there_is_plainly_not_found() {
        for path in [
            "/checkout/other.js",
            "/checkout/..%2fdocs%2fdocs.js",
            "/vendor/../../Cargo.toml",
            "/vendor/",
        ] {
            let response = answer(Method::GET, path, "").await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(
                response.into_body().into_string().await.unwrap(),
                "not found"
            );
        }
        let post = answer(Method::POST, "/checkout", "").await;
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn only_the_demo_has_a_simulated_wallet() {
        for (checkout, expected) in [(CheckoutPage::On, false), (CheckoutPage::Demo, true)] {
            let routes = add(Route::new(), checkout);
            let request = Request::builder().uri_str("/checkout").finish();
            let response = routes.get_response(request).await;
            let html = response.into_body().into_string().await.unwrap();
            assert_eq!(html.contains("demo/wallet.js"), expected, "{checkout:?}");
        }
        let off = add(Route::new(), CheckoutPage::Off);
        let request = Request::builder().uri_str("/checkout").finish();
        assert_eq!(
            off.get_response(request).await.status(),
            StatusCode::NOT_FOUND
        );
    }
}
