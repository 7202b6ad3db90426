//! What the tests share: the real server as a child process, a shop that speaks the protocol by its own
//! means, a real chain, receivers of webhooks, and faults to put between them.
//!
//! Nothing here uses the server's own code: what it says about signatures, amounts and bodies is written
//! from the protocol a second time, so that a mistake in one shows against the other.

pub mod admin;
pub mod anvil;
pub mod config;
pub mod devnet;
pub mod explorers;
pub mod faulty_rpc;
pub mod guide;
pub mod http;
pub mod incoming;
pub mod kind;
pub mod markdown;
pub mod net;
pub mod node;
pub mod programs;
pub mod random;
pub mod receiver;
pub mod server;
pub mod settings;
pub mod shop;
pub mod sign;
pub mod socket;
pub mod token;
pub mod units;
pub mod wait;
pub mod world;
