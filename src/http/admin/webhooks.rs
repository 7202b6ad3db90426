//! Webhooks: what was sent, what failed, and a test.

use poem::Request;
use poem::http::StatusCode;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Deserialize;

use super::answers::{DeedErrors, FindErrors, ListErrors};
use super::lists::{Listed, given, listed_from, page};
use super::{Admin, NOT_FOUND};
use crate::http::body::RawJson;
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::admin::webhooks::{self, Attempt};
use crate::service::admin::{EventFilter, ListedAttempt, ListedEvent};

pub struct WebhooksApi(pub Admin);

/// A webhook and what became of it.
#[derive(Object)]
#[oai(rename = "AdminWebhook", example)]
pub struct WebhookJson {
    pub id: i64,
    /// The same for all attempts.
    pub webhook_id: String,
    /// `order_status_changed` or `unknown_transfer`.
    pub event_type: String,
    #[oai(skip_serializing_if_is_none)]
    pub order_id: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub transfer_id: Option<i64>,
    pub url: String,
    /// `queued`, `delivered`, `superseded` (a newer status took its place) or `given_up`.
    pub state: String,
    /// How often it was tried since it was queued last: sent again, it counts anew, and `tries` has what was before, too.
    pub attempts: u32,
    pub created_at: i64,
    pub last_tried_at: Option<i64>,
    pub delivered_at: Option<i64>,
    /// When it will be tried next, while it is queued.
    pub next_attempt_at: Option<i64>,
    /// What is sent.
    pub body: String,
    /// The newest first.
    pub tries: Vec<AttemptJson>,
}

/// One try to deliver a webhook.
#[derive(Object)]
#[oai(rename = "WebhookAttempt")]
pub struct AttemptJson {
    pub tried_at: i64,
    /// Status of the answer, if there was one: only 200 counts as delivered.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    pub latency_ms: u64,
    /// The first 200 bytes of the answer, in whole characters.
    pub answer: String,
}

/// Where to send a test.
#[derive(Object, Deserialize)]
#[oai(rename = "WebhookTest", example)]
pub struct TestBody {
    /// An absolute http(s) URL.
    pub url: String,
}

/// How a test went.
#[derive(Object)]
#[oai(rename = "WebhookTestOutcome", example)]
pub struct OutcomeJson {
    /// Whether a webhook would count as delivered: the answer was exactly 200.
    pub delivered: bool,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub latency_ms: u64,
    /// The first 200 bytes of the answer, in whole characters.
    pub answer: String,
}

impl Example for TestBody {
    fn example() -> Self {
        Self {
            url: "http://127.0.0.1:3000/ocrch-webhook".into(),
        }
    }
}

impl From<ListedEvent> for WebhookJson {
    fn from(event: ListedEvent) -> Self {
        Self {
            id: event.row,
            webhook_id: event.webhook_id,
            event_type: event.kind,
            order_id: event.order_id,
            transfer_id: event.transfer,
            url: event.url,
            state: event.state,
            attempts: event.attempts,
            created_at: event.created_at,
            last_tried_at: event.last_tried_at,
            delivered_at: event.delivered_at,
            next_attempt_at: event.next_attempt_ms.map(|ms| ms.div_euclid(1000)),
            body: event.body,
            tries: event.tries.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ListedAttempt> for AttemptJson {
    fn from(attempt: ListedAttempt) -> Self {
        Self {
            tried_at: attempt.tried_at,
            status: attempt.status,
            error: attempt.error,
            latency_ms: attempt.latency_ms,
            answer: attempt.answer,
        }
    }
}

impl From<Attempt> for OutcomeJson {
    fn from(attempt: Attempt) -> Self {
        Self {
            delivered: attempt.status == Some(200),
            status: attempt.status,
            error: attempt.error,
            latency_ms: attempt.latency_ms,
            answer: attempt.answer,
        }
    }
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl WebhooksApi {
    /// List webhooks
    ///
    /// Those that fail first: given up, or tried in vain and to be tried again. Then all others. Each with its latest
    /// three attempts.
    #[oai(path = "/webhooks", method = "get", operation_id = "adminWebhooks")]
    async fn list(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// `true`: only those that fail; `false`: only the others.
        failing: Query<Option<bool>>,
        /// 1 to 200, otherwise 20.
        limit: Query<Option<i64>>,
        /// How many to leave out, up to 100000; beyond that the list is empty. A `cursor` is quicker.
        offset: Query<Option<i64>>,
        /// The `Ocrch-Next-Cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Listed<WebhookJson>, ListErrors> {
        self.0.enter(request).await?;
        let (after, place) = read_cursor(given(cursor.as_deref()))?;
        let page = page(*limit, *offset, place)?;
        let only = failing.map(|failing| match failing {
            true => EventFilter::Failing,
            false => EventFilter::Sound,
        });
        let found = webhooks::list(&self.0.app, only, after, page).await;
        let (rows, end) = found.map_err(Failure::from)?;
        let next = end.map(|end| {
            let list = match end.filter {
                EventFilter::Failing => "failing",
                EventFilter::Sound => "sound",
            };
            format!("{list}.{}.{}", end.place.at, end.place.row)
        });
        let rows = rows.into_iter().map(WebhookJson::from).collect();
        Ok(listed_from(request, &page, rows, next))
    }

    /// Look at one webhook
    ///
    /// With every attempt that is still known.
    #[oai(path = "/webhooks/:id", method = "get", operation_id = "adminWebhook")]
    async fn find(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The webhook's `id` in the list.
        id: Path<String>,
    ) -> Result<Json<WebhookJson>, FindErrors> {
        self.0.enter(request).await?;
        let row = id.parse().map_err(|_| NOT_FOUND)?;
        let found = webhooks::find(&self.0.app, row).await;
        Ok(Json(found.map_err(Failure::from)?.into()))
    }

    /// Send a test webhook
    ///
    /// `{"event_type":"test","timestamp":…}`, signed like every webhook, once and now. The answer says how it went; it can take
    /// as long as `webhooks.timeout`.
    #[oai(
        path = "/webhooks/test",
        method = "post",
        operation_id = "adminTestWebhook"
    )]
    async fn test(
        &self,
        request: &Request,
        _admin: AdminSecret,
        body: RawJson<TestBody>,
    ) -> Result<Json<OutcomeJson>, DeedErrors> {
        let actor = self.0.enter(request).await?;
        let wish = body.parse()?;
        let outcome = webhooks::test(&self.0.app, wish.url, actor).await;
        Ok(Json(outcome.map_err(Failure::from)?.into()))
    }
}

/// A cursor of this list names the half that it is in.
fn read_cursor(cursor: Option<&str>) -> Result<(Option<EventFilter>, Option<&str>), Failure> {
    let Some(cursor) = cursor else {
        return Ok((None, None));
    };
    match cursor.split_once('.') {
        Some(("failing", place)) => Ok((Some(EventFilter::Failing), Some(place))),
        Some(("sound", place)) => Ok((Some(EventFilter::Sound), Some(place))),
        _ => Err(Failure::new(StatusCode::BAD_REQUEST, "invalid cursor")),
    }
}
