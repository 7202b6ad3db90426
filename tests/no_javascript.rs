//! The checkout page for a browser with JavaScript switched off.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::devnet::text;
use crate::support::http::{self, Reply};
use crate::support::node::Script;
use crate::support::sign;
use crate::support::world::World;

/// What the page says inside `<noscript>`.
fn fallback(url: &str) -> String {
    let page = http::send("GET", url, &[], b"").expect(200).text();
    let start = page.find("<noscript>").expect("a fallback") + "<noscript>".len();
    page[start..page.find("</noscript>").expect("its end")].to_owned()
}

fn choose(url: &str, choice: &str) -> Reply {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    http::send("POST", url, &form, format!("choice={choice}").as_bytes())
}

fn checkout_url(order: &Value) -> &str {
    text(order, "checkout_url")
}

/// The text of the QR code whose picture is the source of an image.
fn scanned(html: &str) -> String {
    let source = html
        .split("data:image/svg+xml;base64,")
        .nth(1)
        .expect("a picture");
    let source = &source[..source.find('"').expect("the end of an attribute")];
    let svg = String::from_utf8(BASE64_STANDARD.decode(source).expect("base64")).expect("text");
    let number = |text: &str| text.parse::<usize>().expect("a whole number");
    let width = svg.split("width=\"").nth(1).expect("a width");
    let width = number(&width[..width.find('"').expect("its end")]);
    let mut picture = vec![255u8; width * width];
    let path = svg.split(" d=\"").nth(1).expect("a path");
    for module in path[..path.find('"').expect("its end")].split('M').skip(1) {
        let (at, rest) = module.split_once('h').expect("a module");
        let (x, y) = at.split_once(' ').expect("a place");
        let (size, _) = rest.split_once('v').expect("a size");
        let (x, y, size) = (number(x), number(y), number(size));
        for row in y..y + size {
            picture[row * width + x..row * width + x + size].fill(0);
        }
    }
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, width, |x, y| picture[y * width + x]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    grids[0].decode().expect("readable").1
}

#[test]
fn an_order_is_paid_without_javascript() {
    let world = World::start();
    let order = world.shop.create(&world.order_body("19.99"));
    let url = checkout_url(&order);
    let html = fallback(url);
    assert!(
        html.contains("value=\"devnet USDT\"") && html.contains("value=\"devnet DAI\""),
        "{html}"
    );
    assert!(
        !html.contains(&world.net.wallet),
        "looking opens no deposit"
    );

    let chosen = choose(url, "devnet+USDT");
    assert_eq!(chosen.status, 303);
    let query = url.split_once('?').expect("a query").1;
    assert_eq!(
        chosen.header("location"),
        Some(&*format!("checkout?{query}"))
    );
    let html = fallback(url);
    assert!(
        html.contains("19.99 USDT") && html.contains("Pay before"),
        "{html}"
    );
    assert_eq!(
        scanned(&html).to_lowercase(),
        world.net.wallet.to_lowercase()
    );

    let deposit = world
        .shop
        .shopper(text(&order, "order_id"))
        .pay("devnet", "USDT");
    assert_eq!(deposit["amount"], "19.99", "the same deposit");
    world.net.pay(&deposit);
    let shopper = world.shop.shopper(text(&order, "order_id"));
    world.wait_for_progress(&shopper);
    assert!(
        fallback(url).contains("of 3 confirmations"),
        "{}",
        fallback(url)
    );
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    let html = fallback(url);
    assert!(
        html.contains("Paid. Thank you.") && !html.contains("19.99 USDT"),
        "{html}"
    );
}

/// Without the shop's signature the page is there, but it says nothing of any order.
#[test]
fn an_order_is_shown_only_with_its_signature() {
    let world = World::start();
    let mut body = world.order_body("19.99");
    body["description"] = json!("<script>alert(1)</script>");
    let order = world.shop.create(&body);
    let shopper = world.shop.shopper(text(&order, "order_id"));
    shopper.pay("devnet", "USDT");
    let url = checkout_url(&order);
    let html = fallback(url);
    assert!(
        html.contains("&lt;script&gt;") && !html.contains("<script"),
        "{html}"
    );

    let id = text(&order, "order_id");
    let base = world.server.base();
    let other = "0193b6a0-5f0e-7c3a-9d4e-2b1f0a6c8e11";
    let foreign = world.shop.create(&world.order_body("5"));
    let signature = checkout_url(&foreign)
        .split_once("&sig=")
        .expect("a signature")
        .1;
    for wrong in [
        format!("{base}/checkout"),
        format!("{base}/checkout?order_id={id}"),
        format!("{base}/checkout?order_id={id}&sig=x"),
        format!("{base}/checkout?order_id={id}&sig={signature}"),
        url.replace("sig=", "sig=1"),
        url.replace(id, other),
    ] {
        let html = fallback(&wrong);
        assert!(
            !html.contains(text(&order, "merchant_order_id")),
            "{wrong}: {html}"
        );
        assert!(!html.contains(&world.net.wallet), "{wrong}: {html}");
        let refused = choose(&wrong, "devnet+DAI");
        assert_eq!(refused.status, 200, "the page, and no deposit");
    }
    assert_eq!(deposits(&world), 1);
    // A language behind the signature changes the texts only.
    let html = fallback(&format!("{url}&lang=en"));
    assert!(html.contains(text(&order, "merchant_order_id")), "{html}");
}

fn deposits(world: &World) -> i64 {
    let db = world.server.db();
    db.query_row("SELECT count(*) FROM deposits", [], |row| row.get(0))
        .expect("a count")
}

#[test]
fn a_choice_that_cannot_be_made_is_explained() {
    let world = World::start();
    let order = world.shop.create(&world.order_body("19.99"));
    let url = checkout_url(&order);
    for choice in ["devnet+USDC", "nowhere+USDT", "", "%00", "a"] {
        let html = choose(url, choice).expect(200).text();
        assert!(
            html.contains("not available on that network"),
            "{choice}: {html}"
        );
    }
    assert_eq!(deposits(&world), 0);
    // A pre-selected chain without a wallet leaves nothing to choose.
    let mut body = world.order_body("5");
    body["blockchain"] = json!("eth");
    let order = world.shop.create(&body);
    let html = fallback(checkout_url(&order));
    assert!(html.contains("cannot be paid here"), "{html}");
    let log = world.server.log();
    let line = log
        .lines()
        .find(|l| l.contains("nobody can pay this order"));
    assert!(
        line.is_some_and(|l| l.contains("blockchain=\"eth\"")),
        "{log}"
    );
    world.shop.cancel(text(&order, "order_id")).expect(200);
    let html = fallback(checkout_url(&order));
    assert!(html.contains("cancelled"), "{html}");
    // A link of one's own making on the server's own page, with more in it.
    let order = world.shop.create(&world.order_body("7"));
    let link = format!(
        "{}/checkout?a=b%20c&order_id={}",
        world.server.base(),
        text(&order, "order_id")
    );
    let signature = sign::url(SECRET, sign::now(), &link);
    let html = fallback(&format!("{link}&sig={}", signature.replace('+', "%2B")));
    assert!(html.contains(text(&order, "merchant_order_id")), "{html}");
}

#[test]
fn a_browser_without_javascript() {
    let world = World::start();
    let order = world.shop.create(&world.order_body("19.99"));
    let mut script = Script::start("no-javascript.mjs", &json!({ "url": checkout_url(&order) }));
    let shown = script.expect("payment");
    assert_eq!(text(&shown, "amount"), "19.99 USDT");
    assert_eq!(
        text(&shown, "address").to_lowercase(),
        world.net.wallet.to_lowercase()
    );
    assert_eq!(shown["picture"], true, "the code is drawn");
    let shopper = world.shop.shopper(text(&order, "order_id"));
    world.net.pay(&shopper.pay("devnet", "USDT"));
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    script.tell(&json!("paid"));
    let end = script.expect("end");
    assert!(text(&end, "text").contains("Paid"), "{end}");
    assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
    script.finish();
}
