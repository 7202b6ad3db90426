//! The filters that a list and its export share, from the texts of a query.

use poem::http::StatusCode;

use super::lists::{given, typed};
use crate::domain::order::OrderStatus;
use crate::domain::transfer::TransferStatus;
use crate::http::errors::Failure;
use crate::service::App;
use crate::service::admin::{OrderFilter, TransferFilter, names, transfers};

/// Which orders, as the query says it.
pub struct OrderQuery<'a> {
    pub status: Option<&'a str>,
    pub q: Option<&'a str>,
    pub merchant_order_id: Option<&'a str>,
    pub blockchain: Option<&'a str>,
    pub token: Option<&'a str>,
}

impl OrderQuery<'_> {
    pub async fn read(self, app: &App) -> Result<OrderFilter, Failure> {
        Ok(OrderFilter {
            status: typed(self.status).map(order_status).transpose()?,
            merchant_order_id: given(self.merchant_order_id).map(str::to_owned),
            payment_chain: chain(app, self.blockchain).await?,
            payment_coin: coin(app, self.token).await?,
            search: typed(self.q).map(str::to_owned),
        })
    }
}

/// Which transfers, as the query says it.
pub struct TransferQuery<'a> {
    pub status: Option<&'a str>,
    pub blockchain: Option<&'a str>,
    pub token: Option<&'a str>,
    pub unmatched: Option<bool>,
    pub small: Option<bool>,
    pub q: Option<&'a str>,
}

impl TransferQuery<'_> {
    pub async fn read(self, app: &App) -> Result<TransferFilter, Failure> {
        let txn_hash = match typed(self.q) {
            Some(written) => Some(transfers::hash_as_stored(app, written).await?),
            None => None,
        };
        Ok(TransferFilter {
            wallet: None,
            status: typed(self.status).map(transfer_status).transpose()?,
            blockchain: chain(app, self.blockchain).await?,
            coin: coin(app, self.token).await?,
            txn_hash,
            unmatched: self.unmatched.unwrap_or(false) || self.small.is_some(),
            small: self.small,
        })
    }
}

/// The chain that a query names, in whatever case.
pub async fn chain(app: &App, written: Option<&str>) -> Result<Option<String>, Failure> {
    match typed(written) {
        Some(written) => Ok(Some(names::chain(app, written).await?)),
        None => Ok(None),
    }
}

/// The coin that a query names, in whatever case.
pub async fn coin(app: &App, written: Option<&str>) -> Result<Option<String>, Failure> {
    match typed(written) {
        Some(written) => Ok(Some(names::coin(app, written).await?)),
        None => Ok(None),
    }
}

fn order_status(name: &str) -> Result<OrderStatus, Failure> {
    OrderStatus::parse(name).ok_or(Failure::new(
        StatusCode::BAD_REQUEST,
        "invalid status: expected pending, paid, expired or cancelled",
    ))
}

fn transfer_status(name: &str) -> Result<TransferStatus, Failure> {
    TransferStatus::parse(name).ok_or(Failure::new(
        StatusCode::BAD_REQUEST,
        "invalid status: expected waiting_for_confirmation, failed_to_confirm, waiting_for_match, no_matched_deposit or matched",
    ))
}
