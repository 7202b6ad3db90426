//! Orders and their deposits.

use poem::Request;
use poem::http::StatusCode;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::answers::{DeedErrors, FindErrors, ListErrors};
use super::filters::{self, OrderQuery};
use super::lists::{Listed, between, given, listed, page};
use super::new_order::AdminNewOrderBody;
use super::order_detail::OrderDetailJson;
use super::types::{AdminDepositJson, AdminOrderJson, ReasonBody};
use super::{Admin, order_in_path};
use crate::domain::order::OrderId;
use crate::http::body::{OptionalJson, RawJson};
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::http::types::OrderJson;
use crate::service::admin::{DepositFilter, ListedOrder, deposits, orders};
use crate::service::create_order::create_as_admin;

pub struct OrdersApi(pub Admin);

#[derive(ApiResponse)]
enum Created {
    /// The order.
    #[oai(status = 201)]
    Order(Json<OrderJson>),
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl OrdersApi {
    /// List orders
    ///
    /// The newest first, twenty at a time. Filters go together: an order must fit all that are given. Where there is more,
    /// the header `Ocrch-Next-Cursor` has what to pass as `cursor` for the next page.
    #[oai(path = "/orders", method = "get", operation_id = "adminOrders")]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each parameter of the query"
    )]
    async fn list(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// `pending`, `paid`, `expired` or `cancelled`.
        status: Query<Option<String>>,
        /// Searches among what the other filters leave: an order's UUID, the hash of its payment's transaction, or the beginning of
        /// the merchant's id. Ids that begin so are sorted, the greatest first.
        q: Query<Option<String>>,
        /// Exactly this id of the merchant's.
        merchant_order_id: Query<Option<String>>,
        /// Chain of the payment that the order shows.
        blockchain: Query<Option<String>>,
        /// Coin of the payment that the order shows.
        token: Query<Option<String>>,
        /// Created at this Unix second or later.
        from: Query<Option<i64>>,
        /// Created at this Unix second or earlier.
        to: Query<Option<i64>>,
        /// 1 to 200, otherwise 20.
        limit: Query<Option<i64>>,
        /// How many to leave out, up to 100000; beyond that the list is empty. A `cursor` is quicker.
        offset: Query<Option<i64>>,
        /// The `Ocrch-Next-Cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Listed<AdminOrderJson>, ListErrors> {
        self.0.enter(request).await?;
        let page = between(page(*limit, *offset, cursor.as_deref())?, *from, *to);
        let query = OrderQuery {
            status: status.as_deref(),
            q: q.as_deref(),
            merchant_order_id: merchant_order_id.as_deref(),
            blockchain: blockchain.as_deref(),
            token: token.as_deref(),
        };
        let filter = query.read(&self.0.app).await?;
        let found = orders::list(&self.0.app, filter, page).await;
        let (rows, last) = found.map_err(Failure::from)?;
        Ok(listed(request, &page, self.rows(rows), last))
    }

    /// Create an order
    ///
    /// As the Service API does it, and without a `webhook_url` if nobody is to be told; for a payment link, say, which is the
    /// `checkout_url` of the answer. Where no wallet takes the coin, the chain or the sender that it asks for: 400 "nobody could
    /// pay this order: …", with what can be paid.
    #[oai(path = "/orders", method = "post", operation_id = "adminCreateOrder")]
    async fn create(
        &self,
        request: &Request,
        _admin: AdminSecret,
        body: RawJson<AdminNewOrderBody>,
    ) -> Result<Created, DeedErrors> {
        let actor = self.0.enter(request).await?;
        let made = create_as_admin(&self.0.app, body.parse()?.into(), actor).await;
        let order = OrderJson::for_merchant(&self.0.app.config(), made.map_err(Failure::from)?);
        Ok(Created::Order(Json(order)))
    }

    /// Look at one order
    ///
    /// With its deposits, transfers, webhooks and every attempt at them, what happened to it, and what admins did.
    #[oai(path = "/orders/:id", method = "get", operation_id = "adminOrder")]
    async fn find(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The order's UUID.
        id: Path<String>,
    ) -> Result<Json<OrderDetailJson>, FindErrors> {
        self.0.enter(request).await?;
        let found = orders::find(&self.0.app, order_in_path(&id)?).await;
        let detail = found.map_err(Failure::from)?;
        Ok(Json(OrderDetailJson::new(&self.0.app.config(), detail)))
    }

    /// Mark an order as paid
    ///
    /// Whatever became of it: the merchant got the money some other way. It fires the webhook and the WebSocket as a
    /// payment would. An order that is paid stays as it is, and nothing is fired. A transfer that is on its way to the order
    /// stays bound to it and will not be reported as unknown.
    #[oai(
        path = "/orders/:id/mark-paid",
        method = "post",
        operation_id = "adminMarkPaid"
    )]
    async fn mark_paid(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The order's UUID.
        id: Path<String>,
        body: OptionalJson<ReasonBody>,
    ) -> Result<Json<AdminOrderJson>, DeedErrors> {
        let actor = self.0.enter_with_reason(request, &body).await?;
        let paid = orders::mark_paid(&self.0.app, order_in_path(&id)?, actor).await;
        Ok(self.answer(paid.map_err(Failure::from)?))
    }

    /// Send an order's webhook again
    ///
    /// The event of its present status, with the same `webhook-id`, whatever became of it before. A pending order has
    /// none: 409 "order is pending". One made by hand may have nowhere to send it: 409 "order has no webhook_url".
    #[oai(
        path = "/orders/:id/resend-webhook",
        method = "post",
        operation_id = "adminResendOrderWebhook"
    )]
    async fn resend_webhook(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The order's UUID.
        id: Path<String>,
    ) -> Result<Json<AdminOrderJson>, DeedErrors> {
        let actor = self.0.enter(request).await?;
        let order = orders::resend_webhook(&self.0.app, order_in_path(&id)?, actor).await;
        Ok(self.answer(order.map_err(Failure::from)?))
    }

    /// List open deposits
    ///
    /// What customers were asked to pay and have not paid yet, the newest first: the exact value of a coin to a wallet on a
    /// chain. One order has as many as its customer has chosen ways to pay.
    #[oai(path = "/deposits", method = "get", operation_id = "adminDeposits")]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each parameter of the query"
    )]
    async fn deposits(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// The order's UUID.
        order_id: Query<Option<String>>,
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
    ) -> Result<Listed<AdminDepositJson>, ListErrors> {
        self.0.enter(request).await?;
        let page = page(*limit, *offset, cursor.as_deref())?;
        let order = given(order_id.as_deref()).map(order_named).transpose()?;
        let filter = DepositFilter {
            order: None,
            blockchain: filters::chain(&self.0.app, blockchain.as_deref()).await?,
            coin: filters::coin(&self.0.app, token.as_deref()).await?,
        };
        let found = deposits::list(&self.0.app, order, filter, page).await;
        let (rows, last) = found.map_err(Failure::from)?;
        let rows = rows.into_iter().map(|deposit| {
            let scanned_at = deposits::last_scanned_at(&self.0.app, &deposit);
            AdminDepositJson::new(deposit, scanned_at)
        });
        Ok(listed(request, &page, rows.collect(), last))
    }
}

impl OrdersApi {
    fn rows(&self, orders: Vec<ListedOrder>) -> Vec<AdminOrderJson> {
        let config = self.0.app.config();
        let orders = orders.into_iter();
        orders.map(|o| AdminOrderJson::new(&config, o)).collect()
    }

    fn answer(&self, order: ListedOrder) -> Json<AdminOrderJson> {
        Json(AdminOrderJson::new(&self.0.app.config(), order))
    }
}

fn order_named(id: &str) -> Result<OrderId, Failure> {
    order_in_path(id).map_err(|_| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "invalid order_id: expected the UUID of an order",
        )
    })
}
