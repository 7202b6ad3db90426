//! What all use cases share.

use std::sync::{Arc, RwLock};

use tokio::sync::Notify;

use super::hub::Hub;
use super::tickets::Tickets;
use super::watching::Watching;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::registry::Blockchain;
use crate::domain::signature::Keys;
use crate::store::{Change, Db, StoreError, cursors, deposits};

/// The running application: cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    db: Db,
    clock: Clock,
    config: RwLock<Arc<Config>>,
    signals: Arc<Signals>,
    tickets: Tickets,
    retired: Vec<(Blockchain, Address)>,
}

/// Who is told what after a commit.
#[derive(Default)]
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
    /// Opens the database and makes the application ready for requests.
    pub fn open(config: Config, clock: Clock) -> Result<Self, StoreError> {
        let signals = Arc::new(Signals::default());
        let announced = signals.clone();
        let db = Db::open(&config.database.path, clock.clone(), move |changes| {
            announced.announce(changes);
        })?;
        let retired = retired(&db, &config, &clock)?;
        Ok(Self(Arc::new(Shared {
            retired,
            db,
            clock,
            config: RwLock::new(Arc::new(config)),
            signals,
            tickets: Tickets::default(),
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
        let config = self.0.config.read();
        // Nothing panics while holding this lock, and if it did, the configuration would still be whole.
        config
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    pub fn hub(&self) -> &Hub {
        &self.0.signals.hub
    }

    /// Wallets that left the configuration but may still be paid: they were shown to shoppers not long ago.
    pub fn retired_wallets(&self) -> &[(Blockchain, Address)] {
        &self.0.retired
    }

    /// What is known of the chains' heads and passes.
    pub fn watching(&self) -> &Watching {
        &self.0.signals.watching
    }

    pub fn tickets(&self) -> &Tickets {
        &self.0.tickets
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

fn retired(
    db: &Db,
    config: &Config,
    clock: &Clock,
) -> Result<Vec<(Blockchain, Address)>, StoreError> {
    let since = clock.now() - config.payments.late_window.as_secs() as i64;
    let configured = |blockchain: &Blockchain, address: &Address| {
        config
            .wallets
            .iter()
            .any(|w| w.blockchain == *blockchain && w.address == *address)
    };
    db.read(|c| {
        let mut retired = Vec::new();
        for (blockchain, wallet) in cursors::all(c)? {
            if !configured(&blockchain, &wallet) && deposits::any_lately(c, &blockchain, wallet, since)? {
                tracing::info!(%blockchain, %wallet, "wallet left the configuration; still watched for orders shown before");
                retired.push((blockchain, wallet));
            }
        }
        Ok(retired)
    })
}

/// The secrets that verify signatures.
pub fn keys(config: &Config) -> Keys<'_> {
    Keys {
        secret: config.merchant.secret.expose(),
        previous: config.merchant.previous_secret.as_ref().map(|s| s.expose()),
    }
}
