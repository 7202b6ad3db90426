//! Lists of webhooks, as the admin sees them.

use rusqlite::{Connection, OptionalExtension, Row};

use super::StoreError;
use super::page::{Page, Place, Walk};
use crate::clock::UnixSeconds;

/// Which webhooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventFilter {
    /// Given up, or tried in vain and to be tried again.
    Failing,
    /// All others.
    Sound,
}

/// A webhook and what became of it.
#[derive(Clone, Debug)]
pub struct ListedEvent {
    pub row: i64,
    pub webhook_id: String,
    pub kind: String,
    pub order_id: Option<String>,
    pub transfer: Option<i64>,
    pub url: String,
    pub state: String,
    pub attempts: u32,
    pub created_at: UnixSeconds,
    pub last_tried_at: Option<UnixSeconds>,
    pub delivered_at: Option<UnixSeconds>,
    /// While it is queued, in Unix milliseconds.
    pub next_attempt_ms: Option<i64>,
    /// What is sent.
    pub body: String,
    /// The newest first.
    pub tries: Vec<ListedAttempt>,
}

/// One try to deliver a webhook.
#[derive(Clone, Debug)]
pub struct ListedAttempt {
    pub tried_at: UnixSeconds,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub latency_ms: u64,
    /// The first 200 bytes of the answer.
    pub answer: String,
}

/// A page of webhooks with the latest `tries` of each, and the place of its last one.
pub fn list(
    connection: &Connection,
    filter: EventFilter,
    page: &Page,
    tries: u32,
) -> Result<(Vec<ListedEvent>, Option<Place>), StoreError> {
    let places = walk(filter).places(connection, vec![], page)?;
    let events: Result<Vec<_>, _> = places
        .iter()
        .map(|p| {
            find(connection, p.row, tries)?
                .ok_or_else(|| StoreError::Corrupt(format!("event row {} is missing", p.row)))
        })
        .collect();
    Ok((events?, places.last().copied()))
}

pub(super) fn walk(filter: EventFilter) -> Walk {
    let (index, indexed) = match filter {
        EventFilter::Failing => (
            "events_failing",
            "state = 'given_up' OR state = 'queued' AND attempts > 0",
        ),
        EventFilter::Sound => (
            "events_sound",
            "NOT (state = 'given_up' OR state = 'queued' AND attempts > 0)",
        ),
    };
    Walk {
        table: "events",
        index,
        time: "created_at",
        indexed,
        others: vec![],
    }
}

/// How many webhooks are failing.
pub fn count_failing(connection: &Connection) -> Result<u32, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM events INDEXED BY events_failing WHERE state = 'given_up' OR state = 'queued' AND attempts > 0",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

const SELECT: &str = "SELECT e.id, e.webhook_id, e.kind, o.order_id, e.transfer_id, e.url, e.state, e.attempts, e.created_at,
     e.last_tried_at, e.delivered_at, e.next_attempt_ms, e.body FROM events e LEFT JOIN orders o ON o.id = e.order_id";

/// The webhook in this row with its latest `tries`.
pub fn find(
    connection: &Connection,
    row: i64,
    tries: u32,
) -> Result<Option<ListedEvent>, StoreError> {
    let sql = format!("{SELECT} WHERE e.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let Some(event) = statement.query_row([row], listed).optional()? else {
        return Ok(None);
    };
    let tries = tries_of(connection, row, tries)?;
    Ok(Some(ListedEvent { tries, ..event }))
}

/// All webhooks of an order with all that is known of their attempts, the oldest webhook first.
pub fn of_order(connection: &Connection, order: i64) -> Result<Vec<ListedEvent>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM events WHERE order_id = ?1 ORDER BY id")?;
    let rows: Result<Vec<i64>, _> = statement.query_map([order], |row| row.get(0))?.collect();
    let events = rows?.into_iter().map(|row| find(connection, row, u32::MAX));
    Ok(events
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

fn tries_of(
    connection: &Connection,
    event: i64,
    most: u32,
) -> Result<Vec<ListedAttempt>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT tried_at, status, error, latency_ms, answer FROM attempts WHERE event_id = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let found = statement.query_map((event, most), |row| {
        Ok(ListedAttempt {
            tried_at: row.get(0)?,
            status: row.get(1)?,
            error: row.get(2)?,
            latency_ms: row.get(3)?,
            answer: row.get(4)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn listed(row: &Row<'_>) -> Result<ListedEvent, rusqlite::Error> {
    let state: String = row.get(6)?;
    let next_attempt_ms: i64 = row.get(11)?;
    Ok(ListedEvent {
        row: row.get(0)?,
        webhook_id: row.get(1)?,
        kind: row.get(2)?,
        order_id: row.get(3)?,
        transfer: row.get(4)?,
        url: row.get(5)?,
        next_attempt_ms: (state == "queued").then_some(next_attempt_ms),
        state,
        attempts: row.get(7)?,
        created_at: row.get(8)?,
        last_tried_at: row.get(9)?,
        delivered_at: row.get(10)?,
        body: row.get(12)?,
        tries: vec![],
    })
}
