//! Webhooks, as the admin sees and tries them.

use serde::Serialize;
use uuid::Uuid;

use super::{AdminError, EventFilter, ListedEvent, Page, Place};
use crate::service::App;
use crate::service::create_order::check_url;
use crate::service::trials::Trial;
use crate::store::audit::{self, Action, Actor};
use crate::store::{StoreError, event_list};

pub use crate::service::Attempt;

/// Attempts shown with each webhook of a list.
const TRIES: u32 = 3;

/// Where a page of all webhooks, failing ones first, ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// The list that the page ended in.
    pub filter: EventFilter,
    pub place: Place,
}

/// A page of webhooks: the failing ones first, of each kind the newest first. `after` is the end of the page before.
pub async fn list(
    app: &App,
    only: Option<EventFilter>,
    after: Option<EventFilter>,
    page: Page,
) -> Result<(Vec<ListedEvent>, Option<End>), StoreError> {
    app.db()
        .read_long(move |c| {
            let mut found = Vec::new();
            let mut end = None;
            let mut page = page;
            for filter in [EventFilter::Failing, EventFilter::Sound] {
                let passed = after == Some(EventFilter::Sound) && filter == EventFilter::Failing;
                if passed || only.is_some_and(|only| only != filter) || page.limit == 0 {
                    continue;
                }
                let (rows, last) = event_list::list(c, filter, &page, TRIES)?;
                if rows.is_empty() && page.offset > 0 && filter == EventFilter::Failing {
                    page.offset = page.offset.saturating_sub(event_list::count_failing(c)?);
                } else if filter == EventFilter::Failing {
                    page.offset = 0;
                }
                // The next list begins at its top.
                page.after = None;
                page.limit = page.limit.saturating_sub(rows.len() as u32);
                end = last.map(|place| End { filter, place }).or(end);
                found.extend(rows);
            }
            Ok((found, end))
        })
        .await
}

/// A webhook with all that is known of its attempts.
pub async fn find(app: &App, row: i64) -> Result<ListedEvent, AdminError> {
    app.db()
        .read_long(move |c| event_list::find(c, row, u32::MAX)?.ok_or(AdminError::NotFound))
        .await
}

#[derive(Serialize)]
struct TestEvent {
    event_type: &'static str,
    timestamp: i64,
}

/// Sends a signed test event now, once, and says how it went.
pub async fn test(app: &App, url: String, actor: Actor) -> Result<Attempt, AdminError> {
    check_url(&url).map_err(AdminError::Url)?;
    let body = TestEvent {
        event_type: "test",
        timestamp: app.clock().now(),
    };
    let body = serde_json::to_string(&body).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    let noted = url.clone();
    app.db()
        .write(move |tx| {
            let action = Action {
                name: "test_webhook",
                detail: Some(noted),
                ..Action::default()
            };
            audit::note(tx, &actor, action)
        })
        .await?;
    let trial = Trial {
        webhook_id: format!("evt_{}", Uuid::now_v7().simple()),
        url,
        body,
    };
    app.trials().make(trial).await.ok_or(AdminError::Busy)
}
