//! What is asked of a node besides watching: the decimals that a token has, and how many blocks it takes at once.

use serde_json::{Value, json};

use super::evm_rpc::EvmRpc;
use super::json_rpc::CallError;
use super::refusals::{self, Meaning};
use super::{ProviderError, Scan};
use crate::domain::address::Address;

/// The selector of `decimals()`.
pub const DECIMALS: &str = "0x313ce567";

/// A range that is refused without a word about how long it may be is asked in tenths.
const SHORTER: u64 = 10;

impl EvmRpc {
    /// What a token's contract answers to `decimals()`. A contract that is none is a bad answer.
    pub(super) fn decimals_of(&self, contract: &Address) -> Result<u8, ProviderError> {
        self.verify()?;
        let call = json!([{"to": contract.to_hex(), "data": DECIMALS}, "latest"]);
        let result: Option<Value> = self.rpc.call("eth_call", call)?;
        let word = result.as_ref().and_then(Value::as_str).unwrap_or_default();
        decimals_in(word)
    }

    /// How many blocks, counted back from the end of the range, one `eth_getLogs` covers: all of them, or as many as the
    /// node says or takes. Asks five times at most.
    pub(super) fn longest_range_of(&self, ask: &Scan) -> Result<u64, ProviderError> {
        self.verify()?;
        let mut blocks = ask.to.saturating_sub(ask.from).saturating_add(1);
        loop {
            let from = ask.to.saturating_add(1).saturating_sub(blocks);
            let shorter = Scan {
                from,
                ..ask.clone()
            };
            let error = match self.logs(&shorter, ask.to) {
                Ok(_) => return Ok(blocks),
                Err(error) => error,
            };
            match fewer(&error, blocks) {
                Some(fewer) => blocks = fewer,
                None => return Err(error.into()),
            }
        }
    }
}

/// The number in the word that a call of `decimals()` returns, as hex.
pub fn decimals_in(word: &str) -> Result<u8, ProviderError> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let number = match digits.len() {
        64 => u8::from_str_radix(digits.trim_start_matches('0'), 16).ok(),
        _ => None,
    };
    match number {
        Some(number) => Ok(number),
        // `from_str_radix` does not take the empty text that a zero leaves.
        None if digits.len() == 64 && digits.bytes().all(|b| b == b'0') => Ok(0),
        None => Err(ProviderError::BadAnswer(
            "no token with decimals is at that address".to_owned(),
        )),
    }
}

/// How many blocks to try after a refusal; `None` if it was not about their number.
fn fewer(error: &CallError, blocks: u64) -> Option<u64> {
    let told = match error {
        CallError::Node(node) => match refusals::meaning(node) {
            Meaning::RangeTooLong { max_blocks, .. } => max_blocks,
            Meaning::TooMuchFound { .. } | Meaning::Unknown => None,
            Meaning::Later | Meaning::Behind | Meaning::Refused | Meaning::TooManyAddresses => {
                return None;
            }
        },
        CallError::TooLong | CallError::Timeout => None,
        CallError::Failed(_) => return None,
    };
    let fewer = told
        .filter(|told| *told < blocks)
        .unwrap_or(blocks / SHORTER);
    (fewer > 0).then_some(fewer)
}

#[cfg(test)]
mod tests {
    use super::super::evm_rpc::tests::{ask, provider, quantity, range};
    use super::super::scripted::{Answer, Scripted};
    use super::*;

    #[test]
    fn decimals_are_one_word() {
        let word = |n: u8| format!("{n:#066x}");
        for n in [0, 6, 18, 255] {
            assert_eq!(decimals_in(&word(n)), Ok(n));
        }
        let big = format!("0x{}", "1".repeat(64));
        for none in ["0x", "", "0x6", &big, &format!("0x{}", "g".repeat(64))] {
            assert!(decimals_in(none).is_err(), "{none}");
        }
    }

    #[test]
    fn decimals_are_asked_of_the_contract() {
        let server = Scripted::node(|method, params| {
            assert_eq!((method, &params[1]), ("eth_call", &json!("latest")));
            assert_eq!(params[0]["data"], DECIMALS);
            Answer::result(json!(format!("{:#066x}", 6)))
        });
        let contract = ask(1, 1).contracts[0];
        assert_eq!(provider(&server).decimals_of(&contract), Ok(6));
        assert_eq!(server.params("eth_call")[0]["to"], contract.to_hex());
    }

    /// A node that refuses more than `most` blocks with this text.
    fn longest(most: u64, code: i64, text: &'static str) -> (Result<u64, ProviderError>, usize) {
        let server = Scripted::node(move |_, params| {
            let (from, to) = range(&params[0]);
            match to - from < most {
                true => Answer::result(json!([])),
                false => Answer::error(200, code, text),
            }
        });
        let found = provider(&server).longest_range_of(&ask(1, 10_000));
        let asked = server.params("eth_getLogs");
        assert!(asked.iter().all(|p| quantity(&p["toBlock"]) == 10_000));
        (found, asked.len())
    }

    #[test]
    fn the_longest_range_is_found_in_a_few_requests() {
        assert_eq!(longest(50_000, -1, ""), (Ok(10_000), 1));
        let told = "exceed maximum block range: 2048";
        assert_eq!(longest(2048, -32701, told), (Ok(2048), 2));
        assert_eq!(longest(10, -32000, "block range is too wide"), (Ok(10), 4));
        assert_eq!(longest(1, -32005, "limit exceeded"), (Ok(1), 5));
        // A node that says something else than it means.
        assert_eq!(
            longest(100, -32701, "exceed maximum block range: 20000"),
            (Ok(100), 3)
        );
        let (refused, asked) = longest(0, -32000, "Unauthorized: you need an API key");
        assert!(matches!(refused, Err(ProviderError::Refused(_))));
        assert_eq!(asked, 1);
    }
}
