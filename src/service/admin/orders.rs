//! Orders, as the admin sees and mends them.

use super::{AdminError, ListedOrder, OrderFilter, Page, Place};
use crate::domain::amount::Amount;
use crate::domain::order::{OrderId, OrderStatus};
use crate::service::App;
use crate::service::candidates::{assign_candidate, refresh_shown};
use crate::service::outbox;
use crate::store::audit::{self, Action, Actor};
use crate::store::daily::{self, Source};
use crate::store::events::{self, Subject};
use crate::store::{StoreError, Tx, order_list, orders, transfers};

/// A page of orders, and the place of its last one.
pub async fn list(
    app: &App,
    filter: OrderFilter,
    page: Page,
) -> Result<(Vec<ListedOrder>, Option<Place>), StoreError> {
    app.db()
        .read_long(move |c| order_list::list(c, &filter, &page))
        .await
}

/// Marks an order as paid, whatever became of it, and tells everybody as if it had been paid. One that is paid stays as
/// it is. A transfer that is on its way to the order stays bound to it: it will pay the order once it is confirmed,
/// instead of being reported as unknown.
pub async fn mark_paid(app: &App, id: OrderId, actor: Actor) -> Result<ListedOrder, AdminError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let order = orders::find(tx, id)?.ok_or(AdminError::NotFound)?;
            if order.status == OrderStatus::Paid {
                return Ok(order_list::at(tx, order.row)?);
            }
            let waiting = transfers::waiting_for_order(tx, order.row, i64::MIN)?;
            orders::close(tx, order.row, OrderStatus::Paid)?;
            // The amount was checked when the order was made.
            let amount = Amount::parse(&order.new.amount).unwrap_or(Amount::ZERO);
            daily::add_payment(tx, tx.now, Source::ByHand, amount)?;
            for other in transfers::waiting_with_candidates_of(tx, order.row)? {
                if Some(other) != waiting {
                    transfers::set_candidate(tx, other, None)?;
                    assign_candidate(tx, &config, other)?;
                }
            }
            refresh_shown(tx, order.row, false)?;
            let paid = orders::at(tx, order.row)?;
            outbox::queue_order_event(tx, &config, &paid)?;
            note(tx, &actor, "mark_paid", order.row, Some(order.status))?;
            tracing::info!(order = %order.id, was = order.status.as_str(), client = actor.client, "marked as paid by the admin");
            Ok(order_list::at(tx, order.row)?)
        })
        .await
}

/// Sends the event of an order's present status again, whatever became of it.
pub async fn resend_webhook(
    app: &App,
    id: OrderId,
    actor: Actor,
) -> Result<ListedOrder, AdminError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let order = orders::find(tx, id)?.ok_or(AdminError::NotFound)?;
            if order.status == OrderStatus::Pending {
                return Err(AdminError::OrderIsPending);
            }
            match events::latest(tx, Subject::Order(order.row))? {
                Some(event) => {
                    outbox::queue_again(tx, event, &order.new.webhook_url)?;
                    order_list::reset_webhook(tx, order.row)?;
                }
                // Forgotten after `retention.events`: the order still knows its status.
                None => outbox::queue_order_event(tx, &config, &order)?,
            }
            note(tx, &actor, "resend_webhook", order.row, None)?;
            Ok(order_list::at(tx, order.row)?)
        })
        .await
}

fn note(
    tx: &Tx<'_>,
    actor: &Actor,
    name: &'static str,
    order: i64,
    was: Option<OrderStatus>,
) -> Result<(), StoreError> {
    let action = Action {
        name,
        order: Some(order),
        detail: was.map(|status| format!("was {}", status.as_str())),
        ..Action::default()
    };
    audit::note(tx, actor, action)
}
