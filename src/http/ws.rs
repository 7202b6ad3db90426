//! An order's WebSocket: its state at once, and again whenever it changes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use poem::http::{StatusCode, header};
use poem::web::websocket::{
    BoxWebSocketUpgraded, CloseCode, Message, WebSocket, WebSocketConfig, WebSocketStream,
};
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::types::ToJSON;
use prometheus_client::metrics::gauge::Gauge;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::auth;
use super::client::client_address;
use super::errors::Failure;
use super::serve::{Place, Places, Reason, most_connections};
use super::types::OrderJson;
use crate::config::Config;
use crate::domain::order::OrderId;
use crate::service::App;
use crate::service::hub::Subscription;
use crate::service::orders::{self, OrderError};

/// A peer is pinged this often, and dropped if it has not answered by the next time.
const PING: Duration = Duration::from_secs(25);
/// An error frame does not close the connection at once: the client may do so itself.
const UNKNOWN_ORDER_CLOSE: Duration = Duration::from_secs(5);
/// After a passing fault the order is read again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a peer may take to read a frame or to answer a close.
const SLOW_PEER: Duration = Duration::from_secs(5);

/// Pages only listen; nothing they send needs more than this, in bytes.
const READ_BUFFER: usize = 4096;

const INVALID_TICKET: Failure = Failure::new(StatusCode::UNAUTHORIZED, "invalid ticket");
const NO_UPGRADE: Failure = Failure::new(StatusCode::BAD_REQUEST, "websocket upgrade expected");
const TOO_MANY: Failure = Failure::new(
    StatusCode::TOO_MANY_REQUESTS,
    "too many websockets for this order",
);

const TOO_MANY_OF_CLIENT: Failure = Failure::new(
    StatusCode::TOO_MANY_REQUESTS,
    "too many websockets of this client",
);

const TOO_MANY_IN_ALL: Failure = Failure::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "too many websockets, try again later",
);

/// All open sockets: poem detaches their tasks, so a stop must reach and await them by itself.
#[derive(Clone)]
pub struct Sockets {
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Beside those of connections: through a proxy, all of them can be one client's.
    places: Places,
    open: Gauge,
}

/// One open socket's place among all sockets, with its connection's.
struct Open {
    _socket: Place,
    _connection: Option<Arc<Place>>,
}

impl Sockets {
    /// Waits until the server stops.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    pub fn new(app: &App) -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            places: Places::default(),
            open: app.metrics().http.websockets.clone(),
        }
    }

    /// Takes a place for one more, unless the others leave too few connections for requests, or too many are this
    /// client's.
    fn open(&self, request: &Request, config: &Config) -> Result<Open, Failure> {
        let most = most_connections(config.server.max_connections) / 4 * 3;
        let client = client_address(request, config);
        let socket = self.places.take(client, most, false, &self.open);
        let socket = socket.map_err(|refused| match refused.reason {
            Reason::All => TOO_MANY_IN_ALL,
            Reason::Client => TOO_MANY_OF_CLIENT,
        })?;
        Ok(Open {
            _socket: socket,
            _connection: request.data::<Arc<Place>>().cloned(),
        })
    }

    /// Closes all sockets with 1001 and waits until they are closed.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Checks who asks and opens the socket.
pub async fn upgrade(
    app: &App,
    sockets: &Sockets,
    request: &Request,
    path: &str,
    ticket: Option<&str>,
) -> Result<BoxWebSocketUpgraded, Failure> {
    let order = authenticate(app, request, path, ticket)?;
    check_origin(app, request)?;
    let socket = WebSocket::from_request(request, &mut RequestBody::default()).await;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(READ_BUFFER));
    let socket = socket.map_err(|_| NO_UPGRADE)?.config(config);
    let limits = app.config();
    let open = sockets.open(request, &limits)?;
    let max = limits.server.max_websockets_per_order;
    let subscription = app.hub().subscribe(order, max).ok_or(TOO_MANY)?;
    let (app, sockets) = (app.clone(), sockets.clone());
    let follow = move |stream| {
        let tasks = sockets.tasks.clone();
        tasks.track_future(async move {
            let follower = Follower { app, order, stream };
            follower.run(&subscription, &sockets.stop).await;
            drop(open);
        })
    };
    Ok(socket.on_upgrade(follow).boxed())
}

fn authenticate(
    app: &App,
    request: &Request,
    path: &str,
    ticket: Option<&str>,
) -> Result<OrderId, Failure> {
    let Some(ticket) = ticket else {
        return auth::page_for_order(app, request, path);
    };
    let order = auth::order_in_path(path)?;
    match app.tickets().redeem(order, ticket, app.clock().now_ms()) {
        true => Ok(order),
        false => Err(INVALID_TICKET),
    }
}

/// Browsers always say which page opens a socket, and CORS does not protect sockets.
fn check_origin(app: &App, request: &Request) -> Result<(), Failure> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    match origin.to_str() {
        Ok(origin) if auth::origin_is_allowed(&app.config(), origin) => Ok(()),
        _ => Err(auth::OTHER_ORIGIN),
    }
}

struct Follower {
    app: App,
    order: OrderId,
    stream: WebSocketStream,
}

/// Why a follower stops; with what it says to the peer, if it says anything.
enum End {
    Close(CloseCode, &'static str),
    Gone,
}

/// What to do after telling the present state.
enum Next {
    Wait,
    WaitAtMost(Duration),
    Finish(End),
}

impl Follower {
    async fn run(mut self, subscription: &Subscription, stop: &CancellationToken) {
        if let End::Close(code, reason) = self.follow(subscription, stop).await {
            let _ = timeout(SLOW_PEER, self.say_goodbye(code, reason)).await;
        }
    }

    async fn follow(&mut self, subscription: &Subscription, stop: &CancellationToken) -> End {
        let mut told = String::new();
        let mut ping_at = Instant::now() + PING;
        let mut answered = true;
        loop {
            let until = match self.tell(&mut told).await {
                Next::Wait => None,
                Next::WaitAtMost(wait) => Some(Instant::now() + wait),
                Next::Finish(end) => return end,
            };
            // Until there is something new to tell.
            loop {
                let wake_at = until.map_or(ping_at, |until| until.min(ping_at));
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return End::Close(CloseCode::Away, "server is stopping"),
                    () = subscription.changed() => break,
                    message = self.stream.next() => match message {
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                        Some(Ok(_)) => answered = true,
                    },
                    () = sleep_until(wake_at) => {
                        if until == Some(wake_at) {
                            break;
                        }
                        if !answered || !self.send(Message::Ping(vec![])).await {
                            return End::Gone;
                        }
                        answered = false;
                        ping_at = Instant::now() + PING;
                    }
                }
            }
        }
    }

    /// Sends the order's state unless the peer knows it already.
    async fn tell(&mut self, told: &mut String) -> Next {
        match orders::find(&self.app, self.order) {
            Ok(order) => {
                let terminal = order.status.is_terminal();
                let order = OrderJson::for_page(&self.app.config(), order);
                let text = json!({ "type": "status_update", "order": order.to_json() }).to_string();
                if text != *told {
                    if !self.send(Message::Text(text.clone())).await {
                        return Next::Finish(End::Gone);
                    }
                    *told = text;
                }
                match terminal {
                    true => Next::Finish(End::Close(CloseCode::Normal, "")),
                    false => Next::Wait,
                }
            }
            Err(OrderError::NotFound) => self.tell_unknown(told).await,
            Err(error) => {
                tracing::error!(%error, order = %self.order, "cannot read the order of a websocket");
                self.send(error_frame(1011, "internal error, trying again"))
                    .await;
                Next::WaitAtMost(RETRY)
            }
        }
    }

    /// Says that the order is unknown; the second time, five seconds later, closes.
    async fn tell_unknown(&mut self, told: &mut String) -> Next {
        const UNKNOWN: &str = "order not found";
        if told == UNKNOWN {
            return Next::Finish(End::Close(CloseCode::Reserved(4004), UNKNOWN));
        }
        UNKNOWN.clone_into(told);
        match self.send(error_frame(4004, UNKNOWN)).await {
            true => Next::WaitAtMost(UNKNOWN_ORDER_CLOSE),
            false => Next::Finish(End::Gone),
        }
    }

    /// Sends a frame; false if the peer is gone or does not read.
    async fn send(&mut self, message: Message) -> bool {
        let sent = timeout(SLOW_PEER, self.stream.send(message));
        matches!(pin!(sent).await, Ok(Ok(())))
    }

    async fn say_goodbye(&mut self, code: CloseCode, reason: &str) {
        let close = Message::Close(Some((code, reason.to_owned())));
        if self.stream.send(close).await.is_ok() {
            // The peer's own close frame ends the stream; leaving before it could cut ours off.
            while let Some(Ok(_)) = self.stream.next().await {}
        }
    }
}

fn error_frame(code: u16, reason: &str) -> Message {
    Message::Text(json!({ "type": "error", "code": code, "reason": reason }).to_string())
}
