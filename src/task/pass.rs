//! One pass over a chain: read up to the head, record what was found, look up what is ready, settle it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::look_ups::{LookUps, PassError, ask, block_before};
use crate::chain::pool::Providers;
use crate::chain::{Provider, Scan};
use crate::config::ChainConfig;
use crate::domain::address::Address;
use crate::domain::confirmation::{Head, Verdict};
use crate::domain::registry::{Blockchain, ConfirmationRule};
use crate::domain::scanning::{self, Cursor};
use crate::domain::transfer::{TransferId, TransferStatus};
use crate::service::scan::{self, Found, WatchedWallet};
use crate::service::settle;
use crate::service::{App, StoredTransfer};

/// Every pass reads at least so many blocks again.
const RESCAN: u64 = 64;
/// How often a transfer that is gone is looked up, in milliseconds.
const LOOK_UP_GONE_EVERY: i64 = 60_000;
/// How often the heads of a busy chain's providers are compared, in milliseconds.
const COMPARE_HEADS_EVERY: i64 = 30_000;
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
        let began_ms = self.app.clock().now_ms();
        let provider = self.providers.pick(began_ms).ok_or(PassError::NoneReady)?;
        let passed = self.pass(chain, &provider).await;
        let now_ms = self.app.clock().now_ms();
        match &passed {
            Ok(()) => {
                self.providers.succeeded(&provider, now_ms);
                self.app
                    .watching()
                    .read_up_to_head(&self.blockchain, began_ms);
            }
            Err(PassError::Provider(error)) => self.providers.failed(&provider, error, now_ms),
            Err(_) => {}
        }
        passed
    }

    async fn pass(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
    ) -> Result<(), PassError> {
        let head = self.head(chain, provider).await?;
        self.start_new_wallets(chain, provider, head).await?;
        let read = self.read(chain, provider, head).await?;
        self.settle(chain, provider, head, &read).await
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
        self.app
            .watching()
            .saw_head(&self.blockchain, head.number, now_ms);
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
            match ask(provider, move |p| p.receipt(&txn_hash, &[])).await? {
                Some(receipt) => return Ok(receipt.block.number),
                None => tracing::warn!(
                    blockchain = %self.blockchain, wallet = %wallet.address,
                    "the provider does not know the wallet's starting_tx; watching starts at the head"
                ),
            }
        }
        match scan::promised_since(&self.app, &self.blockchain, wallet.address)? {
            Some(since) => block_before(&chain.chain, provider, head, since).await,
            None => Ok(head.number),
        }
    }

    /// Reads all wallets up to the head, recording each answer before asking on.
    async fn read(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
    ) -> Result<Read, PassError> {
        let wallets = scan::wallets(&self.app, &self.blockchain)?;
        let cursors: Vec<Cursor> = wallets.iter().filter_map(|w| w.cursor).collect();
        let addresses: Vec<Address> = wallets.iter().map(|w| w.address).collect();
        let contracts: Vec<Address> = chain.chain.tokens.iter().map(|t| t.contract).collect();
        let rescan = RESCAN.max(u64::from(chain.chain.confirmations.required()));
        let mut read = Read::default();
        for pass in scanning::plan(&cursors, head.number, rescan, self.lowest_head) {
            let recipients: Vec<Address> = pass.wallets.iter().map(|i| addresses[*i]).collect();
            let all = recipients.len() == addresses.len();
            if all {
                read.from = read.from.or(Some(pass.from));
            }
            let mut from = pass.from;
            while from <= pass.to {
                let question = Scan {
                    from,
                    to: pass.to,
                    recipients: recipients.clone(),
                    contracts: contracts.clone(),
                };
                let found = ask(provider, move |p| p.scan(&question)).await?;
                read.seen
                    .extend(found.transfers.iter().map(|t| t.id.clone()));
                let through = found.through;
                let found = Found {
                    wallets: recipients.clone(),
                    from,
                    through,
                    transfers: found.transfers,
                    head,
                };
                scan::record(&self.app, self.blockchain.clone(), found).await?;
                from = through + 1;
            }
        }
        let farthest = cursors.iter().map(|c| c.scanned_to).max().unwrap_or(0);
        if head.number >= farthest {
            self.lowest_head = head.number;
        }
        Ok(read)
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
        for some in due.chunks(SETTLE_TOGETHER) {
            let mut settling = Vec::with_capacity(some.len());
            for transfer in some {
                let verdict = look_ups.verdict(provider, transfer).await?;
                self.note_verdict(transfer, &verdict);
                settling.push(settle::settle(&app, transfer.row, verdict, head));
            }
            for settled in futures_util::future::join_all(settling).await {
                settled?;
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
        let rested = || {
            let last = self.looked_up.get(&transfer.row).copied().unwrap_or(0);
            self.app.clock().now_ms() - last >= LOOK_UP_GONE_EVERY
        };
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
