//! The examples for Prometheus and Grafana ask for numbers that there are.

use std::collections::BTreeSet;

use crate::support::node::tests_dir;
use crate::support::world::World;
use crate::support::{http, net, wait};

fn example(name: &str) -> String {
    let path = tests_dir().join("../examples/monitoring").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names of our numbers in a text.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("ocrch_") || word.starts_with("process_"))
        .collect()
}

/// The expressions in the dashboard's panels.
fn expressions(panels: &serde_json::Value) -> Vec<String> {
    let targets = panels.as_array().expect("panels").iter();
    let targets = targets.filter_map(|panel| panel["targets"].as_array());
    let found = targets.flatten().map(|target| target["expr"].as_str());
    found
        .map(|e| e.expect("an expression").to_owned())
        .collect()
}

#[test]
fn each_number_that_an_example_asks_for_is_there() {
    let address = net::free_address();
    let world = World::with(|config| {
        config.set_text("server", "metrics_listen", &address.to_string());
    });
    let (shopper, deposit) = world.deposit("5", "USDT");
    world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    world.confirm();
    world.receiver.wait_for_status(&shopper.order_id, "paid");

    let dashboard: serde_json::Value =
        serde_json::from_str(&example("grafana.json")).expect("JSON");
    let expressions = expressions(&dashboard["panels"]).join("\n");
    let alerts = example("alerts.yml");
    let asked: BTreeSet<_> = names(&expressions)
        .union(&names(&alerts))
        .copied()
        .collect();
    assert!(asked.len() > 20, "{asked:?}");

    // Counts of what is stored are a little older than the rest.
    let text = wait::until("the counts", || {
        let text = http::send("GET", &format!("http://{address}/metrics"), &[], b"").text();
        text.contains("ocrch_orders{status=\"paid\"} 1")
            .then_some(text)
    });
    let known = names(&text);
    let missing: Vec<_> = asked.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
