//! What a day costs in requests, on a turned clock: the real passes at their real pace, over the registry's chains with
//! their block times and finality, asking providers that count as the real drivers would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ocrch::chain::Provider;
use ocrch::chain::pool::{Providers, usual_max_lag};
use ocrch::chain::simulated::SimulatedChain;
use ocrch::clock::Clock;
use ocrch::config::{ChainConfig, ProviderKind, parse};
use ocrch::domain::address::{Address, Family};
use ocrch::domain::order::{Order, OrderId, OrderStatus};
use ocrch::domain::registry::{Blockchain, Coin, ConfirmationRule};
use ocrch::service::App;
use ocrch::service::create_order::{CreateOrder, Origin, create_order};
use ocrch::service::expire::expire_due;
use ocrch::service::orders;
use ocrch::service::payments::choose;
use ocrch::service::usage;
use ocrch::task::pass::Pass;
use ocrch::task::usage::resume;
use ocrch::task::watch::Pause;

use crate::in_process::BEGINNING;
use crate::in_process::counted::{Counted, members};

const CHAINS: [&str; 9] = [
    "eth", "polygon", "base", "arb", "op", "linea", "avaxc", "bsc", "tron",
];
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Between choosing how to pay and the transaction.
const SHOPPER_TAKES: i64 = 3 * MINUTE;

/// Who is asked.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    /// The built-in list, without any key: its nodes.
    Nodes,
    /// Of chains that an explorer's free plan covers, only that: every node fails.
    Explorers,
}

/// What happens at some moment, in milliseconds after the start.
enum Event {
    /// A shopper chooses this chain, and pays or not.
    Choose { chain: usize, pays: bool },
    /// The shopper of this order pays.
    Pay { order: OrderId },
}

struct Watched {
    chain: SimulatedChain,
    counted: Vec<Arc<Counted>>,
    providers: Arc<Providers>,
    pass: Pass,
    began: i64,
    pause: Option<Pause>,
    /// When the next pass begins.
    next: i64,
    /// The longest time from the end of one pass to that of the next.
    longest: i64,
    passed_at: i64,
}

struct Day {
    clock: Clock,
    app: App,
    start: i64,
    watched: Vec<Watched>,
    events: BTreeMap<i64, Event>,
    paying: Vec<OrderId>,
    runtime: tokio::runtime::Runtime,
    passes: u32,
    _dir: tempfile::TempDir,
}

impl Day {
    /// `name` makes the keys' budgets this day's own.
    fn new(name: &str, chains: &[&str], asked: Asked) -> Self {
        // In memory: tens of thousands of passes each commit.
        let memory = std::path::Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        let wallets: Vec<String> = chains.iter().map(|chain| wallet(chain)).collect();
        let keys =
            format!("[api_keys]\netherscan_api_key = \"{name}\"\ntrongrid_api_key = \"{name}\"");
        let text = format!("{BEGINNING}\n{keys}\n{}", wallets.concat());
        let config = parse(&text, "test", dir.path()).unwrap().config;
        let clock = Clock::system();
        let app = App::open(config, clock.clone()).unwrap();
        let watched = chains.iter().map(|chain| Watched::new(&app, chain, asked));
        Self {
            start: clock.now_ms(),
            watched: watched.collect(),
            clock,
            app,
            events: BTreeMap::new(),
            paying: Vec::new(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
            passes: 0,
            _dir: dir,
        }
    }

    fn at(&mut self, mut after: i64, event: Event) {
        while self.events.contains_key(&after) {
            after += 1;
        }
        self.events.insert(after, event);
    }

    /// Lets everything happen that happens until so long after the start.
    fn run(&mut self, until: i64) {
        loop {
            let pass = (0..self.watched.len()).min_by_key(|i| self.watched[*i].next);
            let pass = pass.expect("a chain");
            let (next, event) = (self.watched[pass].next, self.events.keys().next().copied());
            let now = next.min(event.map_or(i64::MAX, |after| self.start + after));
            if now > self.start + until {
                return;
            }
            let ahead = now - self.clock.now_ms();
            self.clock
                .advance(Duration::from_millis(ahead.max(0) as u64));
            match event.filter(|after| self.start + after <= now) {
                Some(after) => {
                    let event = self.events.remove(&after).expect("it is there");
                    self.happen(after, event);
                }
                None => self.pass(pass),
            }
        }
    }

    fn pass(&mut self, chain: usize) {
        self.passes += 1;
        let watched = &mut self.watched[chain];
        watched.began = self.clock.now_ms();
        let passed = self.runtime.block_on(watched.pass.tick());
        let now = self.clock.now_ms();
        match passed {
            Ok(()) => {
                let pause = Pause::after(&watched.pass);
                watched.next = watched.began + pause.usual.as_millis() as i64;
                watched.pause = Some(pause);
                watched.longest = watched.longest.max(now - watched.passed_at);
                watched.passed_at = now;
            }
            Err(_) => {
                let ready = watched.providers.next_at(now).expect("a provider");
                watched.next = ready.max(now + 100);
            }
        }
        if self.passes.is_multiple_of(8) {
            self.runtime.block_on(expire_due(&self.app)).unwrap();
        }
    }

    fn happen(&mut self, after: i64, event: Event) {
        match event {
            Event::Choose { chain, pays } => {
                let order = self.order(after);
                let blockchain = self.watched[chain].pass.blockchain().clone();
                let choice = choose(&self.app, order.id, blockchain, Coin::new("USDT"));
                self.runtime.block_on(choice).unwrap();
                let (now, watched) = (self.clock.now_ms(), &mut self.watched[chain]);
                let woken = watched.pause.map_or(0, |p| p.if_woken.as_millis() as i64);
                watched.next = watched.next.min((watched.began + woken).max(now));
                if pays {
                    self.at(after + SHOPPER_TAKES, Event::Pay { order: order.id });
                }
            }
            Event::Pay { order } => {
                self.pay(order);
                self.paying.push(order);
            }
        }
    }

    fn order(&self, after: i64) -> Order {
        let request = CreateOrder {
            merchant_order_id: after.to_string(),
            amount: "20".into(),
            webhook_url: Some("http://127.0.0.1:1/".into()),
            ..CreateOrder::default()
        };
        let origin = Origin {
            signed_at: self.clock.now(),
            mac: after.to_be_bytes().to_vec(),
            idempotency_key: None,
            body_hash: Vec::new(),
        };
        let created = create_order(&self.app, request, origin);
        self.runtime.block_on(created).unwrap()
    }

    fn pay(&self, order: OrderId) {
        let detail = |watched: &&Watched| {
            let blockchain = watched.pass.blockchain().clone();
            let db = rusqlite::Connection::open(self.app.config().database.path.clone()).unwrap();
            let chosen: String = db
                .query_row(
                    "SELECT d.blockchain FROM deposits d JOIN orders o ON o.id = d.order_id WHERE o.order_id = ?1",
                    [order.to_string()],
                    |row| row.get(0),
                )
                .unwrap();
            blockchain.as_str() == chosen
        };
        let watched = self.watched.iter().find(detail).expect("its chain");
        let blockchain = watched.pass.blockchain().clone();
        let again = choose(&self.app, order, blockchain, Coin::new("USDT"));
        let detail = self.runtime.block_on(again).unwrap();
        let units = detail.amount.to_base_units(detail.decimals).unwrap();
        let shopper = Address::new(detail.wallet.family(), [9; 20]);
        watched
            .chain
            .send(detail.contract, shopper, detail.wallet, units);
    }

    /// A stop and a new start of everything that is known of providers; the database stays.
    fn restart(&mut self, asked: Asked) {
        self.runtime.block_on(usage::save(&self.app)).unwrap();
        let chains: Vec<Blockchain> = self
            .watched
            .iter()
            .map(|w| w.pass.blockchain().clone())
            .collect();
        self.watched.clear();
        for chain in chains {
            self.app.watching().end(&chain);
            let watched = Watched::new(&self.app, chain.as_str(), asked);
            resume(&self.app, &chain, &watched.providers);
            self.watched.push(watched);
        }
    }

    /// Requests by provider.
    fn requests(&self) -> BTreeMap<String, u64> {
        let mut requests = BTreeMap::new();
        for counted in self.watched.iter().flat_map(|w| &w.counted) {
            *requests.entry(counted.label().to_owned()).or_default() += counted.requests();
        }
        requests.retain(|_, n| *n > 0);
        requests
    }

    /// The longest that any chain went without a pass, in milliseconds.
    fn longest(&self) -> i64 {
        let now = self.clock.now_ms();
        let longest = |w: &Watched| w.longest.max(now - w.passed_at);
        self.watched.iter().map(longest).max().unwrap_or(0)
    }

    fn all_paid(&self) -> bool {
        let paid = |order: &OrderId| orders::find(&self.app, *order).unwrap().status;
        self.paying
            .iter()
            .all(|order| paid(order) == OrderStatus::Paid)
    }
}

impl Watched {
    fn new(app: &App, name: &str, asked: Asked) -> Self {
        let blockchain = Blockchain::new(name);
        let config = app.config();
        let chain = config.chain(&blockchain).expect("a chain of the registry");
        let (clock, block_time) = (app.clock().clone(), chain.chain.block_time);
        let simulated = SimulatedChain::new(chain.chain.family, block_time, move || clock.now_ms());
        let counted = counted(chain, &simulated, asked);
        let max_lag = usual_max_lag(block_time);
        let providers = Arc::new(Providers::new(name, members(&counted), max_lag));
        app.watching().begin(&blockchain);
        let now = app.clock().now_ms();
        Self {
            chain: simulated,
            counted,
            pass: Pass::new(app.clone(), blockchain, providers.clone()),
            providers,
            began: 0,
            pause: None,
            next: now,
            longest: 0,
            passed_at: now,
        }
    }
}

fn counted(chain: &ChainConfig, simulated: &SimulatedChain, asked: Asked) -> Vec<Arc<Counted>> {
    let final_lag = match chain.chain.confirmations {
        ConfirmationRule::Finalized { usual } => usual,
        ConfirmationRule::Depth(_) => 64,
    };
    let is_node = |kind| kind == ProviderKind::Rpc;
    let has_explorer = chain.providers.iter().any(|p| !is_node(p.kind));
    let wanted = |kind| match asked {
        Asked::Nodes => is_node(kind),
        Asked::Explorers => is_node(kind) != has_explorer,
    };
    let entries = chain.providers.iter().filter(|p| wanted(p.kind));
    entries
        .map(|entry| Arc::new(Counted::new(entry, simulated.clone(), final_lag)))
        .collect()
}

fn wallet(chain: &str) -> String {
    let address = match chain {
        "tron" => Address::new(Family::Tron, [0x5e; 20]).to_string(),
        _ => Address::new(Family::Evm, [0x5e; 20]).to_string(),
    };
    format!(
        "[[wallets]]\nblockchain = \"{chain}\"\naddress = \"{address}\"\nenabled_coins = [\"USDT\"]\n"
    )
}

/// A day with nobody, and one with 20 payments and 20 orders that nobody pays, on all chains in turn.
fn day(name: &str, asked: Asked, payments: i64) -> Day {
    let mut day = Day::new(name, &CHAINS, asked);
    for i in 0..payments {
        let chain = i as usize % CHAINS.len();
        day.at(i * HOUR, Event::Choose { chain, pays: true });
        let chain = (i as usize + 4) % CHAINS.len();
        day.at(i * HOUR + 30 * MINUTE, Event::Choose { chain, pays: false });
    }
    let began = std::time::Instant::now();
    day.run(24 * HOUR);
    println!(
        "{name}: {} passes in {:?}: {:#?}",
        day.passes,
        began.elapsed(),
        day.requests()
    );
    assert_eq!(day.paying.len() as i64, payments);
    assert!(day.all_paid());
    day
}

/// The limits of chains.toml, and what public nodes can be asked without being rude.
#[track_caller]
fn fits_the_free_plans(day: &Day, most_of_a_key: u64, most_of_a_node: u64) {
    for (label, requests) in day.requests() {
        let most = match label.as_str() {
            "Etherscan api.etherscan.io" | "Trongrid api.trongrid.io" => most_of_a_key,
            _ => most_of_a_node,
        };
        assert!(requests <= most, "{label}: {requests}");
    }
    // The idle pace is a minute.
    assert!(day.longest() <= 65_000, "{}", day.longest());
}

#[test]
fn a_day_by_public_nodes() {
    let day = day("busy nodes", Asked::Nodes, 20);
    fits_the_free_plans(&day, 0, 20_000);
}

#[test]
fn an_idle_day_by_explorers() {
    let day = day("idle explorers", Asked::Explorers, 0);
    fits_the_free_plans(&day, 20_000, 10_000);
}

#[test]
fn a_day_by_explorers() {
    let day = day("busy explorers", Asked::Explorers, 20);
    fits_the_free_plans(&day, 50_000, 20_000);
}

/// Somebody is always about to pay on every chain of the key: more than the plan allows. It is kept to, every chain is still
/// read, and who pays is seen.
#[test]
fn a_key_that_everybody_wants_is_kept_to_its_plan() {
    let chains = ["eth", "polygon", "arb", "linea"];
    let mut day = Day::new("crowded", &chains, Asked::Explorers);
    for quarter in 0..12 {
        for chain in 0..chains.len() {
            let pays = quarter == 8;
            day.at(quarter * 15 * MINUTE, Event::Choose { chain, pays });
        }
    }
    day.run(3 * HOUR);
    let requests = day.requests()["Etherscan api.etherscan.io"];
    println!(
        "{} passes, {requests} requests, longest {:?}",
        day.passes,
        day.watched.iter().map(|w| w.longest).collect::<Vec<_>>()
    );
    // What was saved up for an hour, and what comes in evenly.
    let allowed = 100_000.0 / 24.0 + 3.0 * 0.9 * 100_000.0 / 24.0;
    assert!(
        requests as f64 <= allowed + 100.0,
        "{requests} of {allowed}"
    );
    assert!(requests as f64 >= 0.9 * allowed, "{requests} of {allowed}");
    assert!(day.all_paid() && day.paying.len() == 4);
    assert!(day.longest() <= 30_000, "{}", day.longest());
}

/// However often the server is started anew: what it spent of a plan before is spent.
#[test]
fn a_restart_gives_nothing_back() {
    const KEY: &str = "Etherscan api.etherscan.io";
    let mut day = Day::new("restarted", &["eth"], Asked::Explorers);
    let mut requests = 0;
    for start in 0..12 {
        if start > 0 {
            day.restart(Asked::Explorers);
        }
        // All but the next passes' worth.
        let watched = &day.watched[0];
        let explorer = watched.counted.iter().find(|c| c.label() == KEY);
        let explorer = explorer.and_then(|c| c.meter()).expect("it is asked");
        let daily = explorer.daily().expect("a plan");
        daily.ready_at(day.clock.now_ms());
        let left = daily.left().map_or(0, |(left, _)| left);
        (100..left).for_each(|_| explorer.note_request());
        day.run((start + 1) * 5 * MINUTE);
        requests += day.requests()[KEY];
    }
    let allowed = 100_000.0 / 24.0 + 0.9 * 100_000.0 / 24.0;
    assert!(requests as f64 <= allowed, "{requests} of {allowed}");
    assert!(requests as f64 >= 0.9 * allowed, "{requests} of {allowed}");
}
