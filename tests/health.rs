//! Whether the server says how it is.

use serde_json::json;

use crate::support::config::Config;
use crate::support::faulty_rpc::Fault;
use crate::support::http::{self, Reply};
use crate::support::server::Server;
use crate::support::wait;
use crate::support::world::World;

fn get(server: &Server, path: &str) -> Reply {
    http::send("GET", &format!("{}{path}", server.base()), &[], b"")
}

#[test]
fn health_is_as_clients_of_the_original_know_it() {
    let server = Server::start(&Config::new());
    let health = get(&server, "/health").expect(200);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(health.json(), json!({"status": "ok", "version": version}));
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let nothing_to_watch = json!({"ready": true, "database": "ok", "chains": {}});
    assert_eq!(get(&server, "/ready").expect(200).json(), nothing_to_watch);
}

#[test]
fn it_is_ready_once_each_chain_was_tried() {
    let world = World::start();
    wait::until("readiness", || {
        (get(&world.server, "/ready").status == 200).then_some(())
    });
    let chains = json!({"devnet": "watched"});
    assert_eq!(get(&world.server, "/ready").json()["chains"], chains);
    // A provider that hangs is being tried; its refusal is a try that has ended.
    world.rpc.fail(Fault::Hang);
    let mut world = world;
    world.restart_with(|_| {});
    let waiting = get(&world.server, "/ready").expect(503).json();
    assert_eq!(waiting["ready"], false);
    assert_eq!(waiting["chains"], json!({"devnet": "not tried yet"}));
    get(&world.server, "/health").expect(200);
    world.rpc.fail(Fault::Refuse);
    wait::until("readiness", || {
        (get(&world.server, "/ready").status == 200).then_some(())
    });
}

#[test]
fn every_answer_has_rules_for_browsers() {
    let mut config = Config::new();
    config.set_text("server", "public_url", "https://pay.example.com");
    let server = Server::start(&config);
    for path in [
        "/health",
        "/nothing",
        "/openapi.json",
        "/checkout",
        "/docs",
        "/api/v1/user/chains",
    ] {
        let answer = get(&server, path);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=15552000"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{path} {policy}");
        assert!(policy.contains("frame-ancestors"), "{path} {policy}");
        assert_eq!(answer.header("server"), None, "{path}");
    }
}
