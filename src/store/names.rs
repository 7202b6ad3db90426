//! The names of chains and coins that stored transfers have, whatever the configuration knows by now.

use rusqlite::Connection;

use super::StoreError;

/// The chains that transfers are on.
pub fn of_chains(connection: &Connection) -> Result<Vec<String>, StoreError> {
    all(connection, NEXT_CHAIN)
}

/// The coins that transfers are of.
pub fn of_coins(connection: &Connection) -> Result<Vec<String>, StoreError> {
    all(connection, NEXT_COIN)
}

pub(super) const NEXT_CHAIN: &str = "SELECT min(blockchain) FROM transfers WHERE blockchain > ?1";
pub(super) const NEXT_COIN: &str = "SELECT min(stablecoin) FROM transfers WHERE stablecoin > ?1";

/// One look into the index for each name, however many transfers there are.
fn all(connection: &Connection, next: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(next)?;
    let mut names: Vec<String> = Vec::new();
    loop {
        let last = names.last().map_or("", String::as_str);
        match statement.query_row([last], |row| row.get(0))? {
            Some(name) => names.push(name),
            None => return Ok(names),
        }
    }
}
