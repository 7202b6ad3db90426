//! Looking up what is ready or in doubt, and settling it.

use std::sync::Arc;

use super::Pass;
use super::notes::Why;
use super::reading::Read;
use super::witnesses::{Testimony, Witnesses};
use crate::chain::{Provider, ProviderError};
use crate::config::ChainConfig;
use crate::domain::agreement::{HeldBack, witnesses_needed};
use crate::domain::confirmation::{Doubt, Head, Verdict};
use crate::domain::transfer::{BlockRef, TransferStatus};
use crate::service::{App, StoreError, StoredTransfer, settle};
use crate::task::look_ups::{LookUps, PassError};

/// How often a transfer that is gone is looked up, in milliseconds.
const LOOK_UP_GONE_EVERY: i64 = 60_000;
/// So many bad answers about single transfers are the provider's fault, not theirs.
const TOO_MANY_BAD_ANSWERS: usize = 5;
/// Settling so many transfers at once shares their commits.
const SETTLE_TOGETHER: usize = 64;

/// What a pass goes by when it settles.
struct Settling<'a> {
    chain: &'a ChainConfig,
    provider: &'a Arc<dyn Provider>,
    head: Head,
    look_ups: LookUps,
    witnesses: Witnesses,
    bad_answers: usize,
}

/// What to do with a transfer that was looked up.
enum Decision {
    Settle(Verdict),
    Hold {
        block: BlockRef,
        why: HeldBack,
        /// For the log: who says what.
        because: String,
    },
}

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
        let mut by = Settling {
            chain,
            provider,
            head,
            look_ups: LookUps::default(),
            witnesses: Witnesses::new(providers, provider, chain.chain.confirmations, clock),
            bad_answers: 0,
        };
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
                is_missing || head.confirms(block, chain.chain.confirmations)
            }
            TransferStatus::FailedToConfirm => rested(),
            TransferStatus::Matched if transfer.vanished => rested(),
            TransferStatus::Matched => is_missing || head.is_final(block),
            TransferStatus::NoMatchedDeposit => false,
        }
    }

    /// Looks a transfer up, and asks other providers where this one's word is not enough.
    async fn decide(
        &self,
        by: &mut Settling<'_>,
        transfer: &StoredTransfer,
    ) -> Result<Decision, PassError> {
        let verdict = by.look_up(transfer).await?;
        if transfer.status != TransferStatus::WaitingForConfirmation {
            return Ok(Decision::Settle(verdict));
        }
        let agree_from = self.app.config().payments.agree_from;
        let needed = witnesses_needed(by.chain.agreement, agree_from, transfer.facts.value);
        match verdict {
            Verdict::Stands(block)
                if needed > 1 && by.head.confirms(block.number, by.chain.chain.confirmations) =>
            {
                by.confirmed_by_others(transfer, block, needed).await
            }
            Verdict::Unclear(doubt) if doubt.is_contradiction() => {
                by.contradicted_by_others(transfer, doubt, needed).await
            }
            verdict => Ok(Decision::Settle(verdict)),
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
                "a transfer waits for a second provider that shows it"
            ),
            Decision::Settle(_) => {}
        }
    }
}

impl Settling<'_> {
    async fn look_up(&mut self, transfer: &StoredTransfer) -> Result<Verdict, PassError> {
        let found = self
            .look_ups
            .verdict(self.provider, &transfer.id, &transfer.block)
            .await;
        match found {
            // One transaction that no node can explain must not keep the others from being settled.
            Err(PassError::Provider(ProviderError::BadAnswer(_)))
                if self.bad_answers < TOO_MANY_BAD_ANSWERS =>
            {
                self.bad_answers += 1;
                Ok(Verdict::Unclear(Doubt::Nonsense))
            }
            found => found,
        }
    }

    /// A transfer that stands and is deep enough, by the pass's provider: whether enough others say so, too.
    async fn confirmed_by_others(
        &mut self,
        transfer: &StoredTransfer,
        block: BlockRef,
        needed: u32,
    ) -> Result<Decision, PassError> {
        let heard = self.witnesses.confirm(&transfer.id, &block, needed).await?;
        Ok(match heard {
            Testimony::Agreed(block) => Decision::Settle(Verdict::Stands(block)),
            Testimony::Held(why) => Decision::Hold {
                because: format!("{needed} independent providers must show it"),
                block,
                why,
            },
            Testimony::Dissent(other, dissent) => Decision::Hold {
                because: format!("{} shows it; {other}: {dissent}", self.provider.label()),
                block,
                why: HeldBack::ProvidersDisagree,
            },
        })
    }

    /// A transfer that was seen, and that the pass's provider does not know, though it has the very block. It takes two others
    /// at least to overrule it; one alone is a disagreement.
    async fn contradicted_by_others(
        &mut self,
        transfer: &StoredTransfer,
        doubt: Doubt,
        needed: u32,
    ) -> Result<Decision, PassError> {
        let seen_in = &transfer.block;
        let heard = self
            .witnesses
            .overrule(&transfer.id, seen_in, needed.max(2))
            .await?;
        Ok(match heard {
            None => Decision::Settle(Verdict::Unclear(doubt)),
            Some(Testimony::Agreed(block)) => {
                tracing::warn!(
                    blockchain = %self.chain.chain.blockchain, provider = self.provider.label(), txn_hash = transfer.id.txn_hash,
                    "a provider does not show a transfer that two others do: going by them"
                );
                Decision::Settle(Verdict::Stands(block))
            }
            Some(_) => Decision::Hold {
                because: format!(
                    "another provider shows it; {}: {doubt}",
                    self.provider.label()
                ),
                block: seen_in.clone(),
                why: HeldBack::ProvidersDisagree,
            },
        })
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
