//! What Tronscan's answers look like, and what of it counts.

use serde::Deserialize;

use super::super::{ProviderError, Receipt, evm_log, listing};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, TransferId, number_equal_events};

/// The answer to `/api/block`.
#[derive(Deserialize)]
pub struct Blocks {
    pub data: Vec<RawBlock>,
}

/// A block.
#[derive(Deserialize)]
pub struct RawBlock {
    pub number: u64,
    pub hash: String,
    /// Milliseconds.
    timestamp: i64,
    #[serde(default)]
    pub confirmed: bool,
}

/// The answer to `/api/token_trc20`.
#[derive(Deserialize)]
pub struct Tokens {
    #[serde(default)]
    pub trc20_tokens: Vec<Token>,
}

/// A token, as its contract describes it.
#[derive(Deserialize)]
pub struct Token {
    pub contract_address: String,
    pub decimals: Option<u8>,
}

/// The answer to `/api/token_trc20/transfers`.
#[derive(Deserialize)]
pub struct Page {
    /// What can be paged through: 10,000 at most.
    #[serde(default)]
    pub total: usize,
    /// What there is in the time that was asked for.
    #[serde(rename = "rangeTotal")]
    range_total: Option<usize>,
    pub token_transfers: Vec<Row>,
}

impl Page {
    /// Rows that it has for sure, by either of its counts.
    pub fn promised(&self) -> usize {
        self.total.min(self.range_total.unwrap_or(self.total))
    }
}

/// A transfer. Failed calls and reverted transactions are among them.
#[derive(Deserialize)]
pub struct Row {
    transaction_id: String,
    pub block: u64,
    from_address: String,
    to_address: String,
    contract_address: String,
    quant: String,
    event_type: Option<String>,
    #[serde(rename = "contractRet")]
    call: String,
    #[serde(rename = "finalResult")]
    result: Option<String>,
    #[serde(default)]
    revert: bool,
}

/// The answer to `/api/transaction-info`: `{}` where it knows no such transaction.
#[derive(Deserialize)]
pub struct Info {
    pub hash: Option<String>,
    pub block: Option<u64>,
    #[serde(default)]
    pub confirmed: bool,
    #[serde(rename = "contractRet")]
    call: Option<String>,
    #[serde(default)]
    revert: bool,
    #[serde(rename = "trc20TransferInfo", default)]
    transfers: Option<Vec<InfoTransfer>>,
}

#[derive(Deserialize)]
struct InfoTransfer {
    #[serde(rename = "type")]
    kind: Option<String>,
    contract_address: String,
    from_address: String,
    to_address: String,
    amount_str: String,
}

impl RawBlock {
    /// What it is to us.
    pub fn block_ref(&self) -> Result<BlockRef, ProviderError> {
        Ok(BlockRef {
            number: self.number,
            hash: evm_log::hash(&self.hash, Family::Tron)?,
            timestamp: self.timestamp.div_euclid(1000),
        })
    }
}

impl Row {
    /// The event that the row tells of, if it moves one of the tokens to the wallet, and did so.
    pub fn transfer(
        &self,
        wallet: &Address,
        contracts: &[Address],
    ) -> Result<Option<TransferId>, ProviderError> {
        let succeeded = self.call == "SUCCESS"
            && self.result.as_deref().is_none_or(|r| r == "SUCCESS")
            && !self.revert;
        let is_transfer = self.event_type.as_deref().is_none_or(|t| t == "Transfer");
        // Other tokens' contracts may put anything into the rest.
        let is_known = contracts.contains(&listing::tron_address(&self.contract_address)?);
        if !succeeded || !is_transfer || !is_known {
            return Ok(None);
        }
        let id = TransferParts {
            txn_hash: &self.transaction_id,
            contract: &self.contract_address,
            from: &self.from_address,
            to: &self.to_address,
            units: &self.quant,
        };
        id.read(|to| to == wallet)
    }
}

impl Info {
    /// The proof, for a transaction in this block.
    pub fn receipt(
        &self,
        txn_hash: &str,
        block: BlockRef,
        recipients: &[Address],
    ) -> Result<Receipt, ProviderError> {
        let Some(call) = &self.call else {
            // Taken for a failure, this would undo a payment.
            let what = "a transaction without a result".to_owned();
            return Err(ProviderError::BadAnswer(what));
        };
        let succeeded = call == "SUCCESS" && !self.revert;
        let mut transfers = Vec::new();
        for transfer in self.transfers.iter().flatten().filter(|_| succeeded) {
            let id = transfer.transfer(txn_hash, recipients)?;
            transfers.extend(id.map(|id| ChainTransfer {
                id,
                block: block.clone(),
            }));
        }
        number_equal_events(&mut transfers);
        Ok(Receipt {
            block,
            succeeded,
            transfers,
        })
    }
}

impl InfoTransfer {
    fn transfer(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<TransferId>, ProviderError> {
        if self.kind.as_deref().is_some_and(|kind| kind != "Transfer") {
            return Ok(None);
        }
        let id = TransferParts {
            txn_hash,
            contract: &self.contract_address,
            from: &self.from_address,
            to: &self.to_address,
            units: &self.amount_str,
        };
        id.read(|to| recipients.contains(to))
    }
}

/// A transfer, as both of Tronscan's forms write its parts.
struct TransferParts<'a> {
    txn_hash: &'a str,
    contract: &'a str,
    from: &'a str,
    to: &'a str,
    units: &'a str,
}

impl TransferParts<'_> {
    fn read(
        self,
        is_ours: impl FnOnce(&Address) -> bool,
    ) -> Result<Option<TransferId>, ProviderError> {
        let recipient = listing::tron_address(self.to)?;
        if !is_ours(&recipient) {
            return Ok(None);
        }
        let Some(units) = listing::units(self.units)? else {
            return Ok(None);
        };
        Ok(Some(TransferId {
            txn_hash: evm_log::hash(self.txn_hash, Family::Tron)?,
            contract: listing::tron_address(self.contract)?,
            sender: listing::tron_address(self.from)?,
            recipient,
            units,
            ordinal: 0,
        }))
    }
}
