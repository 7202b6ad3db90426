//! Searching for orders by what people have in hand.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::StoreError;
use super::order_list::{ListedOrder, OrderFilter, at, by_hash, find};
use super::page::{Page, Place};
use super::transfer_list::hash_forms;
use crate::domain::order::OrderId;

/// A page of what a text finds among the orders that fit the filter, and the place of its last one. An order's own id and a
/// transaction's hash find just what they name; any other text, the orders whose merchant's id begins so.
pub(super) fn search(
    connection: &Connection,
    text: &str,
    filter: &OrderFilter,
    page: &Page,
) -> Result<(Vec<ListedOrder>, Option<Place>), StoreError> {
    let named = named(connection, text)?;
    if named.is_empty() {
        return by_prefix(connection, text, filter, page);
    }
    let fitting = named.into_iter().filter(|order| fits(order, filter, page));
    let rest = fitting.skip(page.offset as usize);
    Ok((rest.take(page.limit as usize).collect(), None))
}

/// The orders that a text names exactly: few.
fn named(connection: &Connection, text: &str) -> Result<Vec<ListedOrder>, StoreError> {
    if let Ok(id) = OrderId::try_parse(text) {
        return Ok(find(connection, id)?.into_iter().collect());
    }
    let mut found = Vec::new();
    for hash in hash_forms(text).into_iter().flatten() {
        found.extend(by_hash(connection, &hash)?);
    }
    Ok(found)
}

fn fits(listed: &ListedOrder, filter: &OrderFilter, page: &Page) -> bool {
    let order = &listed.order;
    let payment = order.payment.as_ref();
    let (from, to) = page.between;
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.is_none() || wanted.as_deref() == value
    };
    (from..=to).contains(&order.created_at)
        && filter.status.is_none_or(|status| status == order.status)
        && is(
            &filter.merchant_order_id,
            Some(&order.new.merchant_order_id),
        )
        && is(
            &filter.payment_chain,
            payment.map(|p| p.blockchain.as_str()),
        )
        && is(&filter.payment_coin, payment.map(|p| p.stablecoin.as_str()))
}

/// The orders whose merchant's id begins so, the greatest id first.
fn by_prefix(
    connection: &Connection,
    prefix: &str,
    filter: &OrderFilter,
    page: &Page,
) -> Result<(Vec<ListedOrder>, Option<Place>), StoreError> {
    let Some((id, place)) = end(connection, prefix, page)? else {
        return Ok((vec![], None));
    };
    let (sql, conditions) = prefix_sql(filter);
    let (from, to) = page.between;
    let mut values: Vec<Value> = vec![prefix.to_owned().into(), id.clone().into()];
    values.extend([from, to].map(Value::Integer));
    values.push(id.into());
    values.extend([place.at, place.at, place.row].map(Value::Integer));
    values.extend(conditions);
    values.extend([page.limit, page.offset].map(|n| Value::Integer(n.into())));
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(params_from_iter(values), |row| {
        Ok(Place {
            at: row.get(0)?,
            row: row.get(1)?,
        })
    })?;
    let places = found.collect::<Result<Vec<_>, _>>()?;
    let orders: Result<_, _> = places.iter().map(|p| at(connection, p.row)).collect();
    Ok((orders?, places.last().copied()))
}

/// The query for the places of a page, with the values of the filter's conditions.
pub(super) fn prefix_sql(filter: &OrderFilter) -> (String, Vec<Value>) {
    let conditions = [
        ("status", filter.status.map(|status| status.as_str())),
        ("merchant_order_id", filter.merchant_order_id.as_deref()),
        ("payment_chain", filter.payment_chain.as_deref()),
        ("payment_coin", filter.payment_coin.as_deref()),
    ];
    let mut asked = String::new();
    let mut values = Vec::new();
    for (column, value) in conditions {
        if let Some(value) = value {
            // The plus keeps them out of the choice of the index's bounds.
            asked.push_str(&format!(" AND +{column} = ?"));
            values.push(value.to_owned().into());
        }
    }
    let sql = format!(
        "SELECT created_at, id FROM orders INDEXED BY orders_by_merchant_id
         WHERE merchant_order_id BETWEEN ? AND ? AND created_at BETWEEN ? AND ?
           AND (merchant_order_id < ? OR created_at < ? OR created_at = ? AND id < ?){asked}
         ORDER BY merchant_order_id DESC, created_at DESC, id DESC LIMIT ? OFFSET ?"
    );
    (sql, values)
}

/// The merchant's id and the place that a page comes after; `None` where the cursor is no order's, and nothing does.
fn end(
    connection: &Connection,
    prefix: &str,
    page: &Page,
) -> Result<Option<(String, Place)>, StoreError> {
    let Some(place) = page.after else {
        // No text is greater than one that goes on with the last character there is.
        let greatest = format!("{prefix}{}", char::MAX);
        let place = Place {
            at: i64::MAX,
            row: i64::MAX,
        };
        return Ok(Some((greatest, place)));
    };
    let mut statement =
        connection.prepare_cached("SELECT merchant_order_id FROM orders WHERE id = ?1")?;
    let id = statement.query_row([place.row], |row| row.get(0));
    Ok(id.optional()?.map(|id| (id, place)))
}
