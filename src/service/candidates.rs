//! Which deposit a waiting transfer is about to pay, and what the order's readers see of it.

use crate::config::{Config, Wallet, of_one_worth};
use crate::domain::address::{Address, Family};
use crate::domain::confirmation::Head;
use crate::domain::deposit::Deposit;
use crate::domain::matching;
use crate::domain::order::{HOLD, Order, OrderStatus};
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::transfer::{BlockRef, Transfer};
use crate::store::changes::{self, Kind};
use crate::store::transfers::StoredTransfer;
use crate::store::{Change, StoreError, Tx, deposits, lost_deposits, orders, transfers};

/// Finds the open deposit that a waiting transfer will pay, if it stands, and shows it to that order's readers.
/// Where equal deposits share a value, one that no other waiting transfer will pay comes first.
pub fn assign_candidate(tx: &mut Tx<'_>, config: &Config, row: i64) -> Result<(), StoreError> {
    let transfer = transfers::at(tx, row)?;
    if let Some((_, order)) = bound_deposit(tx, &transfer)? {
        return refresh_shown(tx, order, true);
    }
    if !coin_pays(config, &transfer) {
        return Ok(());
    }
    let open = deposits::open_at(tx, &transfer.facts)?;
    let mut unclaimed = Vec::new();
    for deposit in &open {
        if !transfers::is_claimed(tx, deposit.id, row)? {
            unclaimed.push(deposit.clone());
        }
    }
    let first = matching::deposit_paid_by(&transfer.facts, &unclaimed);
    let first = first.or_else(|| matching::deposit_paid_by(&transfer.facts, &open));
    let deposit = match first.cloned() {
        Some(deposit) => Some(deposit),
        None => deposit_on_another_chain(tx, config, &transfer.facts)?,
    };
    let Some(deposit) = deposit else {
        return Ok(());
    };
    transfers::set_candidate(tx, row, Some(deposit.id))?;
    deposits::mark_transfer_seen(tx, deposit.id)?;
    let order = deposits::order_of(tx, deposit.id)?;
    refresh_shown(tx, order, true)
}

/// An order is closed: the other transfers that were going to pay it may fit an equal deposit of another.
pub fn reassign_candidates_of(
    tx: &mut Tx<'_>,
    config: &Config,
    order_row: i64,
) -> Result<(), StoreError> {
    for transfer in transfers::waiting_with_candidates_of(tx, order_row)? {
        transfers::set_candidate(tx, transfer, None)?;
        assign_candidate(tx, config, transfer)?;
    }
    Ok(())
}

/// The deposit and the order that a waiting transfer will pay although the order is paid: an admin marked the order as
/// paid while the transfer was on its way, or had just left the chain, and no other transfer has paid it since.
pub fn bound_deposit(
    tx: &Tx<'_>,
    transfer: &StoredTransfer,
) -> Result<Option<(i64, i64)>, StoreError> {
    let Some(deposit) = transfer.candidate else {
        return Ok(None);
    };
    let order = deposits::order_of(tx, deposit)?;
    let bound = is_paid_by_hand(tx, &orders::at(tx, order)?)?;
    Ok(bound.then_some((deposit, order)))
}

/// Whether an order was marked as paid by an admin, and no transfer has paid it.
pub fn is_paid_by_hand(tx: &Tx<'_>, order: &Order) -> Result<bool, StoreError> {
    Ok(order.status == OrderStatus::Paid && !deposits::any_fulfilled(tx, order.row)?)
}

/// Sets the payment that an order shows which no transfer has paid yet: of a pending one, and of one that an admin marked
/// as paid. Announces the order if that changed, or if `changed` says that the payment itself did.
pub fn refresh_shown(tx: &mut Tx<'_>, order_row: i64, changed: bool) -> Result<(), StoreError> {
    let order = orders::at(tx, order_row)?;
    let since = match order.status {
        OrderStatus::Pending => tx.now - HOLD,
        // Nothing is held up by it, so that it may wait as long as it likes.
        OrderStatus::Paid if is_paid_by_hand(tx, &order)? => i64::MIN,
        _ => return Ok(()),
    };
    let shown = transfers::waiting_for_order(tx, order_row, since)?;
    let moved = orders::show_transfer(tx, order_row, shown)?;
    if moved {
        changes::note_order(tx, Kind::PaymentChanged, order_row)?;
    }
    if moved || changed {
        tx.announce(Change::Order(order.id));
    }
    Ok(())
}

/// The transfer will not pay the deposit that it was going to pay.
pub fn drop_candidate(tx: &mut Tx<'_>, transfer: &StoredTransfer) -> Result<(), StoreError> {
    let Some(deposit) = transfer.candidate else {
        return Ok(());
    };
    transfers::set_candidate(tx, transfer.row, None)?;
    let order = deposits::order_of(tx, deposit)?;
    refresh_shown(tx, order, false)
}

/// A transfer that was gone is back: it starts again at one confirmation, with the time of its earliest block. The order that it was
/// going to pay may be closed by now.
pub fn come_back(
    tx: &mut Tx<'_>,
    config: &Config,
    known: &StoredTransfer,
    block: &BlockRef,
    head: Head,
) -> Result<(), StoreError> {
    transfers::move_to(tx, known.row, block)?;
    transfers::revive(tx, known.row, head.confirmations(block.number))?;
    tracing::info!(
        transfer = known.row,
        txn_hash = known.id.txn_hash,
        "transfer came back"
    );
    if bound_deposit(tx, known)?.is_none() {
        transfers::set_candidate(tx, known.row, None)?;
    }
    assign_candidate(tx, config, known.row)
}

/// Whether the transfer's contract counts as its coin: others are recorded, but pay nothing.
pub fn coin_pays(config: &Config, transfer: &StoredTransfer) -> bool {
    let chain = config.chain(&transfer.facts.blockchain);
    chain
        .and_then(|c| c.chain.token(&transfer.id.contract))
        .is_some_and(|token| token.enabled)
}

/// The other chains on which a transfer could pay a deposit on this chain, in this coin, to this wallet: what
/// [`deposit_on_another_chain`] allows.
pub fn other_chains_that_pay<'a>(
    config: &'a Config,
    (blockchain, coin, wallet): &'a (Blockchain, Coin, Address),
) -> impl Iterator<Item = &'a Blockchain> {
    let accepted = config.payments.accept_other_chain && wallet.family() == Family::Evm;
    let takes = move |w: &&Wallet| {
        accepted
            && w.address == *wallet
            && w.enabled_coins.contains(coin)
            && w.blockchain != *blockchain
            && of_one_worth(&w.blockchain, blockchain)
    };
    config.wallets.iter().filter(takes).map(|w| &w.blockchain)
}

/// The deposit that a transfer pays which came on another chain than was asked for, where the merchant accepts that.
pub fn deposit_on_another_chain(
    tx: &Tx<'_>,
    config: &Config,
    transfer: &Transfer,
) -> Result<Option<Deposit>, StoreError> {
    let takes = |w: &Wallet| w.address == transfer.recipient;
    let accepted = config
        .wallets_for(&transfer.blockchain, &transfer.coin)
        .any(takes);
    if !config.payments.accept_other_chain || !accepted {
        return Ok(None);
    }
    let since = tx.now - config.payments.late_window.as_secs() as i64;
    let chains = config.chains.keys();
    let chains: Vec<_> = chains
        .filter(|chain| of_one_worth(chain, &transfer.blockchain))
        .collect();
    let mut kept = Vec::new();
    for blockchain in &chains {
        kept.extend(deposits::kept_on(tx, blockchain, transfer, since)?);
    }
    let Some(deposit) = matching::other_chain_deposit_paid_by(transfer, &kept) else {
        return Ok(None);
    };
    for blockchain in chains {
        if lost_deposits::may_be_meant(tx, blockchain, transfer, deposit.id, since)? {
            return Ok(None);
        }
    }
    Ok(Some(deposit.clone()))
}
