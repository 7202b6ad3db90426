//! `/docs`: Swagger UI that signs, its panels, and the code it shows, in a real browser and by running.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::node::Script;
use crate::support::programs::Receiving;
use crate::support::world::World;

/// The plain secret of the hash in every test's configuration.
const ADMIN_SECRET: &str = "admin-secret-for-tests";

fn start(world: &World, script: &str) -> Script {
    Script::start(
        script,
        &json!({"base": world.server.base(), "secret": SECRET, "admin_secret": ADMIN_SECRET}),
    )
}

/// Steps of this name, up to the next one of another.
fn all(script: &mut Script, step: &str) -> (Vec<Value>, Value) {
    let mut found = Vec::new();
    loop {
        let said = script.hear();
        if said["step"] != step {
            return (found, said);
        }
        found.push(said);
    }
}

fn refused(answer: &Value) -> bool {
    let status = answer["status"].as_i64().unwrap_or_default();
    !(200..500).contains(&status) || status == 401 || status == 403
}

#[test]
fn every_call_can_be_tried_and_copied() {
    let world = World::start();
    let mut script = start(&world, "docs.mjs");
    assert_eq!(script.expect("unsigned")["status"], 401);

    let (tried, first) = all(&mut script, "tried");
    let calls = described_calls(&world);
    assert_eq!(tried.len(), calls, "every call of the document");
    for call in &tried {
        assert!(!refused(call), "{call}");
        assert_eq!(call["traced"], true, "it shows how it was signed: {call}");
    }
    for (operation, status) in [
        ("createOrder", 201),
        ("orderStatus", 200),
        ("cancelOrder", 200),
        ("listChains", 200),
        ("choosePayment", 201),
        ("pollOrder", 200),
    ] {
        let call = tried.iter().find(|call| call["operation"] == operation);
        assert_eq!(call.expect("described")["status"], status, "{operation}");
    }
    let (mut ran, receivers) = all(&mut script, "ran");
    ran.insert(0, first);
    assert_eq!(ran.len(), calls * 4, "in four languages");
    for code in &ran {
        assert_eq!(code["syntax"], "", "{code}");
        assert_eq!(
            code["secret"], false,
            "no code has the secret in it: {code}"
        );
        let printed = code["printed"].as_str().expect("text");
        match code["operation"].as_str().expect("a name") {
            "followOrder" => assert!(printed.contains("status_update"), "{code}"),
            "createOrder" => assert_eq!(code["status"], 201, "{code}"),
            "orderStatus" | "cancelOrder" | "listChains" | "pollOrder" => {
                assert_eq!(code["status"], 200, "{code}");
            }
            _ => assert!(!refused(code), "{code}"),
        }
    }
    assert_eq!(receivers["step"], "receivers", "{receivers}");
    check_receivers(&receivers["receivers"]);

    let end = script.expect("end");
    assert_eq!(
        end["leaks"], 0,
        "the merchant secret never travels, the admin's only to its API"
    );
    assert_eq!(end["kept"], false, "nothing is stored");
    assert_eq!(
        (&end["forgotten"], &end["reloaded"]),
        (&json!(""), &json!(""))
    );
    assert_eq!(
        end["problems"],
        json!([]),
        "nothing in the browser's console"
    );
    script.finish();
}

fn described_calls(world: &World) -> usize {
    let url = format!("{}/openapi.json", world.server.base());
    let document = crate::support::http::send("GET", &url, &[], b"")
        .expect(200)
        .json();
    let paths = document["paths"].as_object().expect("paths");
    paths
        .values()
        .map(|item| item.as_object().expect("calls").len())
        .sum()
}

/// The receivers that the page shows, told by the sender that it shows.
fn check_receivers(code: &Value) {
    let text = |language: &str| code[language].as_str().expect("code");
    for language in ["Node.js", "Python", "PHP"] {
        let receiver = Receiving::start(language, text(language), SECRET);
        let sender = text("curl");
        assert_eq!(receiver.tell(sender, SECRET), "200", "{language}");
        assert_eq!(
            receiver.tell(sender, SECRET),
            "200",
            "{language}: once more"
        );
        assert_eq!(
            receiver.tell(sender, "another-secret-altogether"),
            "401",
            "{language}"
        );
        let stale = sender.replace("TS=$(date +%s)", "TS=$(( $(date +%s) - 3600 ))");
        assert_ne!(stale, sender);
        assert_eq!(
            receiver.tell(&stale, SECRET),
            "401",
            "{language}: a recording"
        );
        let changed = sender.replace("-d \"$BODY\"", "-d \"$BODY \"");
        assert_ne!(changed, sender);
        assert_eq!(
            receiver.tell(&changed, SECRET),
            "401",
            "{language}: other bytes"
        );
    }
}

/// Readable in light and dark, on a phone and by keyboard, and honest where it cannot sign.
#[test]
fn the_page_is_for_everybody() {
    let world = World::start();
    let mut script = start(&world, "docs-views.mjs");
    let (views, then) = all(&mut script, "view");
    assert_eq!(views.len(), 2);
    for view in &views {
        assert_eq!(view["faults"], json!([]), "axe-core: {view}");
        assert_eq!(view["overflow"], 0, "nothing sticks out: {view}");
    }
    assert_eq!(then["step"], "keyboard", "{then}");
    assert_eq!(then["status"], "201", "an order by keyboard alone");
    let signed = script.expect("signed-by-hand");
    let (url, ts) = (
        signed["url"].as_str().expect("text"),
        signed["ts"].as_str().expect("text"),
    );
    let expected = crate::support::sign::url(SECRET, ts.parse().expect("seconds"), url);
    assert_eq!(signed["signature"], expected);
    assert_eq!(signed["opened"], true, "the page it made opens the order");
    let insecure = script.expect("insecure");
    assert!(
        insecure["says"]
            .as_str()
            .is_some_and(|t| t.contains("plain http")),
        "{insecure}"
    );
    script.finish();
}
