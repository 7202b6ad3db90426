//! Money after an older backup was put back: what customers were told to pay since is nobody else's.

use std::path::PathBuf;
use std::time::Duration;

use ocrch::domain::order::OrderStatus;
use ocrch::service::payments::PaymentError;
use ocrch::service::prune;
use serde_json::Value;
use tempfile::TempDir;

use crate::in_process::{NET, Turned, shopper};
use crate::support::admin::Admin;
use crate::support::devnet::{text, wallet_address};
use crate::support::server::ocrch;
use crate::support::wait;
use crate::support::world::World;

/// A backup made now.
struct Backup {
    dir: TempDir,
}

impl Backup {
    fn of(world: &World) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let backup = Self { dir };
        backup.run(world, "backup", &[]);
        backup
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn run(&self, world: &World, command: &str, more: &[&str]) {
        let output = ocrch()
            .arg(command)
            .arg(self.file())
            .arg("-c")
            .arg(world.server.config_path())
            .args(more)
            .output()
            .expect("the binary starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {errors}");
    }

    /// Stops the server, puts this backup in the place of its database, and starts it again.
    fn put_back(&self, world: &mut World) {
        assert!(world.server.stop().success());
        self.run(world, "restore", &["--discard-newer"]);
        world.server.launch();
        world.wait_until_watching();
    }
}

/// Waits until a transaction's transfer is in the inbox.
fn wait_for_inbox(admin: &Admin, hash: &str) -> Value {
    wait::until(&format!("{hash} to be in the inbox"), || {
        let found = admin.get("/transfers?unmatched=true");
        let mut found = found.as_array()?.iter();
        found.find(|t| t["txn_hash"] == hash).cloned()
    })
}

fn amount(deposit: &Value) -> &str {
    let amount = text(deposit, "amount");
    match amount.contains('.') {
        true => amount.trim_end_matches('0').trim_end_matches('.'),
        false => amount,
    }
}

#[test]
fn a_lost_orders_payment_pays_nobody_else() {
    let mut world = World::start();
    let backup = Backup::of(&world);
    let (lost, shown) = world.deposit("81", "USDT");
    backup.put_back(&mut world);
    let (next, deposit) = world.deposit("81", "USDT");
    assert_eq!((amount(&shown), amount(&deposit)), ("81", "81.0001"));
    let hash = world.net.pay(&shown);
    world.confirm();
    let admin = world.admin();
    let stray = wait_for_inbox(&admin, &hash);
    assert_eq!(amount(&serde_json::json!({"amount": stray["value"]})), "81");
    assert_eq!(next.status()["status"], "pending");
    let told = wait::until("the shop to be told", || {
        Some(world.unknown_transfers()).filter(|told| !told.is_empty())
    });
    assert_eq!(told.len(), 1, "{told:?}");
    let asked = serde_json::json!({"order_id": lost.order_id});
    world.shop.post("/orders/status", &asked).expect(404);

    let own = world.net.pay(&deposit);
    world.confirm();
    let paid = world.wait_for_status(&next, "paid");
    assert_eq!(paid["payment"]["txn_hash"], own.as_str());
}

/// The order is in the backup, and only what its customer chose is not.
#[test]
fn who_chooses_again_is_shown_the_same() {
    let mut world = World::start();
    let (shopper, other) = (world.order("81"), world.order("81"));
    let backup = Backup::of(&world);
    let before = shopper.pay(&world.net.name, "USDT");
    backup.put_back(&mut world);
    let others = other.pay(&world.net.name, "USDT");
    assert_eq!((amount(&before), amount(&others)), ("81", "81.0001"));
    let again = shopper.pay(&world.net.name, "USDT");
    assert_eq!(amount(&again), "81");
    let hash = world.net.pay(&before);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], hash.as_str());
    assert_eq!(other.status()["status"], "pending");
}

/// A wallet that was added after the backup: what it received is read again, from where it was first watched. So it is if it left
/// the configuration again, as long as somebody may pay to it.
#[test]
fn a_wallet_that_the_backup_does_not_know_is_read_from_its_beginning() {
    let mut world = World::start();
    let backup = Backup::of(&world);
    let added = wallet_address(2);
    world.restart_with(|config| config.wallets[0].address = added.clone());
    world.wait_until_watching();
    let (_, shown) = world.deposit("81", "USDT");
    assert_eq!(
        text(&shown, "wallet_address").to_lowercase(),
        added.to_lowercase()
    );
    let hash = world.net.pay(&shown);
    world.confirm();
    world.settle_everything();
    world.net.anvil.mine(50);
    backup.put_back(&mut world);
    let admin = world.admin();
    wait_for_inbox(&admin, &hash);

    world.restart_with(|_| {});
    world.wait_until_watching();
    let late = world.net.pay(&shown);
    world.confirm();
    wait_for_inbox(&admin, &late);
}

/// What docs/operations.md advises: nobody knows the amounts that were shown, so new orders get another address, and what came
/// to the old one is read when it is back.
#[test]
fn where_the_replaced_file_cannot_be_read_another_address_helps() {
    let mut world = World::start();
    let backup = Backup::of(&world);
    let (_, shown) = world.deposit("81", "USDT");
    assert!(world.server.stop().success());
    std::fs::write(world.server.db_path(), "only text").expect("room");
    backup.run(&world, "restore", &[]);
    world.server.launch();
    world.restart_with(|config| config.wallets[0].address = wallet_address(2));
    world.wait_until_watching();
    let (next, deposit) = world.deposit("81", "USDT");
    assert_eq!(amount(&deposit), "81");
    let stray = world.net.pay(&shown);
    let own = world.net.pay(&deposit);
    world.confirm();
    let paid = world.wait_for_status(&next, "paid");
    assert_eq!(paid["payment"]["txn_hash"], own.as_str());
    world.net.anvil.mine(100);
    world.restart_with(|_| {});
    wait_for_inbox(&world.admin(), &stray);
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a restore notes of a deposit of 20 that ends now.
struct Lost<'a> {
    order: &'a str,
    chain: &'a str,
    sender: Option<String>,
    transfer_seen: bool,
}

const OF_ANOTHER: Lost<'_> = Lost {
    order: "another",
    chain: NET,
    sender: None,
    transfer_seen: false,
};

fn lose(turned: &Turned, lost: &Lost<'_>) {
    let wallet = turned.app.config().wallets[0].address.to_string();
    let insert = "INSERT INTO lost_deposits (order_id, blockchain, stablecoin, wallet, micros, expected_sender, closed_at, transfer_seen)
        VALUES (?1, ?2, 'USDT', ?3, 20000000, ?4, ?5, ?6)";
    let now = turned.clock.now();
    let row = (
        lost.order,
        lost.chain,
        wallet,
        &lost.sender,
        now,
        lost.transfer_seen,
    );
    turned.db().execute(insert, row).expect("SQL");
}

/// Whether a new order of 20 gets a value where each amount has one only.
fn has_room(turned: &Turned) -> bool {
    match turned.try_choose(NET, &turned.create("20", None)) {
        Ok(_) => true,
        Err(PaymentError::NoSlot) => false,
        Err(error) => panic!("{error}"),
    }
}

/// As that of any deposit that was closed: for a day, but for want of others an hour, if no money was seen for it.
#[test]
fn a_lost_deposits_value_is_kept_as_long_as_any() {
    for transfer_seen in [false, true] {
        let turned = Turned::new(2, "[payments]\nmax_tail = \"0\"");
        let lost = Lost {
            transfer_seen,
            ..OF_ANOTHER
        };
        lose(&turned, &lost);
        assert!(!has_room(&turned));
        turned.clock.advance(59 * MINUTE);
        assert!(!has_room(&turned));
        turned.clock.advance(2 * MINUTE);
        assert_eq!(has_room(&turned), !transfer_seen);
        let count = "SELECT count(*) FROM lost_deposits";
        assert_eq!(turned.number(count) == 0, !transfer_seen, "given away");
        turned.clock.advance(DAY - HOUR - 2 * MINUTE);
        let pruned = || turned.runtime.block_on(prune::prune(&turned.app));
        pruned().expect("a prune");
        assert_eq!(turned.number(count), i64::from(transfer_seen));
        assert!(!has_room(&turned));
        turned.clock.advance(2 * MINUTE);
        assert_eq!(has_room(&turned), transfer_seen);
        pruned().expect("a prune");
        assert_eq!(turned.number(count), 0);
    }
}

/// Who pays on another chain than was asked for could be a lost order's customer, but not the order's own, nor somebody else
/// than it names.
#[test]
fn on_another_chain_a_lost_order_could_be_meant() {
    let check = |change: &dyn Fn(&mut Lost<'_>), own: bool, expected: OrderStatus| {
        let more = "[payments]\naccept_other_chain = true";
        let mut turned = Turned::on(&[NET, "other", "third"], 1, 2, more);
        turned.wait(5 * SECOND);
        let (order, detail) = turned.deposit("20");
        let id = order.id.to_string();
        let mut lost = Lost {
            chain: "other",
            order: if own { &id } else { "another" },
            ..OF_ANOTHER
        };
        change(&mut lost);
        lose(&turned, &lost);
        turned.pay_on("other", &detail);
        turned.wait(5 * SECOND);
        assert_eq!(turned.status(&order), expected);
    };
    check(&|_| {}, false, OrderStatus::Pending);
    for chain in [NET, "third"] {
        check(&|lost| lost.chain = chain, false, OrderStatus::Pending);
    }
    check(&|_| {}, true, OrderStatus::Paid);
    let named = |lost: &mut Lost<'_>| lost.sender = Some(shopper().to_string());
    check(&named, false, OrderStatus::Pending);
    let other = |lost: &mut Lost<'_>| lost.sender = Some(format!("0x{}", "01".repeat(20)));
    check(&other, false, OrderStatus::Paid);
}

/// An order that expired before may have had the same value.
#[test]
fn a_lost_orders_payment_is_no_late_one_of_another() {
    for is_lost in [false, true] {
        let mut turned = Turned::new(2, "[orders]\naccept_late = true");
        let (order, detail) = turned.deposit("20");
        turned.wait(HOUR);
        assert_eq!(turned.status(&order), OrderStatus::Expired);
        if is_lost {
            lose(&turned, &OF_ANOTHER);
        }
        turned.pay(&detail);
        turned.wait(5 * SECOND);
        let expected = match is_lost {
            true => OrderStatus::Expired,
            false => OrderStatus::Paid,
        };
        assert_eq!(turned.status(&order), expected);
    }
}
