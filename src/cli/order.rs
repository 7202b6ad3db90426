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
    #[arg(long, value_name = "SECONDS")]
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
        false => error.to_string(),
    }
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
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use clap::Parser;

    use super::*;
    use crate::domain::signature::{Keys, Signature};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    /// A server that gives one answer; the thread ends with the request it got.
    fn server(status: &str, body: &str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            while !request.ends_with('}') {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap();
                request += std::str::from_utf8(&buffer[..read]).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
            request
        });
        (url, thread)
    }

    fn ask(server: &str, words: &[&str]) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef\n").unwrap();
        let secret = secret.display().to_string();
        let options = ["--server", server, "--secret-file", &secret];
        let words = [&["order"], words, &options].concat();
        answer(Cli::parse_from(words).args)
    }

    #[test]
    fn a_request_is_signed_and_has_only_what_was_given() {
        let (url, thread) = server(
            "201 Created",
            r#"{"checkout_url":"http://x/checkout?order_id=1"}"#,
        );
        let words = [
            "create",
            "--amount",
            "19.99",
            "--order-id",
            "a-1",
            "--webhook-url",
            "http://shop/hook",
        ];
        let more = ["--idempotency-key", "k1", "--url"];
        assert_eq!(
            ask(&url, &[&words[..], &more].concat()).unwrap(),
            "http://x/checkout?order_id=1"
        );
        let request = thread.join().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("POST /api/v1/service/orders HTTP/1.1\r\n"),
            "{head}"
        );
        assert_eq!(
            body,
            r#"{"amount":"19.99","order_id":"a-1","webhook_url":"http://shop/hook"}"#
        );
        let head = head.to_lowercase();
        assert!(head.lines().any(|l| l == "idempotency-key: k1"), "{head}");
        let header = request
            .lines()
            .find_map(|l| l.strip_prefix("ocrch-signature: "))
            .unwrap();
        let keys = Keys {
            secret: "0123456789abcdef",
            previous: None,
        };
        Signature::parse(header)
            .unwrap()
            .verify_body(keys, body.as_bytes())
            .unwrap();
    }

    #[test]
    fn a_server_that_is_not_there_is_said_to_be_none() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let error = ask(&url, &["status", "some-id"]).unwrap_err();
        assert!(error.starts_with(&format!("{url}/api/v1/service/orders/status: ")));
        let advice = "no server answers there: is `ocrch serve` running?";
        assert!(
            error.contains(advice) && error.contains("--server"),
            "{error}"
        );
    }

    #[test]
    fn a_server_without_its_scheme_is_said_to_lack_it() {
        let error = ask("127.0.0.1:38100", &["status", "some-id"]).unwrap_err();
        assert_eq!(
            error,
            "--server: found \"127.0.0.1:38100\", expected an http or https URL, such as \"http://127.0.0.1:8080\""
        );
    }

    /// What is right is the server's to say.
    #[test]
    fn a_negative_amount_reaches_the_server() {
        let (url, thread) = server("400 Bad Request", "invalid amount: …");
        let words = ["create", "--amount", "-5", "--webhook-url", "http://shop/"];
        let error = ask(&url, &words).unwrap_err();
        assert_eq!(
            error,
            "the server answered 400 Bad Request: invalid amount: …"
        );
        let request = thread.join().unwrap();
        assert!(request.contains("{\"amount\":\"-5\","), "{request}");
    }

    #[test]
    fn answers_are_printed_as_they_are_and_errors_with_their_text() {
        let (url, thread) = server("200 OK", r#"{"status":"paid"}"#);
        assert_eq!(
            ask(&url, &["status", "some-id"]).unwrap(),
            r#"{"status":"paid"}"#
        );
        let request = thread.join().unwrap();
        assert!(
            request.starts_with("POST /api/v1/service/orders/status "),
            "{request}"
        );
        assert!(request.ends_with(r#"{"order_id":"some-id"}"#), "{request}");

        let (url, _thread) = server("409 Conflict", "order is not pending");
        let error = ask(&url, &["cancel", "some-id"]).unwrap_err();
        assert_eq!(
            error,
            "the server answered 409 Conflict: order is not pending"
        );

        let (url, _thread) = server("200 OK", "{}");
        assert!(
            ask(&url, &["status", "some-id", "--url"])
                .unwrap_err()
                .contains("switched off")
        );
    }
}
