//! Ports to listen on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which outgoing connections take theirs, so that a port given out here stays
/// free while a server is restarted on it.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A loopback address on which nothing listens.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs beside each other start at different places.
    let offset = (std::process::id() % 100) as u16 * (COUNT / 100);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (offset + step) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
