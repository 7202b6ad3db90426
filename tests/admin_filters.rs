//! What the Admin API's lists and exports can be asked for, and how they refuse what they cannot read.

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::config::Config;
use crate::support::devnet::text;
use crate::support::server::{Server, run};
use crate::support::wait;
use crate::support::world::World;

/// The names and types of a call's parameters in the query.
fn in_query(call: &Value) -> impl Iterator<Item = (&str, &str)> {
    let parameters = call["parameters"].as_array().into_iter().flatten();
    parameters
        .filter(|p| p["in"] == "query")
        .map(|p| (p["name"].as_str(), p["schema"]["type"].as_str()))
        .map(|(name, kind)| (name.expect("a name"), kind.expect("a type")))
}

#[test]
fn every_parameter_says_what_it_expects() {
    let server = Server::start(&Config::new());
    let admin = Admin::of(&server.base());
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let mut tried = 0;
    for (path, methods) in paths {
        for (name, kind) in in_query(&methods["get"]) {
            let expected = match kind {
                "integer" => "a whole number",
                "boolean" => "true or false",
                _ => continue,
            };
            let path = path.strip_prefix("/api/v1/admin").expect("the admin's");
            for wrong in ["abc", "1.5", "", "99999999999999999999"] {
                let refused = admin.call("GET", &format!("{path}?{name}={wrong}"), &Value::Null);
                refused.expect_error(400, &format!("invalid {name}: expected {expected}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

fn document() -> Value {
    serde_json::from_slice(&run(&["openapi"]).stdout).expect("JSON")
}

/// A table without its head, by the texts of one column.
fn column(admin: &Admin, path: &str, name: &str) -> Vec<String> {
    let reply = admin.call("GET", path, &Value::Null).expect(200);
    let mut reader = csv::Reader::from_reader(reply.body.as_slice());
    let head = reader.headers().expect("a head").clone();
    let place = head.iter().position(|n| n == name).expect(name);
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row[place].to_owned()).collect()
}

#[test]
fn an_export_takes_every_filter_of_its_list() {
    let document = document();
    let filters = |path: &str| -> Vec<_> {
        let call = &document["paths"][format!("/api/v1/admin{path}")]["get"];
        let mut names: Vec<_> = in_query(call).map(|(name, _)| name).collect();
        names.retain(|name| !["limit", "offset", "cursor"].contains(name));
        names.sort_unstable();
        names
    };
    for list in ["/orders", "/transfers"] {
        assert!(filters(list).len() > 5, "{list}");
        assert_eq!(filters(&format!("{list}.csv")), filters(list));
    }
}

/// Two orders, one of which is paid, and a transfer of another coin that pays nothing.
#[test]
fn filters_leave_what_fits_whatever_the_case_of_a_name() {
    let world = World::start();
    let admin = world.admin();
    let (paid, deposit) = world.deposit("20", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&paid, "paid");
    let (open, _) = world.deposit("30", "DAI");
    let net = &world.net;
    let stray = net.token("DAI").transfer(&net.anvil, &net.wallet, "7");
    world.confirm();
    wait::until("the transfer to be unmatched", || {
        let inbox = admin.get("/transfers?unmatched=true");
        (inbox != json!([])).then_some(())
    });

    let strays = column(&admin, "/transfers.csv?unmatched=true", "txn_hash");
    assert_eq!(strays, [stray.as_str()]);
    let digits = stray.trim_start_matches("0x").to_ascii_uppercase();
    for written in [&stray, &digits, &format!("%200x{digits}%20")] {
        for list in ["/transfers", "/transfers.csv"] {
            let found = admin.call("GET", &format!("{list}?q={written}"), &Value::Null);
            assert!(found.text().contains(&stray), "{list} {written}: {found:?}");
        }
    }
    let id = &paid.order_id;
    for name in ["USDT", "usdt"] {
        for filter in ["blockchain=%20devnet", "blockchain=DEVNET", "blockchain="] {
            let query = format!("token={name}%20&{filter}");
            let orders = admin.get(&format!("/orders?{query}"));
            assert_eq!(orders[0]["order_id"], id.as_str(), "{query}");
            assert_eq!(orders.as_array().map(Vec::len), Some(1), "{query}");
            let exported = column(&admin, &format!("/orders.csv?{query}"), "order_id");
            assert_eq!(exported, [id.as_str()], "{query}");
            let of_wallet = format!("/wallets/{}/transfers?{query}", net.wallet);
            for list in [format!("/transfers?{query}"), of_wallet] {
                let found = admin.get(&list);
                assert_eq!(found.as_array().map(Vec::len), Some(1), "{list}");
                assert_eq!(found[0]["token"], "USDT", "{list}");
            }
            let exported = column(&admin, &format!("/transfers.csv?{query}"), "token");
            assert_eq!(exported, ["USDT"], "{query}");
        }
    }
    let deposits = admin.get("/deposits?token=dai&blockchain=DevNet");
    assert_eq!(deposits[0]["order_id"], open.order_id.as_str());
    let detail = admin.get(&format!("/orders/{}", open.order_id));
    let merchants = text(&detail["order"], "merchant_order_id");
    let by_id = format!("/orders.csv?merchant_order_id={merchants}");
    assert_eq!(column(&admin, &by_id, "order_id"), [open.order_id.as_str()]);

    let lists = [
        "/orders",
        "/orders.csv",
        "/transfers",
        "/transfers.csv",
        "/deposits",
    ];
    let of_wallet = format!("/wallets/{}/transfers", net.wallet);
    for list in lists.into_iter().chain([of_wallet.as_str()]) {
        let refused = admin.call("GET", &format!("{list}?blockchain=dev"), &Value::Null);
        refused.expect_error_starting(400, "invalid blockchain: expected one of ");
        assert!(refused.text().contains(" devnet,"), "{refused:?}");
        let refused = admin.call("GET", &format!("{list}?token=dollars"), &Value::Null);
        refused.expect_error(400, "invalid token: expected one of DAI, USDC, USDT");
    }
}

/// What was to be paid on a chain stays to be found when the chain has left the configuration.
#[test]
fn names_that_left_the_configuration_are_known_while_deposits_have_them() {
    let mut world = World::start();
    let (order, _) = world.deposit("20", "USDT");
    world.server.stop();
    world.server.configure(&Config::new());
    world.server.launch();
    let admin = world.admin();
    let found = admin.get("/deposits?blockchain=Devnet");
    assert_eq!(found[0]["order_id"], order.order_id.as_str(), "{found}");
    assert_eq!(admin.get("/transfers?blockchain=devnet"), json!([]));
}

/// What was paid on a chain stays to be found when the chain has left the configuration.
#[test]
fn names_that_left_the_configuration_are_known_while_transfers_have_them() {
    let mut world = World::start();
    let (paid, deposit) = world.deposit("20", "USDT");
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&paid, "paid");
    world.server.stop();
    world.server.configure(&Config::new());
    world.server.launch();
    let admin = world.admin();
    let found = admin.get("/transfers?blockchain=Devnet");
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    let refused = admin.call("GET", "/transfers?blockchain=x", &Value::Null);
    assert!(refused.text().contains(" devnet,"), "{refused:?}");
}

/// Dust, which strangers send so that somebody copies their address, does not bury money.
#[test]
fn what_was_too_small_to_be_reported_is_kept_apart() {
    let world = World::start();
    let admin = world.admin();
    let net = &world.net;
    let [dust, money] =
        ["0.009999", "0.01"].map(|amount| net.usdt.transfer(&net.anvil, &net.wallet, amount));
    world.confirm();
    let both = wait::until("both to be unmatched", || {
        let inbox = admin.get("/transfers?unmatched=true");
        (inbox.as_array().map(Vec::len) == Some(2)).then_some(inbox)
    });
    assert_eq!(
        (&both[0]["small"], &both[1]["small"]),
        (&json!(false), &json!(true))
    );
    for (small, hash) in [(true, &dust), (false, &money)] {
        for also in ["", "&unmatched=true", "&token=USDT", &format!("&q={hash}")] {
            let found = admin.get(&format!("/transfers?small={small}{also}"));
            assert_eq!(found.as_array().map(Vec::len), Some(1), "{small}{also}");
            assert_eq!(found[0]["txn_hash"], hash.as_str(), "{small}{also}");
        }
        let other = if small { &money } else { &dust };
        let none = format!("/transfers?small={small}&q={other}");
        assert_eq!(admin.get(&none), json!([]));
        let exported = column(&admin, &format!("/transfers.csv?small={small}"), "txn_hash");
        assert_eq!(exported, [hash.as_str()]);
    }
    assert_eq!(column(&admin, "/transfers.csv", "small"), ["false", "true"]);
    let counted = |expected: (u64, u64)| {
        let now = &admin.get("/stats")["now"];
        let found = (&now["unmatched_transfers"], &now["small_transfers"]);
        assert_eq!(found, (&json!(expected.0), &json!(expected.1)));
    };
    counted((1, 1));
    let ignore = format!("/transfers/{}/ignore", both[1]["id"]);
    admin.post(&ignore, &Value::Null);
    counted((1, 0));
    assert_eq!(admin.get("/transfers?small=true"), json!([]));
}
