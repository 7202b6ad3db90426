//! The one writer: a thread that owns the writing connection and commits what has queued up together.

use std::collections::HashSet;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::checkpoint::Checkpoints;
use super::place::Place;
use super::pulse::{Pulse, Trouble};
use super::{Change, StoreError};
use crate::clock::{Clock, UnixSeconds};
use crate::metrics::Commits;

/// Bounds how long the first of a group waits for the last.
const MAX_GROUP: usize = 256;

/// Beyond this many waiting transactions, callers wait to queue theirs.
const MAX_QUEUE: usize = 4096;

/// While commits fail and nobody asks for one, it is tried this often whether they still do.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// A use case's view of the database inside its transaction.
pub struct Tx<'a> {
    connection: &'a Connection,
    /// The time of the transaction: read once.
    pub now: UnixSeconds,
    /// The same, in milliseconds.
    pub now_ms: i64,
    changes: Vec<Change>,
}

impl Tx<'_> {
    /// Has a change announced once it is committed.
    pub fn announce(&mut self, change: Change) {
        self.changes.push(change);
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Hands transactions to the writer's thread. The thread ends, having done what was queued, with the last handle.
#[derive(Clone)]
pub struct Writer(Arc<Handle>);

struct Handle {
    queue: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    pulse: Pulse,
    place: Place,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Closing the queue lets the thread finish what is in it; waiting makes "closed" mean "on disk".
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        if let Some(thread) = self.thread.lock().ok().and_then(|mut t| t.take()) {
            let _ = thread.join();
        }
    }
}

type OnCommit = Box<dyn Fn(Vec<Change>) + Send>;

impl Writer {
    pub fn start(
        connection: Connection,
        place: Place,
        clock: Clock,
        commits: Commits,
        on_commit: OnCommit,
    ) -> Self {
        let (queue, jobs) = sync_channel(MAX_QUEUE);
        let pulse = Pulse::new();
        let work = Work {
            connection,
            place: place.clone(),
            clock,
            on_commit,
            commits,
            pulse: pulse.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("ocrch-writer".into())
            .spawn(move || work.write_all(&jobs))
            .ok();
        Self(Arc::new(Handle {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(thread),
            pulse,
            place,
        }))
    }

    /// What keeps it from storing anything.
    pub fn trouble(&self) -> Option<Trouble> {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        match &*thread {
            Some(thread) if !thread.is_finished() => self.0.pulse.trouble().or_else(|| {
                let moved = self.0.place.check().err()?;
                Some(Trouble::Failing(moved.to_string()))
            }),
            _ => Some(Trouble::Stopped),
        }
    }

    /// Queues a transaction and waits until it is on disk.
    pub async fn run<T, E>(
        &self,
        transaction: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let mut job: Box<dyn Job> = Box::new(Queued {
            transaction: Some(transaction),
            result: None,
            answer,
        });
        loop {
            match self.try_queue(job) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) => job = back,
                Err(TrySendError::Disconnected(_)) => return Err(StoreError::Stopped.into()),
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Stopped.into()))
    }

    fn try_queue(&self, job: Box<dyn Job>) -> Result<(), TrySendError<Box<dyn Job>>> {
        match self.0.queue.lock().ok().as_deref() {
            Some(Some(queue)) => queue.try_send(job),
            _ => Err(TrySendError::Disconnected(job)),
        }
    }
}

/// A queued transaction, whatever it returns.
trait Job: Send {
    /// Does the work; false asks for a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Overrules the result: the work was undone.
    fn fail(&mut self, error: StoreError);
    /// Answers the caller.
    fn finish(self: Box<Self>);
}

struct Queued<F, T, E> {
    transaction: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Queued<F, T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(transaction) = self.transaction.take() else {
            return false;
        };
        let result = catch_unwind(AssertUnwindSafe(|| transaction(tx)))
            .unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn finish(self: Box<Self>) {
        let result = self
            .result
            .unwrap_or_else(|| Err(StoreError::Stopped.into()));
        // The caller may have gone away; its transaction stands all the same.
        let _ = self.answer.send(result);
    }
}

/// What the thread works with.
struct Work {
    connection: Connection,
    place: Place,
    clock: Clock,
    on_commit: OnCommit,
    commits: Commits,
    pulse: Pulse,
}

impl Work {
    fn write_all(&self, jobs: &Receiver<Box<dyn Job>>) {
        let mut checkpoints = Checkpoints::Ours;
        while let Some(first) = self.next(jobs) {
            self.pulse.begins();
            self.write_group(&mut checkpoints, first, jobs);
            self.pulse.rests();
        }
        checkpoints.at_the_end(&self.connection);
    }

    /// The next job; `None` at the end. While commits fail, tries between jobs whether they still do.
    fn next(&self, jobs: &Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        loop {
            if !self.pulse.is_failing() {
                return jobs.recv().ok();
            }
            match jobs.recv_timeout(PROBE_EVERY) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.probe(),
            }
        }
    }

    fn write_group(
        &self,
        checkpoints: &mut Checkpoints,
        first: Box<dyn Job>,
        jobs: &Receiver<Box<dyn Job>>,
    ) {
        let began = Instant::now();
        let mut done = Vec::new();
        let changed = self.connection.total_changes();
        match self.commit_group(checkpoints, first, jobs, &mut done) {
            Ok(changes) => {
                // A group that changed nothing was not written, and proves nothing.
                if self.connection.total_changes() != changed {
                    self.pulse.succeeded();
                    self.commits.seconds.observe(began.elapsed().as_secs_f64());
                    self.commits.transactions.observe(done.len() as f64);
                } else if self.pulse.is_failing() {
                    self.probe();
                }
                if !changes.is_empty() {
                    (self.on_commit)(changes);
                }
            }
            Err(error) => {
                let error = error.to_string();
                self.commits.failures.inc();
                self.pulse.failed(&error, done.len());
                let _ = self.connection.execute_batch("ROLLBACK");
                for job in &mut done {
                    job.fail(StoreError::Commit(error.clone()));
                }
            }
        }
        done.into_iter().for_each(Job::finish);
    }

    fn commit_group(
        &self,
        checkpoints: &mut Checkpoints,
        first: Box<dyn Job>,
        jobs: &Receiver<Box<dyn Job>>,
        done: &mut Vec<Box<dyn Job>>,
    ) -> Result<Vec<Change>, rusqlite::Error> {
        let connection = &self.connection;
        let mut changes = HashSet::new();
        let mut next = Some(first);
        let begun = execute(connection, "BEGIN IMMEDIATE")
            .and_then(|()| self.place.check())
            .and_then(|()| checkpoints.look_again(connection));
        while let Some(mut job) = next.take() {
            let ran = match &begun {
                Ok(()) => run_in_savepoint(connection, &self.clock, job.as_mut()),
                Err(_) => Ok(vec![]),
            };
            done.push(job);
            changes.extend(ran?);
            if done.len() < MAX_GROUP {
                next = jobs.try_recv().ok();
            }
        }
        begun?;
        execute(connection, "COMMIT")?;
        Ok(changes.into_iter().collect())
    }

    /// Writes a page as it is.
    fn probe(&self) {
        self.pulse.begins();
        match self.place.check().and_then(|()| probe(&self.connection)) {
            Ok(()) => self.pulse.succeeded(),
            Err(error) => {
                self.pulse.failed(&error.to_string(), 0);
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        self.pulse.rests();
    }
}

fn probe(connection: &Connection) -> Result<(), rusqlite::Error> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    connection.pragma_update(None, "user_version", version)?;
    execute(connection, "COMMIT")
}

/// Each transaction keeps its own savepoint in the group, so that one that fails takes no other with it.
fn run_in_savepoint(
    connection: &Connection,
    clock: &Clock,
    job: &mut dyn Job,
) -> Result<Vec<Change>, rusqlite::Error> {
    let now_ms = clock.now_ms();
    let mut tx = Tx {
        connection,
        now: now_ms.div_euclid(1000),
        now_ms,
        changes: Vec::new(),
    };
    execute(connection, "SAVEPOINT one")?;
    let keep = job.run(&mut tx);
    if !keep {
        tx.changes.clear();
        execute(connection, "ROLLBACK TO one")?;
    }
    execute(connection, "RELEASE one")?;
    Ok(tx.changes)
}

fn execute(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (Writer, Arc<Mutex<Vec<Change>>>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER PRIMARY KEY)")
            .unwrap();
        let place = Place::of(&path).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        let on_commit = Box::new(move |changes| tell.lock().unwrap().extend(changes));
        (
            Writer::start(
                connection,
                place,
                Clock::system(),
                Commits::default(),
                on_commit,
            ),
            told,
            dir,
        )
    }

    fn insert(x: i64, fail: bool) -> impl FnOnce(&mut Tx<'_>) -> Result<i64, StoreError> + Send {
        move |tx| {
            tx.execute("INSERT INTO t VALUES (?)", [x])?;
            tx.announce(Change::Outbox);
            match fail {
                true => Err(StoreError::Corrupt("asked to fail".into())),
                false => Ok(x),
            }
        }
    }

    async fn count(writer: &Writer) -> i64 {
        let counted = writer.run(|tx| {
            tx.query_row("SELECT count(*) FROM t", [], |r| r.get(0))
                .map_err(StoreError::from)
        });
        counted.await.unwrap()
    }

    #[tokio::test]
    async fn a_failed_or_panicking_transaction_leaves_nothing_and_harms_no_other() {
        let (writer, told, _dir) = writer();
        let (good, bad, panics) = tokio::join!(
            writer.run(insert(1, false)),
            writer.run(insert(2, true)),
            writer.run(|tx: &mut Tx<'_>| -> Result<i64, StoreError> {
                tx.execute("INSERT INTO t VALUES (3)", [])?;
                panic!("on purpose")
            }),
        );
        assert_eq!(good.unwrap(), 1);
        assert!(matches!(bad, Err(StoreError::Corrupt(_))));
        assert!(matches!(panics, Err(StoreError::Panicked)));
        assert_eq!(count(&writer).await, 1);
        assert_eq!(*told.lock().unwrap(), [Change::Outbox]);
    }

    #[tokio::test]
    async fn many_at_once_are_all_answered() {
        let (writer, _, _dir) = writer();
        let all: Vec<_> = (0..1000)
            .map(|x| {
                let writer = writer.clone();
                tokio::spawn(async move { writer.run(insert(x, x % 10 == 0)).await.is_ok() })
            })
            .collect();
        let mut kept = 0;
        for one in all {
            kept += i64::from(one.await.unwrap());
        }
        assert_eq!((kept, count(&writer).await), (900, 900));
    }
}
