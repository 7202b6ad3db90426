//! Whether the database's files are still where they were opened. A file that was deleted or moved can be written on and on,
//! and all of it is lost with the process.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::copy::{beside, real_path};
use super::{Lock, StoreError};

/// The files of an open database.
#[derive(Clone)]
pub struct Place(Vec<Watched>);

#[derive(Clone)]
struct Watched {
    path: PathBuf,
    opened: FileId,
    /// What to do where it is not there any more.
    remedy: &'static str,
}

/// Device and inode.
type FileId = (u64, u64);

const PUT_IT_BACK: &str = "put it back, or stop the server and restore a backup";

/// A second server could have taken the lock anew, so the first one must not go on as if it had it, nor take it by itself.
const START_AGAIN: &str =
    "a second server could start beside this one; stop this one and start it again";

impl Place {
    /// Where an open database, its journal and its lock are now.
    pub fn of(lock: &Lock) -> Result<Self, std::io::Error> {
        // The journal lies beside the file itself, whatever links lead there.
        let database = fs::canonicalize(lock.database())?;
        let journal = beside(&database, "-wal");
        let files = [
            (database.clone(), fs::metadata(database)?, PUT_IT_BACK),
            (journal.clone(), fs::metadata(journal)?, PUT_IT_BACK),
            (lock.name().to_owned(), lock.held()?, START_AGAIN),
        ];
        let watched = files.map(|(path, found, remedy)| Watched {
            path,
            opened: id(&found),
            remedy,
        });
        Ok(Self(watched.to_vec()))
    }

    /// The directory of the files.
    pub fn dir(&self) -> PathBuf {
        let database = self.0.first().and_then(|file| file.path.parent());
        database.unwrap_or(Path::new("/")).to_owned()
    }

    /// An error in SQLite's terms if a file is gone, or another one stands in its place. It names the file, but not the directory:
    /// anybody may be told.
    pub fn check(&self) -> Result<(), rusqlite::Error> {
        let is_moved = |file: &&Watched| match fs::metadata(&file.path) {
            Ok(found) => id(&found) != file.opened,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        match self.0.iter().find(is_moved) {
            None => Ok(()),
            Some(Watched { path, remedy, .. }) => {
                let name = path.file_name().unwrap_or_default().display();
                Err(rusqlite::Error::SqliteFailure(
                    ffi::Error::new(ffi::SQLITE_READONLY_DBMOVED),
                    Some(format!(
                        "{name} was deleted, moved or replaced while the server runs: {remedy}"
                    )),
                ))
            }
        }
    }
}

/// Refuses a database that is gone, where its journal is left: a new one would destroy it, and with it what was answered.
pub fn expect_no_journal_alone(database: &Path) -> Result<(), StoreError> {
    let database = real_path(database);
    let journal = beside(&database, "-wal");
    match !has_content(&database) && has_content(&journal) {
        true => Err(StoreError::Gone(journal)),
        false => Ok(()),
    }
}

/// An empty file is none: SQLite removes the journal beside one that it opens.
pub(super) fn has_content(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.len() > 0)
}

fn id(found: &fs::Metadata) -> FileId {
    (found.dev(), found.ino())
}
