//! The kinds of providers, and the same tests on each of them.

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

/// Makes tests of functions that take a [`Kind`]: those of the core on every kind, the others as
/// [`Kind::others_for`] says.
macro_rules! on_every_kind {
    (core: $($core:ident)*; more: $($more:ident)*;) => {
        mod rpc {
            $(#[test] fn $core() { super::$core($crate::support::kind::Kind::Rpc); })*
            $(#[test] fn $more() { super::$more($crate::support::kind::Kind::Rpc); })*
        }
        mod tron_rpc {
            $(#[test] fn $core() { super::$core($crate::support::kind::Kind::TronRpc); })*
        }
        mod etherscan {
            $(#[test] fn $core() { super::$core($crate::support::kind::Kind::Etherscan); })*
        }
        mod trongrid {
            $(#[test] fn $core() { super::$core($crate::support::kind::Kind::TronGrid); })*
        }
        mod tronscan {
            $(#[test] fn $core() { super::$core($crate::support::kind::Kind::Tronscan); })*
        }
        mod elsewhere {
            $(#[test] fn $more() {
                for kind in $crate::support::kind::Kind::others_for(stringify!($more)) {
                    eprintln!("on {kind:?}");
                    super::$more(kind);
                }
            })*
        }
    };
}
pub(crate) use on_every_kind;
