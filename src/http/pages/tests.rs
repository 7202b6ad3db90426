//! The pages over a real application.

use poem::http::Method;
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::config;

const TEMPLATE: &str = "<html lang=\"{{lang}}\" dir=\"{{dir}}\"><head><title>{{title}}</title></head>\
     <script type=\"application/json\" id=\"settings\">{{settings}}</script></html>";

struct Site {
    dir: TempDir,
    routes: Route,
}

impl Site {
    fn new(page: CheckoutPage, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("own/lang")).unwrap();
        let text = format!(
            "[admin]\nsecret = \"$argon2id$v=19$m=64,t=1,p=1$Aejd5Fhz5RbtrNzHo43lXg$Nz8Vfhoz5FVGkhjYAgmPYvTdFBlPOW19GiZX8iyfLVQ\"\n\
             [merchant]\nname = \"A & B\"\nsecret = \"0123456789abcdef\"\nallowed_origins = [\"https://shop.example.com\"]\n{more}"
        );
        let config = config::parse(&text, "test", dir.path()).unwrap().config;
        let app = App::open(config, Clock::system()).unwrap();
        let routes = add(Route::new(), &app, page);
        Self { dir, routes }
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.dir.path().join("own").join(name), content).unwrap();
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri_str(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.routes.get_response(request.finish()).await
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path, &[]).await
    }

    async fn text(&self, path: &str) -> String {
        self.get(path)
            .await
            .into_body()
            .into_string()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn files_have_their_types_and_rules() {
    let site = Site::new(CheckoutPage::Bundled, "");
    for (path, content_type) in [
        ("/checkout/main.js", "text/javascript; charset=utf-8"),
        ("/checkout/style.css", "text/css; charset=utf-8"),
        ("/checkout/lang/en.json", "application/json"),
        ("/docs/icon.svg", "image/svg+xml"),
        ("/ocrch.js", "text/javascript; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        (
            "/vendor/swagger-ui/swagger-ui.css",
            "text/css; charset=utf-8",
        ),
        ("/vendor/swagger-ui/LICENSE", "text/plain; charset=utf-8"),
    ] {
        let response = site.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.content_type(), Some(content_type), "{path}");
        let csp = response.header("content-security-policy");
        assert_eq!(csp, Some(policy::STRICT));
        assert_eq!(response.header("x-frame-options"), Some("DENY"));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("cache-control"), Some("no-cache"));
    }
}

#[tokio::test]
async fn only_the_checkout_page_can_be_framed_and_only_by_shops() {
    let logo = "[checkout]\nlogo_url = \"https://cdn.example.com/a/logo.svg?x='y'\"";
    let site = Site::new(CheckoutPage::Bundled, logo);
    let response = site.get("/checkout").await;
    assert_eq!(response.content_type(), Some("text/html; charset=utf-8"));
    assert_eq!(
        response.header("content-security-policy"),
        Some(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://127.0.0.1:8080; \
             img-src 'self' data: https://cdn.example.com; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'self' https://shop.example.com"
        )
    );
    assert_eq!(response.header("x-frame-options"), None);
    assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(response.header("cache-control"), Some("private, no-cache"));
    let varies: Vec<_> = response.headers().get_all("vary").iter().collect();
    assert_eq!(varies, ["Accept-Encoding", "Accept-Language"]);
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let site = Site::new(CheckoutPage::Bundled, "");
    for path in ["/checkout", "/checkout/style.css"] {
        let first = site.get(path).await;
        let etag = first.header("etag").unwrap();
        for known in [etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
            let again = site
                .ask(Method::GET, path, &[("if-none-match", known)])
                .await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert!(again.header("vary").is_some() && again.header("cache-control").is_some());
        }
        let other = site
            .ask(Method::GET, path, &[("if-none-match", "\"x\"")])
            .await;
        assert_eq!(other.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn texts_are_compressed_for_who_can_read_it() {
    let site = Site::new(CheckoutPage::Bundled, "");
    // One is made for the request, the next is compressed once and kept, the last is compressed in the binary.
    let kept = "/checkout/style.css";
    for path in ["/checkout", kept, kept, "/vendor/swagger-ui/swagger-ui.css"] {
        let plain = site.get(path).await;
        assert_eq!(plain.header("content-encoding"), None);
        let compressed = site
            .ask(Method::GET, path, &[("accept-encoding", "gzip, br")])
            .await;
        assert_eq!(compressed.header("content-encoding"), Some("gzip"));
        assert_ne!(compressed.header("etag"), plain.header("etag"));
        let etag = compressed.header("etag").unwrap().to_owned();
        let (plain, compressed) = (plain.into_body(), compressed.into_body());
        let plain = plain.into_vec().await.unwrap();
        let compressed = compressed.into_vec().await.unwrap();
        assert!(compressed.len() < plain.len() * 2 / 3);
        let mut unpacked = Vec::new();
        let mut decoder = flate2::write::GzDecoder::new(&mut unpacked);
        std::io::Write::write_all(&mut decoder, &compressed).unwrap();
        decoder.finish().unwrap();
        assert!(unpacked == plain && !plain.is_empty());
        let known = [("accept-encoding", "gzip"), ("if-none-match", &*etag)];
        let again = site.ask(Method::GET, path, &known).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.header("etag"), Some(&*etag));
    }
}

#[tokio::test]
async fn head_tells_the_length_without_the_body() {
    let site = Site::new(CheckoutPage::Bundled, "");
    for path in ["/checkout", "/checkout/main.js"] {
        for accept in ["gzip", "identity"] {
            let accept = [("accept-encoding", accept)];
            let full = site.ask(Method::GET, path, &accept).await;
            let length = full.into_body().into_vec().await.unwrap().len();
            let head = site.ask(Method::HEAD, path, &accept).await;
            assert_eq!(head.header("content-length"), Some(&*length.to_string()));
            assert!(head.into_body().into_vec().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_plainly_not_found() {
    let site = Site::new(CheckoutPage::Bundled, "");
    for path in [
        "/checkout/other.js",
        "/checkout/",
        "/checkout/index.html",
        "/checkout/..%2fdocs%2fdocs.js",
        "/checkout/lang/..%2f..%2findex.html",
        "/vendor/../../Cargo.toml",
        "/vendor/",
    ] {
        assert_eq!(
            site.get(path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(site.text(path).await, "not found");
    }
    let delete = site.ask(Method::DELETE, "/checkout", &[]).await;
    assert_eq!(delete.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_page_is_there_only_where_it_is_switched_on() {
    let site = Site::new(CheckoutPage::Bundled, "[checkout]\nenabled = false");
    for path in ["/checkout", "/checkout/main.js", "/ocrch.js"] {
        assert_eq!(
            site.get(path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(site.get("/docs").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn only_the_demo_has_a_simulated_wallet() {
    for (page, expected) in [(CheckoutPage::Bundled, false), (CheckoutPage::Demo, true)] {
        let html = Site::new(page, "").text("/checkout").await;
        assert_eq!(html.contains("demo/wallet.js"), expected, "{page:?}");
    }
}

#[tokio::test]
async fn the_embedding_script_is_for_other_sites() {
    let site = Site::new(CheckoutPage::Bundled, "[checkout]\noverride_dir = \"own\"");
    let response = site.get("/ocrch.js").await;
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        response.header("cross-origin-resource-policy"),
        Some("cross-origin")
    );
    site.write("ocrch.js", "// ours");
    assert_eq!(site.text("/ocrch.js").await, "// ours");
}

#[tokio::test]
async fn a_shops_own_files_take_the_place_of_the_embedded_ones() {
    let site = Site::new(
        CheckoutPage::Bundled,
        "[checkout]\noverride_dir = \"own\"\ntitle = \"</script>\"\naccent = \"#0a7\"\n\
         [[wallets]]\nblockchain = \"polygon\"\naddress = \"0xdAC17F958D2ee523a2206206994597C13D831ec7\"\nenabled_coins = [\"USDC\"]",
    );
    site.write("style.css", "body {}");
    site.write("lang/gsw.json", "{}");
    site.write("index.html", TEMPLATE);
    assert_eq!(site.text("/checkout/style.css").await, "body {}");
    assert_eq!(site.text("/checkout/lang/gsw.json").await, "{}");
    assert!(site.text("/checkout/main.js").await.contains("checkout"));
    let swiss = [("accept-language", "gsw-CH, en;q=0.1")];
    let response = site.ask(Method::GET, "/checkout", &swiss).await;
    let html = response.into_body().into_string().await.unwrap();
    assert!(
        html.starts_with("<html lang=\"gsw\" dir=\"ltr\"><head><title>&lt;/script&gt;</title>"),
        "{html}"
    );
    let json = html.split("id=\"settings\">").nth(1).unwrap();
    let json = json
        .strip_suffix("</script></html>")
        .expect("no other end of a script");
    let settings: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(settings["name"], "A & B");
    assert_eq!(settings["title"], "</script>");
    assert_eq!(settings["accent"], "#0a7");
    assert_eq!(settings["languages"][0], "en");
    assert_eq!(settings["demo"], false);
    let polygon = &settings["chains"]["polygon"];
    assert_eq!(polygon["chain_id"], 137);
    assert_eq!(polygon["typical_seconds"], 256);
    assert_eq!(polygon["native"]["symbol"], "POL");
    assert_eq!(polygon["rpc_url"], "https://polygon-bor-rpc.publicnode.com");
    assert_eq!(settings["chains"].as_object().unwrap().len(), 1);
    // What changes is seen at once.
    site.write("style.css", "p {}");
    assert_eq!(site.text("/checkout/style.css").await, "p {}");
}
