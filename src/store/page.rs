//! Pages of lists, newest first: by limit and offset, or from a place in the list on.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::StoreError;
use crate::clock::UnixSeconds;

/// Which part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    pub limit: u32,
    pub offset: u32,
    /// Only what comes after this place.
    pub after: Option<Place>,
    /// Only what is from between these times, both included.
    pub between: (UnixSeconds, UnixSeconds),
}

/// A row's place in a list: older ones come later, of one second those stored earlier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub at: UnixSeconds,
    pub row: i64,
}

impl Page {
    /// The newest ones of all times.
    pub fn first(limit: u32) -> Self {
        Self {
            limit,
            offset: 0,
            after: None,
            between: (i64::MIN, i64::MAX),
        }
    }
}

/// An index to walk along: its table, the column of times in it, and what it asks of rows.
#[derive(Clone, Debug)]
pub struct Walk {
    pub table: &'static str,
    pub index: &'static str,
    pub time: &'static str,
    /// Conditions on columns that the index begins with, or that it is limited to.
    pub indexed: &'static str,
    /// Conditions that each row is read for.
    pub others: Vec<&'static str>,
}

impl Walk {
    /// The query for a page's places. Its parameters are those of the conditions, then those of [`Walk::places`].
    pub fn sql(&self) -> String {
        let Self {
            table,
            index,
            time,
            indexed,
            others,
        } = self;
        let mut conditions = vec![*indexed];
        conditions.extend(others);
        conditions.retain(|condition| !condition.is_empty());
        let conditions: String = conditions.iter().map(|c| format!("({c}) AND ")).collect();
        format!(
            "SELECT {time}, id FROM {table} INDEXED BY {index} WHERE {conditions}{time} BETWEEN ? AND ?
               AND ({time} < ? OR id < ?) ORDER BY {time} DESC, id DESC LIMIT ? OFFSET ?"
        )
    }

    /// The places of a page's rows, in order. `values` are those of the conditions, in their order.
    pub fn places(
        &self,
        connection: &Connection,
        values: Vec<Value>,
        page: &Page,
    ) -> Result<Vec<Place>, StoreError> {
        let after = page.after.unwrap_or(Place {
            at: i64::MAX,
            row: i64::MAX,
        });
        let (from, to) = page.between;
        let mut values = values;
        let numbers = [from, to.min(after.at), after.at, after.row];
        values.extend(numbers.map(Value::Integer));
        values.push(i64::from(page.limit).into());
        values.push(i64::from(page.offset).into());
        let mut statement = connection.prepare_cached(&self.sql())?;
        let found = statement.query_map(params_from_iter(values), |row| {
            Ok(Place {
                at: row.get(0)?,
                row: row.get(1)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
