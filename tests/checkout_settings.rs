//! `[checkout]`: what shops make of the bundled page, and what browsers may do with it.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::config::CHECKOUT_ORIGIN;
use crate::support::http::{self, Reply};
use crate::support::wait;
use crate::support::world::World;

fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    http::send(
        "GET",
        &format!("{}{path}", world.server.base()),
        headers,
        b"",
    )
}

/// The settings that the page's script reads.
fn settings(world: &World) -> Value {
    let page = get(world, "/checkout", &[]).expect(200).text();
    let json = page.split("id=\"settings\">").nth(1).expect("settings");
    let json = &json[..json.find("</script>").expect("their end")];
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn a_shop_makes_the_page_its_own() {
    let world = World::start();
    let directory = world.server.config_path().with_file_name("page");
    fs::create_dir_all(directory.join("lang")).expect("a directory");
    let write =
        |name: &str, content: &str| fs::write(directory.join(name), content).expect("a file");
    write("style.css", "body { color: teal }");
    write("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    write(
        "lang/gsw.json",
        "{\"fallback.problem\": \"Dä Link isch nöd guet.\"}",
    );
    symlink(world.server.config_path(), directory.join("config.txt")).expect("a link");
    let mut world = world;
    world.restart_with(|config| {
        config.set_text("checkout", "title", "Beans & <Leaves>");
        config.set_text("checkout", "logo_url", "/checkout/logo.svg");
        config.set_text("checkout", "accent", "#0a7");
        config.set_text("checkout", "support_url", "mailto:help@shop.example.com");
        config.set("checkout", "languages", "[\"gsw\", \"en\"]");
        config.set_text("checkout", "override_dir", "page");
    });
    let told = settings(&world);
    assert_eq!(told["name"], "Test shop");
    assert_eq!(told["title"], "Beans & <Leaves>");
    assert_eq!(told["logo_url"], "/checkout/logo.svg");
    assert_eq!(told["accent"], "#0a7");
    assert_eq!(told["support_url"], "mailto:help@shop.example.com");
    assert_eq!(told["languages"], serde_json::json!(["gsw", "en"]));
    assert_eq!(told["chains"]["devnet"]["chain_id"], 31_337);
    assert!(
        told["chains"]["devnet"].get("rpc_url").is_none(),
        "a node of one's own stays secret"
    );

    let page = get(&world, "/checkout?sig=1.x", &[]).expect(200).text();
    assert!(
        page.contains("<html lang=\"gsw\"") && page.contains("Dä Link isch nöd guet."),
        "{page}"
    );
    assert!(
        page.contains("<title>Beans &amp; &lt;Leaves&gt;</title>"),
        "{page}"
    );
    let english = get(&world, "/checkout", &[("accept-language", "en-GB")]).text();
    assert!(english.contains("<html lang=\"en\""), "{english}");

    assert_eq!(
        get(&world, "/checkout/style.css", &[]).text(),
        "body { color: teal }"
    );
    assert_eq!(
        get(&world, "/checkout/logo.svg", &[]).header("content-type"),
        Some("image/svg+xml")
    );
    for path in [
        "/checkout/config.txt",
        "/checkout/../ocrch.toml",
        "/checkout/%2e%2e/ocrch.toml",
    ] {
        get(&world, path, &[]).expect_error(404, "not found");
    }
    wait::until("a word about the link", || {
        world
            .server
            .log()
            .contains("outside of checkout.override_dir")
            .then_some(())
    });
}

#[test]
fn only_the_checkout_may_be_framed_and_only_by_the_shop() {
    let world = World::start();
    let page = get(&world, "/checkout", &[]);
    let rules = page.header("content-security-policy").expect("rules");
    assert!(
        rules.ends_with(&format!("frame-ancestors 'self' {CHECKOUT_ORIGIN}")),
        "{rules}"
    );
    assert!(!rules.contains("unsafe"), "{rules}");
    assert_eq!(page.header("x-frame-options"), None);
    for path in ["/checkout/main.js", "/docs"] {
        let other = get(&world, path, &[]);
        let rules = other.header("content-security-policy").expect("rules");
        assert!(rules.contains("frame-ancestors 'none'"), "{path}: {rules}");
        assert_eq!(other.header("x-frame-options"), Some("DENY"), "{path}");
    }
    for path in ["/checkout", "/checkout/main.js"] {
        let reply = get(&world, path, &[("accept-encoding", "gzip")]);
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            reply.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        // The client unpacks what it gets; the version tells that it was packed.
        let etag = reply.header("etag").expect("a version").to_owned();
        assert!(etag.ends_with("-gz\""), "{path}: {etag}");
        let headers = [("accept-encoding", "gzip"), ("if-none-match", &*etag)];
        assert_eq!(get(&world, path, &headers).status, 304, "{path}");
    }
}

#[test]
fn a_reload_reaches_the_page() {
    let world = World::start();
    assert_eq!(settings(&world)["title"], "Test shop");
    world.reload_with(|config| {
        config.set_text("checkout", "title", "Another shop");
        config.set(
            "merchant",
            "allowed_origins",
            "[\"https://new.example.com\"]",
        );
    });
    assert_eq!(settings(&world)["title"], "Another shop");
    let page = get(&world, "/checkout", &[]);
    let rules = page.header("content-security-policy").expect("rules");
    assert!(
        rules.ends_with("frame-ancestors 'self' https://new.example.com"),
        "{rules}"
    );
    world.reload_with(|config| {
        config.set("checkout", "enabled", "false");
    });
    get(&world, "/checkout", &[]).expect_error(404, "not found");
}
