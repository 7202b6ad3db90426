//! Addresses to listen at: reading one, taking it, or saying why it cannot be had.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::http::serve::bind;

/// Reads an option's address, in the words of the configuration's.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080".to_owned())
}

/// Binds an address that a setting names.
pub async fn bind_at(address: SocketAddr, key: &str) -> Result<TcpListener, String> {
    bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!(
            "cannot listen on {address}: in use by another program; stop it, or set {key} to another port"
        ),
        _ => format!("cannot listen on {address}: {error}"),
    })
}
