//! The server while it runs: everything started, everything stopped in order.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lifecycle::{Lifecycle, Step};
use super::metrics;
use super::reload::Source;
use super::systemd::Supervisor;
use crate::chain::simulated::SimulatedChain;
use crate::http::pages::CheckoutPage;
use crate::http::serve::{raise_limit, serve};
use crate::service::{App, usage};
use crate::task;

/// How long running passes and webhook attempts may take after the stop.
const GRACE: Duration = Duration::from_secs(10);

/// What a server is made of, beyond its application.
pub struct Parts {
    pub listener: TcpListener,
    pub checkout: CheckoutPage,
    /// Routes beside the server's own.
    pub extra: poem::Route,
    /// The demo's chain.
    pub simulated: Option<SimulatedChain>,
    /// Where the configuration is read again at a SIGHUP; the demo has none.
    pub source: Option<Source>,
}

/// Runs until SIGTERM or SIGINT: then stops accepting, closes the WebSockets, lets passes and webhook attempts end, and
/// closes the database.
pub async fn run(app: App, parts: Parts) -> Result<(), String> {
    let Parts {
        listener,
        checkout,
        extra,
        simulated,
        source,
    } = parts;
    let metrics_listener = metrics::listener(&app).await?;
    raise_limit(&app.config().server);
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let lifecycle = Lifecycle::default();
    task::start(&app, simulated.as_ref(), &tasks, &stop);
    tasks.spawn(reload_on_signal(
        app.clone(),
        source,
        lifecycle.clone(),
        listen(SignalKind::hangup())?,
        stop.clone(),
    ));
    tasks.spawn(metrics::serve(app.clone(), metrics_listener, stop.clone()));
    if let Some(supervisor) = Supervisor::from_environment() {
        supervisor.follow(&app, &lifecycle, &tasks, &stop);
    }
    tasks.close();
    stop_on_signal(stop.clone())?;
    lifecycle.tell(Step::Ready);
    let serving = serve(app.clone(), listener, checkout, extra, stop.clone());
    let working = async {
        stop.cancelled().await;
        lifecycle.tell(Step::Stopping);
        tokio::time::timeout(GRACE, tasks.wait()).await
    };
    let ((), worked) = tokio::join!(serving, working);
    if worked.is_err() {
        tracing::warn!("some work did not end in time; it will be done again after the next start");
    }
    if let Err(error) = usage::save(&app).await {
        tracing::warn!(%error, "how much providers were used in the last minute could not be stored");
    }
    drop(app);
    tracing::info!("stopped");
    Ok(())
}

/// Reloads at each SIGHUP until the stop. One that comes during a reload is followed by another reload.
async fn reload_on_signal(
    app: App,
    source: Option<Source>,
    lifecycle: Lifecycle,
    mut hangup: Signal,
    stop: CancellationToken,
) {
    while stop.run_until_cancelled(hangup.recv()).await.is_some() {
        let Some(source) = &source else {
            tracing::warn!("SIGHUP: the demo has no configuration to reload");
            continue;
        };
        lifecycle.tell(Step::Reloading);
        source.reload(&app).await;
        lifecycle.tell(Step::Ready);
    }
}

fn listen(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|error| format!("cannot listen for signals: {error}"))
}

fn stop_on_signal(stop: CancellationToken) -> Result<(), String> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
        // A second Ctrl-C means now; killing it at any instant is safe.
        interrupt.recv().await;
        std::process::exit(130);
    });
    Ok(())
}

/// A write beyond the limit on the size of files (`ulimit -f`) ends a program without a word; taken, it is an error like that
/// of a full disk, which is survived.
fn survive_limits_on_files() -> Result<(), String> {
    // Once taken, it stays taken for the process's life.
    listen(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

/// Runs the server's future on a runtime of its own. Calls to providers and receivers that still hang at the end are
/// left behind.
pub fn block_on(server: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let done = runtime.block_on(async {
        survive_limits_on_files()?;
        server.await
    });
    runtime.shutdown_background();
    done
}
