//! Who brings the journal into the database file: SQLite by itself, or Litestream where it replicates the file.
//!
//! Litestream (0.5.17) builds a replica that cannot be restored if somebody else does it between two of its own steps.
//! It keeps the journal below a thousand pages or so; by staying away from that, the server leaves it to Litestream.

use rusqlite::Connection;

/// Pages in the journal, 40 MB, from which the server does it all the same: Litestream is not running any more.
const LITESTREAM_IS_GONE: u32 = 10_000;

/// What the server does about the journal of its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Checkpoints {
    /// SQLite's own way: after each thousand pages, and at the end.
    Ours,
    Litestreams,
}

impl Checkpoints {
    /// Looks whether Litestream has come. Called inside a write transaction, which keeps it from coming meanwhile, or
    /// before the first one.
    pub fn look_again(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if *self == Self::Ours && is_replicated(connection)? {
            connection.pragma_update(None, "wal_autocheckpoint", LITESTREAM_IS_GONE)?;
            *self = Self::Litestreams;
        }
        Ok(())
    }

    /// Leaves one tidy file behind where nobody else reads; a crash instead is just as safe.
    pub fn at_the_end(mut self, connection: &Connection) {
        let _ = connection.execute_batch("PRAGMA optimize");
        if self.look_again(connection).is_ok() && self == Self::Ours {
            let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }
}

/// Litestream makes this table before anything else.
fn is_replicated(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = '_litestream_seq'")?
        .exists([])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages in the journal, as the next write leaves it.
    fn journal(connection: &Connection) -> u64 {
        let path = connection.path().unwrap();
        std::fs::metadata(format!("{path}-wal")).map_or(0, |m| m.len() / 4096)
    }

    #[test]
    fn from_litestreams_first_table_on_the_journal_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let connection = Connection::open(dir.path().join("t.db")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x BLOB)")
            .unwrap();
        let mut checkpoints = Checkpoints::Ours;
        let mut write = |pages: u32| {
            for _ in 0..pages {
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                checkpoints.look_again(&connection).unwrap();
                let row = "INSERT INTO t VALUES (zeroblob(4000)); COMMIT";
                connection.execute_batch(row).unwrap();
            }
            checkpoints
        };
        assert_eq!(write(2000), Checkpoints::Ours);
        let usual = journal(&connection);
        assert!((900..1500).contains(&usual), "{usual}");

        connection
            .execute_batch("CREATE TABLE _litestream_seq (id INTEGER)")
            .unwrap();
        assert_eq!(write(2000), Checkpoints::Litestreams);
        let left = journal(&connection);
        assert!(left > 3000, "{left}");
        // Also by a server that wrote nothing since Litestream came.
        Checkpoints::Ours.at_the_end(&connection);
        assert_eq!(journal(&connection), left);
        connection
            .execute_batch("DROP TABLE _litestream_seq")
            .unwrap();
        Checkpoints::Ours.at_the_end(&connection);
        assert_eq!(journal(&connection), 0);
    }
}
