//! Putting a backup in the place of the database, which is kept.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::aside::Aside;
use super::copy::{Contents, CopyError, Partial, explain, is_same_file, real_path, sync_dir};
use super::lock::{self, Lock};
use super::loss::{self, Loss};
use super::place::has_content;
use super::{StoreError, carry, migrate};
use crate::clock::UnixSeconds;

/// What was done.
#[derive(Clone, Debug)]
pub struct Restored {
    pub contents: Contents,
    /// Where the database that was there before is now.
    pub kept: Option<PathBuf>,
    /// Where the journal is now that lay there, of that database or, alone, of one that is gone.
    pub kept_journal: Option<PathBuf>,
    /// What it had and the restored one has not. `None` if there was none, or it could not be read.
    pub lost: Option<Loss>,
}

/// Why nothing was restored. But for [`RestoreError::NotOnDisk`], the database has what it had, under its name.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{} is the database itself", .0.display())]
    Itself(PathBuf),
    #[error("{}: open in another program (Litestream, sqlite3): close it first", .0.display())]
    Open(PathBuf),
    #[error("{}: restored, but it is not sure that it stays so after a power cut: {}", .0.display(), .1)]
    NotOnDisk(PathBuf, std::io::Error),
    #[error("the database is ahead of the backup, which lacks {0}")]
    Ahead(Loss),
}

/// Verifies a backup and puts it in the place of the database. Refused while a server runs on the database, and, unless
/// `discard_newer` says so, if the database has what the backup has not. The old database is moved aside, never removed.
pub fn restore(
    backup: &Path,
    database: &Path,
    now: UnixSeconds,
    discard_newer: bool,
) -> Result<Restored, RestoreError> {
    if is_same_file(backup, database) {
        return Err(RestoreError::Itself(backup.to_owned()));
    }
    // The server follows links to its database, so it is the file itself that is replaced.
    let database = &*real_path(database);
    let owner = Owner::of(database).map_err(|e| CopyError::File(database.to_owned(), e))?;
    let locked = Lock::on(database)?;
    owner.give(&lock::place(database))?;
    let mut partial = Partial::create(database)?;
    let contents = partial.fill(backup, migrate::latest())?;
    let mut lost = None;
    if has_content(database) {
        lost = compare(database, partial.path(), now)?;
        if let Some(loss) = lost.filter(|l| !l.is_none() && !discard_newer) {
            return Err(RestoreError::Ahead(loss));
        }
    }
    number_feed_anew(partial.path(), now).map_err(|error| explain(database, error))?;
    owner.give(partial.path())?;
    let time = time_stamp(now).map_err(|error| explain(database, error))?;
    let aside = exchange(partial, database, &time)?;
    drop(locked);
    Ok(Restored {
        contents,
        kept: aside.as_ref().and_then(Aside::database),
        kept_journal: aside.as_ref().and_then(Aside::journal),
        lost,
    })
}

/// Whose the files are: restored by root, they must still be the server's.
struct Owner(u32, u32);

impl Owner {
    fn of(database: &Path) -> std::io::Result<Self> {
        let dir = database.parent().unwrap_or(Path::new("/"));
        let found = fs::metadata(database).or_else(|_| fs::metadata(dir))?;
        Ok(Self(found.uid(), found.gid()))
    }

    fn give(&self, path: &Path) -> Result<(), CopyError> {
        let failed = |error| CopyError::File(path.to_owned(), error);
        let found = fs::metadata(path).map_err(failed)?;
        match (found.uid(), found.gid()) == (self.0, self.1) {
            true => Ok(()),
            false => chown(path, Some(self.0), Some(self.1)).map_err(failed),
        }
    }
}

/// Has the feed go on with numbers above all that were ever given out, also by a database that is no more: who reads it names the
/// last change that they know, and would miss those that were given its number, or a lower one, again. No feed grows by a
/// thousand changes a second for long, so the time in milliseconds is above.
fn number_feed_anew(backup: &Path, now: UnixSeconds) -> Result<(), rusqlite::Error> {
    let connection = Connection::open(backup)?;
    if !loss::has(&connection, "main", "changes", "id")? {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "BEGIN;
         CREATE TEMP TABLE feed AS
             SELECT max(seq) AS seq FROM (SELECT {now} * 1000 AS seq UNION SELECT seq FROM sqlite_sequence WHERE name = 'changes');
         DELETE FROM sqlite_sequence WHERE name = 'changes';
         INSERT INTO sqlite_sequence (name, seq) SELECT 'changes', seq FROM feed;
         COMMIT"
    ))
}

/// Brings the database's journal into its file, counts what the backup has not, and has the backup take over what no money
/// may be lost for. `None` if the database cannot be read, which may be why it is being restored.
fn compare(database: &Path, backup: &Path, now: UnixSeconds) -> Result<Option<Loss>, RestoreError> {
    let look = || {
        close_journal(database)?;
        let loss = loss::between(database, backup)?;
        if loss.is_some() {
            carry::over(database, backup, now)?;
        }
        Ok::<_, rusqlite::Error>(loss)
    };
    match look() {
        Ok(loss) => Ok(loss),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Err(RestoreError::Open(database.to_owned()))
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Ok(None),
            _ => Err(explain(database, error).into()),
        },
    }
}

fn close_journal(database: &Path) -> Result<(), rusqlite::Error> {
    let connection = Connection::open(database)?;
    // Leaves no -wal behind, and fails while anybody else has the file open.
    connection.pragma_update(None, "journal_mode", "DELETE")
}

/// Puts the finished file in the place of the database, and says where that is now. A journal there must go in any case: what is in it
/// would be read into the new file. All that takes long or may well fail comes before
/// the first change, and a change that is not followed by the next is taken back.
fn exchange(partial: Partial, database: &Path, time: &str) -> Result<Option<Aside>, RestoreError> {
    let failed = |error| CopyError::File(database.to_owned(), error);
    partial.sync().map_err(failed)?;
    let aside = Aside::set(database, time).map_err(failed)?;
    if let Err(error) = partial.place() {
        if let Some(aside) = &aside {
            aside.undo().map_err(failed)?;
        }
        return Err(failed(error).into());
    }
    sync_dir(database).map_err(|error| RestoreError::NotOnDisk(database.to_owned(), error))?;
    Ok(aside)
}

fn time_stamp(now: UnixSeconds) -> Result<String, rusqlite::Error> {
    let sql = "SELECT strftime('%Y%m%dT%H%M%SZ', ?1, 'unixepoch')";
    Connection::open_in_memory()?.query_row(sql, [now], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_get_its_name_leaves_the_database_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ocrch.db");
        let journal = dir.path().join("ocrch.db-wal");
        fs::write(&database, "database").unwrap();
        fs::write(&journal, "journal").unwrap();
        let partial = Partial::create(&database).unwrap();
        fs::remove_file(partial.path()).unwrap();
        assert!(exchange(partial, &database, "now").is_err());
        assert_eq!(fs::read_to_string(&database).unwrap(), "database");
        assert_eq!(fs::read_to_string(&journal).unwrap(), "journal");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
