//! The feed of changes.

use std::time::Duration;

use poem::Request;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::answers::ListErrors;
use crate::config::Config;
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::http::types::OrderJson;
use crate::http::ws::Sockets;
use crate::service::admin::FeedEntry;
use crate::service::admin::feed;

/// The longest wait for news, in seconds: shorter than proxies wait for an answer.
const LONGEST_WAIT: i64 = 25;
const MOST: i64 = 1_000;
const USUAL: i64 = 100;

/// A stop ends all waiting.
pub struct FeedApi(pub Admin, pub Sockets);

/// A part of the feed.
#[derive(Object)]
#[oai(rename = "Feed", example)]
pub struct FeedJson {
    /// The oldest first.
    pub events: Vec<ChangeJson>,
    /// Ask again with this as `after`.
    pub next: i64,
    /// Whether events after the one that was named have been forgotten (`retention.events`), or there is none with that
    /// number, as after an older copy took the database's place: read the orders anew.
    pub missed: bool,
}

/// Something that happened.
#[derive(Object)]
#[oai(rename = "FeedEvent")]
pub struct ChangeJson {
    /// Greater for whatever was committed later.
    pub id: i64,
    pub at: i64,
    /// `order_created`, `order_status_changed`, `payment_changed` (the payment seen for an order came, went, or is
    /// confirmed) or `unknown_transfer`.
    pub event_type: String,
    /// The order as this left it.
    #[oai(skip_serializing_if_is_none)]
    pub order: Option<OrderJson>,
    #[oai(skip_serializing_if_is_none)]
    pub transfer_id: Option<i64>,
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl FeedApi {
    /// Read what happened
    ///
    /// Every change of an order's state, in the order in which it came about: for backends that cannot receive webhooks.
    /// Begin with `after=0`, go on with the `next` of each answer, and forget nothing before you have acted on it. With
    /// `wait` the answer comes as soon as there is news.
    #[oai(path = "/events", method = "get", operation_id = "adminEvents")]
    async fn events(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The last event that you know; otherwise 0. -1: only what comes from now on.
        after: Query<Option<i64>>,
        /// 1 to 1000, otherwise 100.
        limit: Query<Option<i64>>,
        /// For how many seconds to wait for news, 25 at most; otherwise not at all.
        wait: Query<Option<i64>>,
    ) -> Result<Json<FeedJson>, ListErrors> {
        self.0.enter(request).await?;
        let after = match after.unwrap_or(0) {
            ..0 => return self.only_news().await,
            after => after,
        };
        let limit = limit.unwrap_or(USUAL).clamp(1, MOST) as u32;
        let wait = wait.unwrap_or(0).clamp(0, LONGEST_WAIT) as u64;
        let part = tokio::select! {
            part = feed::after(&self.0.app, after, limit, Duration::from_secs(wait)) => part,
            // At a stop whoever waits is answered with what there is.
            () = self.1.stopping() => feed::after(&self.0.app, after, limit, Duration::ZERO).await,
        };
        let part = part.map_err(Failure::from)?;
        let config = self.0.app.config();
        let next = match after > part.last {
            true => part.last,
            false => part.entries.last().map_or(after, |entry| entry.id),
        };
        let entries = part.entries.into_iter();
        Ok(Json(FeedJson {
            events: entries.map(|entry| change(&config, entry)).collect(),
            next,
            missed: part.missed,
        }))
    }
}

impl FeedApi {
    async fn only_news(&self) -> Result<Json<FeedJson>, ListErrors> {
        let part = feed::after(&self.0.app, i64::MAX, 1, Duration::ZERO).await;
        Ok(Json(FeedJson {
            events: Vec::new(),
            next: part.map_err(Failure::from)?.last,
            missed: false,
        }))
    }
}

fn change(config: &Config, entry: FeedEntry) -> ChangeJson {
    ChangeJson {
        id: entry.id,
        at: entry.at,
        event_type: entry.kind,
        order: entry
            .order
            .map(|order| OrderJson::for_merchant(config, order)),
        transfer_id: entry.transfer,
    }
}
