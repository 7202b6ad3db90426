//! A second look by another provider: how far it is, how far its final block is, and what it shows in the blocks that were read
//! meanwhile. A provider that leaves something out, or whose final block stands still, shows no sign of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Pass;
use super::heads::head_of;
use super::reading::{RESCAN, rescan};
use crate::chain::{Provider, ProviderError, Scan, Scanned};
use crate::config::ChainConfig;
use crate::domain::confirmation::Head;
use crate::service::scan::{self, Found};
use crate::service::{StoreError, settle};
use crate::task::look_ups::PassError;

/// How often a busy chain gets a second look, in milliseconds; more often where it is polled very fast.
const EVERY: i64 = 30_000;
/// Or after so many polls.
const POLLS: i64 = 8;
/// What the last look saw is looked at again for so many blocks, and what was mined in so long: it may have been behind
/// itself.
const OVERLAP: u64 = 16;
const OVERLAP_TIME: Duration = Duration::from_secs(30);
/// A look goes back no further than this.
const AT_MOST: u64 = 1000;

/// What is remembered from one look to the next.
#[derive(Default)]
pub struct SecondLook {
    /// When it began, in Unix milliseconds.
    at: i64,
    /// Whether the chain was busy then: a last look follows when it is no more.
    was_busy: bool,
    /// Whose turn it is.
    turn: usize,
    /// The last block that another provider showed.
    read_to: Option<u64>,
    under_way: Option<JoinHandle<Option<Looked>>>,
}

struct Looked {
    from: u64,
    head: Head,
    scanned: Scanned,
}

impl Pass {
    /// Asks the other providers how far they are, so that one that lags is found out, and one of them what it shows: when the
    /// head went backwards, and now and then while money is expected. Nobody waits for the answers; the next pass goes by
    /// them.
    pub(super) fn look_again(
        &mut self,
        chain: &ChainConfig,
        current: &Arc<dyn Provider>,
        head: Head,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let went_back = head.number < self.last_head;
        let every = EVERY.min(POLLS * chain.poll_interval.as_millis() as i64);
        // One that began in what is now the future was before the clock was set back.
        let is_time = !(0..every).contains(&(now_ms - self.second_look.at));
        if self.providers.len() < 2 || !(went_back || is_time) {
            return Ok(());
        }
        let busy = settle::is_busy(&self.app, &self.blockchain)?;
        if !(went_back || busy || self.second_look.was_busy) {
            return Ok(());
        }
        self.second_look.at = now_ms;
        self.second_look.was_busy = busy;
        let others = self.providers.ready(now_ms).into_iter();
        let others: Vec<_> = others.filter(|p| !Arc::ptr_eq(p, current)).collect();
        let reader = self.reader(&others, current);
        for (i, other) in others.into_iter().enumerate() {
            match reader == Some(i) {
                true => self.read_by(chain, other, head)?,
                false => self.ask_head(chain, other),
            }
        }
        Ok(())
    }

    /// The one whose turn it is to be read, unless the last look is under way still: never one of the current one's host.
    fn reader(
        &mut self,
        others: &[Arc<dyn Provider>],
        current: &Arc<dyn Provider>,
    ) -> Option<usize> {
        if self.second_look.under_way.is_some() {
            return None;
        }
        let fits = |i: &usize| others[*i].host() != current.host();
        let fitting: Vec<usize> = (0..others.len()).filter(fits).collect();
        let turn = self.second_look.turn;
        self.second_look.turn = turn.wrapping_add(1);
        fitting.get(turn.checked_rem(fitting.len())?).copied()
    }

    fn ask_head(&self, chain: &ChainConfig, other: Arc<dyn Provider>) {
        let rule = chain.chain.confirmations;
        let (providers, clock) = (self.providers.clone(), self.app.clock().clone());
        tokio::task::spawn_blocking(move || match head_of(other.as_ref(), rule) {
            Ok(head) => drop(providers.saw_head(&other, head, rule, clock.now_ms())),
            Err(error) => providers.failed(&other, &error, clock.now_ms()),
        });
    }

    fn read_by(
        &mut self,
        chain: &ChainConfig,
        other: Arc<dyn Provider>,
        head: Head,
    ) -> Result<(), StoreError> {
        let wallets = scan::wallets(&self.app, &self.blockchain)?;
        let recipients = wallets.iter().filter(|w| w.cursor.is_some());
        let recipients: Vec<_> = recipients.map(|w| w.address).collect();
        let overlap = OVERLAP.max(chain.chain.blocks_in(OVERLAP_TIME));
        let from = match self.second_look.read_to {
            Some(read_to) => (read_to + 1).saturating_sub(overlap),
            None => (head.number + 1).saturating_sub(rescan(&chain.chain)),
        };
        let ask = Scan {
            from: from.max(head.number.saturating_sub(AT_MOST)),
            // A head far above the pass's own is not to be trusted.
            to: head.number.saturating_add(RESCAN),
            recipients,
            contracts: chain.chain.tokens.iter().map(|t| t.contract).collect(),
        };
        let rule = chain.chain.confirmations;
        let (providers, clock) = (self.providers.clone(), self.app.clock().clone());
        let looking = tokio::task::spawn_blocking(move || {
            let looked = head_of(other.as_ref(), rule).and_then(|head| {
                providers.saw_head(&other, head, rule, clock.now_ms());
                look(other.as_ref(), head, ask)
            });
            let failed = |error| providers.failed(&other, &error, clock.now_ms());
            looked.map_err(failed).ok().flatten()
        });
        self.second_look.under_way = Some(looking);
        Ok(())
    }

    /// Stores what a look that has ended meanwhile saw. It moves no cursor: those follow the pass's own provider.
    pub(super) async fn record_second_look(&mut self) -> Result<(), PassError> {
        let ended = |looking: &mut JoinHandle<_>| looking.is_finished();
        let Some(looking) = self.second_look.under_way.take_if(ended) else {
            return Ok(());
        };
        let Some(looked) = looking.await.map_err(|_| PassError::Crashed)? else {
            return Ok(());
        };
        let Scanned { through, transfers } = looked.scanned;
        let found = Found {
            wallets: Vec::new(),
            from: looked.from,
            through,
            transfers,
            head: looked.head,
        };
        scan::record(&self.app, self.blockchain.clone(), found).await?;
        self.second_look.read_to = Some(through);
        Ok(())
    }
}

/// What a provider shows up to its head, if that is high enough.
fn look(other: &dyn Provider, head: Head, ask: Scan) -> Result<Option<Looked>, ProviderError> {
    if head.number < ask.from {
        return Ok(None);
    }
    let (from, to) = (ask.from, head.number.min(ask.to));
    let scanned = other.scan(&Scan { to, ..ask })?;
    Ok(Some(Looked {
        from,
        head,
        scanned,
    }))
}
