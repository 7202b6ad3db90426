//! Explorers over a real node: Etherscan V2, TronGrid and Tronscan, as they are documented, with their limits and
//! their ways of failing. A Tron address is the same twenty bytes, and the node's token plays TRC-20.

mod etherscan;
mod index;
mod trongrid;
mod tronscan;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use self::index::Index;
use super::incoming::Incoming;
use super::{net, wait};

/// The key that every explorer knows.
pub const KEY: &str = "KEY0123456789ABCDEF";

/// Which one it is, by the name that configurations have for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    Etherscan,
    TronGrid,
    Tronscan,
}

/// How it fails at the moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Takes requests and never answers.
    Hang,
    /// Closes connections at once.
    Refuse,
    /// Any status with a text that is no JSON.
    Status(u16),
    /// 200 and a web page.
    Html,
    /// 200 and the first half of the answer.
    Truncated,
    /// What it says when it was asked too often.
    RateLimited,
    /// What it says to a key that it does not know.
    WrongKey,
    /// Etherscan: a chain that the key's plan does not cover.
    NotInPlan,
    /// Etherscan: busy.
    Unavailable,
    /// Etherscan: too slow for its own database.
    QueryTimeout,
    /// `null` or nothing in the place of what was asked for.
    Null,
    /// Lists without anything in them.
    EmptyLists,
    /// An index so many blocks behind its node.
    IndexLags(u64),
    /// Another chain's explorer.
    ChainId(u64),
    /// A list with a transaction that nobody else knows.
    Invents,
}

/// One request and how it went.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The action or path.
    pub what: String,
    /// Whether the answer was in order.
    pub answered: bool,
}

/// What one request is answered.
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn new(status: u16, body: impl ToString) -> Self {
        Self {
            status,
            body: body.to_string(),
        }
    }

    fn json(body: Value) -> Self {
        Self::new(200, body)
    }
}

/// What the modules of this folder answer from.
struct State {
    site: Site,
    node: String,
    chain_id: u64,
    index: Index,
    trouble: Option<Trouble>,
    /// Rows in a page at most, whatever is asked for.
    page_limit: usize,
    /// Blocks between the newest one and the newest one that is final.
    final_lag: u64,
    /// Seconds that its clock is ahead of ours.
    clock_ahead: u64,
    asked: Vec<Asked>,
}

/// A running explorer; it stops when dropped.
pub struct Explorer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl Explorer {
    /// Tells of a node's chain. What is three blocks deep is final.
    pub fn start(site: Site, node: &str, chain_id: u64) -> Self {
        let listener = net::listener();
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State {
            site,
            node: node.to_owned(),
            chain_id,
            index: Index::default(),
            trouble: None,
            page_limit: usize::MAX,
            final_lag: 2,
            // The server leaves the last five seconds of Etherscan's index alone; tests need not wait for them.
            clock_ahead: 6,
            asked: Vec::new(),
        }));
        let stop = Arc::<AtomicBool>::default();
        let (thread_state, thread_stop) = (state.clone(), stop.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if thread_stop.load(Ordering::Relaxed) {
                    return;
                }
                let (state, stop) = (thread_state.clone(), thread_stop.clone());
                thread::spawn(move || serve(&stream, &state, &stop));
            }
        });
        Self {
            address,
            state,
            stop,
        }
    }

    /// The provider's kind, as configurations name it.
    pub fn kind(&self) -> &'static str {
        match self.lock().site {
            Site::Etherscan => "etherscan",
            Site::TronGrid => "trongrid",
            Site::Tronscan => "tronscan",
        }
    }

    /// The provider's URL, as configurations have it.
    pub fn url(&self) -> String {
        let path = match self.lock().site {
            Site::Etherscan => "/v2/api",
            Site::TronGrid | Site::Tronscan => "",
        };
        format!("http://{}{path}", self.address)
    }

    /// The provider as configurations list it: kind, URL and key.
    pub fn entry(&self) -> (String, String, String) {
        (self.kind().to_owned(), self.url(), KEY.to_owned())
    }

    /// The JSON-RPC endpoint beside TronGrid's own API.
    pub fn json_rpc_url(&self) -> String {
        format!("http://{}/jsonrpc", self.address)
    }

    /// From now on it fails like this.
    pub fn fail(&self, trouble: Trouble) {
        self.lock().trouble = Some(trouble);
    }

    /// From now on it works.
    pub fn heal(&self) {
        self.lock().trouble = None;
    }

    /// Cuts pages shorter than they were asked for.
    pub fn limit_pages(&self, rows: usize) {
        self.lock().page_limit = rows;
    }

    /// Sets how many seconds its clock is ahead of ours.
    pub fn set_clock_ahead(&self, seconds: u64) {
        self.lock().clock_ahead = seconds;
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    pub fn forget_asked(&self) {
        self.lock().asked.clear();
    }

    /// Waits until so many requests met with the trouble.
    pub fn wait_for_failures(&self, count: usize) {
        wait::until(&format!("{count} failed requests"), || {
            let failed = self.lock().asked.iter().filter(|a| !a.answered).count();
            (failed >= count).then_some(())
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    /// The newest block that its lists know.
    fn indexed(&self) -> u64 {
        match self.trouble {
            Some(Trouble::IndexLags(blocks)) => self.index.head().saturating_sub(blocks),
            _ => self.index.head(),
        }
    }

    fn last_final(&self) -> u64 {
        self.index.head().saturating_sub(self.final_lag)
    }

    /// The chain id that it is asked about, or answers for.
    fn told_chain_id(&self) -> u64 {
        match self.trouble {
            Some(Trouble::ChainId(id)) => id,
            _ => self.chain_id,
        }
    }

    /// A page's rows: what was asked for, but no more than the documented maximum and the limit of the day.
    fn page(&self, asked: Option<u64>, usual: usize, most: usize) -> usize {
        let asked = asked.map_or(usual, |asked| asked as usize);
        asked.min(most).min(self.page_limit)
    }
}

/// Answers one request.
fn serve(mut stream: &TcpStream, state: &Mutex<State>, stop: &AtomicBool) {
    let Some(request) = Incoming::read(stream) else {
        return;
    };
    let lock = || state.lock().expect("not poisoned");
    let trouble = lock().trouble.clone();
    if let Some(Trouble::Hang | Trouble::Refuse) = trouble {
        note(&mut lock(), &request, false);
        while trouble == Some(Trouble::Hang)
            && !stop.load(Ordering::Relaxed)
            && lock().trouble == trouble
        {
            thread::sleep(Duration::from_millis(50));
        }
        return;
    }
    let answer = answer(&mut lock(), &request);
    let head = format!(
        "HTTP/1.1 {} Answer\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        answer.status,
        answer.body.len()
    );
    let sent = stream.write_all(format!("{head}{}", answer.body).as_bytes());
    let spoiled = trouble.is_some_and(|t| !matches!(t, Trouble::IndexLags(_)));
    note(&mut lock(), &request, sent.is_ok() && !spoiled);
}

fn answer(state: &mut State, request: &Incoming) -> Answer {
    let trouble = state.trouble.clone();
    match &trouble {
        Some(Trouble::Status(status)) => return Answer::new(*status, "upstream connect error"),
        Some(Trouble::Html) => return Answer::new(200, "<html><body>Please wait</body></html>"),
        _ => {}
    }
    let node = state.node.clone();
    if state.index.sync(&node).is_none() {
        return Answer::new(502, "the node is away");
    }
    let mut answer = match state.site {
        Site::Etherscan => etherscan::answer(state, request),
        Site::TronGrid => trongrid::answer(state, request),
        Site::Tronscan => tronscan::answer(state, request),
    };
    if trouble == Some(Trouble::Truncated) {
        answer.body.truncate(answer.body.len() / 2);
    }
    answer
}

/// Writes down what was asked.
fn note(state: &mut State, request: &Incoming, answered: bool) {
    let action = request.query("action");
    let what = if action.is_empty() {
        request.path().to_owned()
    } else {
        action
    };
    state.asked.push(Asked { what, answered });
}

/// The base58 form of a 20-byte address in hex.
pub fn tron_address(hex_address: &str) -> String {
    let mut bytes = vec![0x41];
    bytes.extend(hex::decode(hex_address.trim_start_matches("0x")).expect("hex"));
    bs58::encode(bytes).with_check().into_string()
}

/// The 20 bytes of a Tron address as hex with 0x.
pub fn hex_address(tron_address: &str) -> String {
    let decoded = bs58::decode(tron_address).with_check(Some(0x41)).into_vec();
    format!("0x{}", hex::encode(&decoded.expect("a Tron address")[1..]))
}

/// A block's hash as Tron writes it: it begins with the number, and that of the first block ends with the chain's id.
fn tron_block_id(number: u64, hash: &str, chain_id: u64) -> String {
    match number {
        0 => format!("{number:016x}{}{chain_id:08x}", &hash[16..56]),
        _ => format!("{number:016x}{}", &hash[16..]),
    }
}
