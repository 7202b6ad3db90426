//! HTTP requests of any kind, and their answers in full.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;

/// An answer, whatever its status.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// This answer, if it has the status; panics otherwise.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Checks status and exact text.
    #[track_caller]
    pub fn expect_error(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text().as_str()), (status, text));
        let kind = self.header("content-type").unwrap_or_default();
        assert!(
            kind.starts_with("text/plain"),
            "errors are text/plain, not {kind:?}"
        );
    }

    /// Checks the status and how the text begins, where the protocol leaves its end open.
    #[track_caller]
    pub fn expect_error_starting(&self, status: u16, text: &str) {
        assert!(
            self.status == status && self.text().starts_with(text),
            "not {status} {text:?}: {self:?}"
        );
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.text())
    }
}

/// Sends one request on a connection of its own.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    try_send(method, url, headers, body).unwrap_or_else(|e| panic!("{method} {url}: {e}"))
}

/// [`send`] for tests in which the server may be gone.
pub fn try_send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, ureq::Error> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    let mut response = if body.is_empty() && matches!(method, "GET" | "OPTIONS" | "HEAD") {
        agent().run(request.body(())?)?
    } else {
        agent().run(request.body(body)?)?
    };
    Ok(Reply {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(n, v)| {
                (
                    n.to_string(),
                    String::from_utf8_lossy(v.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: response.body_mut().read_to_vec()?,
    })
}

/// No pool: a connection that a killed server left behind would fail the next test step.
fn agent() -> &'static ureq::Agent {
    static AGENT: OnceLock<ureq::Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(60)))
            .proxy(None)
            .build()
            .into()
    })
}

/// Sends bytes as they are and gives the status of the answer, if there was one: for requests that no
/// client would build.
pub fn send_raw(to: SocketAddr, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(to).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    // The server may close before it has read everything.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.take(1 << 20).read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}
