//! What both of Tron's explorers must do alike. Their tests call these with the one that they are about.

use super::super::evm_rpc::EvmRpc;
use super::super::http::{HttpClient, KeyHeader};
use super::super::scripted::Scripted;
use super::super::{Provider, ProviderError, Scanned};
use super::{Outcome, World, ask, http, scan_all, sorted};
use crate::domain::address::Family;

/// Tron's main chain.
pub const MAINNET: u64 = 0x2b66_53dc;

/// One of the explorers, and the driver for it.
pub struct Site {
    pub serve: fn(&World) -> Scripted,
    pub driver: fn(HttpClient) -> Box<dyn Provider>,
}

/// The connection to an explorer, with the key where both expect it.
pub fn with_key(server: &Scripted) -> HttpClient {
    http(server, KeyHeader::Named("TRON-PRO-API-KEY"))
}

/// A node of the same chain, which is right.
pub fn rpc(server: &Scripted) -> EvmRpc {
    EvmRpc::new(http(server, KeyHeader::Bearer), Family::Tron, MAINNET)
}

/// How often a path was asked for.
pub fn asked(server: &Scripted, path: &str) -> usize {
    let asked = server.asked();
    asked
        .iter()
        .filter(|asked| asked.head.contains(path))
        .count()
}

/// What became of a scan: how many it found, or the kind of its error.
pub fn told(scanned: &Result<Scanned, ProviderError>) -> String {
    match scanned {
        Ok(scanned) => format!("found {}", scanned.transfers.len()),
        Err(error) => error.to_string().split(':').next().unwrap().to_owned(),
    }
}

impl Site {
    fn provider(&self, server: &Scripted) -> Box<dyn Provider> {
        (self.driver)(with_key(server))
    }

    pub fn reads_a_transfer_like_a_node(&self) {
        let world = World::new(Family::Tron, 100);
        let hash = world.pay(
            50,
            &[
                (1, 7, 19_990_000),
                (1, 7, 19_990_000),
                (2, 8, 5),
                (3, 7, 6),
                (1, 6, 7),
            ],
        );
        let (server, node) = ((self.serve)(&world), world.node());
        let (site, node) = (self.provider(&server), rpc(&node));
        let ask = ask(Family::Tron, 40, 99);
        let scanned = site.scan(&ask).unwrap();
        assert_eq!(scanned.through, 99);
        assert_eq!(
            sorted(scanned.transfers.clone()),
            sorted(scan_all(&node, &ask))
        );
        assert_eq!(scanned.transfers.len(), 3);
        let receipt = |p: &dyn Provider| p.receipt(&hash, &ask.recipients);
        assert_eq!(receipt(&*site), receipt(&node));
        assert_eq!(receipt(&*site).unwrap().unwrap().transfers.len(), 4);
        assert_eq!(site.block(50), node.block(50));
        assert_eq!(site.block(1000), Ok(None));
        assert_eq!((site.head(), site.finalized()), (Ok(99), Ok(Some(80))));
    }

    pub fn sees_what_is_not_final_and_does_not_prove_it(&self) {
        let world = World::new(Family::Tron, 100);
        let hash = world.pay(95, &[(1, 7, 5)]);
        let server = (self.serve)(&world);
        let site = self.provider(&server);
        assert_eq!(scan_all(&*site, &ask(Family::Tron, 40, 99)).len(), 1);
        assert_eq!(site.receipt(&hash, &[]), Ok(None));
        world.state().final_lag = 4;
        assert_eq!(site.receipt(&hash, &[]).unwrap().unwrap().block.number, 95);
    }

    pub fn takes_no_failure_for_a_transfer(&self) {
        let world = World::new(Family::Tron, 100);
        let failed = world.mine(50, Outcome::OutOfEnergy, &[(1, 7, 5)]);
        let reverted = world.mine(51, Outcome::Reverted, &[(1, 7, 5)]);
        let server = (self.serve)(&world);
        let site = self.provider(&server);
        assert_eq!(scan_all(&*site, &ask(Family::Tron, 40, 99)), []);
        for hash in [failed, reverted] {
            let receipt = site.receipt(&hash, &ask(Family::Tron, 1, 2).recipients);
            let receipt = receipt.unwrap().unwrap();
            assert!(!receipt.succeeded && receipt.transfers.is_empty());
        }
    }

    pub fn takes_no_wrong_key(&self) {
        let world = World::new(Family::Tron, 100);
        let server = (self.serve)(&world);
        let keyless = HttpClient::new(&server.entry(), KeyHeader::No, Default::default());
        let head = (self.driver)(keyless).head();
        assert!(matches!(head, Err(ProviderError::Refused(_))), "{head:?}");
    }

    /// Whatever the world is like, twice: the second time out of its memory, as far as it has one.
    pub fn finds_exactly_what_a_node_finds(&self, world: &World, from: u64) {
        let (server, node) = ((self.serve)(world), world.node());
        let ask = ask(Family::Tron, from, world.state().head());
        let site = self.provider(&server);
        site.finalized().unwrap();
        let expected = sorted(scan_all(&rpc(&node), &ask));
        assert_eq!(sorted(scan_all(&*site, &ask)), expected);
        assert_eq!(sorted(scan_all(&*site, &ask)), expected, "out of memory");
    }
}
