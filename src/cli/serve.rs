//! `ocrch serve`: run the server.

use std::net::SocketAddr;

use super::{ConfigArg, logging, running};
use crate::clock::Clock;
use crate::config::{Loaded, load};
use crate::http::pages::CheckoutPage;
use crate::http::serve::bind;
use crate::service::App;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Listen here instead of at `server.listen`
    #[arg(long)]
    listen: Option<SocketAddr>,
}

/// Runs the server until it is told to stop.
pub fn run(args: Args) -> Result<(), String> {
    let loaded = load(&args.config.config).map_err(|errors| errors.to_string())?;
    logging::start("info");
    loaded
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    seal(&loaded);
    let mut config = loaded.config;
    if let Some(address) = args.listen {
        config.listen_on(address);
    }
    let (address, public_url) = (config.server.listen, config.server.public_url.clone());
    running::block_on(async {
        let listener = bind(address)
            .await
            .map_err(|e| format!("cannot listen on {address}: {e}"))?;
        let path = config.database.path.display().to_string();
        let app = App::open(config, Clock::system()).map_err(|e| format!("{path}: {e}"))?;
        tracing::info!(%address, public_url, database = path, version = env!("CARGO_PKG_VERSION"), "ready");
        let parts = running::Parts {
            listener,
            checkout: CheckoutPage::Bundled,
            extra: poem::Route::new(),
            simulated: None,
        };
        running::run(app, parts).await
    })
}

/// Replaces a plain admin secret in the file by its hash.
fn seal(loaded: &Loaded) {
    match loaded.seal() {
        Ok(true) => tracing::info!("admin.secret in the configuration was replaced by its hash"),
        Ok(false) => {}
        Err(warning) => tracing::warn!("{warning}"),
    }
}
