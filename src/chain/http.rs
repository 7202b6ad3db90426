//! One request to one provider, over HTTP, bounded in time and in size.
//!
//! What comes back is a status and a body, whatever the status: providers put their reasons into bodies.
//! Messages made here carry no URL, and [`HttpClient::redacted`] takes the secrets out of what a provider says.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::http::{Response, Uri};
use ureq::{Agent, Body, RequestBuilder};

use super::budget::Budget;
use super::daily::Daily;
use super::meter::Meter;
use super::retry_after::retry_after;
use super::{ProviderError, kind_name};
use crate::config::{ProviderConfig, Secret};

/// Answers above this are cut off: a block range with more logs than fit is asked again in halves.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// TronGrid suspends a key for this long, and says so only in the text of its 403.
const TRONGRID_PENALTY: Duration = Duration::from_secs(30);

/// Characters of a provider's message that are kept.
const MESSAGE_LIMIT: usize = 200;

/// How long a provider may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until connected, TLS included.
    pub connect: Duration,
    /// From the first byte sent to the last byte read.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
        }
    }
}

/// The connection to one provider.
#[derive(Clone)]
pub struct HttpClient {
    agent: Agent,
    url: String,
    /// A header's name and its text.
    key: Option<(&'static str, Secret)>,
    budget: Option<Arc<Budget>>,
    meter: Arc<Meter>,
    label: String,
    /// Parts of the URL and the key: never part of a message.
    secrets: Vec<String>,
}

/// How a provider wants to be told a key.
#[derive(Clone, Copy, Debug)]
pub enum KeyHeader {
    /// `Authorization: Bearer …`
    Bearer,
    /// A header of its own.
    Named(&'static str),
    /// In none: whoever asks puts it into the query.
    No,
}

impl KeyHeader {
    fn with(self, key: &Secret) -> Option<(&'static str, Secret)> {
        match self {
            Self::Bearer => {
                let bearer = Secret::new(format!("Bearer {}", key.expose()));
                Some(("authorization", bearer))
            }
            Self::Named(name) => Some((name, key.clone())),
            Self::No => None,
        }
    }
}

/// What a provider answered, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// Why there is no [`Reply`].
#[derive(Debug)]
pub enum NoReply {
    /// Not within [`Timeouts::total`]: down, or asked for too much.
    Timeout,
    /// The answer is longer than 16 MiB.
    TooLong,
    Failed(ProviderError),
}

impl From<NoReply> for ProviderError {
    fn from(no_reply: NoReply) -> Self {
        match no_reply {
            NoReply::Timeout => Self::Unreachable("no answer in time".into()),
            NoReply::TooLong => Self::BadAnswer("the answer is longer than 16 MiB".into()),
            NoReply::Failed(error) => error,
        }
    }
}

impl HttpClient {
    /// The entry's key goes into a header with every request; `max_per_second` makes requests wait for their turn.
    pub fn new(entry: &ProviderConfig, header: KeyHeader, timeouts: Timeouts) -> Self {
        let key = entry.api_key.as_ref();
        let mut secrets = secrets_in(&entry.url);
        secrets.extend(key.map(|key| key.expose().to_owned()));
        secrets.retain(|secret| secret.len() >= 4);
        // The longest first: a part would leave the rest of the whole behind.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self {
            agent: agent(timeouts),
            url: entry.url.clone(),
            key: key.and_then(|key| header.with(key)),
            budget: budget(entry),
            meter: Arc::new(Meter::new(daily(entry))),
            label: format!("{} {}", kind_name(entry.kind), host_of(&entry.url)),
            secrets,
        }
    }

    /// The kind and the host.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Counts the requests, also those that [`HttpClient::at`] another URL.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The provider's URL, as it was configured.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same provider at another URL of its host, with the same key and out of the same budget.
    pub fn at(&self, url: String) -> Self {
        Self {
            url,
            ..self.clone()
        }
    }

    /// Posts JSON to the provider's URL.
    pub fn post_json(&self, body: &str) -> Result<Reply, NoReply> {
        self.post_to("", body)
    }

    /// Posts JSON to the provider's URL with a path appended.
    pub fn post_to(&self, path: &str, body: &str) -> Result<Reply, NoReply> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json");
        self.exchange(request, |request| request.send(body))
    }

    /// Gets the provider's URL with a path or query appended.
    pub fn get(&self, path: &str) -> Result<Reply, NoReply> {
        let request = self.agent.get(format!("{}{path}", self.url));
        self.exchange(request, RequestBuilder::call)
    }

    /// Waits for the turn, sends the request with the key, and reads the answer to its end.
    fn exchange<B>(
        &self,
        mut request: RequestBuilder<B>,
        send: impl FnOnce(RequestBuilder<B>) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Reply, NoReply> {
        if let Some(budget) = &self.budget {
            budget.wait();
        }
        self.meter.note_request();
        if let Some((name, key)) = &self.key {
            request = request.header(*name, key.expose());
        }
        let mut response = send(request).map_err(no_reply)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(BODY_LIMIT)
            .read_to_vec()
            .map_err(no_reply)?;
        Ok(Reply {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers(), SystemTime::now()),
            body,
        })
    }

    /// A text from outside, with what identifies the customer taken out.
    pub fn redacted(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }

    /// Why a reply is none, judged by its status alone and the words that providers are known for.
    /// For replies in which no answer was found.
    pub fn refusal(&self, reply: &Reply) -> ProviderError {
        let text = String::from_utf8_lossy(&reply.body);
        let html = text.trim_start().starts_with('<');
        let said = if html { "an HTML page" } else { text.trim() };
        let message = one_line(&format!("HTTP {}: {}", reply.status, self.redacted(said)));
        match reply.status {
            401..=403 => ProviderError::Refused(message),
            _ => ProviderError::BadAnswer(message),
        }
    }
}

impl Reply {
    /// A status or a text that says "later" counts, whatever else the reply holds.
    pub fn rate_limited(&self) -> Option<ProviderError> {
        if self.status == 429 || (self.status == 503 && self.retry_after.is_some()) {
            return Some(ProviderError::RateLimited {
                message: format!("HTTP {}", self.status),
                retry_after: self.retry_after,
            });
        }
        let text = String::from_utf8_lossy(&self.body);
        (self.status == 403 && text.contains("exceeds the frequency limit")).then(|| {
            ProviderError::RateLimited {
                message: "HTTP 403: the key exceeds the frequency limit".into(),
                retry_after: Some(self.retry_after.unwrap_or(TRONGRID_PENALTY)),
            }
        })
    }
}

/// A message: one line of printable text, at most 200 characters.
pub fn one_line(text: &str) -> String {
    line_of(text, MESSAGE_LIMIT)
}

/// One line of printable text, at most `limit` characters.
pub fn line_of(text: &str, limit: usize) -> String {
    let printable: String = text
        .chars()
        // What is beyond this is cut off anyway; a page of megabytes need not be walked.
        .take(4 * limit)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return line;
    }
    line.chars().take(limit - 1).chain(['…']).collect()
}

/// What a host counts by key is shared by all that use the key; without one, an entry has its own budget.
fn budget(entry: &ProviderConfig) -> Option<Arc<Budget>> {
    let per_second = entry.max_per_second?;
    match &entry.api_key {
        Some(key) => Budget::of_key(&host_of(&entry.url), key.expose(), per_second),
        None => Budget::new(per_second).map(Arc::new),
    }
}

/// Without a key a host counts by address, so that all chains count together, too.
fn daily(entry: &ProviderConfig) -> Option<Arc<Daily>> {
    let key = entry.api_key.as_ref().map_or("", |key| key.expose());
    let limit = entry.max_per_day.filter(|limit| *limit > 0)?;
    Some(Daily::of_key(&host_of(&entry.url), key, limit))
}

fn agent(timeouts: Timeouts) -> Agent {
    Agent::config_builder()
        .timeout_connect(Some(timeouts.connect))
        .timeout_global(Some(timeouts.total))
        .http_status_as_error(false)
        // A redirect would carry the key to whoever the provider names.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("ocrch/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

fn no_reply(error: ureq::Error) -> NoReply {
    let unreachable = |text: &str| NoReply::Failed(ProviderError::Unreachable(text.to_owned()));
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            unreachable("no connection in time")
        }
        ureq::Error::Timeout(_) => NoReply::Timeout,
        ureq::Error::BodyExceedsLimit(_) => NoReply::TooLong,
        ureq::Error::HostNotFound => unreachable("host not found"),
        // The kind only: the text of some errors quotes the URL.
        ureq::Error::Io(error)
            if error.kind() == std::io::ErrorKind::Other
                || error.to_string().contains("lookup") =>
        {
            unreachable("its name cannot be resolved")
        }
        // So rustls says what it has against a certificate.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            unreachable(&one_line(&format!("TLS: {error}")))
        }
        ureq::Error::Io(error) => unreachable(&error.kind().to_string()),
        ureq::Error::Rustls(error) => unreachable(&one_line(&format!("TLS: {error}"))),
        ureq::Error::Tls(text) => unreachable(&one_line(&format!("TLS: {text}"))),
        ureq::Error::Protocol(error) => NoReply::Failed(ProviderError::BadAnswer(one_line(
            &format!("broken HTTP: {error}"),
        ))),
        ureq::Error::Decompress(..) => {
            NoReply::Failed(ProviderError::BadAnswer("broken gzip".into()))
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            NoReply::Failed(ProviderError::Refused("its URL or key is malformed".into()))
        }
        _ => unreachable("the request failed"),
    }
}

/// A value as a query takes it.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' | b',' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn host_of(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(|uri| {
        let host = uri.host()?;
        Some(match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    });
    host.unwrap_or_else(|| "(malformed URL)".into())
}

/// What identifies the customer in a URL: user and password, path segments and query values.
fn secrets_in(url: &str) -> Vec<String> {
    let Some((_, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let mut secrets = vec![url.to_owned()];
    if let Some((user, _)) = authority.rsplit_once('@') {
        secrets.push(user.to_owned());
        secrets.extend(user.split(':').map(str::to_owned));
    }
    // Short segments are words such as "rpc" or "v2", which messages may use.
    let parts = path.split(['/', '?', '#', '&', '=']);
    secrets.extend(parts.filter(|part| part.len() >= 12).map(str::to_owned));
    if path.len() > 1 {
        secrets.push(path.to_owned());
    }
    secrets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_label_is_the_kind_and_the_host() {
        let check = |url: &str, expected: &str| assert_eq!(host_of(url), expected, "{url}");
        check("https://eth.drpc.org", "eth.drpc.org");
        check(
            "https://mainnet.infura.io/v3/0123456789abcdef",
            "mainnet.infura.io",
        );
        check(
            "http://user:password@node.example:8545/?key=1",
            "node.example:8545",
        );
        check("http://[::1]:8545", "[::1]:8545");
        check("not a url", "(malformed URL)");
    }

    #[test]
    fn what_identifies_the_customer_is_found_in_any_url() {
        let check = |url: &str, secret: &str| {
            assert!(secrets_in(url).iter().any(|found| found == secret), "{url}");
        };
        check(
            "https://mainnet.infura.io/v3/0123456789abcdef",
            "0123456789abcdef",
        );
        check(
            "https://node.example/?a=b&apikey=0123456789abcdef",
            "0123456789abcdef",
        );
        check("https://user:password@node.example", "password");
        check("https://node.example/short", "/short");
    }

    proptest! {
        #[test]
        fn a_message_is_one_short_line(text in "(\\PC|\\s|\\x00){0,1000}") {
            let line = one_line(&text);
            prop_assert!(line.chars().count() <= 200);
            prop_assert!(!line.contains(char::is_control));
        }
    }
}
