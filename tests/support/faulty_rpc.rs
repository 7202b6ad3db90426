//! A provider between server and node that fails as real ones do.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::anvil::number;
use super::{http, net, wait};

/// How it fails at the moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    None,
    /// Takes requests and never answers.
    Hang,
    /// Closes connections at once.
    Refuse,
    /// 429, with the seconds of Retry-After.
    RateLimited(Option<u64>),
    /// Any other status with a text.
    Status(u16),
    /// 200 and a web page.
    Html,
    /// 200 and the first half of the answer.
    Truncated,
    /// Another chain's node.
    ChainId(u64),
    /// A node this many blocks behind what was already seen.
    Behind(u64),
    /// A node that names this block as its head, and knows of no logs in blocks that it does not have.
    Head(u64),
    /// Nonsense about this transaction only.
    NonsenseAbout(String),
    /// An error of the node's about this transaction only.
    ErrorAbout(String),
    /// This transaction's receipt is of a block that is not the chain's.
    OrphanAbout(String),
    /// A fork of its own, as long as the chain, from this block on and without this transaction.
    Fork(u64, String),
    /// Lists no log of this transaction, and answers truly when asked for it.
    Omits(String),
    /// Shows nothing at all of this transaction.
    Denies(String),
    /// An error for every range of logs that contains this block.
    BlockError(u64),
    /// Every call is an error of the node's.
    NodeError,
}

/// How it refuses too large a range of blocks or too many results.
#[derive(Clone, Copy, Debug)]
pub enum Style {
    /// Names the limit, suggests nothing.
    PlainLimit,
    /// Suggests a range that works.
    Suggestion,
    /// Suggests the very range that was asked.
    EchoedRange,
    /// Another HTTP status and a code of its own.
    Http400,
}

/// One call that came.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: Instant,
    pub method: String,
    pub params: Value,
    /// Whether the node's own answer went back.
    pub answered: bool,
}

impl Call {
    /// The range of an `eth_getLogs`.
    pub fn range(&self) -> Option<(u64, u64)> {
        let filter = (self.method == "eth_getLogs").then(|| &self.params[0])?;
        let bound = |name: &str| {
            Some(&filter[name])
                .filter(|v| v.as_str().is_some_and(|s| s.starts_with("0x")))
                .map(number)
        };
        Some((bound("fromBlock")?, bound("toBlock")?))
    }
}

struct State {
    upstream: String,
    fault: Fault,
    max_range: Option<(u64, Style)>,
    max_results: Option<(usize, Style)>,
    calls: Vec<Call>,
    /// Requests that hang, by number, and the number of the next one.
    hanging: BTreeSet<u64>,
    next: u64,
}

/// The proxy; it stops when dropped.
pub struct FaultyRpc {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl FaultyRpc {
    /// Stands in front of a node and passes everything on.
    pub fn start(upstream: &str) -> Self {
        let listener = net::listener();
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State {
            upstream: upstream.to_owned(),
            fault: Fault::None,
            max_range: None,
            max_results: None,
            calls: Vec::new(),
            hanging: BTreeSet::new(),
            next: 0,
        }));
        let stop = Arc::<AtomicBool>::default();
        let (thread_state, thread_stop) = (state.clone(), stop.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if thread_stop.load(Ordering::Relaxed) {
                    return;
                }
                let (state, stop) = (thread_state.clone(), thread_stop.clone());
                thread::spawn(move || serve(stream, &state, &stop));
            }
        });
        Self {
            address,
            state,
            stop,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it fails like this.
    pub fn fail(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    /// From now on it works.
    pub fn heal(&self) {
        self.fail(Fault::None);
    }

    /// Refuses ranges of more blocks than this.
    pub fn limit_range(&self, blocks: u64, style: Style) {
        self.lock().max_range = Some((blocks, style));
    }

    /// Refuses answers with more logs than this.
    pub fn limit_results(&self, logs: usize, style: Style) {
        self.lock().max_results = Some((logs, style));
    }

    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// The oldest request that hangs, and whose sender still waits for the answer.
    pub fn hanging(&self) -> Option<u64> {
        self.lock().hanging.first().copied()
    }

    /// Waits until a head was given out; what the server makes of it comes later.
    pub fn wait_for_head(&self) {
        wait::until("the head to be asked for", || {
            let calls = self.calls();
            calls
                .iter()
                .any(|c| c.answered && c.method == "eth_blockNumber")
                .then_some(())
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }
}

impl Drop for FaultyRpc {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers requests on one connection until either side is done.
fn serve(stream: TcpStream, state: &Mutex<State>, stop: &AtomicBool) {
    let mut reader = BufReader::new(&stream);
    while let Some(body) = read_body(&mut reader) {
        let lock = || state.lock().expect("not poisoned");
        let (fault, upstream) = {
            let state = lock();
            (state.fault.clone(), state.upstream.clone())
        };
        let request: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let answer = match fault {
            Fault::Hang => {
                let number = {
                    let mut state = lock();
                    state.next += 1;
                    let number = state.next;
                    state.hanging.insert(number);
                    number
                };
                while !stop.load(Ordering::Relaxed) && lock().fault == Fault::Hang && waits(&stream)
                {
                }
                lock().hanging.remove(&number);
                note(state, &request, false);
                return;
            }
            Fault::Refuse => {
                note(state, &request, false);
                return;
            }
            Fault::RateLimited(after) => {
                let header = after.map_or(String::new(), |s| format!("Retry-After: {s}\r\n"));
                response(429, &header, b"Too many requests")
            }
            Fault::Status(status) => response(status, "", b"upstream connect error"),
            Fault::Html => response(
                200,
                "Content-Type: text/html\r\n",
                b"<html><body>Please wait</body></html>",
            ),
            _ => {
                let answers = forward(&upstream, &request, &body, state);
                let text = answers.to_string().into_bytes();
                let text = match fault {
                    Fault::Truncated => &text[..text.len() / 2],
                    _ => &text[..],
                };
                response(200, "Content-Type: application/json\r\n", text)
            }
        };
        let sent = (&stream).write_all(&answer).is_ok();
        let healthy = matches!(
            fault,
            Fault::None
                | Fault::ChainId(_)
                | Fault::Behind(_)
                | Fault::Head(_)
                | Fault::NonsenseAbout(_)
                | Fault::ErrorAbout(_)
                | Fault::OrphanAbout(_)
                | Fault::Fork(..)
                | Fault::BlockError(_)
                | Fault::Omits(_)
                | Fault::Denies(_)
        );
        note(state, &request, sent && healthy && !is_error(&answer));
        if !sent {
            return;
        }
    }
}

/// Whether the other side has not hung up; looks for a moment.
fn waits(stream: &TcpStream) -> bool {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    !matches!(stream.peek(&mut [0]), Ok(0))
}

/// Writes down what was asked.
fn note(state: &Mutex<State>, request: &Value, answered: bool) {
    let single = [request.clone()];
    let calls = request.as_array().map_or(&single[..], |batch| &batch[..]);
    let mut state = state.lock().expect("not poisoned");
    for call in calls {
        state.calls.push(Call {
            at: Instant::now(),
            method: call["method"].as_str().unwrap_or_default().to_owned(),
            params: call["params"].clone(),
            answered,
        });
    }
}

fn is_error(answer: &[u8]) -> bool {
    String::from_utf8_lossy(answer).contains("\"error\":")
}

/// The node's answer, spoiled as the fault and the limits say.
fn forward(upstream: &str, request: &Value, body: &[u8], state: &Mutex<State>) -> Value {
    let headers = [("content-type", "application/json")];
    let Ok(reply) = http::try_send("POST", upstream, &headers, body) else {
        return error(request, -32603, "the node is away");
    };
    let answer = reply.json();
    let state = state.lock().expect("not poisoned");
    match (request.as_array(), answer) {
        (Some(calls), Value::Array(answers)) => calls
            .iter()
            .zip(answers)
            .map(|(call, answer)| spoil(call, answer, &state))
            .collect(),
        (_, answer) => spoil(request, answer, &state),
    }
}

fn spoil(call: &Value, mut answer: Value, state: &State) -> Value {
    let method = call["method"].as_str().unwrap_or_default();
    let noted = Call {
        at: Instant::now(),
        method: method.to_owned(),
        params: call["params"].clone(),
        answered: false,
    };
    match (&state.fault, method) {
        (Fault::NodeError, _) => return error(call, -32000, "internal error: header not found"),
        (Fault::ChainId(id), "eth_chainId") => answer["result"] = json!(format!("{id:#x}")),
        (Fault::ChainId(id), "net_version") => answer["result"] = json!(id.to_string()),
        (Fault::Behind(blocks), "eth_blockNumber") => {
            let head = number(&answer["result"]).saturating_sub(*blocks);
            answer["result"] = json!(format!("{head:#x}"));
        }
        (Fault::Head(head), "eth_blockNumber") => {
            answer["result"] = json!(format!("{head:#x}"));
        }
        (Fault::Head(_), "eth_getLogs") if answer.get("error").is_some() => {
            return json!({"jsonrpc": "2.0", "id": call["id"], "result": []});
        }
        (Fault::NonsenseAbout(hash), "eth_getTransactionReceipt")
            if call["params"][0] == **hash =>
        {
            answer["result"] = json!({"transactionHash": "soon", "blockNumber": "0x1"});
        }
        (Fault::Omits(hash) | Fault::Denies(hash), "eth_getLogs") => {
            if let Some(logs) = answer["result"].as_array_mut() {
                logs.retain(|log| log["transactionHash"] != **hash);
            }
        }
        (Fault::Denies(hash), "eth_getTransactionReceipt") if call["params"][0] == **hash => {
            answer["result"] = Value::Null;
        }
        (Fault::OrphanAbout(hash), "eth_getTransactionReceipt") if call["params"][0] == **hash => {
            answer["result"]["blockHash"] = json!(format!("0x{}", "0f".repeat(32)));
        }
        (Fault::Fork(_, hash), "eth_getLogs") => {
            if let Some(logs) = answer["result"].as_array_mut() {
                logs.retain(|log| log["transactionHash"] != **hash);
            }
        }
        (Fault::Fork(_, hash), "eth_getTransactionReceipt") if call["params"][0] == **hash => {
            answer["result"] = Value::Null;
        }
        (Fault::Fork(from, _), "eth_getBlockByNumber") => {
            let block = &mut answer["result"];
            if block["number"].is_string() && number(&block["number"]) >= *from {
                block["hash"] = json!(format!(
                    "0x{:0>64}",
                    format!("f{:x}", number(&block["number"]))
                ));
            }
        }
        (Fault::ErrorAbout(hash), "eth_getTransactionReceipt") if call["params"][0] == **hash => {
            return error(call, -32000, "missing trie node");
        }
        _ => {}
    }
    let Some((from, to)) = noted.range() else {
        return answer;
    };
    if matches!(state.fault, Fault::BlockError(block) if (from..=to).contains(&block)) {
        return error(call, -32000, "failed to read the logs of a block");
    }
    if let Some((most, style)) = state.max_range
        && to >= from + most
    {
        return too_large(call, from, to, from + most - 1, most, style);
    }
    if let Some((most, style)) = state.max_results
        && answer["result"]
            .as_array()
            .is_some_and(|logs| logs.len() > most)
        && to > from
    {
        return too_many(call, from, to, most, style);
    }
    answer
}

/// The texts of real providers for a range that is too wide.
fn too_large(call: &Value, from: u64, to: u64, fits: u64, most: u64, style: Style) -> Value {
    match style {
        Style::PlainLimit => error(call, -32701, &format!("exceed maximum block range: {most}")),
        Style::Suggestion => error(
            call,
            -32600,
            &format!(
                "Under the Free tier plan, you can make eth_getLogs requests with up to a {most} block range. \
                 Based on your parameters, this block range should work: [{from:#x}, {fits:#x}]."
            ),
        ),
        Style::EchoedRange => error(
            call,
            -32602,
            &format!("query exceeds max block range {most}, retry with the range {from}-{to}"),
        ),
        Style::Http400 => error(
            call,
            35,
            &format!("ranges over {most} blocks are not supported on freetier"),
        ),
    }
}

/// The texts of real providers for too many results.
fn too_many(call: &Value, from: u64, to: u64, most: usize, style: Style) -> Value {
    let middle = from + (to - from) / 2;
    match style {
        Style::PlainLimit | Style::Http400 => error(
            call,
            -32005,
            &format!("query returned more than {most} results"),
        ),
        Style::Suggestion => error(
            call,
            -32005,
            &format!(
                "query returned more than {most} results. Try with this block range [{from:#x}, {middle:#x}]."
            ),
        ),
        Style::EchoedRange => error(
            call,
            -32602,
            &format!("query exceeds max results {most}, retry with the range {from}-{to}"),
        ),
    }
}

fn error(call: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}})
}

fn response(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    // dRPC's refusals come with another status than 200.
    let status = if String::from_utf8_lossy(body).contains("\"code\":35") {
        400
    } else {
        status
    };
    let head = format!(
        "HTTP/1.1 {status} Answer\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The body of the next request, if there is one.
fn read_body(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut length = 0;
    let mut any = false;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        if line.is_empty() && any {
            break;
        }
        any = true;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}
