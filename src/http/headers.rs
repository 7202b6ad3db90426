//! Rules for browsers on every answer that has none of its own. What hyper refuses by itself, since no request can be made of
//! it, is answered without any, and without a body that a browser could show.

use poem::http::{HeaderName, HeaderValue, header};
use poem::{Endpoint, EndpointExt, Response};

use crate::config::Config;
use crate::service::App;

/// Half a year: long enough to protect, short enough to move a shop away from https, should it have to be.
const STRICT_TRANSPORT: &str = "max-age=15552000";

/// Adds what is missing: answers are what they say they are, appear in no frame, load nothing, tell other sites nothing, and
/// lie in nobody's cache. Pages bring looser rules with them.
pub fn protected<R: Endpoint<Output = Response> + 'static>(
    routes: R,
    app: &App,
) -> impl Endpoint<Output = Response> + use<R> {
    let app = app.clone();
    routes.after(move |answered| {
        let config = app.config();
        async move {
            let mut response = answered?;
            protect(&mut response, &config);
            Ok(response)
        }
    })
}

/// Adds what one answer lacks.
pub fn protect(response: &mut Response, config: &Config) {
    add(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(response, header::REFERRER_POLICY, "no-referrer");
    add(response, header::CACHE_CONTROL, "no-cache, private");
    // A page says itself who may frame it.
    if !response
        .headers()
        .contains_key(header::CONTENT_SECURITY_POLICY)
    {
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        add(response, header::CONTENT_SECURITY_POLICY, nothing);
        add(response, header::X_FRAME_OPTIONS, "DENY");
    }
    if is_https_alone(&config.server.public_url) {
        add(
            response,
            header::STRICT_TRANSPORT_SECURITY,
            STRICT_TRANSPORT,
        );
    }
}

/// The header is about all ports of a host: it is only sent where https is at its usual one.
fn is_https_alone(public_url: &str) -> bool {
    let host = public_url
        .strip_prefix("https://")
        .and_then(|rest| rest.split('/').next());
    // The colons of an IPv6 address are in brackets.
    host.is_some_and(|host| !host.rsplit(']').next().unwrap_or(host).contains(':'))
}

fn add(response: &mut Response, name: HeaderName, value: &'static str) {
    let headers = response.headers_mut();
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_demanded_only_where_it_is_at_its_usual_port() {
        for (url, expected) in [
            ("https://pay.example.com", true),
            ("https://pay.example.com/shop", true),
            ("https://[2001:db8::1]", true),
            ("https://pay.example.com:8443", false),
            ("https://[2001:db8::1]:8443/shop", false),
            ("http://pay.example.com", false),
        ] {
            assert_eq!(is_https_alone(url), expected, "{url}");
        }
    }
}
