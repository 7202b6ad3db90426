//! What the admin does to money: nothing is paid twice, nothing is lost, and the sums are right.

use std::collections::BTreeMap;
use std::time::Duration;

use ocrch::domain::amount::Amount;
use ocrch::domain::order::{Order, OrderStatus};
use ocrch::service::admin::{Actor, AdminError, Page, TransferFilter, orders, stats, transfers};
use ocrch::service::orders::{Canceller, cancel};

use crate::in_process::{NET, Turned, shopper};
use crate::support::random::Random;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn actor() -> Actor {
    Actor {
        client: "127.0.0.1".into(),
        reason: Some("a test".into()),
    }
}

fn mark_paid(turned: &Turned, order: &Order) {
    let marked = orders::mark_paid(&turned.app, order.id, actor());
    turned.runtime.block_on(marked).unwrap();
}

fn assign(turned: &Turned, transfer: i64, order: &Order) -> Result<(), AdminError> {
    let assigned = transfers::assign(&turned.app, transfer, order.id, actor());
    turned.runtime.block_on(assigned).map(|_| ())
}

/// Sends an amount to the wallet that was not asked for.
fn stray(turned: &Turned, micros: u128) -> String {
    let (_, detail) = turned.deposit("3");
    let chain = &turned.nets[NET].chain;
    chain.send(detail.contract, shopper(), detail.wallet, micros)
}

/// Rows of the transfers that wait for a decision, the newest first.
fn inbox(turned: &Turned) -> Vec<i64> {
    let filter = TransferFilter {
        unmatched: true,
        ..TransferFilter::default()
    };
    let listed = transfers::list(&turned.app, filter, Page::first(200));
    let (rows, _) = turned.runtime.block_on(listed).unwrap();
    rows.iter().map(|t| t.row).collect()
}

fn number(turned: &Turned, sql: &str) -> i64 {
    turned.db().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn paid_events(turned: &Turned, order: &Order) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM events WHERE order_id = {} AND body LIKE '%\"status\":\"paid\"%'",
        order.row
    );
    number(turned, &sql)
}

#[test]
fn a_transfer_that_waits_when_its_order_is_marked_as_paid_pays_it() {
    let mut turned = Turned::new(5, "");
    let (order, detail) = turned.deposit("20");
    let hash = turned.pay(&detail);
    turned.wait(SECOND);
    mark_paid(&turned, &order);
    let listed = |turned: &Turned| {
        let found = orders::find(&turned.app, order.id);
        turned.runtime.block_on(found).unwrap()
    };
    let detail = listed(&turned);
    assert_eq!(detail.listed.order.status, OrderStatus::Paid);
    let payment = detail.listed.order.payment.unwrap();
    assert_eq!(payment.txn_hash, hash, "it shows what is on its way");
    turned.wait(10 * SECOND);
    assert_eq!(
        turned.newest_transfer().0,
        "matched",
        "and is not reported as unknown"
    );
    assert_eq!(inbox(&turned), Vec::<i64>::new());
    assert_eq!(paid_events(&turned, &order), 1, "told once");
    let detail = listed(&turned);
    assert_eq!(detail.deposits[0].status, "fulfilled");
    assert_eq!(
        detail.transfers[0].transfer.fulfillment,
        Some(detail.deposits[0].row)
    );
    // A second one is somebody's money, and stays visible.
    let units = Amount::parse("20").unwrap().to_base_units(6).unwrap();
    stray(&turned, units);
    turned.wait(10 * SECOND);
    assert_eq!(inbox(&turned).len(), 1);
    // Statistics count it once, as a payment by transfer.
    let now = turned.clock.now();
    let stats = turned
        .runtime
        .block_on(stats::stats(&turned.app, now - 86_400, now))
        .unwrap();
    let sums = stats::in_all(&stats.payments);
    assert_eq!(sums.len(), 1, "{sums:?}");
    assert_eq!(sums[0].coin.as_deref(), Some("USDT"));
    assert_eq!(sums[0].amount, Amount::parse("20").ok());
}

#[test]
fn a_late_transfer_that_waits_is_bound_as_well() {
    let mut turned = Turned::new(5, "[orders]\nexpires_after = \"10m\"");
    let (late, detail) = turned.deposit("20");
    let (cancelled, other) = turned.deposit("30");
    turned.wait(HOUR);
    assert_eq!(turned.status(&late), OrderStatus::Expired);
    turned.pay(&detail);
    turned.wait(SECOND);
    mark_paid(&turned, &late);
    turned.wait(10 * SECOND);
    assert_eq!(turned.newest_transfer().0, "matched");
    // A payment to a cancelled order that was cancelled while it was on its way.
    let _ = (cancelled, other);
    let (cancelled, other) = turned.deposit("40");
    turned.pay(&other);
    turned.wait(SECOND);
    let cancelling = cancel(&turned.app, cancelled.id, Canceller::Merchant);
    turned.runtime.block_on(cancelling).unwrap();
    mark_paid(&turned, &cancelled);
    turned.wait(10 * SECOND);
    assert_eq!(turned.newest_transfer().0, "matched");
    assert_eq!(inbox(&turned), Vec::<i64>::new());
}

/// What an old order asked for was promised by another since: what is on its way then was hardly meant for the old one.
#[test]
fn a_late_transfer_that_another_order_could_mean_is_left_for_a_decision() {
    let mut turned = Turned::new(5, "[payments]\nlate_window = \"2h\"");
    let (old, first) = turned.deposit("20");
    turned.wait(HOUR);
    turned.wait(3 * HOUR);
    let (next, detail) = turned.deposit("20");
    assert_eq!(detail.amount, first.amount);
    turned.wait(HOUR);
    assert_eq!(turned.status(&next), OrderStatus::Expired);
    turned.pay(&detail);
    turned.wait(SECOND);
    mark_paid(&turned, &old);
    turned.wait(10 * SECOND);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
    let row = inbox(&turned)[0];
    assign(&turned, row, &next).unwrap();
    assert_eq!(turned.status(&next), OrderStatus::Paid);

    // Nor for one that a restored backup lacks.
    let (late, detail) = turned.deposit("30");
    turned.wait(HOUR);
    let lost = "INSERT INTO lost_deposits (order_id, blockchain, stablecoin, wallet, micros, expected_sender, closed_at, transfer_seen)
        SELECT 'lost', blockchain, stablecoin, wallet, micros, NULL, closed_at, 0 FROM deposits ORDER BY id DESC LIMIT 1";
    turned.db().execute(lost, []).unwrap();
    turned.pay(&detail);
    turned.wait(SECOND);
    mark_paid(&turned, &late);
    turned.wait(10 * SECOND);
    assert_eq!(turned.newest_transfer().0, "no_matched_deposit");
}

#[test]
fn an_assigned_transfer_pays_an_order_whatever_it_lacks() {
    let mut turned = Turned::new(2, "");
    let (order, detail) = turned.deposit("20");
    let chain = &turned.nets[NET].chain;
    chain.send(detail.contract, shopper(), detail.wallet, 19_500_000);
    turned.wait(HOUR);
    assert_eq!(turned.status(&order), OrderStatus::Expired);
    let row = inbox(&turned)[0];
    let found = turned.runtime.block_on(transfers::find(&turned.app, row));
    let found = found.unwrap();
    let (likeliest, reasons) = &found.likely.unwrap()[0];
    assert_eq!(likeliest.order, order.id, "it is the likeliest");
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assign(&turned, row, &order).unwrap();
    assert_eq!(turned.status(&order), OrderStatus::Paid);
    assert_eq!(paid_events(&turned, &order), 1);
    assert_eq!(inbox(&turned), Vec::<i64>::new());
    let again = assign(&turned, row, &order).unwrap_err();
    assert_eq!(again.to_string(), "transfer is matched");

    // An order without a deposit there can be paid so, too; a paid one cannot, nor by what is not confirmed.
    let bare = turned.create("7", None);
    stray(&turned, 7_100_000);
    turned.wait(SECOND);
    let waiting = number(&turned, "SELECT max(id) FROM transfers");
    let refused = assign(&turned, waiting, &bare).unwrap_err();
    assert_eq!(refused.to_string(), "transfer is not confirmed");
    turned.wait(5 * SECOND);
    let refused = assign(&turned, waiting, &order).unwrap_err();
    assert_eq!(refused.to_string(), "order is paid");
    assign(&turned, waiting, &bare).unwrap();
    assert_eq!(turned.status(&bare), OrderStatus::Paid);
    let deposit = "SELECT micros FROM deposits WHERE id = (SELECT fulfillment FROM transfers ORDER BY id DESC LIMIT 1)";
    assert_eq!(number(&turned, deposit), 7_000_000);
    let missing = assign(&turned, 999, &bare).unwrap_err();
    assert_eq!(missing.to_string(), "resource not found");
}

#[test]
fn assigning_and_settling_at_once_pays_once() {
    let mut turned = Turned::new(3, "");
    for round in 0..20u64 {
        let (order, detail) = turned.deposit(&format!("{}", 100 + round));
        stray(&turned, 1_000_000 + u128::from(round));
        turned.wait(5 * SECOND);
        let row = inbox(&turned)[0];
        turned.pay(&detail);
        turned.wait(SECOND);
        turned.clock.advance(5 * SECOND);
        // The pass settles the order's own payment while the admin assigns it a stray one.
        let (app, order_id) = (turned.app.clone(), order.id);
        let assigning = turned
            .runtime
            .spawn(async move { transfers::assign(&app, row, order_id, actor()).await });
        if round % 2 == 0 {
            std::thread::sleep(Duration::from_micros(100 * round));
        }
        turned.settle();
        let assigned = turned.runtime.block_on(assigning).unwrap();
        turned.settle();
        let paying = number(
            &turned,
            &format!(
                "SELECT count(*) FROM transfers t JOIN deposits d ON d.id = t.fulfillment WHERE d.order_id = {}",
                order.row
            ),
        );
        assert_eq!(paying, 1, "round {round}, assigned: {assigned:?}");
        assert_eq!(paid_events(&turned, &order), 1);
        assert_eq!(turned.status(&order), OrderStatus::Paid);
        // The other one waits for a decision.
        let left = inbox(&turned);
        assert_eq!(left.len(), 1, "round {round}");
        let ignored = transfers::set_ignored(&turned.app, left[0], true, actor());
        assert!(turned.runtime.block_on(ignored).unwrap().ignored);
        assert_eq!(inbox(&turned), Vec::<i64>::new());
    }
}

/// Whatever happens, the statistics are what counting everything anew gives.
#[test]
fn statistics_are_what_counting_gives() {
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let mut turned = Turned::new(2, "[orders]\nexpires_after = \"2h\"");
        let mut open: Vec<Order> = Vec::new();
        for _ in 0..60 {
            let amount = format!("{}.{:02}", 1 + random.below(50), random.below(100));
            match random.below(7) {
                0 | 1 => {
                    let (order, detail) = turned.deposit(&amount);
                    turned.pay(&detail);
                    open.push(order);
                }
                2 => open.push(turned.create(&amount, None)),
                3 => {
                    stray(&turned, 1 + random.below(90_000_000) as u128);
                }
                4 if !open.is_empty() => {
                    let order = open.remove(random.below(open.len()));
                    mark_paid(&turned, &order);
                }
                5 if !open.is_empty() => {
                    let order = &open[random.below(open.len())];
                    let cancelling = cancel(&turned.app, order.id, Canceller::Merchant);
                    let _ = turned.runtime.block_on(cancelling);
                }
                _ => {
                    let order = open.last().cloned();
                    if let (Some(row), Some(order)) = (inbox(&turned).first(), order) {
                        let _ = assign(&turned, *row, &order);
                    }
                }
            }
            turned.wait(Duration::from_secs(random.below(5_000) as u64));
        }
        check_statistics(&turned);
    }
}

fn check_statistics(turned: &Turned) {
    let to = turned.clock.now();
    let from = to - 40 * 86_400;
    let told = turned
        .runtime
        .block_on(stats::stats(&turned.app, from, to))
        .unwrap();
    let db = turned.db();
    let counted = |sql: &str| -> Vec<(i64, String, u64)> {
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let mut expected =
        counted("SELECT created_at / 86400, 'created', count(*) FROM orders GROUP BY 1");
    expected.extend(counted(
        "SELECT closed_at / 86400, status, count(*) FROM orders WHERE closed_at IS NOT NULL GROUP BY 1, 2",
    ));
    expected.sort();
    let orders = told.orders.iter();
    let found: Vec<_> = orders.map(|o| (o.day, o.what.clone(), o.orders)).collect();
    assert_eq!(found, expected);

    let mut sums: BTreeMap<(i64, String, String), (u64, Amount)> = BTreeMap::new();
    let mut statement = db
        .prepare(
            "SELECT o.closed_at / 86400, ifnull(t.blockchain, ''), ifnull(t.stablecoin, ''), ifnull(t.value, o.amount)
             FROM orders o LEFT JOIN (deposits d JOIN transfers t ON t.fulfillment = d.id) ON d.order_id = o.id
             WHERE o.status = 'paid'",
        )
        .unwrap();
    let rows = statement.query_map([], |r| {
        let amount: String = r.get(3)?;
        Ok(((r.get(0)?, r.get(1)?, r.get(2)?), amount))
    });
    for row in rows.unwrap() {
        let (key, amount) = row.unwrap();
        let (orders, sum) = sums.entry(key).or_insert((0, Amount::ZERO));
        *orders += 1;
        *sum = sum.checked_add(Amount::parse(&amount).unwrap()).unwrap();
    }
    let found: BTreeMap<_, _> = told
        .payments
        .iter()
        .map(|p| {
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            (
                (p.day, name(&p.blockchain), name(&p.coin)),
                (p.orders, p.amount),
            )
        })
        .collect();
    assert_eq!(found, sums);
    assert!(!sums.is_empty(), "something was paid");
}
