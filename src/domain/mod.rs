//! The rules, as values and pure functions: no I/O, no clock, no SQL, no wire types.

pub mod address;
pub mod agreement;
pub mod amount;
pub mod claim;
pub mod confirmation;
pub mod deposit;
pub mod likely;
pub mod matching;
pub mod order;
pub mod registry;
pub mod retry;
pub mod scanning;
pub mod signature;
pub mod slots;
pub mod transfer;
