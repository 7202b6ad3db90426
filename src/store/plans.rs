//! How SQLite answers what the admin asks: along an index, without reading all of a table or sorting it.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::counts::{FAILING, OPEN, OPEN_ON_EACH_CHAIN, PENDING, SMALL, UNMATCHED, WAITING};
use super::deposit_list::DepositFilter;
use super::event_list::EventFilter;
use super::order_list::OrderFilter;
use super::page::{Page, Place, Walk};
use super::transfer_list::TransferFilter;
use super::{
    alerts, audit, changes, counts, deposit_list, deposits, event_list, events, likely,
    lost_deposits, migrate, names, order_list, order_search, transfer_list,
};
use crate::domain::order::OrderStatus;
use crate::domain::transfer::TransferStatus;

fn database() -> Connection {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plans.db");
    let mut db = Connection::open(&path).unwrap();
    migrate::to_latest(&mut db, &path).unwrap();
    db
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nulls = vec![Value::Null; statement.parameter_count()];
    let rows = statement.query_map(params_from_iter(nulls), |row| row.get(3));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[track_caller]
fn no_scan(db: &Connection, sql: &str) -> Vec<String> {
    let plan = plan(db, sql);
    // What a sub-query with a limit gives is little: it may be scanned, and sorted.
    let is_little = |step: &str| step.starts_with("SCAN (");
    let mut before = "";
    for step in &plan {
        let scans = step.starts_with("SCAN ") && !is_little(step) && !step.contains("INDEX");
        let sorts = step.contains("TEMP B-TREE FOR ORDER BY") && !is_little(before);
        assert!(!scans && !sorts, "{step}\n{plan:#?}\n{sql}");
        before = step;
    }
    plan
}

/// A walk goes along the index that it names, in order.
#[track_caller]
fn walks(db: &Connection, walk: &Walk) {
    let plan = no_scan(db, &walk.sql());
    let expected = format!("INDEX {}", walk.index);
    assert_eq!(plan.len(), 1, "{plan:#?}");
    assert!(
        plan[0].starts_with("SEARCH") && plan[0].contains(&expected),
        "{plan:#?}\n{}",
        walk.sql()
    );
}

fn choices<T: Clone>(value: T) -> [Option<T>; 2] {
    [None, Some(value)]
}

#[test]
fn every_list_walks_along_an_index() {
    let db = database();
    let text = |t: &str| t.to_owned();
    for status in choices(OrderStatus::Paid) {
        for merchant_order_id in choices(text("A-1")) {
            for payment_chain in choices(text("eth")) {
                for payment_coin in choices(text("USDT")) {
                    let filter = OrderFilter {
                        status,
                        merchant_order_id: merchant_order_id.clone(),
                        payment_chain: payment_chain.clone(),
                        payment_coin,
                        search: None,
                    };
                    let (walk, values) = order_list::walk(&filter);
                    walks(&db, &walk);
                    walk.places(&db, values, &somewhere()).unwrap();
                    let (search, _) = order_search::prefix_sql(&filter);
                    let plan = no_scan(&db, &search);
                    let bounds =
                        "orders_by_merchant_id (merchant_order_id>? AND merchant_order_id<?)";
                    assert!(plan.len() == 1 && plan[0].contains(bounds), "{plan:#?}");
                    // Beside the ids, only a status is asked of all orders that begin so without reading them.
                    let in_index = filter.payment_chain.is_none() && filter.payment_coin.is_none();
                    assert_eq!(plan[0].contains("COVERING"), in_index, "{plan:#?}");
                }
            }
        }
    }
    for blockchain in choices(text("eth")) {
        for coin in choices(text("USDT")) {
            let filter = DepositFilter {
                order: None,
                blockchain: blockchain.clone(),
                coin,
            };
            let (walk, values) = deposit_list::walk(&filter);
            walks(&db, &walk);
            walk.places(&db, values, &somewhere()).unwrap();
        }
    }
    for filter in [EventFilter::Failing, EventFilter::Sound] {
        walks(&db, &event_list::walk(filter));
    }
}

#[test]
fn every_list_of_transfers_walks_along_an_index() {
    let db = database();
    let text = |t: &str| t.to_owned();
    let mut statuses = vec![None];
    statuses.extend(TransferStatus::ALL.map(Some));
    for status in statuses {
        for wallet in choices(text("0x01")) {
            for blockchain in choices(text("eth")) {
                for coin in choices(text("USDT")) {
                    for txn_hash in choices(text("0xab")) {
                        for (unmatched, small) in [
                            (false, None),
                            (true, None),
                            (true, Some(false)),
                            (true, Some(true)),
                        ] {
                            let filter = TransferFilter {
                                wallet: wallet.clone(),
                                status,
                                blockchain: blockchain.clone(),
                                coin: coin.clone(),
                                txn_hash: txn_hash.clone(),
                                unmatched,
                                small,
                            };
                            let (walk, values) = transfer_list::walk(&filter);
                            walks(&db, &walk);
                            walk.places(&db, values, &somewhere()).unwrap();
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_else_the_admin_asks_scans_nothing() {
    let db = database();
    no_scan(&db, likely::NEAR);
    no_scan(&db, transfer_list::HAS_HASH);
    no_scan(&db, names::NEXT_CHAIN);
    no_scan(&db, names::NEXT_COIN);
    for (next, bound) in [
        (names::NEXT_DEPOSIT_CHAIN, "(blockchain>?)"),
        (
            names::NEXT_DEPOSIT_COIN,
            "((blockchain,wallet,stablecoin)>(?,?,?))",
        ),
    ] {
        assert_eq!(
            no_scan(&db, next),
            [format!(
                "SEARCH deposits USING COVERING INDEX deposits_by_value {bound}"
            )]
        );
    }
    no_scan(&db, &likely::meant_sql());
    no_scan(&db, &changes::after_sql());
    no_scan(&db, &audit::list_sql());
    for rows in [PENDING, OPEN, WAITING, UNMATCHED, SMALL, FAILING] {
        no_scan(&db, &counts::sql(rows));
    }
}

/// Both halves are searched down to the range of values: the lists of deposits grow for years.
#[test]
fn taken_values_are_found_along_their_indexes() {
    let db = database();
    let plan = no_scan(&db, deposits::TAKEN_VALUES);
    let along = |index: &str| {
        let step = format!(
            "INDEX {index} (blockchain=? AND wallet=? AND stablecoin=? AND micros>? AND micros<?)"
        );
        assert!(plan.iter().any(|p| p.ends_with(&step)), "{step}\n{plan:#?}");
    };
    along("deposits_held_values");
    along("deposits_open_by_value");
    let steps = plan.iter().filter(|p| p.starts_with("SEARCH"));
    assert_eq!(steps.count(), 2, "{plan:#?}");
}

/// There may be as many lost deposits as a backup is old.
#[test]
fn lost_deposits_are_found_along_their_index() {
    let db = database();
    for (sql, bounds) in [
        (
            lost_deposits::TAKEN_VALUES,
            "(blockchain=? AND wallet=? AND stablecoin=? AND micros>? AND micros<?)",
        ),
        (
            lost_deposits::MEANT,
            "(blockchain=? AND wallet=? AND stablecoin=? AND micros=?)",
        ),
        (lost_deposits::ANY_LATELY, "(blockchain=? AND wallet=?)"),
    ] {
        let plan = no_scan(&db, sql);
        assert!(plan.iter().any(|p| p.ends_with(bounds)), "{plan:#?}");
    }
}

#[test]
fn wallets_with_open_deposits_are_found_among_open_deposits() {
    let plan = no_scan(&database(), deposits::WALLETS_OF_OPEN);
    assert_eq!(
        plan,
        ["SCAN deposits USING COVERING INDEX deposits_open_by_value"]
    );
}

#[test]
fn deposits_are_counted_among_open_deposits() {
    let plan = no_scan(&database(), OPEN_ON_EACH_CHAIN);
    assert_eq!(
        plan,
        [
            "SCAN d USING INDEX deposits_open_by_value",
            "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)"
        ]
    );
}

/// Without a look at a row: a shop that is away for long leaves many behind.
#[test]
fn webhooks_that_are_due_are_counted_in_their_index() {
    let plan = no_scan(&database(), events::BACKLOG);
    assert_eq!(plan, ["SCAN events USING COVERING INDEX events_due"]);
}

/// Alarms are found, and others read one after the other until they are enough: nothing is sorted.
#[test]
fn of_many_messages_to_the_operator_few_are_read() {
    let db = database();
    let of_kind = "SEARCH alerts USING INDEX alerts_by_kind (kind=?)";
    assert_eq!(plan(&db, alerts::OF_KIND), [of_kind]);
    assert_eq!(plan(&db, alerts::OF_OTHERS), ["SCAN alerts"]);
}

/// The end of a long list, by cursor.
fn somewhere() -> Page {
    Page {
        offset: 7,
        after: Some(Place { at: 5, row: 5 }),
        ..Page::first(20)
    }
}
