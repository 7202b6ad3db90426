//! Tests of the real binary through the doors its users take: HTTP, WebSocket, webhooks, the command
//! line, a real chain. One file for each capability; `support` has what they share.
//!
//! Run them with `tests/run.sh`, which first installs what they need.

mod admin;
mod admin_beyond;
mod admin_flood;
mod admin_money;
mod agreement;
mod amounts;
mod backlog;
mod backup;
mod check;
mod checkout_page;
mod checkout_settings;
mod claims;
mod cli;
mod config;
mod documents;
mod downtime;
mod equal_amounts;
mod examples;
mod expiry;
mod explorers;
mod failover;
mod free_plans;
mod fuzz;
mod health;
mod idempotency;
mod in_process;
mod kill;
mod layers;
mod limits;
mod metrics;
mod monitoring;
mod no_javascript;
mod on_every_kind;
mod other_chain;
mod pages;
mod payment;
mod providers;
mod registry;
mod reload;
mod reorg;
mod seed_frontend;
mod service_api;
mod support;
mod swagger;
mod systemd;
mod transfers;
mod turned_clock;
mod upgrade;
mod user_api;
mod watching;
mod webhooks;
mod websocket;
