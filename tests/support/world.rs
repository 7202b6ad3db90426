//! Everything at once: chain, provider, server, shop and the merchant's webhook endpoint.

use serde_json::Value;

use super::admin::Admin;
use super::config::Config;
use super::devnet::{Devnet, text};
use super::explorers::{Explorer, Trouble};
use super::faulty_rpc::FaultyRpc;
use super::http;
use super::kind::Kind;
use super::receiver::Receiver;
use super::server::Server;
use super::shop::{Shop, Shopper, order_body};
use super::wait;

/// The path at which the merchant hears of orders.
pub const ORDERS: &str = "/orders";

/// The path at which the merchant hears of unknown transfers.
pub const UNKNOWN: &str = "/unknown";

/// One of each. The fields drop in this order: the server goes first.
pub struct World {
    pub server: Server,
    pub shop: Shop,
    pub receiver: Receiver,
    /// Stands between server and node, where the node itself is the provider.
    pub rpc: FaultyRpc,
    /// Is asked instead of the node, where an explorer is the provider.
    pub explorer: Option<Explorer>,
    pub net: Devnet,
}

impl World {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// Starts with a changed configuration.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Devnet::start("devnet", 31_337), change)
    }

    /// Starts on a chain on which something may have happened before.
    pub fn on(net: Devnet, change: impl FnOnce(&mut Config)) -> Self {
        Self::on_kind(Kind::Rpc, net, change)
    }

    /// Starts with this kind of provider.
    pub fn of(kind: Kind) -> Self {
        Self::of_with(kind, |_| {})
    }

    pub fn of_with(kind: Kind, change: impl FnOnce(&mut Config)) -> Self {
        Self::on_kind(kind, Devnet::start("devnet", 31_337), change)
    }

    pub fn on_kind(kind: Kind, net: Devnet, change: impl FnOnce(&mut Config)) -> Self {
        let net = net.for_kind(kind);
        let rpc = FaultyRpc::start(&net.anvil.url);
        let site = kind.site();
        let explorer = site.map(|s| Explorer::start(s, &net.anvil.url, net.anvil.chain_id));
        let receiver = Receiver::start();
        let config = configuration(&net, &rpc, explorer.as_ref(), &receiver, change);
        let server = Server::start(&config);
        let shop = Shop {
            base: server.base(),
        };
        let world = Self {
            server,
            shop,
            receiver,
            rpc,
            explorer,
            net,
        };
        world.wait_until_watching();
        world
    }

    /// An orderly stop, and a new start with the usual configuration changed like this.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut Config)) {
        let explorer = self.explorer.as_ref();
        let config = configuration(&self.net, &self.rpc, explorer, &self.receiver, change);
        assert!(self.server.stop().success(), "a stop is not a failure");
        self.server.configure(&config);
        self.server.launch();
    }

    /// Has the running server go by the usual configuration changed like this; gives what it logged.
    pub fn reload_with(&self, change: impl FnOnce(&mut Config)) -> String {
        let config = configuration(
            &self.net,
            &self.rpc,
            self.explorer.as_ref(),
            &self.receiver,
            change,
        );
        self.server.configure(&config);
        self.server.reload()
    }

    /// Waits until the server has read the chain once since its start: until then it knows no head, and a deposit's age is
    /// decided by time instead of blocks.
    pub fn wait_until_watching(&self) {
        wait::until("the chain to be watched", || {
            let ready =
                http::send("GET", &format!("{}/ready", self.server.base()), &[], b"").json();
            (ready["chains"][&self.net.name] == "watched").then_some(())
        });
    }

    /// Waits until the server has looked at a block and stored what it found.
    pub fn wait_scanned(&self, block: u64) {
        let admin = self.admin();
        wait::until(&format!("block {block} to be read"), || {
            let chains = admin.get("/chains");
            let mut chains = chains.as_array().expect("a list").iter();
            let chain = chains.find(|c| c["blockchain"] == self.net.name.as_str())?;
            (chain["scanned_to"].as_u64()? >= block).then_some(())
        });
    }

    /// The explorer of a world that has one.
    pub fn explorer(&self) -> &Explorer {
        self.explorer.as_ref().expect("a world with an explorer")
    }

    /// The admin of this server.
    pub fn admin(&self) -> Admin {
        Admin::of(&self.server.base())
    }

    /// A new order and its shopper.
    pub fn order(&self, amount: &str) -> Shopper {
        self.order_with(&self.order_body(amount))
    }

    pub fn order_body(&self, amount: &str) -> Value {
        order_body(amount, &self.receiver.url(ORDERS))
    }

    pub fn order_with(&self, body: &Value) -> Shopper {
        let order = self.shop.create(body);
        self.shop.shopper(text(&order, "order_id"))
    }

    /// A new order to be paid in a coin: its shopper and what to send.
    pub fn deposit(&self, amount: &str, coin: &str) -> (Shopper, Value) {
        let shopper = self.order(amount);
        let deposit = shopper.pay(&self.net.name, coin);
        (shopper, deposit)
    }

    /// Buries the last block as deep as confirmations ask.
    pub fn confirm(&self) {
        self.net.anvil.mine(3);
    }

    /// Has the newest blocks replaced, by these transactions in them (`anvil_reorg`). No pass sees a list of the one chain and blocks
    /// of the other, where these are two questions: what is under way fails before.
    pub fn reorg(&self, depth: u64, transactions: &Value) {
        if let Some(explorer) = &self.explorer {
            let failed = explorer.asked().iter().filter(|a| !a.answered).count();
            explorer.fail(Trouble::Status(502));
            explorer.wait_for_failures(failed + 1);
        }
        self.net.anvil.reorg(depth, transactions);
        if let Some(explorer) = &self.explorer {
            explorer.heal();
        }
    }

    /// Waits until an order has a status, and gives it.
    pub fn wait_for_status(&self, shopper: &Shopper, status: &str) -> Value {
        wait::until(
            &format!("order {} to be {status}", shopper.order_id),
            || Some(shopper.status()).filter(|order| order["status"] == status),
        )
    }

    /// Waits until a payment to the order is seen, and gives it.
    pub fn wait_for_progress(&self, shopper: &Shopper) -> Value {
        wait::until(&format!("a payment to {}", shopper.order_id), || {
            Some(shopper.status()["payment"].clone()).filter(Value::is_object)
        })
    }

    /// Pays an order of its own and waits until it is paid: everything mined before it has then been
    /// seen, confirmed and decided, too.
    pub fn settle_everything(&self) {
        let (shopper, deposit) = self.deposit("7.77", "USDT");
        self.net.pay(&deposit);
        self.confirm();
        self.wait_for_status(&shopper, "paid");
    }

    /// The merchant's unknown-transfer events, each once however often it was sent.
    pub fn unknown_transfers(&self) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for event in self.receiver.to(UNKNOWN).iter().map(|d| d.json()) {
            if !found
                .iter()
                .any(|known| known["transfer_id"] == event["transfer_id"])
            {
                found.push(event);
            }
        }
        found
    }
}

fn configuration(
    net: &Devnet,
    rpc: &FaultyRpc,
    explorer: Option<&Explorer>,
    receiver: &Receiver,
    change: impl FnOnce(&mut Config),
) -> Config {
    let mut config = Config::new();
    net.add_to(&mut config, &rpc.url());
    if let Some(explorer) = explorer {
        let chain = &mut config.chains[0];
        chain.urls.clear();
        chain.explorers.push(explorer.entry());
    }
    config.set_text(
        "merchant",
        "unknown_transfer_webhook_url",
        &receiver.url(UNKNOWN),
    );
    change(&mut config);
    config
}
