//! Event logs as JSON-RPC writes them, read strictly: what is not exactly a Transfer of an ERC-20 (TRC-20)
//! token to a wallet of ours is passed over, what is not well formed is a bad answer.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::Value;

use super::ProviderError;
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, TransferId};

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

impl Log {
    /// A log as java-tron's own API writes it: no prefixes, and no place but in the list of its transaction.
    pub fn of_tron(
        address: &str,
        topics: Vec<String>,
        data: &str,
        block: &BlockRef,
        txn_hash: &str,
        index: u64,
    ) -> Self {
        // Some gateways put the version byte of addresses back.
        let versioned = address.strip_prefix("41").filter(|rest| rest.len() == 40);
        Self {
            address: versioned.unwrap_or(address).to_owned(),
            topics,
            data: data.to_owned(),
            block_number: Some(block.number.into()),
            block_hash: Some(block.hash.clone()),
            transaction_hash: Some(txn_hash.to_owned()),
            log_index: Some(index.into()),
            removed: None,
            block_timestamp: None,
        }
    }
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

/// An address in hex: 20 bytes, in any case.
pub fn address(text: &str, family: Family) -> Result<Address, ProviderError> {
    Ok(Address::new(family, bytes(text)?))
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
    // java-tron leaves the 0x out in places.
    let digits = log.data.strip_prefix("0x").unwrap_or(&log.data);
    if !ours || digits.len() != 64 {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const CONTRACT: &str = "0xdac17f958d2ee523a2206206994597c13d831ec7";
    const SENDER: &str = "0000000000000000000000003c44cdddb6a900fa2b585dd299e03d12fa4293bc";
    const WALLET: &str = "00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8";

    fn log() -> Value {
        json!({
            "address": CONTRACT,
            "topics": [TRANSFER, format!("0x{SENDER}"), format!("0x{WALLET}")],
            "data": format!("{:#066x}", 19_990_000),
            "blockNumber": "0x64",
            "blockHash": format!("0x{}", "AB".repeat(32)),
            "transactionHash": format!("0x{}", "CD".repeat(32)),
            "transactionIndex": "0x0",
            "logIndex": "0x7",
            "removed": false,
        })
    }

    /// The log with one field, or one topic such as `/topics/2`, changed.
    fn with(path: &str, value: Value) -> Value {
        let mut log = log();
        match log.pointer_mut(path) {
            Some(place) => *place = value,
            None => log[&path[1..]] = value,
        }
        log
    }

    fn read_as(family: Family, logs: &[Value]) -> Result<Vec<TransferLog>, ProviderError> {
        let logs: Vec<Log> = serde_json::from_value(json!(logs))
            .map_err(|error| ProviderError::BadAnswer(error.to_string()))?;
        let address = |hex: &str| Address::new(family, bytes(hex).unwrap());
        let wanted = Wanted {
            family,
            blocks: 90..=110,
            contracts: Some(&[address(CONTRACT)]),
            recipients: &[address(&WALLET[24..])],
        };
        transfers(&logs, &wanted)
    }

    fn read(logs: &[Value]) -> Result<Vec<TransferLog>, ProviderError> {
        read_as(Family::Evm, logs)
    }

    #[test]
    fn a_transfer_is_read_whole() {
        let expected = TransferLog {
            id: TransferId {
                txn_hash: format!("0x{}", "cd".repeat(32)),
                contract: CONTRACT.parse().unwrap(),
                sender: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
                    .parse()
                    .unwrap(),
                recipient: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
                    .parse()
                    .unwrap(),
                units: 19_990_000,
                ordinal: 0,
            },
            block_number: 100,
            block_hash: format!("0x{}", "ab".repeat(32)),
            log_index: 7,
            timestamp: None,
        };
        assert_eq!(read(&[log()]), Ok(vec![expected]));
    }

    #[test]
    fn tron_writes_hashes_without_0x() {
        let found = read_as(Family::Tron, &[log()]).unwrap();
        assert_eq!(found[0].id.txn_hash, "cd".repeat(32));
        assert_eq!(found[0].block_hash, "ab".repeat(32));
        assert_eq!(found[0].id.contract.family(), Family::Tron);
    }

    #[test]
    fn times_are_read_in_all_their_forms() {
        let check = |time: Value, expected: Option<i64>| {
            let found = read(&[with("/blockTimestamp", time)]).unwrap();
            assert_eq!(found[0].timestamp, expected);
        };
        check(json!("0x65f04d2e"), Some(1_710_247_214));
        check(json!(1_710_247_214), Some(1_710_247_214));
        check(json!(1_710_247_214_000u64), Some(1_710_247_214));
        check(json!("0x0"), None);
        check(Value::Null, None);
    }

    #[test]
    fn what_is_no_transfer_to_us_is_passed_over() {
        let check = |what: &str, log: Value| assert_eq!(read(&[log]), Ok(vec![]), "{what}");
        let fourth = json!([
            TRANSFER,
            format!("0x{SENDER}"),
            format!("0x{WALLET}"),
            TRANSFER
        ]);
        let mut nft = with("/topics", fourth);
        nft["data"] = json!("0x");
        check("ERC-721", nft);
        check(
            "four topics",
            with("/topics", json!([TRANSFER, TRANSFER, TRANSFER, TRANSFER])),
        );
        check(
            "another event",
            with("/topics/0", json!(format!("0x{}", "8c".repeat(32)))),
        );
        check("anonymous", with("/topics", json!([])));
        check(
            "another contract",
            with("/address", json!(format!("0x{}", "11".repeat(20)))),
        );
        let other = format!("0x{}{}", "00".repeat(12), "11".repeat(20));
        check("another wallet", with("/topics/2", json!(other)));
        let dirty = |topic: &str| json!(format!("0x01{}", &topic[2..]));
        check("dirt before the sender", with("/topics/1", dirty(SENDER)));
        check("dirt before the wallet", with("/topics/2", dirty(WALLET)));
        check("no value", with("/data", json!("0x")));
        check(
            "two values",
            with("/data", json!(format!("0x{}", "01".repeat(64)))),
        );
        check(
            "nothing",
            with("/data", json!(format!("0x{}", "00".repeat(32)))),
        );
        let too_much = format!("0x{}1{}", "0".repeat(31), "0".repeat(32));
        check("2^128", with("/data", json!(too_much)));
    }

    #[test]
    fn the_largest_value_fits() {
        let most = format!("0x{}{}", "00".repeat(16), "ff".repeat(16));
        let found = read(&[with("/data", json!(most))]).unwrap();
        assert_eq!(found[0].id.units, u128::MAX);
    }

    #[test]
    fn what_is_malformed_is_a_bad_answer() {
        let check = |what: &str, log: Value| {
            let answer = read(&[log]);
            assert!(
                matches!(answer, Err(ProviderError::BadAnswer(_))),
                "{what}: {answer:?}"
            );
        };
        check("removed", with("/removed", json!(true)));
        check("pending", with("/blockNumber", Value::Null));
        check("no block hash", with("/blockHash", Value::Null));
        check("no index", with("/logIndex", Value::Null));
        check("no transaction", with("/transactionHash", Value::Null));
        check("a block before", with("/blockNumber", json!("0x59")));
        check("a block after", with("/blockNumber", json!("0x6f")));
        check("a short hash", with("/blockHash", json!("0xab")));
        check("a short address", with("/address", json!("0xdac17f")));
        check(
            "no hex",
            with("/data", json!(format!("0x{}", "zz".repeat(32)))),
        );
        check("decimal", with("/blockNumber", json!("100")));
        check("a sign", with("/logIndex", json!("0x+7")));
        check("a text", json!("log"));
    }

    #[test]
    fn logs_that_cannot_be_of_one_chain_are_a_bad_answer() {
        let at = |block: &str, index: &str, hash: u8, txn: u8| {
            let mut log = with("/blockNumber", json!(block));
            log["logIndex"] = json!(index);
            log["blockHash"] = json!(format!("0x{}", hex::encode([hash; 32])));
            log["transactionHash"] = json!(format!("0x{}", hex::encode([txn; 32])));
            log
        };
        let first = || at("0x64", "0x7", 1, 1);
        let bad = |log: Value| assert!(read(&[first(), log.clone()]).is_err(), "{log}");
        bad(first());
        bad(at("0x64", "0x8", 2, 2));
        bad(at("0x65", "0x8", 2, 1));
        let found = read(&[at("0x65", "0x0", 2, 2), at("0x64", "0x8", 1, 1), first()]).unwrap();
        let order: Vec<_> = found
            .iter()
            .map(|t| (t.block_number, t.log_index))
            .collect();
        assert_eq!(order, [(100, 7), (100, 8), (101, 0)]);
    }

    proptest! {
        #[test]
        fn no_log_panics(
            field in 0usize..9,
            value in prop_oneof![
                ".{0,70}".prop_map(Value::from),
                "0x[0-9a-f]{0,70}".prop_map(Value::from),
                any::<u64>().prop_map(Value::from),
                proptest::collection::vec("(0x)?[0-9a-fg]{64}", 0..5).prop_map(|v| json!(v)),
                Just(Value::Null),
            ],
        ) {
            let fields = ["address", "topics", "data", "blockNumber", "blockHash",
                "transactionHash", "logIndex", "removed", "blockTimestamp"];
            let mut log = log();
            log[fields[field]] = value;
            let _ = read(&[log]);
        }
    }
}
