//! Short messages to the operator.

use std::time::Duration;

use crate::support::faulty_rpc::Fault;
use crate::support::receiver::{Answer, Receiver};
use crate::support::wait;
use crate::support::world::World;

/// Everything the operator was told, oldest first.
fn texts(phone: &Receiver) -> Vec<String> {
    let told = phone.to("/phone");
    told.iter()
        .map(|d| String::from_utf8_lossy(&d.body).into_owned())
        .collect()
}

fn world(phone: &Receiver, on: &str) -> World {
    World::with(|config| {
        config
            .set_text("alerts", "url", &phone.url("/phone"))
            .set("alerts", "on", on);
    })
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
