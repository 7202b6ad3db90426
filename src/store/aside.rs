//! The earlier database under another name, while another one takes its own.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::copy::{beside, sync_dir};

/// What follows the database's name in the other one, before the time.
const REPLACED: &str = ".replaced-";

/// The files of SQLite that belong to the database whose name they have: beside another one they would be read as that one's.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What was moved out of the way, and can be moved back.
pub(super) struct Aside {
    database: PathBuf,
    name: PathBuf,
}

impl Aside {
    /// Gives the database a second name, so that there is one under the first name at every moment. A journal that could not be
    /// closed goes with it, also that of a database which is gone. `None` if there is neither; nothing is left of an attempt that
    /// fails.
    pub fn set(database: &Path, time: &str) -> io::Result<Option<Self>> {
        let aside = Self {
            database: database.to_owned(),
            name: beside(database, &format!("{REPLACED}{time}")),
        };
        if !any_of(database) {
            return Ok(None);
        }
        if any_of(&aside.name) {
            let text = format!("{} exists already", aside.name.display());
            return Err(io::Error::new(ErrorKind::AlreadyExists, text));
        }
        match fs::hard_link(database, &aside.name) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let moved = move_companions(database, &aside.name).and_then(|()| sync_dir(database));
        match moved {
            Ok(()) => Ok(Some(aside)),
            Err(error) => {
                aside.undo()?;
                Err(error)
            }
        }
    }

    /// Where the database is now, if there was one.
    pub fn database(&self) -> Option<PathBuf> {
        self.name.exists().then(|| self.name.clone())
    }

    /// Where its journal is now, if there was one.
    pub fn journal(&self) -> Option<PathBuf> {
        let journal = beside(&self.name, "-wal");
        journal.exists().then_some(journal)
    }

    /// Takes the other name away again: nothing took the database's own.
    pub fn undo(&self) -> io::Result<()> {
        move_companions(&self.name, &self.database)?;
        match fs::remove_file(&self.name) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => sync_dir(&self.database),
        }
    }
}

/// Whether there is a database of this name, or what belongs to one.
fn any_of(database: &Path) -> bool {
    let mut companions = COMPANIONS.iter().map(|suffix| beside(database, suffix));
    database.exists() || companions.any(|path| path.exists())
}

/// Replaces nothing: what stands in the way is another file's.
fn move_companions(from: &Path, to: &Path) -> io::Result<()> {
    for suffix in COMPANIONS {
        let (from, to) = (beside(from, suffix), beside(to, suffix));
        if from.exists() && !to.exists() {
            fs::rename(from, to)?;
        }
    }
    Ok(())
}

/// The second names that restores gave the database which ended before another took its first: by a power cut, say.
pub(super) fn interrupted(database: &Path, is: &Metadata) -> io::Result<Vec<Aside>> {
    let dir = database.parent().filter(|dir| !dir.as_os_str().is_empty());
    let name = beside(
        Path::new(database.file_name().unwrap_or_default()),
        REPLACED,
    );
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let has_name = entry
            .file_name()
            .as_bytes()
            .starts_with(name.as_os_str().as_bytes());
        // Not through links: one that leads to the database is no second name.
        if has_name
            && entry
                .metadata()
                .is_ok_and(|m| (m.dev(), m.ino()) == (is.dev(), is.ino()))
        {
            found.push(Aside {
                database: database.to_owned(),
                name: entry.path(),
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undone_it_leaves_everything_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ocrch.db");
        fs::write(&database, "database").unwrap();
        fs::write(beside(&database, "-wal"), "journal").unwrap();
        let aside = Aside::set(&database, "now").unwrap().unwrap();
        assert!(!beside(&database, "-wal").exists());
        // As after a power cut, from what lies there.
        let found = interrupted(&database, &fs::metadata(&database).unwrap()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].database(), aside.database());
        found[0].undo().unwrap();
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!(text(&database), "database");
        assert_eq!(text(&beside(&database, "-wal")), "journal");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_an_earlier_restore_kept_stays_and_is_not_taken_for_this_ones() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ocrch.db");
        let kept = dir.path().join("ocrch.db.replaced-now");
        fs::write(&kept, "an earlier database").unwrap();
        assert!(Aside::set(&database, "now").unwrap().is_none());
        fs::write(beside(&database, "-wal"), "journal").unwrap();
        assert!(Aside::set(&database, "now").is_err());
        assert!(kept.exists() && beside(&database, "-wal").exists());
    }

    #[test]
    fn only_second_names_of_the_same_file_are_of_an_interrupted_restore() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("ocrch.db"), "database").unwrap();
        fs::write(at("ocrch.db.replaced-1"), "an earlier database").unwrap();
        std::os::unix::fs::symlink("ocrch.db", at("ocrch.db.replaced-2")).unwrap();
        fs::hard_link(at("ocrch.db"), at("second.db")).unwrap();
        let is = fs::metadata(at("ocrch.db")).unwrap();
        assert!(interrupted(&at("ocrch.db"), &is).unwrap().is_empty());
    }
}
