//! Looking up what is ready or in doubt, and settling it.

use std::sync::Arc;

use super::Pass;
use super::reading::Read;
use crate::chain::{Provider, ProviderError};
use crate::config::ChainConfig;
use crate::domain::confirmation::{Head, Verdict};
use crate::domain::transfer::TransferStatus;
use crate::service::{StoredTransfer, settle};
use crate::task::look_ups::{LookUps, PassError};

/// How often a transfer that is gone is looked up, in milliseconds.
const LOOK_UP_GONE_EVERY: i64 = 60_000;
/// A transfer of which nothing sure could be learned is looked up again after this long, in milliseconds.
const LOOK_UP_UNCLEAR_EVERY: i64 = 5_000;
/// So many bad answers about single transfers are the provider's fault, not theirs.
const TOO_MANY_BAD_ANSWERS: usize = 5;
/// Settling so many transfers at once shares their commits.
const SETTLE_TOGETHER: usize = 64;

impl Pass {
    /// Looks up the transfers that are ready or in doubt, and settles them.
    pub(super) async fn settle(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        read: &Read,
    ) -> Result<(), PassError> {
        let watched = settle::watched(&self.app, &self.blockchain)?;
        let (due, resting): (Vec<_>, Vec<_>) = watched
            .into_iter()
            .partition(|transfer| self.is_due(chain, head, read, transfer));
        let depths = resting.iter().filter_map(|t| new_depth(t, head)).collect();
        settle::note_depths(&self.app, depths).await?;
        let mut look_ups = LookUps::default();
        let app = self.app.clone();
        let mut bad_answers = 0;
        for some in due.chunks(SETTLE_TOGETHER) {
            let mut settling = Vec::with_capacity(some.len());
            let mut stopped = None;
            for transfer in some {
                let verdict = match look_ups.verdict(provider, transfer).await {
                    Ok(verdict) => verdict,
                    // One transaction that no node can explain must not keep the others from being settled.
                    Err(PassError::Provider(ProviderError::BadAnswer(_)))
                        if bad_answers < TOO_MANY_BAD_ANSWERS =>
                    {
                        bad_answers += 1;
                        Verdict::Unclear("the provider's answer makes no sense")
                    }
                    Err(error) => {
                        stopped = Some(error);
                        break;
                    }
                };
                self.note_verdict(transfer, &verdict);
                settling.push(settle::settle(&app, transfer.row, verdict, head));
            }
            // What was learned counts, whatever came after it.
            for settled in futures_util::future::join_all(settling).await {
                settled?;
            }
            if let Some(error) = stopped {
                return Err(error);
            }
        }
        Ok(())
    }

    fn is_due(
        &self,
        chain: &ChainConfig,
        head: Head,
        read: &Read,
        transfer: &StoredTransfer,
    ) -> bool {
        let block = transfer.block.number;
        let was_read = read
            .from
            .is_some_and(|from| (from..=head.number).contains(&block));
        let is_missing = was_read && !read.seen.contains(&transfer.id);
        let rested = |ms: i64| {
            let last = self.looked_up.get(&transfer.row).copied().unwrap_or(0);
            self.app.clock().now_ms() - last >= ms
        };
        if self.unclear.contains(&transfer.row) && !rested(LOOK_UP_UNCLEAR_EVERY) {
            return false;
        }
        match transfer.status {
            TransferStatus::WaitingForConfirmation | TransferStatus::WaitingForMatch => {
                is_missing || head.confirms(block, chain.chain.confirmations)
            }
            TransferStatus::FailedToConfirm => rested(LOOK_UP_GONE_EVERY),
            TransferStatus::Matched if transfer.vanished => rested(LOOK_UP_GONE_EVERY),
            TransferStatus::Matched => is_missing || head.is_final(block),
            TransferStatus::NoMatchedDeposit => false,
        }
    }

    fn note_verdict(&mut self, transfer: &StoredTransfer, verdict: &Verdict) {
        self.looked_up
            .insert(transfer.row, self.app.clock().now_ms());
        if self.looked_up.len() > 10_000 {
            self.looked_up.clear();
        }
        match verdict {
            Verdict::Unclear(why) if self.unclear.insert(transfer.row) => tracing::warn!(
                blockchain = %self.blockchain, transfer = transfer.row, txn_hash = transfer.id.txn_hash, why,
                "a look-up says nothing sure about a transfer; asking again"
            ),
            Verdict::Unclear(_) => {}
            _ => {
                self.unclear.remove(&transfer.row);
            }
        }
    }
}

fn new_depth(transfer: &StoredTransfer, head: Head) -> Option<(i64, u64)> {
    let depth = head.confirmations(transfer.block.number);
    let waiting = transfer.status == TransferStatus::WaitingForConfirmation;
    (waiting && depth != transfer.confirmations).then_some((transfer.row, depth))
}
