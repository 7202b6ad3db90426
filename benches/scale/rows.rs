//! What the admin's lists show beside orders and deposits, written into the file at once.

use std::path::Path;

use rusqlite::{Connection, Statement};

/// As many transfers and webhooks as there are pending orders: one in a hundred unmatched, with the claims of two shoppers, or
/// failing, with three attempts. As many deeds in the audit trail, and payments on each day of a year.
pub fn fill(file: &Path, count: u64, now: i64) {
    let db = Connection::open(file).expect("the database");
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN")
        .expect("a transaction");
    transfers(&db, count as i64, now);
    webhooks(&db, count as i64, now);
    audit(&db, count as i64, now);
    days(&db, now);
    db.execute_batch("COMMIT").expect("a commit");
}

fn statement<'a>(db: &'a Connection, sql: &str) -> Statement<'a> {
    db.prepare(sql).expect("a statement")
}

fn is_odd_one(i: i64) -> bool {
    i % 100 == 0
}

fn transfers(db: &Connection, count: i64, now: i64) {
    let mut transfer = statement(
        db,
        "INSERT INTO transfers (id, blockchain, stablecoin, txn_hash, contract, sender, recipient, units, ordinal, value,
             block_number, block_hash, block_timestamp, mined_at, highest_block, status, confirmations, required,
             created_at, waiting_since, watched)
         VALUES (?8, 'bench', 'USDT', ?1, ?2, ?3, ?4, '1', 0, ?9, ?5, '0x', ?6, ?6, ?5, ?7, 9, 1, ?6, ?6, 0)",
    );
    let mut claim = statement(
        db,
        "INSERT INTO claims (order_id, txn_hash, blockchain, finding, claimed_at, transfer_id, before_public)
         VALUES (?1, ?2, 'bench', 'short', ?3, ?4, 0)",
    );
    for i in 0..count {
        let at = now - count + i;
        let status = match is_odd_one(i) {
            true => "no_matched_deposit",
            false => "failed_to_confirm",
        };
        let (id, hash) = (1_000_000_000 + i, format!("0x{i:064x}"));
        let sender = format!("0x{:040x}", 9);
        // Half of it is what some order asks for, half is a little less.
        let value = format!("{}.{}", 10 + i / 100, 99 + i % 2);
        transfer
            .execute((
                &hash,
                super::CONTRACT,
                sender,
                super::WALLET,
                i,
                at,
                status,
                id,
                value,
            ))
            .expect("a transfer");
        for order in [i * 2 + 1, i * 2 + 2] {
            if is_odd_one(i) {
                claim.execute((order, &hash, at, id)).expect("a claim");
            }
        }
    }
}

fn webhooks(db: &Connection, count: i64, now: i64) {
    let mut event = statement(
        db,
        "INSERT INTO events (id, webhook_id, kind, order_id, url, origin, body, created_at, state, attempts, next_attempt_ms)
         VALUES (?4, ?1, 'order_status_changed', ?2, 'http://127.0.0.1:1/', 'http://127.0.0.1:1', '{}', ?3, ?5, 3, 0)",
    );
    let mut attempt = statement(
        db,
        "INSERT INTO attempts (event_id, tried_at, status, latency_ms, answer) VALUES (?1, ?2, 500, 7, 'no')",
    );
    for i in 0..count {
        let (id, at) = (1_000_000_000 + i, now - count + i);
        let state = match is_odd_one(i) {
            true => "given_up",
            false => "delivered",
        };
        event
            .execute((format!("evt_{i}"), i * 2 + 1, at, id, state))
            .expect("an event");
        for _ in 0..3 {
            if is_odd_one(i) {
                attempt.execute((id, at)).expect("an attempt");
            }
        }
    }
}

fn audit(db: &Connection, count: i64, now: i64) {
    let mut deed = statement(
        db,
        "INSERT INTO audit (at, client, action, order_id, reason) VALUES (?1, '127.0.0.1', 'mark_paid', ?2, 'cash')",
    );
    for i in 0..count {
        deed.execute((now - count + i, i * 2 + 1)).expect("a deed");
    }
}

fn days(db: &Connection, now: i64) {
    let mut orders = statement(
        db,
        "INSERT OR IGNORE INTO daily_orders (day, what, orders) VALUES (?1, ?2, 100)",
    );
    let mut payments = statement(
        db,
        "INSERT OR IGNORE INTO daily_payments (day, blockchain, stablecoin, orders, amount) VALUES (?1, ?2, ?3, 10, '99.5')",
    );
    let today = now / 86_400;
    for day in today - 365..today {
        for what in ["created", "paid", "expired", "cancelled"] {
            orders.execute((day, what)).expect("a day");
        }
        for chain in ["eth", "polygon", "base", "bsc", "tron"] {
            for coin in ["USDT", "USDC", "DAI"] {
                payments.execute((day, chain, coin)).expect("a day");
            }
        }
    }
}
