//! The admin's lists and exports over more rows than a page, or a part of an export, holds.

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::support::devnet::text;
use crate::support::wait;
use crate::support::world::World;

/// More than two parts of an export, which are 500 rows each, and a rest.
const ORDERS: usize = 1_203;
/// Two parts to the row.
const TRANSFERS: usize = 1_000;
/// More than the longest page.
const OTHERS: usize = 250;

/// The numbers from 1 to a parameter.
const NUMBERS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";

fn fill(db: &Connection, sql: &str, rows: usize) {
    let sql = format!("{NUMBERS} {sql}");
    let made = db.execute(&sql, params![rows as i64]).expect("rows");
    assert_eq!(made, rows);
}

/// A world whose database has grown, from one row of each kind that the server made itself.
fn grown() -> World {
    let mut world = World::start();
    let mut body = world.order_body("5");
    body["order_id"] = json!("=HYPERLINK(\"http://evil.example\")");
    body["description"] = json!("@SUM(A1), twice");
    let cancelled = world.order_with(&body);
    cancelled.cancel().expect(200);
    world.deposit("7", "USDT");
    let net = &world.net;
    net.usdt.transfer(&net.anvil, &net.wallet, "1.25");
    world.confirm();
    let admin = world.admin();
    let stray = wait::until("a stray transfer", || {
        let inbox = admin.get("/transfers?unmatched=true");
        inbox[0]["id"].as_i64()
    });
    admin.post(&format!("/transfers/{stray}/ignore"), &Value::Null);
    assert!(world.server.stop().success());
    let db = world.server.stopped_db();
    fill(
        &db,
        "INSERT INTO orders (order_id, merchant_order_id, amount, status, webhook_url, created_at, expires_at, closed_at)
         SELECT printf('0193b6a0-0000-7000-8000-%012d', i), printf('many-%d', i), '5', 'cancelled', 'http://127.0.0.1:1/',
             1700000000 + i / 7, 1700009999, 1700009999 FROM n",
        ORDERS - 2,
    );
    fill(
        &db,
        "INSERT INTO deposits (order_id, blockchain, stablecoin, wallet, micros, opened_at, after_transfer, status, holds_value)
         SELECT o.id, d.blockchain, d.stablecoin, d.wallet, d.micros, d.opened_at, 0, 'open', 0
         FROM n JOIN orders o ON o.merchant_order_id = printf('many-%d', n.i) JOIN deposits d ON d.status = 'open'",
        OTHERS - 1,
    );
    let columns = "blockchain, stablecoin, txn_hash, contract, sender, recipient, units";
    let more = "value, block_number, block_hash, block_timestamp, mined_at, highest_block, status, confirmations, required, \
                created_at, waiting_since, watched";
    fill(
        &db,
        &format!(
            "INSERT INTO transfers ({columns}, ordinal, {more})
             SELECT {columns}, ordinal + i, {more} FROM n, transfers WHERE id = {stray}"
        ),
        TRANSFERS - 1,
    );
    fill(
        &db,
        "INSERT INTO events (webhook_id, kind, url, origin, body, created_at, state, next_attempt_ms, delivered_at)
         SELECT printf('evt_many_%d', i), 'unknown_transfer', 'http://127.0.0.1:1/', 'http://127.0.0.1:1', '{}', unixepoch(),
             'delivered', 0, unixepoch() FROM n",
        OTHERS,
    );
    fill(
        &db,
        "INSERT INTO audit (at, client, action) SELECT 1700000000, '127.0.0.1', 'create_order' FROM n",
        OTHERS,
    );
    drop(db);
    world.server.launch();
    world
}

/// The first column of an export's rows.
fn first_column(csv: &str) -> Vec<String> {
    let rows = csv.split("\r\n").skip(1).filter(|row| !row.is_empty());
    rows.map(|row| row.split(',').next().unwrap_or_default().to_owned())
        .collect()
}

/// The same from the database, in the order of the lists.
fn ids(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).expect("rows")
}

#[test]
fn pages_and_exports_of_many_rows() {
    let world = grown();
    let admin = world.admin();
    let wallet = format!("/wallets/{}/transfers", world.net.wallet);
    for list in [
        "/orders",
        "/deposits",
        "/transfers",
        &wallet,
        "/webhooks",
        "/audit",
    ] {
        let rows = |limit: i64| {
            let page = admin.get(&format!("{list}?limit={limit}"));
            page.as_array().map(Vec::len)
        };
        for (asked, given) in [
            (200, 200),
            (201, 200),
            (i64::MAX, 200),
            (0, 1),
            (-5, 1),
            (i64::MIN, 1),
        ] {
            assert_eq!(rows(asked), Some(given), "{list}?limit={asked}");
        }
    }

    let export = |path: &str| {
        let reply = admin.call("GET", path, &Value::Null).expect(200);
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        assert_eq!(reply.header("content-length"), None, "made as it is read");
        reply.text()
    };
    let orders = export("/orders.csv");
    let db = world.server.db();
    let by_time = "ORDER BY created_at DESC, id DESC";
    let expected = ids(&db, &format!("SELECT order_id FROM orders {by_time}"));
    assert_eq!(expected.len(), ORDERS);
    assert!(first_column(&orders) == expected, "all, once, in order");
    // What a spreadsheet would compute is text.
    let formula = "\"'=HYPERLINK(\"\"http://evil.example\"\")\"";
    assert!(orders.contains(formula), "{}", &orders[..600]);
    assert!(orders.contains("\"'@SUM(A1), twice\""));
    assert!(!orders.contains(",=") && !orders.contains(",\"="));

    let transfers = export("/transfers.csv");
    let expected = ids(
        &db,
        &format!("SELECT CAST(id AS TEXT) FROM transfers {by_time}"),
    );
    assert_eq!(expected.len(), TRANSFERS);
    assert!(first_column(&transfers) == expected, "all, once, in order");
    let stray = admin.get("/transfers?limit=1");
    assert!(transfers.contains(text(&stray[0], "txn_hash")));
}
