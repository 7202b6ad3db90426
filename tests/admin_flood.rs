//! A flood of wrong admin secrets: shoppers are served all the same, and the right secret gets in.
//!
//! `OCRCH_TEST_FLOOD=10` floods for so many seconds and measures: reads must keep half of their throughput. Otherwise it is
//! counted what they keep it by: threads that compute, and guesses that are answered without a warning.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::admin::Admin;
use crate::support::config::Config;
use crate::support::http;
use crate::support::server::Server;
use crate::support::shop::{Shop, Shopper, order_body};
use crate::support::wait;

const FLOODERS: usize = 16;
const READERS: usize = 4;

/// A hash as dear as merchants have it.
fn hash_of(secret: &str) -> String {
    let output = Command::new("sh")
        .arg("-c")
        .arg("printf '%s\\n' \"$1\" | \"$2\" hash-secret")
        .args(["sh", secret, env!("CARGO_BIN_EXE_ocrch")])
        .output()
        .expect("sh(1)");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// Status reads of some shoppers for a while; how many were answered.
fn reads(shopper: &Shopper, time: Duration) -> usize {
    let end = Instant::now() + time;
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let shopper = shopper.clone();
            thread::spawn(move || {
                let mut count = 0;
                while Instant::now() < end {
                    assert_eq!(shopper.status()["status"], "pending");
                    count += 1;
                }
                count
            })
        })
        .collect();
    readers.into_iter().map(|r| r.join().expect("read")).sum()
}

/// A request with a secret of which nobody waits for the answer.
fn ask_and_leave(server: &Server, secret: &str) {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    let request = format!(
        "GET /api/v1/admin/wallets HTTP/1.1\r\nhost: a\r\nocrch-admin-authorization: {secret}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("a request");
    // Long enough to be read, and not to be answered.
    thread::sleep(Duration::from_millis(2));
}

/// The threads of the server.
fn threads(server: &Server) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid()));
    tasks.expect("a process").count()
}

/// The most threads that the server has until the stop.
fn most_threads_until(server: &Server, stop: Arc<AtomicBool>) -> thread::JoinHandle<usize> {
    let tasks = format!("/proc/{}/task", server.pid());
    thread::spawn(move || {
        let mut most = 0;
        while !stop.load(Ordering::Relaxed) {
            most = most.max(std::fs::read_dir(&tasks).expect("a process").count());
            thread::sleep(Duration::from_millis(5));
        }
        most
    })
}

/// Each of them would compute on a thread of its own, all at once.
#[test]
fn clients_that_hang_up_leave_no_work_behind() {
    let mut config = Config::new();
    config.set_text("admin", "secret", &hash_of("the right secret"));
    let server = Server::start(&config);
    let admin = |secret: &str| Admin {
        base: server.base(),
        secret: secret.to_owned(),
    };
    let check = |secret: &str| admin(secret).call("GET", "/wallets", &Value::Null);
    check("a first guess").expect(401);
    let before = threads(&server);
    let mut most = 0;
    for guess in 0..300 {
        ask_and_leave(&server, &format!("guess {guess}"));
        most = most.max(threads(&server));
    }
    assert!(most <= before + 2, "{most} threads, and {before} before");
    check("the right secret").expect(200);
    // One that was begun is counted, whether anybody waits for it or not.
    wait::until("failures to be too many", || {
        ask_and_leave(&server, "one more guess");
        (check("a last guess").status == 429).then_some(())
    });
}

#[test]
fn a_flood_of_wrong_secrets_stalls_nobody() {
    let seconds = std::env::var("OCRCH_TEST_FLOOD").ok();
    let measured: Option<u64> = seconds.map(|s| s.parse().expect("OCRCH_TEST_FLOOD is a number"));
    let time = Duration::from_secs(measured.unwrap_or(3));
    let mut config = Config::new();
    config.set_text("admin", "secret", &hash_of("the right secret"));
    let server = Server::start(&config);
    let shop = Shop {
        base: server.base(),
    };
    let order = shop.create(&order_body("5", "http://127.0.0.1:1/"));
    let shopper = shop.shopper(order["order_id"].as_str().expect("an id"));
    let quiet = reads(&shopper, time);
    let threads_before = threads(&server);

    let began = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicUsize::new(0));
    let unwarned = Arc::new(AtomicUsize::new(0));
    let begin = Arc::new(Barrier::new(FLOODERS + 1));
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|i| {
            let (stop, refused, begin) = (stop.clone(), refused.clone(), begin.clone());
            let unwarned = unwarned.clone();
            let admin = Admin {
                base: server.base(),
                secret: String::new(),
            };
            thread::spawn(move || {
                begin.wait();
                let mut guess = 0;
                while !stop.load(Ordering::Relaxed) {
                    guess += 1;
                    let secret = format!("guess {i} {guess}");
                    let headers = [("ocrch-admin-authorization", &*secret)];
                    // At the end the server may be gone.
                    let Ok(reply) = http::try_send("GET", &admin.url("/wallets"), &headers, b"")
                    else {
                        return;
                    };
                    assert!([401, 429].contains(&reply.status), "{reply:?}");
                    refused.fetch_add(1, Ordering::Relaxed);
                    unwarned.fetch_add(usize::from(reply.status == 401), Ordering::Relaxed);
                }
            })
        })
        .collect();
    begin.wait();
    let admin = Admin {
        base: server.base(),
        secret: "the right secret".to_owned(),
    };
    // From the same address, and never seen before.
    let entering = thread::spawn(move || {
        let start = Instant::now();
        admin.get("/wallets");
        let first = start.elapsed();
        let start = Instant::now();
        admin.get("/wallets");
        (first, start.elapsed())
    });
    let most_threads = most_threads_until(&server, stop.clone());
    let flooded = reads(&shopper, time);
    let (first, again) = entering.join().expect("the right secret gets in");
    stop.store(true, Ordering::Relaxed);
    for flooder in flooders {
        flooder.join().expect("a flooder");
    }
    let refused = refused.load(Ordering::Relaxed);
    assert!(flooded > 0 && refused > 0);
    // One computes for all the flooders.
    let most_threads = most_threads.join().expect("a count");
    assert!(
        most_threads <= threads_before + 2,
        "{most_threads} threads, and {threads_before} before"
    );
    // Ten of a client, and one more for each ten seconds.
    let (unwarned, free) = (
        unwarned.load(Ordering::Relaxed),
        11 + began.elapsed().as_secs() as usize / 10,
    );
    assert!(
        unwarned <= free,
        "{unwarned} of {refused} guesses were answered as if there had been no other"
    );
    if measured.is_some() {
        let kept = flooded as f64 / quiet as f64;
        println!(
            "flood of wrong secrets: {quiet} reads without, {flooded} with it ({kept:.2}); {refused} secrets refused; \
             the right one got in after {first:?}, then after {again:?}"
        );
        assert!(
            kept >= 0.5,
            "reads keep half of their throughput: {kept:.2}"
        );
    }
}
