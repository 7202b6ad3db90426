//! `ocrch order`: talk to a running server's Service API, as the merchant's backend does.

use std::io::ErrorKind;
use std::time::Duration;

use serde::Serialize;
use ureq::Agent;
use uuid::Uuid;

use super::merchant::MerchantArgs;
use super::print::print;
use crate::clock::Clock;
use crate::domain::signature::{origin_of, sign_body};
use crate::webhook;

/// A server that takes longer than this is not well.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Create an order and print it as JSON
    Create {
        #[command(flatten)]
        order: Box<NewOrder>,
        /// The same key with the same order never makes a second one
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print an order as JSON
    Status {
        #[command(flatten)]
        order: Reference,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Cancel an order that is not paid yet
    Cancel {
        #[command(flatten)]
        order: Reference,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// The body of a create request, field by field.
#[derive(clap::Args, Serialize)]
struct NewOrder {
    /// What the customer shall pay, such as 19.99
    #[arg(long, allow_negative_numbers = true)]
    amount: String,
    /// Your own id for it; made up if absent
    #[arg(long, value_name = "ID", default_value_t = made_up_id())]
    order_id: String,
    /// Where changes of its status are POSTed
    #[arg(long, value_name = "URL")]
    webhook_url: String,
    /// Only this blockchain, such as eth
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    blockchain: Option<String>,
    /// Only this coin, such as USDT
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    stablecoin: Option<String>,
    /// Only payments from this address count
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    expecting_wallet_address: Option<String>,
    /// Shown to the customer
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Seconds until it expires
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    /// Where the checkout page sends the customer after paying
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<String>,
    /// Where the checkout page sends the customer who gives up
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<String>,
}

/// The body of the other requests.
#[derive(clap::Args, Serialize)]
struct Reference {
    /// The server's id of the order
    #[arg(value_parser = servers_id)]
    order_id: String,
}

#[derive(clap::Args)]
struct ServerArgs {
    #[command(flatten)]
    merchant: MerchantArgs,
    /// The server's address, instead of the configuration's server.public_url
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Print only the address of the order's checkout page
    #[arg(long)]
    url: bool,
}

/// Asks the server and prints its answer; the error is what the server said is wrong.
pub fn run(args: Args) -> Result<(), String> {
    print(answer(args)?)
}

fn answer(args: Args) -> Result<String, String> {
    match args.action {
        Action::Create {
            order,
            idempotency_key,
            server,
        } => server.ask("orders", &order, idempotency_key.as_deref()),
        Action::Status { order, server } => server.ask("orders/status", &order, None),
        Action::Cancel { order, server } => server.ask("orders/cancel", &order, None),
    }
}

impl ServerArgs {
    /// What to print: the server's answer, or the address in it.
    fn ask(
        &self,
        path: &str,
        body: &impl Serialize,
        idempotency_key: Option<&str>,
    ) -> Result<String, String> {
        let body = serde_json::to_vec(body).map_err(|e| e.to_string())?;
        let order = self.post(path, &body, idempotency_key)?;
        if self.url {
            checkout_url(&order)
        } else {
            Ok(order)
        }
    }

    fn post(
        &self,
        path: &str,
        body: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<String, String> {
        let base = match &self.server {
            Some(url) if origin_of(url).is_none() => {
                return Err(format!(
                    "--server: found {url:?}, expected an http or https URL, such as \"http://127.0.0.1:8080\""
                ));
            }
            Some(url) => url.clone(),
            None => self.merchant.config()?.server.public_url,
        };
        let url = format!("{}/api/v1/service/{path}", base.trim_end_matches('/'));
        let secret = self.merchant.secret()?;
        let signature = sign_body(secret.expose(), Clock::system().now(), body, true);
        let mut request = agent()
            .post(&url)
            .header("Content-Type", "application/json")
            .header("Ocrch-Signature", signature);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let failed = |e: ureq::Error| format!("{url}: {}", explain(&e));
        let mut answer = request.send(body).map_err(failed)?;
        let text = answer.body_mut().read_to_string().map_err(failed)?;
        match answer.status() {
            status if !is_ocrchs(status.is_success(), &text) => Err(format!(
                "{url}: {status}, and not as Ocrch answers: it is another website, or a proxy with no Ocrch behind it; expected \
                 the address of an Ocrch in --server, or in server.public_url of the configuration. It says: {}",
                beginning(&text)
            )),
            status if status.is_success() => Ok(text),
            status => Err(format!("the server answered {status}: {}", text.trim())),
        }
    }
}

fn agent() -> Agent {
    let settings = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        // The text of an error says what is wrong.
        .http_status_as_error(false)
        .proxy(None)
        .build();
    Agent::new_with_config(settings)
}

/// What failed, and what to look at where nobody is there to answer.
fn explain(error: &ureq::Error) -> String {
    let nobody = match error {
        ureq::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        _ => false,
    };
    match nobody {
        true => format!(
            "{error}: no server answers there: is `ocrch serve` running? Its address is that of --server, or server.public_url \
             of the configuration"
        ),
        false => webhook::explain(error),
    }
}

/// Whether the Service API can have answered so: orders are JSON, and refusals never a page.
fn is_ocrchs(is_order: bool, answer: &str) -> bool {
    match is_order {
        true => serde_json::from_str::<serde_json::Value>(answer).is_ok(),
        false => !answer.trim_start().starts_with('<'),
    }
}

/// The first line of what another one says, and of a long one its beginning.
fn beginning(page: &str) -> String {
    let line = page.trim_start().lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The server says which ones it takes; what is no number does not get there.
fn seconds(text: &str) -> Result<u64, String> {
    let expected = "expected seconds, a whole number from 60 to 604800 (7 days)";
    text.parse().map_err(|_| expected.to_owned())
}

/// An id that can be one of the server's, as it was written.
fn servers_id(text: &str) -> Result<String, String> {
    let expected =
        "expected the server's id, a UUID: the `order_id` in what `ocrch order create` prints";
    Uuid::parse_str(text).map_err(|_| expected)?;
    Ok(text.to_owned())
}

fn checkout_url(answer: &str) -> Result<String, String> {
    let order: serde_json::Value =
        serde_json::from_str(answer).map_err(|e| format!("the server's answer is no JSON: {e}"))?;
    let url = order["checkout_url"].as_str();
    Ok(url
        .ok_or("the server has its checkout page switched off (checkout.enabled)")?
        .to_owned())
}

fn made_up_id() -> String {
    format!("cli-{}", Uuid::now_v7())
}

#[cfg(test)]
mod tests;
