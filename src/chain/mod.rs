//! The only code that knows what an RPC or an explorer speaks.
//!
//! A provider answers about one chain. Its calls block, so they run on threads that may wait, never on
//! the async runtime, and never while a transaction is open. An error is never "no transfers".

mod budget;
#[cfg(test)]
mod costs;
pub mod daily;
mod etherscan;
mod etherscan_api;
mod evm_log;
mod evm_probe;
mod evm_rpc;
mod evm_scan;
#[cfg(test)]
mod explorer_world;
mod health;
mod http;
mod json_rpc;
mod listing;
pub mod meter;
pub mod pool;
mod refusals;
mod rest;
mod retry_after;
#[cfg(test)]
mod scripted;
pub mod simulated;
mod span;
mod tron_node;
mod trongrid;
mod tronscan;

use std::sync::Arc;
use std::time::Duration;

use self::etherscan::Etherscan;
use self::evm_rpc::EvmRpc;
use self::http::{HttpClient, KeyHeader, Timeouts};
use self::meter::Meter;
use self::simulated::SimulatedChain;
use self::trongrid::TronGrid;
use self::tronscan::Tronscan;
use crate::config::{ChainConfig, ProviderConfig, ProviderKind};
use crate::domain::address::{Address, Family};
pub use crate::domain::confirmation::Receipt;
use crate::domain::transfer::{BlockRef, ChainTransfer};

/// One source of truth about one chain.
pub trait Provider: Send + Sync {
    /// Its kind and host, for logs and the admin: never its key or path.
    fn label(&self) -> &str;

    /// Who runs it: providers of one host are one witness.
    fn host(&self) -> &str {
        let label = self.label();
        label.split_once(' ').map_or(label, |(_, host)| host)
    }

    /// The number of the newest block. Verifies the chain id first, if that has not been done since the
    /// last [`Provider::distrust`].
    fn head(&self) -> Result<u64, ProviderError>;

    /// The number of the newest block that the chain calls final; `None` where the provider has no such notion. One that told of
    /// such a block before has it: from then on anything else is an error.
    fn finalized(&self) -> Result<Option<u64>, ProviderError>;

    /// The transfers in a range of blocks. May cover less than was asked, but at least one block.
    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError>;

    /// The canonical block at a height; `None` if the provider does not have it.
    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError>;

    /// What became of a transaction; `None` if the provider does not know it.
    /// Carries all transfers to `recipients` in it, by any contract. Its block is the canonical one at its height: a
    /// provider that finds another block there answers with an error.
    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError>;

    /// How many decimals a token's contract says it has; `None` where the provider has no way to ask it.
    /// A contract that is no token is a bad answer.
    fn decimals(&self, _contract: &Address) -> Result<Option<u8>, ProviderError> {
        Ok(None)
    }

    /// How many blocks of the range, counted back from its end, one request covers; `None` where what it lists is
    /// not limited by blocks.
    fn longest_range(&self, _ask: &Scan) -> Result<Option<u64>, ProviderError> {
        Ok(None)
    }

    /// Forgets what was verified, so that the next call checks the chain id again: called after a failover.
    fn distrust(&self);

    /// Counts its requests; `None` for one that needs none.
    fn meter(&self) -> Option<&Meter> {
        None
    }
}

/// A question for transfers, in blocks `from..=to`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scan {
    pub from: u64,
    pub to: u64,
    pub recipients: Vec<Address>,
    pub contracts: Vec<Address>,
}

/// The answer: every transfer in `from..=through`, in the order of the chain, ordinals given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scanned {
    pub through: u64,
    pub transfers: Vec<ChainTransfer>,
}

/// Why a provider gave no answer. Messages are one line and carry no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("rate limited: {message}")]
    RateLimited {
        message: String,
        retry_after: Option<Duration>,
    },
    /// A wrong key, a plan that does not cover the chain: asking again will not help soon.
    #[error("refused: {0}")]
    Refused(String),
    /// Anything that is no proper answer: HTML, truncated JSON, an unknown error, a missing block.
    #[error("bad answer: {0}")]
    BadAnswer(String),
    #[error("wrong chain: its chain id is {found}, expected {expected}")]
    WrongChain { expected: u64, found: u64 },
}

/// The providers of one chain, in order of preference.
pub struct Connected {
    pub providers: Vec<Arc<dyn Provider>>,
    /// The kinds of those entries that this version cannot use.
    pub skipped: Vec<&'static str>,
}

/// Makes the providers that a chain's configuration lists. Asks none of them anything yet.
/// `simulated` is the demo's chain, for entries of that kind.
pub fn connect(chain: &ChainConfig, simulated: Option<&SimulatedChain>) -> Connected {
    let mut connected = Connected {
        providers: Vec::new(),
        skipped: Vec::new(),
    };
    for entry in &chain.providers {
        match driver(chain, entry, simulated) {
            Some(provider) => connected.providers.push(provider),
            None => connected.skipped.push(kind_name(entry.kind)),
        }
    }
    connected
}

/// How TronGrid and Tronscan take their keys.
const TRON_KEY: KeyHeader = KeyHeader::Named("TRON-PRO-API-KEY");

/// The list of drivers: a new kind of provider is one file and one line here.
fn driver(
    chain: &ChainConfig,
    entry: &ProviderConfig,
    simulated: Option<&SimulatedChain>,
) -> Option<Arc<dyn Provider>> {
    let (family, chain_id) = (chain.chain.family, chain.chain.chain_id);
    let http = |header| HttpClient::new(entry, header, Timeouts::default());
    Some(match entry.kind {
        ProviderKind::Rpc => {
            // TronGrid's own header; the others that take a key outside the URL take a bearer token.
            let header = match family {
                Family::Evm => KeyHeader::Bearer,
                Family::Tron => TRON_KEY,
            };
            Arc::new(EvmRpc::new(http(header), family, chain_id))
        }
        ProviderKind::Etherscan => {
            let key = entry.api_key.clone();
            Arc::new(Etherscan::new(http(KeyHeader::No), key, chain_id))
        }
        ProviderKind::Tronscan => Arc::new(Tronscan::new(http(TRON_KEY), chain_id)),
        ProviderKind::Trongrid => Arc::new(TronGrid::new(http(TRON_KEY), chain_id)),
        ProviderKind::Simulated => Arc::new(simulated?.clone()),
    })
}

/// A kind as the configuration writes it.
fn kind_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Rpc => "rpc",
        ProviderKind::Etherscan => "etherscan",
        ProviderKind::Tronscan => "tronscan",
        ProviderKind::Trongrid => "trongrid",
        ProviderKind::Simulated => "simulated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::domain::registry::Blockchain;

    #[test]
    fn every_kind_that_a_file_can_name_has_a_driver() {
        let tron = crate::config::built_in()[&Blockchain::new("tron")]
            .chain
            .clone();
        let entry = |kind| ProviderConfig {
            kind,
            url: "https://provider.example/key-0123456789".to_owned(),
            api_key: Some(Secret::new("key-9876543210")),
            max_per_second: Some(3.0),
            max_per_day: None,
        };
        let kinds = [
            ProviderKind::Rpc,
            ProviderKind::Etherscan,
            ProviderKind::Tronscan,
            ProviderKind::Trongrid,
            ProviderKind::Simulated,
        ];
        let chain = ChainConfig {
            chain: tron,
            poll_interval: Duration::from_secs(4),
            idle_poll_interval: Duration::from_secs(60),
            agreement: 1,
            providers: kinds.map(entry).to_vec(),
        };
        let connected = connect(&chain, None);
        let labels: Vec<&str> = connected.providers.iter().map(|p| p.label()).collect();
        let host = |kind: &str| format!("{kind} provider.example");
        assert_eq!(
            labels,
            ["rpc", "etherscan", "tronscan", "trongrid"].map(host)
        );
        assert_eq!(connected.skipped, ["simulated"]);
    }
}
