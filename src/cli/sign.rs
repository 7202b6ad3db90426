//! `ocrch sign`: print an `Ocrch-Signature`, for trying the API by hand.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::merchant::MerchantArgs;
use super::print::print;
use crate::clock::{Clock, UnixSeconds};
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
    print(signature(args, Clock::system().now())?)
}

fn signature(args: Args, now: UnixSeconds) -> Result<String, String> {
    match args.what {
        What::Url { url, merchant } => Ok(sign_url(merchant.secret()?.expose(), now, &url)),
        What::Body { file, merchant } => {
            let body = read(&file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
            Ok(sign_body(merchant.secret()?.expose(), now, &body, true))
        }
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn urls_and_bodies_are_signed_with_the_secret_of_a_file_or_of_the_config() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let secret = file("secret", "0123456789abcdef\n");
        let config = file(
            "shop.toml",
            "merchant.secret_file = \"secret\"\nadmin.secret = \"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$mUqKZk2wQTg3m1gL7dMJ1fZ5vX1nB5Qf2gJ0aJ8YQ5s\"",
        );
        let body = file("body.json", "{\"order_id\":\"1\"}");
        let check = |words: &[&str], expected: &str| {
            let args = Cli::parse_from([&["sign"], words].concat()).args;
            assert_eq!(signature(args, 1_700_000_000).as_deref(), Ok(expected));
        };
        let url = "https://shop.example.com/pay?order_id=1";
        let of_url = sign_url("0123456789abcdef", 1_700_000_000, url);
        check(&["url", url, "--secret-file", &secret], &of_url);
        check(&["url", url, "-c", &config], &of_url);
        let marked = file("marked", "\u{feff}0123456789abcdef\r\n");
        check(&["url", url, "--secret-file", &marked], &of_url);
        let of_body = sign_body(
            "0123456789abcdef",
            1_700_000_000,
            b"{\"order_id\":\"1\"}",
            true,
        );
        check(&["body", &body, "-c", &config], &of_body);
    }
}
