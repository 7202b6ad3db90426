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

/// Whether an error about the block `finalized` says that the node does not know the tag, or has no such block yet.
/// What is said about anything else says nothing about the tag.
pub fn tag_unsupported(error: &NodeError) -> bool {
    const WORDS: [&str; 6] = [
        "finalized",
        "block tag",
        "block not found",
        "unknown block",
        "invalid block",
        "header not found",
    ];
    let text = error.message.to_lowercase();
    let about_it =
        matches!(error.code, -32602 | -32601) || WORDS.iter().any(|word| text.contains(word));
    about_it && meaning(error) != Meaning::Later
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
    "temporarily unavailable",
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
    "result window",
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
    "deprecated",
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What providers are known to answer: HTTP status, code, text, and what it means when 12,000 blocks from 0x1000 on were asked for.
    #[rustfmt::skip] // A table: a row is a line.
    pub fn known() -> Vec<(u16, i64, &'static str, Meaning)> {
        let blocks = |max| Meaning::RangeTooLong {
            max_blocks: Some(max),
            suggested: None,
        };
        let many = Meaning::TooMuchFound { suggested: None };
        let untold = Meaning::RangeTooLong {
            max_blocks: None,
            suggested: None,
        };
        let offer = |from, to| Meaning::TooMuchFound {
            suggested: Some((from, to)),
        };
        vec![
            // PublicNode
            (200, -32701, "exceed maximum block range: 50000", blocks(50_000)),
            // dRPC
            (400, 35, "ranges over 10000 blocks are not supported on freetier", blocks(10_000)),
            (400, 35, "no", untold),
            (500, 31, "Batch of more than 3 requests are not allowed on free tier, to use it upgrade", Meaning::Refused),
            (408, 30, "Request timeout on the free tier, please upgrade your tier to the paid one", many),
            (408, 30, "no", many),
            // 1RPC
            (200, -32602, "eth_getLogs is limited to 0 - 10000 blocks range", blocks(10_000)),
            (200, -32602, "response size should not greater than 10000000 bytes", many),
            // Infura
            (200, -32602, "range 12000 exceeds limit of 10000", blocks(10_000)),
            (200, -32005, "query returned more than 10000 results. Try with this block range [0x1000, 0x1fff].", offer(0x1000, 0x1fff)),
            (200, -32005, "daily request count exceeded, request rate limited", Meaning::Later),
            // Alchemy
            (400, -32600, "Under the Free tier plan, you can make eth_getLogs requests with up to a 500 block range. Based on your parameters, this block range should work: [0x1000, 0x11f3]. Upgrade to PAYG for expanded block range.", Meaning::RangeTooLong { max_blocks: Some(500), suggested: Some((0x1000, 0x11f3)) }),
            (400, -32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [0x1000, 0x1100]", offer(0x1000, 0x1100)),
            (429, 429, "Your app has exceeded its compute units per second capacity.", Meaning::Later),
            // QuickNode
            (413, -32614, "eth_getLogs is limited to a 10,000 range", blocks(10_000)),
            (413, -32614, "no", many),
            (200, -32007, "50/second request limit reached - reduce calls per second", Meaning::Later),
            // Ankr
            (200, -32600, "block range is too wide", untold),
            (200, -32000, "Unauthorized: You must authenticate your request with an API key.", Meaning::Refused),
            // reth
            (200, -32602, "query exceeds max results 20000, retry with the range 4096-5000", offer(4096, 5000)),
            (200, -32602, "query exceeds max block range 10000", blocks(10_000)),
            // Base
            (503, -32011, "no backend is currently healthy to serve traffic", Meaning::Unknown),
            (200, -32000, "block range too large", untold),
            // OP
            (200, -32000, "Block range is too large", untold),
            (200, -32020, "backend response too large", many),
            // Arbitrum: the number counts logs
            (200, -32000, "logs matched by query exceeds limit of 10000", many),
            // Avalanche
            (200, -32000, "requested too many blocks from 4096 to 16095, maximum is set to 2048", blocks(2048)),
            (200, -32000, "requested from block 9000 after last accepted block 8000", Meaning::Behind),
            // geth
            (200, -32602, "exceed max topics", Meaning::TooManyAddresses),
            (200, -32602, "exceed max addresses or topics per search position", Meaning::TooManyAddresses),
            (200, -32602, "invalid block range params", untold),
            (200, -32602, "block range extends beyond current head block", Meaning::Behind),
            (200, -32000, "unknown block", Meaning::Behind),
            (200, -32002, "request timed out", many),
            // erigon
            (200, -32005, "block range too large, max range: 1000", blocks(1000)),
            // bsc
            (200, -32005, "limit exceeded", many),
            // java-tron
            (200, -32602, "exceed max block range: 5000", blocks(5000)),
            (200, -32602, "exceed max addresses: 1000", Meaning::TooManyAddresses),
            (200, -32005, "query returned more than 10000 results", many),
            // anvil
            (200, -32602, "BlockOutOfRangeError: block height is 8 but requested was 16", Meaning::Behind),
            // What any gateway may say
            (200, -32000, "Too Many Requests", Meaning::Later),
            (200, -32601, "the method eth_getLogs does not exist/is not available", Meaning::Refused),
            (403, 0, "no", Meaning::Refused),
            (200, -32603, "Internal error", Meaning::Unknown),
            (200, 0, "", Meaning::Unknown),
        ]
    }

    #[test]
    fn what_providers_are_known_to_say() {
        for (status, code, text, expected) in known() {
            let error = NodeError {
                code,
                message: text.to_owned(),
                status,
            };
            assert_eq!(meaning(&error), expected, "{text}");
        }
    }

    #[test]
    fn only_what_is_about_the_tag_says_that_there_is_none() {
        let check = |code: i64, text: &str, expected: bool| {
            let message = text.to_owned();
            let status = 200;
            let error = NodeError {
                code,
                message,
                status,
            };
            assert_eq!(tag_unsupported(&error), expected, "{text}");
        };
        check(
            -32602,
            "TAG [earliest | pending | finalized] not supported",
            true,
        );
        check(
            -32602,
            "invalid argument 0: hex string without 0x prefix",
            true,
        );
        check(-39001, "finalized block not found", true);
        check(-32000, "unknown block", true);
        check(-32000, "Unauthorized: invalid key", false);
        check(-32602, "rate limit reached", false);
        check(-32603, "Internal error", false);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(range |\\[0x|limit of )?.{0,60}", code in proptest::num::i64::ANY) {
            let error = NodeError { code, message: text, status: 200 };
            let _ = (meaning(&error), tag_unsupported(&error));
        }
    }
}
