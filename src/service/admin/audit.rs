//! The audit trail.

use crate::service::App;
use crate::store::StoreError;
use crate::store::audit::{self, Entry};

/// A page of what admins did, newest first, from before a line on.
pub async fn list(
    app: &App,
    before: Option<i64>,
    limit: u32,
    offset: u32,
) -> Result<Vec<Entry>, StoreError> {
    app.db()
        .read_long(move |c| audit::list(c, before, limit, offset))
        .await
}
