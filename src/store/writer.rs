//! The one writer: a thread that owns the writing connection and commits what has queued up together.

mod job;
mod work;

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

pub use job::Tx;
use job::{Job, Queued};
use work::Work;

use super::place::Place;
use super::pulse::{Pulse, Trouble};
use super::{Change, StoreError};
use crate::clock::Clock;
use crate::metrics::Commits;

/// Beyond this many waiting transactions, callers wait to queue theirs.
const MAX_QUEUE: usize = 4096;

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
        let pulse = Pulse::new(place.dir());
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
        let (queued, answered) = Queued::new(transaction);
        let mut job: Box<dyn Job> = Box::new(queued);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Lock;

    fn writer() -> (Writer, Arc<Mutex<Vec<Change>>>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER PRIMARY KEY)")
            .unwrap();
        let place = Place::of(&Lock::on(&path).unwrap()).unwrap();
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
