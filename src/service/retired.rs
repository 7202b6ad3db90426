//! Wallets that left the configuration while shoppers may still pay to them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::App;
use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::registry::Blockchain;
use crate::store::{Connection, Db, StoreError, counts, cursors, deposits, lost_deposits};

pub use crate::store::counts::OpenOn;

/// A choice under way by the old configuration is stored by then.
const CHOICES_END: Duration = Duration::from_secs(60);

/// A wallet that is watched on for the orders it was shown for.
#[derive(Clone, Debug)]
pub struct Retired {
    pub blockchain: Blockchain,
    pub address: Address,
    /// When it left the configuration, as far as this process knows.
    since: Instant,
}

/// The retired wallets by what is stored: those that had a deposit not longer ago than `payments.late_window`. A wallet on a
/// chain that could never be read has no cursor, but all its promises are open still.
pub fn at_start(db: &Db, config: &Config, now: UnixSeconds) -> Result<Vec<Retired>, StoreError> {
    db.read(|c| {
        let since = shown_since(config, now);
        let mut known: HashSet<_> = cursors::all(c)?.into_iter().collect();
        known.extend(deposits::wallets_of_open(c)?);
        let mut retired = Vec::new();
        for (blockchain, address) in known {
            if !is_configured(config, &blockchain, address)
                && may_be_paid(c, &blockchain, address, since)?
            {
                retired.push(Retired::now(blockchain, address));
            }
        }
        retired.iter().for_each(|wallet| wallet.tell(config));
        Ok(retired)
    })
}

/// The retired wallets after a reload: also those that just left, whatever is stored, since a choice of one may be
/// under way.
pub fn after_reload(
    before: &Config,
    config: &Config,
    retired: &[Retired],
    stored: Vec<Retired>,
) -> Vec<Retired> {
    let left = before
        .wallets
        .iter()
        .map(|wallet| Retired::now(wallet.blockchain.clone(), wallet.address));
    let mut all: Vec<Retired> = Vec::new();
    for wallet in left.chain(retired.iter().cloned()).chain(stored) {
        let known = all.iter().any(|other| other.is_same(&wallet));
        if !known && !is_configured(config, &wallet.blockchain, wallet.address) {
            all.push(wallet);
        }
    }
    all
}

fn may_be_paid(
    connection: &Connection,
    blockchain: &Blockchain,
    wallet: Address,
    since: UnixSeconds,
) -> Result<bool, StoreError> {
    Ok(deposits::any_lately(connection, blockchain, wallet, since)?
        || lost_deposits::any_lately(connection, blockchain, wallet, since)?)
}

/// Those that may still be paid.
pub fn review(
    db: &Db,
    config: &Config,
    retired: &[Retired],
    now: UnixSeconds,
) -> Result<Vec<Retired>, StoreError> {
    let since = shown_since(config, now);
    db.read(|c| {
        let mut kept = Vec::new();
        for wallet in retired {
            let young = wallet.since.elapsed() < CHOICES_END;
            if young || may_be_paid(c, &wallet.blockchain, wallet.address, since)? {
                kept.push(wallet.clone());
            } else {
                let (blockchain, wallet) = (&wallet.blockchain, &wallet.address);
                tracing::info!(%blockchain, %wallet, "retired wallet is no longer watched: nobody can pay to it any more");
            }
        }
        Ok(kept)
    })
}

/// Chains that left the configuration while shoppers may still pay on them: no payment there is seen.
pub fn left_chains(app: &App) -> Result<Vec<OpenOn>, StoreError> {
    let mut open = app.db().read(counts::open_on_each_chain)?;
    let config = app.config();
    open.retain(|open| config.chain(&open.blockchain).is_none());
    Ok(open)
}

impl Retired {
    fn now(blockchain: Blockchain, address: Address) -> Self {
        Self {
            blockchain,
            address,
            since: Instant::now(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.blockchain == other.blockchain && self.address == other.address
    }

    fn tell(&self, config: &Config) {
        let (blockchain, wallet) = (&self.blockchain, &self.address);
        match config.chain(blockchain) {
            Some(_) => {
                tracing::info!(%blockchain, %wallet, "wallet left the configuration; still watched for orders shown before");
            }
            None => {
                tracing::warn!(
                    %blockchain, %wallet,
                    "wallet left the configuration with its chain: payments for orders shown before are not seen until [chains] has it again"
                );
            }
        }
    }
}

fn shown_since(config: &Config, now: UnixSeconds) -> UnixSeconds {
    now - config.payments.late_window.as_secs() as i64
}

fn is_configured(config: &Config, blockchain: &Blockchain, address: Address) -> bool {
    let mut wallets = config.wallets.iter();
    wallets.any(|w| w.blockchain == *blockchain && w.address == address)
}
