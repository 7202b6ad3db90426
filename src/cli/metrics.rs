//! `/metrics` on an address of its own, wherever the configuration wants it at the moment.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::bind::bind_at;
use crate::http::metrics_routes;
use crate::http::serve::serve_routes;
use crate::service::App;

/// The setting that names the address.
const KEY: &str = "server.metrics_listen";

/// Binds the configured address, if there is one.
pub async fn listener(app: &App) -> Result<Option<TcpListener>, String> {
    match app.config().server.metrics_listen {
        Some(address) => bind_at(address, KEY).await.map(Some),
        None => Ok(None),
    }
}

/// Serves until the stop. Where a reload names an address that cannot be had, the old one stays.
pub async fn serve(app: App, first: Option<TcpListener>, stop: CancellationToken) {
    let mut changes = app.settings_changes();
    let first = first.zip(app.config().server.metrics_listen);
    let mut serving = first.map(|(listener, at)| Serving::start(&app, listener, at, &stop));
    while stop.run_until_cancelled(changes.changed()).await.is_some() {
        let wanted = app.config().server.metrics_listen;
        if wanted != serving.as_ref().map(|old| old.address) {
            serving = moved(&app, serving, wanted, &stop).await;
        }
    }
}

/// Serves at another address, or nowhere any more.
async fn moved(
    app: &App,
    mut old: Option<Serving>,
    wanted: Option<SocketAddr>,
    stop: &CancellationToken,
) -> Option<Serving> {
    let Some(wanted) = wanted else {
        if let Some(old) = old {
            old.close().await;
        }
        return None;
    };
    // The same port cannot be had beside the old one where one of the two is every address of this machine.
    let in_the_way = old.take_if(|old| old.address.port() == wanted.port());
    let before = match in_the_way {
        Some(old) => Some(old.close().await),
        None => None,
    };
    match bind_at(wanted, KEY).await {
        Ok(listener) => {
            if let Some(old) = old {
                old.close().await;
            }
            Some(Serving::start(app, listener, wanted, stop))
        }
        Err(error) => {
            tracing::error!("server.metrics_listen: {error}");
            match before {
                Some(address) => go_back(app, address, stop).await,
                None => old,
            }
        }
    }
}

async fn go_back(app: &App, address: SocketAddr, stop: &CancellationToken) -> Option<Serving> {
    match bind_at(address, KEY).await {
        Ok(listener) => Some(Serving::start(app, listener, address, stop)),
        Err(error) => {
            tracing::error!("server.metrics_listen: back at the old address: {error}");
            None
        }
    }
}

/// Who serves, and where.
struct Serving {
    address: SocketAddr,
    stop: CancellationToken,
    /// Comes when the address is free again.
    closed: oneshot::Receiver<()>,
}

impl Serving {
    fn start(
        app: &App,
        listener: TcpListener,
        address: SocketAddr,
        stop: &CancellationToken,
    ) -> Self {
        let (app, stop) = (app.clone(), stop.child_token());
        let (told, closed) = oneshot::channel();
        let until = stop.clone();
        tokio::spawn(async move {
            let routes = metrics_routes(&app);
            let connections = serve_routes(&app, listener, routes, &until).await;
            let _ = told.send(());
            connections.end().await;
        });
        Self {
            address,
            stop,
            closed,
        }
    }

    /// Accepts nobody any more; gives the address, which is free. Running requests end by themselves.
    async fn close(self) -> SocketAddr {
        self.stop.cancel();
        let _ = self.closed.await;
        self.address
    }
}
