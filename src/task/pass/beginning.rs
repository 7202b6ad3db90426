//! Where the reading of a wallet begins that was never watched.

use std::collections::HashMap;
use std::sync::Arc;

use super::Pass;
use crate::chain::Provider;
use crate::config::ChainConfig;
use crate::domain::address::Address;
use crate::domain::confirmation::Head;
use crate::service::scan::{self, WatchedWallet};
use crate::task::look_ups::{PassError, ask, block_before, existing_block};

/// A wallet whose `starting_tx` nobody knows is tried again this often, in milliseconds.
const EVERY: i64 = 60_000;

/// When a wallet was last tried in vain, in Unix milliseconds.
#[derive(Default)]
pub(super) struct InVain(HashMap<Address, i64>);

impl Pass {
    /// Gives wallets that were never watched their first block. One whose `starting_tx` no provider knows is left out, and
    /// keeps no other from being read; until it is begun with, the chain counts as not read to the end, so that no order expires.
    pub(super) async fn start_new_wallets(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
    ) -> Result<(), PassError> {
        let wallets = scan::wallets(&self.app, &self.blockchain)?;
        for wallet in wallets.into_iter().filter(|w| w.cursor.is_none()) {
            let Some(first) = self.first_block(chain, provider, head, &wallet).await? else {
                continue;
            };
            scan::start_wallet(&self.app, self.blockchain.clone(), wallet.address, first).await?;
            tracing::info!(blockchain = %self.blockchain, wallet = %wallet.address, first, "watching wallet");
        }
        Ok(())
    }

    /// The block of its `starting_tx`; the head; or, where a deposit was opened while the chain could not be read, one from before
    /// that. `None` if nobody knows its `starting_tx`: begun with elsewhere, everything since would be skipped for ever.
    async fn first_block(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        wallet: &WatchedWallet,
    ) -> Result<Option<u64>, PassError> {
        if let Some(txn_hash) = &wallet.starting_tx {
            return self.block_of(provider, wallet.address, txn_hash).await;
        }
        let first = match scan::promised_since(&self.app, &self.blockchain, wallet.address)? {
            Some(since) => block_before(&chain.chain, provider, head, since).await?,
            // A head that does not exist would never be reached.
            None => existing_block(provider, head.number).await?.number,
        };
        Ok(Some(first))
    }

    async fn block_of(
        &mut self,
        provider: &Arc<dyn Provider>,
        wallet: Address,
        txn_hash: &str,
    ) -> Result<Option<u64>, PassError> {
        let now_ms = self.app.clock().now_ms();
        let tried = self.in_vain.0.get(&wallet);
        if tried.is_some_and(|at| (0..EVERY).contains(&(now_ms - at))) {
            return Ok(None);
        }
        let mut others = self.providers.ready(now_ms);
        others.retain(|other| !Arc::ptr_eq(other, provider));
        for asked in [provider].into_iter().chain(&others) {
            let hash = txn_hash.to_owned();
            // One that cannot tell may be well otherwise; the next is asked.
            if let Ok(Some(receipt)) = ask(asked, move |p| p.receipt(&hash, &[])).await {
                return Ok(Some(receipt.block.number));
            }
        }
        if self.in_vain.0.insert(wallet, now_ms).is_none() {
            tracing::error!(
                blockchain = %self.blockchain, %wallet, starting_tx = txn_hash,
                "no provider knows the wallet's starting_tx: it is not watched, and no order on this chain expires, until the setting is corrected or removed"
            );
        }
        Ok(None)
    }
}
