//! `kill -9` at random moments under traffic, again and again; then the books must balance.
//!
//! Ten times by default; `OCRCH_TEST_KILLS=200` for the long run (`.ci/full`).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::devnet::text;
use crate::support::random::Random;
use crate::support::receiver::Answer;
use crate::support::shop::{Shopper, order_body};
use crate::support::wait;
use crate::support::world::{ORDERS, World};

/// How often an endpoint fails one event at most: the pauses double.
const FAILURES: usize = 3;

/// Shoppers at a time, each paying from an account of its own.
const LANES: usize = 3;

fn kills() -> usize {
    std::env::var("OCRCH_TEST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(10)
}

/// What the shop and its shoppers know they did.
#[derive(Default)]
struct Book {
    /// Order to the transaction that pays it.
    payments: HashMap<String, String>,
    /// Orders that the server said are cancelled.
    cancelled: HashSet<String>,
    orders: HashSet<String>,
    /// Transfers that fit nothing.
    strays: usize,
}

#[test]
fn nothing_is_lost_or_invented() {
    let mut world = World::start();
    fail_half_the_time(&world);
    for lane in 0..LANES {
        let payer = world.net.anvil.account(1 + lane);
        world.net.usdt.transfer(&world.net.anvil, &payer, "1000000");
        world.net.dai.transfer(&world.net.anvil, &payer, "1000000");
    }
    let book = Mutex::new(Book::default());
    let stop = AtomicBool::new(false);
    let ready = AtomicUsize::new(0);
    let kills = kills();
    let World {
        server,
        shop,
        receiver,
        net,
        ..
    } = &mut world;
    let traffic = Traffic {
        shop: shop.clone(),
        hook: receiver.url(ORDERS),
        net,
        book: &book,
        stop: &stop,
        ready: &ready,
    };
    thread::scope(|scope| {
        let traffic = &traffic;
        for lane in 0..LANES {
            scope.spawn(move || traffic.run(lane));
        }
        let mut random = Random::new(77);
        let limit = Instant::now() + Duration::from_secs(60 + 10 * kills as u64);
        for _ in 0..kills {
            assert!(Instant::now() < limit, "too slow");
            thread::sleep(Duration::from_millis(100 + random.below(1400) as u64));
            server.kill();
            server.launch();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(
        ready.load(Ordering::Relaxed) > kills,
        "there was traffic between the kills"
    );
    world.confirm();
    let book = book.into_inner().expect("not poisoned");
    settle(&world, &book);
    balance(&world, &book);
    world.server.stop();
    let check: String = world
        .server
        .db()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a database");
    assert_eq!(check, "ok");
}

fn fail_half_the_time(world: &World) {
    let failed: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let mut random = Random::new(78);
    world.receiver.script(move |delivery| {
        let mut failed = failed.lock().expect("not poisoned");
        let count = failed
            .entry(delivery.header("webhook-id").to_owned())
            .or_default();
        if *count < FAILURES && random.one_in(2) {
            *count += 1;
            return random
                .pick(&[Answer::Status(500), Answer::Drop, Answer::Status(204)])
                .clone();
        }
        Answer::Status(200)
    });
}

/// Shoppers in lanes, each doing one thing after another, however often the server is away.
struct Traffic<'a> {
    shop: crate::support::shop::Shop,
    hook: String,
    net: &'a crate::support::devnet::Devnet,
    book: &'a Mutex<Book>,
    stop: &'a AtomicBool,
    ready: &'a AtomicUsize,
}

impl Traffic<'_> {
    fn run(&self, lane: usize) {
        let mut random = Random::new(80 + lane as u64);
        let payer = self.net.anvil.account(1 + lane);
        while !self.stop.load(Ordering::Relaxed) {
            let Some(shopper) = self.order(&mut random) else {
                continue;
            };
            self.book
                .lock()
                .expect("not poisoned")
                .orders
                .insert(shopper.order_id.clone());
            match random.below(4) {
                0 => self.cancel(&shopper),
                1 => self.stray(&payer),
                _ => self.pay(&payer, &shopper, &mut random),
            }
            self.ready.fetch_add(1, Ordering::Relaxed);
            // A busy shop, not a flood: between two kills a slow build must get somewhere.
            thread::sleep(Duration::from_millis(20 + random.below(100) as u64));
        }
    }

    /// Creates an order with a key, so that a lost answer can be asked for again.
    fn order(&self, random: &mut Random) -> Option<Shopper> {
        let amount = *random.pick(&["10", "10", "10.5", "11"]);
        let body = order_body(amount, &self.hook);
        let key = text(&body, "order_id").to_owned();
        let reply = self.insist(|| {
            let headers = [("idempotency-key", &*key)];
            self.shop
                .try_post("/orders", body.to_string().as_bytes(), &headers)
                .ok()
        })?;
        assert_eq!(reply.status, 201, "{reply:?}");
        Some(self.shop.shopper(text(&reply.json(), "order_id")))
    }

    fn pay(&self, payer: &str, shopper: &Shopper, random: &mut Random) {
        let coin = *random.pick(&["USDT", "DAI"]);
        let choice = json!({"blockchain": "devnet", "stablecoin": coin});
        let Some(reply) = self.insist(|| shopper.try_call("POST", "payment", &choice)) else {
            return;
        };
        assert_eq!(reply.status, 201, "{reply:?}");
        let hash = self.net.pay_from(payer, &reply.json());
        let mut book = self.book.lock().expect("not poisoned");
        book.payments.insert(shopper.order_id.clone(), hash);
    }

    fn cancel(&self, shopper: &Shopper) {
        let Some(reply) = self.insist(|| shopper.try_call("POST", "cancel", &Value::Null)) else {
            return;
        };
        // The answer to an earlier attempt may have been lost.
        assert!(matches!(reply.status, 200 | 409), "{reply:?}");
        self.book
            .lock()
            .expect("not poisoned")
            .cancelled
            .insert(shopper.order_id.clone());
    }

    fn stray(&self, payer: &str) {
        let units = self.net.usdt.units("3.33");
        self.net
            .usdt
            .transfer_units(&self.net.anvil, payer, &self.net.wallet, units);
        self.book.lock().expect("not poisoned").strays += 1;
    }

    /// Asks until there is an answer; gives up when the test is over.
    fn insist<T>(&self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        let end = Instant::now() + wait::SOON;
        loop {
            if let Some(answer) = ask() {
                return Some(answer);
            }
            if self.stop.load(Ordering::Relaxed) && Instant::now() > end {
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until everything that must happen has happened.
fn settle(world: &World, book: &Book) {
    let long = Duration::from_secs(120);
    for order_id in book.payments.keys() {
        wait::until_within(long, &format!("order {order_id} to be paid"), || {
            (world.shop.status(order_id)["status"] == "paid").then_some(())
        });
    }
    wait::until_within(long, "all strays to be reported", || {
        (world.unknown_transfers().len() >= book.strays).then_some(())
    });
    wait::until_within(long, "all events to be delivered", || {
        let delivered: HashSet<_> = world
            .receiver
            .to(ORDERS)
            .iter()
            .filter(|d| d.is_delivered())
            .map(|d| d.json()["order_id"].as_str().unwrap_or_default().to_owned())
            .collect();
        let ended = book.payments.keys().chain(&book.cancelled);
        ended.clone().all(|id| delivered.contains(id)).then_some(())
    });
    world.settle_everything();
}

/// Every payment paid its order and nothing else did; every change was told as one event.
fn balance(world: &World, book: &Book) {
    let mut hashes = HashSet::new();
    for (order_id, hash) in &book.payments {
        let order = world.shop.status(order_id);
        assert_eq!(order["status"], "paid");
        assert_eq!(order["payment"]["txn_hash"], hash.as_str());
        assert!(hashes.insert(hash), "one transfer, one order");
    }
    for order_id in &book.orders {
        let expected = match (
            book.payments.contains_key(order_id),
            book.cancelled.contains(order_id),
        ) {
            (true, _) => "paid",
            (_, true) => "cancelled",
            _ => "pending",
        };
        assert_eq!(
            world.shop.status(order_id)["status"],
            expected,
            "{order_id}"
        );
    }
    assert_eq!(world.unknown_transfers().len(), book.strays);

    let mut events: HashMap<String, HashSet<String>> = HashMap::new();
    for delivery in world.receiver.to(ORDERS) {
        let event = delivery.json();
        let id = text(&event, "order_id").to_owned();
        let order = world.shop.status(&id);
        assert_eq!(event["status"], order["status"], "no event was invented");
        events
            .entry(id)
            .or_default()
            .insert(delivery.header("webhook-id").to_owned());
    }
    for (order_id, ids) in &events {
        assert_eq!(ids.len(), 1, "one change of {order_id}, one id");
    }
    stored_once(world, book);
}

/// The database agrees: as many orders and transfers as there were, each once.
fn stored_once(world: &World, book: &Book) {
    let db = world.server.db();
    let count = |sql: &str| -> usize {
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap_or_else(|e| panic!("{sql}: {e}")) as usize
    };
    // One more order and payment: `settle_everything`.
    assert_eq!(
        count("SELECT count(*) FROM transfers"),
        book.payments.len() + book.strays + 1
    );
    let matched = count("SELECT count(*) FROM transfers WHERE status = 'matched'");
    assert_eq!(matched, book.payments.len() + 1);
    assert_eq!(
        count("SELECT count(*) FROM orders WHERE status = 'paid'"),
        matched
    );
    // An order whose answer was lost at the very end may be unknown to its lane.
    let orders = count("SELECT count(*) FROM orders");
    assert!(
        (book.orders.len() + 1..=book.orders.len() + 4).contains(&orders),
        "{orders}"
    );
}
