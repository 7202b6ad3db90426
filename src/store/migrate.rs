//! Brings a database file's schema up to date, one transaction a step.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// All steps in order; a file's `user_version` is how many it has taken.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_orders_and_transfers.sql"),
    include_str!("migrations/0002_admin.sql"),
];

/// Applies the steps that the file lacks. Refuses a file of a newer version.
pub fn to_latest(connection: &mut Connection) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as u32;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", step as u32 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_migrated_once_and_a_newer_one_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for _ in 0..2 {
            to_latest(&mut Connection::open(file.path()).unwrap()).unwrap();
        }
        let connection = Connection::open(file.path()).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let refused = to_latest(&mut Connection::open(file.path()).unwrap());
        assert!(matches!(refused, Err(StoreError::Newer { found: 999, .. })));
    }
}
