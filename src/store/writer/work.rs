//! The writer's thread: commits together what has queued up.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::OnCommit;
use super::job::{Job, Tx};
use crate::clock::Clock;
use crate::metrics::Commits;
use crate::store::checkpoint::Checkpoints;
use crate::store::place::Place;
use crate::store::pulse::Pulse;
use crate::store::{Change, StoreError};

/// Bounds how long the first of a group waits for the last.
const MAX_GROUP: usize = 256;

/// While commits fail and nobody asks for one, it is tried this often whether they still do.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// What the thread works with.
pub(super) struct Work {
    pub connection: Connection,
    pub place: Place,
    pub clock: Clock,
    pub on_commit: OnCommit,
    pub commits: Commits,
    pub pulse: Pulse,
}

impl Work {
    pub fn write_all(&self, jobs: &Receiver<Box<dyn Job>>) {
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
