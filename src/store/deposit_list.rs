//! Lists of deposits, as the admin sees them.

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::StoreError;
use super::page::{Page, Place, Walk};
use crate::clock::UnixSeconds;
use crate::domain::amount::Amount;

/// Which open deposits. A condition that is `None` asks for nothing.
#[derive(Clone, Default, Debug)]
pub struct DepositFilter {
    /// Row of the order.
    pub order: Option<i64>,
    pub blockchain: Option<String>,
    pub coin: Option<String>,
}

/// A deposit with the public id of its order.
#[derive(Clone, Debug)]
pub struct ListedDeposit {
    pub row: i64,
    pub order_id: String,
    pub blockchain: String,
    pub coin: String,
    pub expected_sender: Option<String>,
    pub wallet: String,
    pub value: Amount,
    pub status: String,
    pub opened_at: UnixSeconds,
    pub closed_at: Option<UnixSeconds>,
}

/// A page of open deposits, and the place of its last one.
pub fn list_open(
    connection: &Connection,
    filter: &DepositFilter,
    page: &Page,
) -> Result<(Vec<ListedDeposit>, Option<Place>), StoreError> {
    if let Some(order) = filter.order {
        return Ok((open_of_order(connection, order, filter, page)?, None));
    }
    let (walk, values) = walk(filter);
    let places = walk.places(connection, values, page)?;
    let deposits: Result<_, _> = places.iter().map(|p| at(connection, p.row)).collect();
    Ok((deposits?, places.last().copied()))
}

pub(super) fn walk(filter: &DepositFilter) -> (Walk, Vec<Value>) {
    let text = |value: &String| Value::Text(value.clone());
    let (index, indexed, others, values) = match (&filter.blockchain, &filter.coin) {
        (None, None) => ("deposits_open", "status = 'open'", vec![], vec![]),
        (Some(chain), None) => (
            "deposits_open_by_chain",
            "blockchain = ? AND status = 'open'",
            vec![],
            vec![text(chain)],
        ),
        (None, Some(coin)) => (
            "deposits_open_by_coin",
            "stablecoin = ? AND status = 'open'",
            vec![],
            vec![text(coin)],
        ),
        (Some(chain), Some(coin)) => (
            "deposits_open_by_chain",
            "blockchain = ? AND status = 'open'",
            vec!["stablecoin = ?"],
            vec![text(chain), text(coin)],
        ),
    };
    let walk = Walk {
        table: "deposits",
        index,
        time: "opened_at",
        indexed,
        others,
    };
    (walk, values)
}

/// An order has one open deposit a pair, so that all of them are few.
fn open_of_order(
    connection: &Connection,
    order: i64,
    filter: &DepositFilter,
    page: &Page,
) -> Result<Vec<ListedDeposit>, StoreError> {
    let mut found = of_order(connection, order)?;
    found.retain(|d| {
        d.status == "open"
            && filter
                .blockchain
                .as_ref()
                .is_none_or(|b| *b == d.blockchain)
            && filter.coin.as_ref().is_none_or(|c| *c == d.coin)
    });
    let rest = found.into_iter().rev().skip(page.offset as usize);
    Ok(rest.take(page.limit as usize).collect())
}

const SELECT: &str = "SELECT d.id, o.order_id, d.blockchain, d.stablecoin, d.expected_sender, d.wallet, d.micros, d.status,
     d.opened_at, d.closed_at FROM deposits d JOIN orders o ON o.id = d.order_id";

/// All deposits of an order, the oldest first.
pub fn of_order(connection: &Connection, order: i64) -> Result<Vec<ListedDeposit>, StoreError> {
    let sql = format!("{SELECT} WHERE d.order_id = ?1 ORDER BY d.id");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map([order], listed)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The deposit in this row.
pub fn at(connection: &Connection, row: i64) -> Result<ListedDeposit, StoreError> {
    let sql = format!("{SELECT} WHERE d.id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([row], listed)?)
}

fn listed(row: &Row<'_>) -> Result<ListedDeposit, rusqlite::Error> {
    Ok(ListedDeposit {
        row: row.get(0)?,
        order_id: row.get(1)?,
        blockchain: row.get(2)?,
        coin: row.get(3)?,
        expected_sender: row.get(4)?,
        wallet: row.get(5)?,
        value: Amount::from_micros(row.get(6)?),
        status: row.get(7)?,
        opened_at: row.get(8)?,
        closed_at: row.get(9)?,
    })
}
