//! SIGHUP: settings beside wallets, chains and secrets take effect without a restart, too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::config::{Config, Wallet};
use crate::support::devnet::wallet_address;
use crate::support::receiver::Receiver;
use crate::support::server::Server;
use crate::support::world::World;
use crate::support::{http, net, wait};

#[test]
fn alerts_go_elsewhere_and_the_page_has_another_title() {
    let world = World::start();
    let phones = [Receiver::start(), Receiver::start()];
    let order = world.shop.create(&world.order_body("1"));
    let page = order["checkout_url"].as_str().expect("a page");
    let reload = |phone: &Receiver, format: &str, title: &str| {
        let said = world.reload_with(|config| {
            config
                .set_text("alerts", "url", &phone.url("/phone"))
                .set_text("alerts", "format", format)
                .set("alerts", "on", "[\"paid\"]")
                .set_text("checkout", "title", title);
        });
        assert!(!said.contains("after a restart"), "{said}");
        let html = http::send("GET", page, &[], b"").expect(200).text();
        assert!(html.contains(title), "{html}");
        world.settle_everything();
        phone.wait_for("/phone", 1)[0].clone()
    };
    let told = reload(&phones[0], "text", "The first title");
    assert!(String::from_utf8_lossy(&told.body).contains("is paid"));
    let told = reload(&phones[1], "slack", "The second title");
    let text = told.json()["text"]
        .as_str()
        .expect("Slack's form")
        .to_owned();
    assert!(text.contains("is paid"), "{text}");
    assert_eq!(phones[0].to("/phone").len(), 1, "no more to the old one");
}

#[test]
fn proxies_and_the_limits_of_connections_change() {
    let world = World::start();
    let health = format!("{}/health", world.server.base());
    let deed_from = || {
        let path = format!("/orders/{}/mark-paid", world.order("1").order_id);
        let proxied = [("x-forwarded-for", "203.0.113.7")];
        let admin = world.admin();
        admin
            .call_with("POST", &path, &Value::Null, &proxied)
            .expect(200);
        admin.get("/audit")[0]["client"].clone()
    };
    assert_eq!(deed_from(), "203.0.113.7");
    world.reload_with(|config| {
        config.set("server", "trusted_proxies", "[]");
        config.set("server", "max_websockets_per_order", "1");
    });
    assert_eq!(deed_from(), "127.0.0.1");
    let shopper = world.order("2");
    let watching = shopper.socket();
    let refused = shopper.refused_socket("", &shopper.headers());
    refused.expect_error(429, "too many websockets for this order");
    drop(watching);

    world.reload_with(|config| {
        config.set("server", "max_connections", "1");
    });
    let held = wait::until("the only place", || {
        let mut stream = TcpStream::connect(world.server.address()).ok()?;
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut status = [0; 12];
        stream.read_exact(&mut status).ok()?;
        (&status == b"HTTP/1.1 200").then_some(stream)
    });
    let status = || {
        let reply = http::try_send("GET", &health, &[], b"").ok();
        reply.map(|reply| reply.status)
    };
    wait::until("no place for another", || {
        (status() == Some(503)).then_some(())
    });
    // What the system allows no more is said, as at the start.
    let pid = world.server.pid().to_string();
    let lowered = Command::new("prlimit")
        .args(["--pid", &pid, "--nofile=1000:1000"])
        .status();
    assert!(lowered.expect("prlimit(1)").success());
    let said = world.reload_with(|config| {
        config.set("server", "max_connections", "5000");
    });
    let too_many = "may not open files for server.max_connections = 5000";
    assert!(said.contains(too_many), "{said}");
    assert_eq!(status(), Some(200));
    drop(held);
}

/// A key makes a chain's watcher another one, which knows it. Nobody is asked here: the first provider never answers.
#[test]
fn an_explorers_key_is_taken() {
    let silent = TcpListener::bind(net::free_address()).expect("a port");
    let node = format!("http://{}", silent.local_addr().expect("an address"));
    let explorer = "{ kind = \"etherscan\", url = \"https://api.etherscan.io/v2/api\" }";
    let mut config = Config::new();
    config.wallets.push(Wallet {
        blockchain: "eth".to_owned(),
        address: wallet_address(1),
        coins: vec!["USDT".to_owned()],
        starting_tx: None,
    });
    let providers = format!("[{{ kind = \"rpc\", url = {node:?} }}, {explorer}]");
    config.set("chains.eth", "providers", &providers);
    let server = Server::start(&config);
    let watchers = || {
        server
            .log()
            .matches("watching chain blockchain=eth")
            .count()
    };
    let reload_with_key = |key: &str| {
        let mut config = config.clone();
        config.set_text("api_keys", "etherscan_api_key", key);
        server.configure(&config);
        assert!(server.reload().contains("configuration reloaded"));
    };
    assert_eq!(watchers(), 1);
    reload_with_key("");
    wait::holds(Duration::from_secs(1), "no key is no change", || {
        watchers() == 1
    });
    reload_with_key("a-key");
    wait::until("another watcher", || (watchers() == 2).then_some(()));
}
