//! Ocrch: an open crypto checkout in one binary and one SQLite file.

pub mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod service;
pub mod store;
pub mod webhook;
