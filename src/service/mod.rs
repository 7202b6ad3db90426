//! Use cases: one function is one write transaction, with everything it causes inside.

pub mod admin;
pub mod alerts;
pub mod app;
mod candidates;
pub mod claims;
pub mod condition;
pub mod create_order;
pub mod expire;
pub mod hub;
pub mod inquiries;
pub mod numbers;
pub mod orders;
pub mod outbox;
pub mod payments;
pub mod prune;
pub mod retired;
pub mod scan;
pub mod settle;
pub mod tickets;
pub mod trials;
pub mod usage;
pub mod view;
pub mod watching;

pub use app::App;

/// What callers of use cases meet of the store.
pub use crate::store::StoreError;
pub use crate::store::events::{Attempt, Event};
pub use crate::store::tallies::Tallies;
pub use crate::store::transfers::StoredTransfer;
