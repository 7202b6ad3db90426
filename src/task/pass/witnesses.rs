//! What other providers say about a transfer, where one provider's word is not enough.

use std::sync::Arc;

use super::heads::head_of;
use crate::chain::pool::Providers;
use crate::chain::{Provider, ProviderError};
use crate::clock::Clock;
use crate::domain::agreement::{Dissent, HeldBack, OnGone, Opinion, kept_by, on_gone, opinion};
use crate::domain::confirmation::{Head, Verdict};
use crate::domain::registry::ConfirmationRule;
use crate::domain::transfer::{BlockRef, TransferId};
use crate::task::look_ups::{LookUps, PassError, ask};

/// The witnesses of one pass: each is asked for its head once, and for nothing twice.
pub struct Witnesses {
    providers: Arc<Providers>,
    clock: Clock,
    rule: ConfirmationRule,
    members: Vec<Witness>,
}

struct Witness {
    provider: Arc<dyn Provider>,
    head: Option<Head>,
    /// It gave no answer in this pass.
    silent: bool,
    look_ups: LookUps,
}

/// What they said together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Testimony {
    /// Enough of them show the transfer in this block.
    Agreed(BlockRef),
    /// Not enough of them yet.
    Held(HeldBack),
    /// This one shows something else.
    Dissent(String, Dissent),
}

impl Witnesses {
    /// All that are independent of the provider of the pass.
    pub fn new(
        providers: Arc<Providers>,
        first: &Arc<dyn Provider>,
        rule: ConfirmationRule,
        clock: &Clock,
    ) -> Self {
        let members = providers.witnesses(first, clock.now_ms());
        let members = members.into_iter().map(|provider| Witness {
            provider,
            head: None,
            silent: false,
            look_ups: LookUps::default(),
        });
        Self {
            members: members.collect(),
            providers,
            clock: clock.clone(),
            rule,
        }
    }

    /// Whether others show what the pass's provider shows in a block, so that `needed` providers do with it.
    pub async fn confirm(
        &mut self,
        id: &TransferId,
        shown_in: &BlockRef,
        needed: u32,
    ) -> Result<Testimony, PassError> {
        let others = needed.saturating_sub(1);
        self.hear(id, shown_in.clone(), 0, others, None).await
    }

    /// Whether `needed` others show a transfer, one and all in the same block, that the pass's provider does not show. Without
    /// one that does: `None`.
    pub async fn overrule(
        &mut self,
        id: &TransferId,
        seen_in: &BlockRef,
        needed: u32,
    ) -> Result<Option<Testimony>, PassError> {
        for at in 0..self.members.len() {
            let Some((Verdict::Stands(block), head)) = self.look_up(at, id, seen_in).await? else {
                continue;
            };
            if head.confirms(block.number, self.rule) {
                let others = needed.saturating_sub(1);
                let heard = self.hear(id, block, 0, others, Some(at)).await?;
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }

    /// What keeps a transfer that the pass's provider, at its head, says is gone; `None`: nothing does.
    pub async fn keep(
        &mut self,
        id: &TransferId,
        seen_in: &BlockRef,
        needed: u32,
        head: Head,
    ) -> Result<Option<HeldBack>, PassError> {
        let (rule, least_head) = (self.rule, self.providers.least_head(head));
        let hosts = self.providers.hosts();
        let mut said = Vec::new();
        for at in 0..self.members.len() {
            if let Some((found, theirs)) = self.look_up(at, id, seen_in).await? {
                said.push(on_gone(&found, theirs, rule, least_head));
            }
            // One more cannot change it, and each costs requests.
            if said.contains(&OnGone::Gone) && kept_by(&said, needed, hosts).is_none() {
                break;
            }
        }
        Ok(kept_by(&said, needed, hosts))
    }

    async fn hear(
        &mut self,
        id: &TransferId,
        shown_in: BlockRef,
        mut agreed: u32,
        needed: u32,
        but: Option<usize>,
    ) -> Result<Testimony, PassError> {
        // Where one alone would overrule another, a third is heard as well, if there is one.
        let enough = needed.max(u32::from(but.is_some()));
        for at in (0..self.members.len()).filter(|at| Some(*at) != but) {
            if agreed >= enough {
                break;
            }
            let Some((found, head)) = self.look_up(at, id, &shown_in).await? else {
                continue;
            };
            match opinion(&shown_in, &found, head, self.rule) {
                Opinion::Agrees => agreed += 1,
                Opinion::NotYet => {}
                Opinion::Disagrees(dissent) => {
                    let label = self.members[at].provider.label().to_owned();
                    return Ok(Testimony::Dissent(label, dissent));
                }
            }
        }
        // The one that shows it and those that could.
        let enough_exist = self.providers.hosts() > needed as usize;
        Ok(match agreed >= needed {
            true => Testimony::Agreed(shown_in),
            false if enough_exist => Testimony::Held(HeldBack::AwaitingSecond),
            false => Testimony::Held(HeldBack::NoSecondProvider),
        })
    }

    /// A witness's own look-up, with its own head; `None` if it gives no answer.
    async fn look_up(
        &mut self,
        at: usize,
        id: &TransferId,
        seen_in: &BlockRef,
    ) -> Result<Option<(Verdict, Head)>, PassError> {
        let rule = self.rule;
        let witness = &mut self.members[at];
        if witness.silent {
            return Ok(None);
        }
        let found = witness.look_up(rule, id, seen_in).await;
        let now_ms = self.clock.now_ms();
        match found {
            Ok(found) => {
                self.providers.succeeded(&witness.provider, now_ms);
                Ok(Some(found))
            }
            // One transaction that it cannot explain says nothing about the others.
            Err(PassError::Provider(ProviderError::BadAnswer(_))) => Ok(None),
            Err(PassError::Provider(error)) => {
                self.providers.failed(&witness.provider, &error, now_ms);
                witness.silent = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Witness {
    async fn look_up(
        &mut self,
        rule: ConfirmationRule,
        id: &TransferId,
        seen_in: &BlockRef,
    ) -> Result<(Verdict, Head), PassError> {
        let head = match self.head {
            Some(head) => head,
            None => ask(&self.provider, move |p| head_of(p, rule)).await?,
        };
        self.head = Some(head);
        let verdict = self.look_ups.verdict(&self.provider, id, seen_in).await?;
        Ok((verdict, head))
    }
}
