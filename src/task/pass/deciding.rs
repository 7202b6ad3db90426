//! What a look-up of a transfer comes to: the provider of the pass is asked, and others where its word is not enough.

use std::sync::Arc;

use super::Pass;
use super::witnesses::{Testimony, Witnesses};
use crate::chain::{Provider, ProviderError};
use crate::config::ChainConfig;
use crate::domain::agreement::{HeldBack, witnesses_needed};
use crate::domain::confirmation::{Doubt, Head, Verdict};
use crate::domain::transfer::{BlockRef, TransferStatus};
use crate::service::StoredTransfer;
use crate::task::look_ups::{LookUps, PassError};

/// So many bad answers about single transfers are the provider's fault, not theirs.
const TOO_MANY_BAD_ANSWERS: usize = 5;
/// A provider may have a bad moment, and a reorganisation takes one: a doubt that denies nothing has so long to clear up before
/// others are asked, in milliseconds.
const A_MOMENT: i64 = 15_000;

/// What a pass goes by when it settles.
pub(super) struct Settling<'a> {
    chain: &'a ChainConfig,
    provider: &'a Arc<dyn Provider>,
    head: Head,
    look_ups: LookUps,
    witnesses: Witnesses,
    bad_answers: usize,
}

/// What to do with a transfer that was looked up.
pub(super) enum Decision {
    Settle(Verdict),
    Hold {
        block: BlockRef,
        why: HeldBack,
        /// For the log: who says what.
        because: String,
    },
}

impl Pass {
    /// Looks a transfer up, and asks other providers where this one's word is not enough.
    pub(super) async fn decide(
        &self,
        by: &mut Settling<'_>,
        transfer: &StoredTransfer,
    ) -> Result<Decision, PassError> {
        let verdict = by.look_up(transfer).await?;
        if transfer.status == TransferStatus::Matched && verdict == Verdict::Gone {
            return by.vanished_for_others(transfer).await;
        }
        if transfer.status != TransferStatus::WaitingForConfirmation {
            return Ok(Decision::Settle(verdict));
        }
        let agree_from = self.app.config().payments.agree_from;
        let needed = witnesses_needed(by.chain.agreement, agree_from, transfer.facts.value);
        match verdict {
            Verdict::Stands(block) if needed > 1 && by.is_deep_enough(&block) => {
                by.confirmed_by_others(transfer, block, needed).await
            }
            Verdict::Gone => by.gone_for_others(transfer, needed).await,
            // It takes two others at least to overrule who denies it, and as many as ever where that one says nothing.
            Verdict::Unclear(doubt) if doubt.is_contradiction() => {
                by.shown_by_others(transfer, doubt, needed.max(2)).await
            }
            Verdict::Unclear(doubt)
                if by.is_deep_enough(&transfer.block) && self.doubt_lasts(transfer) =>
            {
                by.shown_by_others(transfer, doubt, needed).await
            }
            verdict => Ok(Decision::Settle(verdict)),
        }
    }

    fn doubt_lasts(&self, transfer: &StoredTransfer) -> bool {
        let now_ms = self.app.clock().now_ms();
        self.notes.is_stuck_for(transfer.row, A_MOMENT, now_ms)
    }
}

impl<'a> Settling<'a> {
    pub(super) fn new(
        chain: &'a ChainConfig,
        provider: &'a Arc<dyn Provider>,
        head: Head,
        witnesses: Witnesses,
    ) -> Self {
        Self {
            chain,
            provider,
            head,
            look_ups: LookUps::default(),
            witnesses,
            bad_answers: 0,
        }
    }

    fn is_deep_enough(&self, block: &BlockRef) -> bool {
        self.head
            .confirms(block.number, self.chain.chain.confirmations)
    }

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

    /// A transfer that was seen, and that the pass's provider says is gone: whether it is gone for others, too. Where it stands, it
    /// takes as many to overrule this provider as where it denies a transfer.
    async fn gone_for_others(
        &mut self,
        transfer: &StoredTransfer,
        needed: u32,
    ) -> Result<Decision, PassError> {
        let (id, seen_in) = (&transfer.id, &transfer.block);
        let kept = self.witnesses.keep(id, seen_in, needed, self.head).await?;
        let Some(why) = kept else {
            return Ok(Decision::Settle(Verdict::Gone));
        };
        if why == HeldBack::ProvidersDisagree
            && let Some(Testimony::Agreed(block)) =
                self.witnesses.overrule(id, seen_in, needed.max(2)).await?
        {
            return Ok(self.go_by_others(transfer, block));
        }
        let label = self.provider.label();
        Ok(Decision::Hold {
            because: match why {
                HeldBack::ProvidersDisagree => {
                    format!("another provider shows it; for {label} it is gone")
                }
                _ => format!("for {label} it is gone, and no other provider has said so yet"),
            },
            block: seen_in.clone(),
            why,
        })
    }

    /// A transfer that paid, and that the pass's provider says is gone: no alarm while another shows it. Others that do not answer
    /// keep no alarm back.
    async fn vanished_for_others(
        &mut self,
        transfer: &StoredTransfer,
    ) -> Result<Decision, PassError> {
        let (id, seen_in) = (&transfer.id, &transfer.block);
        let kept = self.witnesses.keep(id, seen_in, 1, self.head).await?;
        Ok(Decision::Settle(match kept {
            Some(_) => Verdict::Unclear(Doubt::Disputed),
            None => Verdict::Gone,
        }))
    }

    /// A transfer that was seen, and that the pass's provider does not know or cannot explain: whether so many others show it.
    async fn shown_by_others(
        &mut self,
        transfer: &StoredTransfer,
        doubt: Doubt,
        needed: u32,
    ) -> Result<Decision, PassError> {
        let seen_in = &transfer.block;
        let heard = self
            .witnesses
            .overrule(&transfer.id, seen_in, needed)
            .await?;
        let label = self.provider.label();
        Ok(match heard {
            None => Decision::Settle(Verdict::Unclear(doubt)),
            Some(Testimony::Agreed(block)) => self.go_by_others(transfer, block),
            Some(Testimony::Held(why)) if !doubt.is_contradiction() => Decision::Hold {
                because: format!("{needed} other providers must show it; {label}: {doubt}"),
                block: seen_in.clone(),
                why,
            },
            Some(_) => Decision::Hold {
                because: format!("another provider shows it; {label}: {doubt}"),
                block: seen_in.clone(),
                why: HeldBack::ProvidersDisagree,
            },
        })
    }

    fn go_by_others(&self, transfer: &StoredTransfer, block: BlockRef) -> Decision {
        tracing::warn!(
            blockchain = %self.chain.chain.blockchain, provider = self.provider.label(), txn_hash = transfer.id.txn_hash,
            "a provider does not show a transfer that others do: going by them"
        );
        Decision::Settle(Verdict::Stands(block))
    }
}
