//! Two providers of one real chain, one of which dies, lags or lies in the middle of a payment: the order is paid exactly once, soon
//! after a healthy one shows it.

use serde_json::Value;

use crate::support::config::Config;
use crate::support::devnet::Devnet;
use crate::support::faulty_rpc::{Call, Fault, FaultyRpc};
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::World;

/// A world whose preferred provider is `world.rpc`; the second one stands beside it.
fn with_backup(change: impl FnOnce(&mut Config)) -> (World, FaultyRpc) {
    let net = Devnet::start("devnet", 31_337);
    net.anvil.mine(60);
    let backup = FaultyRpc::start(&net.anvil.url);
    let second = backup.url();
    let world = World::on(net, |config| {
        config.chains[0].urls.push(second);
        change(config);
    });
    (world, backup)
}

/// Paid by this transaction, told once, and nothing else was recorded.
fn paid_once(world: &World, shopper: &Shopper, hash: &str) {
    let order = world.wait_for_status(shopper, "paid");
    assert_eq!(order["payment"]["txn_hash"], hash);
    world.settle_everything();
    let transfers = |what: &str| -> u32 {
        let sql = format!("SELECT count(*) FROM transfers WHERE txn_hash = ?1 AND {what}");
        let db = world.server.db();
        db.query_row(&sql, [hash], |row| row.get(0))
            .expect("a count")
    };
    assert_eq!((transfers("1"), transfers("status = 'matched'")), (1, 1));
    assert!(world.unknown_transfers().is_empty());
    let told = world.receiver.about(&shopper.order_id);
    let mut ids: Vec<Value> = told.iter().map(|d| d.json()["event_id"].clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

/// The passes that a provider began with the payment deep enough, until it was looked up there.
fn polls_until_looked_up(provider: &FaultyRpc, hash: &str, confirmed_at: u64) -> usize {
    let calls = provider.calls();
    let is_look_up = |c: &Call| c.method == "eth_getTransactionReceipt" && c.params[0] == *hash;
    let deep_enough = |c: &&Call| c.answered && c.range().is_some_and(|(_, to)| to >= confirmed_at);
    let first = calls.iter().position(is_look_up).expect("it was looked up");
    calls[..first].iter().filter(deep_enough).count()
}

/// How the preferred provider lets everybody down while a payment is on its way.
fn lets_down(fault: impl Fn(&str) -> Fault) {
    let (world, backup) = with_backup(|_| {});
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    world.rpc.fail(fault(&hash));
    world.confirm();
    let confirmed_at = world.net.anvil.head();
    world.wait_for_status(&shopper, "paid");
    let polls = polls_until_looked_up(&backup, &hash, confirmed_at);
    assert!(polls <= 2, "paid after {polls} polls");
    // It comes back far behind, then well: nothing is paid again or taken back.
    world.rpc.fail(Fault::Behind(40));
    let (second, deposit) = world.deposit("18", "USDT");
    let second_hash = world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&second, "paid");
    world.rpc.heal();
    paid_once(&world, &shopper, &hash);
    paid_once(&world, &second, &second_hash);
}

#[test]
fn killed_in_mid_payment() {
    lets_down(|_| Fault::Refuse);
}

#[test]
fn answering_errors_in_mid_payment() {
    lets_down(|_| Fault::NodeError);
}

/// The preferred provider's lists lack the payment: the other one's show it.
#[test]
fn one_that_leaves_a_payment_out() {
    let (world, _backup) = with_backup(|_| {});
    let (shopper, _) = world.deposit("17", "USDT");
    world.net.anvil.hold();
    let units = world.net.usdt.units("17");
    let payer = world.net.anvil.account(0);
    let net = &world.net;
    let hash = net.usdt.submit(&net.anvil, &payer, &net.wallet, units);
    world.rpc.fail(Fault::Omits(hash.clone()));
    world.net.anvil.release();
    world.net.anvil.mine(1);
    world.confirm();
    let order = world.wait_for_status(&shopper, "paid");
    assert_eq!(order["payment"]["txn_hash"], hash.as_str());
    world.rpc.heal();
    paid_once(&world, &shopper, &hash);
}

/// The second provider denies a large payment that the first one shows: it waits, the log says so once, and it is paid once the
/// two agree. A small one is paid meanwhile.
#[test]
fn one_that_denies_a_large_payment() {
    let (world, backup) = with_backup(|config| {
        config.set("payments", "agree_from", "\"100\"");
    });
    let (large, _) = world.deposit("100", "USDT");
    let (small, small_deposit) = world.deposit("99", "USDT");
    world.net.anvil.hold();
    let units = world.net.usdt.units("100");
    let payer = world.net.anvil.account(0);
    let net = &world.net;
    let hash = net.usdt.submit(&net.anvil, &payer, &net.wallet, units);
    backup.fail(Fault::Denies(hash.clone()));
    world.net.anvil.release();
    world.net.anvil.mine(1);
    let small_hash = world.net.pay(&small_deposit);
    world.confirm();
    world.wait_for_status(&small, "paid");
    let said = || {
        world
            .server
            .log()
            .matches("providers disagree about a transfer")
            .count()
    };
    wait::until("the log to say so", || (said() > 0).then_some(()));
    let held: Option<String> = world
        .server
        .db()
        .query_row(
            "SELECT held_back FROM transfers WHERE txn_hash = ?1",
            [&hash],
            |row| row.get(0),
        )
        .expect("the transfer");
    assert_eq!(held.as_deref(), Some("providers_disagree"));
    world.net.anvil.mine(2);
    world.settle_everything();
    assert_eq!(large.status()["status"], "pending");
    assert_eq!(said(), 1);
    backup.heal();
    paid_once(&world, &large, &hash);
    paid_once(&world, &small, &small_hash);
}

/// The preferred provider lists the payment and cannot explain it when asked, which is no failure of its passes.
fn cannot_explain(fault: impl Fn(&str) -> Fault) {
    let (world, _backup) = with_backup(|_| {});
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    world.rpc.fail(fault(&hash));
    world.confirm();
    wait::until_within(2 * wait::SOON, "the payment to count", || {
        (shopper.status()["status"] == "paid").then_some(())
    });
    let log = world.server.log();
    let said = "a provider does not show a transfer that others do: going by them";
    assert_eq!(log.matches(said).count(), 1, "{log}");
    paid_once(&world, &shopper, &hash);
}

#[test]
fn one_that_talks_nonsense_about_a_payment() {
    cannot_explain(|hash| Fault::NonsenseAbout(hash.to_owned()));
}

#[test]
fn one_that_answers_an_error_about_a_payment() {
    cannot_explain(|hash| Fault::ErrorAbout(hash.to_owned()));
}

#[test]
fn one_that_tells_of_an_orphaned_block() {
    cannot_explain(|hash| Fault::OrphanAbout(hash.to_owned()));
}

/// The preferred provider is on a fork of its own: the payment is neither given up, with the order long past its time, nor paid until
/// it is back on the chain.
fn is_on_a_fork(agreement: u32) {
    let (world, _backup) = with_backup(|config| {
        config.chains[0].agreement = agreement;
        config.set("orders", "expires_after", "\"3s\"");
    });
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    let block = world.net.anvil.block_of(&hash);
    world.wait_for_progress(&shopper);
    world.rpc.fail(Fault::Fork(block, hash.clone()));
    world.confirm();
    let said = || {
        let log = world.server.log();
        log.matches("providers disagree about a transfer").count()
    };
    wait::until("the log to say so", || (said() > 0).then_some(()));
    wait::holds(
        std::time::Duration::from_secs(5),
        "it is neither given up nor paid",
        || {
            let order = shopper.status();
            order["status"] == "pending" && order["payment"]["txn_hash"] == hash.as_str()
        },
    );
    assert_eq!(said(), 1);
    world.rpc.heal();
    let order = world.wait_for_status(&shopper, "paid");
    assert_eq!(order["payment"]["txn_hash"], hash.as_str());
    assert!(world.unknown_transfers().is_empty());
}

#[test]
fn one_that_is_on_a_fork() {
    is_on_a_fork(1);
}

#[test]
fn one_that_is_on_a_fork_where_two_must_agree() {
    is_on_a_fork(2);
}
