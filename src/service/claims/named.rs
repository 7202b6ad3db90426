//! A transfer that a shopper names, as the rules for claims see it.

use crate::config::ChainConfig;
use crate::domain::amount::Amount;
use crate::domain::claim::{NamedTransfer, Standing};
use crate::domain::transfer::{ChainTransfer, TransferStatus};
use crate::store::transfers::StoredTransfer;

/// One that is stored.
pub(super) fn stored(chain: &ChainConfig, transfer: &StoredTransfer) -> NamedTransfer {
    let token = chain.chain.token(&transfer.id.contract);
    let facts = &transfer.facts;
    NamedTransfer {
        blockchain: facts.blockchain.clone(),
        coin: Some((facts.coin.clone(), facts.value)),
        pays: token.is_some_and(|token| token.enabled),
        sender: facts.sender,
        recipient: facts.recipient,
        block_number: facts.block_number,
        mined_at: facts.mined_at,
        sequence: facts.sequence,
        standing: match (transfer.fulfillment, transfer.candidate, transfer.status) {
            (Some(deposit), _, _) => Standing::Paid(deposit),
            (None, _, TransferStatus::NoMatchedDeposit) => Standing::Unmatched,
            (None, Some(deposit), _) => Standing::AboutToPay(deposit),
            (None, None, _) => Standing::Waiting,
        },
    }
}

/// One that a chain has just shown.
pub(super) fn mined(chain: &ChainConfig, transfer: &ChainTransfer) -> NamedTransfer {
    let token = chain.chain.token(&transfer.id.contract);
    let coin = token.and_then(|token| {
        let value = Amount::from_base_units(transfer.id.units, token.decimals).ok()?;
        Some((token.coin.clone(), value))
    });
    NamedTransfer {
        blockchain: chain.chain.blockchain.clone(),
        coin,
        pays: token.is_some_and(|token| token.enabled),
        sender: transfer.id.sender,
        recipient: transfer.id.recipient,
        block_number: transfer.block.number,
        mined_at: transfer.block.timestamp,
        sequence: i64::MAX,
        standing: Standing::Waiting,
    }
}
