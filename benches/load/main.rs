//! How fast the server is, measured beside it on the same machine: `cargo bench --bench load`.
//!
//! `--quick` is a small run that shows that everything works; names of sections (`http`, `sockets`,
//! `process`, `settle`) choose among them; `--url URL --secret SECRET` loads a server that runs already.

mod client;
mod files;
mod http;
mod process;
mod requests;
mod settle;
mod sockets;
#[allow(dead_code)]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use support::config::SECRET;
use support::world::World;

/// What to measure, and how much of it.
pub struct Plan {
    sections: Vec<String>,
    url: Option<String>,
    secret: String,
    /// For each of the HTTP runs.
    duration: Duration,
    connections: [usize; 2],
    sockets: usize,
    repeats: usize,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Self {
            sections: Vec::new(),
            url: None,
            secret: SECRET.to_owned(),
            duration: Duration::from_secs(8),
            connections: [16, 256],
            sockets: 5_000,
            repeats: 20,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => {
                    plan.duration = Duration::from_millis(300);
                    plan.sockets = 200;
                    plan.repeats = 3;
                }
                "--url" => plan.url = args.next(),
                "--secret" => plan.secret = args.next().unwrap_or_default(),
                // Cargo's own.
                "--bench" => {}
                section => plan.sections.push(section.to_owned()),
            }
        }
        plan
    }

    fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|s| s == section)
    }
}

fn main() {
    files::allow_many();
    let plan = Plan::from_args();
    if let Some(url) = &plan.url {
        http::measure(&plan, url);
        return;
    }
    println!(
        "flush (fdatasync of 4 KiB), median: {:?}",
        process::flush_time()
    );
    let mut world = World::start();
    if plan.wants("process") {
        process::measure_idle(&world);
    }
    if plan.wants("sockets") {
        sockets::measure(&plan, &world);
    }
    if plan.wants("http") {
        http::measure(&plan, &world.server.base());
    }
    if plan.wants("settle") {
        settle::measure(&plan, &world);
    }
    if plan.wants("process") {
        process::measure_start(&plan, &mut world);
    }
    // The line that test runners look for.
    println!("1 passed, 0 failed");
}
