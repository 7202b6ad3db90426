//! One pass over a chain: read up to the head, record what was found, look up what is ready, settle it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::look_ups::{LookUps, PassError, ask, block_before, existing_block};
use crate::chain::pool::{ProviderStatus, Providers};
use crate::chain::{Provider, ProviderError, Scan};
use crate::config::ChainConfig;
use crate::domain::address::Address;
use crate::domain::confirmation::{Head, Verdict};
use crate::domain::registry::{Blockchain, ConfirmationRule};
use crate::domain::scanning::{self, Cursor};
use crate::domain::transfer::{TransferId, TransferStatus};
use crate::service::scan::{self, Found, WatchedWallet};
use crate::service::watching::ProviderReport;
use crate::service::{App, StoredTransfer};
use crate::service::{expire, settle};

/// Every pass reads at least so many blocks again.
const RESCAN: u64 = 64;
/// How often a transfer that is gone is looked up, in milliseconds.
const LOOK_UP_GONE_EVERY: i64 = 60_000;
/// How often the heads of a busy chain's providers are compared, in milliseconds.
const COMPARE_HEADS_EVERY: i64 = 30_000;
/// A transfer of which nothing sure could be learned is looked up again after this long, in milliseconds.
const LOOK_UP_UNCLEAR_EVERY: i64 = 5_000;
/// So many bad answers about single transfers are the provider's fault, not theirs.
const TOO_MANY_BAD_ANSWERS: usize = 5;
/// A block may be from so far ahead of our clock, in seconds.
const AHEAD_OF_US: i64 = 15 * 60;
/// A head so far above what was read is verified before cursors follow it; less, and the next re-scan makes up for it.
const HEAD_LEAPT: u64 = RESCAN;
/// Requests that one pass spends on wallets that are far behind: the others must not wait for them.
const CATCH_UP_REQUESTS: usize = 20;
/// Settling so many transfers at once shares their commits.
const SETTLE_TOGETHER: usize = 64;

/// Passes over one chain, and what they remember from one to the next.
pub struct Pass {
    app: App,
    blockchain: Blockchain,
    providers: Arc<Providers>,
    /// The lowest head since a pass last got as far as the cursors.
    lowest_head: u64,
    last_head: u64,
    /// When the other providers were last asked for their heads, in Unix milliseconds.
    compared_at: i64,
    /// When gone transfers were last looked up, by row.
    looked_up: HashMap<i64, i64>,
    /// Log each unclear answer once.
    unclear: HashSet<i64>,
}

/// What this pass read, for telling which transfers are missing from it.
#[derive(Default)]
struct Read {
    /// From here to the head, for all wallets.
    from: Option<u64>,
    seen: HashSet<TransferId>,
    /// Requests left for wallets that are far behind.
    catch_up: usize,
    /// Whether some wallet is still behind.
    incomplete: bool,
}

impl Pass {
    pub fn new(app: App, blockchain: Blockchain, providers: Arc<Providers>) -> Self {
        Self {
            app,
            blockchain,
            providers,
            lowest_head: u64::MAX,
            last_head: 0,
            compared_at: 0,
            looked_up: HashMap::new(),
            unclear: HashSet::new(),
        }
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn blockchain(&self) -> &Blockchain {
        &self.blockchain
    }

    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// One pass, by one provider from head to look-ups.
    pub async fn tick(&mut self) -> Result<(), PassError> {
        let config = self.app.config();
        let Some(chain) = config.chain(&self.blockchain) else {
            return Ok(());
        };
        self.app.watching().pass_begins(&self.blockchain);
        let began_ms = self.app.clock().now_ms();
        let provider = self.providers.pick(began_ms).ok_or(PassError::NoneReady)?;
        let passed = self.pass(chain, &provider, began_ms).await;
        let now_ms = self.app.clock().now_ms();
        match &passed {
            Ok(()) => {
                self.providers.succeeded(&provider, now_ms);
                self.app.watching().pass_succeeded(&self.blockchain);
            }
            Err(PassError::Provider(error)) => self.providers.failed(&provider, error, now_ms),
            Err(_) => {}
        }
        let reports = self.providers.status(now_ms).into_iter().map(report);
        self.app
            .watching()
            .report(&self.blockchain, reports.collect());
        passed
    }

    async fn pass(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        began_ms: i64,
    ) -> Result<(), PassError> {
        let head = self.head(chain, provider).await?;
        self.start_new_wallets(chain, provider, head).await?;
        let read = self.read(chain, provider, head).await?;
        if !read.incomplete {
            self.note_read(chain, provider, head, began_ms).await?;
        }
        self.settle(chain, provider, head, &read).await
    }

    /// Notes until when everything mined has been read: orders expire by it. On a chain whose blocks come steadily that is the
    /// head's own time, since a provider that lags shows nothing newer; on a chain that may rest it is the pass's
    /// beginning, less one block time for the last block to get about.
    async fn note_read(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        began_ms: i64,
    ) -> Result<(), PassError> {
        let moment_ms = if !chain.chain.steady {
            began_ms - chain.chain.block_time.as_millis() as i64
        } else if expire::any_overdue(&self.app)? {
            existing_block(provider, head.number).await?.timestamp * 1000
        } else {
            return Ok(());
        };
        self.app
            .watching()
            .has_read_until(&self.blockchain, moment_ms);
        Ok(())
    }

    async fn head(
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

    /// Gives wallets that were never watched their first block: that of their `starting_tx`; the head; or,
    /// where a deposit was opened while the chain could not be read, one from before that.
    async fn start_new_wallets(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
    ) -> Result<(), PassError> {
        let wallets = scan::wallets(&self.app, &self.blockchain)?;
        for wallet in wallets.into_iter().filter(|w| w.cursor.is_none()) {
            let first = self.first_block(chain, provider, head, &wallet).await?;
            scan::start_wallet(&self.app, self.blockchain.clone(), wallet.address, first).await?;
            tracing::info!(blockchain = %self.blockchain, wallet = %wallet.address, first, "watching wallet");
        }
        Ok(())
    }

    async fn first_block(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        wallet: &WatchedWallet,
    ) -> Result<u64, PassError> {
        if let Some(txn_hash) = wallet.starting_tx.clone() {
            let receipt = ask(provider, move |p| p.receipt(&txn_hash, &[])).await?;
            // Given up, everything since would be skipped for ever; another provider may know it.
            let unknown =
                || ProviderError::BadAnswer("it does not know the wallet's starting_tx".into());
            return Ok(receipt.ok_or_else(unknown)?.block.number);
        }
        match scan::promised_since(&self.app, &self.blockchain, wallet.address)? {
            Some(since) => block_before(&chain.chain, provider, head, since).await,
            // A head that does not exist would never be reached.
            None => Ok(existing_block(provider, head.number).await?.number),
        }
    }

    /// Reads all wallets up to the head, the newest blocks first, recording each answer before asking on.
    async fn read(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
    ) -> Result<Read, PassError> {
        let wallets = scan::wallets(&self.app, &self.blockchain)?;
        let (addresses, cursors): (Vec<Address>, Vec<Cursor>) = wallets
            .iter()
            .filter_map(|w| Some((w.address, w.cursor?)))
            .unzip();
        self.check_head(chain, provider, head, &cursors).await?;
        // Deposits are younger than this head: it must be one that the chain has.
        let now_ms = self.app.clock().now_ms();
        self.app
            .watching()
            .saw_head(&self.blockchain, head.number, now_ms);
        let rescan = RESCAN.max(u64::from(chain.chain.confirmations.required()));
        let plan = scanning::plan(&cursors, head.number, rescan, self.lowest_head);
        let mut read = Read {
            catch_up: CATCH_UP_REQUESTS,
            ..Read::default()
        };
        for pass in plan.into_iter().rev() {
            let recipients: Vec<Address> = pass.wallets.iter().map(|i| addresses[*i]).collect();
            if recipients.len() == addresses.len() {
                read.from = Some(pass.from);
            }
            self.read_range(
                chain,
                provider,
                head,
                (pass.from, pass.to),
                recipients,
                &mut read,
            )
            .await?;
        }
        let farthest = cursors.iter().map(|c| c.scanned_to).max().unwrap_or(0);
        if head.number >= farthest {
            self.lowest_head = head.number;
        }
        Ok(read)
    }

    async fn read_range(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        (mut from, to): (u64, u64),
        recipients: Vec<Address>,
        read: &mut Read,
    ) -> Result<(), PassError> {
        let contracts: Vec<Address> = chain.chain.tokens.iter().map(|t| t.contract).collect();
        let newest = to == head.number;
        while from <= to {
            if !newest && read.catch_up == 0 {
                read.incomplete = true;
                return Ok(());
            }
            let question = Scan {
                from,
                to,
                recipients: recipients.clone(),
                contracts: contracts.clone(),
            };
            let found = ask(provider, move |p| p.scan(&question)).await?;
            read.seen
                .extend(found.transfers.iter().map(|t| t.id.clone()));
            let through = found.through;
            let wallets = recipients.clone();
            let found = Found {
                wallets,
                from,
                through,
                transfers: found.transfers,
                head,
            };
            scan::record(&self.app, self.blockchain.clone(), found).await?;
            from = through + 1;
            if !newest {
                read.catch_up -= 1;
            }
        }
        Ok(())
    }

    /// Believes no head that is absurd against what was read before: far below it nothing would be read, far above it
    /// cursors would leap over blocks that do not exist yet.
    async fn check_head(
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

    /// Looks up the transfers that are ready or in doubt, and settles them.
    async fn settle(
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

fn report(status: ProviderStatus) -> ProviderReport {
    let (failing_since_ms, error) = status.failing.unzip();
    ProviderReport {
        label: status.label,
        in_use: status.current,
        head: status.head,
        lagging: status.lagging,
        failing_since_ms,
        error: error.map(|error| error.to_string()),
        requests_today: status.requests_today,
        errors_today: status.errors_today,
        daily_limit: None,
    }
}
