//! SIGHUP: another configuration without another process.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use crate::support::config::{SECRET, Wallet};
use crate::support::devnet::{Devnet, text, wallet_address};
use crate::support::faulty_rpc::{Fault, FaultyRpc};
use crate::support::shop::order_body;
use crate::support::sign;
use crate::support::socket::Frame;
use crate::support::token::Token;
use crate::support::wait;
use crate::support::world::{ORDERS, UNKNOWN, World};

const OTHER_SECRET: &str = "the-next-secret-for-tests-9876543210";

fn wallet(world: &World, address: &str) -> Wallet {
    Wallet {
        blockchain: world.net.name.clone(),
        address: address.to_owned(),
        coins: vec!["USDT".to_owned()],
        starting_tx: None,
    }
}

#[test]
fn no_request_fails_and_no_socket_closes_while_reloading() {
    let world = World::start();
    let watched = world.order("1.25");
    let mut socket = watched.socket();
    assert_eq!(socket.order()["status"], "pending");
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU32::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (shop, stop, answered) = (world.shop.clone(), stop.clone(), answered.clone());
            let url = world.receiver.url(ORDERS);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let order = shop.create(&order_body("3.10", &url));
                    let id = order["order_id"].as_str().expect("an id");
                    assert_eq!(shop.shopper(id).status()["status"], "pending");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for turn in 0..10 {
        let before = answered.load(Ordering::Relaxed);
        world.reload_with(|config| {
            config.set("webhooks", "concurrency", &format!("{}", 4 + turn));
            // The chain's own settings, so that its watcher is another one each time.
            config.chains[0].confirmations = format!("{}", 3 + turn % 2);
        });
        wait::until("requests after the reload", || {
            (answered.load(Ordering::Relaxed) > before + 4).then_some(())
        });
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no request failed");
    }
    assert_eq!(watched.cancel().expect(200).json()["status"], "cancelled");
    assert_eq!(socket.order()["status"], "cancelled");
    assert_eq!(socket.next(), Frame::Closed(Some(1000)));
    world.settle_everything();
}

/// Everything at once: customers choose and pay while the wallet they were shown is replaced by another, again and again, and
/// every third file is broken.
#[test]
fn under_load_every_deposit_is_honoured_whatever_is_reloaded() {
    let world = World::start();
    let addresses = [wallet_address(1), wallet_address(2)];
    let stop = AtomicBool::new(false);
    let paid = Mutex::new(Vec::new());
    let so_far = || paid.lock().expect("no request failed").len();
    thread::scope(|scope| {
        let _end = Ends(&stop);
        for _ in 0..3 {
            scope.spawn(|| {
                let _end = Ends(&stop);
                while !stop.load(Ordering::Relaxed) {
                    let (shopper, deposit) = world.deposit("5", "USDT");
                    world.net.pay(&deposit);
                    let wallet = deposit["wallet_address"].as_str().expect("an address");
                    let wallet = wallet.to_lowercase();
                    paid.lock()
                        .expect("no request failed")
                        .push((shopper, wallet));
                }
            });
        }
        for turn in 0..9 {
            let before = so_far();
            let broken = turn % 3 == 2;
            let said = world.reload_with(|config| {
                config.wallets[0].address.clone_from(&addresses[turn % 2]);
                if broken {
                    config.wallets.clear();
                    config.set("orders", "expires_after", "\"soon\"");
                }
            });
            assert_eq!(said.contains("was not reloaded"), broken, "{said}");
            wait::until("payments after the reload", || {
                let failed = stop.load(Ordering::Relaxed);
                (failed || so_far() >= before + 4).then_some(())
            });
            assert!(!stop.load(Ordering::Relaxed), "a request failed");
        }
    });
    world.confirm();
    let paid = paid.into_inner().expect("no request failed");
    for address in &addresses {
        assert!(
            paid.iter().any(|(_, wallet)| wallet == address),
            "both were shown"
        );
    }
    for (shopper, _) in &paid {
        world.wait_for_status(shopper, "paid");
    }
    assert_eq!(world.unknown_transfers().len(), 0);
}

/// Ends the load when dropped: a failure on either side is not followed by an endless wait for the other.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_removed_wallets_open_deposits_are_still_paid() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("12.50", "USDT");
    let new = wallet_address(2);
    let said = world.reload_with(|config| {
        config.wallets[0].address.clone_from(&new);
    });
    assert!(
        said.contains("still watched for orders shown before"),
        "{said}"
    );
    let (later, other) = world.deposit("8", "USDT");
    assert_eq!(
        other["wallet_address"].as_str().unwrap().to_lowercase(),
        new
    );
    world.net.pay(&deposit);
    world.net.pay(&other);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.wait_for_status(&later, "paid");
}

/// Its keys may be lost: whoever asks again is shown the wallet that took its place, and is paid on either.
#[test]
fn a_removed_wallet_is_not_shown_again() {
    let world = World::start();
    let (shopper, before) = world.deposit("12.50", "USDT");
    let (other, other_before) = world.deposit("8", "USDT");
    let new = wallet_address(2);
    world.reload_with(|config| config.wallets[0].address.clone_from(&new));
    let wallet = |detail: &serde_json::Value| text(detail, "wallet_address").to_lowercase();
    let after = shopper.pay(&world.net.name, "USDT");
    let other_after = other.pay(&world.net.name, "USDT");
    assert_eq!((wallet(&after), wallet(&other_after)), (new.clone(), new));
    assert_eq!(shopper.pay(&world.net.name, "USDT"), after, "asked again");
    world.net.pay(&before);
    world.net.pay(&other_after);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.wait_for_status(&other, "paid");
    world.net.pay(&other_before);
    world.confirm();
    world.receiver.wait_for(UNKNOWN, 1);
}

#[test]
fn a_chain_whose_only_wallet_was_removed_is_watched_for_open_deposits() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("5", "DAI");
    world.reload_with(|config| config.wallets.clear());
    assert_eq!(shopper.chains(), json!([]));
    let again = world.order("6").try_pay(&world.net.name, "DAI");
    again.expect_error(400, "no wallet available for the selected chain and coin");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
}

#[test]
fn an_added_wallet_and_an_added_chain_are_watched() {
    let world = World::start();
    let second = Devnet::start("second", 31_338);
    let rpc = FaultyRpc::start(&second.anvil.url);
    let more = wallet_address(7);
    let said = world.reload_with(|config| {
        config.wallets.insert(0, wallet(&world, &more));
        second.add_to(config, &rpc.url());
    });
    assert!(
        !said.contains("watching chain blockchain=devnet"),
        "left alone: {said}"
    );
    let (one, first) = world.deposit("2", "USDT");
    assert_eq!(
        first["wallet_address"].as_str().unwrap().to_lowercase(),
        more
    );
    let two = world.order("4");
    let deposit = two.pay("second", "USDT");
    world.net.pay(&first);
    world.confirm();
    second.pay(&deposit);
    second.anvil.mine(3);
    world.wait_for_status(&one, "paid");
    world.wait_for_status(&two, "paid");
}

#[test]
fn a_chain_moves_to_another_provider() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("2.20", "USDT");
    let other = FaultyRpc::start(&world.net.anvil.url);
    world.reload_with(|config| config.chains[0].urls = vec![other.url()]);
    other.wait_for_head();
    let asked = world.rpc.calls().len();
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    assert_eq!(
        world.rpc.calls().len(),
        asked,
        "the old one is left in peace"
    );
}

#[test]
fn the_merchants_secret_is_rotated_without_an_outage() {
    let world = World::start();
    let body = order_body("3", &world.receiver.url(ORDERS)).to_string();
    let create = |secret: &str| {
        let signature = sign::body(secret, sign::now(), body.as_bytes());
        let path = "/orders";
        world
            .shop
            .post_signed(path, body.as_bytes(), Some(&signature))
            .status
    };
    let old_page = world.order("1");
    assert_eq!((create(SECRET), create(OTHER_SECRET)), (201, 401));
    // The new secret comes from a file, which is read again each time.
    let file = world.server.config_path().with_file_name("merchant.key");
    std::fs::write(&file, format!("{OTHER_SECRET}\n")).unwrap();
    world.reload_with(|config| {
        config.unset("merchant", "secret");
        config.set_text("merchant", "secret_file", "merchant.key");
        config.set_text("merchant", "previous_secret", SECRET);
    });
    assert_eq!((create(SECRET), create(OTHER_SECRET)), (201, 201));
    old_page.cancel().expect(200);
    let told = world
        .receiver
        .wait_for_status(&old_page.order_id, "cancelled");
    let ts = told.header("webhook-timestamp").parse().expect("seconds");
    let expected = sign::body(OTHER_SECRET, ts, &told.body);
    assert_eq!(
        told.header("ocrch-signature"),
        expected,
        "only the new one signs"
    );
    std::fs::write(&file, "a-third-secret-for-tests-0000000000").unwrap();
    world.server.reload();
    assert_eq!((create(SECRET), create(OTHER_SECRET)), (201, 401));
}

#[test]
fn a_plain_admin_secret_is_sealed_as_at_the_start() {
    let world = World::start();
    let said = world.reload_with(|config| {
        config.set_text("admin", "secret", "a new secret for the admin");
    });
    assert!(
        said.contains("admin.secret in the configuration was replaced by its hash"),
        "{said}"
    );
    let text = std::fs::read_to_string(world.server.config_path()).unwrap();
    assert!(!text.contains("a new secret for the admin"), "{text}");
    assert!(text.contains("$argon2id$"), "{text}");
    assert!(world.server.reload().contains("configuration reloaded"));
}

#[test]
fn a_broken_file_changes_nothing_and_all_of_it_is_reported() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("5.50", "USDT");
    let options = shopper.chains();
    let said = world.reload_with(|config| {
        config.wallets.clear();
        config.set("orders", "expires_after", "\"soon\"");
        config.set("webhooks", "concurency", "3");
    });
    assert!(said.contains("was not reloaded"), "{said}");
    assert!(
        said.contains("orders.expires_after") && said.contains("concurency"),
        "{said}"
    );
    assert_eq!(shopper.chains(), options);
    std::fs::remove_file(world.server.config_path()).unwrap();
    assert!(world.server.reload().contains("no such file"));
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
}

#[test]
fn what_needs_a_restart_is_said_and_the_rest_is_taken() {
    let world = World::start();
    let said = world.reload_with(|config| {
        config.set_text("server", "listen", "127.0.0.1:9");
        config.set_text("database", "path", "other.db");
        config.set(
            "merchant",
            "allowed_origins",
            "[\"https://elsewhere.example.com\"]",
        );
    });
    for key in ["server.listen", "database.path"] {
        assert!(
            said.contains(&format!(
                "{key} has changed; this takes effect after a restart"
            )),
            "{said}"
        );
    }
    let shopper = world.order("1");
    let refused = shopper.call("GET", &shopper.order_path("status"), &json!(null));
    refused.expect_error(403, "origin not allowed");
    let url = format!(
        "https://elsewhere.example.com/?order_id={}",
        shopper.order_id
    );
    let moved = world.shop.shopper_at(&shopper.order_id, &url);
    assert_eq!(moved.status()["status"], "pending");
}

/// Each payment counts by the rule that holds when it is deep enough.
#[test]
fn confirmations_change_while_a_payment_waits() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("5", "USDT");
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    world.reload_with(|config| config.chains[0].confirmations = "8".to_owned());
    world.net.anvil.mine(6);
    wait::until("seven confirmations", || {
        (shopper.status()["payment"]["confirmations"] == 7).then_some(())
    });
    assert_eq!(shopper.status()["status"], "pending");
    world.net.anvil.mine(1);
    let order = world.wait_for_status(&shopper, "paid");
    assert_eq!(order["payment"]["txn_hash"], hash.as_str());

    let (shopper, deposit) = world.deposit("6", "USDT");
    world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    assert_eq!(shopper.status()["status"], "pending");
    world.reload_with(|config| config.chains[0].confirmations = "1".to_owned());
    // Without a block more.
    world.wait_for_status(&shopper, "paid");
    assert!(world.unknown_transfers().is_empty());
}

#[test]
fn agreement_changes_while_a_payment_waits() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("5", "USDT");
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    let second = FaultyRpc::start(&world.net.anvil.url);
    second.fail(Fault::Denies(hash.clone()));
    let of_two = |agreement| {
        let url = second.url();
        world.reload_with(|config| {
            config.chains[0].urls.push(url);
            config.chains[0].agreement = agreement;
        })
    };
    of_two(2);
    world.confirm();
    wait::until("the log to say so", || {
        let log = world.server.log();
        log.contains("providers disagree about a transfer")
            .then_some(())
    });
    assert_eq!(shopper.status()["status"], "pending");
    of_two(1);
    let order = world.wait_for_status(&shopper, "paid");
    assert_eq!(order["payment"]["txn_hash"], hash.as_str());
    assert!(world.unknown_transfers().is_empty());
}

/// A contract that becomes one of the coin pays what was sent by it shortly before; what was sent by one that is it no more is reported.
#[test]
fn tokens_change_while_a_payment_waits() {
    let world = World::start();
    let other = Token::deploy(&world.net.anvil, "USDT", 6);
    let both = |contracts: Vec<String>| {
        world.reload_with(|config| config.chains[0].tokens[0].1 = contracts)
    };
    let (shopper, _) = world.deposit("5", "USDT");
    let payer = world.net.anvil.account(0);
    let units = other.units("5");
    let hash = other.submit(&world.net.anvil, &payer, &world.net.wallet, units);
    world.net.anvil.receipt(&hash);
    world.settle_everything();
    assert!(shopper.status()["payment"].is_null(), "no coin of ours");
    let usdt = world.net.usdt.contract.clone();
    both(vec![usdt, other.contract.clone()]);
    let order = world.wait_for_status(&shopper, "paid");
    assert_eq!(order["payment"]["txn_hash"], hash.as_str());

    let (shopper, deposit) = world.deposit("6", "USDT");
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&shopper);
    both(vec![other.contract.clone()]);
    world.confirm();
    world.receiver.wait_for(UNKNOWN, 1);
    assert_eq!(world.unknown_transfers().len(), 1);
    let status: String = world
        .server
        .db()
        .query_row(
            "SELECT status FROM transfers WHERE txn_hash = ?1",
            [&hash],
            |row| row.get(0),
        )
        .expect("the transfer");
    assert_eq!(status, "no_matched_deposit");
    assert_eq!(shopper.status()["status"], "pending");
    assert!(shopper.status()["payment"].is_null());
}
