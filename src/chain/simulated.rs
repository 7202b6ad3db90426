//! The demo's chain: it lives in memory and mines by the clock. A provider like any other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha3::{Digest, Keccak256};

use super::{Provider, ProviderError, Receipt, Scan, Scanned};
use crate::domain::address::{Address, Family};
use crate::domain::transfer::{BlockRef, ChainTransfer, TransferId};

/// The chain is this old when it is made: a head of zero would look like no chain at all.
const FIRST_HEAD: u64 = 1000;

/// Blocks between the head and the newest final one.
const FINALITY: u64 = 2;

/// A chain that mines a block every `block_time`, without a thread: its head follows from the clock.
/// Copies are handles to the same chain.
#[derive(Clone)]
pub struct SimulatedChain {
    family: Family,
    block_time: Duration,
    started_ms: i64,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    mined: Arc<Mutex<Mined>>,
}

#[derive(Default)]
struct Mined {
    /// The highest head that was ever shown: the chain does not shrink when the clock is set back.
    head: u64,
    /// In the order of the chain. The newest may be in the block that is mined next.
    transfers: Vec<ChainTransfer>,
}

impl SimulatedChain {
    /// `now_ms` tells the milliseconds since 1970.
    pub fn new(
        family: Family,
        block_time: Duration,
        now_ms: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            family,
            block_time: block_time.max(Duration::from_millis(1)),
            started_ms: now_ms(),
            now_ms: Arc::new(now_ms),
            mined: Arc::default(),
        }
    }

    /// Puts a transfer into the next block, in a transaction of its own. Returns the transaction's hash.
    pub fn send(
        &self,
        contract: Address,
        sender: Address,
        recipient: Address,
        units: u128,
    ) -> String {
        let mut mined = self.up_to_now();
        let txn_hash = self.hash("transaction", mined.transfers.len() as u64);
        let block = self.block_at(mined.head + 1);
        let id = TransferId {
            txn_hash: txn_hash.clone(),
            contract,
            sender,
            recipient,
            units,
            ordinal: 0,
        };
        mined.transfers.push(ChainTransfer { id, block });
        txn_hash
    }

    fn up_to_now(&self) -> MutexGuard<'_, Mined> {
        // A head and a list that only grows: a panic elsewhere cannot have left them half changed.
        let mut mined = self.mined.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = ((self.now_ms)() - self.started_ms).max(0) as u128;
        let blocks = (elapsed / self.block_time.as_millis()) as u64;
        mined.head = mined.head.max(FIRST_HEAD + blocks);
        mined
    }

    fn block_at(&self, number: u64) -> BlockRef {
        let after_start = number as i64 - FIRST_HEAD as i64;
        let at_ms = self.started_ms + after_start * self.block_time.as_millis() as i64;
        BlockRef {
            number,
            hash: self.hash("block", number),
            timestamp: at_ms.div_euclid(1000),
        }
    }

    /// The same on every run, and different for every thing that has a hash.
    fn hash(&self, what: &str, number: u64) -> String {
        let digits = hex::encode(Keccak256::digest(format!("simulated {what} {number}")));
        match self.family {
            Family::Evm => format!("0x{digits}"),
            Family::Tron => digits,
        }
    }
}

impl Provider for SimulatedChain {
    fn label(&self) -> &str {
        "simulated"
    }

    fn head(&self) -> Result<u64, ProviderError> {
        Ok(self.up_to_now().head)
    }

    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        Ok(Some(self.up_to_now().head - FINALITY))
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        let mined = self.up_to_now();
        if ask.from > mined.head {
            return Err(ProviderError::BadAnswer("no block at that height".into()));
        }
        let through = ask.to.min(mined.head);
        let wanted = |transfer: &&ChainTransfer| {
            (ask.from..=through).contains(&transfer.block.number)
                && ask.recipients.contains(&transfer.id.recipient)
                && ask.contracts.contains(&transfer.id.contract)
        };
        Ok(Scanned {
            through,
            transfers: mined.transfers.iter().filter(wanted).cloned().collect(),
        })
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        Ok((number <= self.up_to_now().head).then(|| self.block_at(number)))
    }

    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        let mined = self.up_to_now();
        let transfer = mined
            .transfers
            .iter()
            .find(|t| t.id.txn_hash == txn_hash && t.block.number <= mined.head);
        Ok(transfer.map(|transfer| Receipt {
            block: transfer.block.clone(),
            succeeded: true,
            transfers: [transfer.clone()]
                .into_iter()
                .filter(|t| recipients.contains(&t.id.recipient))
                .collect(),
        }))
    }

    fn distrust(&self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn chain() -> (SimulatedChain, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let clock = now.clone();
        let chain = SimulatedChain::new(Family::Evm, Duration::from_secs(2), move || {
            clock.load(Ordering::Relaxed)
        });
        (chain, now)
    }

    fn address(n: u8) -> Address {
        Address::new(Family::Evm, [n; 20])
    }

    #[test]
    fn a_transfer_is_seen_once_its_block_is_mined() {
        let (chain, now) = chain();
        let head = chain.head().unwrap();
        let ours = [address(3)];
        let txn = chain.send(address(1), address(2), address(3), 19_990_000);
        assert_eq!(chain.receipt(&txn, &ours), Ok(None));

        now.fetch_add(2000, Ordering::Relaxed);
        assert_eq!(chain.head(), Ok(head + 1));
        let ask = Scan {
            from: head,
            to: head + 10,
            recipients: ours.to_vec(),
            contracts: vec![address(1)],
        };
        let scanned = chain.scan(&ask).unwrap();
        assert_eq!(scanned.through, head + 1);
        let transfer = &scanned.transfers[0];
        assert_eq!(
            (&transfer.id.txn_hash, transfer.id.units),
            (&txn, 19_990_000)
        );
        assert_eq!(chain.block(head + 1), Ok(Some(transfer.block.clone())));
        assert_eq!(transfer.block.timestamp, 1_700_000_002);
        let receipt = chain.receipt(&txn, &ours).unwrap().unwrap();
        assert_eq!(receipt.transfers, scanned.transfers);
        assert_eq!(chain.block(head + 2), Ok(None));
    }

    #[test]
    fn others_transfers_are_not_reported() {
        let (chain, now) = chain();
        chain.send(address(1), address(2), address(9), 5);
        chain.send(address(8), address(2), address(3), 5);
        now.fetch_add(4000, Ordering::Relaxed);
        let ask = Scan {
            from: 0,
            to: u64::MAX,
            recipients: vec![address(3)],
            contracts: vec![address(1)],
        };
        assert_eq!(chain.scan(&ask).unwrap().transfers, []);
    }

    #[test]
    fn the_chain_does_not_shrink_when_the_clock_is_set_back() {
        let (chain, now) = chain();
        now.fetch_add(60_000, Ordering::Relaxed);
        let head = chain.head();
        now.fetch_sub(50_000, Ordering::Relaxed);
        assert_eq!(chain.head(), head);
    }
}
