//! Tests with other programs and builds that take long: `.ci/full` runs them, after it has installed what they need.
//!
//!     cargo test --test long

mod containers;
mod guide;
mod image;
mod litestream;
mod machine;
mod monitoring;
mod proxies;
mod standby;
mod static_binary;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;
