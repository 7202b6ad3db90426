//! A merchant's webhook endpoint that remembers everything and answers by script.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::incoming::Incoming;
use super::wait;

/// What the endpoint does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Status(u16),
    /// A status with a text.
    Text(u16, String),
    Redirect(String),
    /// Takes the request and says nothing for a minute.
    Hang,
    /// Closes the connection without a word.
    Drop,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub at: Instant,
    /// Unix seconds.
    pub wall: i64,
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    pub answered: Answer,
}

impl Delivery {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a webhook's body is JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn is_delivered(&self) -> bool {
        self.answered == Answer::Status(200)
    }
}

type Script = Box<dyn FnMut(&Delivery) -> Answer + Send>;

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    script: Option<Script>,
}

/// The endpoint; it stops when dropped.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    /// Listens on a free port and answers 200.
    pub fn start() -> Self {
        let listener = super::net::listener();
        let address = listener.local_addr().expect("bound");
        let state = Arc::<Mutex<State>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (for_thread, stop_thread) = (state.clone(), stop.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop_thread.load(Ordering::Relaxed) {
                    return;
                }
                let state = for_thread.clone();
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self {
            address,
            state,
            stop,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on, answers are made by this script.
    pub fn script(&self, script: impl FnMut(&Delivery) -> Answer + Send + 'static) {
        self.state.lock().expect("not poisoned").script = Some(Box::new(script));
    }

    /// From now on, every answer is this one.
    pub fn always(&self, answer: Answer) {
        self.script(move |_| answer.clone());
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state.lock().expect("not poisoned").deliveries.clone()
    }

    /// The requests to one path, in the order in which they came.
    pub fn to(&self, path: &str) -> Vec<Delivery> {
        self.deliveries()
            .into_iter()
            .filter(|d| d.path == path)
            .collect()
    }

    /// The requests about one order.
    pub fn about(&self, order_id: &str) -> Vec<Delivery> {
        self.deliveries()
            .into_iter()
            .filter(|d| d.json()["order_id"] == order_id)
            .collect()
    }

    /// Waits until this many requests came to a path, and gives them.
    pub fn wait_for(&self, path: &str, count: usize) -> Vec<Delivery> {
        wait::until(&format!("{count} webhooks to {path}"), || {
            Some(self.to(path)).filter(|found| found.len() >= count)
        })
    }

    /// Waits for the delivery that tells an order's status, and gives it.
    pub fn wait_for_status(&self, order_id: &str, status: &str) -> Delivery {
        wait::until(&format!("the webhook that {order_id} is {status}"), || {
            self.about(order_id)
                .into_iter()
                .find(|d| d.json()["status"] == status && d.is_delivered())
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One request a connection: what is tested is who calls, not how connections are kept.
fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(mut delivery) = read_request(&stream) else {
        return;
    };
    let answer = {
        let mut state = state.lock().expect("not poisoned");
        let answer = match &mut state.script {
            Some(script) => script(&delivery),
            None => Answer::Status(200),
        };
        delivery.answered = answer.clone();
        state.deliveries.push(delivery);
        answer
    };
    let mut body = String::new();
    let text = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status} Scripted\r\n"),
        Answer::Text(status, text) => {
            body = text;
            format!("HTTP/1.1 {status} Scripted\r\n")
        }
        Answer::Redirect(to) => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n"),
        Answer::Hang => return thread::sleep(Duration::from_secs(60)),
        Answer::Drop => return,
    };
    let length = body.len();
    let _ = stream.write_all(
        format!("{text}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
    );
}

fn read_request(stream: &TcpStream) -> Option<Delivery> {
    let request = Incoming::read(stream)?;
    Some(Delivery {
        at: Instant::now(),
        wall: super::sign::now(),
        method: request.method,
        path: request.target,
        headers: request.headers,
        body: request.body,
        answered: Answer::Drop,
    })
}
