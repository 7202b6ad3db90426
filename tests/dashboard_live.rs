//! The dashboard while news come: what somebody is in the middle of stays.

use serde_json::{Value, json};

use crate::support::admin::SECRET;
use crate::support::devnet::text;
use crate::support::node::Script;
use crate::support::world::World;

/// The script's next step; meanwhile the shop makes an order each time that it asks for news.
fn next(world: &World, script: &mut Script, step: &str) -> Value {
    loop {
        let said = script.hear();
        if said["step"] != "news" {
            assert_eq!(said["step"], step, "{said}");
            return said;
        }
        let body = world.order_body("5.00");
        world.shop.create(&body);
        script.tell(&json!({ "order": text(&body, "order_id") }));
    }
}

#[test]
fn news_disturb_nobody() {
    let world = World::start();
    for _ in 0..60 {
        world.order("5.00");
    }
    world.settle_everything();
    let mut script = Script::start(
        "dashboard-live.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET }),
    );
    let rows = next(&world, &mut script, "rows");
    assert_eq!(rows["before"], 50);
    assert_eq!(rows["asked"], 61);
    assert_eq!(rows["after"], 62, "the new one, and all that were shown");
    let typed = next(&world, &mut script, "typed");
    assert_eq!(typed["typed"], "half-typ");
    assert_eq!(typed["early"], 0);
    assert_eq!(typed["barriers"], json!([]));
    next(&world, &mut script, "transfer");
    let net = &world.net;
    net.usdt.transfer(&net.anvil, &net.wallet, "1.11");
    assert_eq!(next(&world, &mut script, "focus")["focus"], "its order");
    let form = next(&world, &mut script, "form");
    assert_eq!(form["order"], "by hand");
    assert_eq!(form["focus"], "amount");
    assert_eq!(form["held"], false, "a form waits for no news");
    let asked = form["asked"].as_array().expect("a list");
    assert!(
        !asked.contains(&json!("wallets")),
        "not loaded again: {asked:?}"
    );
    let made = next(&world, &mut script, "made");
    assert_eq!(made["webhook"], 1);
    assert!(
        made["question"].to_string().contains("nobody is told"),
        "{made}"
    );
    assert_eq!(
        made["order"], "",
        "a new form, not the link of the one before"
    );
    assert_eq!(next(&world, &mut script, "end")["errors"], json!([]));
    script.finish();
}
