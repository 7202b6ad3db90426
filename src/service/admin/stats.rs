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

/// What paid orders on all days together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sum {
    pub blockchain: Option<String>,
    pub coin: Option<String>,
    pub orders: u64,
    /// `None` for more digits than can be held.
    pub amount: Option<Amount>,
}

/// All days' payments, by chain and coin.
pub fn in_all(payments: &[Payments]) -> Vec<Sum> {
    let mut sums = BTreeMap::new();
    for day in payments {
        let key = (day.blockchain.clone(), day.coin.clone());
        let (orders, sum) = sums.entry(key).or_insert((0, Some(Amount::ZERO)));
        *orders += day.orders;
        *sum = sum.and_then(|sum| sum.checked_add(day.amount));
    }
    let rows = sums.into_iter();
    rows.map(|((blockchain, coin), (orders, amount))| Sum {
        blockchain,
        coin,
        orders,
        amount,
    })
    .collect()
}
