//! What the checkout page is told about the shop, as JSON in the page.

use std::collections::BTreeMap;

use serde::Serialize;

use super::CheckoutPage;
use crate::config::{ChainConfig, Config, built_in};
use crate::domain::address::Family;

#[derive(Serialize)]
struct Settings<'a> {
    name: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    support_url: Option<&'a str>,
    languages: &'a [String],
    demo: bool,
    chains: BTreeMap<&'a str, ChainSettings<'a>>,
}

#[derive(Serialize)]
struct ChainSettings<'a> {
    name: &'a str,
    family: &'static str,
    chain_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    explorer_tx_url: Option<&'a str>,
    block_seconds: f64,
    /// From sending to paid, usually.
    typical_seconds: u64,
    native: NativeSettings<'a>,
    /// A public node without a key: one of the shop's own is nobody else's business.
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc_url: Option<&'a str>,
    test: bool,
}

#[derive(Serialize)]
struct NativeSettings<'a> {
    name: &'a str,
    symbol: &'a str,
    decimals: u8,
}

/// The settings as JSON that can stand in a script element.
pub fn json(config: &Config, page: CheckoutPage, languages: &[String]) -> String {
    let checkout = &config.checkout;
    let chains = config
        .wallets
        .iter()
        .filter_map(|wallet| config.chain(&wallet.blockchain))
        .map(|chain| (chain.chain.blockchain.as_str(), chain_settings(chain)))
        .collect();
    let settings = Settings {
        name: &config.merchant.name,
        title: &checkout.title,
        logo_url: checkout.logo_url.as_deref(),
        accent: checkout.accent.as_deref(),
        support_url: checkout.support_url.as_deref(),
        languages,
        demo: page == CheckoutPage::Demo,
        chains,
    };
    // Texts and numbers only: this cannot fail.
    let json = serde_json::to_string(&settings).unwrap_or_else(|_| "{}".to_owned());
    json.replace('<', "\\u003c")
}

fn chain_settings(config: &ChainConfig) -> ChainSettings<'_> {
    let chain = &config.chain;
    let known = built_in().get(&chain.blockchain);
    let required = chain.confirmations.required();
    ChainSettings {
        name: &chain.name,
        family: match chain.family {
            Family::Evm => "evm",
            Family::Tron => "tron",
        },
        chain_id: chain.chain_id,
        explorer_tx_url: chain.explorer_tx_url.as_deref(),
        block_seconds: chain.block_time.as_secs_f64(),
        typical_seconds: (chain.block_time * required).as_secs_f64().ceil() as u64,
        native: native(config),
        rpc_url: known.and_then(|built_in| Some(built_in.rpc.first()?.url.as_str())),
        test: known.is_some_and(|built_in| built_in.testnet),
    }
}

fn native(config: &ChainConfig) -> NativeSettings<'_> {
    let family = config.chain.family;
    let known = built_in().get(&config.chain.blockchain);
    let (name, symbol) = match (known, family) {
        (Some(known), _) => (known.native.name.as_str(), known.native.symbol.as_str()),
        (None, Family::Evm) => ("Ether", "ETH"),
        (None, Family::Tron) => ("TRON", "TRX"),
    };
    let decimals = match family {
        Family::Evm => 18,
        Family::Tron => 6,
    };
    NativeSettings {
        name,
        symbol,
        decimals,
    }
}
