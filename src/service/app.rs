//! What all use cases share.

use std::sync::{Arc, RwLock};

use tokio::sync::{Notify, watch};

use super::hub::Hub;
use super::inquiries::Inquiries;
use super::retired::{self, Retired};
use super::tickets::Tickets;
use super::trials::Trials;
use super::watching::Watching;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::registry::Blockchain;
use crate::domain::signature::Keys;
use crate::metrics::Metrics;
use crate::store::{Change, Db, Lock, StoreError};

/// The running application: cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    db: Db,
    clock: Clock,
    settings: RwLock<Settings>,
    /// Sent to when the settings have changed.
    changes: watch::Sender<()>,
    metrics: Metrics,
    signals: Arc<Signals>,
    tickets: Tickets,
    inquiries: Inquiries,
    trials: Trials,
}

/// What a reload replaces, in one piece.
struct Settings {
    config: Arc<Config>,
    retired: Arc<Vec<Retired>>,
}

/// Who is told what after a commit.
struct Signals {
    hub: Hub,
    watching: Watching,
    outbox: Notify,
    feed: Notify,
}

impl Signals {
    fn announce(&self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Order(id) => self.hub.announce(id),
                Change::Chain(blockchain) => self.watching.wake(&blockchain),
                Change::Outbox => self.outbox.notify_one(),
                Change::Feed => self.feed.notify_waiters(),
            }
        }
    }
}

impl App {
    /// Locks and opens the database, and makes the application ready for requests.
    pub fn open(config: Config, clock: Clock) -> Result<Self, StoreError> {
        let lock = Lock::on(&config.database.path)?;
        Self::open_locked(config, clock, lock)
    }

    /// [`App::open`] with the lock of its database, which was taken before.
    pub fn open_locked(config: Config, clock: Clock, lock: Lock) -> Result<Self, StoreError> {
        let signals = Arc::new(Signals {
            hub: Hub::default(),
            watching: Watching::new(clock.clone()),
            outbox: Notify::default(),
            feed: Notify::default(),
        });
        let announced = signals.clone();
        let metrics = Metrics::default();
        let commits = metrics.commits.clone();
        let db = Db::open(lock, clock.clone(), commits, move |changes| {
            announced.announce(changes);
        })?;
        let retired = retired::at_start(&db, &config, clock.now())?;
        Ok(Self(Arc::new(Shared {
            settings: RwLock::new(Settings {
                config: Arc::new(config),
                retired: Arc::new(retired),
            }),
            changes: watch::Sender::default(),
            db,
            clock,
            metrics,
            signals,
            tickets: Tickets::default(),
            inquiries: Inquiries::default(),
            trials: Trials::default(),
        })))
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The configuration as of now; hold it for one piece of work only.
    pub fn config(&self) -> Arc<Config> {
        self.settings(|settings| settings.config.clone())
    }

    /// Goes by another configuration from now on. Work under way ends by the one that it began with.
    /// `server.listen` and `database.path` are of no effect here.
    pub fn reconfigure(&self, config: Config) -> Result<(), StoreError> {
        let (before, retired) = self.config_and_retired_wallets();
        let at_start = retired::at_start(self.db(), &config, self.clock().now())?;
        let retired = retired::after_reload(&before, &config, &retired, at_start);
        self.replace(|current| {
            *current = Settings {
                config: Arc::new(config),
                retired: Arc::new(retired),
            };
        });
        Ok(())
    }

    /// Forgets the retired wallets that nobody can pay to any more.
    pub fn review_retired(&self) -> Result<(), StoreError> {
        let (config, retired) = self.config_and_retired_wallets();
        let kept = retired::review(self.db(), &config, &retired, self.clock().now())?;
        if kept.len() < retired.len() {
            self.replace(|current| {
                // A reload in between has a list of its own.
                if Arc::ptr_eq(&current.retired, &retired) {
                    current.retired = Arc::new(kept);
                }
            });
        }
        Ok(())
    }

    /// The configuration as of now, and the wallets that left it but may still be paid: they were shown to shoppers not long ago.
    pub fn config_and_retired_wallets(&self) -> (Arc<Config>, Arc<Vec<Retired>>) {
        self.settings(|settings| (settings.config.clone(), settings.retired.clone()))
    }

    /// Is told of each change of the configuration and of the retired wallets.
    pub fn settings_changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    fn settings<T>(&self, look: impl FnOnce(&Settings) -> T) -> T {
        // Nothing panics while holding this lock, and if it did, the settings would still be whole.
        let settings = self.0.settings.read();
        look(&settings.unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn replace(&self, change: impl FnOnce(&mut Settings)) {
        let settings = self.0.settings.write();
        change(&mut settings.unwrap_or_else(|poisoned| poisoned.into_inner()));
        self.0.changes.send_replace(());
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub fn hub(&self) -> &Hub {
        &self.0.signals.hub
    }

    /// What is known of the chains' heads and passes.
    pub fn watching(&self) -> &Watching {
        &self.0.signals.watching
    }

    pub fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    /// Test webhooks.
    pub fn trials(&self) -> &Trials {
        &self.0.trials
    }

    /// Questions about single transactions.
    pub fn inquiries(&self) -> &Inquiries {
        &self.0.inquiries
    }

    /// Waits until a webhook has been queued since the last call.
    pub async fn outbox_changed(&self) {
        self.0.signals.outbox.notified().await;
    }

    /// Waits until the feed goes on. What happens from this call on is not missed, even before it is awaited.
    pub fn feed_changed(&self) -> impl Future<Output = ()> + '_ {
        self.0.signals.feed.notified()
    }

    /// Waits until there is more to watch on a chain.
    pub async fn chain_changed(&self, blockchain: &Blockchain) {
        self.watching().changed(blockchain).await;
    }
}

/// The secrets that verify signatures.
pub fn keys(config: &Config) -> Keys<'_> {
    Keys {
        secret: config.merchant.secret.expose(),
        previous: config.merchant.previous_secret.as_ref().map(|s| s.expose()),
    }
}
