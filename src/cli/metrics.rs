//! `/metrics` on an address of its own, wherever the configuration wants it at the moment.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::metrics_routes;
use crate::http::serve::{bind, serve_routes};
use crate::service::App;

/// Binds the configured address, if there is one.
pub async fn listener(app: &App) -> Result<Option<TcpListener>, String> {
    match app.config().server.metrics_listen {
        Some(address) => bind_at(address).await.map(Some),
        None => Ok(None),
    }
}

/// Serves until the stop. Where a reload names an address that cannot be had, the old one stays.
pub async fn serve(app: App, first: Option<TcpListener>, stop: CancellationToken) {
    let mut changes = app.settings_changes();
    let mut address = first.as_ref().and(app.config().server.metrics_listen);
    let mut serving = first.map(|listener| start(&app, listener, &stop));
    loop {
        if stop.run_until_cancelled(changes.changed()).await.is_none() {
            return;
        }
        let wanted = app.config().server.metrics_listen;
        if wanted == address {
            continue;
        }
        let listener = match listener(&app).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!("server.metrics_listen: {error}");
                continue;
            }
        };
        if let Some(old) = serving.take() {
            old.cancel();
        }
        serving = listener.map(|listener| start(&app, listener, &stop));
        address = wanted;
    }
}

fn start(app: &App, listener: TcpListener, stop: &CancellationToken) -> CancellationToken {
    let (app, stop) = (app.clone(), stop.child_token());
    let until = stop.clone();
    tokio::spawn(async move {
        let routes = metrics_routes(&app);
        serve_routes(&app, listener, routes, &until).await;
    });
    stop
}

async fn bind_at(address: SocketAddr) -> Result<TcpListener, String> {
    let bound = bind(address).await;
    bound.map_err(|error| format!("cannot listen on {address}: {error}"))
}
