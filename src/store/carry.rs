//! What a restored backup takes over from the database that it replaces, so that nobody's money goes astray: the values that
//! customers were told to pay, and where the reading of wallets began.

use std::path::Path;

use super::loss;
use crate::clock::UnixSeconds;

/// The table for files of versions that had none.
const LOST_DEPOSITS: &str = include_str!("migrations/0011_lost_deposits.sql");

/// What a row says that is there already: the later end, and any transfer that was seen.
const OR_MERGE: &str = "ON CONFLICT (blockchain, wallet, stablecoin, micros, order_id) DO UPDATE
    SET closed_at = max(closed_at, excluded.closed_at), transfer_seen = max(transfer_seen, excluded.transfer_seen)";

/// A wallet that the backup does not know is read anew from its own beginning: what was read of it is lost.
const CURSORS: &str =
    "INSERT OR IGNORE INTO main.cursors (blockchain, wallet, first_block, scanned_to)
    SELECT blockchain, wallet, first_block, max(first_block - 1, 0) FROM present.cursors";

/// Carries over what the backup lacks, entirely or not at all. Orders are not made up: a payment of such a value pays nobody.
pub(super) fn over(
    database: &Path,
    backup: &Path,
    now: UnixSeconds,
) -> Result<(), rusqlite::Error> {
    let mut both = loss::side_by_side(database, backup)?;
    // No file beside the backup, whatever happens.
    both.pragma_update(Some("main"), "journal_mode", "MEMORY")?;
    let tx = both.transaction()?;
    tx.execute_batch(LOST_DEPOSITS)?;
    tx.execute(&lost_deposits(), [now])?;
    if loss::has(&tx, "present", "lost_deposits", "id")? {
        tx.execute(&lost_before(), [])?;
    }
    tx.execute(CURSORS, [])?;
    tx.commit()
}

/// Those that hold their value, and those that are open without holding it.
fn lost_deposits() -> String {
    format!(
        "INSERT INTO main.lost_deposits (order_id, blockchain, stablecoin, wallet, micros, expected_sender, closed_at, transfer_seen)
         SELECT o.order_id, p.blockchain, p.stablecoin, p.wallet, p.micros, p.expected_sender,
             coalesce(p.closed_at, max(o.expires_at, ?1)), p.transfer_seen
         FROM {} AND (p.holds_value = 1 OR p.status = 'open') {OR_MERGE}",
        loss::DEPOSITS.lacking()
    )
}

/// What the present database took over itself, in an earlier restore.
fn lost_before() -> String {
    format!(
        "INSERT INTO main.lost_deposits (order_id, blockchain, stablecoin, wallet, micros, expected_sender, closed_at, transfer_seen)
         SELECT order_id, blockchain, stablecoin, wallet, micros, expected_sender, closed_at, transfer_seen
         FROM present.lost_deposits WHERE 1 {OR_MERGE}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate;
    use rusqlite::Connection;
    use std::path::PathBuf;

    const FIRST_VERSION: &str = include_str!("migrations/0001_orders_and_transfers.sql");

    /// Orders `old` and `new`, each with what was shown for it: (order, micros, opened, closed, holds its value).
    type Shown<'a> = (&'a str, u64, i64, Option<i64>, bool);

    struct Files {
        dir: tempfile::TempDir,
    }

    impl Files {
        fn new() -> Self {
            Self {
                dir: tempfile::tempdir().unwrap(),
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn open(&self, name: &str) -> Connection {
            Connection::open(self.path(name)).unwrap()
        }

        /// A file of today's schema, or of the first version's.
        fn make(&self, name: &str, is_old: bool, shown: &[Shown<'_>]) {
            let mut db = self.open(name);
            match is_old {
                true => {
                    db.execute_batch(FIRST_VERSION).unwrap();
                    db.pragma_update(None, "user_version", 1).unwrap();
                }
                false => migrate::to_latest(&mut db, &self.path(name)).unwrap(),
            }
            for (order, micros, opened, closed, holds) in shown {
                let insert = "INSERT OR IGNORE INTO orders (order_id, merchant_order_id, amount, status, webhook_url, created_at, expires_at)
                    VALUES (?1, ?1, '81', 'pending', '', 1, 1000)";
                db.execute(insert, [order]).unwrap();
                let insert = "INSERT INTO deposits (order_id, blockchain, stablecoin, wallet, micros, opened_at, after_transfer, status,
                        closed_at, holds_value)
                    VALUES ((SELECT id FROM orders WHERE order_id = ?1), 'eth', 'USDT', '0x1', ?2, ?3, 0, iif(?4 IS NULL, 'open', 'closed'), ?4, ?5)";
                db.execute(insert, (order, micros, opened, closed, holds))
                    .unwrap();
            }
        }

        /// What is kept in a file: order, micros, closed at.
        fn kept(&self, name: &str) -> Vec<(String, u64, i64)> {
            let db = self.open(name);
            let mut statement = db
                .prepare("SELECT order_id, micros, closed_at FROM lost_deposits ORDER BY micros")
                .unwrap();
            let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)));
            rows.unwrap().map(Result::unwrap).collect()
        }

        fn carry(&self, from: &str, to: &str, now: i64) {
            over(&self.path(from), &self.path(to), now).unwrap();
        }
    }

    #[test]
    fn what_was_shown_since_the_backup_keeps_its_value() {
        for is_old in [false, true] {
            let files = Files::new();
            let backed_up = ("old", 1, 10, None, true);
            files.make("backup", is_old, &[backed_up]);
            let shown = [
                backed_up,
                ("old", 2, 20, Some(30), true),
                ("new", 3, 20, None, true),
                ("new", 4, 20, Some(30), false),
                ("newer", 5, 20, None, false),
            ];
            files.make("present", false, &shown);
            files.carry("present", "backup", 500);
            let kept = |order: &str, micros, closed| (order.to_owned(), micros, closed);
            let expected = [
                kept("old", 2, 30),
                kept("new", 3, 1000),
                kept("newer", 5, 1000),
            ];
            assert_eq!(files.kept("backup"), expected);
            // An order that is overdue may be paid now; and a file of an older version is upgraded as ever.
            files.carry("present", "backup", 2000);
            migrate::to_latest(&mut files.open("backup"), &files.path("backup")).unwrap();
            let ends: Vec<_> = files.kept("backup").into_iter().map(|k| k.2).collect();
            assert_eq!(ends, [30, 2000, 2000]);
        }
    }

    #[test]
    fn a_second_restore_takes_over_what_the_first_did() {
        let files = Files::new();
        files.make("backup", false, &[]);
        files.make("lost", false, &[("new", 3, 20, None, true)]);
        std::fs::copy(files.path("backup"), files.path("present")).unwrap();
        files.carry("lost", "present", 500);
        files.carry("present", "backup", 700);
        assert_eq!(files.kept("backup"), [("new".to_owned(), 3, 1000)]);
        // A present database of an older version kept nothing.
        files.make("older", true, &[]);
        files.carry("older", "backup", 700);
        assert_eq!(files.kept("backup").len(), 1);
    }

    #[test]
    fn wallets_that_the_backup_does_not_know_begin_where_they_began() {
        let files = Files::new();
        for (name, cursors) in [
            ("backup", "('eth', '0x1', 5, 9)"),
            (
                "present",
                "('eth', '0x1', 5, 90), ('eth', '0x2', 50, 90), ('base', '0x1', 0, 90)",
            ),
        ] {
            files.make(name, false, &[]);
            let insert = format!("INSERT INTO cursors VALUES {cursors}");
            files.open(name).execute_batch(&insert).unwrap();
        }
        files.carry("present", "backup", 500);
        let db = files.open("backup");
        let sql =
            "SELECT blockchain || ' ' || wallet, first_block, scanned_to FROM cursors ORDER BY 1";
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)));
        let rows: Vec<(String, u64, u64)> = rows.unwrap().map(Result::unwrap).collect();
        let row = |wallet: &str, first, scanned_to| (wallet.to_owned(), first, scanned_to);
        let expected = [
            row("base 0x1", 0, 0),
            row("eth 0x1", 5, 9),
            row("eth 0x2", 50, 49),
        ];
        assert_eq!(rows, expected);
    }
}
