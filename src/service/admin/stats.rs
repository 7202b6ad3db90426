//! Counts and sums.

use std::collections::BTreeMap;

use crate::domain::amount::Amount;
use crate::service::App;
use crate::store::daily::{self, Orders, Payments, day_of};
use crate::store::{StoreError, counts};

pub use crate::store::counts::Now;

/// What happened in a time, by UTC days.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The days that the time touches, both included, as days since 1970-01-01.
    pub from: i64,
    pub to: i64,
    pub orders: Vec<Orders>,
    pub payments: Vec<Payments>,
    pub now: Now,
}

/// Counts orders and sums up payments on the days from one moment's to another's.
pub async fn stats(app: &App, from: i64, to: i64) -> Result<Stats, StoreError> {
    let (from, to) = (day_of(from), day_of(to));
    app.db()
        .read_long(move |c| {
            Ok(Stats {
                from,
                to,
                orders: daily::orders(c, from, to)?,
                payments: daily::payments(c, from, to)?,
                now: counts::now(c)?,
            })
        })
        .await
}

/// All days' payments, by chain and coin; `None` for a sum that cannot be held.
pub fn in_all(payments: &[Payments]) -> Vec<(Option<String>, Option<String>, u64, Option<Amount>)> {
    let mut sums = BTreeMap::new();
    for day in payments {
        let key = (day.blockchain.clone(), day.coin.clone());
        let (orders, sum) = sums.entry(key).or_insert((0, Some(Amount::ZERO)));
        *orders += day.orders;
        *sum = sum.and_then(|sum| sum.checked_add(day.amount));
    }
    let rows = sums.into_iter();
    rows.map(|((chain, coin), (orders, sum))| (chain, coin, orders, sum))
        .collect()
}
