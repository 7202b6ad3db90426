//! Looking up what is ready or in doubt, and settling it.

use std::sync::Arc;

use super::Pass;
use super::deciding::{Decision, Settling};
use super::notes::Why;
use super::reading::Read;
use super::witnesses::Witnesses;
use crate::chain::Provider;
use crate::config::ChainConfig;
use crate::domain::agreement::HeldBack;
use crate::domain::confirmation::{Head, Verdict};
use crate::domain::transfer::TransferStatus;
use crate::service::{App, StoreError, StoredTransfer, settle};
use crate::task::look_ups::PassError;

/// How often a transfer that is gone is looked up, in milliseconds.
const LOOK_UP_GONE_EVERY: i64 = 60_000;
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
        let (providers, clock) = (self.providers.clone(), self.app.clock());
        let witnesses = Witnesses::new(providers, provider, chain.chain.confirmations, clock);
        let mut by = Settling::new(chain, provider, head, witnesses);
        let app = self.app.clone();
        for some in due.chunks(SETTLE_TOGETHER) {
            let mut settling = Vec::with_capacity(some.len());
            let mut stopped = None;
            for transfer in some {
                match self.decide(&mut by, transfer).await {
                    Ok(decision) => {
                        self.note(transfer, &decision);
                        settling.push(act(&app, transfer.row, decision, head));
                    }
                    Err(error) => {
                        stopped = Some(error);
                        break;
                    }
                }
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
        let now_ms = self.app.clock().now_ms();
        if !self.notes.may_look_up(transfer.row, now_ms) {
            return false;
        }
        let block = transfer.block.number;
        let was_read = read
            .from
            .is_some_and(|from| (from..=head.number).contains(&block));
        let is_missing = was_read && !read.seen.contains(&transfer.id);
        let rested = || self.notes.rested(transfer.row, LOOK_UP_GONE_EVERY, now_ms);
        match transfer.status {
            TransferStatus::WaitingForConfirmation | TransferStatus::WaitingForMatch => {
                is_missing
                    || transfer.held_back.is_some()
                    || head.confirms(block, chain.chain.confirmations)
            }
            TransferStatus::FailedToConfirm => rested(),
            TransferStatus::Matched if transfer.vanished => rested(),
            TransferStatus::Matched => is_missing || head.is_final(block),
            TransferStatus::NoMatchedDeposit => false,
        }
    }

    /// Remembers a look-up, and logs once what keeps the transfer.
    fn note(&mut self, transfer: &StoredTransfer, decision: &Decision) {
        let why = match decision {
            Decision::Settle(Verdict::Unclear(_)) => Some(Why::Unclear),
            Decision::Settle(_) => None,
            Decision::Hold { why, .. } => Some(Why::HeldBack(*why)),
        };
        let now_ms = self.app.clock().now_ms();
        if !self.notes.note(transfer.row, why, now_ms) {
            return;
        }
        let (row, txn_hash) = (transfer.row, &transfer.id.txn_hash);
        match decision {
            Decision::Settle(Verdict::Unclear(why)) => tracing::warn!(
                blockchain = %self.blockchain, transfer = row, txn_hash, %why,
                "a look-up says nothing sure about a transfer; asking again"
            ),
            Decision::Hold {
                why: HeldBack::ProvidersDisagree,
                because,
                ..
            } => tracing::error!(
                blockchain = %self.blockchain, transfer = row, txn_hash, because,
                "providers disagree about a transfer; it pays nothing while they do"
            ),
            Decision::Hold { because, .. } => tracing::warn!(
                blockchain = %self.blockchain, transfer = row, txn_hash, because,
                "a transfer waits for a second provider"
            ),
            Decision::Settle(_) => {}
        }
    }
}

async fn act(app: &App, row: i64, decision: Decision, head: Head) -> Result<(), StoreError> {
    match decision {
        Decision::Settle(verdict) => settle::settle(app, row, verdict, head).await,
        Decision::Hold { block, why, .. } => settle::hold_back(app, row, block, head, why).await,
    }
}

fn new_depth(transfer: &StoredTransfer, head: Head) -> Option<(i64, u64)> {
    let depth = head.confirmations(transfer.block.number);
    let waiting = transfer.status == TransferStatus::WaitingForConfirmation;
    (waiting && depth != transfer.confirmations).then_some((transfer.row, depth))
}
