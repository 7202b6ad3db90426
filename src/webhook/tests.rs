use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::domain::signature::{Keys, Signature};

const SECRET: &str = "0123456789abcdef";
const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$mUqKZk2wQTg3m1gL7dMJ1fZ5vX1nB5Qf2gJ0aJ8YQ5s";
const BODY: &str = "{\"event_type\":\"order_status_changed\"}";

fn sender(webhooks: &str) -> Sender {
    let text = format!(
        "admin.secret = \"{HASH}\"\nmerchant.secret = \"{SECRET}\"\n[webhooks]\n{webhooks}"
    );
    Sender::new(
        &crate::config::parse(&text, "f", Path::new("/"))
            .unwrap()
            .config,
    )
}

fn post(sender: &Sender, url: &str) -> Outcome {
    sender.post(&Delivery {
        url,
        webhook_id: "evt_1",
        timestamp: 1_700_000_000,
        body: BODY,
    })
}

/// A receiver that runs `answer` on every connection after reading the request, and the requests it got.
fn receiver(answer: impl Fn(&mut TcpStream) + Send + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?shop=1", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = sender.send(request(&stream));
            answer(&mut stream);
        }
    });
    (url, requests)
}

fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let mut body = vec![0; BODY.len()];
    reader.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn says(text: &'static str) -> (String, Receiver<String>) {
    receiver(move |stream| stream.write_all(text.as_bytes()).unwrap())
}

#[test]
fn a_200_is_delivered_and_what_was_sent_verifies() {
    let (url, requests) = says("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\x1b[2Jok\n\n");
    let outcome = post(&sender(""), &url);
    assert!(outcome.delivered());
    assert_eq!(outcome.status, Some(200));
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.answer, "[2Jok");
    let request = requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?shop=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, BODY);
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .unwrap_or_else(|| panic!("{name}: {head}"))
            .1
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-id"), "evt_1");
    assert_eq!(header("webhook-timestamp"), "1700000000");
    assert_eq!(
        header("user-agent"),
        concat!("ocrch/", env!("CARGO_PKG_VERSION"))
    );
    let signature = Signature::parse(header("ocrch-signature")).unwrap();
    assert_eq!(signature.timestamp, 1_700_000_000);
    let keys = Keys {
        secret: SECRET,
        previous: None,
    };
    signature.verify_body(keys, body.as_bytes()).unwrap();
    assert!(header("ocrch-signature").ends_with('='));
}

#[test]
fn receivers_that_cannot_read_padding_get_none() {
    let (url, requests) = says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    post(&sender("padded_signatures = false"), &url);
    let request = requests.recv().unwrap().to_lowercase();
    let signature = request
        .lines()
        .find(|line| line.starts_with("ocrch-signature"));
    assert!(!signature.unwrap().ends_with('='), "{request}");
}

#[test]
fn only_exactly_200_is_delivered() {
    let check = |answer: &'static str, status: u16| {
        let (url, requests) = says(answer);
        let outcome = post(&sender(""), &url);
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
        assert!(!outcome.delivered());
        drop(requests.recv().unwrap());
        assert!(requests.try_recv().is_err(), "asked again after {answer}");
    };
    check("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201);
    check("HTTP/1.1 204 No Content\r\n\r\n", 204);
    check(
        "HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        301,
    );
    check(
        "HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nhi",
        307,
    );
    check("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404);
    check("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503);
}

#[test]
fn a_receiver_without_tls_is_told_to_have_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // What it was greeted with is read first: else the system resets the connection.
        let _ = stream.read(&mut [0; 4096]);
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    let error = post(&sender(""), &url).error.unwrap();
    let meaning = "it speaks no TLS there: is the address http://? (";
    assert!(error.starts_with(meaning), "{error}");
    assert!(error.contains("InvalidContentType"), "{error}");
}

#[test]
fn a_receiver_that_is_silent_or_slow_times_out() {
    let (url, _requests) = receiver(|_| std::thread::sleep(Duration::from_secs(5)));
    let outcome = post(&sender("timeout = \"200ms\""), &url);
    assert!(outcome.timed_out && outcome.status.is_none());
    assert_eq!(outcome.error.as_deref(), Some("no answer within 200ms"));
    assert!((200..2_000).contains(&outcome.latency_ms), "{outcome:?}");

    let (url, _requests) = receiver(|stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwait";
        stream.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_secs(5));
    });
    let outcome = post(&sender("timeout = \"200ms\""), &url);
    assert!(outcome.delivered(), "the status was there: {outcome:?}");
    assert!(
        outcome.timed_out && outcome.latency_ms < 2_000,
        "{outcome:?}"
    );
    assert_eq!(outcome.answer, "wait");
}

#[test]
fn a_receiver_that_is_not_there_or_speaks_no_http_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let check = |url: &str, expected: &str| {
        let outcome = post(&sender(""), url);
        assert_eq!(outcome.status, None);
        assert!(!outcome.timed_out);
        let error = outcome.error.unwrap();
        assert!(error.to_lowercase().contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1);
    };
    check(&url, "connection refused");
    check("http://no-such-host.invalid/", "");
    check("not a url", "");
    check(&says("SSH-2.0-OpenSSH_9.9\r\n\r\n").0, "");
    check(&receiver(|_| ()).0, "disconnected");
}

#[test]
fn of_a_huge_answer_only_the_beginning_is_read() {
    let (url, _requests) = receiver(|stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        while stream.write_all("ß".repeat(10_000).as_bytes()).is_ok() {}
    });
    let outcome = post(&sender(""), &url);
    assert!(outcome.delivered());
    assert_eq!(outcome.answer, "ß".repeat(100));
    assert!(outcome.latency_ms < 2_000, "{outcome:?}");
}

#[test]
fn no_character_is_cut_in_two() {
    for (answer, kept) in [
        ("€".repeat(100), "€".repeat(66)),
        (
            format!("a{}", "ß".repeat(200)),
            format!("a{}", "ß".repeat(99)),
        ),
        (format!("{}𝄞", "x".repeat(197)), "x".repeat(197)),
    ] {
        let (url, _requests) = receiver(move |stream| {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        assert_eq!(post(&sender(""), &url).answer, kept);
    }
    // What is no UTF-8 stays as far as it can be shown.
    assert_eq!(whole(b"\xff\x80"), b"\xff\x80");
    assert_eq!(whole(b""), b"");
}

#[test]
fn private_targets_are_refused_before_connecting_if_asked() {
    let (url, requests) = says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let port = url.rsplit(':').next().unwrap();
    let sender = sender("allow_private = false");
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let outcome = post(&sender, &format!("http://{host}:{port}"));
        let error = outcome.error.unwrap_or_default();
        assert_eq!(outcome.status, None, "{host}");
        assert!(error.contains("is not a public address"), "{host}: {error}");
    }
    assert!(requests.try_recv().is_err(), "connected all the same");
}

#[test]
fn connections_are_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // One connection only: a second one would never be answered.
        let (mut stream, _) = listener.accept().unwrap();
        loop {
            request(&stream);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let sender = sender("timeout = \"3s\"");
    for _ in 0..3 {
        assert!(post(&sender, &url).delivered());
    }
}
