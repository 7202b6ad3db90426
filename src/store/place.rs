//! Whether the database's files are still where they were opened. A file that was deleted or moved can be written on and on,
//! and all of it is lost with the process.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::StoreError;
use super::copy::{beside, real_path};

/// The files of an open database.
#[derive(Clone)]
pub struct Place(Vec<(PathBuf, FileId)>);

/// Device and inode.
type FileId = (u64, u64);

impl Place {
    /// Where an open database and its journal are now.
    pub fn of(database: &Path) -> Result<Self, std::io::Error> {
        // The journal lies beside the file itself, whatever links lead there.
        let database = fs::canonicalize(database)?;
        let journal = beside(&database, "-wal");
        let files = [database, journal].into_iter();
        let files = files.map(|file| fs::metadata(&file).map(|found| (file, id(&found))));
        Ok(Self(files.collect::<Result<_, _>>()?))
    }

    /// An error in SQLite's terms if a file is gone, or another one stands in its place.
    pub fn check(&self) -> Result<(), rusqlite::Error> {
        let is_moved = |(path, opened): &&(PathBuf, FileId)| match fs::metadata(path) {
            Ok(found) => id(&found) != *opened,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        match self.0.iter().find(is_moved) {
            None => Ok(()),
            Some((path, _)) => Err(rusqlite::Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_READONLY_DBMOVED),
                Some(format!(
                    "{} was deleted, moved or replaced while the server runs: put it back, or stop the server and restore a backup",
                    path.display()
                )),
            )),
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
