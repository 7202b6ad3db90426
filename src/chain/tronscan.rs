//! Tronscan, the explorer. It passes no calls on to a node, so its own page about a transaction is the proof, once the
//! block is confirmed: 19 of the 27 witnesses have built upon it.

mod format;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::format::{Blocks, Info, Page, RawBlock, Row, Tokens};
use super::http::HttpClient;
use super::meter::Meter;
use super::refusals::Meaning;
use super::span::Span;
use super::tron_node::{SolidBlocks, chain_id_of};
use super::{Provider, ProviderError, Receipt, Scan, Scanned, evm_log, listing, rest};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, TransferId, number_equal_events};

/// Rows in a page: the most it gives. It cuts what is asked beyond that, and does not say so.
const PAGE: usize = 50;

/// The row behind which nothing is listed.
const WINDOW: usize = 10_000;

/// Rows of a wallet that one scan takes on; with more, it covers fewer blocks.
const ROWS_AT_ONCE: usize = 200;

/// Tron, as Tronscan tells of it.
pub struct Tronscan {
    http: HttpClient,
    chain_id: u64,
    trusted: AtomicBool,
    /// The newest block that was seen confirmed.
    confirmed: AtomicU64,
    learned: Mutex<Learned>,
}

#[derive(Default)]
struct Learned {
    span: Span,
    blocks: SolidBlocks,
    /// The end of most ranges.
    newest: Option<BlockRef>,
}

/// What came of asking for all rows of a time.
enum Listed {
    All(Vec<Row>),
    /// More than one scan takes on.
    TooMuchAtOnce,
    /// More than it lists.
    BeyondTheWindow,
}

impl Tronscan {
    /// `chain_id` as the chain's first block tells it.
    pub fn new(http: HttpClient, chain_id: u64) -> Self {
        Self {
            http,
            chain_id,
            trusted: AtomicBool::new(false),
            confirmed: AtomicU64::new(0),
            learned: Mutex::default(),
        }
    }
}

impl Provider for Tronscan {
    fn label(&self) -> &str {
        self.http.label()
    }

    fn head(&self) -> Result<u64, ProviderError> {
        self.verify()?;
        let newest = self.newest_blocks(1)?.into_iter().next();
        let newest = newest.ok_or_else(|| bad("no newest block"))?;
        let number = newest.number;
        self.learned().newest = Some(newest.block_ref()?);
        Ok(number)
    }

    /// The newest confirmed block.
    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        self.verify()?;
        let newest = self.newest_blocks(PAGE)?;
        let confirmed = newest.iter().find(|block| block.confirmed);
        let confirmed = confirmed.map_or(0, |block| block.number);
        // None of a page is confirmed while the chain stalls: then it is what it was.
        let before = self.confirmed.fetch_max(confirmed, Ordering::Relaxed);
        Ok(Some(before.max(confirmed)))
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        self.verify()?;
        let mut scanned = Scanned {
            through: ask.to,
            transfers: Vec::new(),
        };
        if ask.recipients.is_empty() || ask.contracts.is_empty() || ask.from > ask.to {
            return Ok(scanned);
        }
        let (through, ids) = self.list_all(ask)?;
        scanned.through = through;
        let mut blocks = HashMap::new();
        for (number, id) in ids {
            let block = match blocks.get(&number) {
                Some(known) => BlockRef::clone(known),
                None => {
                    let block = self.known_block(number)?;
                    blocks.insert(number, block.clone());
                    block
                }
            };
            scanned.transfers.push(ChainTransfer { id, block });
        }
        scanned.transfers.sort_by_key(|t| t.block.number);
        self.prove_equal_rows(ask, &mut scanned.transfers)?;
        listing::of_one_chain(&scanned.transfers)?;
        number_equal_events(&mut scanned.transfers);
        Ok(scanned)
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        self.verify()?;
        self.block_at(number)
    }

    /// Of confirmed blocks only: before that, a transaction is none that counts.
    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        self.verify()?;
        match self.info(txn_hash)? {
            Some(info) if info.confirmed => self.receipt_of(&info, txn_hash, recipients).map(Some),
            _ => Ok(None),
        }
    }

    /// As its page about the token says; where it has none, there is nobody else to ask.
    fn decimals(&self, contract: &Address) -> Result<Option<u8>, ProviderError> {
        self.verify()?;
        let path = format!("/api/token_trc20?contract={contract}&showAll=1");
        let tokens: Tokens = rest::get(&self.http, &path)?;
        let asked_for = contract.to_string();
        let token = tokens
            .trc20_tokens
            .into_iter()
            .find(|t| t.contract_address == asked_for);
        Ok(token.and_then(|token| token.decimals))
    }

    fn distrust(&self) {
        self.trusted.store(false, Ordering::Release);
    }

    fn meter(&self) -> Option<&Meter> {
        Some(self.http.meter())
    }
}

impl Tronscan {
    /// Checks the chain id, unless that has been done. Where the first block is not shown, there is nothing to check.
    fn verify(&self) -> Result<(), ProviderError> {
        if self.trusted.load(Ordering::Acquire) {
            return Ok(());
        }
        let blocks: Blocks = rest::get(&self.http, "/api/block?number=0&start=0&limit=1")?;
        if let Some(first) = blocks.data.into_iter().find(|block| block.number == 0) {
            let (expected, found) = (self.chain_id, chain_id_of(&first.block_ref()?)?);
            if found != expected {
                return Err(ProviderError::WrongChain { expected, found });
            }
        }
        self.trusted.store(true, Ordering::Release);
        Ok(())
    }

    fn newest_blocks(&self, limit: usize) -> Result<Vec<RawBlock>, ProviderError> {
        let path = format!("/api/block?sort=-number&start=0&limit={limit}");
        Ok(rest::get::<Blocks>(&self.http, &path)?.data)
    }

    fn block_at(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        if let Some(block) = self.learned().blocks.get(number) {
            return Ok(Some(block.clone()));
        }
        let path = format!("/api/block?number={number}&start=0&limit=1");
        let blocks: Blocks = rest::get(&self.http, &path)?;
        let Some(raw) = blocks.data.into_iter().next() else {
            return Ok(None);
        };
        let block = raw.block_ref()?;
        if block.number != number {
            return Err(bad("another block than was asked for"));
        }
        if raw.confirmed {
            self.learned().blocks.remember(&block);
        }
        Ok(Some(block))
    }

    fn known_block(&self, number: u64) -> Result<BlockRef, ProviderError> {
        let block = self.block_at(number)?;
        block.ok_or_else(|| bad("a block of its own list is missing"))
    }

    /// The transfers of all wallets with their blocks' numbers, from the beginning of the range on, and how far they reach.
    fn list_all(&self, ask: &Scan) -> Result<(u64, Vec<(u64, TransferId)>), ProviderError> {
        let since = self.block_not_after(ask.from)?.timestamp * 1000;
        loop {
            let to = self.learned().span.end(ask.from, ask.to);
            let until = self.time_of_end(to)?;
            let mut ids = Vec::new();
            let mut is_too_much = false;
            for wallet in BTreeSet::from_iter(&ask.recipients) {
                match self.list(wallet, ask, (since, until), to > ask.from)? {
                    Some(rows) => {
                        for row in rows.iter().filter(|r| (ask.from..=to).contains(&r.block)) {
                            let id = row.transfer(wallet, &ask.contracts)?;
                            ids.extend(id.map(|id| (row.block, id)));
                        }
                    }
                    None => is_too_much = true,
                }
            }
            let span = &mut self.learned().span;
            if !is_too_much {
                span.answered((to - ask.from).saturating_add(1));
                return Ok((to, ids));
            }
            span.refused(ask.from, to, Meaning::TooMuchFound { suggested: None });
        }
    }

    /// All rows of a wallet in a time; `None` if these are more than one scan takes on, and fewer can be asked for.
    /// Tokens that anybody may have made are listed, too: where these are too many, each of ours is asked for alone.
    fn list(
        &self,
        wallet: &Address,
        ask: &Scan,
        time: (i64, i64),
        can_be_shorter: bool,
    ) -> Result<Option<Vec<Row>>, ProviderError> {
        let mut rows = Vec::new();
        let contracts = BTreeSet::from_iter(&ask.contracts);
        let apart = contracts.iter().map(|contract| Some(*contract));
        let all: Vec<Option<&Address>> = match contracts.len() {
            1 => apart.collect(),
            _ => match self.list_of(wallet, None, time, can_be_shorter)? {
                Listed::All(rows) => return Ok(Some(rows)),
                Listed::TooMuchAtOnce => return Ok(None),
                Listed::BeyondTheWindow => apart.collect(),
            },
        };
        for contract in all {
            match self.list_of(wallet, contract, time, can_be_shorter)? {
                Listed::All(found) => rows.extend(found),
                Listed::TooMuchAtOnce => return Ok(None),
                Listed::BeyondTheWindow => {
                    return Err(bad("more transfers in one block than it lists"));
                }
            }
        }
        Ok(Some(rows))
    }

    /// The rows of one token, or of all. The newest come first, so rows that appear meanwhile are seen twice; rows that
    /// vanish would hide others.
    fn list_of(
        &self,
        wallet: &Address,
        contract: Option<&Address>,
        time: (i64, i64),
        can_be_shorter: bool,
    ) -> Result<Listed, ProviderError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut most = 0;
        loop {
            let page = self.page(wallet, contract, time, rows.len())?;
            if page.total < most {
                return Err(bad("a list that shrinks while it is read"));
            }
            most = page.total;
            if can_be_shorter && most.max(rows.len()) > ROWS_AT_ONCE {
                return Ok(Listed::TooMuchAtOnce);
            }
            let is_short = page.token_transfers.len() < PAGE;
            let is_empty = page.token_transfers.is_empty();
            if is_empty && rows.len() < page.promised() {
                return Err(bad("an empty page where its own count says more"));
            }
            rows.extend(page.token_transfers);
            // A page may be shorter than the most that was once documented, so the total has a say, too.
            if is_empty || (is_short && rows.len() >= most) {
                return Ok(Listed::All(rows));
            }
            if most >= WINDOW || rows.len() + PAGE > WINDOW {
                return Ok(Listed::BeyondTheWindow);
            }
        }
    }

    /// One page, the newest first.
    fn page(
        &self,
        wallet: &Address,
        contract: Option<&Address>,
        (since, until): (i64, i64),
        start: usize,
    ) -> Result<Page, ProviderError> {
        // One millisecond more on each side, should the bounds themselves not be meant.
        let (since, until) = ((since - 1).max(0), until + 1);
        let mut path = format!(
            "/api/token_trc20/transfers?toAddress={wallet}&start_timestamp={since}\
             &end_timestamp={until}&start={start}&limit={PAGE}"
        );
        if let Some(only) = contract {
            path.push_str(&format!("&contract_address={only}"));
        }
        rest::get(&self.http, &path)
    }

    /// A block at or shortly below a height, for a time that is not too late.
    fn block_not_after(&self, number: u64) -> Result<BlockRef, ProviderError> {
        if let Some(block) = self.learned().blocks.floor(number) {
            return Ok(block.clone());
        }
        self.known_block(number)
    }

    fn time_of_end(&self, number: u64) -> Result<i64, ProviderError> {
        let newest = self.learned().newest.clone();
        let block = match newest.filter(|newest| newest.number == number) {
            Some(newest) => newest,
            None => self.known_block(number)?,
        };
        Ok(block.timestamp * 1000)
    }

    fn info(&self, txn_hash: &str) -> Result<Option<Info>, ProviderError> {
        let hash = evm_log::hash(txn_hash, Family::Tron)?;
        let path = format!("/api/transaction-info?hash={hash}");
        let info: Info = rest::get(&self.http, &path)?;
        match &info.hash {
            Some(found) if evm_log::hash(found, Family::Tron)? == hash => Ok(Some(info)),
            Some(_) => Err(bad("another transaction than was asked for")),
            None => Ok(None),
        }
    }

    fn receipt_of(
        &self,
        info: &Info,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Receipt, ProviderError> {
        let number = info
            .block
            .ok_or_else(|| bad("a transaction without a block"))?;
        let block = self.known_block(number)?;
        info.receipt(txn_hash, block, recipients)
    }

    /// Two equal rows are two events, or one that is listed twice: the transaction's own page tells.
    fn prove_equal_rows(
        &self,
        ask: &Scan,
        transfers: &mut Vec<ChainTransfer>,
    ) -> Result<(), ProviderError> {
        for txn_hash in listing::with_equal_rows(transfers) {
            let info = self.info(&txn_hash)?;
            let info = info.ok_or_else(|| bad("a transaction of its own list is missing"))?;
            let receipt = self.receipt_of(&info, &txn_hash, &ask.recipients)?;
            listing::replace(transfers, &txn_hash, &receipt, &ask.contracts)?;
        }
        Ok(())
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        // Nothing in it can be half changed: each field is right by itself.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bad(what: &str) -> ProviderError {
    ProviderError::BadAnswer(what.to_owned())
}

#[cfg(test)]
mod tests;
