//! "I paid, but nothing happens": what a shopper is told of a transaction, and what the merchant gets to know.

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::devnet::{Devnet, text, wallet_address};
use crate::support::faulty_rpc::Fault;
use crate::support::http::Reply;
use crate::support::kind::Kind;
use crate::support::shop::Shopper;
use crate::support::token::Token;
use crate::support::wait;
use crate::support::world::World;

fn try_claim(shopper: &Shopper, txn_hash: &str) -> Reply {
    let body = json!({ "txn_hash": txn_hash, "blockchain": null });
    shopper.call("POST", &shopper.order_path("claim"), &body)
}

fn claim(shopper: &Shopper, txn_hash: &str) -> Value {
    try_claim(shopper, txn_hash).expect(200).json()
}

/// Claims, and checks what is found and whether the merchant is told.
#[track_caller]
fn finds(shopper: &Shopper, txn_hash: &str, finding: &str, reported: bool) -> Value {
    let answer = claim(shopper, txn_hash);
    assert_eq!(answer["finding"], finding, "{answer}");
    assert_eq!(answer["reported"], reported, "{answer}");
    answer
}

/// Sends from the tokens' owner.
fn send(world: &World, to: &str, amount: &str) -> String {
    world.net.usdt.transfer(&world.net.anvil, to, amount)
}

/// The rows of the claims table: order, finding, whether it was made before the transaction was in a block.
fn stored(world: &World, txn_hash: &str) -> Vec<(String, String, bool)> {
    let db = world.server.db();
    let mut statement = db
        .prepare(
            "SELECT o.order_id, c.finding, c.before_public FROM claims c JOIN orders o ON o.id = c.order_id
             WHERE c.txn_hash = ?1 ORDER BY c.id",
        )
        .expect("a table of claims");
    let rows = statement.query_map([txn_hash], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    rows.and_then(Iterator::collect).expect("rows")
}

fn two_chains() -> (World, Devnet) {
    let mut other = Devnet::start("othernet", 31_338);
    other.wallet = wallet_address(9);
    let world = World::with(|config| other.add_to(config, &other.anvil.url));
    (world, other)
}

#[test]
fn an_exact_payment_is_confirming_and_then_paid() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("12", "USDT");
    let hash = world.net.pay(&deposit);
    let answer = finds(&shopper, &hash, "confirming", false);
    assert_eq!(answer["blockchain"], "devnet");
    assert_eq!(answer["stablecoin"], "USDT");
    assert_eq!(answer["amount"], deposit["amount"]);
    assert_eq!(answer["expected"], deposit["amount"]);
    assert_eq!(answer["confirmations_required"], 3);
    assert_eq!(
        answer["explorer_url"],
        format!("https://explorer.example.com/devnet/tx/{hash}")
    );
    assert!(answer.get("difference").is_none());
    world.wait_for_progress(&shopper);
    finds(&shopper, &hash.to_uppercase(), "confirming", false);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    let link = format!("https://explorer.example.com/devnet/tx/{hash}?from=mail");
    finds(&shopper, &link, "paid", false);
    assert_eq!(stored(&world, &hash), [], "nothing for the merchant to do");
}

/// What a provider leaves out of its lists for good is found by who paid it.
#[test]
fn a_payment_that_was_never_listed_pays_once_it_is_named() {
    let world = World::start();
    let (shopper, deposit) = world.deposit("17", "USDT");
    let hash = world.net.submit(&world.net.anvil.account(0), &deposit);
    world.rpc.fail(Fault::Omits(hash.clone()));
    world.net.anvil.receipt(&hash);
    world.confirm();
    world.wait_scanned(world.net.anvil.head());
    assert!(shopper.status()["payment"].is_null());
    finds(&shopper, &hash, "confirming", false);
    let paid = world.wait_for_status(&shopper, "paid");
    assert_eq!(paid["payment"]["txn_hash"], hash.as_str());
}

#[test]
fn a_wrong_amount_is_told_to_the_digit() {
    let world = World::start();
    let (shopper, _) = world.deposit("12", "USDT");
    let short = send(&world, &world.net.wallet, "11.5");
    let answer = finds(&shopper, &short, "short", true);
    assert_eq!(answer["amount"], "11.5");
    assert_eq!(answer["expected"], "12");
    assert_eq!(answer["difference"], "0.5");
    let over = send(&world, &world.net.wallet, "12.000001");
    let answer = finds(&shopper, &over, "over", true);
    assert_eq!(answer["difference"], "0.000001");
    // Once it is confirmed and fits nothing, the answer is the same, and the claim is still one.
    world.confirm();
    world.settle_everything();
    finds(&shopper, &short, "short", true);
    let order = shopper.order_id.clone();
    assert_eq!(stored(&world, &short), [(order, "short".to_owned(), false)]);
    assert_eq!(shopper.status()["status"], "pending", "a claim never pays");
}

#[test]
fn wrong_coins_addresses_and_senders() {
    let world = World::start();
    let (shopper, _) = world.deposit("12", "USDT");
    let anvil = &world.net.anvil;
    let dai = world.net.dai.transfer(anvil, &world.net.wallet, "12");
    let answer = finds(&shopper, &dai, "wrong_coin", true);
    assert_eq!(answer["stablecoin"], "DAI");
    // A token that nobody knows has no name here, whatever it calls itself.
    let fake = Token::deploy(anvil, "USDT", 6).transfer(anvil, &world.net.wallet, "12");
    let answer = finds(&shopper, &fake, "wrong_coin", true);
    assert!(answer.get("stablecoin").is_none() && answer.get("amount").is_none());
    // Not to us at all: none of the merchant's business.
    let elsewhere = send(&world, &wallet_address(7), "12");
    let answer = finds(&shopper, &elsewhere, "wrong_address", false);
    assert_eq!(answer["blockchain"], "devnet");
    assert_eq!(stored(&world, &elsewhere), []);

    let mut body = world.order_body("13");
    body["expecting_wallet_address"] = json!(anvil.account(5));
    let picky = world.order_with(&body);
    picky.pay("devnet", "USDT");
    let hash = send(&world, &world.net.wallet, "13");
    finds(&picky, &hash, "wrong_sender", true);
}

#[test]
fn the_right_address_on_the_wrong_network() {
    let (world, other) = two_chains();
    let (shopper, deposit) = world.deposit("12", "USDT");
    // To the merchant's wallet there, and to the address of the deposit, which nobody watches there.
    for to in [
        wallet_address(9),
        text(&deposit, "wallet_address").to_owned(),
    ] {
        let hash = other.usdt.transfer(&other.anvil, &to, "12");
        let answer = finds(&shopper, &hash, "wrong_network", true);
        assert_eq!(answer["blockchain"], "othernet");
        assert_eq!(answer["stablecoin"], "USDT");
        assert_eq!(answer["amount"], "12");
    }
    world.confirm();
    assert_eq!(shopper.status()["status"], "pending");
}

#[test]
fn before_and_after_its_time() {
    let net = Devnet::start("devnet", 31_337);
    let history = net.usdt.transfer(&net.anvil, &net.wallet, "12");
    let world = World::on(net, |_| {});
    let (shopper, _) = world.deposit("12", "USDT");
    finds(&shopper, &history, "too_early", true);
    assert!(shopper.cancel().status == 200);
    let late = send(&world, &world.net.wallet, "12");
    finds(&shopper, &late, "too_late", true);
}

/// One who pastes a stranger's payment learns what everybody can see on the chain, and the merchant sees all claimants.
#[test]
fn a_strangers_payment() {
    let world = World::start();
    let (payer, deposit) = world.deposit("12", "USDT");
    let (stranger, _) = world.deposit("30", "USDT");
    let hash = world.net.pay(&deposit);
    world.wait_for_progress(&payer);
    finds(&stranger, &hash, "already_used", true);
    world.confirm();
    world.wait_for_status(&payer, "paid");
    let answer = finds(&stranger, &hash, "already_used", true);
    let told = answer.to_string();
    assert!(
        !told.contains(&payer.order_id) && answer.get("expected").is_none(),
        "{told}"
    );
    finds(&payer, &hash, "paid", false);

    let stray = send(&world, &world.net.wallet, "29.9");
    let (other, _) = world.deposit("30", "DAI");
    finds(&stranger, &stray, "short", true);
    finds(&other, &stray, "wrong_coin", true);
    let claimants: Vec<_> = stored(&world, &stray)
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(claimants, [stranger.order_id.clone(), other.order_id]);
    assert_eq!(stranger.status()["status"], "pending");
}

#[test]
fn a_transaction_that_failed() {
    let world = World::start();
    let (shopper, _) = world.deposit("12", "USDT");
    let poor = world.net.anvil.account(5);
    let units = world.net.usdt.units("12");
    let to = world.net.wallet.clone();
    let hash = world
        .net
        .usdt
        .transfer_units(&world.net.anvil, &poor, &to, units);
    finds(&shopper, &hash, "reverted", false);
}

/// Few but its sender name a transaction before it is in a block: that is remembered.
#[test]
fn a_claim_from_before_the_transaction_was_public() {
    let world = World::start();
    let (shopper, _) = world.deposit("12", "USDT");
    let anvil = &world.net.anvil;
    anvil.hold();
    let units = world.net.usdt.units("11");
    let hash = world
        .net
        .usdt
        .submit(anvil, &anvil.account(0), &world.net.wallet, units);
    // Without the 0x, as some wallets show it.
    finds(&shopper, &hash[2..], "not_found", false);
    anvil.mine(1);
    anvil.release();
    let (late, _) = world.deposit("12", "DAI");
    wait::until("the transaction to be found", || {
        (claim(&shopper, &hash)["finding"] == "short").then_some(())
    });
    finds(&shopper, &hash, "short", true);
    finds(&late, &hash, "wrong_coin", true);
    assert_eq!(
        stored(&world, &hash),
        [
            (shopper.order_id, "short".to_owned(), true),
            (late.order_id, "wrong_coin".to_owned(), false)
        ]
    );
    assert_eq!(stored(&world, &hash[2..]), [], "one claim, not two");
}

#[test]
fn without_a_deposit_and_without_a_chain() {
    let world = World::start();
    let shopper = world.order("12");
    let unknown = format!("0x{}", "ab".repeat(32));
    finds(&shopper, &unknown, "no_deposit", false);
    let stray = send(&world, &world.net.wallet, "12");
    world.wait_scanned(world.net.anvil.head());
    finds(&shopper, &stray, "no_deposit", true);
    let calls = |method: &str| {
        world
            .rpc
            .calls()
            .iter()
            .filter(|c| c.method == method)
            .count()
    };
    assert_eq!(calls("eth_getTransactionReceipt"), 0, "nobody was asked");

    let (shopper, _) = world.deposit("12", "USDT");
    world.rpc.fail(Fault::NodeError);
    finds(&shopper, &unknown, "unclear", false);
    assert_eq!(stored(&world, &unknown), []);
    world.rpc.heal();
    finds_in_time(&shopper, &unknown, "not_found");
}

#[test]
fn what_is_no_hash_is_refused() {
    let world = World::start();
    let (shopper, _) = world.deposit("12", "USDT");
    let text = "invalid txn_hash: expected one transaction hash, 64 hex digits, with 0x before them on EVM chains";
    for hash in [
        "",
        "0x1234",
        &"zz".repeat(32),
        &format!("0x{}", "ab".repeat(33)),
    ] {
        try_claim(&shopper, hash).expect_error(400, text);
    }
    let hash = "ab".repeat(32);
    let path = shopper.order_path("claim");
    let body = json!({ "txn_hash": hash, "blockchain": "nowhere" });
    shopper
        .call("POST", &path, &body)
        .expect_error(400, "invalid blockchain selection");
    shopper
        .call("POST", &path, &json!({ "txn_hash": 5 }))
        .expect_error_starting(400, "invalid JSON body: ");
    let (other, _) = world.deposit("13", "USDT");
    let body = json!({ "txn_hash": hash });
    shopper
        .call("POST", &other.order_path("claim"), &body)
        .expect_error(403, "signed url is for another order");
    let unknown = world.shop.shopper("0193b6a0-5f0e-7c3a-9d4e-2b1f0a6c8e11");
    try_claim(&unknown, &hash).expect_error(404, "order not found");
}

#[test]
fn look_ups_are_limited_and_remembered() {
    let world = World::start();
    let (shopper, _) = world.deposit("12", "USDT");
    let hash = |n: usize| format!("0x{n:064x}");
    world.rpc.forget_calls();
    for n in 0..10 {
        finds(&shopper, &hash(n), "not_found", false);
    }
    let refused = try_claim(&shopper, &hash(10));
    refused.expect_error(429, "too many look-ups, try again later");
    let seconds: u64 = refused
        .header("retry-after")
        .expect("seconds")
        .parse()
        .expect("a number");
    assert!((3500..=3600).contains(&seconds), "{seconds}");
    finds(&shopper, &hash(9), "not_found", false);
    let asked = |n: usize| {
        let calls = world.rpc.calls();
        let about = |call: &&crate::support::faulty_rpc::Call| {
            call.method == "eth_getTransactionReceipt" && call.params[0] == hash(n)
        };
        calls.iter().filter(about).count()
    };
    assert_eq!((asked(9), asked(10)), (1, 0));
    // What is in the database costs nothing.
    let short = send(&world, &world.net.wallet, "11");
    world.wait_scanned(world.net.anvil.head());
    wait::until("the transfer to be stored", || {
        (try_claim(&shopper, &short).status == 200).then_some(())
    });
    finds(&shopper, &short, "short", true);
    let (other, _) = world.deposit("13", "USDT");
    finds(&other, &hash(10), "not_found", false);
}

/// What was answered a moment ago costs nothing, also where some chains were not asked, or did not answer.
#[test]
fn a_repeated_claim_is_not_charged_whatever_the_other_chains_said() {
    let (world, _other) = two_chains();
    // Found on the first chain: the other one is never asked.
    let (shopper, _) = world.deposit("12", "USDT");
    let elsewhere = send(&world, &wallet_address(7), "12");
    for _ in 0..12 {
        finds(&shopper, &elsewhere, "wrong_address", false);
    }
    // One chain is silent, the other has never heard of it.
    let (shopper, _) = world.deposit("13", "USDT");
    let unknown = format!("0x{}", "cd".repeat(32));
    world.rpc.fail(Fault::NodeError);
    for _ in 0..12 {
        finds(&shopper, &unknown, "unclear", false);
    }
}

/// Every kind of provider is asked about transactions that nobody has seen yet.
fn on_any_kind(kind: Kind) {
    let world = World::of(kind);
    let (shopper, _) = world.deposit("12", "USDT");
    let anvil = &world.net.anvil;
    let hash = |txn_hash: String| match kind.is_tron() {
        true => txn_hash[2..].to_owned(),
        false => txn_hash,
    };
    finds(
        &shopper,
        &hash(format!("0x{}", "ab".repeat(32))),
        "not_found",
        false,
    );
    let elsewhere = send(&world, &wallet_address(7), "12");
    // Tron's explorers prove a transaction only once its block is solid.
    world.confirm();
    finds_in_time(&shopper, &hash(elsewhere), "wrong_address");
    let poor = anvil.account(5);
    let units = world.net.usdt.units("12");
    let to = world.net.wallet.clone();
    let failed = world.net.usdt.transfer_units(anvil, &poor, &to, units);
    world.confirm();
    finds_in_time(&shopper, &hash(failed), "reverted");
    let fake = Token::deploy(anvil, "USDT", 6).transfer(anvil, &world.net.wallet, "12");
    world.confirm();
    finds_in_time(&shopper, &hash(fake), "wrong_coin");
    let short = send(&world, &world.net.wallet, "11");
    finds_in_time(&shopper, &hash(short.clone()), "short");
    // With 0x also where the chain does not write it.
    finds(&shopper, &short, "short", true);
}

/// An explorer needs a moment to know a transaction.
fn finds_in_time(shopper: &Shopper, txn_hash: &str, finding: &str) {
    let mut last = Value::Null;
    wait::until_within(2 * wait::SOON, &format!("{finding} to be found"), || {
        let reply = try_claim(shopper, txn_hash);
        (reply.status == 200).then(|| last = reply.json());
        if last["finding"] != finding {
            std::thread::sleep(std::time::Duration::from_secs(3));
        }
        (last["finding"] == finding).then_some(())
    });
}

#[test]
fn a_claim_on_every_kind_of_provider() {
    for kind in Kind::OTHERS {
        eprintln!("on {kind:?}");
        on_any_kind(kind);
    }
}

/// The merchant sees all claimants beside a stray payment, and each order's claims beside the order.
#[test]
fn the_merchant_sees_who_claims_what() {
    let world = World::start();
    let (early, _) = world.deposit("12", "USDT");
    let (late, _) = world.deposit("12", "DAI");
    let anvil = &world.net.anvil;
    anvil.hold();
    let units = world.net.usdt.units("11");
    let hash = world
        .net
        .usdt
        .submit(anvil, &anvil.account(0), &world.net.wallet, units);
    finds(&early, &hash[2..], "not_found", false);
    anvil.mine(1);
    anvil.release();
    world.wait_scanned(anvil.head());
    finds_in_time(&late, &hash, "wrong_coin");
    world.confirm();
    let admin = Admin::of(&world.server.base());
    let stray = wait::until("the stray payment in the inbox", || {
        let found = admin.get("/transfers?unmatched=true");
        found.get(0).cloned()
    });
    assert_eq!(stray["txn_hash"], hash);
    let claimed = |n: usize| {
        let claim = &stray["claims"][n];
        (claim["order_id"].clone(), claim["before_public"].clone())
    };
    assert_eq!(claimed(0), (json!(early.order_id), json!(true)));
    assert_eq!(claimed(1), (json!(late.order_id), json!(false)));
    let order = admin.get(&format!("/orders/{}", late.order_id));
    assert_eq!(order["claims"][0]["finding"], "wrong_coin", "{order}");
}
