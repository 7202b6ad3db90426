//! A local chain with two stablecoins and wallets of the merchant's on it.

use serde_json::Value;

use super::anvil::Anvil;
use super::config::{Chain, Config, Wallet};
use super::token::Token;

/// The node and what is on it.
pub struct Devnet {
    pub name: String,
    pub anvil: Anvil,
    /// 6 decimals.
    pub usdt: Token,
    /// 18 decimals.
    pub dai: Token,
    /// The merchant's wallet.
    pub wallet: String,
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
            kind: "evm".to_owned(),
            chain_id: self.anvil.chain_id,
            confirmations: "3".to_owned(),
            urls: vec![url.to_owned()],
            tokens: vec![
                ("USDT".to_owned(), vec![self.usdt.contract.clone()], 6),
                ("DAI".to_owned(), vec![self.dai.contract.clone()], 18),
            ],
        });
        config.wallets.push(Wallet {
            blockchain: self.name.clone(),
            address: self.wallet.clone(),
            coins: vec!["USDT".to_owned(), "DAI".to_owned()],
            starting_tx: None,
        });
    }

    /// Sends exactly what a deposit (the answer of `/payment`) asks for, from the tokens' owner.
    pub fn pay(&self, deposit: &Value) -> String {
        self.pay_from(&self.anvil.account(0), deposit)
    }

    pub fn pay_from(&self, from: &str, deposit: &Value) -> String {
        let token = self.token(text(deposit, "stablecoin"));
        let units = token.units(text(deposit, "amount"));
        token.transfer_units(&self.anvil, from, text(deposit, "wallet_address"), units)
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
