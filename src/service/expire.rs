//! Expiring orders: only after every chain that could bring their money has been read.

use super::App;
use super::candidates::other_chains_that_pay;
use super::orders::close_unpaid;
use crate::config::Config;
use crate::domain::order::{HOLD, OrderStatus};
use crate::domain::registry::Blockchain;
use crate::store::orders::Overdue;
use crate::store::{StoreError, orders, transfers};

/// A transfer that left the chain may be mined again soon, and is in time then: it keeps its order for so long, in seconds.
const GONE_HOLD: i64 = 10 * 60;
/// Overdue orders read at a time.
const PAGE: u32 = 500;

/// Expires the orders whose time is over; returns how many. A page of them is one transaction.
pub async fn expire_due(app: &App) -> Result<usize, StoreError> {
    let config = app.config();
    let mut after = (i64::MIN, 0);
    let mut expired = 0;
    loop {
        let now = app.clock().now();
        let page = app.db().read(|c| orders::overdue(c, now, after, PAGE))?;
        let Some(last) = page.last() else {
            return Ok(expired);
        };
        after = (last.expires_at, last.row);
        let due: Vec<i64> = page
            .iter()
            .filter(|order| all_chains_were_read(app, &config, order))
            .map(|order| order.row)
            .collect();
        if !due.is_empty() {
            expired += expire(app, due).await?;
        }
    }
}

/// Whether an order is overdue, so that it matters how far chains have been read.
pub fn any_overdue(app: &App) -> Result<bool, StoreError> {
    let now = app.clock().now();
    app.db()
        .read(|c| Ok(!orders::overdue(c, now, (i64::MIN, 0), 1)?.is_empty()))
}

/// Whether nothing mined in time can still be unseen on any chain that could pay one of its open deposits.
fn all_chains_were_read(app: &App, config: &Config, order: &Overdue) -> bool {
    let watching = app.watching();
    let was_read = |blockchain: &Blockchain| {
        !watching.is_watched(blockchain)
            || watching.was_read_until(blockchain, order.expires_at.saturating_mul(1000))
    };
    order
        .open
        .iter()
        .all(|open| was_read(&open.0) && other_chains_that_pay(config, open).all(was_read))
}

async fn expire(app: &App, rows: Vec<i64>) -> Result<usize, StoreError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let mut expired = 0;
            for row in rows {
                let pending = orders::at(tx, row)?.status == OrderStatus::Pending;
                // A payment seen in time keeps the order until it is settled.
                let held = transfers::holds_order(tx, row, tx.now - HOLD, tx.now - GONE_HOLD)?;
                if pending && !held {
                    close_unpaid::<StoreError>(tx, &config, row, OrderStatus::Expired)?;
                    expired += 1;
                }
            }
            Ok(expired)
        })
        .await
}
