//! Readers of single values: pure functions from what TOML holds to what the program needs, or to the
//! words for what was expected.

use std::net::SocketAddr;
use std::time::Duration;

use toml::de::DeValue;

use super::{ProviderKind, Secret};
use crate::domain::address::{Address, Family};
use crate::domain::amount::Amount;

/// Far beyond any sensible setting, and small enough that no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// The example's secret: too well known to be one.
pub(super) const PLACEHOLDER: &str = "change me";

const DURATION: &str =
    "a duration such as \"30s\": a whole number above zero, followed by ms, s, m, h or d";

pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    let text = value.as_str().ok_or("a text in quotes")?;
    Ok(text.to_owned())
}

/// A text with something in it, such as a name or a path.
pub(super) fn filled(value: &DeValue<'_>) -> Result<String, String> {
    let text = value.as_str().map(str::trim).filter(|t| !t.is_empty());
    Ok(text.ok_or("a text in quotes that is not empty")?.to_owned())
}

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, String> {
    Ok(value.as_bool().ok_or("true or false, without quotes")?)
}

/// A number of things, at least one.
pub(super) fn count(value: &DeValue<'_>) -> Result<usize, String> {
    integer::<usize>(value)
        .filter(|n| (1..=1_000_000).contains(n))
        .ok_or_else(|| "a whole number from 1 to 1000000, without quotes".to_owned())
}

pub(super) fn agreement(value: &DeValue<'_>) -> Result<u32, String> {
    integer::<u32>(value)
        .filter(|n| (1..=10).contains(n))
        .ok_or_else(|| "a whole number from 1 to 10, without quotes".to_owned())
}

pub(super) fn chain_id(value: &DeValue<'_>) -> Result<u64, String> {
    integer::<u64>(value)
        .filter(|n| *n > 0)
        .ok_or_else(|| "the chain's id, such as 1 or 31337, without quotes".to_owned())
}

pub(super) fn decimals(value: &DeValue<'_>) -> Result<u8, String> {
    integer::<u8>(value)
        .filter(|n| *n <= 24)
        .ok_or_else(|| "the token's decimals, a whole number from 0 to 24".to_owned())
}

/// A rate per second; fractions such as 0.5 are allowed.
pub(super) fn rate(value: &DeValue<'_>) -> Result<f64, String> {
    let number: Option<f64> = match value {
        DeValue::Integer(n) if n.radix() == 10 => n.as_str().parse().ok(),
        DeValue::Float(n) => n.as_str().parse().ok(),
        _ => None,
    };
    number
        .filter(|n| n.is_finite() && *n > 0.0)
        .ok_or_else(|| "a number above zero, such as 5 or 0.5".to_owned())
}

/// An amount of coins; zero is allowed.
pub(super) fn amount(value: &DeValue<'_>) -> Result<Amount, String> {
    let expected = |reason: &str| format!("an amount such as \"0.01\"{reason}");
    let text = match value {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(n) if n.radix() == 10 => n.as_str(),
        // The file's own digits, not a binary fraction.
        DeValue::Float(n) => n.as_str(),
        _ => return Err(expected("")),
    };
    let amount = Amount::parse(text).map_err(|_| expected(""))?;
    match amount.to_base_units(6) {
        Ok(_) => Ok(amount),
        Err(e) => Err(expected(&format!(" with at most 6 decimals ({e})"))),
    }
}

pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, String> {
    match value.as_str().and_then(unlimited_duration) {
        Some(duration) if duration > LONGEST => Err("at most \"36500d\"".to_owned()),
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(DURATION.to_owned()),
    }
}

/// "200ms", "30s", "5m", "24h" or "90d"; zero and more than a hundred years are none.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    unlimited_duration(text).filter(|d| !d.is_zero() && *d <= LONGEST)
}

/// [`parse_duration`] with zero, and with what is more than can be counted as the most that can.
fn unlimited_duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = text.split_at(end.filter(|end| *end > 0)?);
    let number = digits.parse().unwrap_or(u64::MAX);
    let seconds = |each: u64| Some(Duration::from_secs(number.saturating_mul(each)));
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        "d" => seconds(86_400),
        _ => None,
    }
}

pub(super) fn socket_addr(value: &DeValue<'_>) -> Result<SocketAddr, String> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| {
        "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"".to_owned()
    })
}

/// An http(s) URL, without the slash at its end.
pub(super) fn url(value: &DeValue<'_>) -> Result<String, String> {
    let expected =
        || "an http or https URL with a host, such as \"https://example.com\"".to_owned();
    let text = value.as_str().ok_or_else(expected)?;
    if HttpUrl::parse(text).is_none() {
        return Err(match HttpUrl::names_user(text) {
            true => "a URL without a user and a password before its host".to_owned(),
            false => expected(),
        });
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An http(s) URL as it is written: receivers may tell `/hook` from `/hook/`.
pub(super) fn exact_url(value: &DeValue<'_>) -> Result<String, String> {
    url(value)?;
    text(value)
}

/// The base of the server's own pages: what paths are appended to.
pub(super) fn base_url(value: &DeValue<'_>) -> Result<String, String> {
    let url = url(value)?;
    if url.contains(['?', '#']) {
        return Err("a URL without ? and #, such as \"https://pay.example.com\"".to_owned());
    }
    Ok(url)
}

/// An origin as browsers write it: scheme and host in lower case, no default port, no path.
pub(super) fn origin(value: &DeValue<'_>) -> Result<String, String> {
    let expected = || {
        "the origin of a website, such as \"https://shop.example.com\": scheme, host and port, no path and no *"
            .to_owned()
    };
    let url = value.as_str().and_then(HttpUrl::parse);
    let url = url.ok_or_else(expected)?;
    match url.rest {
        "" | "/" => Ok(url.origin()),
        _ => Err(expected()),
    }
}

/// A page or image for shoppers: an http(s) URL, or a path on this server.
pub(super) fn link(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    let is_path = text.starts_with('/') && !text.starts_with("//");
    if is_path || HttpUrl::parse(&text).is_some() {
        return Ok(text);
    }
    Err("an http or https URL, or a path that starts with /".to_owned())
}

/// A way to reach the shop: an http(s) URL or a mail address.
pub(super) fn contact(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    let is_mail = text
        .strip_prefix("mailto:")
        .is_some_and(|m| m.contains('@'));
    if is_mail || HttpUrl::parse(&text).is_some() {
        return Ok(text);
    }
    Err("an http or https URL, or \"mailto:help@example.com\"".to_owned())
}

/// A CSS colour of 3 or 6 hex digits; nothing else, since it goes into a style sheet.
pub(super) fn colour(value: &DeValue<'_>) -> Result<String, String> {
    value
        .as_str()
        .filter(|text| {
            let digits = text.strip_prefix('#').unwrap_or("");
            matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
        })
        .map(str::to_owned)
        .ok_or_else(|| "a colour such as \"#0a7\" or \"#00aa77\"".to_owned())
}

/// A language tag, such as `en` or `pt-BR`.
pub(super) fn language(value: &DeValue<'_>) -> Result<String, String> {
    value
        .as_str()
        .filter(|text| is_language(text))
        .map(str::to_owned)
        .ok_or_else(|| "a language code, such as \"en\" or \"de\"".to_owned())
}

/// Whether a text can be a language tag.
pub(super) fn is_language(text: &str) -> bool {
    let (language, region) = text.split_once('-').unwrap_or((text, "US"));
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && (2..=8).contains(&region.len())
        && letters(region)
}

/// An API key; an empty one, as examples have it, is none.
pub(super) fn optional_key(value: &DeValue<'_>) -> Result<Option<Secret>, String> {
    let key = text(value)?.trim().to_owned();
    Ok((!key.is_empty()).then(|| Secret::new(key)))
}

/// A secret that was good enough once.
pub(super) fn previous_secret(value: &DeValue<'_>) -> Result<Secret, String> {
    filled(value)?;
    // Not trimmed: signatures were made with it to the letter.
    text(value).map(Secret::new)
}

/// A secret that is long enough to sign with.
pub(super) fn signing_secret(value: &DeValue<'_>) -> Result<Secret, String> {
    let secret = text(value)?;
    check_signing_secret(&secret)?;
    Ok(Secret::new(secret))
}

/// Says what is expected of a signing secret that is too short.
pub(super) fn check_signing_secret(secret: &str) -> Result<(), String> {
    if secret.chars().count() < 16 {
        return Err("a secret of at least 16 characters (`ocrch init` makes one)".to_owned());
    }
    Ok(())
}

/// The admin's secret, plain or as an Argon2 hash.
pub(super) fn admin_secret(value: &DeValue<'_>) -> Result<String, String> {
    let secret = filled(value).map_err(|_| "the admin's secret in quotes, not empty")?;
    if secret == PLACEHOLDER {
        return Err("a secret of your own instead of the example's".to_owned());
    }
    // Not trimmed: what the admin types must match to the letter.
    text(value)
}

/// A transaction hash: 32 bytes in hex, lower-cased, with or without 0x as it was written.
pub(super) fn transaction_hash(value: &DeValue<'_>) -> Result<String, String> {
    let text = value.as_str().unwrap_or("").to_ascii_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(digits.to_owned());
    }
    Err("a transaction hash: 64 hex digits, with or without 0x before them".to_owned())
}

/// An address of any family; its error says what is wrong with this one.
pub(super) fn address(value: &DeValue<'_>) -> Result<Address, String> {
    let text = value.as_str().ok_or("an address in quotes")?;
    text.parse().map_err(|e| format!("a valid address: {e}"))
}

pub(super) fn family(value: &DeValue<'_>) -> Result<Family, String> {
    match value.as_str() {
        Some("evm") => Ok(Family::Evm),
        Some("tron") => Ok(Family::Tron),
        _ => Err("\"evm\" or \"tron\"".to_owned()),
    }
}

pub(super) fn provider_kind(value: &DeValue<'_>) -> Result<ProviderKind, String> {
    match value.as_str() {
        Some("rpc") => Ok(ProviderKind::Rpc),
        Some("etherscan") => Ok(ProviderKind::Etherscan),
        Some("tronscan") => Ok(ProviderKind::Tronscan),
        Some("trongrid") => Ok(ProviderKind::Trongrid),
        _ => Err("\"rpc\", \"etherscan\", \"tronscan\" or \"trongrid\"".to_owned()),
    }
}

/// `Some(depth)`, or `None` for "finalized".
pub(super) fn confirmations(value: &DeValue<'_>) -> Result<Option<u32>, String> {
    if value.as_str() == Some("finalized") {
        return Ok(None);
    }
    integer::<u32>(value)
        .filter(|n| (1..=100_000).contains(n))
        .map(Some)
        .ok_or_else(|| {
            "a whole number from 1 to 100000 without quotes, or \"finalized\"".to_owned()
        })
}

/// A link to a transaction with `{hash}` in the place of its hash.
pub(super) fn hash_url(value: &DeValue<'_>) -> Result<String, String> {
    exact_url(value)
        .ok()
        .filter(|url| url.contains("{hash}"))
        .ok_or_else(|| {
            "a URL with {hash} in it, such as \"https://etherscan.io/tx/{hash}\"".to_owned()
        })
}

/// The parts of an http(s) URL that configuration cares about.
pub(super) struct HttpUrl<'a> {
    https: bool,
    /// In lower case; IPv6 in brackets.
    pub(super) host: String,
    port: Option<u16>,
    /// Path, query and fragment.
    rest: &'a str,
}

impl<'a> HttpUrl<'a> {
    /// `None` for anything but an http(s) URL with a plain ASCII host and no user name.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
            return None;
        }
        let (scheme, after) = text.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        let (host, port) = split_port(authority)?;
        Some(Self {
            https,
            host: host.to_ascii_lowercase(),
            port,
            rest,
        })
    }

    /// Whether a user stands before a URL's host.
    pub(super) fn names_user(text: &str) -> bool {
        let after = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = after.split(['/', '?', '#']).next();
        authority.is_some_and(|a| a.contains('@'))
    }

    /// The host, and the port where it is named.
    pub(super) fn place(&self) -> (String, Option<u16>) {
        (self.host.clone(), self.port)
    }

    fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let default = if self.https { 443 } else { 80 };
        match self.port.filter(|port| *port != default) {
            Some(port) => format!("{scheme}://{}:{port}", self.host),
            None => format!("{scheme}://{}", self.host),
        }
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let bracket = authority.rfind(']').map_or(0, |i| i + 1);
    let (host, port) = match authority[bracket..].rfind(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(bracket + colon);
            let port = port[1..].parse::<u16>().ok().filter(|p| *p > 0)?;
            (host, Some(port))
        }
        None => (authority, None),
    };
    let is_name = |h: &str| {
        !h.is_empty()
            && h.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    let valid = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_name(host),
    };
    valid.then_some((host, port))
}

fn integer<T: TryFrom<u64>>(value: &DeValue<'_>) -> Option<T> {
    let number = value.as_integer()?;
    let number = u64::from_str_radix(number.as_str(), number.radix()).ok()?;
    T::try_from(number).ok()
}
