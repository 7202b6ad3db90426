//! The chains that the server knows without being told: `assets/chains.toml`, embedded.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;

use super::value::parse_duration;
use super::{ProviderConfig, ProviderKind};
use crate::domain::address::Family;
use crate::domain::registry::{Blockchain, Chain, Coin, ConfirmationRule, Token};

/// A chain of the registry with all that its configuration starts from.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    pub chain: Chain,
    /// Its coins are worth nothing.
    pub testnet: bool,
    /// What fees are paid in: wallets that do not know the chain want to be told.
    pub native: Native,
    /// The depth of the chain's finalized block, for who asks for "finalized" where it is not the default.
    pub finalized_usual: u32,
    pub poll_interval: Duration,
    /// Keyless JSON-RPC endpoints, in order of preference.
    pub rpc: Vec<ProviderConfig>,
    /// Explorers whose free plan covers the chain.
    pub explorers: Vec<Explorer>,
}

/// An explorer of the registry.
#[derive(Clone, Debug)]
pub struct Explorer {
    /// How it is asked with a key.
    pub keyed: ProviderConfig,
    /// How it is asked without one, if it answers then.
    pub keyless: Option<ProviderConfig>,
}

/// A chain's own coin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    pub name: String,
    pub symbol: String,
}

/// Every chain of the registry by its short name.
pub fn built_in() -> &'static BTreeMap<Blockchain, BuiltIn> {
    static REGISTRY: LazyLock<BTreeMap<Blockchain, BuiltIn>> = LazyLock::new(|| {
        // Part of the binary: a test reads it, so a broken one is never shipped.
        parse(include_str!("../../assets/chains.toml")).expect("assets/chains.toml is valid")
    });
    &REGISTRY
}

/// Whether coins are worth the same on two chains: real ones, of test networks, or of chains of one's own. A test network's
/// coins are free for everybody, and what is on a chain of one's own only its owner knows.
pub fn of_one_worth(a: &Blockchain, b: &Blockchain) -> bool {
    let worth = |name| built_in().get(name).map(|built_in| built_in.testnet);
    worth(a) == worth(b)
}

fn parse(text: &str) -> Result<BTreeMap<Blockchain, BuiltIn>, String> {
    let raw: BTreeMap<String, RawChain> = toml::from_str(text).map_err(|e| e.to_string())?;
    raw.into_iter()
        .map(|(name, raw)| {
            let built_in = raw
                .into_built_in(&name)
                .map_err(|e| format!("{name}: {e}"))?;
            Ok((Blockchain::new(&name), built_in))
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChain {
    #[serde(default)]
    testnet: bool,
    kind: String,
    name: String,
    chain_id: u64,
    block_time_ms: u64,
    confirmations: RawConfirmations,
    finalized_usual: u32,
    poll_interval: String,
    explorer_tx_url: String,
    native: Native,
    rpc: Vec<RawEndpoint>,
    #[serde(default)]
    explorers: Vec<RawExplorer>,
    tokens: Vec<RawToken>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawConfirmations {
    Depth(u32),
    Finalized(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEndpoint {
    url: String,
    max_per_second: f64,
    max_per_day: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExplorer {
    kind: String,
    url: String,
    max_per_second: f64,
    max_per_day: Option<u32>,
    keyless_per_second: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken {
    coin: String,
    contract: String,
    decimals: u8,
    label: String,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl RawChain {
    fn into_built_in(self, name: &str) -> Result<BuiltIn, String> {
        let family = match self.kind.as_str() {
            "evm" => Family::Evm,
            "tron" => Family::Tron,
            other => return Err(format!("kind {other:?}")),
        };
        let confirmations = match self.confirmations {
            RawConfirmations::Depth(depth) => ConfirmationRule::Depth(depth),
            RawConfirmations::Finalized(word) if word == "finalized" => {
                ConfirmationRule::Finalized {
                    usual: self.finalized_usual,
                }
            }
            RawConfirmations::Finalized(word) => return Err(format!("confirmations {word:?}")),
        };
        let tokens: Result<_, _> = self.tokens.into_iter().map(|t| t.token(family)).collect();
        let explorers: Result<_, _> = self.explorers.into_iter().map(|e| e.explorer()).collect();
        Ok(BuiltIn {
            chain: Chain {
                blockchain: Blockchain::new(name),
                family,
                name: self.name,
                chain_id: self.chain_id,
                block_time: Duration::from_millis(self.block_time_ms),
                steady: true,
                confirmations,
                explorer_tx_url: Some(self.explorer_tx_url),
                tokens: tokens?,
            },
            testnet: self.testnet,
            native: self.native,
            finalized_usual: self.finalized_usual,
            poll_interval: parse_duration(&self.poll_interval).ok_or("poll_interval")?,
            rpc: self.rpc.into_iter().map(RawEndpoint::provider).collect(),
            explorers: explorers?,
        })
    }
}

impl RawEndpoint {
    fn provider(self) -> ProviderConfig {
        ProviderConfig {
            max_per_day: self.max_per_day,
            ..provider(ProviderKind::Rpc, self.url, self.max_per_second)
        }
    }
}

impl RawExplorer {
    fn explorer(self) -> Result<Explorer, String> {
        let kind = match self.kind.as_str() {
            "etherscan" => ProviderKind::Etherscan,
            "tronscan" => ProviderKind::Tronscan,
            "trongrid" => ProviderKind::Trongrid,
            other => return Err(format!("explorer kind {other:?}")),
        };
        let keyless = |per_second| provider(kind, self.url.clone(), per_second);
        Ok(Explorer {
            keyless: self.keyless_per_second.map(keyless),
            keyed: ProviderConfig {
                max_per_day: self.max_per_day,
                ..provider(kind, self.url, self.max_per_second)
            },
        })
    }
}

impl RawToken {
    fn token(self, family: Family) -> Result<Token, String> {
        let contract = self
            .contract
            .parse::<crate::domain::address::Address>()
            .map_err(|e| format!("{}: {e}", self.contract))?;
        if contract.family() != family {
            return Err(format!("{contract} belongs to another family of chains"));
        }
        Ok(Token {
            coin: Coin::new(&self.coin),
            contract,
            decimals: self.decimals,
            label: self.label,
            enabled: self.enabled,
        })
    }
}

fn provider(kind: ProviderKind, url: String, max_per_second: f64) -> ProviderConfig {
    ProviderConfig {
        kind,
        url,
        api_key: None,
        max_per_second: Some(max_per_second),
        max_per_day: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;

    fn chain(name: &str) -> &'static BuiltIn {
        &built_in()[&Blockchain::new(name)]
    }

    #[test]
    fn chains_have_their_ids() {
        let ids: Vec<_> = built_in()
            .iter()
            .map(|(name, b)| (name.as_str(), b.chain.chain_id))
            .collect();
        assert_eq!(
            ids,
            [
                ("arb", 42161),
                ("avaxc", 43114),
                ("base", 8453),
                ("bsc", 56),
                ("eth", 1),
                ("linea", 59144),
                ("nile", 0xcd86_90dc),
                ("op", 10),
                ("polygon", 137),
                ("sepolia", 11155111),
                ("tron", 0x2b66_53dc),
            ]
        );
        let testnets: Vec<_> = built_in().values().filter(|b| b.testnet).collect();
        assert_eq!(testnets.len(), 2);
    }

    #[test]
    fn contracts_are_written_with_their_checksum_and_once_a_chain() {
        let text = include_str!("../../assets/chains.toml");
        for (name, built_in) in built_in() {
            let tokens = &built_in.chain.tokens;
            for (i, token) in tokens.iter().enumerate() {
                let contract = token.contract.to_string();
                assert!(text.contains(&contract), "{name}: {contract}");
                let is_new = tokens[..i].iter().all(|t| t.contract != token.contract);
                assert!(is_new, "{name}: {contract} twice");
            }
        }
    }

    #[test]
    fn decimals_are_those_of_the_contracts() {
        for (name, built_in) in built_in() {
            for token in &built_in.chain.tokens {
                let expected = match (name.as_str(), token.coin.as_str()) {
                    ("bsc", _) | (_, "DAI") => 18,
                    _ => 6,
                };
                assert_eq!(token.decimals, expected, "{name} {}", token.coin);
            }
        }
    }

    #[test]
    fn only_coins_that_are_worth_their_name_pay() {
        let check = |name: &str, coin: &str, expected: &[&str]| {
            let coin = Coin::new(coin);
            let labels: Vec<_> = chain(name).chain.payable(&coin).map(|t| &t.label).collect();
            assert_eq!(labels, expected, "{name} {coin}");
        };
        check("eth", "USDT", &["native"]);
        check("op", "USDT", &["USDT0", "bridged"]);
        check("op", "USDC", &["native"]);
        check("base", "USDT", &["bridged"]);
        check("base", "USDC", &["native"]);
        check("avaxc", "USDT", &["native"]);
        check("tron", "USDT", &["native"]);
        check("tron", "USDC", &[]);
        check("tron", "DAI", &[]);
    }

    #[test]
    fn addresses_once_mistaken_for_tokens_are_absent() {
        let knows = |name: &str, start: &str| {
            let tokens = chain(name).chain.tokens.iter();
            tokens
                .map(|t| t.contract.to_string())
                .any(|c| c.starts_with(start))
        };
        assert!(!knows("polygon", "0x9702"), "Avalanche's USDt");
        assert!(!knows("polygon", "0x82E6"), "an Aave aToken");
        assert!(!knows("avaxc", "0xbA7d"), "a dead bridge");
    }

    #[test]
    fn every_chain_can_be_watched_without_a_key() {
        for (name, built_in) in built_in() {
            assert!(!built_in.rpc.is_empty(), "{name}");
            let explorers = built_in.explorers.iter().map(|e| &e.keyed);
            let providers = built_in.rpc.iter().chain(explorers);
            for provider in providers {
                assert!(provider.url.starts_with("https://"), "{}", provider.url);
                assert_eq!(provider.api_key, None);
            }
            let link = built_in.chain.explorer_link("HASH").unwrap();
            assert!(link.ends_with("/HASH"), "{link}");
        }
    }

    /// Free coins of a test network must never pay for what real ones are asked.
    #[test]
    fn coins_of_test_networks_are_worth_nothing_elsewhere() {
        let check = |a: &str, b: &str| of_one_worth(&Blockchain::new(a), &Blockchain::new(b));
        assert!(check("eth", "base") && check("my-net", "my-other-net"));
        for (a, b) in [("eth", "sepolia"), ("eth", "my-net"), ("sepolia", "my-net")] {
            assert!(!check(a, b) && !check(b, a), "{a} {b}");
        }
    }

    /// Explorers have free plans, and a key's requests of all chains count together: each entry of a host has the same limit.
    #[test]
    fn explorers_have_the_limits_of_their_free_plans() {
        for (name, built_in) in built_in() {
            for Explorer { keyed, keyless } in &built_in.explorers {
                let (per_second, per_day) = match keyed.kind {
                    ProviderKind::Etherscan => (3.0, 100_000),
                    ProviderKind::Trongrid => (10.0, 100_000),
                    ProviderKind::Tronscan => (3.0, 50_000),
                    other => panic!("{name}: {other:?}"),
                };
                assert_eq!(keyed.max_per_second, Some(per_second), "{name}");
                assert_eq!(keyed.max_per_day, Some(per_day), "{name}");
                // Without a key TronGrid's node and its explorer are one host with one allowance.
                let rates = keyless
                    .iter()
                    .chain(&built_in.rpc)
                    .map(|p| p.max_per_second);
                let one = |rate| rate == built_in.rpc[0].max_per_second;
                assert!(keyless.is_none() || rates.into_iter().all(one), "{name}");
            }
        }
    }

    #[test]
    fn a_broken_registry_says_what_is_wrong() {
        let good = include_str!("../../assets/chains.toml");
        let usdt: Address = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t".parse().unwrap();
        let text = good.replace(
            "0xdAC17F958D2ee523a2206206994597C13D831ec7",
            &usdt.to_string(),
        );
        assert!(parse(&text).unwrap_err().starts_with("eth: TR7NH"));
        assert!(parse(&good.replace("\"evm\"", "\"svm\"")).is_err());
    }
}
