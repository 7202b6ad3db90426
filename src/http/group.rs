//! The groups of the API document.

use poem_openapi::Tags;

/// Groups of endpoints, by who calls them.
#[derive(Tags)]
pub enum Group {
    /// For your backend, which signs each request body with the merchant secret.
    #[oai(rename = "Service API")]
    Service,
    /// For the shopper's page, which shows a URL that your backend signed. Pages on `merchant.allowed_origins` may call it.
    #[oai(rename = "User API")]
    User,
    /// For whoever runs the shop: what happened, and mending what went wrong. Knows the admin's secret.
    #[oai(rename = "Admin API")]
    Admin,
}
