//! `[api_keys]` and `[chains.*]`: the registry with the file's overrides and the file's own chains.

use std::collections::BTreeMap;
use std::time::Duration;

use super::registry::{BuiltIn, Explorer, built_in};
use super::report::nearest_chain;
use super::section::Section;
use super::{ChainConfig, ProviderConfig, ProviderKind, Secret, value};
use crate::domain::address::Family;
use crate::domain::registry::{Blockchain, Chain, Coin, ConfirmationRule, Token};

const IDLE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_secs(4);

/// The keys of explorers, where the file has them.
pub(super) struct ApiKeys {
    etherscan: Option<Secret>,
    tronscan: Option<Secret>,
    trongrid: Option<Secret>,
}

pub(super) fn api_keys(s: &Section<'_>) -> ApiKeys {
    let keys = ApiKeys {
        etherscan: s.get("etherscan_api_key", value::optional_key).flatten(),
        tronscan: s.get("tronscan_api_key", value::optional_key).flatten(),
        trongrid: s.get("trongrid_api_key", value::optional_key).flatten(),
    };
    s.done();
    keys
}

/// Every chain that the server can watch, by its short name.
pub(super) fn read(s: &Section<'_>, keys: &ApiKeys) -> BTreeMap<Blockchain, ChainConfig> {
    let mut chains: BTreeMap<_, _> = built_in()
        .iter()
        .map(|(name, built_in)| (name.clone(), default_chain(built_in, keys)))
        .collect();
    for (name, section) in s.named() {
        let blockchain = Blockchain::new(name);
        let start = match built_in().get(&blockchain) {
            Some(built_in) => known_chain(&section, built_in, keys),
            None => own_chain(&section, &blockchain),
        };
        let chain = overridden(&section, start, built_in().get(&blockchain), keys);
        section.done();
        chains.insert(blockchain, chain);
    }
    chains
}

fn default_chain(built_in: &BuiltIn, keys: &ApiKeys) -> ChainConfig {
    ChainConfig {
        chain: built_in.chain.clone(),
        poll_interval: built_in.poll_interval,
        idle_poll_interval: IDLE,
        agreement: 1,
        providers: default_providers(built_in, keys),
    }
}

/// The keyless endpoints, then the explorers whose key is there, or that do without one.
fn default_providers(built_in: &BuiltIn, keys: &ApiKeys) -> Vec<ProviderConfig> {
    let as_we_can = |explorer: &Explorer| match keys.of(explorer.keyed.kind) {
        Some(key) => Some(ProviderConfig {
            api_key: Some(key.clone()),
            ..explorer.keyed.clone()
        }),
        None => explorer.keyless.clone(),
    };
    let explorers = built_in.explorers.iter().filter_map(as_we_can);
    built_in.rpc.iter().cloned().chain(explorers).collect()
}

/// A built-in chain keeps what it is; naming it again is fine, changing it is not.
fn known_chain(s: &Section<'_>, built_in: &BuiltIn, keys: &ApiKeys) -> ChainConfig {
    let chain = &built_in.chain;
    let family = s.get("kind", value::family);
    let chain_id = s.get("chain_id", value::chain_id);
    let is = format!("{} is built in", chain.blockchain);
    if family.is_some_and(|f| f != chain.family) {
        s.error("kind", format!("{is} and of another kind; leave this out"));
    }
    if chain_id.is_some_and(|id| id != chain.chain_id) {
        s.error(
            "chain_id",
            format!(
                "{is} with chain id {}; leave this out, or give the chain another name",
                chain.chain_id
            ),
        );
    }
    default_chain(built_in, keys)
}

/// A chain of the file's own: what it is must be said.
fn own_chain(s: &Section<'_>, blockchain: &Blockchain) -> ChainConfig {
    let name = blockchain.as_str();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(fits) {
        s.error_here("expected a name of at most 32 lower-case letters, digits, - and _");
    }
    let names = built_in().keys().map(Blockchain::as_str);
    let hint = match nearest_chain(name, names) {
        Some(near) => {
            format!("\"evm\" or \"tron\" for a chain of your own; or did you mean [chains.{near}]?")
        }
        None => "\"evm\" or \"tron\"".to_owned(),
    };
    let family = s.require("kind", &hint, value::family);
    let family = family.unwrap_or(Family::Evm);
    let chain_id = s.require("chain_id", "the chain's id, such as 31337", value::chain_id);
    if !s.has("providers") {
        s.missing(
            "providers",
            "at least one, such as [{ kind = \"rpc\", url = \"http://127.0.0.1:8545\" }]",
        );
    }
    ChainConfig {
        chain: Chain {
            blockchain: blockchain.clone(),
            family,
            name: name.to_owned(),
            chain_id: chain_id.unwrap_or_default(),
            steady: false,
            block_time: Duration::from_secs(if family == Family::Tron { 3 } else { 2 }),
            confirmations: match family {
                Family::Evm => ConfirmationRule::Depth(12),
                Family::Tron => ConfirmationRule::Finalized { usual: 19 },
            },
            explorer_tx_url: None,
            tokens: Vec::new(),
        },
        poll_interval: POLL,
        idle_poll_interval: IDLE,
        agreement: 1,
        providers: Vec::new(),
    }
}

fn overridden(
    s: &Section<'_>,
    start: ChainConfig,
    built_in: Option<&BuiltIn>,
    keys: &ApiKeys,
) -> ChainConfig {
    let usual = built_in.map_or(64, |b| b.finalized_usual);
    let usual = match start.chain.confirmations {
        ConfirmationRule::Finalized { usual } => usual,
        ConfirmationRule::Depth(_) => usual,
    };
    let confirmations = s.get("confirmations", value::confirmations).map(|depth| {
        depth.map_or(
            ConfirmationRule::Finalized { usual },
            ConfirmationRule::Depth,
        )
    });
    let family = start.chain.family;
    let chain = ChainConfig {
        poll_interval: s
            .get("poll_interval", value::duration)
            .unwrap_or(start.poll_interval),
        idle_poll_interval: s
            .get("idle_poll_interval", value::duration)
            .unwrap_or(start.idle_poll_interval),
        agreement: s.get("agreement", value::agreement).unwrap_or(1),
        providers: providers(s, family, keys).unwrap_or(start.providers),
        chain: Chain {
            name: s.get("name", value::filled).unwrap_or(start.chain.name),
            confirmations: confirmations.unwrap_or(start.chain.confirmations),
            explorer_tx_url: s
                .get("explorer_tx_url", value::hash_url)
                .or(start.chain.explorer_tx_url),
            tokens: tokens(&s.section("tokens"), family, start.chain.tokens),
            ..start.chain
        },
    };
    // Of providers that are missing or wrong enough has been said.
    let listed = s.length("providers").unwrap_or(chain.providers.len());
    let all_right = listed == chain.providers.len() && listed > 0;
    if all_right && s.has("agreement") && chain.agreement as usize > listed {
        s.error(
            "agreement",
            format!(
                "found {}, but the chain has only {listed} providers to agree",
                chain.agreement
            ),
        );
    }
    chain
}

fn providers(s: &Section<'_>, family: Family, keys: &ApiKeys) -> Option<Vec<ProviderConfig>> {
    if !s.has("providers") {
        return None;
    }
    let sections = s.sections(
        "providers",
        "a list such as [{ kind = \"rpc\", url = \"https://your-node.example.com\" }]",
    );
    if s.length("providers") == Some(0) {
        s.error(
            "providers",
            "found none, expected at least one; leave it out for the built-in ones",
        );
    }
    Some(
        sections
            .iter()
            .filter_map(|p| provider(p, family, keys))
            .collect(),
    )
}

fn provider(s: &Section<'_>, family: Family, keys: &ApiKeys) -> Option<ProviderConfig> {
    let kind = s.require(
        "kind",
        "\"rpc\", \"etherscan\", \"tronscan\" or \"trongrid\"",
        value::provider_kind,
    );
    let url = s.require("url", "the address of its API", value::exact_url);
    let api_key = s.get("api_key", value::optional_key).flatten();
    let max_per_second = s.get("max_per_second", value::rate);
    s.done();
    let (kind, url) = (kind?, url?);
    let wrong = match (kind, family) {
        (ProviderKind::Etherscan, Family::Tron) => {
            "\"rpc\", \"trongrid\" or \"tronscan\": this chain is a Tron one"
        }
        (ProviderKind::Tronscan | ProviderKind::Trongrid, Family::Evm) => {
            "\"rpc\" or \"etherscan\": this chain is an EVM one"
        }
        _ => "",
    };
    if !wrong.is_empty() {
        s.error("kind", format!("does not fit, expected {wrong}"));
    }
    // Paths are appended to these two; the others are whole endpoints.
    let url = match kind {
        ProviderKind::Tronscan | ProviderKind::Trongrid => url.trim_end_matches('/').to_owned(),
        _ => url,
    };
    Some(ProviderConfig {
        kind,
        api_key: api_key.or_else(|| keys.for_own(kind, &url)),
        url,
        max_per_second,
        max_per_day: None,
    })
}

/// The registry's tokens with those of the file's coins replaced. What is replaced pays no more, but is known still: shoppers may
/// send it all the same.
fn tokens(s: &Section<'_>, family: Family, mut tokens: Vec<Token>) -> Vec<Token> {
    let mut replaced = Vec::new();
    for (symbol, section) in s.named() {
        let coin = Coin::new(symbol);
        if symbol.is_empty() || symbol.len() > 16 || !symbol.bytes().all(|b| b.is_ascii_graphic()) {
            section.error_here("expected a symbol of at most 16 letters and digits, such as USDT");
        }
        replaced.extend(tokens.extract_if(.., |t| t.coin == coin));
        for token in own_tokens(&section, &coin, family) {
            let taken = tokens.iter().find(|t| t.contract == token.contract);
            if let Some(other) = taken {
                let message = format!("{} is already a contract of {}", token.contract, other.coin);
                section.error_here(message);
            }
            tokens.push(token);
        }
        section.done();
    }
    replaced.retain(|t| tokens.iter().all(|own| own.contract != t.contract));
    tokens.extend(replaced.into_iter().map(|token| Token {
        enabled: false,
        ..token
    }));
    tokens
}

fn own_tokens(s: &Section<'_>, coin: &Coin, family: Family) -> Vec<Token> {
    let one = s.get("contract", value::address);
    let several = s.list("contracts", value::address);
    match (s.has("contract"), s.has("contracts")) {
        (true, true) => s.error(
            "contracts",
            "found beside contract, expected only one of the two",
        ),
        (false, false) => s.missing("contract", "the token's contract (or contracts, a list)"),
        _ => {}
    }
    if s.has("contracts") && several.as_ref().is_some_and(Vec::is_empty) {
        s.error("contracts", "found none, expected at least one");
    }
    let decimals = s.require(
        "decimals",
        "the token's decimals, such as 6",
        value::decimals,
    );
    let contracts: Vec<_> = one
        .into_iter()
        .chain(several.into_iter().flatten())
        .collect();
    if contracts.iter().any(|c| c.family() != family) {
        s.error_here("has a contract of another kind of chain");
    }
    let token = |contract| Token {
        coin: coin.clone(),
        contract,
        decimals: decimals.unwrap_or_default(),
        label: "configured".to_owned(),
        enabled: true,
    };
    contracts.into_iter().map(token).collect()
}

impl ApiKeys {
    fn of(&self, kind: ProviderKind) -> Option<&Secret> {
        match kind {
            ProviderKind::Etherscan => self.etherscan.as_ref(),
            ProviderKind::Tronscan => self.tronscan.as_ref(),
            ProviderKind::Trongrid => self.trongrid.as_ref(),
            ProviderKind::Rpc | ProviderKind::Simulated => None,
        }
    }

    /// The key for a provider of the file's list that has none of its own: only where it is the explorer
    /// that the key belongs to, never a look-alike.
    fn for_own(&self, kind: ProviderKind, url: &str) -> Option<Secret> {
        let host = value::HttpUrl::parse(url)?.host;
        let explorers = built_in()
            .values()
            .flat_map(|b| &b.explorers)
            .map(|e| &e.keyed);
        let is_original = explorers
            .filter(|e| e.kind == kind)
            .filter_map(|e| value::HttpUrl::parse(&e.url))
            .any(|original| original.host == host);
        is_original.then(|| self.of(kind).cloned()).flatten()
    }
}
