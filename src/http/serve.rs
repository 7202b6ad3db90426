//! Accepting connections, and stopping without losing any.

mod connection;
mod descriptors;
mod pace;
mod places;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::connection::Connection;
use self::places::Refused;
use super::pages::CheckoutPage;
use crate::service::App;

pub(super) use self::descriptors::most_connections;
pub use self::descriptors::raise_limit;
pub(super) use self::places::{Place, Places, Reason, most_of_client};
pub use super::ws::Sockets;

/// How long running requests may take after the stop.
const GRACE: Duration = Duration::from_secs(10);
/// Out of file descriptors, the listener rests instead of spinning.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);
/// What a client is told that finds no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 36\r\nretry-after: 5\r\nconnection: close\r\n\r\ntoo many connections, try again soon";

/// Binds the address; separate from serving, so that a port in use is found before anything starts.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves everything until the token is cancelled, then lets running requests end and closes the WebSockets with 1001.
pub async fn serve(
    app: App,
    listener: TcpListener,
    checkout: CheckoutPage,
    extra: poem::Route,
    stop: CancellationToken,
) {
    let sockets = Sockets::new(&app);
    let routes = super::routes(&app, &sockets, checkout, extra);
    let closing = async {
        stop.cancelled().await;
        sockets.close().await;
    };
    let serving = async {
        let connections = serve_routes(&app, listener, routes, &stop).await;
        connections.end().await;
    };
    tokio::join!(serving, closing);
}

/// Connections that were accepted, and may still be answered.
pub struct Connections(TaskTracker);

impl Connections {
    /// Waits until all have ended, but not for long.
    pub async fn end(self) {
        self.0.close();
        if tokio::time::timeout(GRACE, self.0.wait()).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
    }
}

/// Serves these routes until the token is cancelled; then the address is free again.
pub async fn serve_routes(
    app: &App,
    listener: TcpListener,
    routes: BoxEndpoint<'static>,
    stop: &CancellationToken,
) -> Connections {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let server = Arc::new(Server {
        app: app.clone(),
        routes,
        places: Places::default(),
    });
    let connections = TaskTracker::new();
    loop {
        let accepted = stop.run_until_cancelled(accept(&listener)).await;
        let Some((stream, peer)) = accepted else {
            break;
        };
        match server.place(peer) {
            Ok(place) => {
                let connection = Connection::new(server.clone(), stream, peer, place);
                connections.spawn(connection.serve(stop.clone()));
            }
            Err(refused) => server.refuse(stream, &refused),
        }
    }
    Connections(connections)
}

/// What all connections share.
struct Server {
    app: App,
    routes: BoxEndpoint<'static>,
    places: Places,
}

impl Server {
    fn place(&self, peer: SocketAddr) -> Result<Place, Refused> {
        let config = self.app.config();
        let most = most_connections(config.server.max_connections);
        let proxy = config.server.trusts(peer.ip());
        let connections = &self.app.metrics().http.connections;
        self.places.take(peer.ip(), most, proxy, connections)
    }

    /// Says no, if that can be said at once. A new connection has room for this, but the runtime may not have heard of
    /// it yet: it is asked directly.
    fn refuse(&self, stream: TcpStream, refused: &Refused) {
        let reason = crate::metrics::Reason {
            reason: refused.reason.as_str(),
        };
        self.app.metrics().http.refused.get_or_create(&reason).inc();
        if refused.tell {
            tracing::warn!(
                reason = refused.reason.as_str(),
                most = refused.most,
                "connections are turned away; this is told once a minute at most"
            );
        }
        if let Ok(mut stream) = stream.into_std() {
            let _ = stream.write(NO_PLACE);
        }
    }
}

/// The next connection. Errors are passing: a client that left early, or no file descriptor for now.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection now");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
}
