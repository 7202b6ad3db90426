//! Numbers for Prometheus.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::support::admin::{Admin, SECRET as ADMIN_SECRET};
use crate::support::config::Config;
use crate::support::http;
use crate::support::net;
use crate::support::server::Server;
use crate::support::wait;
use crate::support::world::World;

/// The samples by name and labels, as they stand in the text.
struct Numbers(BTreeMap<String, f64>);

impl Numbers {
    fn at(address: SocketAddr) -> Self {
        let reply = http::send("GET", &format!("http://{address}/metrics"), &[], b"").expect(200);
        let kind = reply.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        Self::read(&reply.text())
    }

    /// Reads the format strictly: every sample belongs to a family that was described before it.
    fn read(text: &str) -> Self {
        let mut samples = BTreeMap::new();
        let mut family = String::new();
        let lines: Vec<_> = text.lines().collect();
        let (end, lines) = lines.split_last().expect("a text");
        assert_eq!(*end, "# EOF");
        for line in lines {
            if let Some(described) = line.strip_prefix("# ") {
                let mut words = described.splitn(3, ' ');
                let (kind, name) = (words.next().unwrap(), words.next().unwrap());
                assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
                family = name.to_owned();
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            assert!(sample.starts_with(&family), "{line} is not of {family}");
            let value = value.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
            let before = samples.insert(sample.to_owned(), value);
            assert_eq!(before, None, "twice: {sample}");
        }
        Self(samples)
    }

    #[track_caller]
    fn get(&self, sample: &str) -> f64 {
        let found = self.0.get(sample).copied();
        found.unwrap_or_else(|| panic!("no {sample} in {:#?}", self.0.keys()))
    }
}

fn world_with_metrics() -> (World, SocketAddr) {
    world_with(|_| {})
}

fn world_with(change: impl FnOnce(&mut Config)) -> (World, SocketAddr) {
    let address = net::free_address();
    let world = World::with(|config| {
        config.set_text("server", "metrics_listen", &address.to_string());
        change(config);
    });
    (world, address)
}

/// An amount under so small a tail has 101 values.
#[test]
fn values_that_run_out_are_told_before_the_last_is_gone() {
    let (world, address) = world_with(|config| {
        config.set("payments", "max_tail", "\"0.0001\"");
    });
    let warnings = || {
        let log = world.server.log();
        log.matches("80 % of the values for this amount are held")
            .count()
    };
    let take = |count: usize| (0..count).for_each(|_| drop(world.deposit("25", "USDT")));
    take(81);
    assert_eq!(warnings(), 0, "79 % were held when the last one was taken");
    take(1);
    assert_eq!(warnings(), 1);
    take(19);
    let refused = world.order("25").try_pay("devnet", "USDT");
    refused.expect_error(503, "no payment slot free, try again later");
    assert_eq!(warnings(), 1, "once");
    let numbers = Numbers::at(address);
    assert_eq!(numbers.get("ocrch_slots_exhausted_total"), 1.0);
    let filled = |sample: &str| numbers.get(&format!("ocrch_slots_filled_ratio_{sample}"));
    assert_eq!(filled("count"), 102.0);
    assert_eq!(filled("count") - filled("bucket{le=\"0.8\"}"), 20.0);
}

#[test]
fn a_paid_order_shows_in_the_numbers() {
    let (world, address) = world_with_metrics();
    let (shopper, deposit) = world.deposit("5", "USDT");
    let _socket = shopper.socket();
    world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    assert_eq!(Numbers::at(address).get("ocrch_websockets"), 1.0);
    world.confirm();
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    world.order("1");
    // Counts of what is stored are up to a quarter of a minute old.
    let numbers = wait::until("the counts", || {
        let numbers = Numbers::at(address);
        numbers.0.get("ocrch_orders{status=\"paid\"}")?;
        (numbers.get("ocrch_orders{status=\"pending\"}") == 1.0).then_some(numbers)
    });
    let chain = "blockchain=\"devnet\"";
    for (sample, value) in [
        ("ocrch_orders{status=\"paid\"}", 1.0),
        ("ocrch_transfers{status=\"matched\"}", 1.0),
        ("ocrch_payments_vanished", 0.0),
        ("ocrch_webhooks{status=\"queued\"}", 0.0),
        ("ocrch_webhook_attempts_total{outcome=\"delivered\"}", 1.0),
        ("ocrch_webhook_retries_total", 0.0),
        ("ocrch_webhook_seconds_count", 1.0),
        ("ocrch_slots_filled_ratio_count", 1.0),
        ("ocrch_slots_exhausted_total", 0.0),
        ("ocrch_database_writable", 1.0),
        ("ocrch_commit_failures_total", 0.0),
        (
            &format!("ocrch_payment_detection_seconds_count{{{chain}}}"),
            1.0,
        ),
        (
            &format!("ocrch_payment_confirmation_seconds_count{{{chain}}}"),
            1.0,
        ),
        (&format!("ocrch_chain_degraded{{{chain}}}"), 0.0),
        (
            "ocrch_http_request_seconds_count{route=\"/api/v1/service/orders\",method=\"POST\",status=\"2xx\"}",
            2.0,
        ),
        (
            "ocrch_http_request_seconds_count{route=\"/api/v1/user/orders/:id/payment\",method=\"POST\",status=\"2xx\"}",
            1.0,
        ),
    ] {
        assert_eq!(numbers.get(sample), value, "{sample}");
    }
    let head = world.net.anvil.head() as f64;
    assert_eq!(numbers.get(&format!("ocrch_chain_head{{{chain}}}")), head);
    for sample in [
        "ocrch_commit_seconds_count",
        "process_resident_memory_bytes",
        "process_open_fds",
        "ocrch_http_connections",
    ] {
        assert!(numbers.get(sample) > 0.0, "{sample}");
    }
    let requests = numbers
        .0
        .iter()
        .find(|(name, _)| name.starts_with("ocrch_provider_requests_today{"));
    assert!(requests.is_some_and(|(_, n)| *n > 0.0), "{requests:?}");
}

#[test]
fn labels_are_few_whatever_clients_ask() {
    let (world, address) = world_with_metrics();
    let series = || {
        let numbers = Numbers::at(address).0;
        let http = numbers
            .keys()
            .filter(|name| name.starts_with("ocrch_http_request_seconds_count"));
        http.cloned().collect::<Vec<_>>()
    };
    let ask = |path: &str, method: &str| {
        let url = format!("{}{path}", world.server.base());
        http::send(method, &url, &[], b"").status
    };
    ask("/nothing", "GET");
    let shopper = world.order("1");
    shopper.status();
    // The question for the numbers is counted, too.
    series();
    let before = series();
    for n in 0..20 {
        ask(&format!("/nothing/{n}"), "GET");
        ask(&format!("/x{n}"), "GET");
        let other = world.order("1");
        other.status();
    }
    assert_eq!(series(), before);
    ask("/nothing", "PROPFIND");
    ask("/nothing", "BREW");
    assert_eq!(series().len(), before.len() + 1);
    for series in series() {
        assert!(!series.contains(&shopper.order_id), "{series}");
    }
}

/// Guessing here is guessing at the Admin API, and who signed in there is signed in here.
#[test]
fn the_main_address_knows_the_same_admin_as_the_api() {
    let server = Server::start(&Config::new());
    let admin = Admin::of(&server.base());
    let metrics = |headers: &[(&str, &str)]| {
        let url = format!("{}/metrics", server.base());
        http::send("GET", &url, headers, b"")
    };
    let signed_in = admin.call("POST", "/session", &Value::Null).expect(201);
    let cookie = signed_in.header("set-cookie").expect("a cookie");
    let cookie = cookie.split(';').next().unwrap_or_default();
    metrics(&[("cookie", cookie)]).expect(200);
    let guess = Admin {
        secret: "a guess".to_owned(),
        ..admin
    };
    for _ in 0..10 {
        guess.call("GET", "/wallets", &Value::Null).expect(401);
    }
    metrics(&[("authorization", "Bearer a guess")])
        .expect_error(429, "too many wrong admin secrets, try again later");
}

#[test]
fn the_address_can_be_moved_and_the_main_one_tells_the_admin_only() {
    let (world, address) = world_with_metrics();
    let main = format!("{}/metrics", world.server.base());
    let ask = |headers: &[(&str, &str)]| http::send("GET", &main, headers, b"");
    ask(&[]).expect_error(
        401,
        "missing Ocrch-Admin-Authorization header, or use server.metrics_listen",
    );
    ask(&[("authorization", "Bearer wrong")]).expect_error(401, "invalid admin secret");
    for (name, value) in [
        ("ocrch-admin-authorization", ADMIN_SECRET.to_owned()),
        ("authorization", format!("Bearer {ADMIN_SECRET}")),
    ] {
        Numbers::read(&ask(&[(name, &value)]).expect(200).text());
    }
    Numbers::at(address);
    let moved = net::free_address();
    world.reload_with(|config| {
        config.set_text("server", "metrics_listen", &moved.to_string());
    });
    let url = |address: SocketAddr| format!("http://{address}/metrics");
    wait::until("the new address", || {
        http::try_send("GET", &url(moved), &[], b"").ok()
    });
    wait::until("the end of the old one", || {
        http::try_send("GET", &url(address), &[], b"")
            .is_err()
            .then_some(())
    });
    // The same port at every address of this machine, and from there to an address that is not ours: back again.
    let everywhere = SocketAddr::new([0, 0, 0, 0].into(), moved.port());
    let elsewhere = SocketAddr::new([127, 0, 0, 2].into(), moved.port());
    world.reload_with(|config| {
        config.set_text("server", "metrics_listen", &everywhere.to_string());
    });
    wait::until("every address", || {
        http::try_send("GET", &url(elsewhere), &[], b"").ok()
    });
    let foreign = SocketAddr::new([192, 0, 2, 1].into(), moved.port());
    world.reload_with(|config| {
        config.set_text("server", "metrics_listen", &foreign.to_string());
    });
    let log_has = |text: &str| world.server.log().contains(text).then_some(());
    wait::until("the complaint", || {
        log_has(&format!("cannot listen on {foreign}"))
    });
    wait::until("the address before", || {
        http::try_send("GET", &url(elsewhere), &[], b"").ok()
    });
    // An address that cannot be had changes nothing.
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = other.local_addr().expect("its address");
    world.reload_with(|config| {
        config.set_text("server", "metrics_listen", &taken.to_string());
    });
    wait::until("the complaint", || {
        world
            .server
            .log()
            .contains(&format!("cannot listen on {taken}"))
            .then_some(())
    });
    Numbers::at(moved);
    world.reload_with(|_| {});
    wait::until("the end of it", || {
        http::try_send("GET", &url(moved), &[], b"")
            .is_err()
            .then_some(())
    });
}
