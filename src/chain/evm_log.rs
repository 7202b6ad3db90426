//! Event logs as JSON-RPC writes them, read strictly: what is not exactly a Transfer of an ERC-20 (TRC-20)
//! token to a wallet of ours is passed over, what is not well formed is a bad answer.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::Value;

use super::ProviderError;
use crate::domain::address::{Address, Family};
use crate::domain::transfer::TransferId;

/// keccak256("Transfer(address,address,uint256)"), from ERC-20.
pub const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// An entry of the answer to `eth_getLogs` or of a receipt's `logs`.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    address: String,
    topics: Vec<String>,
    data: String,
    /// `null` while the log is pending, as the next ones.
    block_number: Option<Value>,
    block_hash: Option<String>,
    transaction_hash: Option<String>,
    log_index: Option<Value>,
    #[serde(default)]
    removed: Option<bool>,
    /// Not in the standard yet; some write it as a number.
    #[serde(default)]
    block_timestamp: Option<Value>,
}

/// A Transfer event to one of our wallets, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransferLog {
    /// Its ordinal is not known yet.
    pub id: TransferId,
    pub block_number: u64,
    pub block_hash: String,
    /// In the block.
    pub log_index: u64,
    /// Unix seconds, where the log says it.
    pub timestamp: Option<i64>,
}

/// What was asked for.
pub struct Wanted<'a> {
    pub family: Family,
    pub blocks: RangeInclusive<u64>,
    /// `None`: by any contract.
    pub contracts: Option<&'a [Address]>,
    pub recipients: &'a [Address],
}

/// The transfers among the logs, in the order of the chain.
///
/// Fails if they cannot all be of one chain: two logs at one place, two blocks at one height, one transaction in two
/// blocks. Taken as it is, a log that is listed twice would be money that was paid once.
pub fn transfers(logs: &[Log], wanted: &Wanted) -> Result<Vec<TransferLog>, ProviderError> {
    let mut found = Vec::new();
    for log in logs {
        if let Some(transfer) = transfer(log, wanted)? {
            found.push(transfer);
        }
    }
    found.sort_by_key(|transfer| (transfer.block_number, transfer.log_index));
    of_one_chain(&found)?;
    Ok(found)
}

/// A quantity: `0x` and up to 16 hex digits, or (against the standard, but seen) a JSON number.
pub fn quantity(value: &Value) -> Result<u64, ProviderError> {
    let number = match value {
        Value::String(text) => text
            .strip_prefix("0x")
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok()),
        other => other.as_u64(),
    };
    number.map_or_else(|| bad("a number is malformed"), Ok)
}

/// A time in Unix seconds. Some nodes of Tron count milliseconds: no chain will see second 10^11 before the year 5138.
pub fn timestamp(value: &Value) -> Result<i64, ProviderError> {
    let time = quantity(value)?;
    let seconds = if time >= 100_000_000_000 {
        time / 1000
    } else {
        time
    };
    i64::try_from(seconds).or_else(|_| bad("a timestamp is malformed"))
}

/// A block's or a transaction's hash as the chain writes it: Tron's explorers leave out the `0x`.
pub fn hash(text: &str, family: Family) -> Result<String, ProviderError> {
    let digits = hex::encode(bytes::<32>(text)?);
    Ok(match family {
        Family::Evm => format!("0x{digits}"),
        Family::Tron => digits,
    })
}

fn of_one_chain(sorted: &[TransferLog]) -> Result<(), ProviderError> {
    let place = |transfer: &TransferLog| (transfer.block_number, transfer.log_index);
    if sorted
        .windows(2)
        .any(|pair| place(&pair[0]) == place(&pair[1]))
    {
        return bad("two logs at one place");
    }
    let (mut hashes, mut heights) = (HashMap::new(), HashMap::new());
    for transfer in sorted {
        let (height, hash) = (transfer.block_number, &transfer.block_hash);
        if *hashes.entry(height).or_insert(hash) != hash {
            return bad("two blocks at one height");
        }
        if *heights.entry(&transfer.id.txn_hash).or_insert(height) != height {
            return bad("one transaction in two blocks");
        }
    }
    Ok(())
}

fn transfer(log: &Log, wanted: &Wanted) -> Result<Option<TransferLog>, ProviderError> {
    let Some(id) = event(log, wanted)? else {
        return Ok(None);
    };
    if log.removed == Some(true) {
        return bad("a log of a block that was removed");
    }
    let (Some(number), Some(block_hash), Some(index)) =
        (&log.block_number, &log.block_hash, &log.log_index)
    else {
        return bad("a log that is in no block");
    };
    let block_number = quantity(number)?;
    if !wanted.blocks.contains(&block_number) {
        return bad("a log of a block that was not asked for");
    }
    let time = log.block_timestamp.as_ref().filter(|time| !time.is_null());
    Ok(Some(TransferLog {
        id,
        block_number,
        block_hash: hash(block_hash, wanted.family)?,
        log_index: quantity(index)?,
        // Some nodes write zero where they do not know it.
        timestamp: time.map(timestamp).transpose()?.filter(|time| *time > 0),
    }))
}

/// The event itself, if it moves a token to a wallet of ours. ERC-721 has the same topic but a fourth one and no data.
fn event(log: &Log, wanted: &Wanted) -> Result<Option<TransferId>, ProviderError> {
    let contract = Address::new(wanted.family, bytes(&log.address)?);
    let [event, sender, recipient] = log.topics.as_slice() else {
        return Ok(None);
    };
    if bytes::<32>(event)? != bytes::<32>(TRANSFER)? {
        return Ok(None);
    }
    let (sender, recipient) = (
        padded(sender, wanted.family)?,
        padded(recipient, wanted.family)?,
    );
    let (Some(sender), Some(recipient)) = (sender, recipient) else {
        return Ok(None);
    };
    let ours = wanted.recipients.contains(&recipient)
        && wanted
            .contracts
            .is_none_or(|known| known.contains(&contract));
    if !ours || log.data.len() != 2 + 64 {
        return Ok(None);
    }
    let Some(units) = units(&bytes(&log.data)?) else {
        tracing::debug!(%contract, %recipient, "a transfer of more than 2^128 units is passed over");
        return Ok(None);
    };
    // Anybody can emit a transfer of nothing from anybody: address poisoning.
    if units == 0 {
        return Ok(None);
    }
    let Some(txn_hash) = &log.transaction_hash else {
        return bad("a log that is in no transaction");
    };
    Ok(Some(TransferId {
        txn_hash: hash(txn_hash, wanted.family)?,
        contract,
        sender,
        recipient,
        units,
        ordinal: 0,
    }))
}

/// An address as a topic: 12 zero bytes before it. `None` if they are not zero: then it is no address.
fn padded(topic: &str, family: Family) -> Result<Option<Address>, ProviderError> {
    let topic: [u8; 32] = bytes(topic)?;
    let (padding, address) = topic.split_at(12);
    let mut bytes = [0; 20];
    bytes.copy_from_slice(address);
    Ok(padding
        .iter()
        .all(|byte| *byte == 0)
        .then(|| Address::new(family, bytes)))
}

fn units(data: &[u8; 32]) -> Option<u128> {
    let (high, low) = data.split_at(16);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(low);
    high.iter()
        .all(|byte| *byte == 0)
        .then(|| u128::from_be_bytes(bytes))
}

/// `0x` and exactly `N` bytes in hex; java-tron leaves out the `0x` in places.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], ProviderError> {
    let mut bytes = [0; N];
    match hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => bad("hex of a wrong length or with a strange digit"),
    }
}

fn bad<T>(what: &str) -> Result<T, ProviderError> {
    Err(ProviderError::BadAnswer(what.to_owned()))
}
