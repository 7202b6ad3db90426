//! Transfers, as the admin sees and mends them.

use super::{AdminError, ListedTransfer, Meant, Page, Place, TransferFilter};
use crate::domain::amount::Amount;
use crate::domain::likely::{Reason, rank};
use crate::domain::order::{OrderId, OrderStatus};
use crate::domain::transfer::{Transfer, TransferStatus};
use crate::service::App;
use crate::service::outbox;
use crate::service::settle::pay_deposit;
use crate::store::audit::{self, Action, Actor};
use crate::store::claims::{self, Claim};
use crate::store::events::{self, Subject};
use crate::store::{Connection, StoreError, deposits, likely, orders, transfer_list, transfers};

/// So many likely orders are named.
const LIKELIEST: usize = 3;

/// A page of transfers, and the place of its last one.
pub async fn list(
    app: &App,
    filter: TransferFilter,
    page: Page,
) -> Result<(Vec<ListedTransfer>, Option<Place>), StoreError> {
    app.db()
        .read_long(move |c| transfer_list::list(c, &filter, &page))
        .await
}

/// A transaction's hash as the filter of a list wants it, however it was written.
pub async fn hash_as_stored(app: &App, written: &str) -> Result<String, StoreError> {
    let written = written.to_owned();
    app.db()
        .read_long(move |c| transfer_list::hash_as_stored(c, &written))
        .await
}

/// A transfer for whoever has to decide about it.
#[derive(Clone, Debug)]
pub struct Examined {
    pub transfer: ListedTransfer,
    /// Of one that fits nothing: what it may have been meant for, the likeliest first, and what is against it. Of one that
    /// paid the bare amount while others asked for it with a tail: those others. Of any other: not looked for.
    pub likely: Option<Vec<(Meant, Vec<Reason>)>>,
    /// What shoppers say about its transaction.
    pub claims: Vec<Claim>,
}

/// A page of transfers with what helps to decide about them, and the place of its last one.
pub async fn list_examined(
    app: &App,
    filter: TransferFilter,
    page: Page,
) -> Result<(Vec<Examined>, Option<Place>), StoreError> {
    app.db()
        .read_long(move |c| {
            let (rows, last) = transfer_list::list(c, &filter, &page)?;
            let examined: Result<_, _> = rows.into_iter().map(|t| examine(c, t)).collect();
            Ok((examined?, last))
        })
        .await
}

/// One transfer with what helps to decide about it.
pub async fn find(app: &App, row: i64) -> Result<Examined, AdminError> {
    app.db()
        .read_long(move |c| {
            let transfer = transfer_list::find(c, row)?.ok_or(AdminError::NotFound)?;
            Ok(examine(c, transfer)?)
        })
        .await
}

pub(super) fn examine(c: &Connection, transfer: ListedTransfer) -> Result<Examined, StoreError> {
    let claims = claims::of_transaction(c, &transfer.txn_hash)?;
    let undecided = transfer.status == TransferStatus::NoMatchedDeposit && !transfer.ignored;
    let likely = match (undecided, transfer.tail_dropped) {
        (true, _) => Some(likeliest(c, transfer.row, |_, _| true)?),
        (false, true) => Some(likeliest(c, transfer.row, is_sibling)?),
        (false, false) => None,
    };
    Ok(Examined {
        transfer,
        likely,
        claims,
    })
}

/// Whether a deposit asked for a transfer's amount with a tail on it, where the transfer went.
fn is_sibling(transfer: &Transfer, meant: &Meant) -> bool {
    let deposit = &meant.candidate.deposit;
    let asks = (&deposit.blockchain, &deposit.coin, deposit.wallet);
    asks == (&transfer.blockchain, &transfer.coin, transfer.recipient)
        && deposit.value > transfer.value
        && Amount::parse(&meant.amount) == Ok(transfer.value)
}

fn likeliest(
    c: &Connection,
    row: i64,
    fits: fn(&Transfer, &Meant) -> bool,
) -> Result<Vec<(Meant, Vec<Reason>)>, StoreError> {
    let facts = transfers::at(c, row)?.facts;
    let mut near = likely::near(c, &facts)?;
    near.retain(|meant| fits(&facts, meant));
    let candidates: Vec<_> = near.iter().map(|meant| meant.candidate.clone()).collect();
    let ranked = rank(&facts, &candidates, LIKELIEST);
    let with_order = ranked.into_iter().filter_map(|likely| {
        let deposit = likely.candidate.deposit.id;
        let meant = near.iter().find(|m| m.candidate.deposit.id == deposit)?;
        Some((meant.clone(), likely.reasons))
    });
    Ok(with_order.collect())
}

/// Says that an unmatched transfer pays an order, whatever it lacks: with all that a payment causes.
pub async fn assign(
    app: &App,
    row: i64,
    order: OrderId,
    actor: Actor,
) -> Result<ListedTransfer, AdminError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            transfer_list::find(tx, row)?.ok_or(AdminError::NotFound)?;
            let transfer = transfers::at(tx, row)?;
            let order = orders::find(tx, order)?.ok_or(AdminError::NotFound)?;
            match transfer.status {
                TransferStatus::NoMatchedDeposit => {}
                TransferStatus::Matched => return Err(AdminError::Matched),
                _ => return Err(AdminError::NotConfirmed),
            }
            if order.status == OrderStatus::Paid {
                return Err(AdminError::OrderIsPaid);
            }
            let deposit = deposits::for_assignment(tx, &order, &transfer.facts)?;
            pay_deposit(tx, &config, &transfer, deposit, false)?;
            let action = Action {
                name: "assign_transfer",
                order: Some(order.row),
                transfer: Some(row),
                detail: Some(format!("was {}", order.status.as_str())),
            };
            audit::note(tx, &actor, action)?;
            tracing::info!(order = %order.id, transfer = row, client = actor.client, "transfer assigned by the admin");
            Ok(transfer_list::at(tx, row)?)
        })
        .await
}

/// Takes an unmatched transfer out of the inbox, or puts it back.
pub async fn set_ignored(
    app: &App,
    row: i64,
    ignored: bool,
    actor: Actor,
) -> Result<ListedTransfer, AdminError> {
    app.db()
        .write(move |tx| {
            let transfer = transfer_list::find(tx, row)?.ok_or(AdminError::NotFound)?;
            if transfer.status != TransferStatus::NoMatchedDeposit {
                return Err(AdminError::NotUnmatched);
            }
            if transfer.ignored == ignored {
                return Ok(transfer);
            }
            transfer_list::set_ignored(tx, row, ignored)?;
            let action = Action {
                name: if ignored {
                    "ignore_transfer"
                } else {
                    "unignore_transfer"
                },
                transfer: Some(row),
                ..Action::default()
            };
            audit::note(tx, &actor, action)?;
            Ok(transfer_list::at(tx, row)?)
        })
        .await
}

/// Reports an unmatched transfer again, whatever became of the report before: also one that was too small to be reported.
pub async fn resend_webhook(
    app: &App,
    row: i64,
    actor: Actor,
) -> Result<ListedTransfer, AdminError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let transfer = transfer_list::find(tx, row)?.ok_or(AdminError::NotFound)?;
            if transfer.status != TransferStatus::NoMatchedDeposit {
                return Err(AdminError::NotUnmatched);
            }
            let url = config.merchant.unknown_transfer_webhook_url.as_ref();
            let url = url.ok_or(AdminError::NoWebhookUrl)?;
            match events::latest(tx, Subject::Transfer(row))? {
                Some(event) => outbox::queue_again(tx, event, url)?,
                None => outbox::report_transfer(tx, url, &transfers::at(tx, row)?)?,
            }
            let action = Action {
                name: "resend_webhook",
                transfer: Some(row),
                ..Action::default()
            };
            audit::note(tx, &actor, action)?;
            Ok(transfer)
        })
        .await
}
