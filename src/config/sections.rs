//! The sections that stand for themselves, in the order of the example file. Defaults live here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::section::Section;
use super::{
    Admin, Alerts, Checkout, Database, Merchant, Orders, Payments, Retention, Secret, Server,
    Webhooks, admin_secret, languages, network, value,
};
use crate::domain::amount::Amount;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What an alert can be about, and the ones sent unless the file chooses.
const ALERTS: [&str; 4] = ["paid", "unmatched", "chain_down", "webhook_failed"];
const DEFAULT_ALERTS: [&str; 3] = ["unmatched", "chain_down", "webhook_failed"];
/// `text` is what ntfy takes; its name is accepted as another word for it.
const FORMATS: [&str; 4] = ["text", "gotify", "slack", "discord"];

pub(super) fn server(s: &Section<'_>) -> Server {
    let listen = s
        .get("listen", value::socket_addr)
        .unwrap_or(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8080));
    let server = Server {
        listen,
        public_url: s
            .get("public_url", value::base_url)
            .unwrap_or_else(|| local_url(listen)),
        trusted_proxies: s
            .list("trusted_proxies", network::network)
            .unwrap_or_else(|| vec![IpAddr::from(Ipv4Addr::LOCALHOST).into()]),
        metrics_listen: s.get("metrics_listen", value::socket_addr),
        max_connections: s.get("max_connections", value::count).unwrap_or(20_000),
        max_connections_is_chosen: s.has("max_connections"),
        max_websockets_per_order: s
            .get("max_websockets_per_order", value::count)
            .unwrap_or(16),
    };
    if let Some(metrics) = server.metrics_listen
        && overlap(metrics, listen)
    {
        s.error(
            "metrics_listen",
            format!(
                "{metrics} cannot be had beside server.listen ({listen}), expected another port; without metrics_listen /metrics \
                 is served there, to the admin"
            ),
        );
    }
    s.done();
    server
}

/// Whether only one of two addresses can be listened at: all addresses of this machine, as `0.0.0.0` and `[::]` are, take
/// the port of each.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let (x, y) = (a.ip().to_canonical(), b.ip().to_canonical());
    let covers =
        |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    // Port 0 is any that is free.
    a.port() == b.port() && a.port() != 0 && (x == y || covers(x, y) || covers(y, x))
}

pub(super) fn database(s: &Section<'_>, dir: &Path) -> Database {
    let path = s.get("path", value::filled);
    s.done();
    Database {
        path: dir.join(path.as_deref().unwrap_or("ocrch.db")),
    }
}

/// The admin, and where its secret stands if it is plain.
pub(super) fn admin(s: &Section<'_>) -> Option<(Admin, Option<Range<usize>>)> {
    let secret = s.require(
        "secret",
        "the admin's secret, plain or as an Argon2 hash",
        value::admin_secret,
    );
    s.done();
    let secret = secret?;
    let is_plain = !secret.starts_with("$argon2");
    if is_plain && let Some(weakness) = admin_secret::weakness_of_admin_secret(&secret) {
        s.warn(format!("admin.secret {weakness}"));
    }
    let hash = match is_plain {
        true => admin_secret::hash_admin_secret(&secret),
        false => admin_secret::check_hash(&secret).map(|()| secret),
    };
    let secret_hash = hash.map_err(|e| s.error("secret", e)).ok()?;
    let plain = s.span_of("secret").filter(|_| is_plain);
    Some((Admin { secret_hash }, plain))
}

pub(super) fn merchant(s: &Section<'_>, dir: &Path) -> Option<Merchant> {
    let secret = merchant_secret(s, dir);
    let merchant = Merchant {
        name: s
            .get("name", value::filled)
            .unwrap_or_else(|| "Shop".to_owned()),
        // Without a secret the rest is read all the same, for its errors.
        secret: secret.clone().unwrap_or_else(|| Secret::new("")),
        previous_secret: s.get("previous_secret", value::previous_secret),
        allowed_origins: s.list("allowed_origins", value::origin).unwrap_or_default(),
        unknown_transfer_webhook_url: s.get("unknown_transfer_webhook_url", value::exact_url),
        signature_max_age: s
            .get("signature_max_age", value::duration)
            .unwrap_or(5 * MINUTE),
        checkout_signature_max_age: s
            .get("checkout_signature_max_age", value::duration)
            .unwrap_or(HOUR),
    };
    s.done();
    secret.is_some().then_some(merchant)
}

fn merchant_secret(s: &Section<'_>, dir: &Path) -> Option<Secret> {
    let given = s.get("secret", value::signing_secret);
    let file = s.get("secret_file", value::filled);
    match (s.has("secret"), s.has("secret_file")) {
        (true, true) => {
            s.error(
                "secret_file",
                "found beside merchant.secret, expected only one of the two",
            );
            None
        }
        (false, false) => {
            s.missing(
                "secret",
                "the key that signs, at least 16 characters (or secret_file)",
            );
            None
        }
        (true, false) => {
            let doubt = given.as_ref().and_then(|s| doubt_about_secret(s.expose()));
            doubt
                .into_iter()
                .for_each(|doubt| s.warn(format!("merchant.secret {doubt}")));
            given
        }
        (false, true) => {
            let path = dir.join(file?);
            let secret = secret_from(&path).map_err(|e| s.error("secret_file", e));
            let secret = secret.ok()?;
            if let Some(doubt) = doubt_about_secret(secret.expose()) {
                s.warn(format!("merchant.secret_file: {} {doubt}", path.display()));
            }
            Some(secret)
        }
    }
}

fn secret_from(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| {
        let hint = match path.starts_with("/run/credentials") {
            true => " (systemd puts it there while the service runs)",
            false => "",
        };
        format!("cannot read {shown}: {e}{hint}")
    })?;
    let secret = secret_in(&text);
    value::check_signing_secret(secret)
        .map_err(|expected| format!("found a shorter text in {shown}, expected {expected}"))?;
    Ok(Secret::new(secret))
}

/// The secret that a file holds: editors and `echo` end it with a line break that is no part of it, and some editors of
/// Windows begin it with a byte order mark.
pub fn secret_in(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_end_matches(['\n', '\r'])
}

/// What is to be said of a secret that is taken to the letter but was hardly meant so, as it goes on after the name of the
/// setting or the file.
fn doubt_about_secret(secret: &str) -> Option<&'static str> {
    let is_one_piece = secret.trim() == secret && !secret.contains(['\n', '\r']);
    (!is_one_piece).then_some(
        "has a space at an end of the secret or a line break in it, which counts as a part of it: if your shop signs without it, \
         no signature is right",
    )
}

pub(super) fn orders(s: &Section<'_>) -> Orders {
    let orders = Orders {
        expires_after: s
            .get("expires_after", value::duration)
            .unwrap_or(30 * MINUTE),
        accept_late: s.get("accept_late", value::boolean).unwrap_or(false),
    };
    s.done();
    orders
}

pub(super) fn payments(s: &Section<'_>) -> Payments {
    let cent = Amount::from_micros(10_000);
    let payments = Payments {
        unique_amounts: s.get("unique_amounts", value::boolean).unwrap_or(true),
        max_tail: s.get("max_tail", value::amount).unwrap_or(cent),
        late_window: s.get("late_window", value::duration).unwrap_or(DAY),
        report_from: s.get("report_from", value::amount).unwrap_or(cent),
        accept_other_chain: s.get("accept_other_chain", value::boolean).unwrap_or(false),
        agree_from: s.get("agree_from", value::amount),
    };
    s.done();
    payments
}

pub(super) fn retention(s: &Section<'_>) -> Retention {
    let retention = Retention {
        events: s.get("events", value::duration).unwrap_or(90 * DAY),
        webhook_attempts: s
            .get("webhook_attempts", value::duration)
            .unwrap_or(30 * DAY),
    };
    s.done();
    retention
}

/// `None` without the section.
pub(super) fn alerts(s: &Section<'_>) -> Option<Alerts> {
    let url = match s.is_present() {
        true => s.require("url", "where alerts are posted", value::exact_url),
        false => s.get("url", value::exact_url),
    };
    let format = s.get("format", alert_format);
    let on = s.list("on", alert_kind);
    s.done();
    Some(Alerts {
        url: url?,
        format: format.unwrap_or_else(|| FORMATS[0].to_owned()),
        on: on.unwrap_or_else(|| DEFAULT_ALERTS.map(str::to_owned).to_vec()),
    })
}

fn alert_format(value: &toml::de::DeValue<'_>) -> Result<String, String> {
    match value.as_str() {
        Some("ntfy") => Ok(FORMATS[0].to_owned()),
        _ => one_of(value, &FORMATS),
    }
}

fn alert_kind(value: &toml::de::DeValue<'_>) -> Result<String, String> {
    one_of(value, &ALERTS)
}

fn one_of(value: &toml::de::DeValue<'_>, words: &[&str]) -> Result<String, String> {
    match value.as_str() {
        Some(word) if words.contains(&word) => Ok(word.to_owned()),
        _ => Err(format!("one of: {}", words.join(", "))),
    }
}

pub(super) fn webhooks(s: &Section<'_>) -> Webhooks {
    let webhooks = Webhooks {
        timeout: s
            .get("timeout", value::duration)
            .unwrap_or(Duration::from_secs(15)),
        concurrency: s.get("concurrency", value::count).unwrap_or(16),
        allow_private: s.get("allow_private", value::boolean).unwrap_or(true),
        padded_signatures: s.get("padded_signatures", value::boolean).unwrap_or(true),
    };
    s.done();
    webhooks
}

/// `title` is the default one.
pub(super) fn checkout(s: &Section<'_>, title: &str, dir: &Path) -> Checkout {
    let checkout = Checkout {
        enabled: s.get("enabled", value::boolean).unwrap_or(true),
        title: s
            .get("title", value::filled)
            .unwrap_or_else(|| title.to_owned()),
        logo_url: s.get("logo_url", value::link),
        accent: s.get("accent", value::colour),
        support_url: s.get("support_url", value::contact),
        languages: s.list("languages", value::language).unwrap_or_default(),
        override_dir: s
            .get("override_dir", value::filled)
            .map(|path| dir.join(path)),
    };
    if let Some(override_dir) = checkout.override_dir.as_ref().filter(|d| !d.is_dir()) {
        let shown = override_dir.display();
        s.error(
            "override_dir",
            format!("found {shown}, expected a directory that exists"),
        );
    }
    check_languages(s, &checkout);
    s.done();
    checkout
}

/// Offered is only what has a file: an unknown language would show a page without texts.
fn check_languages(s: &Section<'_>, checkout: &Checkout) {
    let known = languages::languages(checkout.override_dir.as_deref());
    for (i, code) in checkout.languages.iter().enumerate() {
        if !known.contains(code) {
            let message = format!("found {code:?}, expected one of: {}", known.join(", "));
            s.item_error("languages", i, message);
        }
    }
}

/// The address that a browser on this machine reaches.
pub(super) fn local_url(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}
