//! Networks of addresses, for proxies whose own address is not known beforehand.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use toml::de::DeValue;

/// An IP address, which is a network of one, or a network in CIDR form. An address of it stands for it, too.
pub(super) fn network(value: &DeValue<'_>) -> Result<IpNet, String> {
    let text = value.as_str().unwrap_or("");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| {
        "an IP address or a network, such as \"127.0.0.1\" or \"172.16.0.0/12\"".to_owned()
    })?;
    let (longest, family) = match address {
        IpAddr::V4(_) => (32, "IPv4"),
        IpAddr::V6(_) => (128, "IPv6"),
    };
    let length = prefix.map_or(Some(longest), |text| text.parse().ok());
    length
        .and_then(|length| IpNet::new(address, length).ok())
        .map(canonical)
        .ok_or_else(|| format!("a number from 0 to {longest} behind the / of an {family} network"))
}

/// IPv4 written as IPv6 (`::ffff:10.0.0.0/104`) is IPv4, as it is where clients are looked at.
fn canonical(network: IpNet) -> IpNet {
    let mapped = |v6: Ipv6Addr, length: u8| {
        let bits = length.checked_sub(96)?;
        Ipv4Net::new(v6.to_ipv4_mapped()?, bits).ok()
    };
    match network {
        IpNet::V6(v6) => mapped(v6.addr(), v6.prefix_len()).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}
