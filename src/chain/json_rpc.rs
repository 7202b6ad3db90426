//! JSON-RPC 2.0 over HTTP: one call, one answer, no batches (free plans take three at most).

use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ProviderError;
use super::http::{HttpClient, NoReply, Reply, line_of, one_line};
use super::refusals::{self, Meaning};

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

    pub fn label(&self) -> &str {
        self.http.label()
    }

    /// Calls a method. `None` is the node's `null`: it knows no such thing.
    pub fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Option<T>, CallError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let reply =
            self.http
                .post_json(&request.to_string())
                .map_err(|no_reply| match no_reply {
                    NoReply::Timeout => CallError::Timeout,
                    NoReply::TooLong => CallError::TooLong,
                    NoReply::Failed(error) => CallError::Failed(error),
                })?;
        if let Some(later) = reply.rate_limited() {
            return Err(CallError::Failed(later));
        }
        let result = self.result(&reply, id)?;
        serde_json::from_str(result.get()).map_err(|error| {
            // The kind of the error only: serde quotes what it found.
            let what = format!("{method} answered something else ({:?})", error.classify());
            CallError::Failed(ProviderError::BadAnswer(what))
        })
    }

    /// The result in a reply, still as text.
    fn result(&self, reply: &Reply, id: u64) -> Result<Box<RawValue>, CallError> {
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
            return Err(CallError::Node(self.node_error(reply, &envelope.error)));
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

    fn node_error(&self, reply: &Reply, error: &Value) -> NodeError {
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
            message: line_of(&self.http.redacted(&said.join(" ")), READ_LIMIT),
            status: reply.status,
        }
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

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}
