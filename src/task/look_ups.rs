//! Asking a provider: on threads that may wait, and nothing twice within a pass.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chain::{Provider, ProviderError, Receipt};
use crate::clock::UnixSeconds;
use crate::domain::address::Address;
use crate::domain::confirmation::{Head, Verdict, judge};
use crate::domain::registry::Chain;
use crate::domain::transfer::{BlockRef, TransferId};
use crate::service::StoreError;

/// Why a pass ended early. What it had recorded stands; the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("no provider is ready")]
    NoneReady,
    #[error("the provider lags behind another")]
    Lagging,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a provider's code panicked")]
    Crashed,
}

/// Asks a provider on a thread that may wait.
pub async fn ask<T: Send + 'static>(
    provider: &Arc<dyn Provider>,
    question: impl FnOnce(&dyn Provider) -> Result<T, ProviderError> + Send + 'static,
) -> Result<T, PassError> {
    let provider = provider.clone();
    let answer = tokio::task::spawn_blocking(move || question(provider.as_ref())).await;
    Ok(answer.map_err(|_| PassError::Crashed)??)
}

/// A block that the provider spoke of, so that it must have it.
pub async fn existing_block(
    provider: &Arc<dyn Provider>,
    number: u64,
) -> Result<BlockRef, PassError> {
    let block = ask(provider, move |p| p.block(number)).await?;
    Ok(block.ok_or_else(|| ProviderError::BadAnswer(format!("block {number} is missing")))?)
}

/// A block from before a moment, not long before: steps back from the head, twice as far each time.
pub async fn block_before(
    chain: &Chain,
    provider: &Arc<dyn Provider>,
    head: Head,
    moment: UnixSeconds,
) -> Result<u64, PassError> {
    const SKEW: i64 = 60;
    let mut step = (60_000 / chain.block_time.as_millis().max(1) as u64).max(1);
    let mut number = head.number;
    loop {
        let block = ask(provider, move |p| p.block(number)).await?;
        let block =
            block.ok_or_else(|| ProviderError::BadAnswer(format!("block {number} is missing")))?;
        if block.timestamp + SKEW < moment || number == 0 {
            return Ok(number);
        }
        number = number.saturating_sub(step);
        step = step.saturating_mul(2);
    }
}

/// Look-ups of one pass: transfers of one transaction share a receipt, and receipts of one height share a block.
#[derive(Default)]
pub struct LookUps {
    receipts: HashMap<String, Option<Receipt>>,
    blocks: HashMap<u64, Option<BlockRef>>,
}

impl LookUps {
    /// Looks a transfer up, which was seen in a block, and judges what was found.
    pub async fn verdict(
        &mut self,
        provider: &Arc<dyn Provider>,
        id: &TransferId,
        seen_in: &BlockRef,
    ) -> Result<Verdict, PassError> {
        let receipt = self.receipt(provider, &id.txn_hash, id.recipient).await?;
        let height = receipt.as_ref().map_or(seen_in.number, |r| r.block.number);
        let canonical = self.block(provider, height).await?;
        Ok(judge(id, seen_in, receipt.as_ref(), canonical.as_ref()))
    }

    async fn receipt(
        &mut self,
        provider: &Arc<dyn Provider>,
        txn_hash: &str,
        recipient: Address,
    ) -> Result<Option<Receipt>, PassError> {
        let key = format!("{txn_hash} {recipient}");
        if let Some(known) = self.receipts.get(&key) {
            return Ok(known.clone());
        }
        let asked = txn_hash.to_owned();
        let receipt = ask(provider, move |p| p.receipt(&asked, &[recipient])).await?;
        if let Some(receipt) = &receipt {
            // A receipt's block is canonical by contract: asking for it again would cost a request for each payment.
            self.blocks
                .insert(receipt.block.number, Some(receipt.block.clone()));
        }
        self.receipts.insert(key, receipt.clone());
        Ok(receipt)
    }

    async fn block(
        &mut self,
        provider: &Arc<dyn Provider>,
        number: u64,
    ) -> Result<Option<BlockRef>, PassError> {
        if let Some(known) = self.blocks.get(&number) {
            return Ok(known.clone());
        }
        let block = ask(provider, move |p| p.block(number)).await?;
        self.blocks.insert(number, block.clone());
        Ok(block)
    }
}
