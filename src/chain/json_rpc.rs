//! JSON-RPC 2.0 over HTTP: one call, one answer, no batches (free plans take three at most).

use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ProviderError;
use super::http::{HttpClient, NoReply, Reply, line_of, one_line};
use super::meter::Meter;
use super::refusals::{self, Meaning};

/// Whatever answers the calls of JSON-RPC: a node, or an explorer that passes them on to its own.
pub trait Node: Send + Sync {
    /// Its kind and host.
    fn label(&self) -> &str;

    /// Counts its requests.
    fn meter(&self) -> &Meter;

    /// Calls a method. What comes back is the result, still as text; `null` is one.
    fn result(&self, method: &str, params: Value) -> Result<Box<RawValue>, CallError>;
}

impl dyn Node + '_ {
    /// Calls a method. `None` is the node's `null`: it knows no such thing.
    pub fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Option<T>, CallError> {
        let result = self.result(method, params)?;
        serde_json::from_str(result.get()).map_err(|error| {
            // The kind of the error only: serde quotes what it found.
            let what = format!("{method} answered something else ({:?})", error.classify());
            CallError::Failed(ProviderError::BadAnswer(what))
        })
    }
}

/// A JSON-RPC endpoint.
pub struct JsonRpc {
    http: HttpClient,
    next_id: AtomicU64,
}

/// Characters of a node's message that are read: those that offer a range do it at the end of a long one.
const READ_LIMIT: usize = 1000;

/// The node's own error object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeError {
    pub code: i64,
    /// One line without secrets, at most 1000 characters.
    pub message: String,
    /// The HTTP status it came with.
    pub status: u16,
}

/// Why a call has no result.
#[derive(Debug)]
pub enum CallError {
    /// The node said no. What that means depends on the call: see [`refusals::meaning`].
    Node(NodeError),
    /// Neither the node nor the gateway before it answered in time.
    Timeout,
    /// The answer is too long for us or for a gateway.
    TooLong,
    Failed(ProviderError),
}

impl From<CallError> for ProviderError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Node(node) => node.into(),
            CallError::Timeout => NoReply::Timeout.into(),
            CallError::TooLong => NoReply::TooLong.into(),
            CallError::Failed(error) => error,
        }
    }
}

impl From<NoReply> for CallError {
    fn from(no_reply: NoReply) -> Self {
        match no_reply {
            NoReply::Timeout => Self::Timeout,
            NoReply::TooLong => Self::TooLong,
            NoReply::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<NodeError> for ProviderError {
    fn from(node: NodeError) -> Self {
        let message = one_line(&format!("code {}: {}", node.code, node.message));
        match refusals::meaning(&node) {
            Meaning::Later => Self::RateLimited {
                message,
                retry_after: None,
            },
            Meaning::Refused => Self::Refused(message),
            _ => Self::BadAnswer(message),
        }
    }
}

impl JsonRpc {
    pub fn new(http: HttpClient) -> Self {
        Self {
            http,
            next_id: AtomicU64::new(1),
        }
    }
}

impl Node for JsonRpc {
    fn label(&self) -> &str {
        self.http.label()
    }

    fn meter(&self) -> &Meter {
        self.http.meter()
    }

    fn result(&self, method: &str, params: Value) -> Result<Box<RawValue>, CallError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let reply = self.http.post_json(&request.to_string())?;
        if let Some(later) = reply.rate_limited() {
            return Err(CallError::Failed(later));
        }
        self.result_in(&reply, id)
    }
}

impl JsonRpc {
    /// The result in a reply, still as text.
    fn result_in(&self, reply: &Reply, id: u64) -> Result<Box<RawValue>, CallError> {
        let bad = |what: &str| Err(CallError::Failed(ProviderError::BadAnswer(what.into())));
        let Ok(envelope) = serde_json::from_slice::<Envelope>(&reply.body) else {
            return Err(self.not_json_rpc(reply));
        };
        let other_id = envelope.id.as_u64() != Some(id);
        if !envelope.error.is_null() {
            // An error about a request that could not be read has a null id.
            if other_id && !envelope.id.is_null() {
                return bad("an answer to another request");
            }
            return Err(CallError::Node(node_error(
                &self.http,
                reply,
                &envelope.error,
            )));
        }
        match envelope.result {
            None => Err(self.not_json_rpc(reply)),
            Some(_) if other_id => bad("an answer to another request"),
            Some(_) if reply.status != 200 => bad(&format!("HTTP {} with a result", reply.status)),
            Some(result) => Ok(result),
        }
    }

    fn not_json_rpc(&self, reply: &Reply) -> CallError {
        match reply.status {
            408 | 504 | 524 => CallError::Timeout,
            413 => CallError::TooLong,
            _ => CallError::Failed(self.http.refusal(reply)),
        }
    }
}

/// The error object of a reply, read whatever its shape.
pub fn node_error(http: &HttpClient, reply: &Reply, error: &Value) -> NodeError {
    // Some gateways send a bare text in the place of the error object.
    let message = error["message"].as_str().or(error.as_str());
    // Some nodes put the reason there and "server error" into the message.
    let data = error["data"]
        .as_str()
        .filter(|data| !data.starts_with("0x"));
    let said = [
        message.unwrap_or("an error without a message"),
        data.unwrap_or(""),
    ];
    NodeError {
        code: error["code"].as_i64().unwrap_or(0),
        message: line_of(&http.redacted(&said.join(" ")), READ_LIMIT),
        status: reply.status,
    }
}

#[derive(serde::Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Value,
    /// A missing result and a `null` are different things: the latter is an answer.
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Value,
}

/// What is there, `null` included.
pub fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::http::{KeyHeader, Timeouts};
    use super::super::scripted::{Answer, Scripted};
    use super::*;

    fn rpc(server: &Scripted) -> Box<dyn Node> {
        let header = KeyHeader::Named("TRON-PRO-API-KEY");
        let patient = Timeouts::default();
        Box::new(JsonRpc::new(HttpClient::new(
            &server.entry_with_keys(),
            header,
            patient,
        )))
    }

    /// What a call comes to when the server answers so.
    fn call(answer: impl Fn() -> Answer + Send + 'static) -> Result<Option<String>, ProviderError> {
        let server = Scripted::start(move |_| answer());
        Ok(rpc(&server).call("eth_test", json!([1]))?)
    }

    fn text(status: u16, body: &'static str) -> Result<Option<String>, ProviderError> {
        call(move || Answer::text(status, body))
    }

    fn with_header(status: u16, header: &'static str) -> Result<Option<String>, ProviderError> {
        call(move || Answer::Reply {
            status,
            headers: format!("{header}\r\n"),
            body: b"slow down".into(),
        })
    }

    fn bad(message: &str) -> Result<Option<String>, ProviderError> {
        Err(ProviderError::BadAnswer(message.into()))
    }

    fn refused(message: &str) -> Result<Option<String>, ProviderError> {
        Err(ProviderError::Refused(message.into()))
    }

    fn limited(message: &str, seconds: Option<u64>) -> Result<Option<String>, ProviderError> {
        Err(ProviderError::RateLimited {
            message: message.into(),
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    #[test]
    fn a_result_and_a_null_are_answers() {
        assert_eq!(
            call(|| Answer::result(json!("yes"))),
            Ok(Some("yes".into()))
        );
        assert_eq!(call(|| Answer::result(Value::Null)), Ok(None));
        // Some nodes write both.
        let both = || Answer::Rpc(200, json!({"result": "yes", "error": null}));
        assert_eq!(call(both), Ok(Some("yes".into())));
    }

    #[test]
    fn what_is_no_answer_is_a_bad_one() {
        assert_eq!(text(200, "<html>Welcome"), bad("HTTP 200: an HTML page"));
        assert_eq!(text(200, ""), bad("HTTP 200:"));
        assert_eq!(
            text(200, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{\"addr"),
            bad("HTTP 200: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{\"addr",)
        );
        assert_eq!(text(200, "{\"id\":1}"), bad("HTTP 200: {\"id\":1}"));
        assert_eq!(text(200, "[]"), bad("HTTP 200: []"));
        assert_eq!(
            text(502, "Bad Gateway\r\n\x1b[31m"),
            bad("HTTP 502: Bad Gateway [31m")
        );
        assert_eq!(text(301, ""), bad("HTTP 301:"));
        assert_eq!(
            text(200, r#"{"id":2,"result":"x"}"#),
            bad("an answer to another request")
        );
        assert_eq!(
            text(200, r#"{"result":"x"}"#),
            bad("an answer to another request")
        );
        assert_eq!(
            text(200, r#"{"id":2,"error":{}}"#),
            bad("an answer to another request")
        );
        let odd = call(|| Answer::result(json!({"a": 1})));
        assert_eq!(odd, bad("eth_test answered something else (Data)"));
        let created = call(|| Answer::Rpc(500, json!({"result": "x"})));
        assert_eq!(created, bad("HTTP 500 with a result"));
    }

    #[test]
    fn an_error_object_counts_whatever_the_status() {
        let error = |status| call(move || Answer::error(status, -32603, "Internal\nerror"));
        for status in [200, 400, 404, 500, 503] {
            assert_eq!(
                error(status),
                bad("code -32603: Internal error"),
                "{status}"
            );
        }
        assert_eq!(
            text(200, r#"{"id":null,"error":{"code":1,"message":"a"}}"#),
            bad("code 1: a")
        );
        assert_eq!(
            text(200, r#"{"error":"a bare text"}"#),
            bad("code 0: a bare text")
        );
        let data = r#"{"id":1,"error":{"code":3,"message":"no","data":"a reason"}}"#;
        assert_eq!(text(200, data), bad("code 3: no a reason"));
    }

    #[test]
    fn later_and_never_are_told_apart() {
        assert_eq!(
            with_header(429, "retry-after: 7"),
            limited("HTTP 429", Some(7))
        );
        assert_eq!(with_header(429, "x-nothing: 1"), limited("HTTP 429", None));
        assert_eq!(
            with_header(503, "retry-after: 7"),
            limited("HTTP 503", Some(7))
        );
        assert_eq!(with_header(503, "x-nothing: 1"), bad("HTTP 503: slow down"));
        let trongrid = r#"{"success":false,"error":"The key exceeds the frequency limit(15), and the query server is suspended for 30s","statusCode":403}"#;
        let expected = limited("HTTP 403: the key exceeds the frequency limit", Some(30));
        assert_eq!(text(403, trongrid), expected);
        assert_eq!(
            text(401, "invalid project id"),
            refused("HTTP 401: invalid project id")
        );
        assert_eq!(text(403, "<html>"), refused("HTTP 403: an HTML page"));
        let said = call(|| Answer::error(200, -32005, "rate limit reached"));
        assert_eq!(said, limited("code -32005: rate limit reached", None));
    }

    #[test]
    fn no_answer_at_all() {
        let unreachable = |message: &str| Err(ProviderError::Unreachable(message.into()));
        let timed_out = unreachable("no answer in time");
        assert_eq!(text(504, "upstream timed out"), timed_out);
        let hung_up = call(|| Answer::HangUp);
        assert!(
            matches!(hung_up, Err(ProviderError::Unreachable(_))),
            "{hung_up:?}"
        );

        let short = Timeouts {
            total: Duration::from_millis(300),
            ..Timeouts::default()
        };
        let ask = |url: &str| {
            let http = HttpClient::new(&Scripted::entry_of(url), KeyHeader::Bearer, short);
            let rpc: &dyn Node = &JsonRpc::new(http);
            let answer = rpc.call::<String>("eth_test", json!([]));
            answer.map_err(ProviderError::from)
        };
        let silent = Scripted::start(|_| Answer::Hang);
        assert_eq!(ask(&silent.url), timed_out);
        assert_eq!(ask("http://127.0.0.1:1"), unreachable("connection refused"));
    }

    #[test]
    fn an_answer_beyond_all_measure_is_cut_off() {
        let server = Scripted::start(|_| Answer::Reply {
            status: 200,
            headers: String::new(),
            body: vec![b' '; 16 * 1024 * 1024 + 1],
        });
        let answer = rpc(&server).call::<Value>("eth_test", json!([]));
        assert!(matches!(answer, Err(CallError::TooLong)), "{answer:?}");
    }

    #[test]
    fn the_key_goes_into_the_header_and_never_into_a_message() {
        let server = Scripted::start(|asked| {
            let path = asked.head.split(' ').nth(1).unwrap_or_default();
            let echo = format!("no access to {path} with header-key-0123456789");
            Answer::error(200, 1, &echo)
        });
        let rpc = rpc(&server);
        let error = rpc.call::<Value>("eth_test", json!([])).unwrap_err();
        let message = ProviderError::from(error).to_string();
        assert_eq!(message, "bad answer: code 1: no access to … with …");
        assert!(!rpc.label().contains("key"), "{}", rpc.label());
        let head = server.asked()[0].head.to_lowercase();
        assert!(
            head.contains("tron-pro-api-key: header-key-0123456789\r\n"),
            "{head}"
        );
        assert!(head.contains("user-agent: ocrch/"), "{head}");
    }
}
