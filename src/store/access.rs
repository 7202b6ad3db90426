//! Why a file of the database cannot be opened, in words: which file, whose it is, and what mends that.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::StoreError;

/// What the system said when a file was opened, with the file's name, and what to do where its owner is another user.
pub(super) fn explained(path: &Path, error: StoreError) -> StoreError {
    let StoreError::File(error) = error else {
        return error;
    };
    let me = rustix::process::geteuid().as_raw();
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => hint(path, me),
        _ => String::new(),
    };
    let text = format!("{}: {error}{hint}", path.display());
    StoreError::File(Error::new(error.kind(), text))
}

/// A directory is opened like a file, and fails only later and in other words.
pub(super) fn expect_no_directory(path: &Path) -> Result<(), StoreError> {
    if !path.is_dir() {
        return Ok(());
    }
    let text = format!(
        "{} is a directory, expected a file, such as {}",
        path.display(),
        path.join("ocrch.db").display()
    );
    Err(Error::new(ErrorKind::IsADirectory, text).into())
}

/// What keeps the user with an id out.
fn hint(path: &Path, me: u32) -> String {
    let (shown, runs_as) = (path.display(), user(me));
    if let Ok(file) = fs::metadata(path) {
        return match file.uid() == me {
            true => format!(": `chmod u+rw {shown}` mends that"),
            false => format!(
                ": it belongs to {}, and this runs as {runs_as}; `chown {runs_as} {shown}` as root mends that",
                user(file.uid())
            ),
        };
    }
    let dir = path.parent().unwrap_or(path);
    match fs::metadata(dir) {
        Ok(found) => format!(
            ": it is to be made in {}, which belongs to {}, and this runs as {runs_as}",
            dir.display(),
            user(found.uid())
        ),
        Err(_) => String::new(),
    }
}

/// A user's name, or the id of one whom this machine's list does not have.
fn user(id: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id.to_string()).then_some(name)
    });
    name.map_or_else(|| id.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::{Db, Lock};

    fn refusal(path: &Path) -> String {
        let opened = Lock::on(path)
            .and_then(|lock| Db::open(lock, Clock::system(), Default::default(), |_| {}).map(drop));
        opened.unwrap_err().to_string()
    }

    #[test]
    fn the_file_that_cannot_be_opened_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.db");
        let lock = dir.path().join("ocrch.db.lock");
        fs::create_dir(&lock).unwrap();
        let expected = format!("database: {}: Is a directory", lock.display());
        let found = refusal(&path);
        assert!(found.starts_with(&expected), "{found}");
    }

    #[test]
    fn a_directory_is_no_database() {
        let dir = tempfile::tempdir().unwrap();
        let expected = format!("database: {} is a directory", dir.path().display());
        for found in [
            refusal(dir.path()),
            super::super::inspect::inspect(dir.path())
                .unwrap_err()
                .to_string(),
        ] {
            assert!(found.starts_with(&expected), "{found}");
        }
        assert!(!super::super::copy::beside(dir.path(), ".lock").exists());
    }

    #[test]
    fn whose_a_file_is_and_what_mends_it_is_said() {
        const NOBODY_HERE: u32 = 4_000_000_000;
        let file = tempfile::NamedTempFile::new().unwrap();
        let owner = fs::metadata(file.path()).unwrap().uid();
        let shown = file.path().display();
        assert_eq!(
            hint(file.path(), NOBODY_HERE),
            format!(
                ": it belongs to {}, and this runs as 4000000000; `chown 4000000000 {shown}` as root mends that",
                user(owner)
            )
        );
        assert_eq!(
            hint(file.path(), owner),
            format!(": `chmod u+rw {shown}` mends that")
        );
        let absent = hint(&file.path().join("absent"), owner);
        assert_eq!(
            absent,
            format!(
                ": it is to be made in {shown}, which belongs to {}, and this runs as {0}",
                user(owner)
            )
        );
        assert_eq!(user(0), "root");
    }
}
