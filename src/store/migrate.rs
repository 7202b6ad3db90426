//! Brings a database file's schema up to date, one transaction a step, having kept a copy from before.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;
use super::copy::{beside, copy_up_to};

/// All steps in order; a file's `user_version` is how many it has taken.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_orders_and_transfers.sql"),
    include_str!("migrations/0002_claims.sql"),
    include_str!("migrations/0003_held_back.sql"),
    include_str!("migrations/0004_admin.sql"),
    include_str!("migrations/0005_alerts.sql"),
    include_str!("migrations/0006_provider_usage.sql"),
    include_str!("migrations/0007_wallet_of_a_pair.sql"),
    include_str!("migrations/0008_inbox_and_search.sql"),
    include_str!("migrations/0009_budget_of_a_key.sql"),
    include_str!("migrations/0010_alerts_by_kind.sql"),
    include_str!("migrations/0011_lost_deposits.sql"),
];

/// The schema that this version knows.
pub fn latest() -> u32 {
    MIGRATIONS.len() as u32
}

/// The schema of a file; 0 for a new one.
pub fn schema(connection: &Connection) -> Result<u32, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// That the file is new or one of ours, and not of a newer version. Changes nothing.
pub fn check(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (schema(connection)?, latest());
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    // Litestream may be there first, with tables of its own.
    let is_empty = !connection
        .prepare(
            "SELECT 1 FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_litestream\\_%' ESCAPE '\\'",
        )?
        .exists([])?;
    match found == 0 && !is_empty {
        true => Err(StoreError::Foreign),
        false => Ok(()),
    }
}

/// Applies the steps that the file lacks. A file that is not new is copied first, for the way back.
pub fn to_latest(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    to_end_of(MIGRATIONS, connection, path)
}

/// Where the copy of a file is kept from before it left a schema.
fn copy_of(path: &Path, schema: u32) -> PathBuf {
    beside(path, &format!(".before-upgrade-from-{schema}"))
}

fn to_end_of(steps: &[&str], connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let (found, known) = (schema(connection)?, steps.len() as u32);
    if (1..known).contains(&found) {
        let kept = copy_of(path, found);
        copy_up_to(known, path, &kept, true).map_err(|e| StoreError::NoCopy(Box::new(e)))?;
        tracing::info!(
            copy = %kept.display(),
            "upgrading the database from schema {found} to {known}; a copy from before is kept"
        );
        forget_older_copies(path, found);
    }
    for (step, sql) in steps.iter().enumerate().skip(found as usize) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", step as u32 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// Of the copies from earlier upgrades only the last one stays, so that they do not fill the disk over the years.
fn forget_older_copies(path: &Path, newest: u32) {
    let earlier = (1..newest).rev().map(|schema| copy_of(path, schema));
    for copy in earlier.filter(|copy| copy.exists()).skip(1) {
        if let Err(error) = fs::remove_file(&copy) {
            tracing::warn!(%error, copy = %copy.display(), "cannot remove the copy from an old upgrade");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row in each table that a shop fills, as the first version stored them.
    const ROWS: &str = "
        INSERT INTO orders VALUES (1, 'a0', 'cart-1', '10', 'paid', 'http://shop/hook', '0x1', 'eth', 'USDT', 'Ümläut', 'http://s', 'http://c', 100, 1900, 150, NULL);
        INSERT INTO orders VALUES (2, 'a1', 'cart-2', '10.50', 'pending', 'http://shop/hook', NULL, NULL, NULL, NULL, NULL, NULL, 110, 1910, NULL, NULL);
        INSERT INTO deposits VALUES (1, 1, 'eth', 'USDT', '0x1', 10000001, NULL, 101, 5, 0, 'fulfilled', 150, 0, 1);
        INSERT INTO deposits VALUES (2, 2, 'eth', 'USDT', '0x1', 10500000, '0x2', 111, NULL, 1, 'open', NULL, 1, 0);
        INSERT INTO transfers VALUES (1, 'eth', 'USDT', '0xt', '0xc', '0xs', '0x1', '10000001', 0, '10.000001', 7, '0xb', 120, 120, 7, 'matched', 12, 12, 121, 121, NULL, 1, NULL, 1, 0, 0);
        INSERT INTO transfers VALUES (2, 'eth', 'USDT', '0xu', '0xc', '0xs', '0x1', '3', 0, '0.000003', 8, '0xd', 130, 130, 8, 'no_matched_deposit', 12, 12, 131, 131, NULL, 0, NULL, NULL, 0, 0);
        UPDATE orders SET shown_transfer = 1 WHERE id = 1;
        INSERT INTO cursors VALUES ('eth', '0x1', 5, 9);
        INSERT INTO events VALUES (1, 'msg_1', 'order_status_changed', 1, NULL, 'http://shop/hook', 'http://shop', '{}', 150, 'delivered', 1, 150000, 151, 151);
        INSERT INTO events VALUES (2, 'msg_2', 'unknown_transfer', NULL, 2, 'http://shop/hook', 'http://shop', '{}', 160, 'queued', 2, 170000, 161, NULL);
        INSERT INTO attempts VALUES (1, 1, 151, 200, NULL, 12, 'ok');
        INSERT INTO idempotency_keys VALUES ('key', x'00', 1, 100);
        INSERT INTO creations VALUES (100, x'01', 1);";

    struct File {
        dir: tempfile::TempDir,
    }

    impl File {
        /// A file as the first version left it.
        fn of_the_first_version() -> Self {
            let file = Self {
                dir: tempfile::tempdir().unwrap(),
            };
            file.migrate(&MIGRATIONS[..1]).unwrap();
            file.open().execute_batch(ROWS).unwrap();
            file
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("ocrch.db")
        }

        fn open(&self) -> Connection {
            let connection = Connection::open(self.path()).unwrap();
            connection
                .pragma_update(None, "journal_mode", "WAL")
                .unwrap();
            connection
                .pragma_update(None, "foreign_keys", true)
                .unwrap();
            connection
        }

        fn migrate(&self, steps: &[&str]) -> Result<(), StoreError> {
            to_end_of(steps, &mut self.open(), &self.path())
        }

        fn copies(&self) -> Vec<u32> {
            (1..20)
                .filter(|n| copy_of(&self.path(), *n).exists())
                .collect()
        }
    }

    /// Every row of every table, in the columns that the table has in `like`.
    fn rows(of: &Connection, like: &Connection) -> Vec<String> {
        let mut found = Vec::new();
        let tables = texts(like, "SELECT name FROM sqlite_schema WHERE type = 'table'");
        for table in tables {
            let columns = texts(
                like,
                &format!("SELECT name FROM pragma_table_info('{table}')"),
            );
            let values: Vec<_> = columns.iter().map(|c| format!("quote({c})")).collect();
            let sql = format!(
                "SELECT '{table}: ' || {} FROM {table}",
                values.join(" || ', ' || ")
            );
            found.extend(texts(of, &sql));
        }
        found.sort();
        found
    }

    fn texts(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection
            .prepare(sql)
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_new_file_is_migrated_once_and_leaves_no_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.db");
        for _ in 0..2 {
            to_latest(&mut Connection::open(&path).unwrap(), &path).unwrap();
        }
        let connection = Connection::open(&path).unwrap();
        assert_eq!(schema(&connection).unwrap(), latest());
        check(&connection).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_first_versions_file_keeps_all_it_has() {
        let (first, file) = (File::of_the_first_version(), File::of_the_first_version());
        file.migrate(MIGRATIONS).unwrap();
        let (before, after) = (first.open(), file.open());
        assert_eq!(schema(&after).unwrap(), latest());
        assert_eq!(rows(&before, &before).len(), 12);
        assert_eq!(rows(&after, &before), rows(&before, &before));
        assert_eq!(texts(&after, "PRAGMA integrity_check"), ["ok"]);
        assert!(
            !after
                .prepare("PRAGMA foreign_key_check")
                .unwrap()
                .exists([])
                .unwrap()
        );
    }

    #[test]
    fn transfers_from_before_are_held_back_by_nothing() {
        let file = File::of_the_first_version();
        file.migrate(&MIGRATIONS[..2]).unwrap();
        let before = rows(&file.open(), &file.open());
        file.migrate(&MIGRATIONS[..3]).unwrap();
        let db = file.open();
        let like = Connection::open(copy_of(&file.path(), 2)).unwrap();
        assert_eq!(rows(&db, &like), before);
        let held_back = "SELECT quote(held_back) FROM transfers";
        assert_eq!(texts(&db, held_back), ["NULL", "NULL"]);
        let hold = |why: &str| {
            let sql = "UPDATE transfers SET held_back = ?1 WHERE id = 2";
            db.execute(sql, [why])
        };
        for why in [
            "no_second_provider",
            "awaiting_second",
            "providers_disagree",
        ] {
            assert_eq!(hold(why), Ok(1), "{why}");
        }
        assert!(hold("no_reason").is_err());
    }

    #[test]
    fn of_the_unmatched_transfers_from_before_those_under_a_cent_are_small() {
        let file = File::of_the_first_version();
        // The eighth step marks them.
        file.migrate(&MIGRATIONS[..7]).unwrap();
        let copy = "INSERT INTO transfers SELECT ?1, blockchain, stablecoin, ?1, contract, sender, recipient, units, ordinal, ?2,
             block_number, block_hash, block_timestamp, mined_at, highest_block, status, confirmations, required, created_at,
             waiting_since, failed_at, watched, candidate, fulfillment, tail_dropped, vanished, held_back, ignored
             FROM transfers WHERE id = 2";
        for (row, value) in [
            (3, "0.009999999999999999"),
            (4, "0.01"),
            (5, "0"),
            (6, "10"),
        ] {
            file.open().execute(copy, (row, value)).unwrap();
        }
        file.migrate(MIGRATIONS).unwrap();
        let small = "SELECT value FROM transfers WHERE small = 1 ORDER BY id";
        assert_eq!(
            texts(&file.open(), small),
            ["0.000003", "0.009999999999999999", "0"]
        );
    }

    /// A restore made the table in a file of an older version, with what it had to keep.
    #[test]
    fn lost_deposits_may_be_there_before_their_step() {
        let file = File::of_the_first_version();
        let keep = "INSERT INTO lost_deposits VALUES (1, 'a9', 'eth', 'USDT', '0x1', 81000000, NULL, 200, 0)";
        let step = include_str!("migrations/0011_lost_deposits.sql");
        file.open().execute_batch(step).unwrap();
        file.open().execute_batch(keep).unwrap();
        let before = rows(&file.open(), &file.open());
        file.migrate(MIGRATIONS).unwrap();
        let like = Connection::open(copy_of(&file.path(), 1)).unwrap();
        assert_eq!(rows(&file.open(), &like), before);
        assert!(before.iter().any(|row| row.starts_with("lost_deposits: ")));
        assert!(file.open().execute_batch(keep).is_err(), "each once");
    }

    #[test]
    fn a_copy_is_kept_from_before_and_the_one_before_that() {
        let file = File::of_the_first_version();
        let mut steps = MIGRATIONS[..1].to_vec();
        for n in 2..=5 {
            steps.push("CREATE TABLE IF NOT EXISTS more (x INTEGER)");
            file.migrate(&steps).unwrap();
            let expected: Vec<u32> = (n.max(3) - 2..n).collect();
            assert_eq!(file.copies(), expected);
            let kept = Connection::open(copy_of(&file.path(), n - 1)).unwrap();
            assert_eq!(schema(&kept).unwrap(), n - 1);
            assert_eq!(rows(&kept, &kept), rows(&file.open(), &kept));
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_at_the_step_before() {
        let file = File::of_the_first_version();
        let steps = [
            MIGRATIONS[0],
            "CREATE TABLE two (x INTEGER)",
            "CREATE TABLE three (x INTEGER); INSERT INTO nowhere VALUES (1)",
        ];
        for _ in 0..2 {
            assert!(file.migrate(&steps).is_err());
            let left = file.open();
            assert_eq!(schema(&left).unwrap(), 2);
            let tables = "SELECT name FROM sqlite_schema WHERE name IN ('two', 'three')";
            assert_eq!(texts(&left, tables), ["two"]);
        }
        assert_eq!(file.copies(), [1, 2]);
    }

    #[test]
    fn without_room_for_the_copy_nothing_is_upgraded() {
        let file = File::of_the_first_version();
        // A directory in the copy's place stands for whatever keeps it from being written.
        fs::create_dir(copy_of(&file.path(), 1)).unwrap();
        let failed = file.migrate(&[MIGRATIONS[0], "CREATE TABLE two (x INTEGER)"]);
        assert!(matches!(failed, Err(StoreError::NoCopy(_))), "{failed:?}");
        assert_eq!(schema(&file.open()).unwrap(), 1);
    }

    #[test]
    fn newer_and_foreign_files_are_refused_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE notes (x)").unwrap();
        assert!(matches!(check(&connection), Err(StoreError::Foreign)));
        connection.pragma_update(None, "user_version", 999).unwrap();
        assert!(matches!(
            check(&connection),
            Err(StoreError::Newer { found: 999, .. })
        ));
    }
}
