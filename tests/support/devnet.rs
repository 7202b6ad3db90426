//! A local chain with two stablecoins and wallets of the merchant's on it.

use serde_json::Value;

use super::anvil::Anvil;
use super::config::{Chain, Config, Wallet};
use super::explorers::{hex_address, tron_address};
use super::kind::Kind;
use super::token::Token;

/// The node and what is on it.
pub struct Devnet {
    pub name: String,
    pub anvil: Anvil,
    /// 6 decimals.
    pub usdt: Token,
    /// 18 decimals.
    pub dai: Token,
    /// The merchant's wallet, in hex on every chain.
    pub wallet: String,
    /// Whether the server takes it for a Tron chain.
    pub tron: bool,
}

impl Devnet {
    pub fn start(name: &str, chain_id: u64) -> Self {
        Self::on(name, Anvil::start(chain_id))
    }

    /// Deploys the tokens on a node of one's own making.
    pub fn on(name: &str, anvil: Anvil) -> Self {
        let usdt = Token::deploy(&anvil, "USDT", 6);
        let dai = Token::deploy(&anvil, "DAI", 18);
        Self {
            name: name.to_owned(),
            anvil,
            usdt,
            dai,
            wallet: wallet_address(1),
            tron: false,
        }
    }

    /// The same chain, as one of the family that this kind of provider tells of.
    pub fn for_kind(self, kind: Kind) -> Self {
        Self {
            tron: kind.is_tron(),
            ..self
        }
    }

    /// An address as the server and its users write it.
    pub fn address(&self, hex: &str) -> String {
        match self.tron {
            true => tron_address(hex),
            false => hex.to_owned(),
        }
    }

    /// A transaction's hash as the server and its users write it.
    pub fn hash(&self, hash: &str) -> String {
        match self.tron {
            true => hash.trim_start_matches("0x").to_owned(),
            false => hash.to_owned(),
        }
    }

    /// The token of a symbol.
    pub fn token(&self, symbol: &str) -> &Token {
        match symbol {
            "USDT" => &self.usdt,
            "DAI" => &self.dai,
            other => panic!("no token {other}"),
        }
    }

    /// Adds the chain, asked at `url`, and the wallet to a configuration.
    pub fn add_to(&self, config: &mut Config, url: &str) {
        config.chains.push(Chain {
            name: self.name.clone(),
            kind: if self.tron { "tron" } else { "evm" }.to_owned(),
            chain_id: self.anvil.chain_id,
            confirmations: "3".to_owned(),
            agreement: 1,
            idle_poll_interval: "500ms".to_owned(),
            urls: vec![url.to_owned()],
            explorers: Vec::new(),
            last_urls: Vec::new(),
            tokens: vec![
                (
                    "USDT".to_owned(),
                    vec![self.address(&self.usdt.contract)],
                    6,
                ),
                ("DAI".to_owned(), vec![self.address(&self.dai.contract)], 18),
            ],
        });
        config.wallets.push(Wallet {
            blockchain: self.name.clone(),
            address: self.address(&self.wallet),
            coins: vec!["USDT".to_owned(), "DAI".to_owned()],
            starting_tx: None,
        });
    }

    /// Sends exactly what a deposit (the answer of `/payment`) asks for, from the tokens' owner. Gives the hash as the server
    /// writes it.
    pub fn pay(&self, deposit: &Value) -> String {
        self.pay_from(&self.anvil.account(0), deposit)
    }

    pub fn pay_from(&self, from: &str, deposit: &Value) -> String {
        let hash = self.submit(from, deposit);
        self.anvil.receipt(&hash);
        hash
    }

    /// The same without waiting for a block.
    pub fn submit(&self, from: &str, deposit: &Value) -> String {
        let token = self.token(text(deposit, "stablecoin"));
        let units = token.units(text(deposit, "amount"));
        let to = text(deposit, "wallet_address");
        let to = match self.tron {
            true => hex_address(to),
            false => to.to_owned(),
        };
        self.hash(&token.submit(&self.anvil, from, &to, units))
    }
}

/// An address of the merchant's, whose key nobody needs.
pub fn wallet_address(index: u8) -> String {
    format!("0x{}{index:02x}", "5e".repeat(19))
}

/// A text field; panics where it is none.
#[track_caller]
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {value}"))
}
