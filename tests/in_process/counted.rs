//! A provider of a simulated chain that counts as many requests as the real driver of its kind would send.

use std::sync::Arc;

use ocrch::chain::daily::Daily;
use ocrch::chain::meter::Meter;
use ocrch::chain::simulated::SimulatedChain;
use ocrch::chain::{Provider, ProviderError, Receipt, Scan, Scanned};
use ocrch::config::{ProviderConfig, ProviderKind};
use ocrch::domain::address::Address;
use ocrch::domain::transfer::BlockRef;

/// What a driver's calls cost in requests. `chain/costs.rs` measures the real ones.
#[derive(Clone, Copy)]
struct Costs {
    block: u64,
    receipt: u64,
    /// A scan that finds nothing.
    scan: u64,
    /// More for each transfer in it.
    found: u64,
}

const NODE: Costs = Costs {
    block: 1,
    receipt: 2,
    scan: 1,
    found: 0,
};
const ETHERSCAN: Costs = NODE;
const TRONGRID: Costs = Costs {
    block: 2,
    receipt: 2,
    scan: 2,
    found: 2,
};

pub struct Counted {
    label: String,
    chain: SimulatedChain,
    /// Blocks between the newest and the newest final one.
    final_lag: u64,
    costs: Costs,
    meter: Meter,
}

impl Counted {
    /// In the place of a configured provider, with its plan's budget.
    pub fn new(entry: &ProviderConfig, chain: SimulatedChain, final_lag: u32) -> Self {
        let host = host(&entry.url);
        let key = entry.api_key.as_ref().map_or("", |key| key.expose());
        let daily = entry.max_per_day;
        let daily = daily.map(|limit| Daily::of_key(&host, key, limit));
        Self {
            label: format!("{:?} {host}", entry.kind),
            chain,
            final_lag: final_lag.into(),
            costs: match entry.kind {
                ProviderKind::Etherscan => ETHERSCAN,
                ProviderKind::Trongrid => TRONGRID,
                _ => NODE,
            },
            meter: Meter::new(daily),
        }
    }

    pub fn requests(&self) -> u64 {
        self.meter.requests()
    }

    fn spend(&self, requests: u64) {
        (0..requests).for_each(|_| self.meter.note_request());
    }
}

fn host(url: &str) -> String {
    let after = url.split("://").nth(1).expect("a URL");
    after.split('/').next().expect("a host").to_owned()
}

impl Provider for Counted {
    fn label(&self) -> &str {
        &self.label
    }

    fn head(&self) -> Result<u64, ProviderError> {
        self.spend(1);
        self.chain.head()
    }

    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        self.spend(1);
        Ok(Some(self.chain.head()?.saturating_sub(self.final_lag)))
    }

    fn scan(&self, ask: &Scan) -> Result<Scanned, ProviderError> {
        let scanned = self.chain.scan(ask)?;
        self.spend(self.costs.scan + self.costs.found * scanned.transfers.len() as u64);
        Ok(scanned)
    }

    fn block(&self, number: u64) -> Result<Option<BlockRef>, ProviderError> {
        self.spend(self.costs.block);
        self.chain.block(number)
    }

    fn receipt(
        &self,
        txn_hash: &str,
        recipients: &[Address],
    ) -> Result<Option<Receipt>, ProviderError> {
        self.spend(self.costs.receipt);
        self.chain.receipt(txn_hash, recipients)
    }

    fn distrust(&self) {}

    fn meter(&self) -> Option<&Meter> {
        Some(&self.meter)
    }
}

/// All of them, as a pool takes them.
pub fn members(counted: &[Arc<Counted>]) -> Vec<Arc<dyn Provider>> {
    let member = |one: &Arc<Counted>| one.clone() as Arc<dyn Provider>;
    counted.iter().map(member).collect()
}
