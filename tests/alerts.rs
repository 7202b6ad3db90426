//! Short messages to the operator.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::config::Config;
use crate::support::devnet::text;
use crate::support::faulty_rpc::Fault;
use crate::support::receiver::{Answer, Receiver};
use crate::support::wait;
use crate::support::world::{ORDERS, World};

/// Everything the operator was told, oldest first.
fn texts(phone: &Receiver) -> Vec<String> {
    let told = phone.to("/phone");
    told.iter()
        .map(|d| String::from_utf8_lossy(&d.body).into_owned())
        .collect()
}

fn world(phone: &Receiver, on: &str) -> World {
    World::with(|config| tell(config, phone, on))
}

fn tell(config: &mut Config, phone: &Receiver, on: &str) {
    config
        .set_text("alerts", "url", &phone.url("/phone"))
        .set("alerts", "on", on);
}

fn wait_for(phone: &Receiver, part: &str) -> String {
    wait::until(&format!("a message with {part:?}"), || {
        texts(phone).into_iter().find(|text| text.contains(part))
    })
}

#[test]
fn payments_and_stray_money_are_told_once_each() {
    let phone = Receiver::start();
    let mut world = world(&phone, "[\"paid\", \"unmatched\"]");
    let (shopper, deposit) = world.deposit("5.50", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    let name = shopper.status()["merchant_order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let paid = wait_for(&phone, "is paid");
    assert_eq!(
        paid,
        format!("Test shop: Order {name} is paid: 5.5 USDT on devnet.")
    );
    let from = world.net.anvil.account(0);
    let wallet = world.net.wallet.clone();
    world
        .net
        .usdt
        .transfer_units(&world.net.anvil, &from, &wallet, 1_234_567);
    world.confirm();
    let stray = wait_for(&phone, "belongs to no order");
    assert!(
        stray.starts_with("Test shop: 1.234567 USDT on devnet came in"),
        "{stray}"
    );
    assert_eq!(
        phone.to("/phone")[0].header("content-type"),
        "text/plain; charset=utf-8"
    );
    world.server.restart();
    wait::holds(Duration::from_secs(3), "nothing is told twice", || {
        texts(&phone).len() == 2
    });
}

/// What each service documents: ntfy takes the text itself; Gotify, Slack and Discord JSON with fields of their own.
#[test]
fn each_service_is_told_in_its_own_format() {
    let phone = Receiver::start();
    phone.script(|told| match told.path.starts_with("/api/webhooks/") {
        // Discord has nothing to say about it.
        true => Answer::Status(204),
        false => Answer::Status(200),
    });
    let world = World::start();
    let net = &world.net;
    for (format, path, field) in [
        ("text", "/ocrch-shop", None),
        ("gotify", "/message?token=A1", Some("message")),
        ("slack", "/services/T0/B0/x", Some("text")),
        ("discord", "/api/webhooks/1/x", Some("content")),
    ] {
        world.reload_with(|config| {
            config
                .set_text("merchant", "name", "A<B")
                .set_text("alerts", "url", &phone.url(path))
                .set_text("alerts", "format", format)
                .set("alerts", "on", "[\"unmatched\"]");
        });
        net.usdt.transfer(&net.anvil, &net.wallet, "7.5");
        world.confirm();
        let told = phone.wait_for(path, 1).remove(0);
        assert_eq!(told.method, "POST", "{format}");
        let (kind, text) = match field {
            None => (
                "text/plain; charset=utf-8",
                String::from_utf8_lossy(&told.body).into_owned(),
            ),
            Some(field) => ("application/json", text(&told.json(), field).to_owned()),
        };
        assert_eq!(told.header("content-type"), kind, "{format}");
        let shop = match format {
            "slack" => "A&lt;B",
            _ => "A<B",
        };
        let begins = format!("{shop}: 7.5 USDT on devnet came in");
        assert!(text.starts_with(&begins), "{format}: {text}");
        let json = |field: &str| told.json()[field].clone();
        match format {
            "gotify" => assert_eq!((json("title"), json("priority")), ("A<B".into(), 5.into())),
            "discord" => assert_eq!(json("allowed_mentions"), json!({ "parse": [] })),
            _ => {}
        }
    }
    assert_eq!(phone.deliveries().len(), 4, "once each");
    assert!(!world.server.log().contains("could not be sent"));
}

#[test]
fn what_could_not_be_sent_is_sent_later_also_after_a_restart() {
    let phone = Receiver::start();
    phone.always(Answer::Redirect(phone.url("/elsewhere")));
    let mut world = world(&phone, "[\"paid\"]");
    let (shopper, deposit) = world.deposit("2", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    wait_for(&phone, "is paid");
    assert!(
        phone.to("/elsewhere").is_empty(),
        "redirects are not followed"
    );
    assert!(world.server.stop().success());
    assert!(
        world
            .server
            .log()
            .contains("a message to the operator could not be sent")
    );
    assert!(
        !world.server.log().contains("/phone"),
        "the address is as good as a password"
    );
    phone.always(Answer::Status(200));
    let before = texts(&phone).len();
    world.server.launch();
    wait::until("the message", || {
        (texts(&phone).len() > before).then_some(())
    });
    assert!(phone.to("/phone").last().unwrap().is_delivered());
    wait::holds(Duration::from_secs(3), "once", || {
        texts(&phone).len() == before + 1
    });
}

/// Who has mended the address does not sit through the wait that the wrong one has earned.
#[test]
fn a_corrected_address_is_tried_at_once() {
    let (wrong, right) = (Receiver::start(), Receiver::start());
    wrong.always(Answer::Status(404));
    let world = world(&wrong, "[\"paid\"]");
    world.settle_everything();
    // The next try is ten seconds away by then.
    wrong.wait_for("/phone", 2);
    world.reload_with(|config| tell(config, &right, "[\"paid\"]"));
    let reloaded = Instant::now();
    wait_for(&right, "is paid");
    assert!(reloaded.elapsed() < Duration::from_secs(9));
}

#[test]
fn many_at_once_become_one() {
    let phone = Receiver::start();
    let world = world(&phone, "[\"unmatched\"]");
    let (from, wallet) = (world.net.anvil.account(0), world.net.wallet.clone());
    for n in 0..30 {
        world
            .net
            .usdt
            .transfer_units(&world.net.anvil, &from, &wallet, 1_000_000 + n);
    }
    world.confirm();
    wait::until("all of them", || {
        let stray = "SELECT count(*) FROM transfers WHERE status = 'no_matched_deposit'";
        let count: i64 = world
            .server
            .db()
            .query_row(stray, [], |row| row.get(0))
            .unwrap();
        (count == 30).then_some(())
    });
    let told = || -> usize {
        let numbers = texts(&phone).into_iter().map(|text| {
            let summary = text
                .strip_prefix("Test shop: ")
                .and_then(|t| t.split_once(" messages in one: "));
            summary.map_or(1, |(n, _)| n.parse().expect("a number"))
        });
        numbers.sum()
    };
    // A summary may have to wait until the minute is over.
    let patience = Duration::from_secs(150);
    wait::until_within(patience, "a summary", || (told() == 30).then_some(()));
    assert!(texts(&phone).len() <= 10, "{:?}", texts(&phone));
}

/// Dust costs a stranger next to nothing; it must not hide that money is gone.
#[test]
fn an_alarm_is_never_hidden_among_others() {
    let phone = Receiver::start();
    let mut world = world(&phone, "[\"unmatched\"]");
    assert!(world.server.stop().success());
    let add = |db: &rusqlite::Connection, kind: &str, text: &str| {
        let sql = "INSERT INTO alerts (kind, text, created_at) VALUES (?1, ?2, unixepoch())";
        db.execute(sql, [kind, text]).unwrap();
    };
    let db = world.server.stopped_db();
    db.execute_batch("BEGIN").unwrap();
    for n in 0..1500 {
        add(&db, "unmatched", &format!("dust {n}"));
    }
    add(&db, "vanished", "ALARM: order 1");
    add(&db, "vanished", "ALARM: order 2");
    db.execute_batch("COMMIT").unwrap();
    drop(db);
    world.server.launch();
    wait_for(&phone, "in one");
    let told = texts(&phone);
    assert_eq!(
        told[..2],
        ["Test shop: ALARM: order 1", "Test shop: ALARM: order 2"]
    );
    let expected = "Test shop: 998 messages in one: 998 payments that belong to no order.";
    let inbox = format!("{}/admin#/inbox", world.server.base());
    assert!(told[2].starts_with(expected), "{}", told[2]);
    assert!(
        told[2].ends_with(&format!("See {inbox}\n- dust 0\n- dust 1\n- dust 2\n- …")),
        "{}",
        told[2]
    );
    // Nor does it wait until the minute is over in which so much dust was told of.
    wait_for(&phone, "502 messages in one");
    let db = rusqlite::Connection::open(world.server.db_path()).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    for n in 0..3 {
        let text = format!("more dust {n}");
        add(&db, "unmatched", &text);
        wait_for(&phone, &text);
    }
    add(&db, "unmatched", "too much dust");
    add(&db, "vanished", "ALARM: order 3");
    wait_for(&phone, "ALARM: order 3");
    assert!(!texts(&phone).iter().any(|text| text.contains("too much")));
}

#[test]
fn a_webhook_that_is_given_up_is_told() {
    let phone = Receiver::start();
    let mut world = world(&phone, "[\"webhook_failed\"]");
    world.receiver.always(Answer::Status(500));
    let shopper = world.order("5");
    shopper.cancel().expect(200);
    world.receiver.wait_for(ORDERS, 1);
    let name = shopper.status()["merchant_order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(world.server.stop().success());
    // Three days later: the next attempt is the last one.
    let late = "UPDATE events SET attempts = 84, next_attempt_ms = 0";
    world.server.stopped_db().execute(late, []).unwrap();
    world.server.launch();
    let told = wait_for(&phone, "given up");
    let origin = world.receiver.url("");
    assert_eq!(
        told,
        format!(
            "Test shop: {origin} could not be told that order {name} is cancelled: given up after 85 tries. Send it again when \
             the shop works."
        )
    );
    let tried = world.receiver.to(ORDERS).len();
    world.server.restart();
    wait::holds(Duration::from_secs(3), "that is the end of it", || {
        texts(&phone).len() == 1 && world.receiver.to(ORDERS).len() == tried
    });
}

/// Whatever else the operator wants to hear of.
#[test]
fn a_payment_that_leaves_its_chain_is_told() {
    let phone = Receiver::start();
    let world = world(&phone, "[\"webhook_failed\"]");
    let anvil = &world.net.anvil;
    let payer = anvil.account(4);
    world.net.usdt.transfer(anvil, &payer, "1000");
    anvil.mine(10);
    let (shopper, deposit) = world.deposit("42", "USDT");
    let hash = world.net.pay_from(&payer, &deposit);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    anvil.reorg(5, &json!([]));
    anvil.mine(5);
    let name = paid["merchant_order_id"].as_str().unwrap();
    let told = wait_for(&phone, "ALARM");
    let expected = format!(
        "Test shop: ALARM: the payment of order {name} has left the chain: 42 USDT on devnet, {hash}."
    );
    assert!(told.starts_with(&expected), "{told}");
    wait::holds(Duration::from_secs(3), "once is enough", || {
        texts(&phone).len() == 1
    });
}

#[test]
fn a_chain_that_cannot_be_watched_is_told() {
    let phone = Receiver::start();
    let world = world(&phone, "[\"chain_down\"]");
    world.rpc.fail(Fault::Refuse);
    let down = wait::until_within(Duration::from_secs(150), "the message", || {
        texts(&phone)
            .into_iter()
            .find(|text| text.contains("cannot be watched"))
    });
    assert!(
        down.starts_with("Test shop: devnet cannot be watched"),
        "{down}"
    );
    world.rpc.heal();
    wait_for(&phone, "is watched again");
}

/// Of an operator's own chain nothing is known any more once it has left the file.
#[test]
fn a_chain_that_left_the_configuration_with_open_deposits_is_told() {
    let phone = Receiver::start();
    let mut world = world(&phone, "[\"chain_down\"]");
    let (shopper, deposit) = world.deposit("5", "USDT");
    world.deposit("6", "USDT");
    let phone_only = |config: &mut Config| {
        config.set_text("alerts", "url", &phone.url("/phone"));
    };
    let without_the_chain = |config: &mut Config| {
        phone_only(config);
        config.chains.clear();
        config.wallets.clear();
    };
    world.reload_with(without_the_chain);
    let told = wait_for(&phone, "left the configuration");
    let expected = "Test shop: devnet left the configuration with 2 open deposits on it: nobody sees payments there. \
                    Put [chains.devnet] back before 20";
    assert!(told.starts_with(expected), "{told}");
    world.server.reload();
    wait::holds(Duration::from_secs(3), "once is enough", || {
        texts(&phone).len() == 1
    });
    world.restart_with(without_the_chain);
    wait::until("the message of the new start", || {
        (texts(&phone).len() == 2).then_some(())
    });
    world.net.pay(&deposit);
    world.reload_with(phone_only);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    assert_eq!(texts(&phone).len(), 2, "{:?}", texts(&phone));
}

/// Whoever did not want to hear of it, or could not, when the chain left.
#[test]
fn a_chain_that_left_is_told_as_soon_as_it_can_be() {
    let phone = Receiver::start();
    let world = world(&phone, "[\"paid\"]");
    world.deposit("5", "USDT");
    let without_the_chain = |on: &'static str| {
        let phone = &phone;
        move |config: &mut Config| {
            tell(config, phone, on);
            config.chains.clear();
            config.wallets.clear();
        }
    };
    world.reload_with(without_the_chain("[\"paid\"]"));
    let database = world.server.db_path();
    let elsewhere = database.with_extension("elsewhere");
    fs::rename(&database, &elsewhere).expect("room");
    world.reload_with(without_the_chain("[\"chain_down\"]"));
    let holds = "nothing can be stored";
    wait::holds(Duration::from_secs(1), holds, || texts(&phone).is_empty());
    fs::rename(&elsewhere, &database).expect("room");
    wait_for(&phone, "devnet left the configuration with 1 open deposit");
}
