//! The kinds of providers.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::explorers::{Site, tron_address};

/// Through what the server sees the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Rpc,
    /// Tron's JSON-RPC, which is shaped like Ethereum's.
    TronRpc,
    Etherscan,
    TronGrid,
    Tronscan,
}

impl Kind {
    /// All but plain JSON-RPC, which every test runs on.
    pub const OTHERS: [Self; 4] = [
        Self::TronRpc,
        Self::Etherscan,
        Self::TronGrid,
        Self::Tronscan,
    ];

    pub fn is_tron(self) -> bool {
        matches!(self, Self::TronRpc | Self::TronGrid | Self::Tronscan)
    }

    /// An address, given in hex, as its chain writes it.
    pub fn address(self, hex: &str) -> String {
        match self.is_tron() {
            true => tron_address(hex),
            false => hex.to_owned(),
        }
    }

    /// The explorer that it takes.
    pub fn site(self) -> Option<Site> {
        match self {
            Self::Rpc | Self::TronRpc => None,
            Self::Etherscan => Some(Site::Etherscan),
            Self::TronGrid => Some(Site::TronGrid),
            Self::Tronscan => Some(Site::Tronscan),
        }
    }

    /// Where a test that is not part of the core runs, too: on one of the others, a different one for each test, or
    /// with `OCRCH_TEST_KINDS=all` on all of them. `OCRCH_TEST_SEED` makes another choice.
    pub fn others_for(test: &str) -> Vec<Self> {
        if std::env::var("OCRCH_TEST_KINDS").is_ok_and(|kinds| kinds == "all") {
            return Self::OTHERS.to_vec();
        }
        let mut hasher = DefaultHasher::new();
        (test, std::env::var("OCRCH_TEST_SEED").ok()).hash(&mut hasher);
        vec![Self::OTHERS[(hasher.finish() % 4) as usize]]
    }
}
