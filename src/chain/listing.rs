//! What the explorers' lists of transfers have in common: they show no log index, so some of what a log says about
//! itself has to be found out.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{ProviderError, Receipt};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::ChainTransfer;

/// A value as explorers write it: a decimal number of base units. `None` for what is no payment: nothing at all (anybody
/// can send that from anybody), or more than 2^128.
pub fn units(text: &str) -> Result<Option<u128>, ProviderError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return bad("a malformed value");
    }
    Ok(text.parse().ok().filter(|units| *units > 0))
}

/// An address as Tron's explorers write it.
pub fn tron_address(text: &str) -> Result<Address, ProviderError> {
    match text.parse::<Address>() {
        Ok(address) if address.family() == Family::Tron => Ok(address),
        _ => bad("a malformed address"),
    }
}

/// The transactions of which two rows are equal. Ordinals do not count yet.
pub fn with_equal_rows(transfers: &[ChainTransfer]) -> Vec<String> {
    let mut seen = HashSet::new();
    let equal = transfers.iter().filter(|t| !seen.insert(&t.id));
    let hashes: BTreeSet<&String> = equal.map(|t| &t.id.txn_hash).collect();
    hashes.into_iter().cloned().collect()
}

/// Puts what a transaction's receipt says into the place of its rows.
pub fn replace(
    transfers: &mut Vec<ChainTransfer>,
    txn_hash: &str,
    receipt: &Receipt,
    contracts: &[Address],
) -> Result<(), ProviderError> {
    let Some(at) = transfers.iter().position(|t| t.id.txn_hash == txn_hash) else {
        return Ok(());
    };
    if transfers[at].block.hash != receipt.block.hash {
        return bad("a transfer in another block than its receipt: the chain is being reorganised");
    }
    let proven = receipt.transfers.iter();
    let proven: Vec<ChainTransfer> = proven
        .filter(|t| contracts.contains(&t.id.contract))
        .cloned()
        .collect();
    transfers.retain(|t| t.id.txn_hash != txn_hash);
    transfers.splice(at..at, proven);
    Ok(())
}

/// Fails if the transfers cannot all be of one chain: two blocks at one height, or one transaction in two blocks.
pub fn of_one_chain(transfers: &[ChainTransfer]) -> Result<(), ProviderError> {
    let (mut hashes, mut heights) = (HashMap::new(), HashMap::new());
    for transfer in transfers {
        let (height, hash) = (transfer.block.number, &transfer.block.hash);
        if *hashes.entry(height).or_insert(hash) != hash {
            return bad("two blocks at one height");
        }
        if *heights.entry(&transfer.id.txn_hash).or_insert(height) != height {
            return bad("one transaction in two blocks");
        }
    }
    Ok(())
}

fn bad<T>(what: &str) -> Result<T, ProviderError> {
    Err(ProviderError::BadAnswer(what.to_owned()))
}
