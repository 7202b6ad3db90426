//! What the checkout page offers, and what it says of it.

use std::fs;

use serde_json::{Value, json};

use crate::support::devnet::{Devnet, text};
use crate::support::faulty_rpc::Fault;
use crate::support::http;
use crate::support::node::Script;
use crate::support::wait;
use crate::support::world::World;

const TITLE: &str = "Beans & <img src=x onerror=alert(1)>";
const SUPPORT: &str = "https://shop.example.com/help?q=%22><script>alert(1)</script>";

fn with_a_shop_of_its_own() -> World {
    let mut world = World::start();
    let directory = world.server.config_path().with_file_name("page");
    fs::create_dir_all(&directory).expect("a directory");
    let logo = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"8\"><rect width=\"8\" height=\"8\"/></svg>";
    fs::write(directory.join("logo.svg"), logo).expect("a file");
    world.restart_with(|config| {
        config.set_text("checkout", "title", TITLE);
        config.set_text("checkout", "logo_url", "/checkout/logo.svg");
        config.set_text("checkout", "support_url", SUPPORT);
        config.set_text("checkout", "override_dir", "page");
    });
    world
}

/// Its own name, logo and help, as text whatever they contain; no choice where there is none; the last one at the next visit.
#[test]
fn it_shows_the_shop_and_what_is_left_to_choose() {
    let world = with_a_shop_of_its_own();
    let open = world.shop.create(&world.order_body("19.99"));
    let mut body = world.order_body("19.99");
    body["blockchain"] = json!("devnet");
    body["stablecoin"] = json!("DAI");
    let fixed = world.shop.create(&body);
    let first = json!({
        "base": world.server.base(), "open": open["checkout_url"], "fixed": fixed["checkout_url"],
    });
    let mut script = Script::start("checkout-shop.mjs", &first);

    let shop = script.expect("shop");
    assert_eq!(shop["heading"], TITLE);
    assert!(text(&shop, "title").contains(TITLE), "{shop}");
    assert_eq!(shop["logo"], "/checkout/logo.svg");
    assert_eq!(shop["support"], SUPPORT);
    assert_eq!(shop["support_text"], "Get help");
    assert_eq!(shop["foreign_elements"], 0, "{shop}");
    let times = shop["times"].as_array().expect("a list");
    assert!(!times.is_empty());
    for time in times {
        let time = time.as_str().unwrap_or_default();
        assert!(
            time.starts_with("usually ") && time.contains("second"),
            "{shop}"
        );
    }
    assert_eq!(shop["errors"], json!([]));

    let fixed = script.expect("fixed");
    assert_eq!(fixed["screens"], json!(["loading", "pay"]));
    assert_eq!(fixed["title"], "Send DAI on Chain devnet");
    assert_eq!(fixed["change"], 0, "nothing else can be chosen");
    assert_eq!(fixed["errors"], json!([]));

    let remembered = script.expect("remembered");
    assert_ne!(remembered["before"], remembered["after"]);
    assert_eq!(remembered["after"], json!(["USDC", "base"]));
    script.finish();
}

/// Who opens the page sees whose it is before any script has run, in the language of the browser.
#[test]
fn the_shop_is_there_before_its_scripts() {
    let mut world = with_a_shop_of_its_own();
    let get = |world: &World, language: &str| {
        let url = format!("{}/checkout", world.server.base());
        let reply = http::send("GET", &url, &[("accept-language", language)], b"");
        reply.expect(200).text()
    };
    let page = get(&world, "de");
    for part in [
        "<h1>Beans &amp; &lt;img src=x onerror=alert(1)&gt;</h1>",
        "<span class=\"logo image\"><img src=\"/checkout/logo.svg\" alt=\"\"></span>",
        "\"pay.copy\":\"Kopieren\"",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    world.restart_with(|_| {});
    let page = get(&world, "fr");
    for part in [
        "<h1>Paiement à <bdi>Test shop</bdi></h1>",
        "<span class=\"logo\" aria-hidden=\"true\">T</span>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

/// A chain that the server loses sight of while the page is open; it is marked after a minute.
#[test]
fn a_chain_that_is_lost_is_said_on_open_pages() {
    let mut other = Devnet::start("othernet", 31_338);
    other.wallet = crate::support::devnet::wallet_address(9);
    let world = World::with(|config| other.add_to(config, &other.anvil.url));
    let urls = ["17", "18"].map(|amount| {
        let order = world.shop.create(&world.order_body(amount));
        text(&order, "checkout_url").to_owned()
    });
    let mut script = Script::start(
        "checkout-degraded.mjs",
        &json!({ "choosing": urls[0], "paying": urls[1] }),
    );
    assert_eq!(script.expect("open")["before"], 0);
    let shopper = world.order("19");
    let marked = || -> bool {
        let chains = shopper.chains();
        let rows = chains.as_array().expect("a list");
        rows.iter().any(|row| row["degraded"] == true)
    };
    world.rpc.fail(Fault::Refuse);
    wait::until_within(4 * wait::SOON, "the chain to be marked", || {
        marked().then_some(())
    });
    script.tell(&json!("marked"));
    let said = script.expect("marked");
    for who in ["chooser", "chooser_said"] {
        assert!(text(&said, who).contains("late at the moment"), "{said}");
    }
    for who in ["payer", "payer_said"] {
        assert!(
            text(&said, who).starts_with("The server cannot see Chain devnet"),
            "{said}"
        );
    }
    assert_eq!(said["tags"], json!(["devnet"]));
    world.rpc.heal();
    wait::until("the mark to go", || (!marked()).then_some(()));
    script.tell(&json!("well"));
    let end: Value = script.expect("well");
    assert_eq!(end["errors"], json!([]));
    script.finish();
}
