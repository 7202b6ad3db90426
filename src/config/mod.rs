//! The configuration: TOML to a validated [`Config`].
//!
//! [`load`] reads a file, [`parse`] a text; both say everything that is wrong at once. [`built_in`] is the
//! registry of chains that needs no file.

mod admin_secret;
mod chains;
mod homes;
mod languages;
mod load;
mod network;
mod parse;
mod registry;
mod report;
mod section;
mod sections;
mod syntax;
#[cfg(test)]
mod tests;
mod value;
mod wallets;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use admin_secret::{hash_admin_secret, verify_admin_secret, weakness_of_admin_secret};
pub use languages::languages;
pub use load::{Loaded, database_path, load};
pub use parse::{Parsed, parse};
pub use registry::{BuiltIn, Native, built_in, of_one_worth};
pub use report::{ConfigError, ConfigErrors};
pub use sections::secret_in;

use crate::domain::address::Address;
use crate::domain::amount::Amount;
use crate::domain::registry::{Blockchain, Chain, Coin, Token};

/// Everything the file says, defaults filled in, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub admin: Admin,
    pub merchant: Merchant,
    pub orders: Orders,
    pub payments: Payments,
    pub retention: Retention,
    pub alerts: Option<Alerts>,
    pub webhooks: Webhooks,
    pub checkout: Checkout,
    pub wallets: Vec<Wallet>,
    /// The registry with the file's overrides and the file's own chains.
    pub chains: BTreeMap<Blockchain, ChainConfig>,
}

/// A text that must not be shown: `Debug` hides it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// An http(s) URL without a trailing slash.
    pub public_url: String,
    /// See [`Server::trusts`].
    pub trusted_proxies: Vec<IpNet>,
    pub metrics_listen: Option<SocketAddr>,
    pub max_connections: usize,
    /// Whether the file says so: then the owner wants to hear if it cannot be had.
    pub max_connections_is_chosen: bool,
    pub max_websockets_per_order: usize,
}

#[derive(Clone, Debug)]
pub struct Database {
    /// Made absolute: relative paths in the file are relative to the file.
    pub path: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Admin {
    /// An Argon2 PHC string: hashed at load where the file has it plain.
    pub secret_hash: String,
}

#[derive(Clone, Debug)]
pub struct Merchant {
    pub name: String,
    pub secret: Secret,
    pub previous_secret: Option<Secret>,
    /// Normalised: scheme, host and port if not the default one; no path.
    pub allowed_origins: Vec<String>,
    pub unknown_transfer_webhook_url: Option<String>,
    pub signature_max_age: Duration,
    pub checkout_signature_max_age: Duration,
}

#[derive(Clone, Debug)]
pub struct Orders {
    pub expires_after: Duration,
    pub accept_late: bool,
}

#[derive(Clone, Debug)]
pub struct Payments {
    pub unique_amounts: bool,
    pub max_tail: Amount,
    pub late_window: Duration,
    pub report_from: Amount,
    pub accept_other_chain: bool,
    pub agree_from: Option<Amount>,
}

#[derive(Clone, Debug)]
pub struct Retention {
    pub events: Duration,
    pub webhook_attempts: Duration,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alerts {
    pub url: String,
    pub format: String,
    pub on: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Webhooks {
    pub timeout: Duration,
    pub concurrency: usize,
    pub allow_private: bool,
    pub padded_signatures: bool,
}

#[derive(Clone, Debug)]
pub struct Checkout {
    pub enabled: bool,
    pub title: String,
    pub logo_url: Option<String>,
    pub accent: Option<String>,
    pub support_url: Option<String>,
    /// The languages to offer, the default one first; empty: all there are.
    pub languages: Vec<String>,
    /// Its files take the place of the embedded ones.
    pub override_dir: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct Wallet {
    pub blockchain: Blockchain,
    pub address: Address,
    pub enabled_coins: Vec<Coin>,
    /// Transaction hash: watching starts at its block.
    pub starting_tx: Option<String>,
}

/// A chain and how it is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainConfig {
    pub chain: Chain,
    pub poll_interval: Duration,
    pub idle_poll_interval: Duration,
    pub agreement: u32,
    /// In order of preference.
    pub providers: Vec<ProviderConfig>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    pub kind: ProviderKind,
    pub url: String,
    pub api_key: Option<Secret>,
    pub max_per_second: Option<f64>,
    /// The requests that its plan allows in a day: of the registry's own entries only.
    pub max_per_day: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    Rpc,
    Etherscan,
    Tronscan,
    Trongrid,
    /// The demo's chain; no file can name it.
    Simulated,
}

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for signing, comparing and authenticating only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Server {
    /// Whether an address is that of one of the merchant's own proxies.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut trusted = self.trusted_proxies.iter();
        trusted.any(|network| network.contains(&address))
    }
}

impl ChainConfig {
    /// How many hosts its providers have. Providers of one host are not independent of each other.
    pub fn provider_hosts(&self) -> usize {
        let places = self
            .providers
            .iter()
            .map(|p| value::HttpUrl::parse(&p.url).map(|url| url.place()));
        places.collect::<BTreeSet<_>>().len()
    }
}

impl Config {
    /// Listens elsewhere than the file says. A public URL that the file does not give follows.
    pub fn listen_on(&mut self, listen: SocketAddr) {
        if self.server.public_url == sections::local_url(self.server.listen) {
            self.server.public_url = sections::local_url(listen);
        }
        self.server.listen = listen;
    }

    /// The chain's configuration, if the name is known to the server.
    pub fn chain(&self, blockchain: &Blockchain) -> Option<&ChainConfig> {
        self.chains.get(blockchain)
    }

    /// The tokens of a chain that pay: enabled ones, of coins that a wallet there takes.
    pub fn paying_tokens<'a>(&'a self, chain: &'a ChainConfig) -> impl Iterator<Item = &'a Token> {
        let blockchain = &chain.chain.blockchain;
        let pays = move |token: &&Token| {
            token.enabled && self.wallets_for(blockchain, &token.coin).next().is_some()
        };
        chain.chain.tokens.iter().filter(pays)
    }

    /// The wallets of a chain that take a coin, in the file's order.
    pub fn wallets_for<'a>(
        &'a self,
        blockchain: &'a Blockchain,
        coin: &'a Coin,
    ) -> impl Iterator<Item = &'a Wallet> {
        self.wallets
            .iter()
            .filter(move |w| w.blockchain == *blockchain && w.enabled_coins.contains(coin))
    }
}
