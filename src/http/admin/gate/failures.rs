//! Clients whose secrets were wrong, and how often of late.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{RETRY_AFTER, Verdict};

/// After so many failures a client hears that they are too many.
const FREE: f64 = 10.0;
/// A failure is forgotten after this time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(RETRY_AFTER as u64);
/// Clients remembered with their failures. Beyond that they are forgotten as soon as they may be.
const MAX_CLIENTS: usize = 10_000;

#[derive(Default)]
pub struct Failures(Mutex<HashMap<IpAddr, Client>>);

struct Client {
    failures: f64,
    counted_at: Instant,
    /// Whether the log says so: once is enough.
    warned: bool,
}

impl Failures {
    /// Counts one more failure of a client; says what it is told.
    pub fn count(&self, client: IpAddr) -> Verdict {
        let now = Instant::now();
        // Counting does not panic.
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, known| known.failures_at(now) > 0.0);
        }
        let known = clients.entry(client).or_insert(Client {
            failures: 0.0,
            counted_at: now,
            warned: false,
        });
        known.failures = (known.failures_at(now) + 1.0).min(FREE + 1.0);
        known.counted_at = now;
        if known.failures <= FREE {
            return Verdict::Wrong;
        }
        if !known.warned {
            known.warned = true;
            tracing::warn!(%client, "many wrong admin secrets from this client");
        }
        Verdict::TooMany
    }

    /// The failures of a client that are not forgotten yet.
    #[cfg(test)]
    pub fn of(&self, client: IpAddr) -> f64 {
        let clients = self.0.lock().unwrap();
        let known = clients.get(&client);
        known.map_or(0.0, |known| known.failures_at(Instant::now()))
    }
}

impl Client {
    fn failures_at(&self, now: Instant) -> f64 {
        let forgotten = (now - self.counted_at).as_secs_f64() / FORGOTTEN_AFTER.as_secs_f64();
        (self.failures - forgotten).max(0.0)
    }
}
