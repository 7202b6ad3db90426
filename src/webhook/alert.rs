//! POSTs one message to the operator, the way the service at the other end wants it.

use std::time::Duration;

use serde_json::json;
use ureq::Agent;

use crate::config::Alerts;

/// The longest text that all of them take, in characters (Discord: 2000).
const LONGEST: usize = 1800;

/// Sends messages to one address.
#[derive(Clone)]
pub struct Messenger {
    agent: Agent,
    url: String,
    format: String,
}

impl Messenger {
    pub fn new(alerts: &Alerts) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(15)))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("ocrch/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: agent.into(),
            url: alerts.url.clone(),
            format: alerts.format.clone(),
        }
    }

    /// Sends a message. Blocks until it was taken (any 2xx) or that failed; the error is one line without the address, which
    /// is as good as a password.
    pub fn send(&self, shop: &str, text: &str) -> Result<(), String> {
        let text: String = format!("{shop}: {text}").chars().take(LONGEST).collect();
        let (kind, body) = body(&self.format, shop, &text);
        let request = self.agent.post(&self.url).header("Content-Type", kind);
        match request.send(&body) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
            Err(ureq::Error::Timeout(_)) => Err("it did not answer in time".to_owned()),
            Err(ureq::Error::HostNotFound) => Err("host not found".to_owned()),
            Err(ureq::Error::Io(error)) => Err(error.to_string()),
            Err(_) => Err("it cannot be reached".to_owned()),
        }
    }
}

/// Content type and body.
fn body(format: &str, shop: &str, text: &str) -> (&'static str, String) {
    let json = match format {
        "gotify" => json!({ "title": shop, "message": text, "priority": 5 }),
        "slack" => {
            // Slack reads these three as markup.
            let text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            json!({ "text": text })
        }
        // An order's name must not ring everybody in the channel.
        "discord" => json!({ "content": text, "allowed_mentions": { "parse": [] } }),
        _ => return ("text/plain; charset=utf-8", text.to_owned()),
    };
    ("application/json", json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_gets_what_it_reads() {
        let check = |format, expected: &str| {
            let (_, body) = body(format, "Shop", "Shop: A<B & @everyone");
            assert_eq!(body, expected, "{format}");
        };
        check("text", "Shop: A<B & @everyone");
        check("slack", r#"{"text":"Shop: A&lt;B &amp; @everyone"}"#);
        check(
            "discord",
            r#"{"content":"Shop: A<B & @everyone","allowed_mentions":{"parse":[]}}"#,
        );
        check(
            "gotify",
            r#"{"title":"Shop","message":"Shop: A<B & @everyone","priority":5}"#,
        );
    }
}
