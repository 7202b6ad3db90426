//! What the dashboard finds and what its numbers say.

use serde_json::{Value, json};

use crate::support::admin::SECRET;
use crate::support::devnet::text;
use crate::support::node::Script;
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::World;

fn named(world: &World, merchant_order_id: &str) -> Shopper {
    let mut body = world.order_body("20.00");
    body["order_id"] = json!(merchant_order_id);
    world.order_with(&body)
}

/// The lines of a file with these values in this column.
fn column(csv: &Value, place: usize) -> Vec<String> {
    let text = csv.as_str().expect("a text");
    let lines = text.lines().skip(1);
    let value = |line: &str| line.split(',').nth(place).unwrap_or_default().to_owned();
    lines.map(value).collect()
}

#[test]
fn what_is_found_can_be_filtered_and_exported() {
    let world = World::start();
    let orders: Vec<_> = (100..155)
        .map(|n| named(&world, &format!("INV-{n}")))
        .collect();
    let other = named(&world, "OTHER-1");
    for order in [&orders[3], &orders[7], &other] {
        order.cancel().expect(200);
    }
    let paid = &orders[20];
    let hash = world.net.pay(&paid.pay("devnet", "USDT"));
    world.confirm();
    world.wait_for_status(paid, "paid");
    world.settle_everything();
    let mut script = Script::start(
        "dashboard-find.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET, "order": other.order_id, "hash": hash }),
    );
    let search = script.expect("search");
    assert_eq!(search["first"], 50);
    let all: Vec<String> = (100..155).rev().map(|n| format!("INV-{n}")).collect();
    assert_eq!(search["all"], json!(all), "each of them once");
    let cancelled = script.expect("cancelled");
    assert_eq!(cancelled["found"], json!(["INV-107", "INV-103"]));
    assert_eq!(cancelled["q"], "INV-");
    assert_eq!(cancelled["focus"], "filter-status");
    assert_eq!(column(&cancelled["csv"], 1), ["INV-107", "INV-103"]);
    assert_eq!(column(&cancelled["csv"], 3), ["cancelled", "cancelled"]);
    assert!(column(&script.expect("tomorrow")["csv"], 1).is_empty());
    let exact = script.expect("exact");
    assert_eq!(exact["byId"], json!(["OTHER-1"]));
    assert_eq!(exact["byHash"], json!(["INV-120"]));
    let transfers = script.expect("transfers");
    assert_eq!(transfers["all"], 2);
    assert_eq!(column(&transfers["csv"], 9), [hash]);
    assert_eq!(transfers["errors"], json!([]));
    script.finish();
}

#[test]
fn dust_does_not_bury_money() {
    let world = World::start();
    let net = &world.net;
    for amount in ["0.000003", "3", "0.000001", "0.000002"] {
        net.usdt.transfer(&net.anvil, &net.wallet, amount);
    }
    world.confirm();
    wait::until("all to be unmatched", || {
        let inbox = world.admin().get("/transfers?unmatched=true");
        (inbox.as_array().map(Vec::len) == Some(4)).then_some(())
    });
    let oldest = world.admin().get("/transfers?small=true")[2]["id"].clone();
    let ignore = format!("/transfers/{oldest}/ignore");
    world.admin().post(&ignore, &json!({}));
    let mut script = Script::start(
        "dashboard-small.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET }),
    );
    let inbox = script.expect("inbox");
    assert_eq!(inbox["money"], json!(["3 USDT on devnet"]));
    assert_eq!(inbox["faults"], json!([]));
    assert_eq!(inbox["badge"], "Inbox\n1\nunmatched");
    let small = script.expect("small");
    let dust = ["0.000002 USDT on devnet", "0.000001 USDT on devnet"];
    assert_eq!(small["money"], json!(dust));
    assert_eq!(small["faults"], json!([]));
    let back = script.expect("back");
    assert_eq!(back["toast"], "It is among the small transfers again.");
    assert_eq!(back["errors"], json!([]));
    script.finish();
}

#[test]
fn numbers_and_claims_are_those_of_what_happened() {
    let world = World::start();
    let (first, deposit) = world.deposit("20.00", "USDT");
    world.net.pay(&deposit);
    let (second, dai) = world.deposit("12.50", "DAI");
    world.net.pay(&dai);
    world.confirm();
    for order in [&first, &second] {
        world.wait_for_status(order, "paid");
    }
    let by_hand = world.order("5.25");
    world.admin().post(
        &format!("/orders/{}/mark-paid", by_hand.order_id),
        &json!({"reason": "cash"}),
    );
    world.order("8").cancel().expect(200);
    let [early, late] = ["EARLY-1", "LATE-1"].map(|id| {
        let order = named(&world, id);
        order.pay("devnet", "USDT");
        order
    });
    claims(&world, &early, &late);

    let mut script = Script::start(
        "dashboard-numbers.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET }),
    );
    let (usdt, dai) = (text(&deposit, "amount"), text(&dai, "amount"));
    let contains = |said: &Value, parts: &[&str]| {
        for part in parts {
            assert!(said.to_string().contains(part), "{part} in {said}");
        }
    };
    let today = script.expect("today");
    contains(&today["tiles"][0], &["\\n3\\n", usdt, dai, "5.25 by hand"]);
    contains(&today["tiles"][1], &["\\n2\\n"]);
    contains(&today["tiles"][2], &["\\n1\\n"]);
    contains(&today["received"], &[usdt, dai, "5.25", "1 order"]);
    let charts = script.expect("charts");
    for (tile, figure) in ["6", "3", "0", "1"].iter().enumerate() {
        contains(&charts["tiles"][tile], &[&format!("\\n{figure}\"")]);
    }
    contains(&charts["bar"], &[usdt, dai, "5.25", "3 orders"]);
    assert!(charts["height"].as_f64() > Some(50.0), "{charts}");
    contains(
        &charts["shares"],
        &[
            "USDT (1 order)",
            "DAI (1 order)",
            usdt,
            dai,
            "Marked by hand (1 order)",
        ],
    );
    contains(
        &charts["day"],
        &["\"6\",\"3\",\"0\",\"1\"", usdt, dai, "5.25 by hand"],
    );
    let inbox = script.expect("inbox");
    let said = inbox["claims"].as_array().expect("a list");
    assert_eq!(said.len(), 2, "all claimants: {said:?}");
    contains(
        &said[0],
        &[
            "EARLY-1",
            "claimed before it was in a block, when few others could know of it",
        ],
    );
    contains(
        &said[1],
        &[
            "LATE-1",
            "it was in a block already, where anybody can find it",
        ],
    );
    assert_eq!(inbox["errors"], json!([]));
    script.finish();
}

/// Two shoppers name the same stray transfer, the first before anybody can see it.
fn claims(world: &World, early: &Shopper, late: &Shopper) {
    let (net, anvil) = (&world.net, &world.net.anvil);
    let claim = |shopper: &Shopper, hash: &str| {
        let body = json!({ "txn_hash": hash, "blockchain": null });
        let answer = shopper.call("POST", &shopper.order_path("claim"), &body);
        answer.expect(200).json()["finding"].clone()
    };
    anvil.hold();
    let units = net.usdt.units("19.5");
    let hash = net
        .usdt
        .submit(anvil, &anvil.account(0), &net.wallet, units);
    assert_eq!(claim(early, &hash), "not_found");
    anvil.mine(1);
    anvil.release();
    for shopper in [early, late] {
        wait::until("the transaction to be found", || {
            (claim(shopper, &hash) == "short").then_some(())
        });
    }
    world.confirm();
    wait::until("the transfer to be unmatched", || {
        (world.unknown_transfers().len() == 1).then_some(())
    });
}
