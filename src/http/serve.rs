//! Accepting connections, and stopping without losing any.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use poem::Server;
use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::pages::CheckoutPage;

pub use super::ws::Sockets;
use crate::service::App;

/// How long running requests may take after the stop.
const GRACE: Duration = Duration::from_secs(10);
/// Out of file descriptors, the listener rests instead of spinning.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);

/// Binds the address; separate from serving, so that a port in use is found before anything starts.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until the token is cancelled, then lets running requests end and closes the WebSockets with 1001.
pub async fn serve(
    app: App,
    listener: TcpListener,
    checkout: CheckoutPage,
    extra: poem::Route,
    stop: CancellationToken,
) -> io::Result<()> {
    let sockets = Sockets::default();
    let routes = super::routes(&app, &sockets, checkout, extra);
    let closing = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            sockets.close().await;
        }
    };
    let server = Server::new_with_acceptor(Listening(listener)).run_with_graceful_shutdown(
        routes,
        stop.cancelled_owned(),
        Some(GRACE),
    );
    let (served, ()) = tokio::join!(server, closing);
    served
}

/// An acceptor that survives running out of file descriptors and does not delay small answers.
struct Listening(TcpListener);

impl Acceptor for Listening {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        let address = self.0.local_addr();
        address.into_iter().map(|a| LocalAddr(a.into())).collect()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = loop {
            match self.0.accept().await {
                Ok(accepted) => break accepted,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection now");
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        };
        stream.set_nodelay(true)?;
        let local = LocalAddr(stream.local_addr()?.into());
        Ok((stream, local, RemoteAddr(peer.into()), Scheme::HTTP))
    }
}
