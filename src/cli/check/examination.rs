//! One provider, asked for everything that watching will ask of it.

use std::time::{Duration, Instant};

use crate::chain::{Provider, ProviderError, Scan};
use crate::clock::Clock;
use crate::config::{ChainConfig, Config};
use crate::domain::address::Address;
use crate::domain::registry::ConfirmationRule;

/// Blocks of one `eth_getLogs` that are as good as any number.
const PLENTY: u64 = 10_000;

/// Blocks that every pass reads again.
const RESCAN: u64 = 64;

/// What a provider that works said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    pub head: u64,
    /// Unix seconds.
    pub head_time: i64,
    /// Our clock when the head was asked for, in Unix seconds.
    pub asked_at: i64,
    /// The newest final block; `None` where it is not asked for, or not known.
    pub finalized: Option<u64>,
    /// Blocks that it takes at once; `None` where its lists are not limited by blocks, or the chain has too few to tell.
    pub blocks_at_once: Option<u64>,
    /// How long the head took.
    pub latency: Duration,
}

/// Asks for the head, its block, the finalized block where the chain's rule goes by it, and for transfers.
pub fn examine(
    provider: &dyn Provider,
    chain: &ChainConfig,
    config: &Config,
) -> Result<Answers, ProviderError> {
    // The chain id comes first, with a connection to be made: not part of the latency.
    provider.head()?;
    let (asked_at, started) = (Clock::system().now(), Instant::now());
    let head = provider.head()?;
    let latency = started.elapsed();
    let block = provider.block(head)?;
    let missing = || ProviderError::BadAnswer(format!("it lacks its own newest block {head}"));
    let head_time = block.ok_or_else(missing)?.timestamp;
    let finalized = match chain.chain.confirmations {
        ConfirmationRule::Finalized { .. } => provider.finalized()?,
        ConfirmationRule::Depth(_) => None,
    };
    Ok(Answers {
        head,
        head_time,
        asked_at,
        finalized,
        blocks_at_once: transfers(provider, chain, config, head)?,
        latency,
    })
}

/// That it lists transfers at all, and how many blocks at once.
fn transfers(
    provider: &dyn Provider,
    chain: &ChainConfig,
    config: &Config,
    head: u64,
) -> Result<Option<u64>, ProviderError> {
    let wallets = config
        .wallets
        .iter()
        .filter(|w| w.blockchain == chain.chain.blockchain);
    let last = |blocks: u64| Scan {
        from: head.saturating_sub(blocks - 1),
        to: head,
        recipients: wallets.clone().map(|w| w.address).collect::<Vec<Address>>(),
        contracts: chain.chain.tokens.iter().map(|t| t.contract).collect(),
    };
    let blocks = provider.longest_range(&last(PLENTY))?;
    if blocks.is_none() {
        provider.scan(&last(RESCAN))?;
    }
    let all = head + 1;
    Ok(blocks.filter(|taken| *taken < all || all >= PLENTY))
}
