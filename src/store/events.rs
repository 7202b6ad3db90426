//! The outbox: webhooks to send, and what became of each attempt.

use rusqlite::{Connection, params};

use super::{StoreError, Tx, order_list};

/// A webhook to send.
#[derive(Clone, Debug)]
pub struct Event {
    pub row: i64,
    pub webhook_id: String,
    pub order_row: Option<i64>,
    pub url: String,
    pub body: String,
    pub attempts: u32,
}

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    Order(i64),
    Transfer(i64),
}

/// One try to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    pub error: Option<String>,
    pub latency_ms: u64,
    /// The beginning of the answer.
    pub answer: String,
}

/// Queues an event for now. An older status of the same order that was never delivered is superseded.
pub fn queue(
    tx: &mut Tx<'_>,
    webhook_id: &str,
    subject: Subject,
    url: &str,
    origin: &str,
    body: &str,
) -> Result<(), StoreError> {
    let (kind, order, transfer) = match subject {
        Subject::Order(row) => ("order_status_changed", Some(row), None),
        Subject::Transfer(row) => ("unknown_transfer", None, Some(row)),
    };
    if let Some(order) = order {
        tx.prepare_cached(
            "UPDATE events SET state = 'superseded' WHERE order_id = ?1 AND state = 'queued'",
        )?
        .execute([order])?;
        order_list::reset_webhook(tx, order)?;
    }
    tx.prepare_cached(
        "INSERT INTO events (webhook_id, kind, order_id, transfer_id, url, origin, body, created_at, state, next_attempt_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9)",
    )?
    .execute(params![webhook_id, kind, order, transfer, url, origin, body, tx.now, tx.now_ms])?;
    tx.announce(super::Change::Outbox);
    Ok(())
}

/// The origins that have queued events. Costs one index look-up an origin, however many events wait.
pub fn origins(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE o(origin) AS (
             SELECT min(origin) FROM events WHERE state = 'queued'
             UNION ALL
             SELECT (SELECT min(origin) FROM events WHERE state = 'queued' AND origin > o.origin) FROM o
             WHERE o.origin IS NOT NULL)
         SELECT origin FROM o WHERE origin IS NOT NULL",
    )?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// An origin's events whose time has come, the longest waiting first.
pub fn due(
    connection: &Connection,
    origin: &str,
    now_ms: i64,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, webhook_id, order_id, url, body, attempts FROM events
         WHERE state = 'queued' AND origin = ?1 AND next_attempt_ms <= ?2 ORDER BY next_attempt_ms, id LIMIT ?3",
    )?;
    let found = statement.query_map(params![origin, now_ms, limit], |row| {
        Ok(Event {
            row: row.get(0)?,
            webhook_id: row.get(1)?,
            order_row: row.get(2)?,
            url: row.get(3)?,
            body: row.get(4)?,
            attempts: row.get(5)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// When an origin's next event is due that is not due yet.
pub fn next_due(
    connection: &Connection,
    origin: &str,
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT min(next_attempt_ms) FROM events WHERE state = 'queued' AND origin = ?1 AND next_attempt_ms > ?2",
    )?;
    Ok(statement.query_row(params![origin, now_ms], |row| row.get(0))?)
}

/// How many events are due, and when the one was that has waited longest.
pub fn backlog(connection: &Connection, now_ms: i64) -> Result<(u64, Option<i64>), StoreError> {
    let mut statement = connection.prepare_cached(BACKLOG)?;
    Ok(statement.query_row([now_ms], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The index is named, since some versions of SQLite take the one by order, and read each row for its time.
pub(super) const BACKLOG: &str = "
    SELECT count(*), min(next_attempt_ms) FROM events INDEXED BY events_due
    WHERE state = 'queued' AND next_attempt_ms <= ?1";

/// Records an attempt at an event; returns whether the event is still queued, so that its next step matters.
pub fn record_attempt(tx: &Tx<'_>, event: i64, attempt: &Attempt) -> Result<bool, StoreError> {
    tx.prepare_cached(
        "INSERT INTO attempts (event_id, tried_at, status, error, latency_ms, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        event,
        tx.now,
        attempt.status,
        attempt.error,
        attempt.latency_ms,
        attempt.answer
    ])?;
    tx.prepare_cached(
        "UPDATE events SET attempts = attempts + 1, last_tried_at = ?2 WHERE id = ?1",
    )?
    .execute(params![event, tx.now])?;
    order_list::score_webhook(tx, event, attempt.status == Some(200))?;
    let mut state = tx.prepare_cached("SELECT state = 'queued' FROM events WHERE id = ?1")?;
    Ok(state.query_row([event], |row| row.get(0))?)
}

/// Makes due what waits for a time that the clock will reach much later than was meant: tried last, or queued, at a moment
/// that is still to come. Returns how many.
pub fn recall(tx: &Tx<'_>) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached(
            "UPDATE events SET next_attempt_ms = ?1
             WHERE state = 'queued' AND next_attempt_ms > ?1 AND ifnull(last_tried_at, created_at) > ?2",
        )?
        .execute(params![tx.now_ms, tx.now + 5])?)
}

/// The event arrived: also where it was superseded while the attempt was under way.
pub fn set_delivered(tx: &Tx<'_>, event: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE events SET state = 'delivered', delivered_at = ?2 WHERE id = ?1")?
        .execute(params![event, tx.now])?;
    Ok(())
}

/// Tries again at a time, or, without one, only when an admin asks for it.
pub fn set_next_attempt(tx: &Tx<'_>, event: i64, at_ms: Option<i64>) -> Result<(), StoreError> {
    match at_ms {
        Some(at_ms) => tx
            .prepare_cached("UPDATE events SET next_attempt_ms = ?2 WHERE id = ?1")?
            .execute(params![event, at_ms])?,
        None => tx
            .prepare_cached("UPDATE events SET state = 'given_up' WHERE id = ?1")?
            .execute([event])?,
    };
    Ok(())
}

/// The latest event about something, if it is still known.
pub fn latest(connection: &Connection, subject: Subject) -> Result<Option<i64>, StoreError> {
    let (sql, row) = match subject {
        Subject::Order(row) => ("SELECT max(id) FROM events WHERE order_id = ?1", row),
        Subject::Transfer(row) => ("SELECT max(id) FROM events WHERE transfer_id = ?1", row),
    };
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([row], |row| row.get(0))?)
}

/// Queues an event again, whatever became of it, as if it had never been tried; it keeps its id.
pub fn requeue(tx: &mut Tx<'_>, event: i64, url: &str, origin: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE events SET state = 'queued', attempts = 0, next_attempt_ms = ?2, delivered_at = NULL, url = ?3, origin = ?4
         WHERE id = ?1",
    )?
    .execute(params![event, tx.now_ms, url, origin])?;
    tx.announce(super::Change::Outbox);
    Ok(())
}

/// Forgets attempts made before a time, and events that are over and older than another, a bounded number at a time;
/// returns how many were forgotten.
pub fn prune(tx: &Tx<'_>, attempts_before: i64, events_before: i64) -> Result<usize, StoreError> {
    let attempts = tx
        .prepare_cached(
            "DELETE FROM attempts WHERE id IN
             (SELECT id FROM attempts WHERE tried_at < ?1 LIMIT 1000)",
        )?
        .execute([attempts_before])?;
    let events = tx
        .prepare_cached(
            "DELETE FROM events WHERE id IN
             (SELECT id FROM events e WHERE state <> 'queued' AND created_at < ?1
                AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.event_id = e.id) LIMIT 1000)",
        )?
        .execute([events_before])?;
    Ok(attempts + events)
}
