//! Whether addresses of others answer. Nothing is sent to them.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::report::Report;
use crate::config::Config;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The addresses that the server itself will call, apart from providers.
pub fn urls(config: &Config, report: &mut Report) {
    let unknown = &config.merchant.unknown_transfer_webhook_url;
    match unknown {
        Some(url) => reachable("unknown transfers", url, report),
        None => report.ok(
            "unknown transfers",
            "no webhook is set; they are shown to the admin only",
        ),
    }
    if let Some(alerts) = &config.alerts {
        reachable("alerts", &alerts.url, report);
    }
}

/// Resolves and connects. The URL's host is shown only: its path can hold a secret.
fn reachable(what: &str, url: &str, report: &mut Report) {
    let Some((host, port)) = host_and_port(url) else {
        return report.fail(what, "its URL names no host", "Correct the URL.");
    };
    match connect(&host, port) {
        Ok(()) => report.ok(what, format!("{host} accepts connections")),
        Err(why) => report.warn(
            what,
            format!("{host} cannot be reached: {why}"),
            "Messages wait and are sent again; check the address, and that the host is up.",
        ),
    }
}

fn connect(host: &str, port: u16) -> Result<(), String> {
    let found = (host.trim_matches(['[', ']']), port).to_socket_addrs();
    let addresses: Vec<_> = found
        .map_err(|_| "its name cannot be resolved".to_owned())?
        .collect();
    let mut why = "its name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => why = error.kind().to_string(),
        }
    }
    Err(why)
}

fn host_and_port(url: &str) -> Option<(String, u16)> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let check = |url: &str, host: &str, port: u16| {
            assert_eq!(host_and_port(url), Some((host.to_owned(), port)), "{url}");
        };
        check(
            "https://shop.example.com/hook?key=1",
            "shop.example.com",
            443,
        );
        check("http://shop.example.com", "shop.example.com", 80);
        check("http://127.0.0.1:3000/x", "127.0.0.1", 3000);
        check("http://[::1]:3000/x", "[::1]", 3000);
        assert_eq!(host_and_port("/x"), None);
    }

    #[test]
    fn what_listens_is_reached_and_what_does_not_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(connect("127.0.0.1", port), Ok(()));
        drop(listener);
        assert!(connect("127.0.0.1", port).is_err());
    }
}
