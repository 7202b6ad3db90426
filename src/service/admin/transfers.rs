//! Transfers, as the admin sees and mends them.

use super::{AdminError, ListedTransfer, Page, Place, TransferFilter};
use crate::domain::transfer::TransferStatus;
use crate::service::App;
use crate::service::outbox;
use crate::store::audit::{self, Action, Actor};
use crate::store::events::{self, Subject};
use crate::store::{StoreError, transfer_list, transfers};

/// A page of transfers, and the place of its last one.
pub async fn list(
    app: &App,
    filter: TransferFilter,
    page: Page,
) -> Result<(Vec<ListedTransfer>, Option<Place>), StoreError> {
    app.db()
        .read_long(move |c| transfer_list::list(c, &filter, &page))
        .await
}

/// Reports an unmatched transfer again, whatever became of the report before: also one that was too small to be reported.
pub async fn resend_webhook(
    app: &App,
    row: i64,
    actor: Actor,
) -> Result<ListedTransfer, AdminError> {
    let config = app.config();
    app.db()
        .write(move |tx| {
            let transfer = transfer_list::find(tx, row)?.ok_or(AdminError::NotFound)?;
            if transfer.status != TransferStatus::NoMatchedDeposit {
                return Err(AdminError::NotUnmatched);
            }
            let url = config.merchant.unknown_transfer_webhook_url.as_ref();
            let url = url.ok_or(AdminError::NoWebhookUrl)?;
            match events::latest(tx, Subject::Transfer(row))? {
                Some(event) => outbox::queue_again(tx, event, url)?,
                None => outbox::report_transfer(tx, url, &transfers::at(tx, row)?)?,
            }
            let action = Action {
                name: "resend_webhook",
                transfer: Some(row),
                ..Action::default()
            };
            audit::note(tx, &actor, action)?;
            Ok(transfer)
        })
        .await
}
