//! Transfers to the merchant's wallets.

use poem::Request;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;

use super::answers::{DeedErrors, ListErrors};
use super::lists::{Listed, given, listed, page};
use super::types::AdminTransferJson;
use super::{Admin, transfer_in_path};
use crate::domain::address::Address;
use crate::domain::transfer::TransferStatus;
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
        let filter = TransferFilter {
            wallet: Some(as_stored(&address)),
            status: given(status.as_deref()).map(status_named).transpose()?,
            blockchain: given(blockchain.as_deref()).map(str::to_owned),
            coin: given(token.as_deref()).map(str::to_owned),
            ..TransferFilter::default()
        };
        let found = transfers::list(&self.0.app, filter, page).await;
        let (rows, last) = found.map_err(Failure::from)?;
        let config = self.0.app.config();
        let rows = rows.into_iter().map(|t| AdminTransferJson::new(&config, t));
        Ok(listed(request, &page, rows.collect(), last))
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

fn status_named(name: &str) -> Result<TransferStatus, Failure> {
    TransferStatus::parse(name).ok_or(Failure::new(
        StatusCode::BAD_REQUEST,
        "invalid status: expected waiting_for_confirmation, failed_to_confirm, waiting_for_match, no_matched_deposit or matched",
    ))
}
