//! What a database has that a backup has not: said before the one takes the other's place.

use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use super::copy::has_our_tables;

/// How a database is ahead of a backup.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Loss {
    /// Amounts that customers were shown and may still pay: the blockchain has the payment, nobody knows what for.
    pub deposits: u64,
    /// Orders that the backup has not.
    pub orders: u64,
    /// Orders that have another status in the backup.
    pub changed: u64,
    /// Transfers that the admin ignored since.
    pub ignored: u64,
    /// What customers said about their payments.
    pub claims: u64,
    /// Lines of the audit trail.
    pub audit: u64,
}

impl Loss {
    /// Whether the backup has everything.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A list for people, what costs a customer's money first.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            (
                self.deposits,
                "amount that a customer was told to pay (a payment of it would come in as an unknown transfer, its order stay unpaid)",
                "amounts that customers were told to pay (a payment of one would come in as an unknown transfer, its order stay unpaid)",
            ),
            (self.orders, "order", "orders"),
            (
                self.changed,
                "order's newest status",
                "orders' newest status",
            ),
            (
                self.ignored,
                "unknown transfer's mark as ignored",
                "unknown transfers' marks as ignored",
            ),
            (self.claims, "claim of a customer", "claims of customers"),
            (
                self.audit,
                "line of the audit trail",
                "lines of the audit trail",
            ),
        ];
        let said = lines.iter().filter(|(n, ..)| *n > 0);
        let said = said.map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }));
        f.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

/// Counts what the backup lacks. `None` if the database is none of ours.
pub(super) fn between(database: &Path, backup: &Path) -> Result<Option<Loss>, rusqlite::Error> {
    if !has_our_tables(&Connection::open(database)?)? {
        return Ok(None);
    }
    let both = side_by_side(database, backup)?;
    Ok(Some(Loss {
        deposits: DEPOSITS.count(&both)?,
        orders: ORDERS.count(&both)?,
        changed: CHANGED.count(&both)?,
        ignored: IGNORED.count(&both)?,
        claims: CLAIMS.count(&both)?,
        audit: AUDIT.count(&both)?,
    }))
}

/// Both files in one connection: the backup's tables as `main`, the database's as `present`.
pub(super) fn side_by_side(database: &Path, backup: &Path) -> Result<Connection, rusqlite::Error> {
    let both = Connection::open(backup)?;
    both.execute(
        "ATTACH ?1 AS present",
        [database.to_string_lossy().as_ref()],
    )?;
    Ok(both)
}

/// Rows `p` of the present database for which the backup has no row `b`. The two may have come apart long ago, so rows
/// are told by what they say, not by their number alone.
pub(super) struct Kind {
    /// What files of older versions have not.
    table: &'static str,
    column: &'static str,
    rows: &'static str,
    backed_up: &'static str,
}

const ORDERS: Kind = Kind {
    table: "orders",
    column: "id",
    rows: "present.orders p WHERE 1",
    backed_up: "main.orders b WHERE b.order_id = p.order_id",
};
const CHANGED: Kind = Kind {
    table: "orders",
    column: "id",
    rows: "present.orders p WHERE EXISTS (SELECT 1 FROM main.orders o WHERE o.order_id = p.order_id)",
    backed_up: "main.orders b WHERE b.order_id = p.order_id AND b.status = p.status",
};
pub(super) const DEPOSITS: Kind = Kind {
    table: "deposits",
    column: "id",
    rows: "present.deposits p JOIN present.orders o ON o.id = p.order_id WHERE 1",
    backed_up:
        "main.orders bo JOIN main.deposits b ON b.order_id = bo.id WHERE bo.order_id = o.order_id
        AND (b.blockchain, b.wallet, b.stablecoin, b.micros, b.opened_at)
          = (p.blockchain, p.wallet, p.stablecoin, p.micros, p.opened_at)",
};
const IGNORED: Kind = Kind {
    table: "transfers",
    column: "ignored",
    rows: "present.transfers p WHERE p.ignored = 1",
    backed_up: "main.transfers b WHERE b.ignored = 1
        AND (b.blockchain, b.txn_hash, b.contract, b.sender, b.recipient, b.units, b.ordinal)
          = (p.blockchain, p.txn_hash, p.contract, p.sender, p.recipient, p.units, p.ordinal)",
};
const CLAIMS: Kind = Kind {
    table: "claims",
    column: "id",
    rows: "present.claims p JOIN present.orders o ON o.id = p.order_id WHERE 1",
    backed_up: "main.orders bo JOIN main.claims b ON b.order_id = bo.id
        WHERE bo.order_id = o.order_id AND b.txn_hash = p.txn_hash",
};
const AUDIT: Kind = Kind {
    table: "audit",
    column: "id",
    rows: "present.audit p WHERE 1",
    backed_up: "main.audit b WHERE b.id = p.id AND (b.at, b.client, b.action) = (p.at, p.client, p.action)",
};

impl Kind {
    fn count(&self, both: &Connection) -> Result<u64, rusqlite::Error> {
        if !has(both, "present", self.table, self.column)? {
            return Ok(0);
        }
        let counted = match has(both, "main", self.table, self.column)? {
            true => self.lacking(),
            false => self.rows.to_owned(),
        };
        let sql = format!("SELECT count(*) FROM {counted}");
        both.query_row(&sql, [], |row| row.get(0))
    }

    /// The rows that the backup, which has such a table, has not: what follows `FROM`.
    pub(super) fn lacking(&self) -> String {
        format!(
            "{} AND NOT EXISTS (SELECT 1 FROM {})",
            self.rows, self.backed_up
        )
    }
}

/// Whether one of the two files has a column, which those of older versions may lack.
pub(super) fn has(
    both: &Connection,
    schema: &str,
    table: &str,
    column: &str,
) -> Result<bool, rusqlite::Error> {
    both.prepare("SELECT 1 FROM pragma_table_info(?1, ?2) WHERE name = ?3")?
        .exists([table, schema, column])
}
