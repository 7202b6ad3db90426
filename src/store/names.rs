//! The names of chains and coins that stored transfers and deposits have, whatever the configuration knows by now.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::StoreError;

/// The chains that transfers or deposits are on.
pub fn of_chains(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut names = all(connection, NEXT_CHAIN)?;
    names.extend(all(connection, NEXT_DEPOSIT_CHAIN)?);
    Ok(names)
}

/// The coins that transfers or deposits are of.
pub fn of_coins(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut names = all(connection, NEXT_COIN)?;
    names.extend(of_deposits(connection)?);
    Ok(names)
}

pub(super) const NEXT_CHAIN: &str = "SELECT min(blockchain) FROM transfers WHERE blockchain > ?1";
pub(super) const NEXT_COIN: &str = "SELECT min(stablecoin) FROM transfers WHERE stablecoin > ?1";
pub(super) const NEXT_DEPOSIT_CHAIN: &str =
    "SELECT min(blockchain) FROM deposits INDEXED BY deposits_by_value WHERE blockchain > ?1";
/// No index has all deposits by coin; this one has them by chain and wallet before it, which are few.
pub(super) const NEXT_DEPOSIT_COIN: &str = "
    SELECT blockchain, wallet, stablecoin FROM deposits INDEXED BY deposits_by_value
    WHERE (blockchain, wallet, stablecoin) > (?1, ?2, ?3) ORDER BY blockchain, wallet, stablecoin LIMIT 1";

/// One look into the index for each name, however many rows there are.
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

/// The coins of deposits, each as often as there are wallets for it.
fn of_deposits(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(NEXT_DEPOSIT_COIN)?;
    let mut coins = Vec::new();
    let mut last = [const { String::new() }; 3];
    loop {
        let next = statement.query_row(params_from_iter(&last), |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?])
        });
        let Some::<[String; 3]>(next) = next.optional()? else {
            return Ok(coins);
        };
        coins.push(next[2].clone());
        last = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate;

    #[test]
    fn what_only_deposits_have_is_known_also_when_they_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("names.db");
        let mut db = Connection::open(&path).unwrap();
        migrate::to_latest(&mut db, &path).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        let deposit = "INSERT INTO deposits (order_id, blockchain, stablecoin, wallet, micros, opened_at, after_transfer, status,
                           closed_at, holds_value)
                       VALUES (?1, ?2, ?3, ?4, 1, 0, 0, ?5, iif(?5 = 'closed', 1, NULL), 0)";
        for (order, (chain, coin, wallet, status)) in [
            ("one", "AAA", "0x1", "closed"),
            ("one", "CCC", "0x1", "open"),
            ("one", "AAA", "0x2", "open"),
            ("one", "AAA", "0x2", "closed"),
            ("two", "BBB", "0x1", "closed"),
        ]
        .into_iter()
        .enumerate()
        {
            db.execute(deposit, (order, chain, coin, wallet, status))
                .unwrap();
        }
        assert_eq!(of_chains(&db).unwrap(), ["one", "two"]);
        assert_eq!(of_coins(&db).unwrap(), ["AAA", "CCC", "AAA", "BBB"]);
    }
}
