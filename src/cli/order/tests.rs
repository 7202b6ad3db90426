//! What is asked of a server, and what is made of its answers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use clap::Parser;

use super::*;
use crate::domain::signature::{Keys, Signature};

const ID: &str = "01a205c5-3247-713b-90df-95f698ceacfd";

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
    let error = ask(&url, &["status", ID]).unwrap_err();
    assert!(error.starts_with(&format!("{url}/api/v1/service/orders/status: ")));
    let advice = "no server answers there: is `ocrch serve` running?";
    assert!(
        error.contains(advice) && error.contains("--server"),
        "{error}"
    );
}

#[test]
fn a_server_without_its_scheme_is_said_to_lack_it() {
    let error = ask("127.0.0.1:38100", &["status", ID]).unwrap_err();
    assert_eq!(
        error,
        "--server: found \"127.0.0.1:38100\", expected an http or https URL, such as \"http://127.0.0.1:8080\""
    );
}

#[test]
fn a_server_without_tls_is_told_to_have_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    let error = ask(&url, &["status", ID]).unwrap_err();
    assert!(error.contains("it speaks no TLS there"), "{error}");
}

#[test]
fn another_websites_answer_is_told_in_a_line() {
    let page = "\n<!doctype html>\n<title>News</title>\n<p>All of it.";
    for (status, body, line) in [
        ("404 Not Found", page, "<!doctype html>"),
        ("200 OK", page, "<!doctype html>"),
        ("200 OK", "It works!", "It works!"),
    ] {
        let (url, _thread) = server(status, body);
        let error = ask(&url, &["status", ID]).unwrap_err();
        let said = format!("{status}, and not as Ocrch answers");
        assert!(error.contains(&said), "{error}");
        let expected = "expected the address of an Ocrch in --server";
        assert!(error.contains(expected), "{error}");
        assert!(error.ends_with(&format!(" It says: {line}")), "{error}");
    }
}

#[test]
fn options_that_cannot_be_right_are_told_what_would_be() {
    let said = |words: &[&str]| match Cli::try_parse_from([&["order"], words].concat()) {
        Ok(_) => panic!("{words:?} is taken"),
        Err(error) => error.to_string(),
    };
    for id in ["", "A-1042"] {
        let said = said(&["cancel", id]);
        assert!(said.contains("expected the server's id, a UUID"), "{said}");
    }
    let order = ["create", "--amount", "1", "--webhook-url", "http://x"];
    let said = said(&[&order[..], &["--expires-in", "30m"]].concat());
    assert!(
        said.contains("expected seconds, a whole number from 60 to 604800"),
        "{said}"
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
    assert_eq!(ask(&url, &["status", ID]).unwrap(), r#"{"status":"paid"}"#);
    let request = thread.join().unwrap();
    assert!(
        request.starts_with("POST /api/v1/service/orders/status "),
        "{request}"
    );
    assert!(
        request.ends_with(r#"{"order_id":"01a205c5-3247-713b-90df-95f698ceacfd"}"#),
        "{request}"
    );

    let (url, _thread) = server("409 Conflict", "order is not pending");
    let error = ask(&url, &["cancel", ID]).unwrap_err();
    assert_eq!(
        error,
        "the server answered 409 Conflict: order is not pending"
    );

    let (url, _thread) = server("200 OK", "{}");
    assert!(
        ask(&url, &["status", ID, "--url"])
            .unwrap_err()
            .contains("switched off")
    );
}
