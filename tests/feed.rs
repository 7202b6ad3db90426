//! The feed of changes, where it cannot go on from what its reader knows: the reader is told.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::config::Config;
use crate::support::server::Server;
use crate::support::shop::{Shop, order_body};
use crate::support::wait;

/// A server with so many orders.
fn with_orders(count: usize) -> (Server, Shop, Admin) {
    let server = Server::start(&Config::new());
    let shop = Shop {
        base: server.base(),
    };
    let admin = Admin::of(&server.base());
    for _ in 0..count {
        shop.create(&order_body("5", "http://127.0.0.1:1/"));
    }
    (server, shop, admin)
}

fn ids(feed: &Value) -> Vec<i64> {
    let events = feed["events"].as_array().expect("an array");
    events
        .iter()
        .filter_map(|event| event["id"].as_i64())
        .collect()
}

#[test]
fn who_was_away_for_longer_than_events_are_kept_is_told() {
    let (mut server, _shop, admin) = with_orders(5);
    assert!(server.stop().success());
    let old = "UPDATE changes SET at = at - 100 * 86400 WHERE id <= 3";
    assert_eq!(server.stopped_db().execute(old, []), Ok(3));
    server.launch();
    wait::until("they are forgotten", || {
        let feed = admin.get("/events?after=0");
        (ids(&feed) == [4, 5]).then_some(())
    });
    // (what the reader knows, whether it missed something)
    for (after, missed) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
        let feed = admin.get(&format!("/events?after={after}"));
        assert_eq!(feed["missed"], missed, "{after}: {feed}");
        assert_eq!(feed["next"], 5, "{after}: {feed}");
    }
}

/// Numbers that the reader knows and the database does not: an older copy took its place.
#[test]
fn who_knows_more_than_the_database_is_told_at_once() {
    let (_server, shop, admin) = with_orders(2);
    let asked = Instant::now();
    let feed = admin.get("/events?after=7&wait=25");
    assert_eq!(feed, json!({"events": [], "next": 2, "missed": true}));
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "there is nothing to wait for"
    );
    // From there on it goes on.
    let order = shop.create(&order_body("6", "http://127.0.0.1:1/"));
    let feed = admin.get("/events?after=2&wait=25");
    assert_eq!(feed["missed"], false);
    assert_eq!(feed["events"][0]["order"]["order_id"], order["order_id"]);
}
