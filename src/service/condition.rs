//! Whether the server can do its work, and what keeps it from it.

use super::App;
use crate::domain::registry::Blockchain;
use crate::store::{StoreError, Trouble};

/// How the watching of a chain goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watch {
    /// No pass over it has ended since the start.
    NotTriedYet,
    Watched,
    /// It could not be read for over a minute.
    Degraded,
}

/// What is wrong with the database, in a few words for anybody: where its files lie is for the log only. `None` while it can be read and written.
pub fn database_trouble(app: &App) -> Option<String> {
    if let Some(trouble) = app.db().trouble() {
        return Some(match trouble {
            Trouble::Failing(error) => format!("the database cannot be written: {error}"),
            Trouble::Hanging(seconds) => {
                format!("the database has been busy with one commit for {seconds} s")
            }
            Trouble::Stopped => "the database is closed".to_owned(),
        });
    }
    let read: Result<i64, StoreError> = app
        .db()
        .read(|c| Ok(c.query_row("SELECT count(*) FROM cursors", [], |row| row.get(0))?));
    read.err().map(|error| match error {
        // It names the file that could not be opened.
        StoreError::Pool(_) => "the database cannot be read: no reader became free".to_owned(),
        error => format!("the database cannot be read: {error}"),
    })
}

/// Each watched chain, by name.
pub fn chains(app: &App) -> Vec<(Blockchain, Watch)> {
    let watching = app.watching();
    let condition = |blockchain: &Blockchain| {
        if watching.degraded_since(blockchain).is_some() {
            Watch::Degraded
        } else if watching.providers(blockchain).is_empty() {
            Watch::NotTriedYet
        } else {
            Watch::Watched
        }
    };
    let watched = watching.watched().into_iter();
    watched
        .map(|name| {
            let how = condition(&name);
            (name, how)
        })
        .collect()
}
