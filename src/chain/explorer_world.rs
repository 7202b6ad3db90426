//! One chain in memory for tests, and servers that tell of it: a node, an explorer like Etherscan, TronGrid and
//! Tronscan. They speak the documented formats, keep to the documented limits, and fail on demand.

mod etherscan;
mod node;
pub mod tron_sites;
mod trongrid;
mod tronscan;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use proptest::prelude::*;
use sha3::{Digest, Keccak256};

use super::http::{HttpClient, KeyHeader, Timeouts};
use super::scripted::{Answer, Asked, Scripted};
use super::{Provider, Scan};
use crate::config::{ProviderConfig, Secret};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer};

/// The key that every server of the world knows.
pub const KEY: &str = "KEY0123456789ABCDEF";

/// A handle to the chain. Copies are handles to the same one.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

pub struct State {
    pub family: Family,
    pub chain_id: u64,
    /// By number, from 0 to the head.
    pub blocks: Vec<Block>,
    /// Rows in a page at most, whatever is asked for.
    pub page_limit: usize,
    /// Blocks that the explorers' indexes are behind the nodes.
    pub index_lag: u64,
    /// Blocks between the newest and the newest final one.
    pub final_lag: u64,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub time: i64,
    /// Tells blocks at one height apart.
    pub fork: u64,
    pub transactions: Vec<Txn>,
}

#[derive(Clone, Debug)]
pub struct Txn {
    pub hash: String,
    pub outcome: Outcome,
    pub events: Vec<Event>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Succeeded,
    OutOfEnergy,
    Reverted,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub contract: Address,
    pub sender: Address,
    pub recipient: Address,
    pub units: u128,
}

/// An event and where it is, as an explorer's list has it: those of failed calls are among them.
pub struct Row {
    pub number: u64,
    pub time: i64,
    pub block_hash: String,
    pub txn_hash: String,
    pub outcome: Outcome,
    pub event: Event,
}

impl World {
    /// A chain of `length` blocks without transactions.
    pub fn new(family: Family, length: usize) -> Self {
        let (chain_id, block_time) = match family {
            Family::Evm => (137, 2),
            Family::Tron => (0x2b66_53dc, 3),
        };
        let block = |number: usize| Block {
            time: 1_700_000_001 + block_time * number as i64,
            fork: 0,
            transactions: vec![],
        };
        Self(Arc::new(Mutex::new(State {
            family,
            chain_id,
            blocks: (0..length).map(block).collect(),
            page_limit: 10_000,
            index_lag: 0,
            final_lag: 19,
        })))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Puts one transaction with these transfers, from account 9, into a block.
    pub fn pay(&self, number: usize, transfers: &[(u8, u8, u128)]) -> String {
        self.mine(number, Outcome::Succeeded, transfers)
    }

    /// A transaction with these transfers (contract, wallet, units), however it ends. Returns its hash.
    pub fn mine(&self, number: usize, outcome: Outcome, transfers: &[(u8, u8, u128)]) -> String {
        let mut state = self.state();
        let account = |n| Address::new(state.family, [n; 20]);
        let event = |(contract, wallet, units): &(u8, u8, u128)| Event {
            contract: account(*contract),
            sender: account(9),
            recipient: account(*wallet),
            units: *units,
        };
        let events = transfers.iter().map(event).collect();
        let hash = state
            .blocks
            .iter()
            .map(|b| b.transactions.len())
            .sum::<usize>() as u64;
        let hash = state.hash(hash);
        state.blocks[number].transactions.push(Txn {
            hash: hash.clone(),
            outcome,
            events,
        });
        hash
    }

    /// A server that answers so, unless `fault` says otherwise.
    pub fn serve(
        &self,
        answer: fn(&State, &Request) -> Answer,
        fault: impl Fn(&Request) -> Option<Answer> + Send + 'static,
    ) -> Scripted {
        let world = self.clone();
        Scripted::start(move |asked| {
            let request = Request::of(asked);
            fault(&request).unwrap_or_else(|| answer(&world.state(), &request))
        })
    }

    pub fn node(&self) -> Scripted {
        self.serve(node::answer, |_| None)
    }

    pub fn etherscan(&self) -> Scripted {
        self.serve(etherscan::answer, |_| None)
    }

    pub fn trongrid(&self) -> Scripted {
        self.serve(trongrid::answer, |_| None)
    }

    pub fn tronscan(&self) -> Scripted {
        self.serve(tronscan::answer, |_| None)
    }
}

pub use etherscan::answer as etherscan;
pub use node::answer as json_rpc;
pub use trongrid::answer as trongrid;
pub use tronscan::answer as tronscan;

impl State {
    pub fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub fn indexed(&self) -> u64 {
        self.head().saturating_sub(self.index_lag)
    }

    pub fn last_final(&self) -> u64 {
        self.head().saturating_sub(self.final_lag)
    }

    pub fn hash(&self, number: u64) -> String {
        let digits = hex::encode(Keccak256::digest(format!("transaction {number}")));
        self.prefixed(&digits)
    }

    /// Tron's begin with the number, and that of the first block ends with the chain's id.
    pub fn block_hash(&self, number: u64) -> String {
        let fork = self.blocks[number as usize].fork;
        let digits = hex::encode(Keccak256::digest(format!("block {number} {fork}")));
        match self.family {
            Family::Evm => self.prefixed(&digits),
            Family::Tron if number == 0 => {
                format!("{number:016x}{}{:08x}", &digits[16..56], self.chain_id)
            }
            Family::Tron => format!("{number:016x}{}", &digits[16..]),
        }
    }

    fn prefixed(&self, digits: &str) -> String {
        match self.family {
            Family::Evm => format!("0x{digits}"),
            Family::Tron => digits.to_owned(),
        }
    }

    pub fn block(&self, number: u64) -> Option<BlockRef> {
        let block = self.blocks.get(number as usize)?;
        Some(BlockRef {
            number,
            hash: self.block_hash(number),
            timestamp: block.time,
        })
    }

    /// A mined transaction and the number of its block.
    pub fn transaction(&self, hash: &str) -> Option<(u64, &Txn)> {
        let numbered = self.blocks.iter().enumerate();
        let mut all = numbered.flat_map(|(n, b)| b.transactions.iter().map(move |t| (n as u64, t)));
        let wanted = hash.trim_start_matches("0x");
        all.find(|(_, t)| t.hash.trim_start_matches("0x") == wanted)
    }

    /// What an index lists for an account, in the order of the chain.
    pub fn rows(&self, account: &str) -> Vec<Row> {
        let account: Address = account.parse().unwrap();
        let mut rows = Vec::new();
        for number in 0..=self.indexed() {
            let block = &self.blocks[number as usize];
            let block_hash = self.block_hash(number);
            for txn in &block.transactions {
                for event in &txn.events {
                    if event.sender != account && event.recipient != account {
                        continue;
                    }
                    rows.push(Row {
                        number,
                        time: block.time,
                        block_hash: block_hash.clone(),
                        txn_hash: txn.hash.clone(),
                        outcome: txn.outcome,
                        event: event.clone(),
                    });
                }
            }
        }
        rows
    }
}

/// A request, taken apart.
#[derive(Clone)]
pub struct Request {
    pub path: String,
    pub query: HashMap<String, String>,
    pub body: serde_json::Value,
    pub head: String,
}

impl Request {
    fn of(asked: &Asked) -> Self {
        let target = asked.head.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.to_owned(), value.to_owned())
        };
        Self {
            path: path.to_owned(),
            query: query.split('&').map(pair).collect(),
            body: asked.body.clone(),
            head: asked.head.to_lowercase(),
        }
    }

    pub fn text(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// The number of a page's rows.
    pub fn limit(&self, name: &str, usual: usize, state: &State) -> usize {
        let asked = self.number(name).map_or(usual, |limit| limit as usize);
        asked.min(state.page_limit)
    }
}

/// The text of an answer, to be changed.
pub fn body_of(answer: Answer) -> String {
    match answer {
        Answer::Reply { body, .. } => String::from_utf8(body).unwrap(),
        _ => panic!("an answer without a body"),
    }
}

/// A provider's entry with the key.
pub fn entry(server: &Scripted) -> ProviderConfig {
    ProviderConfig {
        api_key: Some(Secret::new(KEY)),
        ..server.entry()
    }
}

/// The connection to a server of the world.
pub fn http(server: &Scripted, header: KeyHeader) -> HttpClient {
    HttpClient::new(&entry(server), header, Timeouts::default())
}

/// Wallets 7 and 8, contracts 1 and 2.
pub fn ask(family: Family, from: u64, to: u64) -> Scan {
    let account = |n| Address::new(family, [n; 20]);
    Scan {
        from,
        to,
        recipients: vec![account(7), account(8)],
        contracts: vec![account(1), account(2)],
    }
}

/// All that a provider finds, asked as a pass asks.
pub fn scan_all(provider: &dyn Provider, ask: &Scan) -> Vec<ChainTransfer> {
    let mut found = Vec::new();
    let mut from = ask.from;
    while from <= ask.to {
        let scanned = provider
            .scan(&Scan {
                from,
                ..ask.clone()
            })
            .unwrap();
        let range = from..=ask.to;
        assert!(
            range.contains(&scanned.through),
            "{range:?} {}",
            scanned.through
        );
        let covered = from..=scanned.through;
        let numbers: Vec<u64> = scanned.transfers.iter().map(|t| t.block.number).collect();
        assert!(
            numbers.iter().all(|n| covered.contains(n)),
            "{numbers:?} {covered:?}"
        );
        assert!(numbers.is_sorted(), "{numbers:?}");
        found.extend(scanned.transfers);
        from = scanned.through + 1;
    }
    found
}

/// The same in an order that does not depend on who told: some do not know the order within a block.
pub fn sorted(mut transfers: Vec<ChainTransfer>) -> Vec<ChainTransfer> {
    transfers.sort_by_key(|t| format!("{:?}", (t.block.number, &t.id)));
    transfers
}

/// Chains of up to 60 blocks: most blocks empty, some with a few transfers, now and then one with more than a page of
/// them; equal ones, worthless ones, foreign ones, failed ones.
pub fn any_world(family: Family, most_in_a_block: usize) -> impl Strategy<Value = World> {
    let event = (1u8..4, 5u8..9, 5u8..9, 0u128..4);
    let outcome = prop_oneof![
        6 => Just(Outcome::Succeeded),
        1 => Just(Outcome::OutOfEnergy),
        1 => Just(Outcome::Reverted),
    ];
    let txn = (outcome, proptest::collection::vec(event, 0..4));
    let many = proptest::collection::vec(txn.clone(), most_in_a_block / 2..most_in_a_block);
    let block = prop_oneof![
        20 => Just(vec![]),
        10 => proptest::collection::vec(txn, 1..4),
        1 => many,
    ];
    let missed = proptest::collection::vec(prop_oneof![4 => Just(0i64), 1 => 1i64..30], 60);
    (proptest::collection::vec(block, 1..60), missed).prop_map(move |(blocks, missed)| {
        let world = World::new(family, blocks.len());
        let mut hash = 0;
        let mut late = 0;
        let mut state = world.state();
        let account = |n| Address::new(family, [n; 20]);
        for (number, transactions) in blocks.into_iter().enumerate().skip(1) {
            late += 3 * missed[number];
            state.blocks[number].time += late;
            for (outcome, events) in transactions {
                let event = |(contract, sender, recipient, units)| Event {
                    contract: account(contract),
                    sender: account(sender),
                    recipient: account(recipient),
                    units,
                };
                let events = events.into_iter().map(event).collect();
                hash += 1;
                let hash = state.hash(hash);
                state.blocks[number].transactions.push(Txn {
                    hash,
                    outcome,
                    events,
                });
            }
        }
        drop(state);
        world
    })
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.state().blocks)
    }
}
