//! The only SQL. One writer that groups what is queued into one commit, a pool of readers.

mod access;
pub mod alerts;
mod aside;
pub mod audit;
mod carry;
pub mod changes;
mod checkpoint;
pub mod claims;
pub mod copy;
pub mod counts;
pub mod cursors;
pub mod daily;
pub mod deposit_list;
pub mod deposits;
pub mod event_list;
pub mod events;
pub mod inspect;
pub mod likely;
mod lock;
pub mod loss;
pub mod lost_deposits;
mod migrate;
pub mod names;
pub mod order_list;
mod order_search;
pub mod orders;
pub mod page;
mod place;
#[cfg(test)]
mod plans;
mod pulse;
pub mod replays;
pub mod restore;
mod rows;
pub mod tallies;
pub mod transfer_list;
pub mod transfers;
pub mod usage;
mod writer;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
pub use rusqlite::Connection;
use rusqlite::{ErrorCode, OpenFlags};
use tokio::sync::Semaphore;

use checkpoint::Checkpoints;
pub use lock::Lock;
use place::Place;
pub use place::expect_no_journal_alone;
pub use pulse::Trouble;
pub use writer::Tx;
use writer::Writer;

use crate::clock::Clock;
use crate::domain::order::OrderId;
use crate::domain::registry::Blockchain;
use crate::metrics::Commits;

/// Readers wait for nothing, so a few connections serve many requests.
const READERS: u32 = 4;
/// Of these so many at most read long lists at once, so that short queries find one free.
const LONG_READERS: usize = 2;
/// How long a query waits for a free connection: a short one, which may keep a thread of the runtime waiting, and a long one.
const SHORT_WAIT: Duration = Duration::from_secs(1);
const LONG_WAIT: Duration = Duration::from_secs(10);

/// The database: cheap to clone, closed when the last clone is dropped.
#[derive(Clone)]
pub struct Db {
    // Readers close first, so that the writer, closing last, leaves one tidy file.
    readers: r2d2::Pool<SqliteConnectionManager>,
    long_reads: Arc<Semaphore>,
    writer: Writer,
    _lock: Arc<Lock>,
}

/// What a committed transaction changed: told to whoever waits for it, never before the commit.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// An order or its seen payment.
    Order(OrderId),
    /// There is more to watch on a chain.
    Chain(Blockchain),
    /// A webhook was queued.
    Outbox,
    /// The feed of changes goes on.
    Feed,
}

/// Why the database did not do as asked. Nothing of a failed transaction is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("database: no reader became free: {0}")]
    Pool(#[from] r2d2::Error),
    #[error(
        "database: the file was written by a newer version (its schema is {found}, this version knows {known})"
    )]
    Newer { found: u32, known: u32 },
    #[error("database: the file is not one of ocrch's")]
    Foreign,
    #[error(
        "database: it must be upgraded, and no copy of it could be made before ({0}): make room and start again"
    )]
    NoCopy(Box<copy::CopyError>),
    #[error("database: a stored value cannot be read: {0}")]
    Corrupt(String),
    #[error("database: another ocrch is running on this file")]
    InUse,
    #[error(
        "database: the file has {0} names (hard links), so that another ocrch could run on it by another name: remove all but one of them \
         (find -samefile lists them)"
    )]
    Names(u64),
    #[error(
        "database: the file is missing or empty, but its journal is there, with what was written last ({}): put the file back, or restore a \
         backup (ocrch restore); if this is to be a new shop, move the journal away", .0.display()
    )]
    Gone(PathBuf),
    #[error("database: {0}")]
    File(#[from] std::io::Error),
    #[error("database: the writer has stopped")]
    Stopped,
    #[error("database: the transaction panicked and was rolled back")]
    Panicked,
    #[error("database: the commit failed: {0}")]
    Commit(String),
}

impl StoreError {
    /// Whether it ends when its cause goes away: a full disk, another program's lock, a stop.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(is_passing),
            Self::Pool(_) | Self::File(_) | Self::Stopped | Self::Commit(_) => true,
            _ => false,
        }
    }

    /// Whether the file itself is broken: no waiting helps, a backup does.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(is_damage),
            _ => false,
        }
    }
}

fn is_damage(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
}

fn is_passing(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
    )
}

impl Db {
    /// Opens the file that is locked, creating it and bringing its schema up to date. Commits are counted in `commits`; `on_commit` is told of
    /// every commit's changes, on the writer's thread, after the commit is on disk.
    pub fn open(
        lock: Lock,
        clock: Clock,
        commits: Commits,
        on_commit: impl Fn(Vec<Change>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let path = lock.database();
        expect_no_journal_alone(path)?;
        if !path.exists() {
            tracing::info!(database = %path.display(), "there is no database yet: making one");
        }
        create_private(path).map_err(|e| access::explained(path, e))?;
        let mut connection = Connection::open(path)?;
        migrate::check(&connection)?;
        prepare_writer(&connection)?;
        migrate::to_latest(&mut connection, path)?;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(prepare_reader);
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .build(manager)?;
        let place = Place::of(&lock)?;
        let writer = Writer::start(connection, place, clock, commits, Box::new(on_commit));
        Ok(Self {
            readers,
            long_reads: Arc::new(Semaphore::new(LONG_READERS)),
            writer,
            _lock: Arc::new(lock),
        })
    }

    /// Reads a consistent state. It does not wait for the writer, so point queries may run on the async runtime.
    pub fn read<T, E: From<StoreError>>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_within(SHORT_WAIT, query)
    }

    fn read_within<T, E: From<StoreError>>(
        &self,
        wait: Duration,
        query: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let reader = self.readers.get_timeout(wait).map_err(StoreError::from)?;
        query(&reader)
    }

    /// What keeps the database from storing anything at the moment; `None` while all is well.
    pub fn trouble(&self) -> Option<Trouble> {
        self.writer.trouble()
    }

    /// [`Db::read`] for what may take long, on a thread of its own and with few others beside it.
    pub async fn read_long<T, E>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        // The semaphore is never closed.
        let turn = self.long_reads.clone().acquire_owned().await;
        let db = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            // Whoever asked may leave; the query goes on, and keeps its turn.
            let _turn = turn;
            db.read_within(LONG_WAIT, query)
        });
        read.await
            .unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Runs a transaction on the writer's thread; returns after it is on disk. An error rolls it back.
    pub async fn write<T, E>(
        &self,
        transaction: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.run(transaction).await
    }
}

/// Orders name customers' payments: the file, and with it its journal, is its owner's only.
fn create_private(path: &Path) -> Result<(), StoreError> {
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

fn prepare_writer(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Checkpoints::Ours.look_again(connection)?;
    Ok(())
}

fn prepare_reader(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(Duration::from_secs(10))
}

#[cfg(test)]
mod tests;
