//! The merchant's wallets.

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::Admin;
use super::answers::ListErrors;
use super::types::AdminWalletJson;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;

pub struct WalletsApi(pub Admin);

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl WalletsApi {
    /// List the wallets
    ///
    /// Those in the configuration, in its order.
    #[oai(path = "/wallets", method = "get", operation_id = "adminWallets")]
    async fn list(
        &self,
        request: &Request,
        _admin: AdminSecret,
    ) -> Result<Json<Vec<AdminWalletJson>>, ListErrors> {
        self.0.enter(request).await?;
        let config = self.0.app.config();
        Ok(Json(
            config.wallets.iter().map(AdminWalletJson::from).collect(),
        ))
    }
}
