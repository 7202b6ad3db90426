//! Where watching begins, how deep is deep enough, and which contracts are a coin.

use std::time::Duration;

use crate::support::anvil::Anvil;
use crate::support::config::Config;
use crate::support::devnet::{Devnet, text, wallet_address};
use crate::support::faulty_rpc::{Call, Fault};
use crate::support::token::Token;
use crate::support::wait;
use crate::support::world::{UNKNOWN, World};

/// The chain's own word counts instead of a number of blocks.
#[test]
fn finalized_blocks_confirm() {
    // Two blocks behind the head, the node calls them final.
    let net = Devnet::on(
        "devnet",
        Anvil::start_with(31_337, &["--slots-in-an-epoch", "1"]),
    );
    net.anvil.mine(5);
    let world = World::on(net, |config| {
        config.chains[0].confirmations = "\"finalized\"".to_owned();
    });
    let (shopper, deposit) = world.deposit("17", "USDT");
    assert!(
        deposit["confirmations_required"]
            .as_u64()
            .is_some_and(|n| n > 0),
        "{deposit}"
    );
    let hash = world.net.pay(&deposit);
    let block = world.net.anvil.block_of(&hash);
    let finalized = || {
        let tag = serde_json::json!(["finalized", false]);
        crate::support::anvil::number(&world.net.anvil.call("eth_getBlockByNumber", &tag)["number"])
    };
    world.wait_for_progress(&shopper);
    assert!(finalized() < block);
    wait::holds(Duration::from_secs(1), "not final, not paid", || {
        shopper.status()["status"] == "pending"
    });
    while finalized() < block {
        world.net.anvil.mine(1);
    }
    world.wait_for_status(&shopper, "paid");
}

/// History never reaches further back than the first start, unless it is asked to.
#[test]
fn history_begins_at_the_first_start() {
    let net = Devnet::start("devnet", 31_337);
    net.usdt.transfer(&net.anvil, &net.wallet, "1");
    net.anvil.mine(5);
    let world = World::on(net, |_| {});
    world
        .net
        .usdt
        .transfer(&world.net.anvil, &world.net.wallet, "2");
    world.confirm();
    world.settle_everything();
    world.receiver.wait_for(UNKNOWN, 1);
    assert_eq!(world.unknown_transfers().len(), 1);
}

#[test]
fn history_begins_at_the_starting_transaction() {
    let net = Devnet::start("devnet", 31_337);
    net.usdt.transfer(&net.anvil, &net.wallet, "1");
    let start = net.usdt.transfer(&net.anvil, &net.wallet, "2");
    net.usdt.transfer(&net.anvil, &net.wallet, "3");
    net.anvil.mine(100);
    let world = World::on(net, |config| {
        config.wallets[0].starting_tx = Some(start);
    });
    world.receiver.wait_for(UNKNOWN, 2);
    world.settle_everything();
    assert_eq!(
        world.unknown_transfers().len(),
        2,
        "that transaction and what came after it"
    );
}

/// A wallet that is added later begins at its own start, and takes nothing from the others.
#[test]
fn a_wallet_added_later_begins_then() {
    let mut world = World::start();
    let second = wallet_address(2);
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.net.usdt.transfer(&world.net.anvil, &second, "1");
    world.net.anvil.mine(5);
    world.server.stop();
    world.net.pay(&deposit);
    let mut config = Config::new();
    world.net.add_to(&mut config, &world.rpc.url());
    config.set_text(
        "merchant",
        "unknown_transfer_webhook_url",
        &world.receiver.url(UNKNOWN),
    );
    let mut added = config.wallets[0].clone();
    added.address = second.clone();
    config.wallets.push(added);
    world.server.configure(&config);
    world.server.launch();
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.net.usdt.transfer(&world.net.anvil, &second, "3");
    world.confirm();
    world.settle_everything();
    world.receiver.wait_for(UNKNOWN, 1);
    assert_eq!(world.unknown_transfers().len(), 1);
}

/// A coin can have several contracts on a chain: each of them pays.
#[test]
fn every_contract_of_a_coin_pays() {
    let net = Devnet::start("devnet", 31_337);
    let bridged = Token::deploy(&net.anvil, "USDC.e", 6);
    let world = World::on(net, |config| {
        config.chains[0].tokens[0].1.push(bridged.contract.clone());
    });
    let (by_first, deposit) = world.deposit("17", "USDT");
    assert_eq!(
        text(&deposit, "contract_address").to_lowercase(),
        world.net.usdt.contract
    );
    world.net.pay(&deposit);
    let (by_second, deposit) = world.deposit("17", "USDT");
    bridged.transfer(
        &world.net.anvil,
        &world.net.wallet,
        text(&deposit, "amount"),
    );
    world.confirm();
    world.wait_for_status(&by_first, "paid");
    world.wait_for_status(&by_second, "paid");
}

/// Nobody is waited for while nobody is about to pay; who chooses the chain wakes its watcher.
#[test]
fn a_watcher_rests_until_somebody_is_about_to_pay() {
    let world = World::with(|config| config.chains[0].idle_poll_interval = "1h".to_owned());
    let (first, deposit) = world.deposit("17", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&first, "paid");
    // The transfer that paid is looked up until its block is final.
    world.net.anvil.mine(100);
    wait::until_within(Duration::from_secs(60), "the watcher to rest", || {
        world.rpc.forget_calls();
        std::thread::sleep(Duration::from_secs(2));
        world.rpc.calls().is_empty().then_some(())
    });
    let (second, deposit) = world.deposit("18", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&second, "paid");
}

/// A wallet that left the configuration was shown to shoppers before, who may still pay.
#[test]
fn a_wallet_that_was_replaced_is_watched_while_shoppers_may_pay_it() {
    let mut world = World::start();
    let (shopper, deposit) = world.deposit("17", "USDT");
    let old = world.net.wallet.clone();
    world.restart_with(|config| config.wallets[0].address = wallet_address(2));
    let (next, new_deposit) = world.deposit("17", "USDT");
    assert_ne!(
        text(&new_deposit, "wallet_address").to_lowercase(),
        old.to_lowercase()
    );
    for (shopper, deposit) in [(&shopper, &deposit), (&next, &new_deposit)] {
        let hash = world.net.pay(deposit);
        world.confirm();
        assert_eq!(
            world.wait_for_status(shopper, "paid")["payment"]["txn_hash"],
            hash.as_str()
        );
    }
}

/// Also the chain's last one: the chain is watched still, and orders expire only after it was read.
#[test]
fn the_last_wallet_of_a_chain_is_watched_while_shoppers_may_pay_it() {
    let mut world = World::with(|config| {
        config.set("orders", "expires_after", "\"4s\"");
    });
    let (paid, deposit) = world.deposit("17", "USDT");
    let (unpaid, _) = world.deposit("18", "USDT");
    world.rpc.fail(Fault::Status(500));
    let hash = world.net.pay(&deposit);
    world.confirm();
    world.restart_with(|config| config.wallets.clear());
    wait::holds(Duration::from_secs(4), "the chain was not read", || {
        unpaid.status()["status"] == "pending" && paid.status()["status"] == "pending"
    });
    world.rpc.heal();
    assert_eq!(
        world.wait_for_status(&paid, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    world.wait_for_status(&unpaid, "expired");
}

/// Its chain was away since the first start, so nothing of it but the promise is stored.
#[test]
fn a_wallet_that_left_before_its_chain_was_ever_read_is_watched() {
    let mut world = World::start();
    world.rpc.fail(Fault::Status(500));
    let new_file = |config: &mut Config| {
        config.set_text("database", "path", "second.db");
    };
    world.restart_with(new_file);
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.restart_with(|config| {
        new_file(config);
        config.wallets[0].address = wallet_address(2);
    });
    let hash = world.net.pay(&deposit);
    world.confirm();
    world.rpc.heal();
    assert_eq!(
        world.wait_for_status(&shopper, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
}

/// One transaction that the node cannot explain keeps no other from being paid.
fn pays_in_spite_of(fault: impl Fn(String) -> Fault) {
    let world = World::with(|config| {
        config.set("orders", "expires_after", "\"6s\"");
    });
    let (odd, odd_deposit) = world.deposit("17", "USDT");
    let (plain, plain_deposit) = world.deposit("18", "USDT");
    let (unpaid, _) = world.deposit("19", "USDT");
    world.net.anvil.hold();
    let units = world.net.usdt.units(text(&odd_deposit, "amount"));
    let payer = world.net.anvil.account(0);
    let hash = world
        .net
        .usdt
        .submit(&world.net.anvil, &payer, &world.net.wallet, units);
    world.rpc.fail(fault(hash.clone()));
    world.net.anvil.release();
    world.net.anvil.mine(1);
    world.net.pay(&plain_deposit);
    world.confirm();
    world.wait_for_status(&plain, "paid");
    let asked = |c: &Call| c.method == "eth_getTransactionReceipt" && c.params[0] == *hash;
    assert!(world.rpc.calls().iter().any(asked), "it was asked for");
    assert_eq!(odd.status()["status"], "pending");
    world.wait_for_status(&unpaid, "expired");
    assert_eq!(odd.status()["status"], "pending");
    world.rpc.heal();
    assert_eq!(
        world.wait_for_status(&odd, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
}

#[test]
fn a_receipt_that_is_nonsense_stops_no_other() {
    pays_in_spite_of(Fault::NonsenseAbout);
}

#[test]
fn a_receipt_that_is_an_error_stops_no_other() {
    pays_in_spite_of(Fault::ErrorAbout);
}

/// A head that is absurdly high moves no cursor over blocks that do not exist yet.
#[test]
fn a_head_beyond_the_chain_leaves_no_gap() {
    let world = World::start();
    world.wait_scanned(world.net.anvil.head());
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.rpc.forget_calls();
    world.rpc.fail(Fault::Head(1 << 40));
    world.rpc.wait_for_head();
    wait::until("a complaint in the log", || {
        let log = world.server.log();
        log.lines()
            .any(|l| l.contains("WARN") && l.contains("devnet") && l.contains("1099511627776"))
            .then_some(())
    });
    let (during, deposit_during) = world.deposit("18", "USDT");
    let hash = world.net.pay(&deposit);
    let hash_during = world.net.pay(&deposit_during);
    let farthest: u64 = world
        .server
        .db()
        .query_row("SELECT max(scanned_to) FROM cursors", [], |row| row.get(0))
        .expect("a cursor");
    assert!(farthest <= world.net.anvil.head(), "{farthest}");
    world.rpc.heal();
    world.confirm();
    for (shopper, hash) in [(&shopper, hash), (&during, hash_during)] {
        assert_eq!(
            world.wait_for_status(shopper, "paid")["payment"]["txn_hash"],
            hash.as_str()
        );
    }
}

/// Nor does a wallet's first start begin there, which nothing would bring back.
#[test]
fn a_first_start_at_a_head_beyond_the_chain_leaves_no_gap() {
    let mut world = World::start();
    world.rpc.fail(Fault::Head(1 << 40));
    world.rpc.forget_calls();
    world.restart_with(|config| config.wallets[0].address = wallet_address(2));
    world.rpc.wait_for_head();
    world.rpc.heal();
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
}

/// One wallet's mistaken setting must not keep the others from being read, nor let orders on it expire unread.
#[test]
fn a_starting_tx_that_nobody_knows_stops_its_own_wallet_only() {
    let other = wallet_address(9);
    let with_other = |starting_tx: Option<String>| {
        let other = other.clone();
        move |config: &mut Config| {
            let mut wallet = config.wallets[0].clone();
            wallet.address = other;
            wallet.starting_tx = starting_tx;
            config.wallets.push(wallet);
        }
    };
    let unknown = format!("0x{}", "ab".repeat(32));
    let world = World::with(with_other(Some(unknown.clone())));
    let (first, deposit) = world.deposit("17", "USDT");
    let (second, on_other) = world.deposit("17", "USDT");
    assert!(text(&on_other, "wallet_address").eq_ignore_ascii_case(&other));
    let hash = world.net.pay(&on_other);
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&first, "paid");
    wait::until("the log to say so", || {
        let log = world.server.log();
        let said = log.lines().filter(|l| l.contains("starting_tx"));
        let told: Vec<_> = said.filter(|l| l.contains(&unknown)).collect();
        (told.len() == 1 && told[0].contains("ERROR")).then_some(())
    });
    assert!(second.status()["payment"].is_null());
    world.reload_with(with_other(None));
    let paid = world.wait_for_status(&second, "paid");
    assert_eq!(paid["payment"]["txn_hash"], hash.as_str());
}
