//! How much each provider was used today: kept, so that a restart forgets neither the counts nor what was spent of a plan.

use super::App;
use super::watching::ProviderReport;
use crate::domain::registry::Blockchain;
use crate::store::{StoreError, usage};

pub use crate::store::usage::Usage;

/// Stores what the watchers reported, where a provider was used since that was done last.
pub async fn save(app: &App) -> Result<(), StoreError> {
    let chains = app.watching().watched();
    let reported = chains.iter().flat_map(|chain| reported(app, chain));
    let mut used: Vec<Usage> = reported.collect();
    let stored = app.db().read(usage::all)?;
    used.retain(|usage| !stored.iter().any(|stored| is_the_same(stored, usage)));
    if used.is_empty() {
        return Ok(());
    }
    app.db().write(move |tx| usage::keep(tx, &used)).await
}

/// How much a chain's providers were used when that was reported last, be it before the start.
pub fn of_chain(app: &App, blockchain: &Blockchain) -> Result<Vec<Usage>, StoreError> {
    let mut known = reported(app, blockchain);
    let mut stored = app.db().read(usage::all)?;
    let is_new = |stored: &Usage| {
        let mut reported = known.iter();
        !reported.any(|known| (&known.provider, known.nth) == (&stored.provider, stored.nth))
    };
    stored.retain(|usage| usage.blockchain == *blockchain && is_new(usage));
    known.append(&mut stored);
    Ok(known)
}

fn reported(app: &App, blockchain: &Blockchain) -> Vec<Usage> {
    let mut found: Vec<Usage> = Vec::new();
    for report in app.watching().providers(blockchain) {
        let before = found.iter().filter(|usage| usage.provider == report.label);
        let nth = before.count() as u32;
        found.push(of_report(blockchain, nth, report));
    }
    found
}

fn of_report(blockchain: &Blockchain, nth: u32, report: ProviderReport) -> Usage {
    Usage {
        blockchain: blockchain.clone(),
        provider: report.label,
        nth,
        day: report.day,
        requests: report.requests_today,
        errors: report.errors_today,
        budget: report.budget,
        budget_key: report.budget_key,
    }
}

/// A budget that is only filled up needs no noting: by the time that went by one knows as much.
fn is_the_same(one: &Usage, other: &Usage) -> bool {
    let budget = None;
    let but_for_budget = |usage: &Usage| Usage {
        budget,
        ..usage.clone()
    };
    but_for_budget(one) == but_for_budget(other)
}
