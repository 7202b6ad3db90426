//! HMAC-SHA256 signatures over bodies and URLs, in and out.
//!
//! `Ocrch-Signature: {unix_ts}.{base64}`; a body is signed as `{ts}.{body}`, a URL as `{url}.{ts}`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::clock::UnixSeconds;

/// How far ahead of our clock a signer's clock may be, in seconds.
const MAX_AHEAD: i64 = 60;

/// Either alphabet, padded or not, as protocol.md asks of the server.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What is wrong with a signature; the texts are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("invalid Ocrch-Signature header format")]
    Format,
    #[error("invalid signature encoding")]
    Encoding,
    #[error("signature verification failed")]
    Mismatch,
    #[error("signature expired")]
    Expired,
}

/// A signature header, read but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub timestamp: UnixSeconds,
    pub mac: Vec<u8>,
}

/// The secrets that verify: the present one, and the previous one while it is being changed.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    pub secret: &'a str,
    pub previous: Option<&'a str>,
}

/// Signs a request or webhook body. `padded` is standard base64 with padding, as the wire has it by default.
pub fn sign_body(secret: &str, ts: UnixSeconds, body: &[u8], padded: bool) -> String {
    let mac = mac_of(secret, &[ts.to_string().as_bytes(), b".", body]);
    let bytes = mac.finalize().into_bytes();
    match padded {
        true => format!("{ts}.{}", BASE64_STANDARD.encode(bytes)),
        false => format!("{ts}.{}", BASE64_STANDARD_NO_PAD.encode(bytes)),
    }
}

/// Signs a checkout URL.
pub fn sign_url(secret: &str, ts: UnixSeconds, url: &str) -> String {
    let mac = mac_of(secret, &[url.as_bytes(), b".", ts.to_string().as_bytes()]);
    format!(
        "{ts}.{}",
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    )
}

impl Signature {
    /// Reads `{int}.{base64}`.
    pub fn parse(header: &str) -> Result<Self, SignatureError> {
        let (ts, mac) = header.split_once('.').ok_or(SignatureError::Format)?;
        let plain = !ts.is_empty() && ts.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let timestamp = ts.parse().ok().filter(|_| plain);
        let timestamp = timestamp.ok_or(SignatureError::Format)?;
        let url_safe = mac.bytes().any(|b| b == b'-' || b == b'_');
        let engine = if url_safe { URL_SAFE } else { STANDARD };
        let mac = engine.decode(mac).map_err(|_| SignatureError::Encoding)?;
        Ok(Self { timestamp, mac })
    }

    /// Verifies it over a body, in constant time.
    pub fn verify_body(&self, keys: Keys<'_>, body: &[u8]) -> Result<(), SignatureError> {
        let ts = self.timestamp.to_string();
        self.verify(keys, &[ts.as_bytes(), b".", body])
    }

    /// Verifies it over a URL, in constant time.
    pub fn verify_url(&self, keys: Keys<'_>, url: &str) -> Result<(), SignatureError> {
        let ts = self.timestamp.to_string();
        self.verify(keys, &[url.as_bytes(), b".", ts.as_bytes()])
    }

    fn verify(&self, keys: Keys<'_>, message: &[&[u8]]) -> Result<(), SignatureError> {
        let fits = |secret| mac_of(secret, message).verify_slice(&self.mac).is_ok();
        if fits(keys.secret) || keys.previous.is_some_and(fits) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }

    /// Whether it is of about now: not older than `max_age` seconds, and not from the future.
    pub fn check_age(&self, now: UnixSeconds, max_age: i64) -> Result<(), SignatureError> {
        self.check_not_ahead(now)?;
        if now.saturating_sub(self.timestamp) > max_age {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }

    /// Whether it is not from the future: all that is asked where signatures do not grow old.
    pub fn check_not_ahead(&self, now: UnixSeconds) -> Result<(), SignatureError> {
        if self.timestamp.saturating_sub(now) > MAX_AHEAD {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }
}

/// Verifies a whole header over a body: what a receiver of webhooks does.
pub fn verify_body(
    keys: Keys<'_>,
    header: &str,
    body: &[u8],
    now: UnixSeconds,
    max_age: i64,
) -> Result<Signature, SignatureError> {
    let signature = Signature::parse(header)?;
    signature.verify_body(keys, body)?;
    signature.check_age(now, max_age)?;
    Ok(signature)
}

/// The order that a signed URL is for: the UUID in its `order_id` parameter, or else the last one in any query value or
/// path segment. Only the hyphenated form counts.
pub fn order_in_url(url: &str) -> Option<Uuid> {
    let query = url
        .split('#')
        .next()?
        .split_once('?')
        .map_or("", |(_, query)| query);
    let named = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("order_id="));
    let named = named.and_then(|value| Uuid::try_parse(value).ok());
    named.or_else(|| uuids_in(url).last())
}

/// Whether a signed URL's text names the order.
pub fn url_names_order(url: &str, order: Uuid) -> bool {
    uuids_in(url).any(|found| found == order)
}

fn uuids_in(url: &str) -> impl Iterator<Item = Uuid> {
    // A fragment is the browser's own business and never names an order.
    let url = url.split('#').next().unwrap_or("");
    url.split(['/', '?', '&', '=', ';'])
        .filter(|part| part.len() == 36)
        .filter_map(|part| Uuid::try_parse(part).ok())
}

/// The origin of an http(s) URL: scheme and host in lower case, the port unless it is the default one.
pub fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => "80",
        "https" => "443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let host_and_port = authority.rsplit('@').next().unwrap_or("");
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (host_and_port, ""),
    };
    let sound = |c: char| !c.is_whitespace() && !c.is_control();
    if host.is_empty() || !host.chars().all(sound) || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let host = host.to_ascii_lowercase();
    match port {
        "" => Some(format!("{scheme}://{host}")),
        port if port == default_port => Some(format!("{scheme}://{host}")),
        port => Some(format!("{scheme}://{host}:{port}")),
    }
}

fn mac_of(secret: &str, message: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC takes keys of any length, so this cannot fail.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| unreachable!());
    for part in message {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: Keys<'static> = Keys {
        secret: "merchant-secret-1",
        previous: Some("merchant-secret-0"),
    };

    /// The expected values were made with Node's crypto, as the user's own guide signs.
    #[test]
    fn signs_as_the_guide_does() {
        let url = "https://checkout.example.com/pay?order_id=8f14e45f-ceea-467f-a8d4-b1f5b2a9c0de";
        assert_eq!(sign_url("merchant-secret-1", 1700000000, url), SIGNED_URL);
        let body = br#"{"order_id":"A-1","amount":"19.99"}"#;
        assert_eq!(
            sign_body("merchant-secret-1", 1700000000, body, true),
            SIGNED_BODY
        );
    }
    const SIGNED_URL: &str = "1700000000.6Uduq26h5q1YW15ZRCJ3UDq5RaFOgJ290lQn3j6LbUA=";
    const SIGNED_BODY: &str = "1700000000.1+DbtJJojJOQPKOPNYTTyzcf2xmJSYui3sa8LsSGCqo=";

    #[test]
    fn every_alphabet_and_padding_is_read() {
        let mac = [0xfbu8; 32];
        for text in [
            BASE64_STANDARD.encode(mac),
            BASE64_STANDARD_NO_PAD.encode(mac),
            base64::prelude::BASE64_URL_SAFE.encode(mac),
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(mac),
        ] {
            let read = Signature::parse(&format!("17.{text}")).unwrap();
            assert_eq!((read.timestamp, read.mac.as_slice()), (17, &mac[..]));
        }
    }

    #[test]
    fn a_bad_header_is_told_apart() {
        let check = |header: &str, expected| {
            assert_eq!(Signature::parse(header), Err(expected), "{header:?}");
        };
        check("", SignatureError::Format);
        check("abc", SignatureError::Format);
        check("x.AAAA", SignatureError::Format);
        check(".AAAA", SignatureError::Format);
        check("+5.AAAA", SignatureError::Format);
        check("99999999999999999999.AAAA", SignatureError::Format);
        check("17.*", SignatureError::Encoding);
        check("17.A", SignatureError::Encoding);
    }

    #[test]
    fn both_secrets_verify_and_no_other() {
        let body = b"{}";
        for (secret, expected) in [
            ("merchant-secret-1", Ok(())),
            ("merchant-secret-0", Ok(())),
            ("merchant-secret-2", Err(SignatureError::Mismatch)),
        ] {
            let signature = Signature::parse(&sign_body(secret, 50, body, true)).unwrap();
            assert_eq!(signature.verify_body(KEYS, body), expected);
        }
    }

    #[test]
    fn age_is_bounded_both_ways() {
        let at = |ts| Signature {
            timestamp: ts,
            mac: vec![],
        };
        assert_eq!(at(1000).check_age(1300, 300), Ok(()));
        assert_eq!(at(1000).check_age(1301, 300), Err(SignatureError::Expired));
        assert_eq!(at(1060).check_age(1000, 300), Ok(()));
        assert_eq!(at(1061).check_age(1000, 300), Err(SignatureError::Expired));
        assert_eq!(
            at(i64::MIN).check_age(i64::MAX, 300),
            Err(SignatureError::Expired)
        );
        assert_eq!(
            at(i64::MAX).check_age(i64::MIN, 300),
            Err(SignatureError::Expired)
        );
    }

    #[test]
    fn origins_are_normalised() {
        let check = |url: &str, expected: Option<&str>| {
            assert_eq!(origin_of(url).as_deref(), expected, "{url}");
        };
        check(
            "https://Shop.Example.com/pay?x=1",
            Some("https://shop.example.com"),
        );
        check(
            "https://shop.example.com:443/",
            Some("https://shop.example.com"),
        );
        check(
            "http://shop.example.com:443/",
            Some("http://shop.example.com:443"),
        );
        check("HTTP://127.0.0.1:8080", Some("http://127.0.0.1:8080"));
        check("http://[::1]:8080/x", Some("http://[::1]:8080"));
        check("http://[::1]/x", Some("http://[::1]"));
        check(
            "https://shop.example.com@evil.example/",
            Some("https://evil.example"),
        );
        check(
            "https://shop.example.com\\@evil.example/",
            Some("https://shop.example.com"),
        );
        check("ftp://shop.example.com/", None);
        check("https://", None);
        check("shop.example.com", None);
    }

    #[test]
    fn a_url_names_the_orders_in_its_path_and_query() {
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        for url in [
            format!("https://s.example/pay?order_id={id}"),
            format!("https://s.example/pay?a=b&o={id}&c=d"),
            format!("https://s.example/pay/{id}/now"),
            format!("https://s.example/{other}/pay?order_id={id}&x={other}"),
        ] {
            assert_eq!(order_in_url(&url), Some(id), "{url}");
        }
        for url in [
            format!("https://s.example/pay#{id}"),
            format!("https://s.example/pay?x=1{id}"),
            "https://s.example/pay".to_owned(),
        ] {
            assert_eq!(order_in_url(&url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_message_never_verifies(body in any::<Vec<u8>>(), at in any::<usize>(), ts in 0i64..1 << 40) {
            let signature = Signature::parse(&sign_body("s", ts, &body, true)).unwrap();
            let keys = Keys { secret: "s", previous: None };
            prop_assert_eq!(signature.verify_body(keys, &body), Ok(()));
            let mut changed = body.clone();
            match changed.len() {
                0 => changed.push(0),
                len => changed[at % len] ^= 1,
            }
            prop_assert_eq!(signature.verify_body(keys, &changed), Err(SignatureError::Mismatch));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = Signature::parse(&text);
            let _ = origin_of(&text);
            let _ = order_in_url(&text);
        }
    }
}
