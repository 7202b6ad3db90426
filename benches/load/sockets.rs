//! What an idle WebSocket costs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Plan;
use crate::http::create_some;
use crate::process::resident;
use crate::requests;
use crate::support::world::World;

/// As many as one order may have by default.
const PER_ORDER: usize = 16;

pub fn measure(plan: &Plan, world: &World) {
    let base = world.server.base();
    let host = base.trim_start_matches("http://");
    let orders = create_some(host, &plan.secret, plan.sockets.div_ceil(PER_ORDER));
    // The first ones warm up what all share.
    let mut open: Vec<_> = orders
        .iter()
        .take(20)
        .enumerate()
        .map(|(shopper, id)| connect(host, &plan.secret, id, shopper))
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let before = resident(&world.server);
    let start = Instant::now();
    while open.len() < plan.sockets {
        let shopper = open.len() % orders.len();
        open.push(connect(host, &plan.secret, &orders[shopper], shopper));
    }
    let took = start.elapsed();
    std::thread::sleep(Duration::from_secs(2));
    let after = resident(&world.server);
    println!(
        "{} idle WebSockets: {:.1} KiB each ({:.1} MiB in all), opened in {took:.1?}",
        open.len(),
        after.saturating_sub(before) as f64 / (plan.sockets - 20) as f64,
        after as f64 / 1024.0
    );
}

/// An open WebSocket that has received its first frame.
fn connect(host: &str, secret: &str, order_id: &str, shopper: usize) -> TcpStream {
    let mut stream = TcpStream::connect(host).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    stream
        .write_all(&requests::socket(host, secret, order_id, shopper))
        .expect("the server reads");
    let mut answer = Vec::new();
    let mut chunk = [0; 2048];
    while !answer.windows(13).any(|w| w == b"status_update") {
        let read = stream.read(&mut chunk).expect("an answer");
        assert!(read > 0, "refused: {}", String::from_utf8_lossy(&answer));
        answer.extend(&chunk[..read]);
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    stream
}
