//! Chains and their tokens: what the server knows about the world without asking it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::address::{Address, Family};

/// The short name of a chain on the wire, such as `eth` or `tron`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Blockchain(Arc<str>);

/// The symbol of a stablecoin on the wire, such as `USDT`. One coin can have several contracts on a chain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Coin(Arc<str>);

macro_rules! short_name {
    ($name:ident) => {
        impl $name {
            pub fn new(name: &str) -> Self {
                Self(name.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
short_name!(Blockchain);
short_name!(Coin);

/// One contract that counts as a coin on a chain. The contract decides what a token is;
/// names, symbols and decimals that a chain reports never do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    pub coin: Coin,
    pub contract: Address,
    pub decimals: u8,
    /// What distinguishes contracts of one coin to people: "native", "bridged (USDC.e)".
    pub label: String,
    /// Whether a transfer of it pays. Others are recorded and reported as unknown transfers.
    pub enabled: bool,
}

/// When a transfer is safe from reorganisations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfirmationRule {
    /// This many blocks deep, the transfer's own block counted.
    Depth(u32),
    /// At or below the block that the chain calls finalized (Tron: solid).
    /// `usual` is how deep that block usually is: shown to shoppers, and the rule where a node lacks the tag.
    Finalized { usual: u32 },
}

impl ConfirmationRule {
    /// The number of confirmations shown as required.
    pub fn required(self) -> u32 {
        match self {
            Self::Depth(depth) => depth,
            Self::Finalized { usual } => usual,
        }
    }
}

/// A chain as the rules about money need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    pub blockchain: Blockchain,
    pub family: Family,
    /// For people: "Ethereum".
    pub name: String,
    /// EIP-155 chain id, as `eth_chainId` answers it (Tron too).
    pub chain_id: u64,
    /// Usual time between blocks.
    pub block_time: Duration,
    /// Whether blocks come whether or not anybody sends anything, as on all public chains. On others a head that does not
    /// move says nothing.
    pub steady: bool,
    pub confirmations: ConfirmationRule,
    /// Link to a transaction, with `{hash}` in the place of its hash.
    pub explorer_tx_url: Option<String>,
    pub tokens: Vec<Token>,
}

impl Chain {
    /// How many blocks usually come in some time.
    pub fn blocks_in(&self, time: Duration) -> u64 {
        let blocks = time.as_millis() / self.block_time.as_millis().max(1);
        u64::try_from(blocks).unwrap_or(u64::MAX)
    }

    /// The token with this contract, if the chain knows it.
    pub fn token(&self, contract: &Address) -> Option<&Token> {
        self.tokens.iter().find(|t| t.contract == *contract)
    }

    /// The coin's contracts that pay, the preferred one first.
    pub fn payable<'a>(&'a self, coin: &'a Coin) -> impl Iterator<Item = &'a Token> {
        self.tokens
            .iter()
            .filter(move |t| t.coin == *coin && t.enabled)
    }

    /// Where people can look at a transaction.
    pub fn explorer_link(&self, txn_hash: &str) -> Option<String> {
        self.explorer_tx_url
            .as_ref()
            .map(|url| url.replace("{hash}", txn_hash))
    }
}

/// All chains by name.
pub type Registry = BTreeMap<Blockchain, Chain>;
