//! Who may ask: signatures over bodies and URLs, checked in the order that protocol.md gives; the first failure answers.

use poem::Request;
use poem::http::StatusCode;

use super::errors::{Failure, ORDER_NOT_FOUND};
use crate::config::Config;
use crate::domain::order::OrderId;
use crate::domain::signature::{
    Signature, SignatureError, order_in_url, origin_of, url_names_order,
};
use crate::service::App;
use crate::service::app::keys;
use crate::service::orders;

const SIGNATURE: &str = "Ocrch-Signature";
const SIGNED_URL: &str = "Ocrch-Signed-Url";

const NO_SIGNATURE: Failure =
    Failure::new(StatusCode::UNAUTHORIZED, "missing Ocrch-Signature header");
const NO_URL: Failure = Failure::new(StatusCode::BAD_REQUEST, "missing Ocrch-Signed-Url header");
const BAD_URL: Failure = Failure::new(StatusCode::BAD_REQUEST, "invalid Ocrch-Signed-Url header");
const OTHER_ORDER: Failure = Failure::new(StatusCode::FORBIDDEN, "signed url is for another order");
pub const OTHER_ORIGIN: Failure = Failure::new(StatusCode::FORBIDDEN, "origin not allowed");

/// A merchant's backend, by its signature over the body.
pub fn backend(
    app: &App,
    request: &Request,
    body: Result<&[u8], Failure>,
) -> Result<Signature, Failure> {
    let signature = signature(request)?;
    let config = app.config();
    signature.verify_body(keys(&config), body?)?;
    let max_age = config.merchant.signature_max_age.as_secs() as i64;
    signature.check_age(app.clock().now(), max_age)?;
    Ok(signature)
}

/// A shopper's page, by its signed URL; for the order in the path.
pub fn page_for_order(app: &App, request: &Request, path: &str) -> Result<OrderId, Failure> {
    let url = signed_url(app, request)?;
    let order = order_in_path(path)?;
    if !url_names_order(url, order) {
        return Err(OTHER_ORDER);
    }
    Ok(order)
}

/// A shopper's page, by its signed URL; the order that the URL names, if any.
pub fn page(app: &App, request: &Request) -> Result<Option<OrderId>, Failure> {
    signed_url(app, request).map(order_in_url)
}

/// The id of an order in a path.
pub fn order_in_path(path: &str) -> Result<OrderId, Failure> {
    let hyphenated = path.len() == 36;
    OrderId::try_parse(path)
        .ok()
        .filter(|_| hyphenated)
        .ok_or(ORDER_NOT_FOUND)
}

/// Whether pages of an origin may use the User API.
pub fn origin_is_allowed(config: &Config, origin: &str) -> bool {
    config.merchant.allowed_origins.iter().any(|o| o == origin)
        || origin_of(&config.server.public_url).is_some_and(|own| own == origin)
}

/// The order that a URL of our own page is signed for.
pub fn own_page(app: &App, url: &str, signature: &str) -> Result<OrderId, Failure> {
    verify_url(app, url, &Signature::parse(signature)?)?;
    order_in_url(url).ok_or(OTHER_ORDER)
}

/// The URL that a request proves to be signed by the merchant, in time, and for an allowed page.
fn signed_url<'a>(app: &App, request: &'a Request) -> Result<&'a str, Failure> {
    let raw = request.headers().get(SIGNATURE).ok_or(NO_SIGNATURE)?;
    let url = request.headers().get(SIGNED_URL).ok_or(NO_URL)?;
    let signature = Signature::parse(raw.to_str().map_err(|_| SignatureError::Format)?)?;
    // URLs are ASCII; anything else was never signed by `ocrch` or a browser's idea of a URL, but may be by the merchant.
    let url = std::str::from_utf8(url.as_bytes()).map_err(|_| BAD_URL)?;
    verify_url(app, url, &signature)?;
    Ok(url)
}

fn verify_url(app: &App, url: &str, signature: &Signature) -> Result<(), Failure> {
    let config = app.config();
    signature.verify_url(keys(&config), url)?;
    check_url_age(app, &config, signature, url)?;
    let origin = origin_of(url).ok_or(OTHER_ORIGIN)?;
    match origin_is_allowed(&config, &origin) {
        true => Ok(()),
        false => Err(OTHER_ORIGIN),
    }
}

/// On our own origin a signature lives as long as its order, and a day more; elsewhere it grows old.
fn check_url_age(
    app: &App,
    config: &Config,
    signature: &Signature,
    url: &str,
) -> Result<(), Failure> {
    let max_age = config.merchant.checkout_signature_max_age.as_secs() as i64;
    let Err(too_old) = signature.check_age(app.clock().now(), max_age) else {
        return Ok(());
    };
    let own = origin_of(url).is_some_and(|o| origin_of(&config.server.public_url) == Some(o));
    match order_in_url(url).filter(|_| own) {
        Some(order) if !orders::has_outlived(app, order, signature)? => Ok(()),
        _ => Err(too_old.into()),
    }
}

fn signature(request: &Request) -> Result<Signature, Failure> {
    let raw = request.headers().get(SIGNATURE).ok_or(NO_SIGNATURE)?;
    let text = raw.to_str().map_err(|_| SignatureError::Format)?;
    Ok(Signature::parse(text)?)
}
