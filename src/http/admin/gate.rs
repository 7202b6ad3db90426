//! Who is the admin: a secret that is dear to check once, and cheap to know again.
//!
//! The configuration holds an Argon2 hash only. A secret that fitted it is remembered as a keyed digest, whose key
//! lives as long as the process. Any other secret costs a whole Argon2 computation, right or wrong; these run one at a
//! time, with as long a rest after each, so that a flood of them takes half of one core at most. A client that failed
//! often waits for its turn, and hears 429 instead of 401; the right secret gets in all the same.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::verify_admin_secret;

/// So many failures cost a client nothing.
const FREE_FAILURES: f64 = 10.0;
/// A failure is forgotten after this time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// From then on a client's secrets are checked this far apart.
const PACE: Duration = Duration::from_millis(250);
/// So many secrets of one client, and of all clients, may wait; more are refused unread.
const MAX_WAITING_OF_CLIENT: usize = 64;
const MAX_WAITING: usize = 512;
/// Clients remembered with their failures. Beyond that they are forgotten as soon as they may be.
const MAX_CLIENTS: usize = 10_000;

/// How a secret was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Right,
    Wrong,
    /// Wrong, or not even looked at: not again before this time, in seconds.
    TooMany(u32),
}

/// Checks admin secrets. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    key: [u8; 32],
    known: Mutex<Option<Known>>,
    /// Held during an Argon2 computation, and for as long after it.
    computing: Arc<Semaphore>,
    clients: Mutex<HashMap<IpAddr, Client>>,
}

/// The secret that fitted, and the hash that it fitted: after a reload with another hash it is worth nothing.
struct Known {
    hash: String,
    digest: [u8; 32],
}

/// A client's failures.
struct Client {
    failures: f64,
    counted_at: Instant,
    waiting: usize,
    /// Whether the log says so: once is enough.
    warned: bool,
    /// When its next secret may be checked.
    next: Instant,
}

impl Gate {
    pub fn new() -> Self {
        let mut key = [0; 32];
        // The digest never leaves the process: without randomness it is as good as none, and no worse.
        let _ = getrandom::fill(&mut key);
        Self(Arc::new(Inner {
            key,
            known: Mutex::new(None),
            computing: Arc::new(Semaphore::new(1)),
            clients: Mutex::default(),
        }))
    }

    /// Checks a secret against the hash in the configuration. `client` is what failures are counted by.
    pub async fn check(&self, hash: &str, secret: &[u8], client: IpAddr) -> Verdict {
        let digest = self.digest(secret);
        if self.is_known(hash, &digest) {
            return Verdict::Right;
        }
        let Some(turn) = self.queue(client) else {
            return Verdict::TooMany(FORGOTTEN_AFTER.as_secs() as u32);
        };
        sleep_until(turn.at).await;
        // Another request with this secret may have been checked meanwhile.
        if self.is_known(hash, &digest) {
            return Verdict::Right;
        }
        if self.compute(hash, secret).await {
            *self.known() = Some(Known {
                hash: hash.to_owned(),
                digest: digest.finalize().into_bytes().into(),
            });
            return Verdict::Right;
        }
        self.fail(client)
    }

    fn digest(&self, secret: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length.
        let mut digest = Hmac::new_from_slice(&self.0.key).unwrap_or_else(|_| unreachable!());
        digest.update(secret);
        digest
    }

    fn is_known(&self, hash: &str, digest: &Hmac<Sha256>) -> bool {
        let known = self.known();
        known
            .as_ref()
            .is_some_and(|k| k.hash == hash && digest.clone().verify_slice(&k.digest).is_ok())
    }

    /// One Argon2 computation, off the async threads, when no other is under way.
    async fn compute(&self, hash: &str, secret: &[u8]) -> bool {
        // The semaphore is never closed.
        let Ok(permit) = self.0.computing.clone().acquire_owned().await else {
            return false;
        };
        let (hash, secret) = (hash.to_owned(), secret.to_vec());
        let started = Instant::now();
        let right = tokio::task::spawn_blocking(move || verify_admin_secret(&secret, &hash)).await;
        let took = started.elapsed();
        tokio::spawn(async move {
            sleep(took).await;
            drop(permit);
        });
        right.unwrap_or(false)
    }

    /// A place in the queue of a client's secrets, with the time from which it may be checked; `None` where too many wait.
    fn queue(&self, client: IpAddr) -> Option<Turn> {
        let now = Instant::now();
        let mut clients = self.clients();
        let waiting: usize = clients.values().map(|c| c.waiting).sum();
        if waiting >= MAX_WAITING {
            return None;
        }
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, c| c.waiting > 0 || c.failures_at(now) > 0.0);
        }
        let known = clients.entry(client).or_insert(Client {
            failures: 0.0,
            counted_at: now,
            waiting: 0,
            warned: false,
            next: now,
        });
        if known.waiting >= MAX_WAITING_OF_CLIENT {
            return None;
        }
        known.waiting += 1;
        let at = match known.failures_at(now) + known.waiting as f64 > FREE_FAILURES {
            // Those who gave up waiting have left their times behind; nobody waits for them.
            true => known.next.clamp(now, now + PACE * known.waiting as u32),
            false => now,
        };
        known.next = at + PACE;
        Some(Turn {
            gate: self.clone(),
            client,
            at,
        })
    }

    fn fail(&self, client: IpAddr) -> Verdict {
        let now = Instant::now();
        let mut clients = self.clients();
        // A client that waits is never forgotten.
        let Some(known) = clients.get_mut(&client) else {
            return Verdict::Wrong;
        };
        let before = known.failures_at(now);
        known.failures = (before + 1.0).min(FREE_FAILURES + 1.0);
        known.counted_at = now;
        if known.failures <= FREE_FAILURES {
            return Verdict::Wrong;
        }
        if !known.warned {
            known.warned = true;
            tracing::warn!(%client, "many wrong admin secrets from this client; it is slowed down");
        }
        Verdict::TooMany(FORGOTTEN_AFTER.as_secs() as u32)
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.known.lock().unwrap_or_else(|p| p.into_inner())
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, Client>> {
        self.0.clients.lock().unwrap_or_else(|p| p.into_inner())
    }
}

impl Client {
    /// The failures that are not forgotten yet.
    fn failures_at(&self, now: Instant) -> f64 {
        let forgotten = (now - self.counted_at).as_secs_f64() / FORGOTTEN_AFTER.as_secs_f64();
        (self.failures - forgotten).max(0.0)
    }
}

/// A client's place in its queue; given back when dropped.
struct Turn {
    gate: Gate,
    client: IpAddr,
    at: Instant,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(known) = self.gate.clients().get_mut(&self.client) {
            known.waiting = known.waiting.saturating_sub(1);
        }
    }
}
