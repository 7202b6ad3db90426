//! Reading and cancelling orders.

use super::App;
use super::candidates::reassign_candidates_of;
use super::outbox;
use crate::config::Config;
use crate::domain::order::{HOLD, Order, OrderId, OrderStatus};
use crate::domain::signature::Signature;
use crate::store::{StoreError, Tx, orders, transfers};

/// A signed URL of our own origin lives on for so long after its order's end, in seconds.
const AFTER_THE_END: i64 = 24 * 3600;

/// Who cancels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Canceller {
    Merchant,
    /// May not, while a payment is on its way.
    Shopper,
}

/// Why an order was not changed; the texts are the wire's.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("order not found")]
    NotFound,
    #[error("order is not pending")]
    NotPending,
    #[error("a payment is already on its way")]
    PaymentOnItsWay,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The order with this id.
pub fn find(app: &App, id: OrderId) -> Result<Order, OrderError> {
    app.db()
        .read(|c| orders::find(c, id)?.ok_or(OrderError::NotFound))
}

/// Cancels a pending order.
pub async fn cancel(app: &App, id: OrderId, by: Canceller) -> Result<Order, OrderError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let order = orders::find(tx, id)?.ok_or(OrderError::NotFound)?;
            if order.status.is_terminal() {
                return Err(OrderError::NotPending);
            }
            let waiting = transfers::waiting_for_order(tx, order.row, tx.now - HOLD)?;
            if by == Canceller::Shopper && waiting.is_some() {
                return Err(OrderError::PaymentOnItsWay);
            }
            close_unpaid(tx, &config, order.row, OrderStatus::Cancelled)
        })
        .await
}

/// Ends a pending order without a payment, and tells everybody.
pub fn close_unpaid<E: From<StoreError>>(
    tx: &mut Tx<'_>,
    config: &Config,
    row: i64,
    status: OrderStatus,
) -> Result<Order, E> {
    orders::close(tx, row, status)?;
    orders::show_transfer(tx, row, None)?;
    reassign_candidates_of(tx, config, row)?;
    let order = orders::at(tx, row)?;
    outbox::queue_order_event(tx, config, &order)?;
    Ok(order)
}

/// Whether a signature over a URL of our own origin has outlived its order: such a signature does not grow too
/// old until its order has been terminal for a day. Of an unknown order it has.
pub fn has_outlived(app: &App, id: OrderId, signature: &Signature) -> Result<bool, StoreError> {
    let now = app.clock().now();
    let Some(order) = app.db().read(|c| orders::find(c, id))? else {
        return Ok(true);
    };
    let in_time = match order.closed_at {
        Some(closed_at) => now <= closed_at.saturating_add(AFTER_THE_END),
        None => true,
    };
    // One as old as its order is from no future, even if the clock was set back since.
    let latest = now.max(order.created_at);
    Ok(!in_time || signature.check_not_ahead(latest).is_err())
}
