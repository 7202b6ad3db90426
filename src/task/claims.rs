//! Answers questions about single transactions, one at a time, out of what watching a chain leaves over.

use std::sync::Arc;

use super::look_ups::ask;
use crate::chain::Provider;
use crate::chain::pool::Providers;
use crate::domain::address::Address;
use crate::domain::registry::Blockchain;
use crate::service::inquiries::Answer;
use crate::service::{App, StoreError, scan};

/// So many providers are asked before the chain is said to be silent.
const TRIES: usize = 2;

/// Answers for a chain as long as nobody else does.
pub async fn answer(app: &App, blockchain: &Blockchain, providers: &Providers) {
    let mut inquiries = app.inquiries().answer_for(blockchain);
    while let Some(inquiry) = inquiries.recv().await {
        if inquiry.is_stale() {
            continue;
        }
        let answer = look_up(app, blockchain, providers, &inquiry.txn_hash).await;
        inquiry.answer(answer.unwrap_or_else(|error| {
            tracing::error!(%blockchain, %error, "cannot look up a transaction that a shopper names");
            Answer::Silence
        }));
    }
}

async fn look_up(
    app: &App,
    blockchain: &Blockchain,
    providers: &Providers,
    txn_hash: &str,
) -> Result<Answer, StoreError> {
    let recipients = recipients(app, blockchain)?;
    for provider in spare(providers, app.clock().now_ms())
        .into_iter()
        .take(TRIES)
    {
        let (txn_hash, recipients) = (txn_hash.to_owned(), recipients.clone());
        match ask(&provider, move |p| p.receipt(&txn_hash, &recipients)).await {
            Ok(Some(receipt)) => return Ok(Answer::Mined(receipt)),
            Ok(None) => return Ok(Answer::Unknown),
            // Whether the provider is well is for the watcher to find out: a shopper could name what confuses it.
            Err(error) => tracing::debug!(
                %blockchain, provider = provider.label(), %error, "a look-up for a shopper failed"
            ),
        }
    }
    Ok(Answer::Silence)
}

/// The providers that are well, the one that watching goes by last: its budget is for that.
fn spare(providers: &Providers, now_ms: i64) -> Vec<Arc<dyn Provider>> {
    let mut ready = providers.ready(now_ms);
    if !ready.is_empty() {
        ready.rotate_left(1);
    }
    ready
}

/// The chain's wallets, and those of chains of its family: people send to the right address on the wrong network.
fn recipients(app: &App, blockchain: &Blockchain) -> Result<Vec<Address>, StoreError> {
    let config = app.config();
    let watched = scan::wallets(app, blockchain)?;
    let mut recipients: Vec<Address> = watched.into_iter().map(|wallet| wallet.address).collect();
    let family = config.chain(blockchain).map(|chain| chain.chain.family);
    for wallet in &config.wallets {
        if Some(wallet.address.family()) == family && !recipients.contains(&wallet.address) {
            recipients.push(wallet.address);
        }
    }
    Ok(recipients)
}
