//! `[[wallets]]`: where the money goes, so the section that is checked hardest.

use std::collections::BTreeMap;

use super::registry::built_in;
use super::report::{nearest, nearest_chain};
use super::section::Section;
use super::{ChainConfig, Wallet, value};
use crate::domain::address::{Address, Family};
use crate::domain::registry::{Blockchain, Coin};

type Chains = BTreeMap<Blockchain, ChainConfig>;

/// The wallets that are right; the others are noted.
pub(super) fn read(sections: &[Section<'_>], chains: &Chains) -> Vec<Wallet> {
    let mut wallets: Vec<Wallet> = Vec::new();
    for section in sections {
        let Some(wallet) = wallet(section, chains) else {
            continue;
        };
        let is_same =
            |w: &&Wallet| w.blockchain == wallet.blockchain && w.address == wallet.address;
        if wallets.iter().any(|w| is_same(&w)) {
            section.error(
                "address",
                format!(
                    "{} on {} is listed twice, expected one entry with all its coins",
                    wallet.address, wallet.blockchain
                ),
            );
        }
        check_is_one_name(section, &wallet.blockchain, &wallets, chains);
        wallets.push(wallet);
    }
    wallets
}

fn wallet(s: &Section<'_>, chains: &Chains) -> Option<Wallet> {
    let blockchain = s.require("blockchain", "a chain such as \"eth\"", value::filled);
    let address = s.require("address", "the wallet's address", value::address);
    let enabled_coins = coins(s);
    let starting_tx = s.get("starting_tx", value::transaction_hash);
    s.done();
    let chain = known_chain(s, &blockchain?, chains)?;
    // A token that is wrong is not among the chain's: to advise another coin in its place would be wrong, too.
    let tokens = format!("chains.{}.tokens", chain.chain.blockchain);
    let are_tokens_right = !s.has_error_under(&tokens);
    for (i, coin) in enabled_coins.iter().enumerate() {
        if are_tokens_right && let Err(message) = check_coin(coin, chain) {
            s.item_error("enabled_coins", i, message);
        }
    }
    let address = address?;
    check_address(s, address, chain);
    Some(Wallet {
        blockchain: chain.chain.blockchain.clone(),
        address,
        enabled_coins,
        starting_tx: starting_tx.map(|digits| match chain.chain.family {
            Family::Evm => format!("0x{digits}"),
            Family::Tron => digits,
        }),
    })
}

/// What a chain is, not what it is called: read under two names, one payment would be two, and pay two orders.
fn check_is_one_name(s: &Section<'_>, name: &Blockchain, others: &[Wallet], chains: &Chains) {
    // Chains without a right id come from a file that has an error already.
    let what = |name: &Blockchain| {
        let chain = chains.get(name).map(|c| &c.chain);
        chain.and_then(|c| (c.chain_id > 0).then_some((c.family, c.chain_id)))
    };
    let is_other_name = |w: &&Wallet| w.blockchain != *name && what(&w.blockchain) == what(name);
    let Some((_, id)) = what(name) else {
        return;
    };
    let Some(other) = others.iter().find(is_other_name).map(|w| &w.blockchain) else {
        return;
    };
    let kept = match built_in().contains_key(name) {
        true => name,
        false => other,
    };
    s.error(
        "blockchain",
        format!(
            "found \"{name}\" beside a wallet on \"{other}\", both with chain id {id}: a payment would count on both; \
             expected \"{kept}\" for all wallets of that chain, with providers of yours under [chains.{kept}]"
        ),
    );
}

fn coins(s: &Section<'_>) -> Vec<Coin> {
    if !s.has("enabled_coins") {
        s.missing("enabled_coins", "a list such as [\"USDT\", \"USDC\"]");
    }
    let symbols = s.list("enabled_coins", value::filled);
    if symbols.as_ref().is_some_and(Vec::is_empty) {
        s.error("enabled_coins", "found none, expected at least one coin");
    }
    let symbols = symbols.unwrap_or_default();
    for (i, symbol) in symbols.iter().enumerate() {
        if symbols[..i].contains(symbol) {
            s.item_error("enabled_coins", i, format!("{symbol} is listed twice"));
        }
    }
    symbols.iter().map(|symbol| Coin::new(symbol)).collect()
}

fn known_chain<'c>(s: &Section<'_>, name: &str, chains: &'c Chains) -> Option<&'c ChainConfig> {
    let chain = chains.get(&Blockchain::new(name));
    if chain.is_none() {
        let names: Vec<&str> = chains.keys().map(Blockchain::as_str).collect();
        let hint = match nearest_chain(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("expected one of: {}", names.join(", ")),
        };
        s.error("blockchain", format!("found {name:?}, {hint}"));
    }
    chain
}

fn check_address(s: &Section<'_>, address: Address, chain: &ChainConfig) {
    let chain = &chain.chain;
    if address.family() != chain.family {
        let expected = match chain.family {
            Family::Evm => "one that starts with 0x",
            Family::Tron => "one that starts with T",
        };
        let name = &chain.name;
        s.error("address", format!("found {address}, which is of another kind of chain than {name}, expected {expected}"));
    }
    if let Some(token) = chain.token(&address) {
        let coin = &token.coin;
        s.error(
            "address",
            format!(
                "found the contract of {coin} itself, expected a wallet of yours: \
             coins sent to {address} are lost"
            ),
        );
    }
    if address.bytes() == &[0; 20] {
        s.error(
            "address",
            "found the zero address, expected a wallet of yours: coins sent there are lost",
        );
    }
}

fn check_coin(coin: &Coin, chain: &ChainConfig) -> Result<(), String> {
    let (chain, tokens) = (&chain.chain.blockchain, &chain.chain.tokens);
    if tokens.iter().any(|t| t.coin == *coin && t.enabled) {
        return Ok(());
    }
    if let Some(token) = tokens.iter().find(|t| t.coin == *coin) {
        return Err(format!(
            "{coin} on {chain} is known but not accepted ({}); to accept it all the same, \
             add [chains.{chain}.tokens.{coin}] with its contract",
            token.label
        ));
    }
    let mut known: Vec<&str> = tokens
        .iter()
        .filter(|t| t.enabled)
        .map(|t| t.coin.as_str())
        .collect();
    known.dedup();
    Err(match nearest(coin.as_str(), known.iter().copied()) {
        Some(near) => format!("found {:?}, did you mean {near:?}?", coin.as_str()),
        None => format!(
            "found {:?}, expected one of: {}",
            coin.as_str(),
            known.join(", ")
        ),
    })
}
