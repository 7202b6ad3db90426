//! Settling transfers: what a look-up at the chain means for them and for the orders they pay.

use super::App;
use super::alerts;
use super::candidates::{
    bound_deposit, coin_pays, come_back, deposit_on_another_chain, drop_candidate,
    reassign_candidates_of, refresh_shown,
};
use super::outbox;
use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::domain::agreement::HeldBack;
use crate::domain::amount::Amount;
use crate::domain::confirmation::{DEPTH_OF_NO_RETURN, Head, Verdict};
use crate::domain::deposit::Deposit;
use crate::domain::matching;
use crate::domain::order::OrderStatus;
use crate::domain::registry::{Blockchain, ConfirmationRule};
use crate::domain::transfer::{BlockRef, TransferStatus};
use crate::metrics;
use crate::store::changes::{self, Kind};
use crate::store::daily::{self, Source};
use crate::store::transfers::StoredTransfer;
use crate::store::{Change, StoreError, Tx, deposits, lost_deposits, orders, transfers};

/// A transfer that is gone is looked up again for so long, in seconds.
const MAY_COME_BACK: i64 = 24 * 3600;

/// The transfers of a chain that are still looked up, the oldest block first.
pub fn watched(app: &App, blockchain: &Blockchain) -> Result<Vec<StoredTransfer>, StoreError> {
    app.db().read(|c| transfers::watched(c, blockchain))
}

/// Whether a chain has an open deposit or a waiting transfer, so that its watcher must hurry.
pub fn is_busy(app: &App, blockchain: &Blockchain) -> Result<bool, StoreError> {
    app.db()
        .read(|c| Ok(deposits::any_open(c, blockchain)? || transfers::any_waiting(c, blockchain)?))
}

/// Notes how deep waiting transfers are, by the head, and tells the pages that show them.
pub async fn note_depths(app: &App, depths: Vec<(i64, u64)>) -> Result<(), StoreError> {
    if depths.is_empty() {
        return Ok(());
    }
    app.db()
        .write(move |tx| {
            for (row, confirmations) in depths {
                note_depth(tx, row, confirmations)?;
            }
            Ok(())
        })
        .await
}

fn note_depth(tx: &mut Tx<'_>, row: i64, confirmations: u64) -> Result<(), StoreError> {
    let transfer = transfers::at(tx, row)?;
    let waiting = transfer.status == TransferStatus::WaitingForConfirmation;
    if !waiting || transfer.confirmations == confirmations {
        return Ok(());
    }
    transfers::set_confirmations(tx, row, confirmations)?;
    match transfer.candidate {
        Some(deposit) => {
            let order = deposits::order_of(tx, deposit)?;
            refresh_shown(tx, order, true)
        }
        None => Ok(()),
    }
}

/// Acts on a look-up of a transfer: one transaction sets the transfer, the deposit and the order, closes the order's
/// other deposits and queues the webhook.
pub async fn settle(app: &App, row: i64, verdict: Verdict, head: Head) -> Result<(), StoreError> {
    let config = app.config();
    let confirmation = app.metrics().payments.confirmation.clone();
    let paid: Result<Option<(metrics::Chain, UnixSeconds)>, StoreError> = app
        .db()
        .write(move |tx| {
            let transfer = transfers::at(tx, row)?;
            match transfer.status {
                TransferStatus::WaitingForConfirmation | TransferStatus::WaitingForMatch => {
                    settle_waiting(tx, &config, &transfer, &verdict, head)?;
                }
                TransferStatus::FailedToConfirm => {
                    settle_failed(tx, &config, &transfer, &verdict, head)?;
                }
                TransferStatus::Matched => settle_matched(tx, &config, &transfer, &verdict, head)?,
                TransferStatus::NoMatchedDeposit => {}
            }
            let settled = transfers::at(tx, row)?;
            let paid = settled.fulfillment.is_some() && transfer.fulfillment.is_none();
            let chain = metrics::Chain::new(&settled.facts.blockchain);
            Ok(paid.then(|| (chain, tx.now - settled.block.timestamp)))
        })
        .await;
    if let Some((chain, seconds)) = paid? {
        confirmation
            .get_or_create(&chain)
            .observe(seconds.max(0) as f64);
    }
    Ok(())
}

/// Notes why a transfer that was seen in a block is neither confirmed nor given up yet.
pub async fn hold_back(
    app: &App,
    row: i64,
    block: BlockRef,
    head: Head,
    why: HeldBack,
) -> Result<(), StoreError> {
    app.db()
        .write(move |tx| {
            let transfer = transfers::at(tx, row)?;
            if transfer.status != TransferStatus::WaitingForConfirmation {
                return Ok(());
            }
            if transfer.held_back != Some(why) {
                transfers::set_held_back(tx, row, Some(why))?;
            }
            if block != transfer.block {
                transfers::move_to(tx, row, &block)?;
            }
            note_depth(tx, row, head.confirmations(block.number))
        })
        .await
}

fn settle_waiting(
    tx: &mut Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
    verdict: &Verdict,
    head: Head,
) -> Result<(), StoreError> {
    match verdict {
        Verdict::Unclear(_) => Ok(()),
        Verdict::Gone => fail(tx, transfer),
        Verdict::Stands(block) => {
            if *block != transfer.block {
                transfers::move_to(tx, transfer.row, block)?;
            }
            if head.confirms(block.number, rule(config, transfer)) {
                confirm(tx, config, transfer.row, head.confirmations(block.number))
            } else {
                if transfer.held_back.is_some() {
                    transfers::set_held_back(tx, transfer.row, None)?;
                }
                note_depth(tx, transfer.row, head.confirmations(block.number))
            }
        }
    }
}

fn rule(config: &Config, transfer: &StoredTransfer) -> ConfirmationRule {
    let chain = config.chain(&transfer.facts.blockchain);
    // A chain that left the configuration is not watched, so the fallback is never put to use.
    chain.map_or(ConfirmationRule::Depth(u32::MAX), |c| c.chain.confirmations)
}

fn fail(tx: &mut Tx<'_>, transfer: &StoredTransfer) -> Result<(), StoreError> {
    tracing::warn!(
        transfer = transfer.row, blockchain = %transfer.facts.blockchain, txn_hash = transfer.id.txn_hash,
        "transfer left the chain before it was confirmed"
    );
    transfers::set_failed(tx, transfer.row)?;
    match transfer.candidate {
        // It stays the candidate: mined again soon, it must find its order open.
        Some(deposit) => {
            let order = deposits::order_of(tx, deposit)?;
            refresh_shown(tx, order, false)
        }
        None => Ok(()),
    }
}

/// Matches a transfer that is deep enough and canonical.
fn confirm(
    tx: &mut Tx<'_>,
    config: &Config,
    row: i64,
    confirmations: u64,
) -> Result<(), StoreError> {
    transfers::set_confirmations(tx, row, confirmations)?;
    let transfer = transfers::at(tx, row)?;
    if let Some((deposit, order)) = bound_deposit(tx, &transfer)? {
        return bind(tx, &transfer, deposit, order);
    }
    match payable_deposit(tx, config, &transfer)? {
        Some(deposit) => pay(tx, config, &transfer, &deposit),
        None => {
            let small = transfer.facts.value < config.payments.report_from;
            transfers::set_unmatched(tx, row, small)?;
            drop_candidate(tx, &transfer)?;
            changes::note_unknown_transfer(tx, row)?;
            tracing::info!(
                transfer = row, blockchain = %transfer.facts.blockchain, value = %transfer.facts.value,
                coin = %transfer.facts.coin, "confirmed transfer fits no deposit"
            );
            match small {
                true => Ok(()),
                false => outbox::queue_unknown_transfer(tx, config, &transfer),
            }
        }
    }
}

/// The deposit of a pending order that the transfer pays; else, where late payments are accepted, of one whose time is over.
fn payable_deposit(
    tx: &Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
) -> Result<Option<Deposit>, StoreError> {
    let facts = &transfer.facts;
    if !coin_pays(config, transfer) {
        return Ok(None);
    }
    let open = deposits::open_at(tx, facts)?;
    if let Some(deposit) = matching::deposit_paid_by(facts, &open) {
        return Ok(Some(deposit.clone()));
    }
    if let Some(deposit) = deposit_on_another_chain(tx, config, facts)? {
        return Ok(Some(deposit));
    }
    if !config.orders.accept_late {
        return Ok(None);
    }
    let window = config.payments.late_window.as_secs() as i64;
    // An order's time may be over long before it has expired: its chains are read first.
    let mut late = open;
    late.extend(deposits::expired_at(tx, facts, facts.mined_at - window)?);
    let Some(late) = matching::late_deposit_paid_by(facts, &late, window) else {
        return Ok(None);
    };
    let (blockchain, since) = (&facts.blockchain, tx.now - window);
    let is_doubtful = lost_deposits::may_be_meant(tx, blockchain, facts, late.id, since)?;
    Ok((!is_doubtful).then(|| late.clone()))
}

fn pay(
    tx: &mut Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
    deposit: &Deposit,
) -> Result<(), StoreError> {
    let tail_dropped = tail_may_have_been_dropped(tx, config, transfer)?;
    pay_deposit(tx, config, transfer, deposit.id, tail_dropped)
}

/// A transfer pays a deposit and with it its order, whose other deposits close.
pub(super) fn pay_deposit(
    tx: &mut Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
    deposit: i64,
    tail_dropped: bool,
) -> Result<(), StoreError> {
    let row = deposits::order_of(tx, deposit)?;
    deposits::fulfil(tx, deposit)?;
    transfers::set_matched(tx, transfer.row, deposit, tail_dropped)?;
    orders::close(tx, row, OrderStatus::Paid)?;
    orders::show_transfer(tx, row, Some(transfer.row))?;
    daily::add_payment(tx, tx.now, source(transfer), transfer.facts.value)?;
    let order = orders::at(tx, row)?;
    tracing::info!(
        order = %order.id, transfer = transfer.row, blockchain = %transfer.facts.blockchain,
        txn_hash = transfer.id.txn_hash, value = %transfer.facts.value, coin = %transfer.facts.coin, "order paid"
    );
    outbox::queue_order_event(tx, config, &order)?;
    reassign_candidates_of(tx, config, row)
}

/// The payment that was on its way when an admin marked its order as paid is confirmed: it has paid the order. Everybody
/// has been told that the order is paid.
fn bind(
    tx: &mut Tx<'_>,
    transfer: &StoredTransfer,
    deposit: i64,
    order_row: i64,
) -> Result<(), StoreError> {
    let order = orders::at(tx, order_row)?;
    let paid_at = order.closed_at.unwrap_or(tx.now);
    // The amount was checked when the order was made.
    let by_hand = Amount::parse(&order.new.amount).unwrap_or(Amount::ZERO);
    daily::take_payment_back(tx, paid_at, Source::ByHand, by_hand)?;
    daily::add_payment(tx, paid_at, source(transfer), transfer.facts.value)?;
    deposits::fulfil(tx, deposit)?;
    transfers::set_matched(tx, transfer.row, deposit, false)?;
    orders::show_transfer(tx, order_row, Some(transfer.row))?;
    changes::note_order(tx, Kind::PaymentChanged, order_row)?;
    tx.announce(Change::Order(order.id));
    tracing::info!(
        order = %order.id, transfer = transfer.row, txn_hash = transfer.id.txn_hash,
        "the payment of an order that was marked as paid is confirmed"
    );
    Ok(())
}

fn source(transfer: &StoredTransfer) -> Source<'_> {
    Source::Transfer {
        blockchain: transfer.facts.blockchain.as_str(),
        coin: transfer.facts.coin.as_str(),
    }
}

/// Whether a deposit with a tail on exactly this value is open: its shopper may have sent the bare value.
fn tail_may_have_been_dropped(
    tx: &Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
) -> Result<bool, StoreError> {
    let max_tail = config.payments.max_tail.to_micros().unwrap_or(0);
    let amounts = deposits::order_amounts_above(tx, &transfer.facts, max_tail)?;
    let value = transfer.facts.value;
    Ok(amounts.iter().any(|a| Amount::parse(a) == Ok(value)))
}

fn settle_failed(
    tx: &mut Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
    verdict: &Verdict,
    head: Head,
) -> Result<(), StoreError> {
    match verdict {
        Verdict::Stands(block) => come_back(tx, config, transfer, block, head),
        _ if transfer
            .failed_at
            .is_some_and(|at| tx.now - at > MAY_COME_BACK) =>
        {
            transfers::unwatch(tx, transfer.row)
        }
        _ => Ok(()),
    }
}

/// A transfer that paid an order is checked until it is final. Gone, it leaves the order paid and raises an alarm.
fn settle_matched(
    tx: &mut Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
    verdict: &Verdict,
    head: Head,
) -> Result<(), StoreError> {
    let given_up = head.confirmations(transfer.block.number) >= 2 * DEPTH_OF_NO_RETURN;
    match verdict {
        Verdict::Unclear(_) | Verdict::Gone if given_up => transfers::unwatch(tx, transfer.row),
        Verdict::Unclear(_) => Ok(()),
        Verdict::Gone if transfer.vanished => Ok(()),
        Verdict::Gone => {
            tracing::error!(
                transfer = transfer.row, blockchain = %transfer.facts.blockchain, txn_hash = transfer.id.txn_hash,
                "ALARM: the transfer that paid an order has left the chain; the order stays paid"
            );
            if let Some(deposit) = transfer.fulfillment {
                let row = deposits::order_of(tx, deposit)?;
                alerts::vanished(tx, config, transfer, &orders::at(tx, row)?)?;
            }
            transfers::set_vanished(tx, transfer.row, true)
        }
        Verdict::Stands(block) => stand_by(tx, transfer, block, head),
    }
}

fn stand_by(
    tx: &mut Tx<'_>,
    transfer: &StoredTransfer,
    block: &BlockRef,
    head: Head,
) -> Result<(), StoreError> {
    if *block != transfer.block {
        transfers::move_to(tx, transfer.row, block)?;
    }
    if transfer.vanished {
        transfers::set_vanished(tx, transfer.row, false)?;
    }
    if head.is_final(block.number) {
        transfers::unwatch(tx, transfer.row)?;
    }
    Ok(())
}
