//! Signatures as the protocol describes them, written a second time.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The forms of base64 that a signature may arrive in.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Standard,
    StandardUnpadded,
    UrlSafe,
    UrlSafeUnpadded,
}

impl Form {
    pub const ALL: [Self; 4] = [
        Self::Standard,
        Self::StandardUnpadded,
        Self::UrlSafe,
        Self::UrlSafeUnpadded,
    ];

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Standard => STANDARD.encode(bytes),
            Self::StandardUnpadded => STANDARD_NO_PAD.encode(bytes),
            Self::UrlSafe => URL_SAFE.encode(bytes),
            Self::UrlSafeUnpadded => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs() as i64
}

fn mac(secret: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length of key");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// `{ts}.{base64}` over `{ts}.{body}`: Service API and webhooks.
pub fn body(secret: &str, ts: i64, body: &[u8]) -> String {
    body_in(Form::Standard, secret, ts, body)
}

pub fn body_in(form: Form, secret: &str, ts: i64, body: &[u8]) -> String {
    let message = [format!("{ts}.").as_bytes(), body].concat();
    format!("{ts}.{}", form.encode(&mac(secret, &message)))
}

/// `{ts}.{base64}` over `{url}.{ts}`: User API.
pub fn url(secret: &str, ts: i64, url: &str) -> String {
    url_in(Form::Standard, secret, ts, url)
}

pub fn url_in(form: Form, secret: &str, ts: i64, url: &str) -> String {
    format!(
        "{ts}.{}",
        form.encode(&mac(secret, format!("{url}.{ts}").as_bytes()))
    )
}
