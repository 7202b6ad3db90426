//! `ocrch openapi`: print the OpenAPI document.

use super::demo;
use super::print::print;
use crate::clock::Clock;
use crate::http::openapi::document_of;
use crate::service::App;

/// Prints the document that a running server has at `/openapi.json`.
pub fn run() -> Result<(), String> {
    // The document comes from the handlers, which hold an application: one over an empty database will do.
    let dir = demo::temporary_directory()?;
    let app = App::open(demo::config(dir.path(), "127.0.0.1:8080")?, Clock::system())
        .map_err(|e| e.to_string())?;
    let document = document_of(&app);
    print(document)
}
