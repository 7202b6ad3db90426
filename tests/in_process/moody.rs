//! A provider of a simulated chain that fails, lags and lies as it is told.

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
    /// Transfers that it made up.
    invented: Vec<ChainTransfer>,
    /// It names other blocks than the chain has.
    on_a_fork: bool,
    /// It knows of no block that it is final.
    without_finality: bool,
}

impl Moody {
    pub fn new(place: usize, chain: SimulatedChain) -> Self {
        Self {
            label: format!("scripted node{place}.example"),
            chain,
            meter: Meter::default(),
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

    /// Names other blocks than the chain has.
    pub fn fork(&self) {
        self.mood().on_a_fork = true;
    }

    /// Knows of no block that it is final.
    pub fn know_no_finality(&self) {
        self.mood().without_finality = true;
    }

    pub fn heal(&self) {
        *self.mood() = Mood::default();
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
        let head = self.chain.head()?.saturating_sub(mood.behind) + mood.ahead;
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
        Ok((!mood.without_finality).then(|| head.saturating_sub(2)))
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        let (mood, head) = self.asked()?;
        if ask.from > head {
            return Err(ProviderError::BadAnswer("no block at that height".into()));
        }
        let to = ask.to.min(head);
        let mut scanned = self.chain.scan(&Scan { to, ..ask.clone() })?;
        let invented = mood.invented.iter().cloned();
        let shown = scanned.transfers.into_iter().chain(invented);
        let shown = shown.filter(|t| {
            let unseen = mood.hidden.iter().chain(&mood.omitted);
            (ask.from..=to).contains(&t.block.number)
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
        let block = self.chain.block(number)?;
        Ok(block.map(|block| mood.block(block)))
    }

    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        let (mood, head) = self.asked()?;
        if mood.hidden.iter().any(|hidden| hidden == txn_hash) {
            return Ok(None);
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
