//! The server was away while the chain went on.

use std::collections::HashMap;

use crate::on_every_kind::on_every_kind;
use crate::support::devnet::text;
use crate::support::faulty_rpc::Style;
use crate::support::kind::Kind;
use crate::support::wait;
use crate::support::world::World;

/// Many blocks later everything is found, once, through a provider with narrow limits.
fn catches_up(blocks: u64, limit: impl FnOnce(&World)) {
    let mut world = World::start();
    let open: Vec<_> = (0..8).map(|_| world.deposit("31", "USDT")).collect();
    world.server.stop();
    limit(&world);
    let anvil = &world.net.anvil;
    let first = anvil.head();
    let mut sent = HashMap::new();
    for (index, (shopper, deposit)) in open.iter().enumerate() {
        // At the edges of ranges, too: the very first block, and neighbours.
        anvil.mine(if index == 0 { 0 } else { blocks / 8 - 1 });
        sent.insert(shopper.order_id.clone(), world.net.pay(deposit));
        if index % 2 == 0 {
            world
                .net
                .usdt
                .transfer(anvil, &world.net.wallet, &format!("3{index}.5"));
        }
    }
    // A block full of transfers, more than a page of some providers.
    world
        .net
        .usdt
        .multi(anvil, &world.net.wallet, world.net.usdt.units("77"), 40);
    anvil.mine(blocks - (anvil.head() - first).min(blocks) + 3);
    assert!(anvil.head() - first >= blocks);
    world.rpc.forget_calls();
    world.server.launch();

    for (shopper, _) in &open {
        let paid = world.wait_for_status(shopper, "paid");
        assert_eq!(
            paid["payment"]["txn_hash"],
            sent[&shopper.order_id].as_str()
        );
    }
    wait::until("44 unknown transfers", || {
        (world.unknown_transfers().len() >= 44).then_some(())
    });
    world.settle_everything();
    assert_eq!(world.unknown_transfers().len(), 44, "each once");
    no_gap(&world, first + 1);
    for (shopper, _) in &open {
        let ids: std::collections::HashSet<_> = world
            .receiver
            .about(&shopper.order_id)
            .iter()
            .map(|d| d.header("webhook-id").to_owned())
            .collect();
        assert_eq!(ids.len(), 1, "paid once");
    }
}

/// The ranges that were answered cover every block since the stop.
fn no_gap(world: &World, first: u64) {
    let mut ranges: Vec<_> = world
        .rpc
        .calls()
        .iter()
        .filter(|c| c.answered)
        .filter_map(|c| c.range())
        .collect();
    ranges.sort_unstable();
    let mut next = first;
    for (from, to) in ranges {
        assert!(from <= next, "blocks {next} to {from} were never asked for");
        next = next.max(to + 1);
    }
    assert!(next > world.net.anvil.head() - 3);
}

#[test]
fn three_thousand_blocks_by_five_hundred() {
    catches_up(3000, |world| world.rpc.limit_range(500, Style::Suggestion));
}

#[test]
fn a_plain_limit_on_the_range() {
    catches_up(400, |world| world.rpc.limit_range(50, Style::PlainLimit));
}

#[test]
fn a_limit_that_suggests_what_it_refused() {
    catches_up(400, |world| world.rpc.limit_range(60, Style::EchoedRange));
}

#[test]
fn a_limit_as_an_http_error() {
    catches_up(400, |world| world.rpc.limit_range(70, Style::Http400));
}

#[test]
fn a_full_page_in_the_middle() {
    for style in [Style::PlainLimit, Style::Suggestion, Style::EchoedRange] {
        catches_up(200, |world| world.rpc.limit_results(5, style));
    }
}

/// Expiry waits for the scan: what was mined in time is paid, although the server learns of it later.
fn a_payment_in_time_counts_although_the_server_was_down(kind: Kind) {
    let mut world = World::of_with(kind, |config| {
        config.set("orders", "expires_after", "\"5s\"");
    });
    let (paid, deposit) = world.deposit("31", "USDT");
    let (expired, _) = world.deposit("32", "USDT");
    world.server.kill();
    let hash = world.net.pay(&deposit);
    world.confirm();
    std::thread::sleep(std::time::Duration::from_secs(6));
    world.server.launch();
    assert_eq!(
        world.wait_for_status(&paid, "paid")["payment"]["txn_hash"],
        hash.as_str()
    );
    world.wait_for_status(&expired, "expired");
    let told: Vec<_> = world
        .receiver
        .about(&paid.order_id)
        .iter()
        .map(|d| d.json())
        .collect();
    assert!(
        told.iter().all(|event| text(event, "status") == "paid"),
        "{told:?}"
    );
}

on_every_kind! {
    core:
        a_payment_in_time_counts_although_the_server_was_down
    ;
    more:
    ;
}
