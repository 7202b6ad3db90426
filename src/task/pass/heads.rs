//! How far the chain is, by the provider of a pass, and what of that to believe.

use std::sync::Arc;

use super::Pass;
use super::reading::RESCAN;
use crate::chain::{Provider, ProviderError};
use crate::config::ChainConfig;
use crate::domain::confirmation::Head;
use crate::domain::registry::ConfirmationRule;
use crate::domain::scanning::{self, Cursor};
use crate::service::settle;
use crate::task::look_ups::{PassError, ask, existing_block};

/// How often the heads of a busy chain's providers are compared, in milliseconds.
const COMPARE_HEADS_EVERY: i64 = 30_000;
/// A block may be from so far ahead of our clock, in seconds.
const AHEAD_OF_US: i64 = 15 * 60;
/// A head so far above what was read is verified before cursors follow it; less, and the next re-scan makes up for it.
const HEAD_LEAPT: u64 = RESCAN;

impl Pass {
    pub(super) async fn head(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
    ) -> Result<Head, PassError> {
        let wants_finalized = matches!(
            chain.chain.confirmations,
            ConfirmationRule::Finalized { .. }
        );
        let head = ask(provider, move |p| {
            let number = p.head()?;
            let finalized = if wants_finalized {
                p.finalized()?
            } else {
                None
            };
            Ok(Head { number, finalized })
        })
        .await?;
        let now_ms = self.app.clock().now_ms();
        if self.providers.saw_head(provider, head.number, now_ms) {
            return Err(PassError::Lagging);
        }
        self.lowest_head = self.lowest_head.min(head.number);
        self.compare_heads(provider, head, now_ms);
        self.last_head = head.number;
        Ok(head)
    }

    /// Asks the other providers how far they are, so that one that lags is found out: when the head went backwards, and
    /// now and then while money is expected. Nobody waits for the answers; the next pass goes by them.
    fn compare_heads(&mut self, current: &Arc<dyn Provider>, head: Head, now_ms: i64) {
        let went_back = head.number < self.last_head;
        let is_time = now_ms - self.compared_at >= COMPARE_HEADS_EVERY
            && settle::is_busy(&self.app, &self.blockchain).unwrap_or(false);
        if self.providers.len() < 2 || !(went_back || is_time) {
            return;
        }
        self.compared_at = now_ms;
        for other in self.providers.ready(now_ms) {
            if Arc::ptr_eq(&other, current) {
                continue;
            }
            let (providers, clock) = (self.providers.clone(), self.app.clock().clone());
            tokio::task::spawn_blocking(move || match other.head() {
                Ok(number) => drop(providers.saw_head(&other, number, clock.now_ms())),
                Err(error) => providers.failed(&other, &error, clock.now_ms()),
            });
        }
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
        if number > farthest.saturating_add(HEAD_LEAPT) {
            let block = existing_block(provider, number).await?;
            if chain.chain.steady && block.timestamp > self.app.clock().now() + AHEAD_OF_US {
                return Err(
                    ProviderError::BadAnswer(format!("block {number} is from the future")).into(),
                );
            }
        }
        Ok(())
    }
}
