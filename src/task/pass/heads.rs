//! How far the chain is, by the provider of a pass, and what of that to believe.

use std::sync::Arc;
use std::time::Duration;

use super::Pass;
use super::reading::RESCAN;
use crate::chain::{Provider, ProviderError};
use crate::config::ChainConfig;
use crate::domain::confirmation::Head;
use crate::domain::registry::ConfirmationRule;
use crate::domain::scanning::{self, Cursor};
use crate::task::look_ups::{PassError, ask, existing_block};

/// A block may be from so far ahead of our clock, in seconds.
const AHEAD_OF_US: i64 = 15 * 60;
/// So many times as fast as usual a chain may have been.
const HURRY: u64 = 4;
/// A head so far above what was read is verified in any case: less, and the next re-scan makes up for what a false one skips. One
/// that is higher than it can have grown is verified, too, since deposits opened now remember it.
const HEAD_LEAPT: u64 = RESCAN;

impl Pass {
    pub(super) async fn head(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
    ) -> Result<Head, PassError> {
        let rule = chain.chain.confirmations;
        let head = ask(provider, move |p| head_of(p, rule)).await?;
        let now_ms = self.app.clock().now_ms();
        if self.providers.saw_head(provider, head, rule, now_ms) {
            return Err(PassError::Lagging);
        }
        self.lowest_head = self.lowest_head.min(head.number);
        self.look_again(chain, provider, head, now_ms)?;
        self.last_head = head.number;
        Ok(head)
    }

    /// How many blocks may have come since the chain was read last: twice the usual number and a few. None before it was.
    fn plausible_growth(&self, chain: &ChainConfig) -> u64 {
        const A_FEW: u64 = 5;
        let Some(read_at) = self.read_at else {
            return 0;
        };
        let elapsed = (self.app.clock().now_ms() - read_at).max(0) as u128;
        let usual = elapsed / chain.chain.block_time.as_millis().max(1);
        u64::try_from(2 * usual)
            .unwrap_or(u64::MAX)
            .saturating_add(A_FEW)
    }

    /// Believes no head that is absurd against what was read before: far below it nothing would be read, far above it
    /// cursors would leap over blocks that do not exist yet.
    pub(super) async fn check_head(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        cursors: &[Cursor],
    ) -> Result<(), PassError> {
        let Some(farthest) = cursors.iter().map(|c| c.scanned_to).max() else {
            return Ok(());
        };
        let number = head.number;
        if number.saturating_add(scanning::MAX_REWIND) < farthest {
            let message = format!(
                "its head {number} is far below block {farthest}, which was read before: it lags, or the chain was reset"
            );
            return Err(ProviderError::BadAnswer(message).into());
        }
        if number > farthest.saturating_add(self.plausible_growth(chain).min(HEAD_LEAPT)) {
            self.check_leap(chain, provider, farthest, number).await?;
        }
        Ok(())
    }

    /// Whether a chain can have come so far. Cursors that were moved into its future would keep it from being read until
    /// it is there.
    async fn check_leap(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        farthest: u64,
        number: u64,
    ) -> Result<(), PassError> {
        provider.distrust();
        let newest = existing_block(provider, number).await?;
        if !chain.chain.steady {
            return Ok(());
        }
        let bad = |message: String| Err(ProviderError::BadAnswer(message).into());
        if newest.timestamp > self.app.clock().now() + AHEAD_OF_US {
            return bad(format!("block {number} is from the future"));
        }
        let known = existing_block(provider, farthest).await?;
        let seconds = newest.timestamp.saturating_sub(known.timestamp);
        let elapsed = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let usual = chain.chain.blocks_in(elapsed);
        let most = usual.saturating_mul(HURRY).saturating_add(HEAD_LEAPT);
        if number - farthest > most {
            return bad(format!(
                "its head {number} is too far above block {farthest}, which is only {seconds} s older"
            ));
        }
        Ok(())
    }
}

/// A provider's newest block, and its newest final one where the chain's rule goes by that.
pub fn head_of(provider: &dyn Provider, rule: ConfirmationRule) -> Result<Head, ProviderError> {
    let number = provider.head()?;
    let finalized = match rule {
        ConfirmationRule::Finalized { .. } => provider.finalized()?,
        ConfirmationRule::Depth(_) => None,
    };
    Ok(Head { number, finalized })
}
