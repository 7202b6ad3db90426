//! What Etherscan V2 and its look-alikes speak: one URL, a query with `module` and `action`, and an envelope whose
//! `result` is the answer or the text of an error. Calls of JSON-RPC go through their `proxy` module.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::ProviderError;
use super::http::{HttpClient, encoded};
use super::json_rpc::{CallError, JsonRpc, Node, NodeError, node_error, present};
use super::meter::Meter;
use super::refusals::{self, Meaning};
use crate::config::Secret;

/// An explorer's API, asked about one chain.
pub struct EtherscanApi {
    http: HttpClient,
    key: Option<Secret>,
    chain_id: u64,
    /// Blockscout has no proxy, but JSON-RPC beside its API.
    json_rpc: JsonRpc,
    has_no_proxy: AtomicBool,
}

/// Both forms in one: the explorer's own, and JSON-RPC's, in which the proxy answers (unless it refuses).
#[derive(serde::Deserialize)]
struct Envelope {
    status: Option<Value>,
    #[serde(default)]
    message: Value,
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Value,
}

impl EtherscanApi {
    /// `http` must not send the key: it goes into the query.
    pub fn new(http: HttpClient, key: Option<Secret>, chain_id: u64) -> Self {
        let url = with_key(&json_rpc_url(http.url(), chain_id), key.as_ref());
        Self {
            json_rpc: JsonRpc::new(http.at(url)),
            http,
            key,
            chain_id,
            has_no_proxy: AtomicBool::new(false),
        }
    }

    /// Asks, and reads the result. "Nothing found" is an empty list; every other refusal is an error.
    pub fn ask<T: DeserializeOwned>(&self, query: &[(&str, &str)]) -> Result<T, CallError> {
        let result = self.result_of(query)?;
        serde_json::from_str(result.get()).map_err(|error| {
            let action = query.get(1).map_or("it", |(_, action)| action);
            let what = format!("{action} answered something else ({:?})", error.classify());
            CallError::Failed(ProviderError::BadAnswer(what))
        })
    }

    fn result_of(&self, query: &[(&str, &str)]) -> Result<Box<RawValue>, CallError> {
        let reply = self.http.get(&self.with_query(query))?;
        if let Some(later) = reply.rate_limited() {
            return Err(CallError::Failed(later));
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope>(&reply.body) else {
            return Err(match reply.status {
                408 | 504 | 524 => CallError::Timeout,
                _ => CallError::Failed(self.http.refusal(&reply)),
            });
        };
        let refused = |said: &Value| Err(CallError::Node(node_error(&self.http, &reply, said)));
        if !envelope.error.is_null() {
            return refused(&envelope.error);
        }
        match (&envelope.status, envelope.result) {
            (Some(status), Some(result)) if *status == *"1" && reply.status == 200 => Ok(result),
            (Some(_), result) => match Refusal::of(&envelope.message, result.as_deref()) {
                Refusal::NothingFound => Ok(empty()),
                Refusal::Said(said) => refused(&said.into()),
            },
            (None, Some(result)) if reply.status == 200 => Ok(result),
            (None, _) => Err(CallError::Failed(self.http.refusal(&reply))),
        }
    }

    /// What is appended to the configured URL, which may have a query of its own.
    fn with_query(&self, query: &[(&str, &str)]) -> String {
        let url = self.http.url();
        let chain_id = self.chain_id.to_string();
        let names_its_chain = url.contains("chainid=") || url.contains("chain_id=");
        let mut text = String::new();
        let pairs = query
            .iter()
            .copied()
            .chain((!names_its_chain).then_some(("chainid", chain_id.as_str())))
            .chain(self.key.as_ref().map(|key| ("apikey", key.expose())));
        for (name, value) in pairs {
            text.push(match url.contains('?') || !text.is_empty() {
                true => '&',
                false => '?',
            });
            text.push_str(name);
            text.push('=');
            text.push_str(&encoded(value));
        }
        text
    }

    fn proxied(&self, method: &str, params: &Value) -> Result<Box<RawValue>, CallError> {
        let text = |i: usize| params[i].as_str().unwrap_or_default();
        let proxy = [("module", "proxy"), ("action", method)];
        let rest = match method {
            "eth_getBlockByNumber" => vec![("tag", text(0)), ("boolean", "false")],
            "eth_getTransactionReceipt" => vec![("txhash", text(0))],
            "eth_call" => {
                let part = |name: &str| params[0][name].as_str().unwrap_or_default();
                vec![("to", part("to")), ("data", part("data")), ("tag", text(1))]
            }
            _ => vec![],
        };
        self.result_of(&[proxy.to_vec(), rest].concat())
    }
}

impl Node for EtherscanApi {
    fn label(&self) -> &str {
        self.http.label()
    }

    fn meter(&self) -> &Meter {
        self.http.meter()
    }

    fn result(&self, method: &str, params: Value) -> Result<Box<RawValue>, CallError> {
        if !self.has_no_proxy.load(Ordering::Relaxed) {
            match self.proxied(method, &params) {
                Err(CallError::Node(error)) if is_about_the_module(&error) => {
                    self.has_no_proxy.store(true, Ordering::Relaxed);
                }
                // Etherscan passes this one not on. Its chain was named in the request, so that has to do.
                Err(CallError::Node(error))
                    if method == "eth_chainId" && refusals::meaning(&error) != Meaning::Later =>
                {
                    let own = format!("{:#x}", self.chain_id);
                    return Ok(raw(&json!(own)));
                }
                answer => return answer,
            }
        }
        self.json_rpc.result(method, params)
    }
}

/// What an envelope without success means.
enum Refusal {
    NothingFound,
    Said(String),
}

impl Refusal {
    /// The reason is in `result`, in `message`, or in both. Nothing found is said with "No transactions found", "No
    /// token transfers found" and the like, and an empty result.
    fn of(message: &Value, result: Option<&RawValue>) -> Self {
        let message = message.as_str().unwrap_or_default();
        let result = result.map_or("null", RawValue::get);
        let found_none = message.starts_with("No ") && message.ends_with(" found");
        if found_none && ["[]", "null", "\"\""].contains(&result) {
            return Self::NothingFound;
        }
        let reason: String = serde_json::from_str(result).unwrap_or_default();
        Self::Said(format!("{message} {reason}"))
    }
}

/// Whether the explorer has no `proxy` module at all.
fn is_about_the_module(error: &NodeError) -> bool {
    let text = error.message.to_lowercase();
    text.contains("unknown module") || text.contains("invalid module")
}

/// Where Blockscout answers JSON-RPC: beside its API on an instance of a chain, by chain on its host of all chains.
pub fn json_rpc_url(url: &str, chain_id: u64) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let bare = bare.trim_end_matches('/');
    match bare.split_once("://api.blockscout.com/") {
        Some((scheme, _)) => format!("{scheme}://api.blockscout.com/{chain_id}/json-rpc"),
        None => format!("{bare}/eth-rpc"),
    }
}

fn with_key(url: &str, key: Option<&Secret>) -> String {
    match key {
        Some(key) => format!("{url}?apikey={}", encoded(key.expose())),
        None => url.to_owned(),
    }
}

fn empty() -> Box<RawValue> {
    raw(&json!([]))
}

fn raw(value: &Value) -> Box<RawValue> {
    // Writing a value that serde made into memory cannot fail.
    to_raw_value(value).expect("JSON is JSON")
}
