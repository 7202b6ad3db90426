//! A look at a database file, also while a server runs on it. Changes nothing.

use std::fs::{File, TryLockError};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::lock::{place, second_names};
use super::{StoreError, access, migrate};

/// What a file is like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// The schema it has, and the one that this version brings it to.
    pub schema: u32,
    pub latest: u32,
    pub orders: u64,
    /// With what is still in the journal.
    pub bytes: u64,
    /// Whether a server runs on it.
    pub in_use: bool,
    /// What SQLite's quick check found; `None` if all is well.
    pub damage: Option<String>,
}

const SIZE: &str = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

/// Looks at a file that exists. An error if it is not one of ours, or of a newer version, or has a second name.
pub fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    access::expect_no_directory(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    migrate::check(&connection)?;
    second_names(path)?;
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let schema = migrate::schema(&connection)?;
    let orders = match schema {
        0 => 0,
        _ => connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?,
    };
    Ok(Inspection {
        schema,
        latest: migrate::latest(),
        orders,
        bytes: connection.query_row(SIZE, [], |row| row.get(0))?,
        in_use: is_in_use(path)?,
        damage: (said != "ok").then_some(said),
    })
}

/// Whether somebody holds the lock that a server holds.
fn is_in_use(path: &Path) -> Result<bool, StoreError> {
    let name = place(path);
    let lock = match File::open(&name) {
        Ok(lock) => lock,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(access::explained(&name, error.into())),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::{Db, Lock};

    #[test]
    fn a_file_is_looked_at_while_it_is_in_use_and_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.db");
        let lock = Lock::on(&path).unwrap();
        let db = Db::open(lock, Clock::system(), Default::default(), |_| {}).unwrap();
        let found = inspect(&path).unwrap();
        assert!(found.in_use && found.damage.is_none());
        assert_eq!((found.schema, found.orders), (found.latest, 0));
        let in_the_file = || std::fs::metadata(&path).unwrap().len();
        assert!(found.bytes > in_the_file(), "its tables are in the journal");
        drop(db);
        let closed = inspect(&path).unwrap();
        assert!(!closed.in_use);
        assert_eq!(closed.bytes, in_the_file());
    }

    #[test]
    fn what_is_no_database_of_ours_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.db");
        std::fs::write(&path, "hello, I am a text file and not a database").unwrap();
        assert!(inspect(&path).is_err());
        std::fs::remove_file(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other
            .execute_batch("CREATE TABLE notes (text TEXT)")
            .unwrap();
        assert!(matches!(inspect(&path), Err(StoreError::Foreign)));
    }

    #[test]
    fn a_second_name_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.db");
        let lock = Lock::on(&path).unwrap();
        drop(Db::open(lock, Clock::system(), Default::default(), |_| {}).unwrap());
        let cut_short = dir.path().join("ocrch.db.replaced-20261123T120000Z");
        std::fs::hard_link(&path, &cut_short).unwrap();
        assert!(inspect(&path).is_ok(), "the next start clears up");
        assert!(cut_short.exists());
        std::fs::remove_file(&cut_short).unwrap();
        std::fs::hard_link(&path, dir.path().join("second.db")).unwrap();
        assert!(matches!(inspect(&path), Err(StoreError::Names(2))));
    }
}
