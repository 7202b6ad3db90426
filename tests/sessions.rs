//! Sessions of the dashboard: what a cookie is good for, and when it ends.

use crate::support::admin::{Admin, SECRET};
use crate::support::config::Config;
use crate::support::http::{Reply, send};
use crate::support::server::Server;

const OWN_PAGE: (&str, &str) = ("ocrch-admin-page", "1");

/// A signed-in browser.
struct Browser {
    base: String,
    cookie: String,
}

impl Browser {
    fn sign_in(server: &Server) -> Self {
        let admin = Admin::of(&server.base());
        let secret = ("ocrch-admin-authorization", SECRET);
        let reply = send("POST", &admin.url("/session"), &[secret], b"").expect(201);
        let set = reply.header("set-cookie").expect("a cookie").to_owned();
        for rule in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(set.split("; ").any(|part| part == rule), "{set}");
        }
        let cookie = set.split(';').next().unwrap_or_default().to_owned();
        let base = server.base();
        Self { base, cookie }
    }

    fn ask(&self, method: &str, path: &str, more: &[(&str, &str)]) -> Reply {
        let mut headers = vec![("cookie", self.cookie.as_str())];
        headers.extend_from_slice(more);
        send(method, &Admin::of(&self.base).url(path), &headers, b"")
    }

    fn expect_out(&self) {
        self.ask("GET", "/wallets", &[OWN_PAGE])
            .expect_error(401, "missing Ocrch-Admin-Authorization header");
    }
}

#[test]
fn a_cookie_reads_and_only_our_own_page_changes() {
    let server = Server::start(&Config::new());
    let browser = Browser::sign_in(&server);
    browser.ask("GET", "/session", &[]).expect(200);
    browser.ask("GET", "/wallets", &[]).expect(200);
    let deed = "/orders/01a205c5-3247-713b-90df-95f698ceacfd/mark-paid";
    // What a form or a script of another site could send at most.
    for forged in [
        vec![],
        vec![
            ("content-type", "text/plain"),
            ("origin", "https://evil.example"),
        ],
        vec![("content-type", "application/x-www-form-urlencoded")],
    ] {
        browser
            .ask("POST", deed, &forged)
            .expect_error(401, "missing Ocrch-Admin-Authorization header");
    }
    browser
        .ask("POST", deed, &[OWN_PAGE])
        .expect_error(404, "resource not found");
    // A preflight for that header gets no permission.
    let preflight = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "ocrch-admin-page"),
    ];
    let reply = browser.ask("OPTIONS", deed, &preflight);
    assert_eq!(
        reply.header("access-control-allow-origin"),
        None,
        "{reply:?}"
    );
}

#[test]
fn a_session_ends_by_signing_out_and_with_the_server() {
    let mut server = Server::start(&Config::new());
    let browser = Browser::sign_in(&server);
    let other = Browser::sign_in(&server);
    let reply = browser.ask("DELETE", "/session", &[OWN_PAGE]).expect(204);
    assert!(
        reply
            .header("set-cookie")
            .is_some_and(|c| c.contains("Max-Age=0"))
    );
    browser.expect_out();
    other.ask("GET", "/wallets", &[]).expect(200);
    // A session opens no other one: it would outlive it.
    other
        .ask("POST", "/session", &[OWN_PAGE])
        .expect_error(401, "missing Ocrch-Admin-Authorization header");
    assert!(server.stop().success());
    server.launch();
    let other = Browser {
        base: server.base(),
        ..other
    };
    other.expect_out();
}

#[test]
fn a_session_ends_when_the_secret_changes() {
    let mut config = Config::new();
    let server = Server::start(&config);
    let browser = Browser::sign_in(&server);
    config.set_text("admin", "secret", "quite another secret");
    server.configure(&config);
    server.reload();
    browser.expect_out();
}

/// Safari drops a `Secure` cookie that came by plain http, even from its own machine, as through a tunnel.
#[test]
fn a_tunnel_gets_a_cookie_that_every_browser_keeps() {
    let mut config = Config::new();
    config.set_text("server", "public_url", "https://pay.example.com");
    let server = Server::start(&config);
    let admin = Admin::of(&server.base());
    let is_secure = |method: &str, origin: Option<&str>| {
        let mut headers = vec![("ocrch-admin-authorization", SECRET), OWN_PAGE];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let reply = send(method, &admin.url("/session"), &headers, b"");
        let set = reply.header("set-cookie").expect("a cookie").to_owned();
        set.split("; ").any(|part| part == "Secure")
    };
    for method in ["POST", "DELETE"] {
        assert!(!is_secure(method, Some("http://127.0.0.1:8080")));
        assert!(is_secure(method, Some("https://pay.example.com")));
        assert!(is_secure(method, Some("http://10.0.0.7:8080")));
        assert!(is_secure(method, None));
    }
}

#[test]
fn nobody_can_frame_the_dashboard() {
    let server = Server::start(&Config::new());
    let page = send("GET", &format!("{}/admin", server.base()), &[], b"").expect(200);
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let policy = page.header("content-security-policy").unwrap_or_default();
    for rule in [
        "frame-ancestors 'none'",
        "script-src 'self'",
        "default-src 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}
