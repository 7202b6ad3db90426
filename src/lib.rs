//! Ocrch: an open crypto checkout in one binary and one SQLite file.
//!
//! A request comes in through [`http`], is carried out by [`service`] in one transaction of the [`store`], and is
//! answered. Money comes in through [`task`], which asks [`chain`] and lets `service` record and settle; what changed
//! goes out as a webhook through `task` and [`webhook`]. What is true about money is decided in [`domain`], which
//! knows no I/O. `docs/architecture.md` has the whole map.

pub mod domain;

pub mod clock;

pub mod metrics;

pub mod config;

pub mod store;

pub mod service;

pub mod chain;

pub mod webhook;

pub mod task;

pub mod http;

pub mod cli;
