//! How the chains are watched.

use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::registry::Blockchain;
use crate::service::App;
use crate::service::watching::ProviderReport;
use crate::store::{StoreError, cursors};

/// A chain that the merchant has a wallet on.
#[derive(Clone, Debug)]
pub struct ChainReport {
    pub blockchain: Blockchain,
    pub name: String,
    /// Whether somebody watches it.
    pub watched: bool,
    /// The newest block that a provider told of, and when, in Unix milliseconds.
    pub head: Option<(u64, i64)>,
    /// The block up to which all wallets have been read.
    pub scanned_to: Option<u64>,
    /// Until when everything mined has been read, in Unix milliseconds; since the start.
    pub read_until_ms: Option<i64>,
    pub degraded_since: Option<i64>,
    pub providers: Vec<ProviderReport>,
    pub wallets: Vec<(Address, Option<u64>)>,
}

/// All chains with a wallet, by name.
pub async fn list(app: &App) -> Result<Vec<ChainReport>, StoreError> {
    let (reporting, config) = (app.clone(), app.config());
    app.db()
        .read_long(move |c| {
            let watched = config.chains.keys();
            let watched = watched.filter(|b| config.wallets.iter().any(|w| w.blockchain == **b));
            watched
                .map(|blockchain| report(&reporting, &config, c, blockchain))
                .collect()
        })
        .await
}

fn report(
    app: &App,
    config: &Config,
    connection: &crate::store::Connection,
    blockchain: &Blockchain,
) -> Result<ChainReport, StoreError> {
    let watching = app.watching();
    let wallets = config
        .wallets
        .iter()
        .filter(|w| w.blockchain == *blockchain);
    let wallets: Vec<(Address, Option<u64>)> = wallets
        .map(|w| {
            let cursor = cursors::find(connection, blockchain, w.address)?;
            Ok((w.address, cursor.map(|c| c.scanned_to)))
        })
        .collect::<Result<_, StoreError>>()?;
    let providers = watching.providers(blockchain);
    let name = config.chain(blockchain).map(|c| c.chain.name.clone());
    Ok(ChainReport {
        blockchain: blockchain.clone(),
        name: name.unwrap_or_else(|| blockchain.to_string()),
        watched: watching.is_watched(blockchain),
        head: providers.iter().filter_map(|p| p.head).max(),
        scanned_to: wallets.iter().map(|(_, to)| *to).min().flatten(),
        read_until_ms: watching.read_until(blockchain),
        degraded_since: watching.degraded_since(blockchain),
        providers,
        wallets,
    })
}
