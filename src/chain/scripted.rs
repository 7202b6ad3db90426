//! A server for tests that answers what a script says: a provider in all its moods.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::config::{ProviderConfig, ProviderKind, Secret};

/// What to answer to one request.
pub enum Answer {
    Reply {
        status: u16,
        /// Each with its line end.
        headers: String,
        body: Vec<u8>,
    },
    /// The result or error object of a JSON-RPC answer with the right id.
    Rpc(u16, Value),
    /// Keeps the connection open and says nothing.
    Hang,
    /// Closes the connection.
    HangUp,
}

/// What was asked: the head of the request and its body.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: Value,
}

/// A running server. It ends with the test process.
pub struct Scripted {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Answer {
    pub fn text(status: u16, body: &str) -> Self {
        Self::Reply {
            status,
            headers: String::new(),
            body: body.into(),
        }
    }

    pub fn result(result: Value) -> Self {
        Self::Rpc(200, json!({ "result": result }))
    }

    pub fn error(status: u16, code: i64, message: &str) -> Self {
        Self::Rpc(status, json!({"error": {"code": code, "message": message}}))
    }
}

impl Scripted {
    pub fn start(mut script: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                log.lock().unwrap().push(request.clone());
                match script(&request) {
                    Answer::Hang => hanging.push(stream),
                    Answer::HangUp => {}
                    // The client may be gone, which is its right.
                    answer => drop(stream.write_all(&bytes(answer, &request.body["id"]))),
                }
            }
        });
        Self { url, asked }
    }

    /// A node that answers `eth_chainId` with 1 and asks the script about the rest.
    pub fn node(mut script: impl FnMut(&str, &Value) -> Answer + Send + 'static) -> Self {
        Self::start(move |asked| match asked.body["method"].as_str().unwrap() {
            "eth_chainId" => Answer::result(json!("0x1")),
            method => script(method, &asked.body["params"]),
        })
    }

    /// A provider as a configuration names it.
    pub fn entry_of(url: &str) -> ProviderConfig {
        ProviderConfig {
            kind: ProviderKind::Rpc,
            url: url.to_owned(),
            api_key: None,
            max_per_second: None,
            max_per_day: None,
        }
    }

    pub fn entry(&self) -> ProviderConfig {
        Self::entry_of(&self.url)
    }

    /// With a key in the path, in the query and in a header.
    pub fn entry_with_keys(&self) -> ProviderConfig {
        ProviderConfig {
            url: format!(
                "{}/v2/path-key-0123456789?token=query-key-0123456789",
                self.url
            ),
            api_key: Some(Secret::new("header-key-0123456789")),
            ..self.entry()
        }
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The first parameter of each call of a method.
    pub fn params(&self, method: &str) -> Vec<Value> {
        let asked = self.asked();
        let calls = asked.iter().filter(|asked| asked.body["method"] == method);
        calls.map(|asked| asked.body["params"][0].clone()).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.split_once("content-length: ");
    let length = length.map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        head,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

fn bytes(answer: Answer, id: &Value) -> Vec<u8> {
    let (status, headers, body) = match answer {
        Answer::Reply {
            status,
            headers,
            body,
        } => (status, headers, body),
        Answer::Rpc(status, mut envelope) => {
            envelope["jsonrpc"] = json!("2.0");
            envelope["id"] = id.clone();
            (status, String::new(), envelope.to_string().into_bytes())
        }
        Answer::Hang | Answer::HangUp => unreachable!("these have no bytes"),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    [head.into_bytes(), body].concat()
}
