//! Whose request it is: the client's address, through the proxies that the merchant trusts.

use std::net::{IpAddr, Ipv6Addr};

use poem::Request;
use poem::web::RemoteAddr;

use crate::config::Config;

const FORWARDED_FOR: &str = "X-Forwarded-For";

/// The address of the client: the peer's, or, where that is one of `server.trusted_proxies`, the last address in
/// `X-Forwarded-For` that is none of them. What stands before it the client may have written itself.
pub fn client_address(request: &Request, config: &Config) -> IpAddr {
    let peer = peer(request.remote_addr());
    let values = request.headers().get_all(FORWARDED_FOR).iter();
    let values: Vec<&str> = values.map(|v| v.to_str().unwrap_or("")).collect();
    last_untrusted(peer, &values, |address| config.server.trusts(address))
}

/// What failures are counted by: an IPv4 address, or the network of 64 bits that an IPv6 client commands.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

fn peer(remote: &RemoteAddr) -> IpAddr {
    let socket = remote.as_socket_addr();
    // Without TCP there is no address: all such clients are one.
    socket.map_or(Ipv6Addr::UNSPECIFIED.into(), |a| a.ip().to_canonical())
}

fn last_untrusted(peer: IpAddr, forwarded: &[&str], is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    let mut hops = forwarded.iter().flat_map(|value| value.split(',')).rev();
    while is_trusted(client) {
        // Nonsense was not written by a proxy that we trust: the hop before it is the last one known.
        match hops.next().and_then(hop) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// An address as proxies write it: bare, or with a port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let address = address.or_else(|| text.parse().ok().map(|a: std::net::SocketAddr| a.ip()));
    address.map(|a| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hop_that_is_not_trusted_is_the_client() {
        let trusted: Vec<IpAddr> = ["127.0.0.1", "10.0.0.2", "fd00::1"]
            .map(|a| a.parse().unwrap())
            .to_vec();
        let check = |peer: &str, forwarded: &[&str], expected: &str| {
            let is_trusted = |address| trusted.contains(&address);
            let found = last_untrusted(peer.parse().unwrap(), forwarded, is_trusted);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
        };
        // Not from a proxy of ours: nothing that it claims counts.
        check("203.0.113.9", &["198.51.100.1"], "203.0.113.9");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("127.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1");
        check(
            "127.0.0.1",
            &["1.1.1.1, 198.51.100.1, 10.0.0.2"],
            "198.51.100.1",
        );
        check(
            "127.0.0.1",
            &["1.1.1.1", "198.51.100.1,10.0.0.2"],
            "198.51.100.1",
        );
        check("fd00::1", &["[2001:db8::7]:4711"], "2001:db8::7");
        check("127.0.0.1", &["198.51.100.1:80"], "198.51.100.1");
        check("127.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
        // Nonsense ends the search at the hop before it.
        check(
            "127.0.0.1",
            &["198.51.100.1, unknown, 10.0.0.2"],
            "10.0.0.2",
        );
        check("127.0.0.1", &["10.0.0.2"], "10.0.0.2");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let check = |address: &str, expected: &str| {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        };
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("::ffff:203.0.113.9", "203.0.113.9");
        check("203.0.113.9", "203.0.113.9");
    }
}
