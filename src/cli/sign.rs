//! `ocrch sign`: print an `Ocrch-Signature`, for trying the API by hand.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::merchant::MerchantArgs;
use crate::clock::Clock;
use crate::domain::signature::{sign_body, sign_url};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Sign a checkout URL, as for the User API
    Url {
        /// The whole URL, with the order's id in it
        url: String,
        #[command(flatten)]
        merchant: MerchantArgs,
    },
    /// Sign a request's body, as for the Service API
    Body {
        /// The file with the exact bytes that will be sent; - for stdin
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        merchant: MerchantArgs,
    },
}

/// Signs now and prints the header's value.
pub fn run(args: Args) -> Result<(), String> {
    let now = Clock::system().now();
    let signature = match args.what {
        What::Url { url, merchant } => sign_url(merchant.secret()?.expose(), now, &url),
        What::Body { file, merchant } => {
            let body = read(&file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
            sign_body(merchant.secret()?.expose(), now, &body, true)
        }
    };
    println!("{signature}");
    Ok(())
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
