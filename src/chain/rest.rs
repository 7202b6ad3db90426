//! JSON over plain HTTP, as Tron's nodes and explorers speak it. Each puts its errors elsewhere, and some of them
//! under status 200, so an answer counts only if it has what was asked for.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ProviderError;
use super::http::{HttpClient, Reply, one_line};

/// Words for "later" in TronGrid's, Tronscan's and java-tron's errors.
const LATER: &[&str] = &[
    "frequency limit",
    "rate limit",
    "rate exceeded",
    "exceeded the allowed",
    "suspended",
    "too many requests",
    "lack of computing resources",
];

/// Words for a key that is missing, wrong or worth too little.
const REFUSED: &[&str] = &["api key", "apikey", "api-key", "unauthorized", "forbidden"];

/// Gets a path below the provider's URL.
pub fn get<T: DeserializeOwned>(http: &HttpClient, path: &str) -> Result<T, ProviderError> {
    read(http, &http.get(path)?)
}

/// Posts JSON to a path below the provider's URL.
pub fn post<T: DeserializeOwned>(
    http: &HttpClient,
    path: &str,
    body: &Value,
) -> Result<T, ProviderError> {
    read(http, &http.post_to(path, &body.to_string())?)
}

fn read<T: DeserializeOwned>(http: &HttpClient, reply: &Reply) -> Result<T, ProviderError> {
    if let Some(later) = reply.rate_limited() {
        return Err(later);
    }
    let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
        // TronGrid and the gateways before the others refuse in plain text, too.
        let text = String::from_utf8_lossy(&reply.body);
        return Err(said(http, reply, &text).unwrap_or_else(|| http.refusal(reply)));
    };
    if let Some(error) = error_in(&body) {
        return Err(said(http, reply, &error).unwrap_or_else(|| http.refusal(reply)));
    }
    if reply.status != 200 {
        return Err(http.refusal(reply));
    }
    serde_json::from_value(body).map_err(|error| {
        // The kind of the error only: serde quotes what it found.
        ProviderError::BadAnswer(format!(
            "something else than was asked for ({:?})",
            error.classify()
        ))
    })
}

/// The error that a body holds: `{"success":false,"error":…}` (TronGrid), `{"Error":…}` (java-tron), `{"code":…,"message":…}`.
fn error_in(body: &Value) -> Option<String> {
    // Among many other things, a message would be part of the answer.
    let is_small = body.as_object().is_some_and(|body| body.len() <= 4);
    let message = is_small.then(|| body["message"].as_str()).flatten();
    let text = body["error"].as_str().or(body["Error"].as_str());
    match text.or(message) {
        Some(text) => Some(text.to_owned()),
        None => (body["success"] == false).then(|| "no success".to_owned()),
    }
}

/// What the words of an error mean, where they are known.
fn said(http: &HttpClient, reply: &Reply, text: &str) -> Option<ProviderError> {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let message = one_line(&http.redacted(text));
    if says(LATER) {
        return Some(ProviderError::RateLimited {
            message,
            retry_after: reply.retry_after,
        });
    }
    says(REFUSED).then_some(ProviderError::Refused(message))
}
