//! Explorers that fail in each documented way: money that came meanwhile arrives afterwards, exactly once.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::devnet::Devnet;
use crate::support::explorers::{Explorer, Site, Trouble};
use crate::support::kind::Kind;
use crate::support::shop::Shopper;
use crate::support::wait;
use crate::support::world::World;

/// TronGrid suspends a key for half a minute, and that is honoured.
const PATIENCE: Duration = Duration::from_secs(90);

/// Through the trouble and out of it, on one kind of explorer that is the chain's only provider.
fn survives(kind: Kind, trouble: &Trouble) {
    let world = World::of(kind);
    let explorer = world.explorer();
    let (shopper, deposit) = world.deposit("17", "USDT");
    explorer.forget_asked();
    explorer.fail(trouble.clone());
    let hash = world.net.pay(&deposit);
    world.confirm();
    explorer.wait_for_failures(match trouble {
        // One takes ten seconds to be given up; after the other nothing is asked for half a minute.
        Trouble::Hang => 1,
        Trouble::RateLimited if kind == Kind::TronGrid => 1,
        _ => 3,
    });
    wait::holds(Duration::from_secs(1), "nobody has seen it", || {
        let order = shopper.status();
        order["status"] == "pending" && order["payment"].is_null()
    });
    explorer.heal();
    wait::until_within(PATIENCE, "the payment after the trouble", || {
        (shopper.status()["status"] == "paid").then_some(())
    });
    paid_once(&world, &shopper, &hash);
}

/// Paid by this transaction, told as one event, and nothing left over.
fn paid_once(world: &World, shopper: &Shopper, hash: &str) {
    assert_eq!(shopper.status()["payment"]["txn_hash"], hash);
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    world.settle_everything();
    let told = world.receiver.about(&shopper.order_id);
    let ids: HashSet<&str> = told.iter().map(|d| d.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1, "paid once, told as one event");
    assert!(world.unknown_transfers().is_empty());
}

macro_rules! troubles {
    ($($site:ident: $kind:ident { $($name:ident: $trouble:expr,)* })*) => {
        $(mod $site {
            use super::*;
            $(#[test] fn $name() { survives(Kind::$kind, &$trouble); })*
        })*
    };
}

troubles! {
    etherscan: Etherscan {
        hangs: Trouble::Hang,
        refuses_connections: Trouble::Refuse,
        answers_502: Trouble::Status(502),
        answers_html: Trouble::Html,
        answers_half: Trouble::Truncated,
        says_rate_limit_under_200: Trouble::RateLimited,
        does_not_know_the_key: Trouble::WrongKey,
        leaves_the_chain_out_of_the_plan: Trouble::NotInPlan,
        is_busy: Trouble::Unavailable,
        is_too_slow_for_its_database: Trouble::QueryTimeout,
        answers_null: Trouble::Null,
        lists_nothing: Trouble::EmptyLists,
    }
    trongrid: TronGrid {
        hangs: Trouble::Hang,
        refuses_connections: Trouble::Refuse,
        answers_502: Trouble::Status(502),
        answers_html: Trouble::Html,
        answers_half: Trouble::Truncated,
        suspends_the_key: Trouble::RateLimited,
        does_not_know_the_key: Trouble::WrongKey,
        answers_nothing: Trouble::Null,
        lists_nothing: Trouble::EmptyLists,
        lists_what_its_node_lacks: Trouble::Invents,
    }
    tronscan: Tronscan {
        hangs: Trouble::Hang,
        refuses_connections: Trouble::Refuse,
        answers_502: Trouble::Status(502),
        answers_html: Trouble::Html,
        answers_half: Trouble::Truncated,
        says_rate_limit_under_200: Trouble::RateLimited,
        does_not_know_the_key: Trouble::WrongKey,
        answers_nothing: Trouble::Null,
        lists_nothing: Trouble::EmptyLists,
    }
}

/// An index that is behind its node shows nothing new; the blocks that it lacks do not count as read.
fn lags(kind: Kind) {
    let world = World::of(kind);
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.explorer().fail(Trouble::IndexLags(6));
    let hash = world.net.pay(&deposit);
    world.confirm();
    wait::holds(Duration::from_secs(3), "not in its index", || {
        shopper.status()["payment"].is_null()
    });
    // The index follows, always six blocks behind.
    world.net.anvil.mine(6);
    world.wait_for_status(&shopper, "paid");
    world.explorer().heal();
    paid_once(&world, &shopper, &hash);
}

#[test]
fn an_index_behind_its_node() {
    for kind in [Kind::Etherscan, Kind::TronGrid, Kind::Tronscan] {
        lags(kind);
    }
}

/// Etherscan's index is taken as complete only up to five seconds ago; here its clock is ours.
#[test]
fn an_index_that_fills_while_it_is_read() {
    let world = World::of(Kind::Etherscan);
    world.explorer().set_clock_ahead(0);
    // Until the chain has blocks that are old enough.
    std::thread::sleep(Duration::from_secs(7));
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    wait::holds(Duration::from_secs(3), "too young to be looked at", || {
        shopper.status()["payment"].is_null()
    });
    world.wait_for_progress(&shopper);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    paid_once(&world, &shopper, &hash);
}

/// What another chain's explorer lists is not even looked at.
fn of_another_chain(kind: Kind, complaint: &str) {
    let mut world = World::of(kind);
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.server.stop();
    world.explorer().fail(Trouble::ChainId(31_338));
    let hash = world.net.pay(&deposit);
    world.confirm();
    world.server.launch();
    wait::until("a complaint in the log", || {
        world.server.log().contains(complaint).then_some(())
    });
    wait::holds(Duration::from_secs(1), "nobody has seen it", || {
        shopper.status()["payment"].is_null()
    });
    world.explorer().heal();
    world.wait_for_status(&shopper, "paid");
    paid_once(&world, &shopper, &hash);
}

#[test]
fn an_etherscan_without_the_chain() {
    of_another_chain(Kind::Etherscan, "unsupported chainid");
}

#[test]
fn a_trongrid_of_another_chain() {
    of_another_chain(Kind::TronGrid, "its chain id is 31338, expected 31337");
}

/// Pages as short as the most careful explorers give, and more than a page of transfers in one block.
fn more_than_a_page_in_one_block(kind: Kind, page: usize) {
    let mut world = World::of_with(kind, |config| {
        config.set("payments", "report_from", "\"500\"");
    });
    let (shopper, deposit) = world.deposit("17", "USDT");
    world.server.stop();
    world.explorer().limit_pages(page);
    let (net, anvil) = (&world.net, &world.net.anvil);
    net.usdt.multi(anvil, &net.wallet, net.usdt.units("3"), 170);
    anvil.hold();
    let payer = anvil.account(0);
    net.usdt
        .submit(anvil, &payer, &net.wallet, net.usdt.units("501"));
    let hash = net.submit(&payer, &deposit);
    let token = &net.usdt.contract;
    anvil.submit(
        &payer,
        Some(token),
        &net.usdt.multi_data(&net.wallet, 5, 130),
    );
    anvil.release();
    anvil.mine(1);
    net.usdt.multi(anvil, &net.wallet, net.usdt.units("4"), 60);
    world.confirm();
    world.server.launch();
    world.wait_for_status(&shopper, "paid");
    assert_eq!(shopper.status()["payment"]["txn_hash"], hash.as_str());
    world.settle_everything();
    assert_eq!(world.unknown_transfers().len(), 1);
    let count = "SELECT count(*) FROM transfers WHERE status = 'no_matched_deposit'";
    let stored: i64 = world
        .server
        .db()
        .query_row(count, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(stored, 170 + 1 + 130 + 60, "each once");
}

#[test]
fn more_than_a_page_of_etherscan_in_one_block() {
    more_than_a_page_in_one_block(Kind::Etherscan, 50);
}

#[test]
fn more_than_a_page_of_trongrid_in_one_block() {
    more_than_a_page_in_one_block(Kind::TronGrid, 20);
}

#[test]
fn more_than_a_page_of_tronscan_in_one_block() {
    more_than_a_page_in_one_block(Kind::Tronscan, 30);
}

/// A list that nobody can prove is no reason to wait: the next provider does the work.
#[test]
fn a_provider_that_cannot_prove_its_list_is_left_for_the_next() {
    let net = Devnet::start("devnet", 31_337);
    let other = Explorer::start(Site::TronGrid, &net.anvil.url, 31_337);
    let json_rpc = other.json_rpc_url();
    let world = World::on_kind(Kind::TronGrid, net, |config| {
        // Preferred as configured: the explorer, then the node.
        config.chains[0].last_urls = vec![json_rpc];
    });
    world.explorer().fail(Trouble::Invents);
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.explorer().heal();
    paid_once(&world, &shopper, &hash);
}
