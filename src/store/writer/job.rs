//! A transaction on its way through the writer.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::clock::UnixSeconds;
use crate::store::{Change, StoreError};

/// A use case's view of the database inside its transaction.
pub struct Tx<'a> {
    pub(super) connection: &'a Connection,
    /// The time of the transaction: read once.
    pub now: UnixSeconds,
    /// The same, in milliseconds.
    pub now_ms: i64,
    pub(super) changes: Vec<Change>,
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

/// A queued transaction, whatever it returns.
pub(super) trait Job: Send {
    /// Does the work; false asks for a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Overrules the result: the work was undone.
    fn fail(&mut self, error: StoreError);
    /// Answers the caller.
    fn finish(self: Box<Self>);
}

pub(super) struct Queued<F, T, E> {
    transaction: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Queued<F, T, E> {
    /// The job, and where its answer arrives.
    pub fn new(transaction: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (answer, answered) = oneshot::channel();
        let queued = Self {
            transaction: Some(transaction),
            result: None,
            answer,
        };
        (queued, answered)
    }
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
