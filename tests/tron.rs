//! Tron through its JSON-RPC, which is shaped like Ethereum's: the same node, with Tron's addresses.

use serde_json::json;

use crate::support::devnet::{Devnet, text};
use crate::support::world::World;

/// The base58 form of a 20-byte address.
fn tron_address(hex_address: &str) -> String {
    let mut bytes = vec![0x41];
    bytes.extend(hex::decode(hex_address.trim_start_matches("0x")).expect("hex"));
    bs58::encode(bytes).with_check().into_string()
}

fn world() -> World {
    let net = Devnet::start("trondev", 3_448_148_188);
    World::on(net, |config| {
        let chain = &mut config.chains[0];
        chain.kind = "tron".to_owned();
        for (_, contracts, _) in &mut chain.tokens {
            *contracts = contracts.iter().map(|c| tron_address(c)).collect();
        }
        let wallet = &mut config.wallets[0];
        wallet.address = tron_address(&wallet.address);
    })
}

#[test]
fn an_order_is_paid() {
    let world = world();
    let shopper = world.order("19.99");
    let deposit = shopper.pay("trondev", "USDT");
    assert_eq!(
        text(&deposit, "wallet_address"),
        tron_address(&world.net.wallet)
    );
    assert_eq!(
        text(&deposit, "contract_address"),
        tron_address(&world.net.usdt.contract)
    );
    let payer = world.net.anvil.account(0);
    let units = world.net.usdt.units(text(&deposit, "amount"));
    let hash = world
        .net
        .usdt
        .transfer_units(&world.net.anvil, &payer, &world.net.wallet, units);
    world.wait_for_progress(&shopper);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    let payment = &paid["payment"];
    assert_eq!(
        payment["txn_hash"],
        hash.trim_start_matches("0x"),
        "as Tron's explorers write it"
    );
    assert_eq!(payment["from_address"], tron_address(&payer));
    world.receiver.wait_for_status(&shopper.order_id, "paid");
}

#[test]
fn the_expected_sender_pays() {
    let world = world();
    let payer = world.net.anvil.account(3);
    world.net.usdt.transfer(&world.net.anvil, &payer, "1000");
    let mut body = world.order_body("5");
    body["expecting_wallet_address"] = json!(tron_address(&payer));
    let shopper = world.order_with(&body);
    assert_eq!(shopper.chains().as_array().map(Vec::len), Some(2));
    let deposit = shopper.pay("trondev", "USDT");
    let units = world.net.usdt.units(text(&deposit, "amount"));
    let from_other = world.net.anvil.account(0);
    world
        .net
        .usdt
        .transfer_units(&world.net.anvil, &from_other, &world.net.wallet, units);
    let hash = world
        .net
        .usdt
        .transfer_units(&world.net.anvil, &payer, &world.net.wallet, units);
    world.confirm();
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], hash.trim_start_matches("0x"));
}
