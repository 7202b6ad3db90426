//! How the writer is doing, for whoever asks from another thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A group of transactions that takes longer hangs: on a disk that does not answer, or on somebody's lock.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// While commits fail, the log has a line about it this often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Why nothing can be stored at the moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Commits fail, with this error.
    Failing(String),
    /// The writer has been busy with one commit for so many seconds.
    Hanging(u64),
    /// Its thread has ended.
    Stopped,
}

/// Shared between the writer's thread and those who ask.
#[derive(Clone)]
pub struct Pulse(Arc<State>);

struct State {
    /// Where the database is: for the log only.
    dir: PathBuf,
    born: Instant,
    /// Milliseconds after `born` at which the present group began, plus one; 0 while the writer rests.
    busy_since: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

struct Failure {
    error: String,
    since: Instant,
    told: Instant,
    /// Transactions that were turned down.
    refused: u64,
}

impl Pulse {
    /// Of the writer to a database in this directory.
    pub fn new(dir: PathBuf) -> Self {
        Self(Arc::new(State {
            dir,
            born: Instant::now(),
            busy_since: AtomicU64::new(0),
            failure: Mutex::new(None),
        }))
    }

    /// What keeps the writer from storing anything; `None` while all is well.
    pub fn trouble(&self) -> Option<Trouble> {
        if let Some(failure) = &*self.failure() {
            return Some(Trouble::Failing(failure.error.clone()));
        }
        let began = self.0.busy_since.load(Ordering::Relaxed).checked_sub(1)?;
        let busy = self
            .0
            .born
            .elapsed()
            .saturating_sub(Duration::from_millis(began));
        (busy >= HANGS_AFTER).then_some(Trouble::Hanging(busy.as_secs()))
    }

    /// Whether the last commit failed.
    pub fn is_failing(&self) -> bool {
        self.failure().is_some()
    }

    pub fn begins(&self) {
        let now = self.0.born.elapsed().as_millis() as u64;
        self.0.busy_since.store(now + 1, Ordering::Relaxed);
    }

    pub fn rests(&self) {
        self.0.busy_since.store(0, Ordering::Relaxed);
    }

    /// Logs the first failure and, as long as nothing gets better, a reminder now and then.
    pub fn failed(&self, error: &str, refused: usize) {
        let mut failure = self.failure();
        let dir = self.0.dir.display();
        let now = Instant::now();
        match &mut *failure {
            None => {
                tracing::error!(
                    error,
                    %dir,
                    "the database cannot be written; requests that would change something are turned away until it can"
                );
                *failure = Some(Failure {
                    error: error.to_owned(),
                    since: now,
                    told: now,
                    refused: refused as u64,
                });
            }
            Some(known) => {
                known.refused += refused as u64;
                error.clone_into(&mut known.error);
                if now - known.told >= TOLD_EVERY {
                    known.told = now;
                    let (seconds, refused) = ((now - known.since).as_secs(), known.refused);
                    tracing::error!(
                        error,
                        %dir,
                        seconds,
                        refused,
                        "the database still cannot be written"
                    );
                }
            }
        }
    }

    /// A commit is on disk.
    pub fn succeeded(&self) {
        if let Some(Failure { since, refused, .. }) = self.failure().take() {
            let seconds = since.elapsed().as_secs();
            tracing::info!(seconds, refused, "the database can be written again");
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        // It is written in one piece.
        self.0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
