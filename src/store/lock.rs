//! One server a file: two would deliver every webhook twice.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::aside::{self, Aside};
use super::copy::{beside, real_path};
use super::{StoreError, access};

/// The right to work on a database, as long as it is held. It is taken before anything is written, and [`super::Db::open`] asks for it.
pub struct Lock {
    database: PathBuf,
    name: PathBuf,
    /// A file of its own, since closing any handle of the database itself would drop SQLite's own locks.
    file: File,
}

impl Lock {
    /// Takes the lock of a database, which need not exist yet. Refused while somebody else has it, by whatever name they know the file.
    pub fn on(database: &Path) -> Result<Self, StoreError> {
        access::expect_no_directory(database)?;
        let name = place(database);
        let file = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&name)
            .map_err(|e| access::explained(&name, e.into()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        for left in second_names(database)? {
            left.undo()?;
            tracing::info!(database = %database.display(), "a restore was cut short before it changed anything: cleared up after it");
        }
        Ok(Self {
            database: database.to_owned(),
            name,
            file,
        })
    }

    /// The database, by the name under which it was asked for.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// The file that was locked, by its name.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// The file that is locked, whatever has its name now.
    pub(super) fn held(&self) -> std::io::Result<fs::Metadata> {
        self.file.metadata()
    }
}

/// Where the lock of a database lies: beside the file itself, whatever links lead there.
pub(super) fn place(database: &Path) -> PathBuf {
    beside(&real_path(database), ".lock")
}

/// Of names that are equals (hard links) none is the file's own: each would have another lock, and for SQLite another journal. They
/// are refused, but for those that a restore gave it which was cut short.
pub(super) fn second_names(database: &Path) -> Result<Vec<Aside>, StoreError> {
    let database = real_path(database);
    let found = match fs::metadata(&database) {
        Ok(found) if found.nlink() > 1 => found,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => return Ok(vec![]),
    };
    let ours = aside::interrupted(&database, &found)?;
    match found.nlink() - 1 == ours.len() as u64 {
        true => Ok(ours),
        false => Err(StoreError::Names(found.nlink())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_has_one_lock_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("data")).unwrap();
        symlink(at("data"), at("other")).unwrap();
        symlink("data/ocrch.db", at("link.db")).unwrap();
        symlink("link.db", at("link of a link.db")).unwrap();
        let names = [
            "data/ocrch.db",
            "other/ocrch.db",
            "link.db",
            "link of a link.db",
            "data/../data/ocrch.db",
        ];
        // Before the file is made, and after.
        for _ in 0..2 {
            for held in names {
                let lock = Lock::on(&at(held)).unwrap();
                for name in names {
                    let second = Lock::on(&at(name));
                    assert!(
                        matches!(second, Err(StoreError::InUse)),
                        "{held} and {name}"
                    );
                }
                drop(lock);
            }
            fs::write(at("data/ocrch.db"), "").unwrap();
        }
        fs::hard_link(at("data/ocrch.db"), at("data/second.db")).unwrap();
        for name in ["data/ocrch.db", "data/second.db", "link.db"] {
            let refused = Lock::on(&at(name));
            assert!(matches!(refused, Err(StoreError::Names(2))), "{name}");
        }
    }
}
