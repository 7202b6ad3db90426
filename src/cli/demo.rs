//! `ocrch demo`: the whole flow with a simulated chain and a small shop, in a temporary directory.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bind::address;
use super::{logging, running};
use crate::chain::simulated::SimulatedChain;
use crate::clock::Clock;
use crate::config::{Config, ProviderConfig, ProviderKind, parse};
use crate::domain::address::{Address, Family};
use crate::domain::amount::Amount;
use crate::domain::registry::Blockchain;
use crate::domain::signature::origin_of;
use crate::http::demo::{PaymentAsk, Shop, add};
use crate::http::pages::CheckoutPage;
use crate::http::serve::bind;
use crate::service::App;

const CHAIN: &str = "demo";
const BLOCK_TIME: Duration = Duration::from_secs(1);
/// Whoever pays in the demo.
const SHOPPER: Address = Address::new(Family::Evm, [0x5b; 20]);

/// What the hash in the demo's configuration is of.
const ADMIN_SECRET: &str = "demo-admin-known-to-everybody";

#[derive(clap::Args)]
pub struct Args {
    /// Listen here: a loopback address
    #[arg(long, default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// A website that may show the checkout, as in merchant.allowed_origins; may be given several times
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
}

/// Runs the demo until it is told to stop; its directory goes with it.
pub fn run(args: Args) -> Result<(), String> {
    if !args.listen.ip().is_loopback() {
        return Err(format!(
            "the demo listens on loopback only, not on {}: its secrets are public",
            args.listen
        ));
    }
    logging::start("warn");
    let dir = temporary_directory()?;
    running::block_on(serve(args, dir.path()))
}

/// For a database that is gone afterwards.
pub(super) fn temporary_directory() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir().map_err(|e| {
        format!("cannot make a temporary directory: {e}; set TMPDIR to a directory where that is possible")
    })
}

async fn serve(args: Args, dir: &Path) -> Result<(), String> {
    let address = args.listen;
    let listener = bind(address).await.map_err(|e| {
        format!(
            "cannot listen on {address}: {e} (another port: ocrch demo --listen 127.0.0.1:8081)"
        )
    })?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let mut config = config(dir, &address.to_string())?;
    for origin in &args.allow_origin {
        let origin = origin_of(origin).ok_or_else(|| {
            format!("--allow-origin {origin}: expected scheme, host and port, such as http://127.0.0.1:4000")
        })?;
        config.merchant.allowed_origins.push(origin);
    }
    let clock = Clock::system();
    let ticking = clock.clone();
    let chain = SimulatedChain::new(Family::Evm, BLOCK_TIME, move || ticking.now_ms());
    let shop = shop(&config, chain.clone(), clock.clone());
    let url = config.server.public_url.clone();
    let app = App::open(config, clock).map_err(|e| e.to_string())?;
    greet(&url, dir);
    let parts = running::Parts {
        listener,
        checkout: CheckoutPage::Demo,
        extra: add(poem::Route::new(), Arc::new(shop)),
        simulated: Some(chain),
        source: None,
    };
    running::run(app, parts).await
}

fn greet(url: &str, dir: &Path) {
    // Whoever started the demo may have closed the pipe; the shop is open all the same.
    let _ = write!(
        std::io::stdout(),
        "The demo shop is open: {url}\n\n\
         Buy something there and pay with the simulated wallet; no real money is involved.\n\
         The merchant's dashboard: {url}/admin, with the secret {ADMIN_SECRET}\n\
         Its data is in {} and goes when the demo ends (Ctrl-C).\n",
        dir.display()
    );
}

/// The demo's configuration: the same parser as for every file, then the simulated provider, which no file can name.
pub fn config(dir: &Path, address: &str) -> Result<Config, String> {
    let text = include_str!("../../assets/demo/ocrch.toml").replace("127.0.0.1:8080", address);
    let parsed = parse(&text, "demo", dir).map_err(|errors| errors.to_string())?;
    let mut config = parsed.config;
    for chain in config
        .chains
        .values_mut()
        .filter(|c| c.chain.blockchain.as_str() == CHAIN)
    {
        chain.providers = vec![ProviderConfig {
            kind: ProviderKind::Simulated,
            url: String::new(),
            api_key: None,
            max_per_second: None,
            max_per_day: None,
        }];
    }
    Ok(config)
}

fn shop(config: &Config, chain: SimulatedChain, clock: Clock) -> Shop {
    let tokens = config
        .chain(&Blockchain::new(CHAIN))
        .map(|c| c.chain.tokens.clone())
        .unwrap_or_default();
    let pay = move |ask: &PaymentAsk| {
        let token = tokens.iter().find(|t| t.coin.as_str() == ask.stablecoin);
        let token = token.ok_or_else(|| format!("the demo's chain has no {}", ask.stablecoin))?;
        let wallet: Address = ask
            .wallet_address
            .parse()
            .map_err(|e| format!("wallet_address: {e}"))?;
        let amount = Amount::parse_order_amount(&ask.amount).map_err(|e| format!("amount: {e}"))?;
        let units = amount
            .to_base_units(token.decimals)
            .map_err(|e| format!("amount: {e}"))?;
        Ok(chain.send(token.contract, SHOPPER, wallet, units))
    };
    let secret = config.merchant.secret.expose().to_owned();
    Shop::new(
        config.server.public_url.clone(),
        secret,
        Box::new(pay),
        clock,
    )
}
