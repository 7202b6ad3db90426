//! Orders, as the admin sees and mends them.

use super::transfers::{Examined, examine};
use super::{
    AdminError, AuditEntry, Claim, FeedEntry, ListedDeposit, ListedEvent, ListedOrder, OrderFilter,
    Page, Place,
};
use crate::config::Config;
use crate::domain::amount::Amount;
use crate::domain::deposit::Deposit;
use crate::domain::matching::{self, Misfit};
use crate::domain::order::{OrderId, OrderStatus};
use crate::domain::transfer::Transfer;
use crate::service::App;
use crate::service::candidates::{assign_candidate, coin_pays, refresh_shown};
use crate::service::outbox;
use crate::store::audit::{self, Action, Actor};
use crate::store::daily::{self, Source};
use crate::store::events::{self, Subject};
use crate::store::{
    Connection, StoreError, Tx, changes, claims, deposit_list, deposits, event_list, lost_deposits,
    order_list, orders, transfer_list, transfers,
};

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

/// An order with all that happened to it.
#[derive(Clone, Debug)]
pub struct Detail {
    pub listed: ListedOrder,
    pub deposits: Vec<ListedDeposit>,
    pub transfers: Vec<Examined>,
    pub webhooks: Vec<ListedEvent>,
    pub history: Vec<FeedEntry>,
    pub audit: Vec<AuditEntry>,
    pub claims: Vec<Claim>,
}

/// One order with all that happened to it.
pub async fn find(app: &App, id: OrderId) -> Result<Detail, AdminError> {
    app.db()
        .read_long(move |c| {
            let listed = order_list::find(c, id)?.ok_or(AdminError::NotFound)?;
            let row = listed.order.row;
            Ok(Detail {
                listed,
                deposits: deposit_list::of_order(c, row)?,
                transfers: transfers_of(c, row)?,
                webhooks: event_list::of_order(c, row)?,
                history: changes::of_order(c, row)?,
                audit: audit::of_order(c, row)?,
                claims: claims::of_order(c, row)?,
            })
        })
        .await
}

fn transfers_of(c: &Connection, order: i64) -> Result<Vec<Examined>, StoreError> {
    let transfers = transfer_list::of_order(c, order)?.into_iter();
    transfers.map(|transfer| examine(c, transfer)).collect()
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
            let waiting = match transfers::waiting_for_order(tx, order.row, i64::MIN)? {
                Some(waiting) => Some(waiting),
                None => claim_waiting(tx, &config, order.row)?,
            };
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

/// Makes a transfer that waits for nobody the candidate of a closed deposit that it fits, late or not: it came for an
/// order that was cancelled or expired meanwhile. One that could also be meant for another order is left for a decision.
fn claim_waiting(tx: &Tx<'_>, config: &Config, order_row: i64) -> Result<Option<i64>, StoreError> {
    let since = tx.now - config.payments.late_window.as_secs() as i64;
    let fits = |transfer: &Transfer, deposit: &Deposit| {
        let fits = matching::fits(transfer, deposit);
        matches!(fits, Ok(()) | Err(Misfit::Late))
    };
    for (deposit, _) in deposits::of_order(tx, order_row)? {
        for row in transfers::waiting_for_nobody(tx, &deposit)? {
            let transfer = transfers::at(tx, row)?;
            let facts = &transfer.facts;
            if !fits(facts, &deposit) || !coin_pays(config, &transfer) {
                continue;
            }
            let kept = deposits::kept_on(tx, &facts.blockchain, facts, since)?;
            let mut others = kept.iter().filter(|kept| kept.order != order_row);
            let is_anothers = others.any(|other| fits(facts, &other.deposit))
                || lost_deposits::may_be_meant(tx, &facts.blockchain, facts, deposit.id, since)?;
            if !is_anothers {
                transfers::set_candidate(tx, row, Some(deposit.id))?;
                return Ok(Some(row));
            }
        }
    }
    Ok(None)
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
            let url = order.new.webhook_url.as_deref();
            let url = url.ok_or(AdminError::OrderHasNoWebhook)?;
            match events::latest(tx, Subject::Order(order.row))? {
                Some(event) => {
                    outbox::queue_again(tx, event, url)?;
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
