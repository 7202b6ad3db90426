//! Many orders of the same amount: every payment finds its own.

use std::collections::{HashMap, HashSet};
use std::thread;

use serde_json::{Value, json};

use crate::on_every_kind::on_every_kind;
use crate::support::config::Config;
use crate::support::devnet::{text, wallet_address};
use crate::support::kind::Kind;
use crate::support::random::Random;
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::World;

/// Pays deposits in a shuffled order, several of them in one block, and checks who paid whom.
fn pay_shuffled(world: &World, mut open: Vec<(Shopper, Value)>, random: &mut Random) {
    random.shuffle(&mut open);
    let payer = world.net.anvil.account(0);
    let mut sent = HashMap::new();
    for group in open.chunks(5) {
        world.net.anvil.hold();
        for (shopper, deposit) in group {
            let hash = world.net.submit(&payer, deposit);
            sent.insert(shopper.order_id.clone(), hash);
        }
        world.net.anvil.release();
        world.net.anvil.mine(1);
    }
    world.confirm();
    for (shopper, _) in &open {
        let paid = world.wait_for_status(shopper, "paid");
        assert_eq!(
            paid["payment"]["txn_hash"],
            sent[&shopper.order_id].as_str()
        );
    }
}

fn values(open: &[(Shopper, Value)]) -> HashSet<(String, String)> {
    open.iter()
        .map(|(_, d)| {
            (
                text(d, "wallet_address").to_lowercase(),
                text(d, "amount").to_owned(),
            )
        })
        .collect()
}

fn orders_at_once_have_values_of_their_own(kind: Kind) {
    let world = World::of(kind);
    let open: Vec<_> = thread::scope(|scope| {
        let shoppers: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| world.deposit("25", "USDT")))
            .collect();
        shoppers
            .into_iter()
            .map(|s| s.join().expect("a deposit"))
            .collect()
    });
    assert_eq!(values(&open).len(), open.len(), "no two are alike");
    for (_, deposit) in &open {
        let amount: f64 = text(deposit, "amount").parse().expect("a decimal");
        assert!(
            (25.0..=25.01).contains(&amount),
            "upwards, by at most max_tail: {amount}"
        );
    }
    assert!(
        open.iter()
            .any(|(_, d)| text(d, "amount").trim_end_matches(['0', '.']) == "25")
    );
    pay_shuffled(&world, open, &mut Random::new(10));
    assert!(world.unknown_transfers().is_empty());
}

fn in_a_coin_of_18_decimals_too(kind: Kind) {
    let world = World::of(kind);
    let open: Vec<_> = (0..8).map(|_| world.deposit("25.5", "DAI")).collect();
    assert_eq!(values(&open).len(), open.len());
    pay_shuffled(&world, open, &mut Random::new(11));
}

/// A tail that would run into another order's own amount is not taken.
fn tails_and_plain_amounts_do_not_meet(kind: Kind) {
    let world = World::of(kind);
    let amounts = [
        "25",
        "25",
        "25.0001",
        "25.0002",
        "25",
        "25.0001",
        "25.000001",
        "25",
    ];
    let open: Vec<_> = amounts
        .iter()
        .map(|amount| world.deposit(amount, "USDT"))
        .collect();
    assert_eq!(values(&open).len(), open.len());
    pay_shuffled(&world, open, &mut Random::new(12));
}

fn a_second_wallet_is_taken_before_a_tail(kind: Kind) {
    let world = World::of_with(kind, |config| {
        let mut second = config.wallets[0].clone();
        second.address = kind.address(&wallet_address(2));
        config.wallets.push(second);
    });
    let open: Vec<_> = (0..3).map(|_| world.deposit("25", "USDT")).collect();
    let plain = |d: &Value| text(d, "amount").trim_end_matches(['0', '.']) == "25";
    assert!(
        plain(&open[0].1) && plain(&open[1].1) && !plain(&open[2].1),
        "{open:?}",
        open = values(&open)
    );
    assert_eq!(values(&open).len(), 3);
    pay_shuffled(&world, open, &mut Random::new(13));
}

fn different_expected_senders_share_a_value(kind: Kind) {
    let world = World::of(kind);
    let (anvil, usdt) = (&world.net.anvil, &world.net.usdt);
    let mut open = Vec::new();
    for index in [2, 3, 4] {
        let payer = anvil.account(index);
        usdt.transfer(anvil, &payer, "1000");
        let mut body = world.order_body("25");
        body["expecting_wallet_address"] = json!(world.net.address(&payer));
        let shopper = world.order_with(&body);
        let deposit = shopper.pay(&world.net.name, "USDT");
        assert_eq!(text(&deposit, "amount").trim_end_matches(['0', '.']), "25");
        open.push((payer, shopper, deposit));
    }
    for (payer, shopper, deposit) in open.iter().rev() {
        let hash = world.net.pay_from(payer, deposit);
        world.confirm();
        assert_eq!(
            world.wait_for_status(shopper, "paid")["payment"]["txn_hash"],
            hash.as_str()
        );
    }
}

/// Whoever pays late pays nobody's order, least of all the next shopper's.
fn a_late_payment_never_pays_another_order(kind: Kind) {
    let world = World::of_with(kind, |config| {
        config.set("orders", "expires_after", "\"4s\"");
    });
    let (expired, late) = world.deposit("25", "USDT");
    let (cancelled, regretted) = world.deposit("25", "USDT");
    cancelled.cancel().expect(200);
    world.wait_for_status(&expired, "expired");
    let next: Vec<_> = (0..4)
        .map(|_| {
            let mut body = world.order_body("25");
            body["expires_in"] = json!(600);
            let shopper = world.order_with(&body);
            let deposit = shopper.pay(&world.net.name, "USDT");
            (shopper, deposit)
        })
        .collect();
    let taken = values(&[(expired, late.clone()), (cancelled, regretted.clone())]);
    assert!(values(&next).is_disjoint(&taken), "values stay reserved");
    world.net.pay(&late);
    world.net.pay(&regretted);
    world.confirm();
    wait::until("two unknown transfers", || {
        (world.unknown_transfers().len() == 2).then_some(())
    });
    for (shopper, _) in &next {
        assert_eq!(shopper.status()["status"], "pending");
    }
    pay_shuffled(&world, next, &mut Random::new(14));
    assert_eq!(world.unknown_transfers().len(), 2);
}

#[test]
fn no_slot_free_is_said() {
    let world = World::with(|config| {
        config.set("payments", "max_tail", "\"0.0001\"");
    });
    let mut taken = HashSet::new();
    let refused = loop {
        let shopper = world.order("25");
        let reply = shopper.try_pay("devnet", "USDT");
        if reply.status != 201 {
            break reply;
        }
        assert!(
            taken.insert(text(&reply.json(), "amount").to_owned()),
            "{reply:?}"
        );
        assert!(
            taken.len() <= 101,
            "only so many fit under a tail of 0.0001"
        );
    };
    refused.expect_error(503, "no payment slot free, try again later");
    assert!(taken.len() >= 100, "{}", taken.len());
    // Other amounts and coins have room.
    world.deposit("26", "USDT");
    world.deposit("25", "DAI");
}

fn switched_off_the_oldest_is_paid_first(kind: Kind) {
    let world = World::of_with(kind, |config| {
        config.set("payments", "unique_amounts", "false");
    });
    let open: Vec<_> = (0..3).map(|_| world.deposit("25", "USDT")).collect();
    assert_eq!(values(&open).len(), 1);
    for (shopper, deposit) in &open {
        let hash = world.net.pay(deposit);
        world.confirm();
        assert_eq!(
            world.wait_for_status(shopper, "paid")["payment"]["txn_hash"],
            hash.as_str()
        );
    }
}

/// Deposits from before keep their values to themselves once amounts must be unique.
#[test]
fn switched_on_it_counts_those_from_before() {
    let mut world = World::with(|config| {
        config.set("payments", "unique_amounts", "false");
    });
    let (before, old) = world.deposit("25", "USDT");
    let (regretted, given_up) = world.deposit("26", "USDT");
    regretted.cancel().expect(200);
    world.restart_with(|_| {});
    let (after, new) = world.deposit("25", "USDT");
    let (other, newer) = world.deposit("26", "USDT");
    assert_ne!(text(&new, "amount"), text(&old, "amount"));
    assert_ne!(text(&newer, "amount"), text(&given_up, "amount"));
    // Whoever ordered last pays first.
    let open = vec![(other, newer), (after, new), (before, old)];
    for (shopper, deposit) in &open {
        let hash = world.net.pay(deposit);
        world.confirm();
        assert_eq!(
            world.wait_for_status(shopper, "paid")["payment"]["txn_hash"],
            hash.as_str()
        );
    }
}

/// A value that two deposits shared stays taken while one of them is open, however long ago the other one closed.
#[test]
fn a_shared_value_is_taken_while_one_deposit_has_it() {
    let mut world = World::with(|config| {
        config.set("payments", "unique_amounts", "false");
    });
    let (first, shared) = world.deposit("25", "USDT");
    let (second, same) = world.deposit("25", "USDT");
    assert_eq!(text(&shared, "amount"), text(&same, "amount"));
    first.cancel().expect(200);
    world.server.stop();
    let a_day_and_an_hour = 25 * 3600;
    let changed = world.server.stopped_db().execute(
        "UPDATE deposits SET closed_at = closed_at - ?1 WHERE closed_at IS NOT NULL",
        [a_day_and_an_hour],
    );
    assert_eq!(changed, Ok(1));
    world.server.launch();
    world.restart_with(|_| {});
    let (third, new) = world.deposit("25", "USDT");
    assert_ne!(text(&new, "amount"), text(&same, "amount"));
    for (shopper, deposit) in [(third, new), (second, same)] {
        let hash = world.net.pay(&deposit);
        world.confirm();
        assert_eq!(
            world.wait_for_status(&shopper, "paid")["payment"]["txn_hash"],
            hash.as_str()
        );
    }
}

/// Who lost a value to another order, for want of free ones, is never paid with that order's money.
#[test]
fn a_late_payment_pays_who_holds_the_value_now() {
    let settings = |config: &mut Config| {
        config.set("payments", "max_tail", "\"0.0001\"");
        config.set("orders", "accept_late", "true");
        config.set("orders", "expires_after", "\"3s\"");
    };
    let mut world = World::with(settings);
    let (evicted, first) = world.deposit("25", "USDT");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while world.order("25").try_pay("devnet", "USDT").status == 201 {});
        }
    });
    world.wait_for_status(&evicted, "expired");
    // Only a value that has been free for an hour is given away.
    world.server.stop();
    let changed = world.server.stopped_db().execute(
        "UPDATE deposits SET closed_at = closed_at - 7200
         WHERE order_id = (SELECT id FROM orders WHERE order_id = ?1)",
        [&evicted.order_id],
    );
    assert_eq!(changed, Ok(1));
    world.server.launch();
    world.wait_until_watching();
    let (holder, second) = world.deposit("25", "USDT");
    assert_eq!(text(&second, "amount"), text(&first, "amount"));
    world.wait_for_status(&holder, "expired");
    let hash = world.net.pay(&second);
    world.confirm();
    assert_eq!(
        world.wait_for_status(&holder, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    // Nor with what the holder pays twice.
    world.net.pay(&second);
    world.confirm();
    wait::until("an unknown transfer", || {
        (world.unknown_transfers().len() == 1).then_some(())
    });
    assert_eq!(evicted.status()["status"], "expired");
}

/// One order in a generated story.
struct Told {
    shopper: Shopper,
    deposit: Value,
    state: State,
}

#[derive(Clone, PartialEq, Debug)]
enum State {
    Open,
    Cancelled,
    /// Paid by this transaction.
    Paid(String),
}

/// Chance decides who orders, pays, pays twice, cancels, and pays after cancelling.
fn story(seed: u64) {
    let world = World::start();
    let mut random = Random::new(seed);
    let amounts = ["5", "5", "5.0001", "5.01"];
    let mut told: Vec<Told> = Vec::new();
    let mut strays = 0;
    for _ in 0..40 {
        if told.is_empty() || random.one_in(2) {
            let coin = *random.pick(&["USDT", "USDT", "DAI"]);
            let (shopper, deposit) = world.deposit(amounts[random.below(amounts.len())], coin);
            told.push(Told {
                shopper,
                deposit,
                state: State::Open,
            });
            continue;
        }
        let index = random.below(told.len());
        let chosen = &mut told[index];
        match (&chosen.state, random.below(4)) {
            (State::Open, 0) => {
                chosen.shopper.cancel().expect(200);
                chosen.state = State::Cancelled;
            }
            (State::Open, _) => {
                chosen.state = State::Paid(world.net.pay(&chosen.deposit));
            }
            (_, 0) => {
                world.net.pay(&chosen.deposit);
                strays += 1;
            }
            _ => world.net.anvil.mine(1),
        }
    }
    world.confirm();
    for Told { shopper, state, .. } in &told {
        match state {
            State::Open => {}
            State::Cancelled => assert_eq!(shopper.status()["status"], "cancelled"),
            State::Paid(hash) => {
                let paid = world.wait_for_status(shopper, "paid");
                assert_eq!(paid["payment"]["txn_hash"], hash.as_str(), "seed {seed}");
            }
        }
    }
    world.settle_everything();
    for Told { shopper, state, .. } in &told {
        if *state == State::Open {
            assert_eq!(shopper.status()["status"], "pending", "seed {seed}");
        }
    }
    wait::until("the strays to be reported", || {
        (world.unknown_transfers().len() == strays).then_some(())
    });
}

#[test]
fn generated_stories() {
    for seed in 100..104 {
        story(seed);
    }
}

on_every_kind! {
    core:
        orders_at_once_have_values_of_their_own
    ;
    more:
        in_a_coin_of_18_decimals_too
        tails_and_plain_amounts_do_not_meet
        a_second_wallet_is_taken_before_a_tail
        different_expected_senders_share_a_value
        a_late_payment_never_pays_another_order
        switched_off_the_oldest_is_paid_first
    ;
}
