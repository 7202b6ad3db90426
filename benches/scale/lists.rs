//! How quickly the admin's lists are read from a large file, in milliseconds: by the service, without HTTP.

use std::path::Path;
use std::time::Instant;

use ocrch::domain::order::OrderStatus;
use ocrch::service::App;
use ocrch::service::admin::{
    DepositFilter, OrderFilter, Page, Place, TransferFilter, deposits, orders, stats, transfers,
    webhooks,
};
use rusqlite::Connection;

/// As many transfers and delivered webhooks as there are pending orders.
fn fill(file: &Path, count: u64, now: i64) {
    let db = Connection::open(file).expect("the database");
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN")
        .expect("a transaction");
    let mut transfer = db
        .prepare(
            "INSERT INTO transfers (blockchain, stablecoin, txn_hash, contract, sender, recipient, units, ordinal, value,
                 block_number, block_hash, block_timestamp, mined_at, highest_block, status, confirmations, required,
                 created_at, waiting_since, watched)
             VALUES ('bench', 'USDT', ?1, ?2, ?3, ?4, '1', 0, '10', ?5, '0x', ?6, ?6, ?5, ?7, 9, 1, ?6, ?6, 0)",
        )
        .expect("a statement");
    let mut event = db
        .prepare(
            "INSERT INTO events (webhook_id, kind, order_id, url, origin, body, created_at, state, attempts, next_attempt_ms)
             VALUES (?1, 'order_status_changed', ?2, 'http://127.0.0.1:1/', 'http://127.0.0.1:1', '{}', ?3, 'delivered', 1, 0)",
        )
        .expect("a statement");
    for i in 0..count as i64 {
        let at = now - count as i64 + i;
        let status = if i % 100 == 0 {
            "no_matched_deposit"
        } else {
            "failed_to_confirm"
        };
        let (hash, sender) = (format!("0x{i:064x}"), format!("0x{:040x}", 9));
        transfer
            .execute((hash, super::CONTRACT, sender, super::WALLET, i, at, status))
            .expect("a transfer");
        event
            .execute((format!("evt_{i}"), i * 2 + 1, at))
            .expect("an event");
    }
    drop((transfer, event));
    db.execute_batch("COMMIT").expect("a commit");
}

/// Fills the file up and prints a line for each list.
pub async fn measure(app: &App, file: &Path, count: u64, repeats: usize) {
    fill(file, count, app.clock().now());
    let first = Page::first(20);
    let deep = Page {
        offset: 100_000,
        ..first
    };
    let end = Page {
        after: Some(Place {
            at: app.clock().now() - 999_990,
            row: 40,
        }),
        ..first
    };
    println!(
        "{:>40} {:>12} {:>16} {:>16}",
        "", "first page", "offset 100,000", "end by cursor"
    );
    let line = |name: &str, times: [f64; 3]| {
        println!(
            "{name:>40} {:>12.2} {:>16.2} {:>16.2}",
            times[0], times[1], times[2]
        );
    };
    let pages = [first, deep, end];
    macro_rules! list {
        ($name:literal, |$page:ident| $call:expr) => {{
            let mut medians = [0.0; 3];
            for (place, $page) in pages.into_iter().enumerate() {
                let mut times = Vec::new();
                for _ in 0..repeats {
                    let start = Instant::now();
                    $call.await.expect("a list");
                    times.push(start.elapsed().as_secs_f64() * 1000.0);
                }
                medians[place] = super::median(times);
            }
            line($name, medians);
        }};
    }
    list!("orders", |page| orders::list(
        app,
        OrderFilter::default(),
        page
    ));
    list!("orders by status", |page| orders::list(
        app,
        OrderFilter {
            status: Some(OrderStatus::Cancelled),
            ..OrderFilter::default()
        },
        page
    ));
    list!("open deposits", |page| deposits::list(
        app,
        None,
        DepositFilter::default(),
        page
    ));
    list!("transfers", |page| transfers::list_examined(
        app,
        TransferFilter::default(),
        page
    ));
    list!("transfers of a wallet", |page| transfers::list(
        app,
        TransferFilter {
            wallet: Some(super::WALLET.to_owned()),
            ..TransferFilter::default()
        },
        page
    ));
    list!("unmatched ones, with likely orders", |page| {
        transfers::list_examined(
            app,
            TransferFilter {
                unmatched: true,
                ..TransferFilter::default()
            },
            page,
        )
    });
    list!("webhooks", |page| webhooks::list(app, None, None, page));
    list!("search by the beginning of an id", |page| orders::search(
        app,
        "99".to_owned(),
        page
    ));
    let now = app.clock().now();
    list!("statistics of a month", |_page| stats::stats(
        app,
        now - 30 * 86_400,
        now
    ));
}
