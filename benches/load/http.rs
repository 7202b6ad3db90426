//! Order creations and status reads, by few and by many connections.

use std::net::SocketAddr;

use serde_json::Value;

use crate::Plan;
use crate::client::{Measured, drive};
use crate::requests;
use crate::support::config::SECRET;
use crate::support::http;

/// More than any server here creates in a second.
const MOST_PER_SECOND: f64 = 40_000.0;

pub fn measure(plan: &Plan, url: &str) {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let to: SocketAddr = host.parse().expect("--url http://ADDRESS:PORT");
    println!(
        "{:<28} {:>5} {:>9} {:>9} {:>9}",
        "", "conns", "per s", "p50 ms", "p99 ms"
    );
    for connections in plan.connections {
        let each = (MOST_PER_SECOND * plan.duration.as_secs_f64()) as usize / connections + 1;
        let create: Vec<Vec<_>> = (0..connections)
            .map(|_| {
                (0..each)
                    .map(|_| requests::create_order(host, &plan.secret))
                    .collect()
            })
            .collect();
        report(
            "create order",
            connections,
            &drive(to, create, 201, false, plan.duration),
        );
    }
    let orders = create_some(host, &plan.secret, 100);
    for connections in plan.connections {
        for (name, request) in [
            (
                "status, Service API",
                requests::service_status as fn(&str, &str, &str) -> Vec<u8>,
            ),
            ("status, User API", requests::user_status),
        ] {
            let read: Vec<Vec<_>> = (0..connections)
                .map(|lane| {
                    let ids = orders.iter().cycle().skip(lane).take(orders.len());
                    ids.map(|id| request(host, &plan.secret, id)).collect()
                })
                .collect();
            report(
                name,
                connections,
                &drive(to, read, 200, true, plan.duration),
            );
        }
    }
}

fn report(name: &str, connections: usize, measured: &Measured) {
    println!(
        "{name:<28} {connections:>5} {:>9.0} {:>9.2} {:>9.2}",
        measured.rate(),
        measured.quantile(0.5),
        measured.quantile(0.99)
    );
    assert_eq!(measured.failures, 0, "{name}: answers of another status");
    assert!(measured.count() > 0, "{name}: no answer");
}

/// Orders to ask about.
pub fn create_some(host: &str, secret: &str, count: usize) -> Vec<String> {
    assert!(
        !secret.is_empty(),
        "--secret: the merchant's, {SECRET:?} in tests"
    );
    (0..count)
        .map(|_| {
            let request = requests::create_order(host, secret);
            let text = String::from_utf8(request).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a body");
            let signature = head
                .lines()
                .find_map(|l| l.strip_prefix("Ocrch-Signature: "))
                .expect("signed");
            let headers = [
                ("content-type", "application/json"),
                ("ocrch-signature", signature),
            ];
            let url = format!("http://{host}/api/v1/service/orders");
            let order: Value = http::send("POST", &url, &headers, body.as_bytes())
                .expect(201)
                .json();
            order["order_id"].as_str().expect("an id").to_owned()
        })
        .collect()
}
