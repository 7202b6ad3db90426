//! A new version on an old version's file, and an old version on a new one's.

use std::path::Path;
use std::process::Output;

use rusqlite::Connection;

use crate::support::config::Config;
use crate::support::server::{Server, ocrch};
use crate::support::shop::Shop;

/// The schema of the first version.
const FIRST: &str = include_str!("../src/store/migrations/0001_orders_and_transfers.sql");

/// An order as the first version stored it.
const ORDER: &str = "INSERT INTO orders (order_id, merchant_order_id, amount, status, webhook_url, created_at, expires_at, closed_at)
    VALUES ('019300aa-0000-7000-8000-000000000001', 'cart-1', '5', 'cancelled', 'http://127.0.0.1:9/', 1000, 2800, 1500)";

fn schema(file: &Path) -> u32 {
    let db = Connection::open(file).expect("a database");
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a number")
}

/// What a server that cannot start says.
fn does_not_start(server: &Server) -> String {
    let Output { status, stderr, .. } = ocrch()
        .arg("-c")
        .arg(server.config_path())
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn the_first_versions_file_is_upgraded_and_the_way_back_is_kept() {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    let database = server.db_path();
    let latest = schema(&database);
    std::fs::remove_file(&database).expect("a file");
    let old = server.stopped_db();
    old.execute_batch(FIRST).expect("SQL");
    old.execute_batch(ORDER).expect("SQL");
    old.pragma_update(None, "user_version", 1).expect("SQL");
    drop(old);

    server.launch();
    let shop = Shop {
        base: server.base(),
    };
    let order = shop.status("019300aa-0000-7000-8000-000000000001");
    assert_eq!(
        (&order["merchant_order_id"], &order["status"]),
        (&"cart-1".into(), &"cancelled".into())
    );
    assert_eq!(schema(&database), latest);
    let kept = database.with_file_name("ocrch.db.before-upgrade-from-1");
    assert_eq!(schema(&kept), 1);
    assert!(
        server.log().contains("a copy from before is kept"),
        "{}",
        server.log()
    );

    // The way back is an ordinary restore.
    assert!(server.stop().success());
    let back = ocrch()
        .arg("restore")
        .arg(&kept)
        .arg("-c")
        .arg(server.config_path())
        .output()
        .expect("the binary starts");
    assert!(
        back.status.success(),
        "{}",
        String::from_utf8_lossy(&back.stderr)
    );
    assert_eq!(schema(&database), 1);
}

#[test]
fn an_older_version_leaves_a_newer_file_alone() {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    let database = server.db_path();
    server
        .stopped_db()
        .pragma_update(None, "user_version", 999)
        .expect("SQL");
    let before = std::fs::read(&database).expect("a file");
    let said = does_not_start(&server);
    assert!(
        said.contains(
            "the file was written by a newer version (its schema is 999, this version knows "
        ),
        "{said}"
    );
    assert!(said.contains(&database.display().to_string()), "{said}");
    assert_eq!(std::fs::read(&database).expect("a file"), before);
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    let database = server.db_path();
    std::fs::remove_file(&database).expect("a file");
    server
        .stopped_db()
        .execute_batch("CREATE TABLE notes (text)")
        .expect("SQL");
    let before = std::fs::read(&database).expect("a file");
    let said = does_not_start(&server);
    assert!(said.contains("the file is not one of ocrch's"), "{said}");
    assert_eq!(std::fs::read(&database).expect("a file"), before);
}
