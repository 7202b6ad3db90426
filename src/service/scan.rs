//! Recording what a pass over a chain found, and how far it got.

use super::App;
use super::candidates::{assign_candidate, come_back, refresh_shown};
use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::amount::Amount;
use crate::domain::confirmation::Head;
use crate::domain::registry::{Blockchain, Chain, Token};
use crate::domain::scanning::Cursor;
use crate::domain::transfer::{BlockRef, ChainTransfer, TransferStatus};
use crate::metrics;
use crate::store::transfers::StoredTransfer;
use crate::store::{StoreError, Tx, cursors, deposits, transfers};

/// A wallet of a chain and how far its chain has been read, if it ever was.
#[derive(Clone, Debug)]
pub struct WatchedWallet {
    pub address: Address,
    pub cursor: Option<Cursor>,
    pub starting_tx: Option<String>,
}

/// What one scan brought: the transfers in blocks `from..=through` for these wallets.
#[derive(Clone, Debug)]
pub struct Found {
    pub wallets: Vec<Address>,
    pub from: u64,
    pub through: u64,
    pub transfers: Vec<ChainTransfer>,
    /// The head by which the pass goes.
    pub head: Head,
}

/// The wallets of a chain with their cursors: the configured ones, and those that left the configuration not long ago.
pub fn wallets(app: &App, blockchain: &Blockchain) -> Result<Vec<WatchedWallet>, StoreError> {
    // Together: a wallet that a reload moves from the one to the other is in neither of two looks.
    let (config, retired) = app.config_and_retired_wallets();
    let configured = config
        .wallets
        .iter()
        .filter(|w| w.blockchain == *blockchain);
    let configured = configured.map(|w| (w.address, w.starting_tx.clone()));
    let retired = retired.iter().filter(|w| w.blockchain == *blockchain);
    let retired = retired.map(|w| (w.address, None));
    app.db().read(|c| {
        configured
            .chain(retired)
            .map(|(address, starting_tx)| {
                let cursor = cursors::find(c, blockchain, address)?;
                Ok(WatchedWallet {
                    address,
                    cursor,
                    starting_tx,
                })
            })
            .collect()
    })
}

/// Since when a wallet that is watched for the first time may have been paid already: when its oldest deposit was opened, if
/// the chain could not be read since. Who cancelled meanwhile may have paid before.
pub fn promised_since(
    app: &App,
    blockchain: &Blockchain,
    wallet: Address,
) -> Result<Option<UnixSeconds>, StoreError> {
    app.db().read(|c| deposits::oldest(c, blockchain, wallet))
}

/// Begins watching a wallet at a block.
pub async fn start_wallet(
    app: &App,
    blockchain: Blockchain,
    wallet: Address,
    first: u64,
) -> Result<(), StoreError> {
    app.db()
        .write(move |tx| cursors::set(tx, &blockchain, wallet, Cursor::starting_at(first)))
        .await
}

/// Stores what a scan found and moves the cursors, in one transaction. What is known already is left as it is, so
/// that scanning the same blocks again changes nothing.
pub async fn record(app: &App, blockchain: Blockchain, found: Found) -> Result<(), StoreError> {
    let config = app.config();
    let detection = app
        .metrics()
        .payments
        .detection
        .get_or_create_owned(&metrics::Chain::new(&blockchain));
    let detected: Result<Vec<UnixSeconds>, StoreError> = app
        .db()
        .write(move |tx| {
            let Some(chain) = config.chain(&blockchain) else {
                return Ok(vec![]);
            };
            let recording = Recording::new(tx, &config, &chain.chain, found.head)?;
            let mut detected = Vec::new();
            for seen in &found.transfers {
                if recording.store(tx, seen)? {
                    detected.push(tx.now - seen.block.timestamp);
                }
            }
            for wallet in &found.wallets {
                let Some(cursor) = cursors::find(tx, &blockchain, *wallet)? else {
                    continue;
                };
                let moved = cursor.advanced(found.from, found.through);
                if moved != cursor {
                    cursors::set(tx, &blockchain, *wallet, moved)?;
                }
            }
            Ok(detected)
        })
        .await;
    for seconds in detected? {
        detection.observe(seconds.max(0) as f64);
    }
    Ok(())
}

struct Recording<'a> {
    config: &'a Config,
    chain: &'a Chain,
    /// All addresses that are ours: what they send is never a payment.
    ours: Vec<Address>,
    head: Head,
}

impl<'a> Recording<'a> {
    fn new(
        tx: &Tx<'_>,
        config: &'a Config,
        chain: &'a Chain,
        head: Head,
    ) -> Result<Self, StoreError> {
        let mut ours = cursors::wallets(tx, &chain.blockchain)?;
        ours.extend(config.wallets.iter().map(|w| w.address));
        Ok(Self {
            config,
            chain,
            ours,
            head,
        })
    }

    /// Stores one; whether it is new and about to pay an order.
    fn store(&self, tx: &mut Tx<'_>, seen: &ChainTransfer) -> Result<bool, StoreError> {
        let Some((token, value)) = self.counts(tx, seen)? else {
            return Ok(false);
        };
        match transfers::find(tx, &self.chain.blockchain, &seen.id)? {
            None => return self.store_new(tx, seen, token, value),
            Some(known) if known.status == TransferStatus::FailedToConfirm => {
                come_back(tx, self.config, &known, &seen.block, self.head)?;
            }
            Some(known) if known.block != seen.block => note_block(tx, &known, &seen.block)?,
            Some(known) if known.vanished => transfers::set_vanished(tx, known.row, false)?,
            Some(_) => {}
        }
        Ok(false)
    }

    /// The token and value of a transfer that may be money for us; `None` for what is ignored outright.
    fn counts(
        &self,
        tx: &Tx<'_>,
        seen: &ChainTransfer,
    ) -> Result<Option<(&'a Token, Amount)>, StoreError> {
        let Some(token) = self.chain.token(&seen.id.contract) else {
            return Ok(None);
        };
        if seen.id.units == 0 || self.ours.contains(&seen.id.sender) {
            return Ok(None);
        }
        let cursor = cursors::find(tx, &self.chain.blockchain, seen.id.recipient)?;
        if cursor.is_none_or(|cursor| seen.block.number < cursor.first) {
            return Ok(None);
        }
        Ok(Amount::from_base_units(seen.id.units, token.decimals)
            .ok()
            .map(|value| (token, value)))
    }

    fn store_new(
        &self,
        tx: &mut Tx<'_>,
        seen: &ChainTransfer,
        token: &Token,
        value: Amount,
    ) -> Result<bool, StoreError> {
        let chain = &self.chain.blockchain;
        let required = self.chain.confirmations.required();
        let row = transfers::insert(tx, chain, &token.coin, value, seen, required)?;
        transfers::set_confirmations(tx, row, self.head.confirmations(seen.block.number))?;
        if token.enabled {
            assign_candidate(tx, self.config, row)?;
        }
        Ok(transfers::at(tx, row)?.candidate.is_some())
    }
}

/// A reorg put a transfer into another block.
fn note_block(tx: &mut Tx<'_>, known: &StoredTransfer, block: &BlockRef) -> Result<(), StoreError> {
    transfers::move_to(tx, known.row, block)?;
    if known.vanished {
        transfers::set_vanished(tx, known.row, false)?;
    }
    match known.candidate {
        Some(deposit) => {
            let order = deposits::order_of(tx, deposit)?;
            refresh_shown(tx, order, true)
        }
        None => Ok(()),
    }
}
