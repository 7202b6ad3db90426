//! Blocks with more transfers to a wallet than a page shows. Anybody can make one for the price of its gas, with a token
//! of his own or by moving nothing with a real one, so it must not end the watch over a wallet.

use std::collections::{BTreeSet, HashMap};
use std::sync::{MutexGuard, PoisonError};

use super::super::{ProviderError, Scan};
use super::{Etherscan, PAGE, Row, SURELY_LAST_BELOW, is_too_much};
use crate::domain::address::Address;
use crate::domain::transfer::{BlockRef, TransferId};

/// Page times size, beyond which nothing is listed.
const WINDOW: usize = 10_000;

/// Receipts remembered: more than the transactions of a few blocks.
const REMEMBERED: usize = 3000;

/// What receipts of crowded blocks told, since these blocks are read again by the next passes.
#[derive(Default)]
pub(super) struct ReceiptsRead {
    /// Whose transfers were looked for.
    recipients: Vec<Address>,
    /// By the hashes of block and transaction.
    transfers: HashMap<(String, String), Vec<TransferId>>,
}

impl Etherscan {
    /// All rows of a block that filled a page: asked for by contract, so that other tokens do not count. Where even these
    /// are more than it lists, the receipts of all the block's transactions tell.
    pub(super) fn crowded_block(
        &self,
        wallet: &Address,
        ask: &Scan,
        number: u64,
    ) -> Result<Vec<Row>, ProviderError> {
        let mut rows = Vec::new();
        for contract in BTreeSet::from_iter(&ask.contracts) {
            match self.rows_of_contract(wallet, contract, number)? {
                Some(found) => rows.extend(found),
                None => return self.rows_by_receipts(wallet, ask, number),
            }
        }
        Ok(rows)
    }

    /// A contract's rows in a block, page by page: a block does not grow. `None` if these are more than it lists.
    fn rows_of_contract(
        &self,
        wallet: &Address,
        contract: &Address,
        number: u64,
    ) -> Result<Option<Vec<Row>>, ProviderError> {
        let page = |which| self.page(wallet, Some(contract), (number, number), which);
        let mut rows = page((1, PAGE))?;
        // As long as the first one came out, so that the explorer counts pages as we do.
        let size = rows.len();
        let mut is_last = size < SURELY_LAST_BELOW;
        let mut next = 2;
        while !is_last {
            if next * size > WINDOW {
                return Ok(None);
            }
            let more = match page((next, size)) {
                Err(error) if is_too_much(&error) => return Ok(None),
                more => more?,
            };
            is_last = more.len() < size;
            rows.extend(more);
            next += 1;
        }
        Ok(Some(rows))
    }

    fn rows_by_receipts(
        &self,
        wallet: &Address,
        ask: &Scan,
        number: u64,
    ) -> Result<Vec<Row>, ProviderError> {
        let (block, transactions) = self.node.transactions_in(number)?;
        let mut rows = Vec::new();
        for txn_hash in transactions {
            let found = self.transfers_of(&block, txn_hash, &ask.recipients)?;
            let ours = found.iter().filter(|id| id.recipient == *wallet);
            rows.extend(ours.map(|id| Row::of(id, &block)));
        }
        Ok(rows)
    }

    /// What a transaction moved to any of the wallets, looked up once for each block that it is in.
    fn transfers_of(
        &self,
        block: &BlockRef,
        txn_hash: String,
        recipients: &[Address],
    ) -> Result<Vec<TransferId>, ProviderError> {
        let key = (block.hash.clone(), txn_hash);
        if let Some(known) = self.receipts_read().of(recipients).get(&key) {
            return Ok(known.clone());
        }
        let receipt = self.node.receipt_in(block, &key.1, recipients)?;
        let found: Vec<TransferId> = receipt.transfers.into_iter().map(|t| t.id).collect();
        let mut read = self.receipts_read();
        let known = read.of(recipients);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, found.clone());
        Ok(found)
    }

    fn receipts_read(&self) -> MutexGuard<'_, ReceiptsRead> {
        // Nothing in it can be half changed: each entry is right by itself.
        let read = self.receipts_read.lock();
        read.unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReceiptsRead {
    /// What is known about these wallets.
    fn of(&mut self, recipients: &[Address]) -> &mut HashMap<(String, String), Vec<TransferId>> {
        if self.recipients != recipients {
            self.recipients = recipients.to_vec();
            self.transfers.clear();
        }
        &mut self.transfers
    }
}

impl Row {
    /// The row that a list would have for a transfer.
    fn of(id: &TransferId, block: &BlockRef) -> Self {
        Self {
            block_number: block.number.to_string(),
            time_stamp: Some(block.timestamp.to_string()),
            hash: id.txn_hash.clone(),
            block_hash: Some(block.hash.clone()),
            contract_address: id.contract.to_hex(),
            from: id.sender.to_hex(),
            to: id.recipient.to_hex(),
            value: Some(id.units.to_string()),
        }
    }
}
