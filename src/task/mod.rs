//! What happens by itself: loops around ticks, which tests call directly.

pub mod alert;
pub mod claims;
pub mod deliver;
pub mod every;
pub mod lateness;
mod left_chains;
pub mod look_ups;
pub mod outages;
pub mod pass;
pub mod trials;
pub mod usage;
pub mod watch;
mod watchers;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::watchers::Watchers;
use crate::chain::simulated::SimulatedChain;
use crate::service::App;
use crate::service::{expire, prune};

/// How often overdue orders are looked for.
const EXPIRE_EVERY: Duration = Duration::from_millis(500);
/// How often outages of chains are looked for.
const OUTAGES_EVERY: Duration = Duration::from_secs(1);
/// How often what is of no use any more is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How often it is stored how much providers were used.
const SAVE_USAGE_EVERY: Duration = Duration::from_secs(60);
/// Before a loop that crashed is started anew.
const AFTER_CRASH: Duration = Duration::from_secs(1);

/// Starts everything that happens by itself; it ends, each thing at a point where nothing is half done, after the
/// token is cancelled.
pub fn start(
    app: &App,
    simulated: Option<&SimulatedChain>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let mut watchers = Watchers::new(app.clone(), simulated.cloned(), tasks.clone(), stop.clone());
    // Here and now, so that no order is treated as one whose chain nobody watches.
    watchers.adjust();
    tasks.spawn(watchers.run());
    let (delivering, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "delivering webhooks", move || {
        deliver::run(delivering.clone(), stopped.clone())
    });
    let (looking, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "looking for late webhooks", move || {
        lateness::run(looking.clone(), stopped.clone())
    });
    let (trying, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "sending test webhooks", move || {
        trials::run(trying.clone(), stopped.clone())
    });
    let (expiring, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "expiring orders", move || {
        let app = expiring.clone();
        every::run(
            "expiring orders",
            EXPIRE_EVERY,
            stopped.clone(),
            move || {
                let app = app.clone();
                async move { expire::expire_due(&app).await.map(|_| false) }
            },
        )
    });
    let (telling, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "telling of outages", move || {
        let app = telling.clone();
        every::run(
            "telling of outages",
            OUTAGES_EVERY,
            stopped.clone(),
            move || {
                let app = app.clone();
                async move {
                    outages::tell(&app).await;
                    Ok(false)
                }
            },
        )
    });
    let (alerting, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "sending alerts", move || {
        alert::run(alerting.clone(), stopped.clone())
    });
    let (saving, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "storing how much providers were used", move || {
        let app = saving.clone();
        every::run(
            "storing how much providers were used",
            SAVE_USAGE_EVERY,
            stopped.clone(),
            move || {
                let app = app.clone();
                async move { crate::service::usage::save(&app).await.map(|()| false) }
            },
        )
    });
    let (pruning, stopped) = (app.clone(), stop.clone());
    keep_running(tasks, "pruning", move || {
        let app = pruning.clone();
        every::run("pruning", PRUNE_EVERY, stopped.clone(), move || {
            let app = app.clone();
            async move {
                app.review_retired()?;
                prune::prune(&app).await
            }
        })
    });
}

/// Runs a loop, and runs it anew should a bug make it panic: a chain must not go unwatched because of one.
fn keep_running<F, Fut>(tasks: &TaskTracker, name: &'static str, run: F) -> JoinHandle<()>
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    tasks.spawn(async move {
        while let Err(error) = tokio::spawn(run()).await {
            tracing::error!(%error, "{name} crashed; starting it anew");
            tokio::time::sleep(AFTER_CRASH).await;
        }
    })
}
