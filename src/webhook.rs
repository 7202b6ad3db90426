//! Signs and POSTs one webhook delivery. What to send, when and how often is decided elsewhere.

pub mod alert;
mod public_only;

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;

use crate::config::{Config, Secret};
use crate::domain::signature::sign_body;
use public_only::PublicOnly;

/// How much of an answer is kept, in bytes: enough to tell an error page from another.
const ANSWER_BYTES: u64 = 200;

/// How long an idle connection is kept: shorter than servers keep theirs (Node: 5 s), so that no attempt
/// fails on a connection that is just being closed.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// Sends deliveries by one configuration: make another one after a reload. Cheap to clone, connections are shared.
#[derive(Clone)]
pub struct Sender {
    agent: Agent,
    timeout: Duration,
    secret: Secret,
    padded: bool,
}

/// One attempt at one event.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    pub url: &'a str,
    /// The same for all attempts of one event.
    pub webhook_id: &'a str,
    /// Unix seconds of this attempt: part of what is signed.
    pub timestamp: i64,
    /// JSON; sent and signed to the byte.
    pub body: &'a str,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why there was no answer, on one line.
    pub error: Option<String>,
    pub latency_ms: u64,
    /// The first 200 bytes of the answer, in whole characters, made printable.
    pub answer: String,
    /// Whether the receiver kept us waiting to the end, with its answer or in the middle of it.
    pub timed_out: bool,
}

impl Outcome {
    /// Only exactly 200 counts as received.
    pub fn delivered(&self) -> bool {
        self.status == Some(200)
    }
}

impl Sender {
    pub fn new(config: &Config) -> Self {
        let webhooks = &config.webhooks;
        let settings = Agent::config_builder()
            .timeout_global(Some(webhooks.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy from the environment would resolve names out of our sight.
            .proxy(None)
            .max_idle_age(MAX_IDLE)
            .user_agent(concat!("ocrch/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector = DefaultConnector::default();
        let agent = match webhooks.allow_private {
            true => Agent::with_parts(settings, connector, DefaultResolver::default()),
            false => Agent::with_parts(settings, connector, PublicOnly::default()),
        };
        Self {
            agent,
            timeout: webhooks.timeout,
            secret: config.merchant.secret.clone(),
            padded: webhooks.padded_signatures,
        }
    }

    /// Makes one attempt. Blocks until the answer, an error or `webhooks.timeout`.
    pub fn post(&self, delivery: &Delivery<'_>) -> Outcome {
        let started = Instant::now();
        let body = delivery.body.as_bytes();
        let signature = sign_body(self.secret.expose(), delivery.timestamp, body, self.padded);
        let answer = self
            .agent
            .post(delivery.url)
            .header("Content-Type", "application/json")
            .header("Ocrch-Signature", signature)
            .header("webhook-id", delivery.webhook_id)
            .header("webhook-timestamp", delivery.timestamp.to_string())
            .send(body);
        let mut outcome = Outcome {
            status: None,
            error: None,
            latency_ms: 0,
            answer: String::new(),
            timed_out: false,
        };
        match answer {
            Ok(answer) => {
                outcome.status = Some(answer.status().as_u16());
                (outcome.answer, outcome.timed_out) = beginning(answer.into_body());
            }
            Err(error) => {
                outcome.timed_out = is_timeout(&error);
                outcome.error = Some(self.explain(error));
            }
        }
        outcome.latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        outcome
    }

    fn explain(&self, error: ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => format!("no answer within {:?}", self.timeout),
            ureq::Error::HostNotFound => "host not found".to_owned(),
            error => explain(&error),
        }
    }
}

/// What went wrong with a request, on one line. What TLS says of an answer that is none means little to anybody.
pub fn explain(error: &ureq::Error) -> String {
    let said = match error {
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    let said = printable(&said);
    match said.contains("InvalidContentType") {
        true => format!("it speaks no TLS there: is the address http://? ({said})"),
        false => said,
    }
}

/// The beginning of an answer, and whether reading it took too long. The rest is never read.
fn beginning(body: ureq::Body) -> (String, bool) {
    let mut bytes = Vec::new();
    let read = body
        .into_reader()
        .take(ANSWER_BYTES)
        .read_to_end(&mut bytes);
    // The status has been received, so a broken answer is still an answer.
    let timed_out = read.is_err_and(|e| {
        e.kind() == std::io::ErrorKind::TimedOut
            || e.downcast::<ureq::Error>().is_ok_and(|e| is_timeout(&e))
    });
    (
        printable(&String::from_utf8_lossy(whole(&bytes))),
        timed_out,
    )
}

/// Without the beginning of a character whose end was cut off.
fn whole(bytes: &[u8]) -> &[u8] {
    let continues = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let last = bytes.iter().rposition(|byte| !continues(byte)).unwrap_or(0);
    match std::str::from_utf8(&bytes[last..]) {
        Err(error) if error.error_len().is_none() => &bytes[..last],
        _ => bytes,
    }
}

fn is_timeout(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    }
}

/// One line without control characters: it goes into logs and onto the admin's screen.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(clean).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests;
