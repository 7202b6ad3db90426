//! One pass over a chain: read up to the head, record what was found, look up what is ready, settle it.

mod beginning;
mod deciding;
mod heads;
mod notes;
mod reading;
mod second_look;
mod settling;
mod tokens;
mod witnesses;

use std::sync::Arc;

use self::notes::Notes;
use self::second_look::SecondLook;
use super::look_ups::PassError;
use crate::chain::Provider;
use crate::chain::pool::{ProviderStatus, Providers};
use crate::config::{ChainConfig, Config};
use crate::domain::registry::Blockchain;
use crate::service::App;
use crate::service::watching::ProviderReport;

/// Passes over one chain, and what they remember from one to the next.
pub struct Pass {
    app: App,
    blockchain: Blockchain,
    providers: Arc<Providers>,
    /// The lowest head since a pass last got as far as the cursors.
    lowest_head: u64,
    last_head: u64,
    /// When a head was last found to be true, in Unix milliseconds.
    read_at: Option<i64>,
    second_look: SecondLook,
    notes: Notes,
    tokens: tokens::Asked,
    in_vain: beginning::InVain,
    /// Who was asked last.
    asked: Option<Arc<dyn Provider>>,
}

impl Pass {
    pub fn new(app: App, blockchain: Blockchain, providers: Arc<Providers>) -> Self {
        Self {
            app,
            blockchain,
            providers,
            lowest_head: u64::MAX,
            last_head: 0,
            read_at: None,
            second_look: SecondLook::default(),
            notes: Notes::default(),
            tokens: tokens::Asked::default(),
            in_vain: beginning::InVain::default(),
            asked: None,
        }
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn blockchain(&self) -> &Blockchain {
        &self.blockchain
    }

    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// One pass, by one provider from head to look-ups.
    pub async fn tick(&mut self) -> Result<(), PassError> {
        let config = self.app.config();
        let Some(chain) = config.chain(&self.blockchain) else {
            return Ok(());
        };
        self.app.watching().pass_begins(&self.blockchain);
        let began_ms = self.app.clock().now_ms();
        let provider = self.providers.pick(began_ms).ok_or(PassError::NoneReady)?;
        if self
            .asked
            .as_ref()
            .is_none_or(|p| !Arc::ptr_eq(p, &provider))
        {
            self.notes.begin_anew();
            self.asked = Some(provider.clone());
        }
        let passed = self.pass(&config, chain, &provider, began_ms).await;
        let now_ms = self.app.clock().now_ms();
        match &passed {
            Ok(()) => {
                self.providers.succeeded(&provider, now_ms);
                self.app.watching().pass_succeeded(&self.blockchain);
            }
            Err(PassError::Provider(error)) => self.providers.failed(&provider, error, now_ms),
            Err(_) => {}
        }
        let reports = self.providers.status(now_ms).into_iter().map(report);
        self.app
            .watching()
            .report(&self.blockchain, reports.collect());
        passed
    }

    async fn pass(
        &mut self,
        config: &Config,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        began_ms: i64,
    ) -> Result<(), PassError> {
        self.record_second_look().await?;
        let head = self.head(chain, provider).await?;
        self.check_tokens(config, chain, provider).await?;
        self.start_new_wallets(chain, provider, head).await?;
        let read = self.read(chain, provider, head).await?;
        if !read.incomplete {
            self.note_read(chain, provider, head, began_ms).await?;
        }
        self.settle(chain, provider, head, &read).await
    }
}

fn report(status: ProviderStatus) -> ProviderReport {
    let (failing_since_ms, error) = status.failing.unzip();
    ProviderReport {
        label: status.label,
        in_use: status.current,
        head: status.head,
        lagging: status.lagging,
        failing_since_ms,
        error: error.map(|error| error.to_string()),
        day: status.day,
        requests_today: status.requests_today,
        errors_today: status.errors_today,
        daily_limit: status.daily_limit,
        budget: status.budget,
        budget_key: status.budget_key,
    }
}
