//! `ocrch serve`: run the server.

use std::net::SocketAddr;

use super::bind::{address, bind_at};
use super::reload::{Source, sealed};
use super::{ConfigArg, logging, running};
use crate::clock::Clock;
use crate::http::pages::CheckoutPage;
use crate::service::App;
use crate::store::{Lock, StoreError};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Listen here instead of at `server.listen`
    #[arg(long, value_parser = address)]
    listen: Option<SocketAddr>,
}

/// Runs the server until it is told to stop.
pub fn run(args: Args) -> Result<(), String> {
    logging::start("info");
    let source = Source {
        path: args.config.config,
        listen: args.listen,
    };
    let loaded = source.read().map_err(|errors| errors.to_string())?;
    let path = loaded.config.database.path.display().to_string();
    // Before anything else: a server that runs already has the address, too, and says nothing by it.
    let lock = Lock::on(&loaded.config.database.path).map_err(|e| format!("{path}: {e}"))?;
    running::block_on(async {
        let address = loaded.config.server.listen;
        let listener = bind_at(address, "server.listen").await?;
        let config = sealed(loaded);
        let public_url = config.server.public_url.clone();
        let app = App::open_locked(config, Clock::system(), lock);
        let app = app.map_err(|e| explain(&path, &e))?;
        tracing::info!(%address, public_url, database = path, version = env!("CARGO_PKG_VERSION"), "ready");
        let parts = running::Parts {
            listener,
            checkout: CheckoutPage::Bundled,
            extra: poem::Route::new(),
            simulated: None,
            source: Some(source),
        };
        running::run(app, parts).await
    })
}

/// Why a database cannot be opened, and what to do where the file is broken.
fn explain(path: &str, error: &StoreError) -> String {
    let advice = match error.is_damage() {
        true => {
            ": the file is damaged; restore the last backup with `ocrch restore`, and have the disk checked"
        }
        false => "",
    };
    format!("{path}: {error}{advice}")
}
