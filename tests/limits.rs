//! Clients that take too much: of places, of time, of bytes.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::config::Config;
use crate::support::http;
use crate::support::net;
use crate::support::server::Server;
use crate::support::socket::{Frame, Socket};
use crate::support::wait;
use crate::support::world::World;

/// Longer than any client is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

fn server(change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config::new();
    change(&mut config);
    Server::start(&config)
}

/// A connection that says nothing by itself.
fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a timeout");
    stream
}

/// One from another address of this machine.
fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from.parse().expect("an address"), 0))?;
        socket.connect(to).await?.into_std()
    });
    let stream = stream.expect("the server listens");
    stream.set_nonblocking(false).expect("a socket");
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a timeout");
    stream
}

/// A connection that has a place. The one that asked whether the server is up may still be on its way out.
fn placed(to: SocketAddr) -> TcpStream {
    wait::until("a place", || {
        let mut stream = connect(to);
        (ask(&mut stream) == Some(200)).then_some(stream)
    })
}

/// Asks for `/health` on an open connection; the status of the answer.
fn ask(stream: &mut TcpStream) -> Option<u16> {
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n");
    answer(stream)
}

/// The status of the answer, if one comes.
fn answer(stream: &mut TcpStream) -> Option<u16> {
    let mut answer = Vec::new();
    wait::until("an answer", || {
        let mut some = [0; 1024];
        match stream.read(&mut some) {
            Ok(0) => return Some(()),
            Ok(read) => answer.extend_from_slice(&some[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Some(()),
        }
        answer.windows(4).any(|w| w == b"\r\n\r\n").then_some(())
    });
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// Waits until the server has closed the connection; gives what it sent until then.
fn wait_for_end(stream: &mut TcpStream) -> usize {
    let mut received = 0;
    wait::until_within(PATIENCE, "the end of the connection", || {
        let mut some = [0; 64 * 1024];
        match stream.read(&mut some) {
            Ok(0) => Some(()),
            Ok(read) => {
                received += read;
                None
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(_) => Some(()),
        }
    });
    received
}

/// The numbers of the server's open files.
fn descriptors(server: &Server) -> Vec<usize> {
    let open = fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("a process");
    open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// Whether a client's connection is still the server's, and not just the system's, which may have bytes left to send.
fn holds(server: &Server, client: SocketAddr) -> bool {
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", server.pid())).expect("a process");
    let port = |address: &str| {
        let (_, port) = address.split_once(':')?;
        u16::from_str_radix(port, 16).ok()
    };
    table.lines().skip(1).any(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let ends = (port(columns[1]), port(columns[2]));
        // One that nobody holds any more has no inode.
        ends == (Some(server.address().port()), Some(client.port())) && columns[9] != "0"
    })
}

#[test]
fn long_urls_and_headers_are_refused() {
    let server = server(|_| {});
    let status = |url: &str, header: &str| {
        let mut stream = connect(server.address());
        let head = format!("GET {url} HTTP/1.1\r\nhost: a\r\n{header}\r\n");
        // It may be refused before it has been read.
        let _ = stream.write_all(head.as_bytes());
        answer(&mut stream)
    };
    assert_eq!(status("/health", ""), Some(200));
    assert_eq!(
        status(&format!("/health?{}", "x".repeat(8000)), ""),
        Some(200)
    );
    assert_eq!(
        status(&format!("/health?{}", "x".repeat(9000)), ""),
        Some(414)
    );
    assert_eq!(
        status("/health", &format!("x: {}\r\n", "y".repeat(32_000))),
        Some(200)
    );
    assert_eq!(
        status("/health", &format!("x: {}\r\n", "y".repeat(64 * 1024))),
        Some(431)
    );
    assert_eq!(status("/health", &"x: y\r\n".repeat(200)), Some(431));
}

/// Where the parser refuses a request by itself, no rules for browsers go along: then there must be nothing to show.
#[test]
fn a_refusal_has_rules_for_browsers_or_no_body() {
    let server = server(|_| {});
    let long = format!("{}/health?{}", server.base(), "x".repeat(9000));
    let ours = http::send("GET", &long, &[], b"");
    ours.expect_error(414, "URL too long");
    assert_eq!(ours.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(ours.header("x-frame-options"), Some("DENY"));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200));
    for (request, status) in [(&*many, 431), ("no request\r\n\r\n", 400)] {
        let mut stream = connect(server.address());
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.set_read_timeout(Some(PATIENCE));
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        assert!(
            answer.starts_with(&format!("http/1.1 {status} ")),
            "{answer}"
        );
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.contains("content-length: 0") && body.is_empty(),
            "{answer}"
        );
    }
}

#[test]
fn who_writes_its_request_slowly_is_cut_off_and_who_rests_is_not() {
    let server = server(|_| {});
    let mut resting = connect(server.address());
    assert_eq!(ask(&mut resting), Some(200));
    let mut slow = connect(server.address());
    let mut again = connect(server.address());
    assert_eq!(ask(&mut again), Some(200));
    let began = Instant::now();
    wait::until_within(PATIENCE, "both to be cut off", || {
        // A byte now and then, for the first request of a connection and for a later one.
        let gone = |stream: &mut TcpStream| {
            let _ = stream.write_all(b"G");
            thread::sleep(Duration::from_millis(200));
            stream.write_all(b"G").is_err()
        };
        (gone(&mut slow) & gone(&mut again)).then_some(())
    });
    assert!(
        began.elapsed() > Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(ask(&mut resting), Some(200), "rest is no slowness");
}

#[test]
fn who_does_not_read_its_answers_is_cut_off() {
    let server = server(|_| {});
    let mut deaf = connect(server.address());
    assert_eq!(ask(&mut deaf), Some(200));
    let client = deaf.local_addr().expect("connected");
    assert!(holds(&server, client));
    // Answers of megabytes, far beyond what the system buffers, all asked for at once.
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(400);
    let mut asked = deaf.try_clone().expect("a handle");
    let asking = thread::spawn(move || asked.write_all(&request).is_ok());
    wait::until_within(PATIENCE, "the server to let go", || {
        (!holds(&server, client)).then_some(())
    });
    wait_for_end(&mut deaf);
    asking.join().expect("a thread");
}

#[test]
fn a_form_that_does_not_end_is_not_waited_for() {
    let world = World::start();
    let order = world.shop.create(&world.order_body("5"));
    let url = order["checkout_url"].as_str().expect("a URL");
    let path = url.strip_prefix(&world.server.base()).expect("our page");
    let mut slow = connect(world.server.address());
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 20\r\n\r\nchoice="
    );
    slow.write_all(request.as_bytes()).expect("a connection");
    assert_eq!(answer(&mut slow), Some(400));
}

#[test]
fn there_are_so_many_places_and_each_is_given_back() {
    let server = server(|config| {
        config.set("server", "max_connections", "10");
    });
    let mut held: Vec<_> = (0..10).map(|_| placed(server.address())).collect();
    let mut late = connect(server.address());
    assert_eq!(ask(&mut late), Some(503));
    assert!(server.log().contains("connections are turned away"));
    held.pop();
    placed(server.address());
}

#[test]
fn no_client_takes_all_places() {
    let server = server(|config| {
        config.set("server", "max_connections", "300");
        config.set("server", "trusted_proxies", "[]");
    });
    let mut held: Vec<_> = (0..64)
        .map(|_| connect_from("127.0.0.2", server.address()))
        .collect();
    for stream in &mut held {
        assert_eq!(ask(stream), Some(200));
    }
    assert_eq!(
        ask(&mut connect_from("127.0.0.2", server.address())),
        Some(503)
    );
    assert_eq!(
        ask(&mut connect_from("127.0.0.3", server.address())),
        Some(200)
    );
}

#[test]
fn websockets_leave_places_for_requests() {
    let world = World::with(|config| {
        config.set("server", "max_connections", "16");
    });
    let shoppers: Vec<_> = (0..13).map(|_| world.order("1")).collect();
    let (last, first) = shoppers.split_last().expect("some");
    let mut sockets: Vec<_> = first.iter().map(|shopper| shopper.socket()).collect();
    let refused = last.refused_socket("", &last.headers());
    refused.expect_error(503, "too many websockets, try again later");
    // Each of them counts as a connection, too.
    let held: Vec<_> = (0..4).map(|_| placed(world.server.address())).collect();
    assert_eq!(ask(&mut connect(world.server.address())), Some(503));
    drop(held);
    placed(world.server.address());
    drop(sockets.pop());
    wait::until("a place for a socket", || {
        (last.refused_socket("", &last.headers()).status == 101).then_some(())
    });
}

/// A proxy's connections have no limit of their own, but those behind it have.
#[test]
fn no_client_behind_a_proxy_takes_all_websockets() {
    let world = World::with(|config| {
        config.set("server", "max_connections", "300");
        config.set("server", "max_websockets_per_order", "100");
        config.set("server", "trusted_proxies", "[\"127.0.0.0/8\"]");
    });
    let shopper = world.order("1");
    let url = format!("{}/api/v1/user{}", shopper.base, shopper.order_path("ws"));
    let from = |client: &'static str| {
        let mut headers = shopper.headers().to_vec();
        headers.push(("x-forwarded-for", client));
        headers
    };
    let open = |client| Socket::open(&url, &from(client));
    let mut held: Vec<_> = (0..64).map(|_| open("203.0.113.1")).collect();
    let refused = shopper.refused_socket("", &from("203.0.113.1"));
    refused.expect_error(429, "too many websockets of this client");
    open("203.0.113.2").order();
    held.pop();
    wait::until("a place for a socket", || {
        let reply = shopper.refused_socket("", &from("203.0.113.1"));
        (reply.status == 101).then_some(())
    });
}

#[test]
fn a_websocket_whose_peer_answers_no_ping_is_dropped() {
    let world = World::start();
    let shopper = world.order("1");
    let [(url_header, url), (signature_header, signature)] = shopper.headers();
    let mut silent = connect(world.server.address());
    let request = format!(
        "GET /api/v1/user{} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{url_header}: {url}\r\n{signature_header}: {signature}\r\n\r\n",
        shopper.order_path("ws")
    );
    silent.write_all(request.as_bytes()).expect("a connection");
    let mut answering = shopper.socket();
    answering.order();
    thread::scope(|scope| {
        let end = scope.spawn(|| wait_for_end(&mut silent));
        // Pings are answered where frames are read.
        while !end.is_finished() {
            let frame = answering.next_within(Duration::from_secs(1));
            assert_eq!(frame, None, "who answers stays");
        }
        let received = end.join().expect("it ends");
        assert!(received > 0, "it was told the order");
    });
    shopper.cancel().expect(200);
    assert_eq!(answering.order()["status"], "cancelled");
    assert_eq!(answering.next(), Frame::Closed(Some(1000)));
}

#[test]
fn running_out_of_file_descriptors_is_survived() {
    let server = server(|_| {});
    let pid = server.pid();
    let limit = |soft: usize| {
        let status = Command::new("prlimit")
            .args(["--pid", &pid.to_string(), &format!("--nofile={soft}:")])
            .status();
        assert!(status.expect("prlimit(1)").success());
    };
    let mut held: Vec<_> = (0..20).map(|_| connect(server.address())).collect();
    for stream in &mut held {
        assert_eq!(ask(stream), Some(200));
    }
    // A new one would get the lowest number that is free.
    let open = descriptors(&server);
    let free = (0..).find(|n| !open.contains(n)).expect("a number");
    limit(free);
    let address = server.address();
    let waiting = thread::spawn(move || ask(&mut connect(address)));
    thread::sleep(Duration::from_secs(1));
    assert!(
        !waiting.is_finished(),
        "there is no descriptor for it: {free} was free, and {:?} are open",
        descriptors(&server)
    );
    assert_eq!(ask(&mut held[0]), Some(200), "the others go on");
    limit(1000);
    assert_eq!(waiting.join().expect("a thread"), Some(200));
}

/// What a server that may open a thousand files says about it at its start.
fn said_about_files(change: impl FnOnce(&mut Config)) -> String {
    let mut config = Config::new();
    change(&mut config);
    let dir = tempfile::tempdir().expect("a directory");
    let [file, log] = ["ocrch.toml", "log"].map(|name| dir.path().join(name));
    fs::write(&file, config.text(net::free_address())).expect("room");
    let mut child = Command::new("prlimit")
        .args(["--nofile=1000:1000", env!("CARGO_BIN_EXE_ocrch"), "serve"])
        .arg("-c")
        .arg(&file)
        .stderr(fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("prlimit(1)");
    let said = wait::until("the server to listen", || {
        let said = fs::read_to_string(&log).unwrap_or_default();
        said.contains("listening").then_some(said)
    });
    let _ = child.kill();
    let _ = child.wait();
    let line = said.lines().find(|l| l.contains("may not open files for"));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn too_few_files_are_a_warning_to_who_chose_the_number_of_connections() {
    let said = said_about_files(|_| {});
    assert!(
        said.contains(" INFO ") && said.contains("= 20000"),
        "{said}"
    );
    let said = said_about_files(|config| {
        config.set("server", "max_connections", "20000");
    });
    assert!(
        said.contains(" WARN ") && said.contains("LimitNOFILE=20256"),
        "{said}"
    );
}
