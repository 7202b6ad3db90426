//! The application in this process: a real file and simulated chains, without HTTP, with a clock that tests turn.

pub mod counted;
pub mod logged;
pub mod moody;

use std::collections::BTreeMap;
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
use ocrch::service::App;
use ocrch::service::create_order::{CreateOrder, Origin, create_order};
use ocrch::service::expire::expire_due;
use ocrch::service::orders;
use ocrch::service::payments::{PaymentDetail, PaymentError, choose};
use ocrch::task::look_ups::PassError;
use ocrch::task::pass::Pass;

use self::moody::Moody;

/// The chain of most tests.
pub const NET: &str = "net";

/// The first lines of every configuration here.
pub const BEGINNING: &str = r#"
[admin]
secret = "$argon2id$v=19$m=19456,t=2,p=1$ZGVtby1vbmx5LXNhbHQ$ZGVtby1vbmx5LW5vLXBhc3N3b3JkLWZpdHMtdGhpcy0"
[merchant]
secret = "a secret of these tests"
"#;

pub struct Turned {
    pub clock: Clock,
    pub app: App,
    pub nets: BTreeMap<String, Net>,
    pub runtime: tokio::runtime::Runtime,
    requests: AtomicI64,
    _dir: tempfile::TempDir,
}

/// A chain that makes a block a second (one of the registry: as fast as that), and who tells of it.
pub struct Net {
    pub chain: SimulatedChain,
    pub providers: Vec<Arc<Moody>>,
    pub pass: Pass,
}

impl Turned {
    /// One chain with one provider. `more` is added to the configuration.
    pub fn new(confirmations: u32, more: &str) -> Self {
        Self::on(&[NET], 1, confirmations, more)
    }

    /// Chains of these names, each with so many providers; the wallet is the same on all of them.
    pub fn on(names: &[&str], providers: usize, confirmations: u32, more: &str) -> Self {
        Self::configured(names, providers, confirmations, more, "")
    }

    /// The same with more for each chain.
    pub fn configured(
        names: &[&str],
        providers: usize,
        confirmations: u32,
        more: &str,
        for_each_chain: &str,
    ) -> Self {
        let rule = confirmations.to_string();
        Self::by_rule(names, providers, &rule, more, for_each_chain)
    }

    /// The same with `confirmations` as the file writes them.
    pub fn by_rule(
        names: &[&str],
        providers: usize,
        confirmations: &str,
        more: &str,
        for_each_chain: &str,
    ) -> Self {
        let text = Self::text(names, providers, confirmations, more, for_each_chain);
        Self::of_text(names, providers, &text)
    }

    /// The configuration for chains of these names.
    pub fn text(
        names: &[&str],
        providers: usize,
        confirmations: &str,
        more: &str,
        for_each_chain: &str,
    ) -> String {
        let nets: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, name)| net(name, 77 + i, providers, confirmations, for_each_chain))
            .collect();
        format!("{BEGINNING}\n{more}\n{}", nets.concat())
    }

    /// Starts with a configuration of which a test changed some words.
    pub fn of_text(names: &[&str], providers: usize, text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = parse(text, "test", dir.path()).unwrap().config;
        let clock = Clock::system();
        let app = App::open(config, clock.clone()).unwrap();
        let nets = names
            .iter()
            .map(|name| ((*name).to_owned(), Net::new(&app, name, providers)));
        let mut turned = Self {
            clock,
            nets: nets.collect(),
            app,
            runtime: tokio::runtime::Runtime::new().unwrap(),
            requests: AtomicI64::new(0),
            _dir: dir,
        };
        turned.settle();
        turned
    }

    /// Lets time go by, and everything that happens by itself happen.
    pub fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
        self.settle();
    }

    /// A pass over every chain, all of which succeed.
    pub fn settle(&mut self) {
        for name in self.nets.keys().cloned().collect::<Vec<_>>() {
            self.tick(&name).unwrap();
        }
    }

    /// A pass over a chain, and what expires after it.
    pub fn tick(&mut self, name: &str) -> Result<(), PassError> {
        let net = self.nets.get_mut(name).unwrap();
        let passed = self.runtime.block_on(net.pass.tick());
        self.runtime.block_on(expire_due(&self.app)).unwrap();
        passed
    }

    /// A chain's provider, by its place in the order of preference.
    pub fn provider(&self, name: &str, place: usize) -> &Moody {
        &self.nets[name].providers[place]
    }

    pub fn create(&self, amount: &str, key: Option<&str>) -> Order {
        let request = CreateOrder {
            merchant_order_id: "A-1".into(),
            amount: amount.into(),
            webhook_url: Some("http://127.0.0.1:1/".into()),
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

    pub fn deposit(&self, amount: &str) -> (Order, PaymentDetail) {
        self.deposit_on(NET, amount)
    }

    pub fn deposit_on(&self, name: &str, amount: &str) -> (Order, PaymentDetail) {
        let order = self.create(amount, None);
        let detail = self.choose(name, &order);
        (order, detail)
    }

    /// Chooses a chain for an order that may have chosen another before.
    pub fn choose(&self, name: &str, order: &Order) -> PaymentDetail {
        self.try_choose(name, order).unwrap()
    }

    pub fn try_choose(&self, name: &str, order: &Order) -> Result<PaymentDetail, PaymentError> {
        let (chain, coin) = (Blockchain::new(name), Coin::new("USDT"));
        let choice = choose(&self.app, order.id, chain, coin);
        self.runtime.block_on(choice)
    }

    /// Sends exactly what was asked for. Returns the transaction's hash.
    pub fn pay(&self, detail: &PaymentDetail) -> String {
        self.pay_on(detail.blockchain.as_str(), detail)
    }

    /// The same on another chain than was asked for.
    pub fn pay_on(&self, name: &str, detail: &PaymentDetail) -> String {
        let units = detail.amount.to_base_units(6).unwrap();
        let chain = &self.nets[name].chain;
        chain.send(detail.contract, shopper(), detail.wallet, units)
    }

    pub fn status(&self, order: &Order) -> OrderStatus {
        orders::find(&self.app, order.id).unwrap().status
    }

    /// Why the newest transfer waits, and its status.
    pub fn newest_transfer(&self) -> (String, Option<String>) {
        let sql = "SELECT status, held_back FROM transfers ORDER BY id DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.db().query_row(sql, [], row).unwrap()
    }

    /// A number out of the file.
    pub fn number(&self, sql: &str) -> i64 {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The file, to look into.
    pub fn db(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.app.config().database.path.clone()).unwrap()
    }
}

impl Net {
    fn new(app: &App, name: &str, providers: usize) -> Self {
        let clock = app.clock().clone();
        let built_in = ocrch::config::built_in().get(&Blockchain::new(name));
        let block_time = built_in.map_or(Duration::from_secs(1), |b| b.chain.block_time);
        let chain = SimulatedChain::new(Family::Evm, block_time, move || clock.now_ms());
        let providers: Vec<Arc<Moody>> = (0..providers)
            .map(|place| Arc::new(Moody::new(place, chain.clone())))
            .collect();
        let members = providers.iter().map(|p| p.clone() as Arc<dyn Provider>);
        let pool = Arc::new(Providers::new(name, members.collect(), 10));
        let blockchain = Blockchain::new(name);
        app.watching().begin(&blockchain);
        Self {
            chain,
            providers,
            pass: Pass::new(app.clone(), blockchain, pool),
        }
    }
}

/// Who pays in these tests.
pub fn shopper() -> Address {
    Address::new(Family::Evm, [9; 20])
}

fn net(name: &str, chain_id: usize, providers: usize, confirmations: &str, more: &str) -> String {
    // Never asked: the tests put their own in the places of these.
    let urls: Vec<String> = (0..providers)
        .map(|i| format!("{{ kind = \"rpc\", url = \"http://127.0.0.{}:1\" }}", i + 1))
        .collect();
    let own = match ocrch::config::built_in().contains_key(&Blockchain::new(name)) {
        true => String::new(),
        false => format!("kind = \"evm\"\nchain_id = {chain_id}"),
    };
    format!(
        r#"
[[wallets]]
blockchain = "{name}"
address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
enabled_coins = ["USDT"]
[chains.{name}]
{own}
confirmations = {confirmations}
providers = [{}]
{more}
[chains.{name}.tokens.USDT]
contract = "0x00000000000000000000000000000000000000D1"
decimals = 6
"#,
        urls.join(", ")
    )
}
