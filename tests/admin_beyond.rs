//! The Admin API beyond the compatible table, by HTTP.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::devnet::text;
use crate::support::faulty_rpc::Fault;
use crate::support::receiver::Answer;
use crate::support::world::{ORDERS, World};
use crate::support::{sign, wait};

/// A payment that came short of an order, confirmed: the order's shopper and the transfer's row.
fn short(world: &World, asked: &str, sent: &str) -> (crate::support::shop::Shopper, i64) {
    let (shopper, _) = world.deposit(asked, "USDT");
    let net = &world.net;
    let hash = net.usdt.transfer(&net.anvil, &net.wallet, sent);
    world.confirm();
    let admin = world.admin();
    let id = wait::until("the transfer to be unmatched", || {
        let inbox = admin.get("/transfers?unmatched=true");
        let inbox = inbox.as_array().expect("a list").clone();
        let found = inbox.iter().find(|t| t["txn_hash"] == *hash);
        found.map(|t| t["id"].as_i64().expect("an id"))
    });
    (shopper, id)
}

#[test]
fn unmatched_money_is_explained_assigned_and_told() {
    let world = World::start();
    let admin = world.admin();
    let (shopper, id) = short(&world, "20", "19.5");
    let transfer = admin.get(&format!("/transfers/{id}"));
    let likeliest = &transfer["likely"][0];
    assert_eq!(likeliest["order_id"], shopper.order_id.as_str());
    assert_eq!(likeliest["why"], "0.5 short");
    assert_eq!(
        likeliest["reasons"],
        json!([{"kind": "short_by", "amount": "0.5"}])
    );
    // A wallet's list looks for no order, and does not say that there is none.
    let of_wallet = admin.get(&format!("/wallets/{}/transfers", world.net.wallet));
    assert_eq!(of_wallet[0]["id"], transfer["id"]);
    for absent in ["likely", "claims"] {
        assert!(of_wallet[0].get(absent).is_none(), "{of_wallet}");
    }
    let mut socket = shopper.socket();
    let path = format!("/transfers/{id}/assign");
    let wish = json!({"order_id": shopper.order_id, "reason": "agreed by e-mail"});
    let assigned = admin.post(&path, &wish);
    assert_eq!(assigned["status"], "matched");
    assert_eq!(assigned["order_id"], shopper.order_id.as_str());
    let paid = socket.until(|order| order["status"] == "paid");
    assert_eq!(paid["payment"]["amount"], "19.5");
    let told = world.receiver.wait_for_status(&shopper.order_id, "paid");
    assert_eq!(told.json()["payment"]["amount"], "19.5");
    let again = admin.call("POST", &path, &wish);
    again.expect_error(409, "transfer is matched");
    assert_eq!(admin.get("/transfers?unmatched=true"), json!([]));

    // Ignoring, and back.
    let (_, other) = short(&world, "50", "1.25");
    admin
        .call("POST", &path, &json!({"order_id": shopper.order_id}))
        .expect_error(409, "transfer is matched");
    let refused = admin.call(
        "POST",
        &format!("/transfers/{other}/assign"),
        &json!({"order_id": shopper.order_id}),
    );
    refused.expect_error(409, "order is paid");
    let ignored = admin.post(&format!("/transfers/{other}/ignore"), &Value::Null);
    assert_eq!(ignored["ignored"], true);
    assert_eq!(admin.get("/transfers?unmatched=true"), json!([]));
    assert_eq!(
        admin.get("/transfers?status=no_matched_deposit")[0]["id"],
        other
    );
    admin.post(&format!("/transfers/{other}/unignore"), &Value::Null);
    assert_eq!(admin.get("/transfers?unmatched=true")[0]["id"], other);
    admin
        .call("POST", &format!("/transfers/{id}/ignore"), &Value::Null)
        .expect_error(409, "transfer is not unmatched");
    admin
        .call("GET", "/transfers/999", &Value::Null)
        .expect_error(404, "resource not found");

    // The trail has it all, the newest first.
    let audit = admin.get("/audit");
    let actions = audit.as_array().expect("a list").iter();
    let actions: Vec<_> = actions.map(|a| text(a, "action").to_owned()).collect();
    assert_eq!(
        actions,
        ["unignore_transfer", "ignore_transfer", "assign_transfer"]
    );
    assert_eq!(audit[2]["reason"], "agreed by e-mail");
    assert_eq!(audit[2]["client"], "127.0.0.1");
    assert_eq!(audit[2]["order_id"], shopper.order_id.as_str());
    assert_eq!(audit[2]["transfer_id"], id);
}

#[test]
fn an_order_shows_all_that_happened_to_it() {
    let world = World::start();
    let admin = world.admin();
    world.receiver.always(Answer::Status(503));
    let (shopper, deposit) = world.deposit("20", "USDT");
    let hash = world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    let path = format!("/orders/{}", shopper.order_id);
    let detail = wait::until("two attempts in vain", || {
        let detail = admin.get(&path);
        let tries = detail["webhooks"][0]["tries"]
            .as_array()
            .map_or(0, Vec::len);
        (tries >= 2).then_some(detail)
    });
    assert_eq!(detail["order"]["status"], "paid");
    assert_eq!(detail["deposits"][0]["status"], "fulfilled");
    assert_eq!(detail["transfers"][0]["txn_hash"], hash);
    let attempt = &detail["webhooks"][0]["tries"][0];
    assert_eq!(attempt["status"], 503);
    assert!(attempt["latency_ms"].is_u64() && attempt["tried_at"].is_i64());
    let happened = detail["history"].as_array().expect("a list").iter();
    let happened: Vec<_> = happened.map(|h| text(h, "kind").to_owned()).collect();
    assert_eq!(
        happened,
        ["order_created", "payment_changed", "order_status_changed"]
    );
    // Failing webhooks come first, before younger ones that arrived.
    let failing = admin.get("/webhooks?failing=true");
    assert_eq!(failing[0]["order_id"], shopper.order_id.as_str());
    world.receiver.always(Answer::Status(200));
    let cancelled = world.order("5");
    cancelled.cancel().expect(200);
    world
        .receiver
        .wait_for_status(&cancelled.order_id, "cancelled");
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    wait::until("no webhook to fail any more", || {
        (admin.get("/webhooks?failing=true") == json!([])).then_some(())
    });
    let all = admin.get("/webhooks");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let one = admin.get(&format!("/webhooks/{}", all[1]["id"]));
    assert_eq!(one["state"], "delivered");
    assert_eq!(one["tries"][0]["status"], 200);
    admin
        .call("GET", "/webhooks/999", &Value::Null)
        .expect_error(404, "resource not found");
    admin
        .call("GET", "/orders/nonsense", &Value::Null)
        .expect_error(404, "resource not found");
}

#[test]
fn the_admin_makes_an_order_and_finds_it() {
    let world = World::start();
    let admin = world.admin();
    let body = json!({"order_id": "INV-7 \"=1\"", "amount": "12.50", "webhook_url": world.receiver.url(ORDERS)});
    let made = admin.call("POST", "/orders", &body).expect(201).json();
    assert_eq!(made["amount"], "12.50");
    assert!(text(&made, "checkout_url").contains(text(&made, "order_id")));
    let mut bad = body.clone();
    bad["amount"] = json!("0");
    admin
        .call("POST", "/orders", &bad)
        .expect_error_starting(400, "invalid amount");
    world.order("5");
    let (shopper, deposit) = world.deposit("20", "USDT");
    let hash = world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    let found = |q: &str| {
        let rows = admin.get(&format!("/orders?q={q}"));
        let rows = rows.as_array().expect("a list").clone();
        let ids: Vec<_> = rows
            .iter()
            .map(|o| text(o, "order_id").to_owned())
            .collect();
        ids
    };
    assert_eq!(found("INV-"), [text(&made, "order_id")]);
    assert_eq!(found(&shopper.order_id), [&*shopper.order_id]);
    assert_eq!(found(&hash), [&*shopper.order_id]);
    assert_eq!(found(hash.trim_start_matches("0x")), [&*shopper.order_id]);
    assert_eq!(found("inv"), Vec::<String>::new());
    let by_payment = admin.get(&format!(
        "/orders?blockchain={}&token=USDT&status=paid",
        world.net.name
    ));
    assert_eq!(by_payment.as_array().map(Vec::len), Some(1));
    assert_eq!(admin.get("/orders?token=DAI"), json!([]));
    let future = sign::now() + 100;
    assert_eq!(admin.get(&format!("/orders?from={future}")), json!([]));
    let until = admin.get(&format!("/orders?to={future}"));
    assert_eq!(until.as_array().map(Vec::len), Some(3));
    let by_hash = admin.get(&format!("/transfers?q={hash}"));
    assert_eq!(by_hash[0]["order_id"], shopper.order_id.as_str());

    let csv = admin.call("GET", "/orders.csv", &Value::Null).expect(200);
    assert_eq!(csv.header("content-type"), Some("text/csv"));
    let lines = csv.text();
    assert_eq!(
        lines.split("\r\n").count(),
        5,
        "names, three orders, the end"
    );
    assert!(lines.contains("\"INV-7 \"\"=1\"\"\""), "{lines}");
    let csv = admin.call("GET", "/transfers.csv?status=matched", &Value::Null);
    assert!(csv.expect(200).text().contains(&hash));
    let none = admin.call(
        "GET",
        "/transfers.csv?status=failed_to_confirm",
        &Value::Null,
    );
    assert_eq!(none.text().lines().count(), 1);

    let stats = admin.get("/stats");
    assert_eq!(stats["total"]["created"], 3);
    assert_eq!(stats["total"]["paid"], 1);
    assert_eq!(
        stats["total"]["payments"],
        json!([{"blockchain": world.net.name, "token": "USDT", "orders": 1, "amount": "20"}])
    );
    assert_eq!(stats["now"]["pending_orders"], 2);
    assert_eq!(stats["days"].as_array().map(Vec::len), Some(1));

    let chains = admin.get("/chains");
    let chain = &chains[0];
    assert_eq!(chain["blockchain"], world.net.name.as_str());
    assert_eq!(chain["watched"], true);
    assert!(
        chain["head"].is_u64() && chain["scanned_to"].is_u64(),
        "{chain}"
    );
    assert_eq!(chain["degraded_since"], Value::Null);
    assert_eq!(chain["providers"][0]["in_use"], true);
    assert!(chain["requests_today"].as_u64() > Some(0));
}

#[test]
fn what_is_wrong_with_a_chain_is_shown_until_it_is_well() {
    let world = World::start();
    let admin = world.admin();
    let chain = || admin.get("/chains")[0].clone();
    assert_eq!(chain()["last_error"], Value::Null);
    world.rpc.fail(Fault::Status(503));
    let ill = wait::until("the error", || {
        Some(chain()).filter(|chain| chain["last_error"].is_string())
    });
    assert!(text(&ill, "last_error").contains("503"), "{ill}");
    let provider = &ill["providers"][0];
    assert_eq!(provider["error"], ill["last_error"]);
    assert!(provider["failing_since"].is_i64(), "{ill}");
    assert!(provider["errors_today"].as_u64() > Some(0), "{ill}");
    world.rpc.heal();
    let well = wait::until("its end", || {
        Some(chain()).filter(|chain| chain["last_error"].is_null())
    });
    assert_eq!(well["providers"][0]["failing_since"], Value::Null);
}

#[test]
fn lists_go_on_by_cursor() {
    let world = World::start();
    let admin = world.admin();
    let mut made: Vec<String> = (0..7).map(|_| world.order("5").order_id).collect();
    made.reverse();
    let mut path = "/orders?limit=3&status=pending&offset=0".to_owned();
    let mut seen = Vec::new();
    loop {
        let reply = admin.call("GET", &path, &Value::Null).expect(200);
        let rows = reply.json();
        seen.extend(
            rows.as_array()
                .expect("a list")
                .iter()
                .map(|o| text(o, "order_id").to_owned()),
        );
        let Some(cursor) = reply.header("ocrch-next-cursor") else {
            break;
        };
        let link = reply.header("link").expect("a link");
        let next = link
            .strip_prefix('<')
            .and_then(|l| l.strip_suffix(">; rel=\"next\""));
        let next = next.expect("the next page");
        assert!(next.ends_with(&format!("cursor={cursor}")), "{link}");
        path = next
            .strip_prefix("/api/v1/admin")
            .expect("our API")
            .to_owned();
        assert_eq!(
            path,
            format!("/orders?limit=3&status=pending&cursor={cursor}")
        );
    }
    assert_eq!(seen, made);
    admin
        .call("GET", "/orders?cursor=nonsense", &Value::Null)
        .expect_error(400, "invalid cursor");
    for list in ["/transfers", "/deposits", "/webhooks", "/audit"] {
        admin
            .call("GET", &format!("{list}?cursor=nonsense"), &Value::Null)
            .expect_error(400, "invalid cursor");
    }
    // Webhooks: the failing ones first, without a gap between the two kinds.
    for id in &made[..4] {
        world.shop.cancel(id).expect(200);
    }
    wait::until("all to be delivered", || {
        (world.receiver.to(ORDERS).len() == 4).then_some(())
    });
    world.receiver.always(Answer::Status(500));
    for id in &made[4..] {
        world.shop.cancel(id).expect(200);
    }
    wait::until("three to fail", || {
        let failing = admin.get("/webhooks?failing=true");
        (failing.as_array().map(Vec::len) == Some(3)).then_some(())
    });
    let all = admin.get("/webhooks?limit=200");
    let ids = |rows: &Value| -> Vec<i64> {
        let rows = rows.as_array().expect("a list").iter();
        rows.map(|w| w["id"].as_i64().expect("an id")).collect()
    };
    let all = ids(&all);
    assert_eq!(all.len(), 7);
    for limit in [1, 2, 3, 4, 6] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/webhooks?limit={limit}&cursor={cursor}");
            let reply = admin.call("GET", &path, &Value::Null).expect(200);
            seen.extend(ids(&reply.json()));
            match reply.header("ocrch-next-cursor") {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, all, "pages of {limit}");
        let by_offset: Vec<i64> = (0..7)
            .flat_map(|offset| ids(&admin.get(&format!("/webhooks?limit=1&offset={offset}"))))
            .collect();
        assert_eq!(by_offset, all);
    }
}

#[test]
fn the_feed_tells_everything_in_order_and_waits_for_news() {
    let world = World::start();
    let admin = world.admin();
    assert_eq!(
        admin.get("/events"),
        json!({"events": [], "next": 0, "missed": false})
    );
    let waiting = {
        let admin: Admin = admin.clone();
        thread::spawn(move || admin.get("/events?after=0&wait=25"))
    };
    thread::sleep(Duration::from_millis(100));
    let (shopper, deposit) = world.deposit("20", "USDT");
    let news = waiting.join().expect("an answer");
    assert_eq!(news["events"][0]["event_type"], "order_created");
    assert_eq!(
        news["events"][0]["order"]["order_id"],
        shopper.order_id.as_str()
    );
    assert_eq!(news["events"][0]["order"]["status"], "pending");
    world.net.pay(&deposit);
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "1.5");
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.order("5").cancel().expect(200);
    let mut after = 0;
    let mut told: Vec<(String, String)> = Vec::new();
    wait::until("all that happened", || {
        let part = admin.get(&format!("/events?after={after}&limit=2&wait=1"));
        for event in part["events"].as_array().expect("a list") {
            let id = event["id"].as_i64().expect("an id");
            assert!(id > after, "{event}");
            after = id;
            let status = event["order"]["status"].as_str().unwrap_or("").to_owned();
            told.push((text(event, "event_type").to_owned(), status));
        }
        assert_eq!(part["next"], after);
        (told.len() >= 6).then_some(())
    });
    let told: BTreeSet<_> = told.into_iter().collect();
    let expected = [
        ("order_created", "pending"),
        ("payment_changed", "pending"),
        ("order_status_changed", "paid"),
        ("unknown_transfer", ""),
        ("order_status_changed", "cancelled"),
    ];
    let expected = expected.map(|(kind, status)| (kind.to_owned(), status.to_owned()));
    assert_eq!(told, BTreeSet::from(expected));
    // A stop does not wait for those who wait for news.
    let waiting = {
        let admin = admin.clone();
        thread::spawn(move || admin.get(&format!("/events?after={after}&wait=25")))
    };
    thread::sleep(Duration::from_millis(200));
    world.server.ask_to_stop();
    let last = waiting.join().expect("an answer");
    assert_eq!(last["events"], json!([]));
}

#[test]
fn a_test_webhook_is_sent_at_once() {
    let world = World::start();
    let admin = world.admin();
    let body = json!({"url": world.receiver.url("/try")});
    let outcome = admin.post("/webhooks/test", &body);
    assert_eq!(
        (&outcome["delivered"], &outcome["status"]),
        (&json!(true), &json!(200))
    );
    let sent = world.receiver.wait_for("/try", 1).remove(0);
    assert_eq!(sent.json()["event_type"], "test");
    let signature = sent.header("ocrch-signature");
    assert!(crate::support::node::verifies_webhook(
        crate::support::config::SECRET,
        signature,
        &sent.body
    ));
    world.receiver.always(Answer::Status(204));
    let outcome = admin.post("/webhooks/test", &body);
    assert_eq!(
        (&outcome["delivered"], &outcome["status"]),
        (&json!(false), &json!(204))
    );
    let outcome = admin.post("/webhooks/test", &json!({"url": "http://127.0.0.1:1/"}));
    assert_eq!(outcome["delivered"], false);
    assert!(text(&outcome, "error").contains("refused"), "{outcome}");
    admin
        .call("POST", "/webhooks/test", &json!({"url": "ftp://shop"}))
        .expect_error_starting(400, "invalid url: ");
}

#[test]
fn a_search_goes_with_filters_and_on_by_cursor() {
    let world = World::start();
    let admin = world.admin();
    let named = |(id, description): (&str, &str)| {
        let mut body = world.order_body("5");
        body["order_id"] = json!(id);
        // The very same body would be the same order.
        body["description"] = json!(description);
        world.order_with(&body)
    };
    // Twice the same id, and one that begins with it.
    let ids = ["B-1", "A-10", "A-1", "A-1", "A-2", "a-1"];
    let orders: Vec<_> = ids
        .into_iter()
        .zip(["0", "1", "2", "3", "4", "5"])
        .map(named)
        .collect();
    orders[4].cancel().expect(200);
    let ids = |found: &Value| -> Vec<String> {
        let rows = found.as_array().expect("a list");
        rows.iter()
            .map(|o| text(o, "merchant_order_id").to_owned())
            .collect()
    };
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let reply = admin.call(
            "GET",
            &format!("/orders?q=A-&limit=1{cursor}"),
            &Value::Null,
        );
        let reply = reply.expect(200);
        found.extend(reply.json().as_array().expect("a list").clone());
        let Some(next) = reply.header("ocrch-next-cursor") else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(ids(&json!(found)), ["A-2", "A-10", "A-1", "A-1"]);
    assert_eq!(found[2]["order_id"], orders[3].order_id.as_str());
    assert_eq!(found[3]["order_id"], orders[2].order_id.as_str());
    let get = |query: &str| ids(&admin.get(&format!("/orders?{query}")));
    assert_eq!(get("q=A-&status=cancelled"), ["A-2"]);
    assert_eq!(get("q=A-1&status=pending"), ["A-10", "A-1", "A-1"]);
    assert_eq!(get("q=%20A-2%20"), ["A-2"]);
    assert_eq!(get("q=A-&merchant_order_id=A-1"), ["A-1", "A-1"]);
    assert_eq!(get("q=A-&blockchain=devnet"), Vec::<String>::new());
    let id = &orders[4].order_id;
    assert_eq!(get(&format!("q={id}")), ["A-2"]);
    assert_eq!(get(&format!("q={id}&status=pending")), Vec::<String>::new());
    let future = sign::now() + 100;
    for q in ["A-", id] {
        assert_eq!(get(&format!("q={q}&from={future}")), Vec::<String>::new());
    }
    // An order that is gone, say: nothing comes after it.
    assert_eq!(get("q=A-&cursor=1.999999"), Vec::<String>::new());
    let csv = admin.call("GET", "/orders.csv?q=A-1&status=pending", &Value::Null);
    let csv = csv.expect(200).text();
    let rows: Vec<_> = csv.lines().skip(1).map(|l| l.split(',').nth(1)).collect();
    assert_eq!(rows, [Some("A-10"), Some("A-1"), Some("A-1")]);
}

#[test]
fn an_order_made_by_hand_needs_no_webhook() {
    let world = World::start();
    let admin = world.admin();
    let body = json!({"order_id": "BILL-1", "amount": "12.50"});
    let made = admin.call("POST", "/orders", &body).expect(201).json();
    let id = text(&made, "order_id");
    // The Service API keeps to its rule.
    let refused = world.shop.post("/orders", &body);
    refused.expect_error_starting(400, "invalid JSON body");
    let empty = json!({"order_id": "BILL-2", "amount": "12.50", "webhook_url": ""});
    admin
        .call("POST", "/orders", &empty)
        .expect_error_starting(400, "invalid webhook_url");
    let listed = admin.get(&format!("/orders?q={id}"));
    assert_eq!(listed[0]["webhook_url"], "", "a text, as it always was");
    let paid = admin.post(&format!("/orders/{id}/mark-paid"), &Value::Null);
    assert_eq!(paid["status"], "paid");
    assert_eq!(paid["webhook_url"], "");
    admin
        .call(
            "POST",
            &format!("/orders/{id}/resend-webhook"),
            &Value::Null,
        )
        .expect_error(409, "order has no webhook_url");
    assert_eq!(admin.get("/webhooks"), json!([]), "nobody is told");
    assert_eq!(world.receiver.deliveries().len(), 0);
    let seen = world.shop.status(id);
    assert_eq!(seen["status"], "paid");
}
