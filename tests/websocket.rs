//! Following an order by WebSocket.

use std::time::Duration;

use crate::support::config::CHECKOUT_ORIGIN;
use crate::support::socket::Frame;
use crate::support::world::World;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Longer than the server waits before it closes on an error itself.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn the_order_comes_at_once_and_its_end_closes() {
    let world = World::start();
    let shopper = world.order("1.50");
    let mut socket = shopper.socket();
    assert_eq!(socket.order(), shopper.status());
    shopper.cancel().expect(200);
    assert_eq!(socket.order()["status"], "cancelled");
    socket.expect_close(1000);
}

#[test]
fn an_ended_order_is_told_and_closed() {
    let world = World::start();
    let shopper = world.order("1");
    shopper.cancel().expect(200);
    let mut socket = shopper.socket();
    assert_eq!(socket.order()["status"], "cancelled");
    socket.expect_close(1000);
}

#[test]
fn expiry_is_told() {
    let world = World::with(|config| {
        config.set("orders", "expires_after", "\"2s\"");
    });
    let mut socket = world.order("1").socket();
    socket.until(|order| order["status"] == "expired");
    socket.expect_close(1000);
}

#[test]
fn several_pages_follow_one_order() {
    let world = World::start();
    let shopper = world.order("1");
    let mut sockets: Vec<_> = (0..5).map(|_| shopper.socket()).collect();
    world.order("2").cancel().expect(200);
    for socket in &mut sockets {
        assert_eq!(socket.order()["status"], "pending");
    }
    shopper.cancel().expect(200);
    for socket in &mut sockets {
        assert_eq!(
            socket.order()["status"],
            "cancelled",
            "another order's news are not ours"
        );
        socket.expect_close(1000);
    }
}

#[test]
fn an_unknown_order_is_an_error_frame_first() {
    let world = World::start();
    let mut socket = world.shop.shopper(NOBODY).socket();
    let error = serde_json::json!({"type": "error", "code": 4004, "reason": "order not found"});
    assert_eq!(socket.next(), Frame::Json(error));
    assert_eq!(
        socket.next_within(Duration::from_secs(2)),
        None,
        "an error does not close"
    );
    assert_eq!(
        socket.next_within(PATIENCE),
        Some(Frame::Closed(Some(4004)))
    );
}

#[test]
fn a_stop_says_goodbye() {
    let mut world = World::start();
    let shopper = world.order("1");
    let (mut with_headers, mut with_ticket) = (
        shopper.socket(),
        shopper.socket_with_ticket(&shopper.ticket()),
    );
    with_headers.order();
    with_ticket.order();
    world.server.ask_to_stop();
    with_headers.expect_close(1001);
    with_ticket.expect_close(1001);
    assert!(world.server.stop_already_asked().success());
}

#[test]
fn upgrades_are_protected() {
    let world = World::start();
    let (shopper, other) = (world.order("1"), world.order("2"));
    shopper
        .refused_socket("", &[])
        .expect_error(401, "missing Ocrch-Signature header");
    shopper
        .refused_socket("", &other.headers())
        .expect_error(403, "signed url is for another order");
    let mut from_evil = shopper.headers().to_vec();
    from_evil.push(("origin", "https://evil.example.com"));
    shopper
        .refused_socket("", &from_evil)
        .expect_error(403, "origin not allowed");
    let ticket = format!("?ticket={}", shopper.ticket());
    shopper
        .refused_socket(&ticket, &[("origin", "https://evil.example.com")])
        .expect_error(403, "origin not allowed");
}

#[test]
fn a_plain_request_is_no_upgrade() {
    let world = World::start();
    let shopper = world.order("1");
    let reply = shopper.call("GET", &shopper.order_path("ws"), &serde_json::Value::Null);
    assert!((400..500).contains(&reply.status), "{reply:?}");
}

#[test]
fn a_ticket_opens_once() {
    let world = World::start();
    let shopper = world.order("1");
    let reply = shopper
        .call(
            "POST",
            &shopper.order_path("ws-ticket"),
            &serde_json::Value::Null,
        )
        .expect(201);
    assert_eq!(reply.json()["expires_in"], 30);
    let ticket = reply.json()["ticket"]
        .as_str()
        .expect("a ticket")
        .to_owned();
    let mut socket = shopper.socket_with_ticket(&ticket);
    assert_eq!(socket.order()["status"], "pending");
    shopper
        .refused_socket(&format!("?ticket={ticket}"), &[])
        .expect_error(401, "invalid ticket");
    socket.close();
    shopper
        .refused_socket(&format!("?ticket={ticket}"), &[])
        .expect_error(401, "invalid ticket");
}

#[test]
fn a_ticket_is_for_its_order() {
    let world = World::start();
    let (shopper, other) = (world.order("1"), world.order("2"));
    let ticket = format!("?ticket={}", other.ticket());
    shopper
        .refused_socket(&ticket, &[])
        .expect_error(401, "invalid ticket");
    for nonsense in ["?ticket=", "?ticket=nonsense", "?ticket=%00%ff"] {
        shopper
            .refused_socket(nonsense, &[])
            .expect_error(401, "invalid ticket");
    }
}

#[test]
fn a_sixth_ticket_drops_the_oldest() {
    let world = World::start();
    let shopper = world.order("1");
    let tickets: Vec<_> = (0..6).map(|_| shopper.ticket()).collect();
    shopper
        .refused_socket(&format!("?ticket={}", tickets[0]), &[])
        .expect_error(401, "invalid ticket");
    for ticket in &tickets[1..] {
        shopper.socket_with_ticket(ticket).order();
    }
}

#[test]
fn browsers_connect_from_allowed_origins() {
    let world = World::start();
    let shopper = world.order("1");
    for origin in [CHECKOUT_ORIGIN, &*world.server.base()] {
        let mut headers = shopper.headers().to_vec();
        headers.push(("origin", origin));
        let url = format!(
            "{}/api/v1/user{}",
            world.server.base(),
            shopper.order_path("ws")
        );
        crate::support::socket::Socket::open(&url, &headers).order();
    }
}

#[test]
fn a_quiet_connection_is_pinged() {
    let world = World::start();
    let mut socket = world.order("1").socket();
    assert!(socket.is_pinged_within(Duration::from_secs(35)));
}
