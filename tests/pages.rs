//! The pages that the server brings along, in a real browser.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::http;
use crate::support::net;
use crate::support::node::Script;
use crate::support::server::ocrch;
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
        .take(1)
        .collect();
    let base = format!("http://{listen}");
    assert!(said.contains(&base), "it says where it is: {said}");
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
