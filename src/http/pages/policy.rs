//! What browsers may do with our pages.

use poem::Response;
use poem::http::{HeaderValue, header};

use crate::config::Config;
use crate::domain::signature::origin_of;

/// Everything from our own origin, nothing inline, no frames.
pub const STRICT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Puts the strict rules on an answer.
pub fn protect(response: &mut Response) {
    set(response, header::CONTENT_SECURITY_POLICY, STRICT);
    set(response, header::X_FRAME_OPTIONS, "DENY");
    general(response);
}

/// The rules of the checkout page, which shops may show in a frame of theirs.
pub fn protect_checkout(response: &mut Response, config: &Config) {
    set(
        response,
        header::CONTENT_SECURITY_POLICY,
        &for_checkout(config),
    );
    general(response);
}

fn general(response: &mut Response) {
    set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // A checkout's address holds a signature, which must not travel to an explorer or a shop.
    set(response, header::REFERRER_POLICY, "no-referrer");
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    // Origins in the configuration are checked to be plain ASCII, so no rule is ever lost here.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Beyond the strict rules: the logo's origin for images, WebSockets (which older browsers do not count to
/// 'self'), the form that works without JavaScript, and the shop's pages around it.
fn for_checkout(config: &Config) -> String {
    let logo = config.checkout.logo_url.as_deref().and_then(origin_of);
    let logo = logo.map_or_else(String::new, |origin| format!(" {origin}"));
    let own = origin_of(&config.server.public_url).unwrap_or_default();
    let sockets = own.replacen("http", "ws", 1);
    let frames: String = config
        .merchant
        .allowed_origins
        .iter()
        .map(|origin| format!(" {origin}"))
        .collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {sockets}; \
         img-src 'self' data:{logo}; form-action 'self'; base-uri 'none'; frame-ancestors 'self'{frames}"
    )
}
