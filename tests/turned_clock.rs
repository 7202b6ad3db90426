//! Rules that take hours and days, in one process whose clock is turned: the application, a real file, and the
//! simulated chain, without HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ocrch::chain::Provider;
use ocrch::chain::pool::Providers;
use ocrch::chain::simulated::SimulatedChain;
use ocrch::clock::Clock;
use ocrch::config::parse;
use ocrch::domain::address::{Address, Family};
use ocrch::domain::order::{Order, OrderStatus};
use ocrch::domain::registry::{Blockchain, Coin};
use ocrch::domain::signature::{Signature, sign_url};
use ocrch::service::App;
use ocrch::service::create_order::{CreateOrder, Origin, create_order};
use ocrch::service::expire::expire_due;
use ocrch::service::orders::{self, Canceller, OrderError};
use ocrch::service::payments::{PaymentDetail, choose};
use ocrch::task::pass::Pass;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct Turned {
    clock: Clock,
    app: App,
    chain: SimulatedChain,
    pass: Pass,
    runtime: tokio::runtime::Runtime,
    requests: AtomicI64,
    _dir: tempfile::TempDir,
}

impl Turned {
    /// `more` is added to the configuration; the chain makes a block a second.
    fn new(confirmations: u32, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            r#"
            [admin]
            secret = "$argon2id$v=19$m=19456,t=2,p=1$ZGVtby1vbmx5LXNhbHQ$ZGVtby1vbmx5LW5vLXBhc3N3b3JkLWZpdHMtdGhpcy0"
            [merchant]
            secret = "a secret of these tests"
            [[wallets]]
            blockchain = "net"
            address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
            enabled_coins = ["USDT"]
            [chains.net]
            kind = "evm"
            chain_id = 77
            confirmations = {confirmations}
            providers = [{{ kind = "rpc", url = "http://127.0.0.1:1" }}]
            [chains.net.tokens.USDT]
            contract = "0x00000000000000000000000000000000000000D1"
            decimals = 6
            {more}
            "#
        );
        let config = parse(&text, "test", dir.path()).unwrap().config;
        let clock = Clock::system();
        let app = App::open(config, clock.clone()).unwrap();
        let ticking = clock.clone();
        let chain = SimulatedChain::new(Family::Evm, Duration::from_secs(1), move || {
            ticking.now_ms()
        });
        let blockchain = Blockchain::new("net");
        app.watching().begin(&blockchain);
        let provider: Arc<dyn Provider> = Arc::new(chain.clone());
        let providers = Arc::new(Providers::new("net", vec![provider], 10));
        let pass = Pass::new(app.clone(), blockchain, providers);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut turned = Self {
            clock,
            app,
            chain,
            pass,
            runtime,
            requests: AtomicI64::new(0),
            _dir: dir,
        };
        turned.settle();
        turned
    }

    /// Lets time go by, and everything that happens by itself happen.
    fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
        self.settle();
    }

    fn settle(&mut self) {
        self.runtime.block_on(self.pass.tick()).unwrap();
        self.runtime.block_on(expire_due(&self.app)).unwrap();
    }

    fn create(&self, amount: &str, key: Option<&str>) -> Order {
        let request = CreateOrder {
            merchant_order_id: "A-1".into(),
            amount: amount.into(),
            webhook_url: "http://127.0.0.1:1/".into(),
            ..CreateOrder::default()
        };
        let origin = Origin {
            signed_at: self.clock.now(),
            mac: self
                .requests
                .fetch_add(1, Ordering::Relaxed)
                .to_be_bytes()
                .to_vec(),
            idempotency_key: key.map(str::to_owned),
            body_hash: amount.as_bytes().to_vec(),
        };
        self.runtime
            .block_on(create_order(&self.app, request, origin))
            .unwrap()
    }

    fn deposit(&self, amount: &str) -> (Order, PaymentDetail) {
        let order = self.create(amount, None);
        let choice = choose(
            &self.app,
            order.id,
            Blockchain::new("net"),
            Coin::new("USDT"),
        );
        let detail = self.runtime.block_on(choice).unwrap();
        (order, detail)
    }

    fn pay(&self, detail: &PaymentDetail) {
        let units = detail.amount.to_base_units(6).unwrap();
        let shopper = Address::new(Family::Evm, [9; 20]);
        self.chain
            .send(detail.contract, shopper, detail.wallet, units);
    }

    fn status(&self, order: &Order) -> OrderStatus {
        orders::find(&self.app, order.id).unwrap().status
    }
}

#[test]
fn an_idempotency_key_stands_for_its_order_for_a_day() {
    let mut turned = Turned::new(2, "");
    let first = turned.create("5", Some("key"));
    turned.wait(DAY - HOUR);
    assert_eq!(turned.create("5", Some("key")).id, first.id);
    turned.wait(HOUR);
    assert_ne!(turned.create("5", Some("key")).id, first.id);
}

#[test]
fn a_value_stays_reserved_for_a_day_after_its_deposit_closed() {
    let mut turned = Turned::new(2, "");
    let (order, first) = turned.deposit("20");
    assert_eq!(first.amount.to_string(), "20");
    turned.wait(HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
    assert_eq!(turned.deposit("20").1.amount.to_string(), "20.0001");
    turned.wait(DAY - 2 * HOUR);
    assert_eq!(turned.deposit("20").1.amount.to_string(), "20.0002");
    turned.wait(2 * HOUR);
    assert_eq!(turned.deposit("20").1.amount.to_string(), "20");
}

#[test]
fn a_bare_payment_beside_a_tailed_deposit_is_flagged() {
    let mut turned = Turned::new(2, "");
    let (bare, detail) = turned.deposit("20");
    let (tailed, with_tail) = turned.deposit("20");
    assert_eq!(with_tail.amount.to_string(), "20.0001");
    turned.pay(&detail);
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.status(&bare), OrderStatus::Paid);
    assert_eq!(turned.status(&tailed), OrderStatus::Pending);
    turned.pay(&with_tail);
    turned.wait(Duration::from_secs(5));
    let db = rusqlite::Connection::open(turned.app.config().database.path.clone()).unwrap();
    let mut flags = db
        .prepare("SELECT tail_dropped FROM transfers ORDER BY id")
        .unwrap();
    let flags: Vec<bool> = flags
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(flags, [true, false]);
}

#[test]
fn a_late_payment_pays_nobody() {
    let mut turned = Turned::new(2, "");
    let (late, detail) = turned.deposit("20");
    turned.wait(HOUR);
    let (other, _) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.status(&late), OrderStatus::Expired);
    assert_eq!(turned.status(&other), OrderStatus::Pending);
}

#[test]
fn late_payments_are_accepted_within_the_window_where_the_merchant_says_so() {
    for (after, expected) in [
        (23 * HOUR, OrderStatus::Paid),
        (25 * HOUR, OrderStatus::Expired),
    ] {
        let mut turned = Turned::new(2, "[orders]\naccept_late = true");
        let (order, detail) = turned.deposit("20");
        turned.wait(HOUR);
        assert_eq!(turned.status(&order), OrderStatus::Expired);
        turned.wait(after - HOUR / 2);
        turned.pay(&detail);
        turned.wait(Duration::from_secs(5));
        assert_eq!(turned.status(&order), expected, "{after:?}");
    }
}

#[test]
fn a_waiting_payment_keeps_its_order_for_a_day_at_most() {
    // So many confirmations are never reached here.
    let mut turned = Turned::new(95_000, "");
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(Duration::from_secs(5));
    let seen = orders::find(&turned.app, order.id).unwrap();
    assert!(seen.payment.is_some_and(|p| p.confirmations >= 1));
    turned.wait(DAY - HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    let cancelled =
        turned
            .runtime
            .block_on(orders::cancel(&turned.app, order.id, Canceller::Shopper));
    assert!(matches!(cancelled, Err(OrderError::PaymentOnItsWay)));
    turned.wait(2 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
}

#[test]
fn a_payment_that_waits_is_settled_however_long_after_the_expiry() {
    let mut turned = Turned::new(3 * 3600, "");
    let (order, detail) = turned.deposit("20");
    turned.pay(&detail);
    turned.wait(2 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Pending);
    turned.wait(2 * HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Paid);
}

#[test]
fn a_payment_mined_before_its_deposit_never_pays_it() {
    let mut turned = Turned::new(2, "");
    let (first, detail) = turned.deposit("20");
    let cancelled = orders::cancel(&turned.app, first.id, Canceller::Merchant);
    turned.runtime.block_on(cancelled).unwrap();
    turned.pay(&detail);
    // Mined and seen, waiting still, when the value is promised anew.
    turned.wait(DAY + HOUR);
    turned.pay(&detail);
    turned.wait(Duration::from_secs(1));
    let (second, again) = turned.deposit("20");
    assert_eq!(again.amount, detail.amount);
    turned.wait(Duration::from_secs(10));
    assert_eq!(turned.status(&second), OrderStatus::Pending);
    turned.pay(&again);
    turned.wait(Duration::from_secs(5));
    assert_eq!(turned.status(&second), OrderStatus::Paid);
}

#[test]
fn a_signed_url_of_our_own_lives_a_day_longer_than_its_order() {
    let mut turned = Turned::new(2, "");
    let (order, _) = turned.deposit("20");
    let signature = Signature::parse(&sign_url("s", order.created_at, "u")).unwrap();
    let outlived =
        |turned: &Turned| orders::has_outlived(&turned.app, order.id, &signature).unwrap();
    assert!(!outlived(&turned));
    turned.wait(HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
    turned.wait(DAY - HOUR);
    assert!(!outlived(&turned));
    turned.wait(2 * HOUR);
    assert!(outlived(&turned));
}
