//! Ports to listen on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};

/// Below the range from which outgoing connections take theirs, so that a port given out here stays
/// free while a server is restarted on it.
const FIRST: u64 = 12_000;

/// A prime, so that every stride visits all ports before it comes back to one.
const COUNT: u64 = 19_997;

/// A listener on a loopback port of its own.
pub fn listener() -> TcpListener {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Test runs beside each other walk through the ports from other places in other strides.
    let id = u64::from(std::process::id());
    let (start, stride) = (id * 7919, 1 + id % (COUNT - 1));
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + step * stride) % COUNT;
        let address = (Ipv4Addr::LOCALHOST, port as u16);
        if let Ok(listener) = TcpListener::bind(address) {
            return listener;
        }
    }
}

/// A loopback address on which nothing listens.
pub fn free_address() -> SocketAddr {
    listener().local_addr().expect("bound")
}
