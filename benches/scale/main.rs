//! What a pass over a chain costs as the database grows: `cargo bench --bench scale`.
//!
//! Each size has that many pending orders, each with an open deposit of its own value, and as many settled ones
//! behind them. A pass with nothing new, and a pass with a hundred new payments, must cost the same at every size.
//! Then the admin's lists and views over the same file: their first page, deep offsets, and the very end by cursor.
//! `--quick` is a small run that shows that it works.

mod lists;
mod rows;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocrch::chain::Provider;
use ocrch::chain::pool::Providers;
use ocrch::chain::simulated::SimulatedChain;
use ocrch::clock::Clock;
use ocrch::config::{Config, parse};
use ocrch::domain::address::{Address, Family};
use ocrch::domain::registry::Blockchain;
use ocrch::service::App;
use ocrch::task::pass::Pass;
use rusqlite::Connection;

const WALLET: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const CONTRACT: &str = "0x00000000000000000000000000000000000000D1";
const BLOCK: Duration = Duration::from_secs(1);
/// Payments that become ready in one pass.
const PAYMENTS: u64 = 100;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let sizes: &[u64] = if quick {
        &[1_000]
    } else {
        &[1_000, 100_000, 1_000_000]
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!(
        "{:>10} {:>16} {:>24} {:>12}",
        "orders", "idle pass, ms", "pass that settles 100, ms", "file, MiB"
    );
    for size in sizes {
        runtime.block_on(measure(*size, if quick { 3 } else { 10 }));
    }
    println!("1 passed, 0 failed");
}

async fn measure(orders: u64, repeats: u64) {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Clock::system();
    let config = config(dir.path());
    let file = config.database.path.clone();
    let app = App::open(config.clone(), clock.clone()).expect("a database");
    fill(&file, orders, clock.now());
    let ticking = clock.clone();
    let chain = SimulatedChain::new(Family::Evm, BLOCK, move || ticking.now_ms());
    let blockchain = Blockchain::new("bench");
    app.watching().begin(&blockchain);
    let provider: Arc<dyn Provider> = Arc::new(chain.clone());
    let providers = Arc::new(Providers::new("bench", vec![provider], 10));
    let mut pass = Pass::new(app.clone(), blockchain, providers);
    pass.tick().await.expect("a first pass");

    let mut idle = Vec::new();
    for _ in 0..repeats * 5 {
        clock.advance(BLOCK);
        idle.push(timed(&mut pass).await);
    }
    let mut settling = Vec::new();
    for round in 0..repeats {
        for i in 0..PAYMENTS {
            let micros = value_of(round * PAYMENTS + i);
            chain.send(
                address(CONTRACT),
                Address::new(Family::Evm, [9; 20]),
                address(WALLET),
                u128::from(micros),
            );
        }
        clock.advance(BLOCK);
        settling.push(timed(&mut pass).await);
    }
    let paid = paid_orders(&file);
    assert_eq!(paid, repeats * PAYMENTS, "every payment paid its order");
    let size = std::fs::metadata(&file).map_or(0, |m| m.len() / 1024 / 1024);
    println!(
        "{orders:>10} {:>16.3} {:>24.3} {size:>12}",
        median(idle),
        median(settling)
    );
    lists::measure(&app, &file, orders, if repeats > 3 { 30 } else { 3 }).await;
}

async fn timed(pass: &mut Pass) -> f64 {
    let start = Instant::now();
    pass.tick().await.expect("a pass");
    start.elapsed().as_secs_f64() * 1000.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// Distinct values, one for each pending order.
fn value_of(order: u64) -> u64 {
    10_000_000 + order * 10_000
}

fn config(dir: &Path) -> Config {
    let text = format!(
        r#"
        [admin]
        secret = "$argon2id$v=19$m=19456,t=2,p=1$ZGVtby1vbmx5LXNhbHQ$ZGVtby1vbmx5LW5vLXBhc3N3b3JkLWZpdHMtdGhpcy0"
        [merchant]
        secret = "a secret of the benchmark"
        [[wallets]]
        blockchain = "bench"
        address = "{WALLET}"
        enabled_coins = ["USDT"]
        [chains.bench]
        kind = "evm"
        chain_id = 77
        confirmations = 1
        providers = [{{ kind = "rpc", url = "http://127.0.0.1:1" }}]
        [chains.bench.tokens.USDT]
        contract = "{CONTRACT}"
        decimals = 6
        "#
    );
    parse(&text, "bench", dir).expect("a configuration").config
}

/// As many pending orders with open deposits, and as many cancelled ones behind them.
fn fill(file: &Path, orders: u64, now: i64) {
    let db = Connection::open(file).expect("the database");
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN")
        .expect("a transaction");
    let mut order = db
        .prepare(
            "INSERT INTO orders (id, order_id, merchant_order_id, amount, status, webhook_url, created_at, expires_at, closed_at)
             VALUES (?1, ?2, ?1, '10', ?3, 'http://127.0.0.1:1/', ?4, ?5, ?6)",
        )
        .expect("a statement");
    let mut deposit = db
        .prepare(
            "INSERT INTO deposits (order_id, blockchain, stablecoin, wallet, micros, opened_at, after_transfer, status,
                 closed_at, holds_value)
             VALUES (?1, 'bench', 'USDT', ?2, ?3, ?4, 0, ?5, ?6, ?7)",
        )
        .expect("a statement");
    for i in 0..orders {
        let (closed, open) = (i as i64 * 2 + 1, i as i64 * 2 + 2);
        let (long_ago, later) = (now - 1_000_000, now + 1_000_000);
        order
            .execute((
                closed,
                order_id(closed),
                "cancelled",
                long_ago + i as i64,
                long_ago + 1800,
                Some(long_ago + 60),
            ))
            .expect("an order");
        deposit
            .execute((
                closed,
                WALLET,
                value_of(i),
                long_ago,
                "closed",
                Some(long_ago + 60),
                0,
            ))
            .expect("a deposit");
        order
            .execute((
                open,
                order_id(open),
                "pending",
                now - (orders - i) as i64,
                later,
                None::<i64>,
            ))
            .expect("an order");
        deposit
            .execute((open, WALLET, value_of(i), now, "open", None::<i64>, 1))
            .expect("a deposit");
    }
    drop((order, deposit));
    db.execute_batch("COMMIT").expect("a commit");
}

/// The public id of the order in a row.
fn order_id(row: i64) -> String {
    uuid::Uuid::from_u128(row as u128).to_string()
}

fn paid_orders(file: &Path) -> u64 {
    let db = Connection::open(file).expect("the database");
    db.query_row(
        "SELECT count(*) FROM orders WHERE status = 'paid'",
        [],
        |row| row.get(0),
    )
    .expect("a count")
}
