//! Signing in to the dashboard, and out again.

use std::net::IpAddr;

use poem::Request;
use poem::http::uri::Authority;
use poem::http::{Method, header};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::answers::ListErrors;
use super::sessions::Sessions;
use super::{Admin, HEADER, NO_SECRET};
use crate::config::Config;
use crate::domain::signature::origin_of;
use crate::http::errors::{Failure, INTERNAL};
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::App;

const COOKIE: &str = "ocrch_admin";
/// A header that pages of other origins cannot send: with it a request is the dashboard's own.
const OWN_PAGE: &str = "Ocrch-Admin-Page";

pub struct SessionApi(pub Admin);

/// Who is signed in, and to what.
#[derive(Object)]
struct Session {
    /// The shop's name.
    name: String,
    /// The server's version.
    version: String,
}

#[derive(ApiResponse)]
enum SignedIn {
    /// The session is in a cookie that scripts cannot read.
    #[oai(status = 201)]
    Opened(Json<Session>, #[oai(header = "Set-Cookie")] String),
}

#[derive(ApiResponse)]
enum SignedOut {
    /// The session is over.
    #[oai(status = 204)]
    Closed(#[oai(header = "Set-Cookie")] String),
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl SessionApi {
    /// Sign in to the dashboard
    ///
    /// For browsers: trades the secret for a cookie, which ends after twelve hours without a request, when signing out, when the
    /// secret changes and when the server restarts. A request that changes something counts by its cookie only with an
    /// `Ocrch-Admin-Page` header, which no other site can send. Programs send the secret with each request instead.
    #[oai(path = "/session", method = "post", operation_id = "adminSignIn")]
    async fn open(&self, request: &Request, _admin: AdminSecret) -> Result<SignedIn, ListErrors> {
        // A session must not breed another one, which would outlive it.
        if !request.headers().contains_key(HEADER) {
            return Err(NO_SECRET.into());
        }
        self.0.enter(request).await?;
        let config = self.0.app.config();
        let now = self.0.app.clock().now();
        let token = self.0.sessions.open(&config.admin.secret_hash, now);
        let token = token.map_err(|error| {
            tracing::error!(%error, "no randomness for a session");
            Failure::clone(&INTERNAL)
        })?;
        let cookie = cookie(&config, request, &token, "");
        Ok(SignedIn::Opened(Json(Session::of(&config)), cookie))
    }

    /// Ask who is signed in
    ///
    /// For the dashboard's start: whether the cookie still counts, and whose shop it is. A page without a session gets 401 and asks
    /// for the secret.
    #[oai(path = "/session", method = "get", operation_id = "adminSession")]
    async fn show(
        &self,
        request: &Request,
        _admin: AdminSecret,
    ) -> Result<Json<Session>, ListErrors> {
        self.0.enter(request).await?;
        Ok(Json(Session::of(&self.0.app.config())))
    }

    /// Sign out
    ///
    /// Ends the session of the cookie, on the server too, and clears the cookie. Without a session it does nothing; it never
    /// fails, so nobody stays signed in by accident.
    #[oai(path = "/session", method = "delete", operation_id = "adminSignOut")]
    async fn close(&self, request: &Request) -> SignedOut {
        if let Some(token) = token(request) {
            self.0.sessions.close(token);
        }
        let cookie = cookie(&self.0.app.config(), request, "", "; Max-Age=0");
        SignedOut::Closed(cookie)
    }
}

impl Session {
    fn of(config: &Config) -> Self {
        Self {
            name: config.merchant.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Whether a request comes from a signed-in dashboard.
pub fn is_signed_in(app: &App, sessions: &Sessions, request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let own = reads || request.headers().contains_key(OWN_PAGE);
    let hash = &app.config().admin.secret_hash;
    own && token(request).is_some_and(|token| sessions.renew(token, hash, app.clock().now()))
}

fn token(request: &Request) -> Option<&str> {
    let cookies = request.headers().get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

fn cookie(config: &Config, request: &Request, token: &str, more: &str) -> String {
    let origin = request.headers().get(header::ORIGIN);
    let origin = origin.and_then(|origin| origin.to_str().ok());
    let secure = match is_secure(&config.server.public_url, origin) {
        true => "; Secure",
        false => "",
    };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")
}

/// Whether the cookie may travel by https only. The server sees plain http behind its proxy, too; `origin` is what the browser
/// itself wrote: where it has the page from. By http from the browser's own machine, as through a tunnel, nothing travels in
/// the open, and Safari would drop a cookie that is `Secure`. Everywhere else the public URL decides.
fn is_secure(public_url: &str, origin: Option<&str>) -> bool {
    let by_https = |url: &str| url.starts_with("https://");
    match origin {
        Some(origin) if by_https(origin) => true,
        Some(origin) if is_own_machine(origin) => false,
        _ => by_https(&origin_of(public_url).unwrap_or_default()),
    }
}

/// Whether an origin is plain http from the machine that the browser runs on.
fn is_own_machine(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").unwrap_or_default();
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let host = authority.host().trim_matches(['[', ']']);
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_secure_except_from_the_browsers_own_machine() {
        let check = |public_url: &str, origin: Option<&str>, expected: bool| {
            let secure = is_secure(public_url, origin);
            assert_eq!(secure, expected, "{public_url} {origin:?}");
        };
        let public = "https://pay.example.com";
        check(public, None, true);
        for elsewhere in [
            "https://pay.example.com",
            "https://127.0.0.1",
            "http://pay.example.com",
            "http://192.168.1.7:8080",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com",
            "http://",
            "null",
            "",
        ] {
            check(public, Some(elsewhere), true);
        }
        for tunnel in [
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "http://LOCALHOST",
            "http://[::1]:8080",
            "http://127.8.8.8",
        ] {
            check(public, Some(tunnel), false);
        }
        check("http://127.0.0.1:8080", None, false);
        check("http://127.0.0.1:8080", Some("https://localhost"), true);
    }
}
