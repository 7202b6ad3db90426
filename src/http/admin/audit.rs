//! The audit trail.

use poem::Request;
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::answers::ListErrors;
use super::lists::{Listed, listed, page};
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::admin::{AuditEntry, Place, audit};

pub struct AuditApi(pub Admin);

/// What an admin did.
#[derive(Object)]
#[oai(rename = "AuditEntry", example)]
pub struct AuditJson {
    pub id: i64,
    pub at: i64,
    /// The address that the request came from.
    pub client: String,
    /// `mark_paid`, `resend_webhook`, `create_order`, `assign_transfer`, `ignore_transfer`, `unignore_transfer` or
    /// `test_webhook`.
    pub action: String,
    #[oai(skip_serializing_if_is_none)]
    pub order_id: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub transfer_id: Option<i64>,
    #[oai(skip_serializing_if_is_none)]
    pub reason: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    pub detail: Option<String>,
}

impl From<AuditEntry> for AuditJson {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.row,
            at: entry.at,
            client: entry.client,
            action: entry.action,
            order_id: entry.order_id,
            transfer_id: entry.transfer_id,
            reason: entry.reason,
            detail: entry.detail,
        }
    }
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl AuditApi {
    /// List what admins did
    ///
    /// Newest first. Nothing is ever taken out of this list.
    #[oai(path = "/audit", method = "get", operation_id = "adminAudit")]
    async fn list(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// 1 to 200, otherwise 20.
        limit: Query<Option<i64>>,
        /// How many to leave out, up to 100000; beyond that the list is empty. A `cursor` is quicker.
        offset: Query<Option<i64>>,
        /// The `Ocrch-Next-Cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Listed<AuditJson>, ListErrors> {
        self.0.enter(request).await?;
        let page = page(*limit, *offset, cursor.as_deref())?;
        let before = page.after.map(|place| place.row);
        let found = audit::list(&self.0.app, before, page.limit, page.offset).await;
        let rows = found.map_err(Failure::from)?;
        let last = rows.last().map(|e| Place {
            at: e.at,
            row: e.row,
        });
        let rows = rows.into_iter().map(AuditJson::from);
        Ok(listed(request, &page, rows.collect(), last))
    }
}
