//! A provider of a simulated chain that fails, lags and lies as it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use ocrch::chain::meter::Meter;
use ocrch::chain::simulated::SimulatedChain;
use ocrch::chain::{Provider, ProviderError, Receipt, Scan, Scanned};
use ocrch::domain::address::Address;
use ocrch::domain::transfer::{BlockRef, ChainTransfer};

pub struct Moody {
    label: String,
    chain: SimulatedChain,
    meter: Meter,
    look_ups: AtomicU64,
    mood: Mutex<Mood>,
}

/// What is wrong with it.
#[derive(Default)]
struct Mood {
    down: bool,
    /// Blocks behind the chain.
    behind: u64,
    /// Blocks that its head is above the chain's: blocks that it does not have.
    ahead: u64,
    /// Transactions that it does not show.
    hidden: Vec<String>,
    /// Transactions whose transfers it does not list.
    omitted: Vec<String>,
    /// Transactions that it says nothing sensible of when asked for them.
    confused_by: Vec<String>,
    /// Its newest final block, where that stands still.
    final_at: Option<u64>,
    /// Transfers that it made up.
    invented: Vec<ChainTransfer>,
    /// It names other blocks than the chain has.
    on_a_fork: bool,
    /// Its newest blocks, whose transfers it does not list yet.
    unlisted: u64,
    /// Blocks above the chain's that it has made up.
    dreamt: u64,
    /// It knows of no block that it is final.
    without_finality: bool,
}

impl Moody {
    pub fn new(place: usize, chain: SimulatedChain) -> Self {
        Self {
            label: format!("scripted node{place}.example"),
            chain,
            meter: Meter::default(),
            look_ups: AtomicU64::new(0),
            mood: Mutex::default(),
        }
    }

    pub fn fail(&self) {
        self.mood().down = true;
    }

    pub fn lag(&self, blocks: u64) {
        self.mood().behind = blocks;
    }

    /// Names a head that does not exist.
    pub fn run_ahead(&self, blocks: u64) {
        self.mood().ahead = blocks;
    }

    /// Shows nothing of a transaction.
    pub fn hide(&self, txn_hash: &str) {
        self.mood().hidden.push(txn_hash.to_owned());
    }

    /// Leaves a transaction out of its lists of transfers, and answers truly when asked for it.
    pub fn omit(&self, txn_hash: &str) {
        self.mood().omitted.push(txn_hash.to_owned());
    }

    /// Shows a transfer that is not there.
    pub fn invent(&self, transfer: ChainTransfer) {
        self.mood().invented.push(transfer);
    }

    /// Says nothing sensible when asked for a transaction that it lists.
    pub fn confuse(&self, txn_hash: &str) {
        self.mood().confused_by.push(txn_hash.to_owned());
    }

    /// Its newest final block is the present one from now on, however its head moves.
    pub fn stop_final(&self) {
        let now = self.finalized().expect("it is well");
        self.mood().final_at = now;
    }

    /// A reorganisation removed a transaction, as far as it knows.
    pub fn reorg(&self, txn_hash: &str) {
        self.hide(txn_hash);
        self.fork();
    }

    /// Names other blocks than the chain has.
    pub fn fork(&self) {
        self.mood().on_a_fork = true;
    }

    /// Lists what was mined only so many blocks later, and says nothing of it.
    pub fn list_late(&self, blocks: u64) {
        self.mood().unlisted = blocks;
    }

    /// Names a head that does not exist, and shows it.
    pub fn dream(&self, blocks: u64) {
        self.mood().dreamt = blocks;
    }

    /// Knows of no block that it is final.
    pub fn know_no_finality(&self) {
        self.mood().without_finality = true;
    }

    pub fn heal(&self) {
        *self.mood() = Mood::default();
    }

    /// How often it was asked anything.
    pub fn requests(&self) -> u64 {
        self.meter.requests()
    }

    /// How often it was asked for a transaction.
    pub fn look_ups(&self) -> u64 {
        self.look_ups.load(Ordering::Relaxed)
    }

    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap()
    }

    /// One request: its mood while it answers, and its head.
    fn asked(&self) -> Result<(MutexGuard<'_, Mood>, u64), ProviderError> {
        self.meter.note_request();
        let mood = self.mood();
        if mood.down {
            return Err(ProviderError::Unreachable("it is down".into()));
        }
        let head = self.chain.head()?.saturating_sub(mood.behind) + mood.ahead + mood.dreamt;
        Ok((mood, head))
    }
}

impl Mood {
    fn block(&self, mut block: BlockRef) -> BlockRef {
        if self.on_a_fork {
            block.hash = block.hash.replacen("0x", "0xf", 1);
            block.hash.pop();
        }
        block
    }

    fn transfer(&self, transfer: ChainTransfer) -> ChainTransfer {
        ChainTransfer {
            block: self.block(transfer.block),
            ..transfer
        }
    }
}

impl Provider for Moody {
    fn label(&self) -> &str {
        &self.label
    }

    fn head(&self) -> Result<u64, ProviderError> {
        Ok(self.asked()?.1)
    }

    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        let (mood, head) = self.asked()?;
        let known = mood.final_at.unwrap_or(head.saturating_sub(2));
        Ok((!mood.without_finality).then_some(known))
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        let (mood, head) = self.asked()?;
        if ask.from > head {
            return Err(ProviderError::BadAnswer("no block at that height".into()));
        }
        let to = ask.to.min(head - mood.dreamt);
        let mut scanned = self.chain.scan(&Scan { to, ..ask.clone() })?;
        let invented = mood.invented.iter().cloned();
        let shown = scanned.transfers.into_iter().chain(invented);
        let shown = shown.filter(|t| {
            let unseen = mood.hidden.iter().chain(&mood.omitted);
            let listed = ask.from..=to.min(head.saturating_sub(mood.unlisted));
            listed.contains(&t.block.number)
                && !unseen.into_iter().any(|hash| *hash == t.id.txn_hash)
        });
        scanned.transfers = shown.map(|t| mood.transfer(t)).collect();
        Ok(scanned)
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        let (mood, head) = self.asked()?;
        if number > head {
            return Ok(None);
        }
        let block = match self.chain.block(number)? {
            None if mood.dreamt > 0 => self
                .chain
                .block(self.chain.head()?)?
                .map(|newest| BlockRef { number, ..newest }),
            block => block,
        };
        Ok(block.map(|block| mood.block(block)))
    }

    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        let (mood, head) = self.asked()?;
        if mood.hidden.iter().any(|hidden| hidden == txn_hash) {
            return Ok(None);
        }
        if mood.confused_by.iter().any(|hash| hash == txn_hash) {
            return Err(ProviderError::BadAnswer("missing trie node".into()));
        }
        let invented = mood.invented.iter().find(|t| t.id.txn_hash == txn_hash);
        let receipt = match invented {
            Some(transfer) => Some(Receipt {
                block: transfer.block.clone(),
                succeeded: true,
                transfers: vec![transfer.clone()],
            }),
            None => self.chain.receipt(txn_hash, recipients)?,
        };
        let mined = receipt.filter(|receipt| receipt.block.number <= head);
        Ok(mined.map(|receipt| Receipt {
            block: mood.block(receipt.block),
            transfers: receipt
                .transfers
                .into_iter()
                .map(|t| mood.transfer(t))
                .collect(),
            ..receipt
        }))
    }

    fn distrust(&self) {}

    fn meter(&self) -> Option<&Meter> {
        Some(&self.meter)
    }
}
