//! What nodes mean when they say no to `eth_getLogs`. The standard gives them one code for all of it, so
//! the words decide; the codes count only where the words are unknown.
//!
//! The words were collected from the providers' answers and from the sources of the nodes; the tests have a
//! line for each provider. What nobody here knows stays unknown, and is never taken for an empty answer.

use super::json_rpc::NodeError;

/// The meaning of a node's error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Too many requests.
    Later,
    /// It has not got the blocks that were asked for.
    Behind,
    /// Too many recipients or contracts at once.
    TooManyAddresses,
    /// It never takes so many blocks at once; it may say how many it takes.
    RangeTooLong {
        max_blocks: Option<u64>,
        suggested: Option<(u64, u64)>,
    },
    /// These blocks hold too much for one answer, or for its time.
    TooMuchFound {
        suggested: Option<(u64, u64)>,
    },
    /// A missing or wrong key, a plan without this method.
    Refused,
    Unknown,
}

/// Reads an error's words, then its code and HTTP status.
pub fn meaning(error: &NodeError) -> Meaning {
    let text = error.message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let suggested = || suggested_range(&text);
    if error.code == 429 || says(LATER) {
        Meaning::Later
    } else if says(BEHIND) {
        Meaning::Behind
    } else if says(TOO_MANY_ADDRESSES) {
        Meaning::TooManyAddresses
    } else if says(TOO_MUCH_FOUND) {
        Meaning::TooMuchFound {
            suggested: suggested(),
        }
    } else if says(RANGE_TOO_LONG) {
        Meaning::RangeTooLong {
            max_blocks: max_blocks(&text),
            suggested: suggested(),
        }
    } else if says(REFUSED) {
        Meaning::Refused
    } else {
        meaning_of_code(error)
    }
}

/// Whether an error about the `finalized` tag says that the node does not know the tag, or has no such block yet.
pub fn tag_unsupported(error: &NodeError) -> bool {
    let text = error.message.to_lowercase();
    let words = [
        "not supported",
        "unsupported",
        "invalid",
        "not found",
        "unknown block",
        "not finalized",
    ];
    matches!(error.code, -32602 | -32601) || words.iter().any(|word| text.contains(word))
}

const LATER: &[&str] = &[
    "rate limit",
    "rate-limit",
    "ratelimit",
    "rate exceeded",
    "too many requests",
    "request limit",
    "request count",
    "requests per",
    "per second",
    "compute units",
    "throttl",
    "frequency limit",
    "usage limit",
    "quota",
];

const BEHIND: &[&str] = &[
    "blockoutofrange",
    "out of range",
    "block height is",
    "beyond current head",
    "beyond head",
    "beyond the head",
    "after last accepted",
    "greater than latest",
    "greater than the latest",
    "unknown block",
    "header not found",
    "block not found",
];

const TOO_MANY_ADDRESSES: &[&str] = &[
    "max topics",
    "max addresses",
    "addresses or topics",
    "too many addresses",
    "too many topics",
];

const TOO_MUCH_FOUND: &[&str] = &[
    "results",
    "logs matched",
    "too many logs",
    "response size",
    "response too",
    "response is too",
    "timeout",
    "timed out",
    "deadline exceeded",
    "took too long",
];

const RANGE_TOO_LONG: &[&str] = &["range", "too many blocks"];

const REFUSED: &[&str] = &[
    "unauthorized",
    "authenticat",
    "api key",
    "api-key",
    "apikey",
    "project id",
    "forbidden",
    "not allowed",
    "whitelist",
    "method not found",
    "does not exist",
    "not supported",
    "unsupported",
    "disabled",
    "upgrade",
];

fn meaning_of_code(error: &NodeError) -> Meaning {
    match (error.code, error.status) {
        // EIP-1474 "limit exceeded"; BSC's nodes say no more than that.
        (-32005, _) | (_, 413) => Meaning::TooMuchFound { suggested: None },
        // dRPC's timeout.
        (30, _) | (_, 408 | 504) => Meaning::TooMuchFound { suggested: None },
        // dRPC, QuickNode.
        (35 | -32614, _) => Meaning::RangeTooLong {
            max_blocks: None,
            suggested: None,
        },
        (-32601, _) | (_, 401..=403) => Meaning::Refused,
        _ => Meaning::Unknown,
    }
}

/// The number of blocks that a text in lower case names as the most: the number right after one of these.
fn max_blocks(text: &str) -> Option<u64> {
    const BEFORE_IT: [&str; 10] = [
        "limit of ",
        "limited to 0 - ",
        "limited to a ",
        "limited to ",
        "ranges over ",
        "set to ",
        "up to a ",
        "up to ",
        "range: ",
        "range ",
    ];
    BEFORE_IT
        .iter()
        .filter_map(|words| number(text.split_once(words)?.1))
        .find(|blocks| *blocks > 0)
}

/// A decimal number at the beginning of a text: `50000`, `10,000` or `2k`.
fn number(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != ',')
        .unwrap_or(text.len());
    let digits: String = text[..end].chars().filter(char::is_ascii_digit).collect();
    let thousands = text[end..].starts_with('k');
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(if thousands { 1000 } else { 1 })
}

/// The range that the node offers instead: `[0x1, 0x2]` or `range 1-2`.
fn suggested_range(text: &str) -> Option<(u64, u64)> {
    let hex = |text: &str| u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok();
    let in_brackets = || {
        let inside = text.split_once('[')?.1.split_once(']')?.0;
        let (from, to) = inside.split_once(',')?;
        Some((hex(from)?, hex(to)?))
    };
    let in_words = || {
        let (from, to) = text.split_once("range ")?.1.split_once('-')?;
        Some((from.trim().parse().ok()?, number(to.trim())?))
    };
    in_brackets().or_else(in_words)
}
