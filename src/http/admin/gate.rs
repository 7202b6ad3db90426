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
    #[cfg(test)]
    computations: Arc<tests::Computations>,
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
            #[cfg(test)]
            computations: Arc::default(),
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
        #[cfg(test)]
        let computations = self.0.computations.clone();
        let right = tokio::task::spawn_blocking(move || {
            #[cfg(test)]
            let _one = computations.begin();
            verify_admin_secret(&secret, &hash)
        })
        .await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hash_admin_secret;
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How many there were, and how many at once.
    #[derive(Default)]
    pub struct Computations {
        under_way: AtomicUsize,
        most: AtomicUsize,
        all: AtomicUsize,
    }

    pub struct One<'a>(&'a Computations);

    impl Computations {
        pub fn begin(&self) -> One<'_> {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.all.fetch_add(1, Ordering::SeqCst);
            One(self)
        }
    }

    impl Drop for One<'_> {
        fn drop(&mut self) {
            self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn client(n: u8) -> IpAddr {
        Ipv4Addr::new(203, 0, 113, n).into()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_computation_at_a_time_and_none_for_what_is_known() {
        let gate = Gate::new();
        let hash = hash_admin_secret("right").unwrap();
        let flood: Vec<_> = (0..12)
            .map(|n| {
                let (gate, hash) = (gate.clone(), hash.clone());
                tokio::spawn(async move { gate.check(&hash, b"wrong", client(n)).await })
            })
            .collect();
        assert_eq!(
            gate.check(&hash, b"right", client(99)).await,
            Verdict::Right
        );
        for answer in flood {
            assert_eq!(answer.await.unwrap(), Verdict::Wrong);
        }
        let computations = &gate.0.computations;
        assert_eq!(computations.most.load(Ordering::SeqCst), 1);
        assert_eq!(computations.all.load(Ordering::SeqCst), 13);
        for _ in 0..1000 {
            assert_eq!(gate.check(&hash, b"right", client(0)).await, Verdict::Right);
        }
        assert_eq!(computations.all.load(Ordering::SeqCst), 13);
    }

    #[tokio::test]
    async fn another_hash_makes_the_old_secret_wrong() {
        let gate = Gate::new();
        let hashes = ["first", "second"].map(|s| hash_admin_secret(s).unwrap());
        let check =
            async |hash: &str, secret: &str| gate.check(hash, secret.as_bytes(), client(1)).await;
        assert_eq!(check(&hashes[0], "first").await, Verdict::Right);
        assert_eq!(check(&hashes[1], "first").await, Verdict::Wrong);
        assert_eq!(check(&hashes[1], "second").await, Verdict::Right);
        assert_eq!(check(&hashes[0], "first").await, Verdict::Right);
    }

    #[tokio::test]
    async fn those_who_do_not_wait_leave_nobody_waiting() {
        let gate = Gate::new();
        for _ in 0..MAX_WAITING_OF_CLIENT {
            let turn = gate.queue(client(1)).unwrap();
            drop(turn);
        }
        let turns: Vec<_> = (0..MAX_WAITING_OF_CLIENT)
            .map(|_| gate.queue(client(1)).unwrap())
            .collect();
        assert!(gate.queue(client(1)).is_none(), "too many wait");
        assert!(
            gate.queue(client(2)).is_some(),
            "others do not wait for them"
        );
        let longest = turns.iter().map(|t| t.at).max().unwrap();
        let bound = Instant::now() + PACE * (MAX_WAITING_OF_CLIENT as u32 + 1);
        assert!(longest <= bound);
    }
}
