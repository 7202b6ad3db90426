//! The pages that the server brings along, in a real browser.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::config::Config;
use crate::support::http;
use crate::support::net;
use crate::support::node::Script;
use crate::support::server::{Server, ocrch};
use crate::support::wait;

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first thing that anybody tries: from nothing to "paid", by clicking.
#[test]
fn the_demo_sells_a_mug() {
    let start = Instant::now();
    let listen = net::free_address().to_string();
    let mut child = ocrch()
        .args(["demo", "--listen", &listen])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary starts");
    let output = child.stdout.take().expect("piped");
    let _demo = Demo(child);
    let said: String = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .take(4)
        .collect();
    let base = format!("http://{listen}");
    assert!(said.contains(&base), "it says where it is: {said}");
    let dashboard = format!("{base}/admin, with the secret demo-admin-known-to-everybody");
    assert!(said.contains(&dashboard), "and what else is there: {said}");
    wait::until("the demo to be ready", || {
        http::try_send("GET", &base, &[], b"")
            .ok()
            .filter(|reply| reply.status == 200)
    });
    let ready = start.elapsed();
    let mut script = Script::start("demo.mjs", &json!({ "base": base }));
    let paid = script.expect("paid");
    let end = script.expect("told");
    assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
    script.finish();
    let took = Duration::from_millis(paid["milliseconds"].as_u64().expect("a number"));
    // Ten seconds on a machine of one's own; here others use it, too.
    assert!(
        ready + took < Duration::from_secs(20),
        "{ready:?} and {took:?}"
    );
}

#[test]
fn the_demo_stays_at_home() {
    let output = ocrch()
        .args(["demo", "--listen", "0.0.0.0:0"])
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_bare_address_leads_customers_and_owners_on() {
    let mut config = Config::new();
    config.set_text("merchant", "name", "Beans & <Leaves>");
    let server = Server::start(&config);
    let home = |language: &str| {
        let headers = [("accept-language", language)];
        http::send("GET", &server.base(), &headers, b"").expect(200)
    };
    let english = home("en");
    let text = english.text();
    for part in [
        "<html lang=\"en\"",
        "Payment to <bdi>Beans &amp; &lt;Leaves&gt;</bdi>",
        "This payment link is incomplete. Please ask the shop for a new one.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(home("ar").text().contains("<html lang=\"ar\" dir=\"rtl\""));
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("vary", "Accept-Encoding"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(english.header(name), Some(value), "{english:?}");
    }
    let rules = english.header("content-security-policy").expect("rules");
    assert!(!rules.contains("unsafe"), "{rules}");
    let mut script = Script::start("home.mjs", &json!({ "base": server.base() }));
    let seen = script.expect("seen");
    assert_eq!(seen["found"], json!([]));
    assert_ne!(seen["grounds"][0], seen["grounds"][1], "light and dark");
    script.finish();

    // A shop with a page of its own needs this one as well.
    server.configure(config.set("checkout", "enabled", "false"));
    server.reload();
    assert!(home("de").text().contains("unvollständig"));
}
