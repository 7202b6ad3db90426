//! Transfers to the merchant's wallets.

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;

use super::answers::{DeedErrors, FindErrors, ListErrors};
use super::filters::TransferQuery;
use super::lists::{Listed, between, listed, page};
use super::types::{AdminTransferJson, AssignmentBody, ReasonBody};
use super::{Admin, order_in_path, transfer_in_path, with_reason};
use crate::domain::address::Address;
use crate::http::body::{OptionalJson, RawJson};
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::admin::{ListedTransfer, TransferFilter, transfers};

pub struct TransfersApi(pub Admin);

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl TransfersApi {
    /// List a wallet's transfers
    ///
    /// The address is compared without case on EVM chains. A wallet that nobody knows has none.
    #[oai(
        path = "/wallets/:address/transfers",
        method = "get",
        operation_id = "adminWalletTransfers"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each parameter of the query"
    )]
    async fn of_wallet(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The wallet's address.
        address: Path<String>,
        /// `waiting_for_confirmation`, `failed_to_confirm`, `waiting_for_match`, `no_matched_deposit` or `matched`.
        status: Query<Option<String>>,
        /// `eth`, `tron` and so on.
        blockchain: Query<Option<String>>,
        /// `USDT`, `USDC` or `DAI`.
        token: Query<Option<String>>,
        /// 1 to 200, otherwise 20.
        limit: Query<Option<i64>>,
        /// How many to leave out, up to 100000; beyond that the list is empty. A `cursor` is quicker.
        offset: Query<Option<i64>>,
        /// The `Ocrch-Next-Cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Listed<AdminTransferJson>, ListErrors> {
        self.0.enter(request).await?;
        let page = page(*limit, *offset, cursor.as_deref())?;
        let query = TransferQuery {
            status: status.as_deref(),
            blockchain: blockchain.as_deref(),
            token: token.as_deref(),
            unmatched: None,
            small: None,
            q: None,
        };
        let filter = TransferFilter {
            wallet: Some(as_stored(&address)),
            ..query.read(&self.0.app).await?
        };
        let found = transfers::list(&self.0.app, filter, page).await;
        let (rows, last) = found.map_err(Failure::from)?;
        let config = self.0.app.config();
        let rows = rows.into_iter().map(|t| AdminTransferJson::new(&config, t));
        Ok(listed(request, &page, rows.collect(), last))
    }

    /// List all transfers
    ///
    /// To all wallets. Each unmatched one comes with the orders that it may have been meant for and what is against each
    /// of them, and with what shoppers say about it.
    #[oai(path = "/transfers", method = "get", operation_id = "adminTransfers")]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each parameter of the query"
    )]
    async fn list(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// `waiting_for_confirmation`, `failed_to_confirm`, `waiting_for_match`, `no_matched_deposit` or `matched`.
        status: Query<Option<String>>,
        /// Chain that it is on.
        blockchain: Query<Option<String>>,
        /// Its coin.
        token: Query<Option<String>>,
        /// `true`: only those that wait for a decision: unmatched and not ignored.
        unmatched: Query<Option<bool>>,
        /// Of those that wait for a decision, `true`: only those that were below `payments.report_from` when they were confirmed;
        /// `false`: only the others.
        small: Query<Option<bool>>,
        /// The hash of a transaction.
        q: Query<Option<String>>,
        /// First seen at this Unix second or later.
        from: Query<Option<i64>>,
        /// First seen at this Unix second or earlier.
        to: Query<Option<i64>>,
        /// 1 to 200, otherwise 20.
        limit: Query<Option<i64>>,
        /// How many to leave out, up to 100000; beyond that the list is empty. A `cursor` is quicker.
        offset: Query<Option<i64>>,
        /// The `Ocrch-Next-Cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Listed<AdminTransferJson>, ListErrors> {
        self.0.enter(request).await?;
        let page = between(page(*limit, *offset, cursor.as_deref())?, *from, *to);
        let query = TransferQuery {
            status: status.as_deref(),
            blockchain: blockchain.as_deref(),
            token: token.as_deref(),
            unmatched: *unmatched,
            small: *small,
            q: q.as_deref(),
        };
        let filter = query.read(&self.0.app).await?;
        let found = transfers::list_examined(&self.0.app, filter, page).await;
        let (rows, last) = found.map_err(Failure::from)?;
        let config = self.0.app.config();
        let rows = rows.into_iter();
        let rows = rows.map(|t| AdminTransferJson::examined(&config, t));
        Ok(listed(request, &page, rows.collect(), last))
    }

    /// Look at one transfer
    ///
    /// If it is unmatched, with the orders that it may have been meant for.
    #[oai(
        path = "/transfers/:id",
        method = "get",
        operation_id = "adminTransfer"
    )]
    async fn find(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The transfer's id.
        id: Path<String>,
    ) -> Result<Json<AdminTransferJson>, FindErrors> {
        self.0.enter(request).await?;
        let found = transfers::find(&self.0.app, transfer_in_path(&id)?).await;
        let found = found.map_err(Failure::from)?;
        Ok(Json(AdminTransferJson::examined(
            &self.0.app.config(),
            found,
        )))
    }

    /// Assign a transfer to an order
    ///
    /// An unmatched transfer pays the order, whatever it lacks and whatever became of the order: the webhook and the WebSocket
    /// tell of it as of every payment. 409 "transfer is matched", "transfer is not confirmed" or "order is paid".
    #[oai(
        path = "/transfers/:id/assign",
        method = "post",
        operation_id = "adminAssignTransfer"
    )]
    async fn assign(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The transfer's id.
        id: Path<String>,
        body: RawJson<AssignmentBody>,
    ) -> Result<Json<AdminTransferJson>, DeedErrors> {
        let actor = self.0.enter(request).await?;
        let wish = body.parse()?;
        let actor = with_reason(actor, wish.reason)?;
        let (transfer, order) = (transfer_in_path(&id)?, order_in_path(&wish.order_id)?);
        let assigned = transfers::assign(&self.0.app, transfer, order, actor).await;
        Ok(self.answer(assigned.map_err(Failure::from)?))
    }

    /// Ignore an unmatched transfer
    ///
    /// It leaves the inbox of those that wait for a decision, and stays in all other lists.
    #[oai(
        path = "/transfers/:id/ignore",
        method = "post",
        operation_id = "adminIgnoreTransfer"
    )]
    async fn ignore(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The transfer's id.
        id: Path<String>,
        body: OptionalJson<ReasonBody>,
    ) -> Result<Json<AdminTransferJson>, DeedErrors> {
        self.set_ignored(request, &id, &body, true).await
    }

    /// Stop ignoring a transfer
    ///
    /// It is back in the inbox of those that wait for a decision.
    #[oai(
        path = "/transfers/:id/unignore",
        method = "post",
        operation_id = "adminUnignoreTransfer"
    )]
    async fn unignore(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The transfer's id.
        id: Path<String>,
        body: OptionalJson<ReasonBody>,
    ) -> Result<Json<AdminTransferJson>, DeedErrors> {
        self.set_ignored(request, &id, &body, false).await
    }

    /// Report an unmatched transfer again
    ///
    /// The unknown-transfer event, to `merchant.unknown_transfer_webhook_url`; also of one that was too small to be
    /// reported.
    #[oai(
        path = "/transfers/:id/resend-webhook",
        method = "post",
        operation_id = "adminResendTransferWebhook"
    )]
    async fn resend_webhook(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The transfer's id, as lists and webhooks have it.
        id: Path<String>,
    ) -> Result<Json<AdminTransferJson>, DeedErrors> {
        let actor = self.0.enter(request).await?;
        let transfer = transfers::resend_webhook(&self.0.app, transfer_in_path(&id)?, actor).await;
        Ok(self.answer(transfer.map_err(Failure::from)?))
    }
}

impl TransfersApi {
    async fn set_ignored(
        &self,
        request: &Request,
        id: &str,
        body: &OptionalJson<ReasonBody>,
        ignored: bool,
    ) -> Result<Json<AdminTransferJson>, DeedErrors> {
        let actor = self.0.enter_with_reason(request, body).await?;
        let transfer = transfer_in_path(id)?;
        let changed = transfers::set_ignored(&self.0.app, transfer, ignored, actor).await;
        Ok(self.answer(changed.map_err(Failure::from)?))
    }

    fn answer(&self, transfer: ListedTransfer) -> Json<AdminTransferJson> {
        Json(AdminTransferJson::new(&self.0.app.config(), transfer))
    }
}

/// An address as it is stored: EVM's with its checksum, however it was written. What is no address is nobody's.
fn as_stored(address: &str) -> String {
    let lower = || address.to_ascii_lowercase().parse::<Address>();
    match address.parse::<Address>().or_else(|_| lower()) {
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}
