//! Who is the admin: a secret that is dear to check once, and cheap to know again.
//!
//! The configuration holds an Argon2 hash only. A secret that fitted it is remembered as a keyed digest, whose key
//! lives as long as the process: it waits for nobody and is never refused. Any other secret costs a whole Argon2
//! computation, and nothing tells before whether it is right; these run one at a time, with as long a rest after each, so
//! that a flood of them takes half of one core at most. Clients take turns, and nobody's secrets wait for all of a
//! flooder's. Computing belongs to the gate and not to the request: who hangs up stops none and starts none.

mod failures;
mod queue;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::oneshot;

use self::failures::Failures;
use self::queue::Queue;
use crate::config::verify_admin_secret;

/// For how many seconds a client is asked to leave us alone: about when a failure of its is forgotten.
pub const RETRY_AFTER: u32 = 10;

/// How a secret was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Right,
    Wrong,
    /// Wrong, after many others.
    TooMany,
    /// Not looked at: too many wait.
    Unread,
}

/// Checks admin secrets. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    key: [u8; 32],
    known: Mutex<Option<Known>>,
    waiting: Mutex<Waiting>,
    failures: Failures,
    #[cfg(test)]
    computations: Arc<tests::Computations>,
}

/// The secret that fitted, and the hash that it fitted: after a reload with another hash it is worth nothing.
struct Known {
    hash: String,
    digest: [u8; 32],
}

#[derive(Default)]
struct Waiting {
    queue: Queue<Unchecked>,
    /// Whether somebody works through the queue.
    at_work: bool,
}

/// A secret that waits, and who waits for the verdict.
struct Unchecked {
    hash: String,
    secret: Vec<u8>,
    verdict: oneshot::Sender<Verdict>,
}

impl Gate {
    pub fn new() -> Self {
        let mut key = [0; 32];
        // The digest never leaves the process: without randomness it is as good as none, and no worse.
        let _ = getrandom::fill(&mut key);
        Self(Arc::new(Inner {
            key,
            known: Mutex::default(),
            waiting: Mutex::default(),
            failures: Failures::default(),
            #[cfg(test)]
            computations: Arc::default(),
        }))
    }

    /// Checks a secret against the hash in the configuration. `client` is what failures are counted by, and whose
    /// secrets wait in one line, `most` of them.
    pub async fn check(&self, hash: &str, secret: &[u8], client: IpAddr, most: usize) -> Verdict {
        if self.is_known(hash, secret) {
            return Verdict::Right;
        }
        let (verdict, heard) = oneshot::channel();
        let unchecked = Unchecked {
            hash: hash.to_owned(),
            secret: secret.to_vec(),
            verdict,
        };
        self.queue(client, unchecked, most);
        // What finds no place is dropped.
        heard.await.unwrap_or(Verdict::Unread)
    }

    fn queue(&self, client: IpAddr, unchecked: Unchecked, most: usize) {
        let mut waiting = self.waiting();
        waiting.queue.add(client, unchecked, most);
        if !waiting.at_work {
            waiting.at_work = true;
            tokio::spawn(self.clone().work());
        }
    }

    /// Checks one secret after the other until none waits.
    async fn work(self) {
        while let Some((client, unchecked)) = self.next() {
            let Unchecked {
                hash,
                secret,
                verdict,
            } = unchecked;
            // Another request with this secret may have been checked meanwhile.
            if self.is_known(&hash, &secret) {
                let _ = verdict.send(Verdict::Right);
                continue;
            }
            let began = Instant::now();
            let judged = self.compute(hash, secret, client).await;
            // Who has hung up need not hear it.
            let _ = verdict.send(judged);
            tokio::time::sleep(began.elapsed()).await;
        }
    }

    fn next(&self) -> Option<(IpAddr, Unchecked)> {
        let mut waiting = self.waiting();
        let next = waiting.queue.next();
        waiting.at_work = next.is_some();
        next
    }

    /// One Argon2 computation, off the async threads.
    async fn compute(&self, hash: String, secret: Vec<u8>, client: IpAddr) -> Verdict {
        let gate = self.clone();
        let judged = tokio::task::spawn_blocking(move || {
            #[cfg(test)]
            let _one = gate.0.computations.begin();
            match verify_admin_secret(&secret, &hash) {
                true => {
                    let digest = gate.digest(&secret).finalize().into_bytes().into();
                    *gate.known() = Some(Known { hash, digest });
                    Verdict::Right
                }
                false => gate.0.failures.count(client),
            }
        });
        judged.await.unwrap_or(Verdict::Wrong)
    }

    fn digest(&self, secret: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length.
        let mut digest = Hmac::new_from_slice(&self.0.key).unwrap_or_else(|_| unreachable!());
        digest.update(secret);
        digest
    }

    fn is_known(&self, hash: &str, secret: &[u8]) -> bool {
        let digest = self.digest(secret);
        let known = self.known();
        known
            .as_ref()
            .is_some_and(|k| k.hash == hash && digest.verify_slice(&k.digest).is_ok())
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        // It is replaced in one piece.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Queueing does not panic.
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

impl queue::Waits for Unchecked {
    fn has_left(&self) -> bool {
        self.verdict.is_closed()
    }
}

#[cfg(test)]
mod tests;
