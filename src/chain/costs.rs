//! What a driver's calls cost in requests, counted by its meter. The simulation of a day (tests/free_plans.rs) counts with these
//! numbers.

use super::explorer_world::{World, ask, http};
use super::http::KeyHeader;
use super::{Etherscan, EvmRpc, Provider, Scan, TRON_KEY, TronGrid};
use crate::config::Secret;
use crate::domain::address::{Address, Family};

/// Requests for a head, a final head, a block, a receipt, a scan that finds nothing, and one that finds a transfer.
fn costs(provider: &dyn Provider, family: Family, hash: &str) -> [u64; 6] {
    let meter = provider.meter().unwrap();
    let counted = |call: &dyn Fn()| {
        let before = meter.requests();
        call();
        meter.requests() - before
    };
    let recipients = vec![Address::new(family, [7; 20])];
    let scan = |from, to| Scan {
        recipients: recipients.clone(),
        ..ask(family, from, to)
    };
    // Which chain it is, is asked once.
    provider.head().unwrap();
    [
        counted(&|| assert!(provider.head().is_ok())),
        counted(&|| assert!(provider.finalized().is_ok())),
        counted(&|| assert!(provider.block(30).is_ok())),
        counted(&|| assert!(provider.receipt(hash, &recipients).unwrap().is_some())),
        counted(&|| assert_eq!(provider.scan(&scan(20, 40)).unwrap().transfers, [])),
        counted(&|| assert_eq!(provider.scan(&scan(45, 95)).unwrap().transfers.len(), 1)),
    ]
}

fn world(family: Family) -> (World, String) {
    let world = World::new(family, 100);
    let hash = world.pay(50, &[(1, 7, 5)]);
    (world, hash)
}

#[test]
fn of_a_node() {
    let (world, hash) = world(Family::Evm);
    let node = EvmRpc::new(http(&world.node(), KeyHeader::Bearer), Family::Evm, 137);
    assert_eq!(costs(&node, Family::Evm, &hash), [1, 1, 1, 2, 1, 1]);
}

#[test]
fn of_etherscan() {
    let (world, hash) = world(Family::Evm);
    let key = Some(Secret::new(super::explorer_world::KEY));
    let explorer = Etherscan::new(http(&world.etherscan(), KeyHeader::No), key, 137);
    assert_eq!(costs(&explorer, Family::Evm, &hash), [1, 1, 1, 2, 1, 1]);
}

#[test]
fn of_trongrid() {
    let (world, hash) = world(Family::Tron);
    let grid = TronGrid::new(http(&world.trongrid(), TRON_KEY), 0x2b66_53dc);
    let found = costs(&grid, Family::Tron, &hash);
    // What it has learned already it does not ask again.
    let counted_with = [1, 1, 2, 2, 2, 2 + 2];
    assert!(
        found
            .iter()
            .zip(counted_with)
            .all(|(cost, most)| *cost <= most),
        "{found:?}"
    );
}
