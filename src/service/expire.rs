//! Expiring orders: only after every chain that could bring their money has been read.

use std::time::Duration;

use super::App;
use super::orders::{HOLD, close_unpaid};
use crate::config::Config;
use crate::domain::order::OrderStatus;
use crate::domain::registry::Blockchain;
use crate::store::orders::Overdue;
use crate::store::{StoreError, orders, transfers};

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

/// Whether nothing mined in time can still be unseen: each chain with an open deposit was read by a pass begun after
/// the expiry. One block time more lets the last block in time reach the provider.
fn all_chains_were_read(app: &App, config: &Config, order: &Overdue) -> bool {
    order.chains.iter().all(|name| {
        let blockchain = Blockchain::new(name);
        let spread = config
            .chain(&blockchain)
            .map_or(Duration::ZERO, |c| c.chain.block_time);
        let moment = order
            .expires_at
            .saturating_mul(1000)
            .saturating_add(spread.as_millis() as i64);
        let watching = app.watching();
        !watching.is_watched(&blockchain) || watching.was_read_since(&blockchain, moment)
    })
}

async fn expire(app: &App, rows: Vec<i64>) -> Result<usize, StoreError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let mut expired = 0;
            for row in rows {
                let pending = orders::at(tx, row)?.status == OrderStatus::Pending;
                // A payment seen in time holds the order open until it is settled.
                let held = transfers::waiting_for_order(tx, row, tx.now - HOLD)?.is_some();
                if pending && !held {
                    close_unpaid::<StoreError>(tx, &config, row, OrderStatus::Expired)?;
                    expired += 1;
                }
            }
            Ok(expired)
        })
        .await
}
