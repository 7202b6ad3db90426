//! The same tests on every kind of provider.

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
