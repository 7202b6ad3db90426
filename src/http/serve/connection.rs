//! One connection: requests in, answers out, within limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::http::uri::Scheme;
use poem::http::{self, StatusCode};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, PathPattern, Response};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Server;
use super::pace::{Paced, Phase};
use super::places::Place;
use crate::http::headers;
use crate::metrics;

/// What all headers of a request together may take, in bytes. Beyond it goes only what the last reading brings along, which is
/// as much at most.
const HEAD_BYTES: usize = 32 * 1024;
const HEADERS: usize = 64;
/// What the path and the query may take, in bytes.
const URL_BYTES: usize = 8 * 1024;
/// How long a connection may rest between requests: longer than proxies keep theirs (nginx: a minute), so that none sends a
/// request on a connection that is just being closed.
const REST: Duration = Duration::from_secs(130);

/// A client's connection, with the place that it takes.
pub struct Connection {
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
}

impl Connection {
    pub fn new(server: Arc<Server>, stream: TcpStream, peer: SocketAddr, place: Place) -> Self {
        Self {
            server,
            stream,
            peer,
            place,
        }
    }

    /// Answers requests until the client leaves, is too slow, or rests too long; after the stop, the running one only.
    pub async fn serve(self, stop: CancellationToken) {
        let Self {
            server,
            stream,
            peer,
            place,
        } = self;
        // Small answers must not wait for more; a connection that is gone already shows when it is read.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().unwrap_or(peer);
        let phase = Phase::default();
        let io = TokioIo::new(Paced::new(stream, phase.clone()));
        // A WebSocket lives on after its connection was handed over, and keeps the place.
        let place = Arc::new(place);
        let service = service_fn(move |request| {
            let (server, phase, place) = (server.clone(), phase.clone(), place.clone());
            async move {
                phase.busy();
                let response = server.answer(request, local, peer, place).await;
                if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    phase.resting();
                }
                Ok::<http::Response<_>, Infallible>(response.into())
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REST)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = stop.run_until_cancelled(connection.as_mut()).await;
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            // How it ends is between the client and the network.
            let _ = connection.await;
        }
    }
}

impl Server {
    async fn answer(
        &self,
        request: http::Request<Incoming>,
        local: SocketAddr,
        peer: SocketAddr,
        place: Arc<Place>,
    ) -> Response {
        let began = Instant::now();
        let method = known_method(request.method());
        let url = request
            .uri()
            .path_and_query()
            .map_or(0, |url| url.as_str().len());
        let response = if url > URL_BYTES {
            let mut refused = crate::http::text(StatusCode::URI_TOO_LONG, "URL too long");
            headers::protect(&mut refused, &self.app.config());
            refused
        } else {
            let (local, remote) = (LocalAddr(local.into()), RemoteAddr(peer.into()));
            let mut request: poem::Request = (request, local, remote, Scheme::HTTP).into();
            request.set_data(place);
            self.routes.get_response(request).await
        };
        self.count(method, &response, began);
        response
    }

    fn count(&self, method: &'static str, response: &Response, began: Instant) {
        let route = response.data::<PathPattern>();
        let request = metrics::Request {
            // What no route knows could be anything.
            route: route.map_or_else(|| "none".to_owned(), |pattern| readable(&pattern.0)),
            method: method.to_owned(),
            status: format!("{}xx", response.status().as_u16() / 100),
        };
        let seconds = &self.app.metrics().http.seconds;
        let took = began.elapsed().as_secs_f64();
        seconds.get_or_create(&request).observe(took);
    }
}

/// The API's own patterns number their parameters; all of them name something.
fn readable(pattern: &str) -> String {
    pattern.replace(":param0", ":id")
}

/// Clients may invent methods, and each would be a series of its own.
fn known_method(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
