//! The dashboard where what others chose is odd: ids that turn text around or fill a page, addresses that nobody made, a session
//! that ended elsewhere.

use serde_json::json;

use crate::dashboard::short_payment;
use crate::support::admin::SECRET;
use crate::support::node::Script;
use crate::support::receiver::Answer;
use crate::support::wait;
use crate::support::world::World;

#[test]
fn odd_ids_addresses_and_moments_leave_it_right() {
    let world = World::start();
    // A right-to-left override, behind what would end an isolation.
    let turned = short_payment(&world, "A-7\u{2069}\u{202e}");
    let mut long = world.order_body("5.00");
    long["order_id"] = json!("x".repeat(255));
    world.order_with(&long);
    world.settle_everything();
    // Its shop takes what it answers for good.
    world.receiver.always(Answer::Status(204));
    world.order("5.00").cancel().expect(200);
    wait::until("its webhook to fail", || {
        let failing = world.admin().get("/webhooks?failing=true");
        (failing.as_array().map(Vec::len) == Some(1)).then_some(())
    });
    let orders = json!({ "turned": turned, "shown": "A-7\u{202e}" });
    let mut script = Script::start(
        "dashboard-odd.mjs",
        &json!({ "base": world.server.base(), "secret": SECRET, "orders": orders }),
    );
    for step in ["guess", "asked"] {
        assert_eq!(script.expect(step)["forwards"], true, "{step}");
    }
    assert_eq!(script.expect("back")["dialogs"], 0);
    assert_eq!(script.expect("marking")["forwards"], true);
    for step in ["wide", "narrow"] {
        let said = script.expect(step);
        let edges = said["edges"].as_array().expect("a list");
        assert!(edges.len() >= 4, "{said}");
        let width = said["width"].as_f64();
        assert!(edges.iter().all(|edge| edge.as_f64() < width), "{said}");
    }
    for _ in 0..3 {
        assert_eq!(script.expect("unknown")["said"], "resource not found");
    }
    assert_eq!(script.expect("charts")["bars"], 366);
    assert_eq!(script.expect("corrected")["complaints"], 0);
    let refused = script.expect("refused")["said"].to_string();
    for part in ["Answered 204", "Only exactly 200 counts", "Failed "] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    assert!(!refused.contains("Queued"), "{refused}");
    let given_up = script.expect("given up")["badge"].to_string();
    assert!(
        given_up.contains("Failed ") && given_up.contains("×, given up"),
        "{given_up}"
    );
    let all = ["The customer chooses", "Ethereum", "Tron"];
    let offered = json!({
        "USDT": ["tron", all[0], all[1], all[2]],
        "DAI": ["", all[0], all[1]],
        "": ["", all[0], all[1], all[2]],
    });
    assert_eq!(script.expect("networks")["offered"], offered);
    let ended = script.expect("ended");
    assert_eq!(ended["dialogs"], 0);
    let said = ended["said"].to_string();
    assert!(said.contains("Your session has ended."), "{said}");
    assert_eq!(ended["errors"], json!([]));
    let hash = script.expect("hash")["said"].to_string();
    assert!(hash.contains("That is the secret’s hash"), "{hash}");
    let [empty, typed] = [
        ["", "", "", "", "", "", ""],
        ["INV-7", "19.99", "", "DAI", "", "", ""],
    ];
    assert_eq!(script.expect("typed")["kept"], json!([typed, empty]));
    script.finish();
}
