//! How quickly the admin's lists and views are read from a large file, in milliseconds: by the service, without HTTP.

use std::path::Path;
use std::time::Instant;

use ocrch::domain::order::OrderStatus;
use ocrch::service::App;
use ocrch::service::admin::{
    DepositFilter, EventFilter, OrderFilter, Page, Place, TransferFilter, audit, deposits, orders,
    stats, transfers, webhooks,
};

/// Fills the file up and prints a line for each list.
pub async fn measure(app: &App, file: &Path, count: u64, repeats: usize) {
    let now = app.clock().now();
    super::rows::fill(file, count, now);
    let first = Page::first(20);
    let deep = Page {
        offset: 100_000,
        ..first
    };
    let end = Page {
        after: Some(Place {
            at: now - 999_990,
            row: 40,
        }),
        ..first
    };
    let most = Page::first(200);
    macro_rules! median {
        ($call:expr) => {{
            let mut times = Vec::new();
            for _ in 0..repeats {
                let start = Instant::now();
                $call.await.expect("an answer");
                times.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            super::median(times)
        }};
    }
    println!(
        "{:>40} {:>12} {:>16} {:>16}",
        "", "first page", "offset 100,000", "end by cursor"
    );
    macro_rules! list {
        ($name:literal, |$page:ident| $call:expr) => {{
            let mut medians = [0.0; 3];
            for (place, $page) in [first, deep, end].into_iter().enumerate() {
                medians[place] = median!($call);
            }
            let [first, deep, end] = medians;
            println!("{:>40} {first:>12.2} {deep:>16.2} {end:>16.2}", $name);
        }};
    }
    macro_rules! one {
        ($name:literal, $call:expr) => {
            println!("{:>40} {:>12.2}", $name, median!($call))
        };
    }
    let search = |text: &str| OrderFilter {
        search: Some(text.to_owned()),
        ..OrderFilter::default()
    };
    let cancelled = OrderFilter {
        status: Some(OrderStatus::Cancelled),
        ..OrderFilter::default()
    };
    let expired_found = OrderFilter {
        status: Some(OrderStatus::Expired),
        ..search("1")
    };
    let unmatched = TransferFilter {
        unmatched: true,
        ..TransferFilter::default()
    };
    let of_wallet = TransferFilter {
        wallet: Some(super::WALLET.to_owned()),
        ..TransferFilter::default()
    };
    let failing = Some(EventFilter::Failing);

    list!("orders", |page| orders::list(
        app,
        OrderFilter::default(),
        page
    ));
    list!("orders by status", |page| orders::list(
        app,
        cancelled.clone(),
        page
    ));
    list!("search by the beginning of an id", |page| orders::list(
        app,
        search("1"),
        page
    ));
    one!(
        "search, with a status that none has",
        orders::list(app, expired_found.clone(), first)
    );
    one!(
        "search by an order's own id",
        orders::list(app, search(&super::order_id(2)), first)
    );
    one!(
        "search by a transaction's hash",
        orders::list(app, search(&format!("0x{:064x}", 7)), first)
    );
    let one_order = super::order_id(2).parse().expect("an id");
    one!("all about an order", orders::find(app, one_order));
    list!("open deposits", |page| deposits::list(
        app,
        None,
        DepositFilter::default(),
        page
    ));
    list!("transfers", |page| transfers::list_examined(
        app,
        TransferFilter::default(),
        page
    ));
    list!("transfers of a wallet", |page| transfers::list(
        app,
        of_wallet.clone(),
        page
    ));
    list!("inbox, with likely orders and claims", |page| {
        transfers::list_examined(app, unmatched.clone(), page)
    });
    one!(
        "200 of the inbox",
        transfers::list_examined(app, unmatched.clone(), most)
    );
    list!("webhooks, the failing ones first", |page| webhooks::list(
        app, None, None, page
    ));
    one!("failing webhooks", webhooks::list(app, failing, None, most));
    one!("audit trail", audit::list(app, None, 50, 0));
    one!("audit trail, deep", audit::list(app, None, 50, 100_000));
    one!("today at a glance, its counts", stats::stats(app, now, now));
    one!(
        "charts of a year",
        stats::stats(app, now - 365 * 86_400, now)
    );
}
