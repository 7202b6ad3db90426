//! Open deposits, as the admin sees them.

use super::{DepositFilter, ListedDeposit, Page, Place};
use crate::domain::order::OrderId;
use crate::domain::registry::Blockchain;
use crate::service::App;
use crate::store::{StoreError, deposit_list, orders};

/// A page of open deposits, and the place of its last one. Of an unknown order there are none.
pub async fn list(
    app: &App,
    order: Option<OrderId>,
    filter: DepositFilter,
    page: Page,
) -> Result<(Vec<ListedDeposit>, Option<Place>), StoreError> {
    app.db()
        .read_long(move |c| {
            let order = match order {
                None => None,
                Some(id) => match orders::find(c, id)? {
                    Some(order) => Some(order.row),
                    None => return Ok((vec![], None)),
                },
            };
            deposit_list::list_open(c, &DepositFilter { order, ..filter }, &page)
        })
        .await
}

/// Until when the chain of a deposit has been read for it, in Unix seconds: from its opening on.
pub fn last_scanned_at(app: &App, deposit: &ListedDeposit) -> i64 {
    let read_until = app
        .watching()
        .read_until(&Blockchain::new(&deposit.blockchain));
    let read_until = read_until.map_or(i64::MIN, |ms| ms.div_euclid(1000));
    deposit.opened_at.max(read_until)
}
