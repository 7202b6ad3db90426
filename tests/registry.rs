//! The registry's facts, held against a table of their own: a wrong contract or wrong decimals in it would cost money.

use std::collections::{BTreeMap, BTreeSet};

use sha3::{Digest, Keccak256};
use toml::Value;

/// Chain, its id, whether it counts as final by its own notion, block time in milliseconds.
#[rustfmt::skip] // A table: a row is a line.
const CHAINS: &[(&str, i64, bool, i64)] = &[
    ("eth", 1, false, 12_000),
    ("polygon", 137, true, 2_000),
    ("base", 8_453, false, 2_000),
    ("arb", 42_161, false, 250),
    ("op", 10, false, 2_000),
    ("linea", 59_144, false, 1_000),
    ("avaxc", 43_114, false, 1_700),
    ("bsc", 56, true, 450),
    ("tron", 0x2b66_53dc, true, 3_000),
];

/// Chain, coin, contract, decimals, whether it pays. Collected from the issuers' pages and several token lists.
#[rustfmt::skip] // A table: a row is a line.
const TOKENS: &[(&str, &str, &str, i64, bool)] = &[
    ("eth", "USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6, true),
    ("eth", "USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6, true),
    ("eth", "DAI", "0x6B175474E89094C44Da98b954EedeAC495271d0F", 18, true),
    ("polygon", "USDT", "0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6, true),
    ("polygon", "USDC", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6, true),
    ("polygon", "USDC", "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174", 6, false),
    ("polygon", "DAI", "0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063", 18, true),
    ("base", "USDT", "0xfde4C96c8593536E31F229EA8f37b2ADa2699bb2", 6, true),
    ("base", "USDC", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 6, true),
    ("base", "USDC", "0xd9aAEc86B65D86f6A7B5B1b0c42FFA531710b6CA", 6, false),
    ("base", "DAI", "0x50c5725949A6F0c72E6C4a641F24049A917DB0Cb", 18, true),
    ("arb", "USDT", "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9", 6, true),
    ("arb", "USDC", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6, true),
    ("arb", "USDC", "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8", 6, false),
    ("arb", "DAI", "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1", 18, true),
    ("op", "USDT", "0x01bFF41798a0BcF287b996046Ca68b395DbC1071", 6, true),
    ("op", "USDT", "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58", 6, true),
    ("op", "USDC", "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", 6, true),
    ("op", "USDC", "0x7F5c764cBc14f9669B88837ca1490cCa17c31607", 6, false),
    ("op", "DAI", "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1", 18, true),
    ("linea", "USDT", "0xA219439258ca9da29E9Cc4cE5596924745e12B93", 6, true),
    ("linea", "USDC", "0x176211869cA2b568f2A7D4EE941E073a821EE1ff", 6, true),
    ("linea", "DAI", "0x4AF15ec2A0BD43Db75dd04E62FAA3B8EF36b00d5", 18, true),
    ("avaxc", "USDT", "0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7", 6, true),
    ("avaxc", "USDT", "0xc7198437980c041c805A1EDcbA50c1Ce5db95118", 6, false),
    ("avaxc", "USDC", "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", 6, true),
    ("avaxc", "USDC", "0xA7D7079b0FEaD91F3e65f86E8915Cb59c1a4C664", 6, false),
    ("avaxc", "DAI", "0xd586E7F844cEa2F87f50152665BCbc2C279D8d70", 18, true),
    // The only chain whose USDT and USDC have 18.
    ("bsc", "USDT", "0x55d398326f99059fF775485246999027B3197955", 18, true),
    ("bsc", "USDC", "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18, true),
    ("bsc", "DAI", "0x1AF3F329e8BE154074D8769D1FFa4eE058B1DBc3", 18, true),
    ("tron", "USDT", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6, true),
    ("tron", "USDC", "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8", 6, false),
];

/// Chain and the beginning of an address that was once taken for a coin there: another chain's coin, a lender's token, a
/// dead bridge.
const NEVER: &[(&str, &str)] = &[
    ("polygon", "0x9702230a8ea53601f5cd2dc00fdbc13d4df4a8c7"),
    ("polygon", "0x82e6"),
    ("avaxc", "0xba7d"),
];

/// Hosts that answer JSON-RPC without a key.
const KEYLESS: &[(&str, &[&str])] = &[
    (
        "eth",
        &[
            "ethereum-rpc.publicnode.com",
            "eth.drpc.org",
            "public.1rpc.io/eth",
        ],
    ),
    (
        "polygon",
        &[
            "polygon-bor-rpc.publicnode.com",
            "polygon.drpc.org",
            "public.1rpc.io/matic",
        ],
    ),
    (
        "base",
        &[
            "base-rpc.publicnode.com",
            "base.drpc.org",
            "mainnet.base.org",
        ],
    ),
    (
        "arb",
        &["arbitrum-one-rpc.publicnode.com", "arb1.arbitrum.io/rpc"],
    ),
    (
        "op",
        &[
            "optimism-rpc.publicnode.com",
            "mainnet.optimism.io",
            "optimism.drpc.org",
        ],
    ),
    ("linea", &["linea-rpc.publicnode.com", "rpc.linea.build"]),
    (
        "avaxc",
        &[
            "avalanche-c-chain-rpc.publicnode.com",
            "api.avax.network/ext/bc/C/rpc",
        ],
    ),
    (
        "bsc",
        &[
            "bsc-rpc.publicnode.com",
            "bsc.drpc.org",
            "public.1rpc.io/bnb",
        ],
    ),
    ("tron", &["api.trongrid.io/jsonrpc"]),
];

fn registry() -> BTreeMap<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/chains.toml");
    let text = std::fs::read_to_string(path).expect("the registry");
    let table: toml::Table = text.parse().expect("TOML");
    table.into_iter().collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {value}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The EIP-55 form of an address.
fn checksummed(address: &str) -> String {
    let lower = address[2..].to_lowercase();
    let hash = hex::encode(Keccak256::digest(lower.as_bytes()));
    let cased = lower.chars().zip(hash.chars()).map(|(c, h)| match h {
        '8'..='9' | 'a'..='f' => c.to_ascii_uppercase(),
        _ => c,
    });
    format!("0x{}", cased.collect::<String>())
}

fn is_tron_address(address: &str) -> bool {
    let decoded = bs58::decode(address).with_check(Some(0x41)).into_vec();
    decoded.is_ok_and(|bytes| bytes.len() == 21)
}

#[test]
fn chains_are_what_they_are() {
    let registry = registry();
    for (name, id, by_finality, block_time) in CHAINS {
        let chain = &registry[*name];
        assert_eq!(chain["chain_id"].as_integer(), Some(*id), "{name}");
        assert_eq!(
            chain["block_time_ms"].as_integer(),
            Some(*block_time),
            "{name}"
        );
        let rule = &chain["confirmations"];
        assert_eq!(
            rule.as_str() == Some("finalized"),
            *by_finality,
            "{name}: {rule}"
        );
        let kind = if *name == "tron" { "tron" } else { "evm" };
        assert_eq!(text(chain, "kind"), kind, "{name}");
    }
    let real: BTreeSet<&str> = registry
        .iter()
        .filter(|(_, chain)| chain.get("testnet").is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(real, CHAINS.iter().map(|(name, ..)| *name).collect());
}

#[test]
fn every_token_of_the_table_is_in_the_registry_and_no_other() {
    let mut expected: BTreeSet<_> = TOKENS.iter().copied().collect();
    let registry = registry();
    for (chain, ..) in CHAINS {
        for token in list(&registry[*chain], "tokens") {
            let row = (
                *chain,
                text(token, "coin"),
                text(token, "contract"),
                token["decimals"].as_integer().expect("a number"),
                token
                    .get("enabled")
                    .is_none_or(|e| e.as_bool() == Some(true)),
            );
            assert!(expected.remove(&row), "not in the table: {row:?}");
        }
    }
    assert!(expected.is_empty(), "not in the registry: {expected:?}");
}

#[test]
fn every_address_has_its_checksum() {
    for (chain, _, address, ..) in TOKENS {
        match *chain {
            "tron" => assert!(is_tron_address(address), "{address}"),
            _ => assert_eq!(checksummed(address), *address, "{chain}"),
        }
    }
    for (name, chain) in registry() {
        for token in list(&chain, "tokens") {
            let contract = text(token, "contract");
            match text(&chain, "kind") {
                "tron" => assert!(is_tron_address(contract), "{name} {contract}"),
                _ => assert_eq!(checksummed(contract), contract, "{name}"),
            }
        }
    }
}

#[test]
fn addresses_once_mistaken_for_coins_are_absent() {
    let registry = registry();
    for (chain, wrong) in NEVER {
        for token in list(&registry[*chain], "tokens") {
            let contract = text(token, "contract").to_lowercase();
            assert!(!contract.starts_with(wrong), "{chain} {contract}");
        }
    }
}

/// Without any key each chain has somewhere to look.
#[test]
fn every_chain_has_providers_without_a_key() {
    let registry = registry();
    for (chain, hosts) in KEYLESS {
        let urls: Vec<&str> = list(&registry[*chain], "rpc")
            .iter()
            .map(|e| text(e, "url"))
            .collect();
        for host in *hosts {
            assert!(
                urls.contains(&&*format!("https://{host}")),
                "{chain}: {host} of {urls:?}"
            );
        }
        let many = if *chain == "tron" { 1 } else { 3 };
        assert!(urls.len() >= many, "{chain}");
    }
    // Etherscan's free plan leaves these out.
    for chain in ["base", "op", "avaxc", "bsc"] {
        let explorers = list(&registry[chain], "explorers");
        assert!(
            explorers.iter().all(|e| text(e, "kind") != "etherscan"),
            "{chain}"
        );
    }
}
