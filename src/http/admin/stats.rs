//! Counts and sums.

use poem::Request;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::answers::ListErrors;
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::admin::stats::{self, Now, Stats};

/// A year and a day, in seconds: no more is summed up at once.
const LONGEST: i64 = 366 * 86_400;
/// Thirty days, today included.
const USUAL: i64 = 29 * 86_400;

pub struct StatsApi(pub Admin);

/// What happened in a time, by UTC days.
#[derive(Object)]
#[oai(rename = "Stats", example)]
pub struct StatsJson {
    /// Days on which something happened, the oldest first.
    pub days: Vec<DayJson>,
    /// All days together.
    pub total: CountsJson,
    pub now: NowJson,
}

/// One day.
#[derive(Object)]
#[oai(rename = "StatsDay")]
pub struct DayJson {
    /// Unix seconds of its beginning.
    pub day: i64,
    #[oai(flatten)]
    pub counts: CountsJson,
}

/// Orders and payments.
#[derive(Object, Default)]
#[oai(rename = "StatsCounts")]
pub struct CountsJson {
    /// Orders created.
    pub created: u64,
    /// Orders that became this, and still are.
    pub paid: u64,
    pub expired: u64,
    pub cancelled: u64,
    /// What paid the paid ones, by chain and coin.
    pub payments: Vec<PaymentsJson>,
}

/// What paid orders.
#[derive(Object)]
#[oai(rename = "StatsPayments")]
pub struct PaymentsJson {
    /// Null, as the token, for orders that an admin marked as paid.
    pub blockchain: Option<String>,
    pub token: Option<String>,
    pub orders: u64,
    /// Exact; null if it has more digits than can be counted.
    pub amount: Option<String>,
}

/// What there is now; each number is 10000 at most.
#[derive(Object)]
#[oai(rename = "StatsNow")]
pub struct NowJson {
    pub pending_orders: u64,
    pub open_deposits: u64,
    pub waiting_transfers: u64,
    /// Not ignored, and without the small ones.
    pub unmatched_transfers: u64,
    /// Unmatched ones that were below `payments.report_from` when they were confirmed; not ignored.
    pub small_transfers: u64,
    pub failing_webhooks: u64,
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl StatsApi {
    /// Count and sum up
    ///
    /// By UTC day, coin and chain. Sums are exact. An order counts as paid, expired or cancelled on the day on which it became
    /// so; one that is paid later no longer counts as expired.
    #[oai(path = "/stats", method = "get", operation_id = "adminStats")]
    async fn stats(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// A moment in the first day, in Unix seconds; otherwise 29 days before the last. No more than a year before it.
        from: Query<Option<i64>>,
        /// A moment in the last day; otherwise now, as where it lies ahead.
        to: Query<Option<i64>>,
    ) -> Result<Json<StatsJson>, ListErrors> {
        self.0.enter(request).await?;
        let now = self.0.app.clock().now();
        let to = to.unwrap_or(now).min(now);
        let from = from.unwrap_or(to.saturating_sub(USUAL));
        let from = from.max(to.saturating_sub(LONGEST));
        let stats = stats::stats(&self.0.app, from, to).await;
        Ok(Json(stats.map_err(Failure::from)?.into()))
    }
}

impl From<Stats> for StatsJson {
    fn from(stats: Stats) -> Self {
        let mut total = CountsJson::default();
        let mut days: Vec<DayJson> = Vec::new();
        let day_of = |days: &mut Vec<DayJson>, day: i64| {
            let at = day.saturating_mul(86_400);
            let place = days.binary_search_by_key(&at, |d| d.day);
            place.unwrap_or_else(|place| {
                let counts = CountsJson::default();
                days.insert(place, DayJson { day: at, counts });
                place
            })
        };
        for row in &stats.orders {
            let place = day_of(&mut days, row.day);
            days[place].counts.count(&row.what, row.orders);
            total.count(&row.what, row.orders);
        }
        for row in &stats.payments {
            let place = day_of(&mut days, row.day);
            days[place].counts.payments.push(PaymentsJson {
                blockchain: row.blockchain.clone(),
                token: row.coin.clone(),
                orders: row.orders,
                amount: Some(row.amount.to_string()),
            });
        }
        let sums = stats::in_all(&stats.payments).into_iter();
        total.payments = sums
            .map(|sum| PaymentsJson {
                blockchain: sum.blockchain,
                token: sum.coin,
                orders: sum.orders,
                amount: sum.amount.map(|a| a.to_string()),
            })
            .collect();
        Self {
            days,
            total,
            now: stats.now.into(),
        }
    }
}

impl CountsJson {
    fn count(&mut self, what: &str, orders: u64) {
        let number = match what {
            "created" => &mut self.created,
            "paid" => &mut self.paid,
            "expired" => &mut self.expired,
            _ => &mut self.cancelled,
        };
        *number += orders;
    }
}

impl From<Now> for NowJson {
    fn from(now: Now) -> Self {
        Self {
            pending_orders: now.pending_orders,
            open_deposits: now.open_deposits,
            waiting_transfers: now.waiting_transfers,
            unmatched_transfers: now.unmatched_transfers,
            small_transfers: now.small_transfers,
            failing_webhooks: now.failing_webhooks,
        }
    }
}
