//! A WebSocket client that can wait.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::http::{HeaderValue, Uri};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{ClientRequestBuilder, Error, Message, WebSocket};

use super::wait::SOON;

/// What the server sent.
#[derive(Debug, PartialEq)]
pub enum Frame {
    Json(Value),
    /// A close frame with its code, or an end without one.
    Closed(Option<u16>),
}

/// An open connection.
pub struct Socket {
    socket: WebSocket<TcpStream>,
}

impl Socket {
    /// Connects; panics where the upgrade is refused.
    pub fn open(url: &str, headers: &[(&str, &str)]) -> Self {
        let uri: Uri = url.replacen("http", "ws", 1).parse().expect("a URL");
        let address = uri.authority().expect("a host").to_string();
        let mut request = ClientRequestBuilder::new(uri);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .expect("a header")
                .to_str()
                .expect("text")
                .to_owned();
            request = request.with_header(*name, value);
        }
        let stream = TcpStream::connect(address).expect("the server listens");
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a timeout");
        let (socket, _) = handshake(request, stream);
        Self { socket }
    }

    /// The next frame; panics where none comes soon.
    pub fn next(&mut self) -> Frame {
        self.next_within(SOON).expect("a frame")
    }

    /// The next frame, if one comes in time. Pings are answered on the way.
    pub fn next_within(&mut self, limit: Duration) -> Option<Frame> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let json = serde_json::from_str(&text);
                    return Some(Frame::Json(
                        json.unwrap_or_else(|e| panic!("not JSON ({e}): {text}")),
                    ));
                }
                Ok(Message::Close(frame)) => {
                    // Reading on sends the answer to the close frame.
                    let _ = self.socket.flush();
                    return Some(Frame::Closed(frame.map(|f| u16::from(f.code))));
                }
                Ok(_) => {}
                Err(Error::Io(e))
                    if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return Some(Frame::Closed(None)),
            }
        }
        None
    }

    /// Whether a ping comes in time. Other frames are dropped.
    pub fn is_pinged_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            match self.socket.read() {
                Ok(Message::Ping(_)) => return true,
                Ok(Message::Close(_)) => return false,
                _ => {}
            }
        }
        false
    }

    /// The order of the next frame, which must be a status update.
    #[track_caller]
    pub fn order(&mut self) -> Value {
        match self.next() {
            Frame::Json(json) if json["type"] == "status_update" => json["order"].clone(),
            other => panic!("not a status update: {other:?}"),
        }
    }

    /// Reads on until an update is as wished, and gives its order.
    #[track_caller]
    pub fn until(&mut self, wished: impl Fn(&Value) -> bool) -> Value {
        loop {
            let order = self.order();
            if wished(&order) {
                return order;
            }
        }
    }

    /// The next frame must close the connection with this code.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) {
        assert_eq!(self.next(), Frame::Closed(Some(code)));
    }

    /// Closes from this side.
    pub fn close(mut self) {
        let frame = tungstenite::protocol::CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let _ = self.socket.close(Some(frame));
        let _ = self.socket.flush();
    }
}

fn handshake(
    request: ClientRequestBuilder,
    stream: TcpStream,
) -> (
    WebSocket<TcpStream>,
    tungstenite::handshake::client::Response,
) {
    use tungstenite::HandshakeError::{Failure, Interrupted};
    let mut attempt = tungstenite::client(request, stream);
    let end = Instant::now() + SOON;
    loop {
        match attempt {
            Ok(done) => return done,
            Err(Interrupted(half)) if Instant::now() < end => attempt = half.handshake(),
            Err(Interrupted(_)) => panic!("no answer to the upgrade"),
            Err(Failure(Error::Http(response))) => panic!(
                "upgrade refused: {} {:?}",
                response.status(),
                response.body().as_deref().map(String::from_utf8_lossy)
            ),
            Err(Failure(error)) => panic!("upgrade failed: {error}"),
        }
    }
}
