//! The examples for Caddy and nginx, as they ship but for ports and certificates, in front of a real server.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::support::node::Script;
use crate::support::receiver::{Answer, Receiver};
use crate::support::world::World;
use crate::support::{net, wait};

/// A proxy with a certificate for pay.example.com.
struct Proxy {
    process: Child,
    address: SocketAddr,
    dir: TempDir,
}

impl Proxy {
    fn caddy(upstream: SocketAddr) -> Self {
        let (dir, address) = prepare();
        let site = format!(
            "https://pay.example.com:{} {{\n\tbind 127.0.0.1\n\ttls {}",
            address.port(),
            keys(&dir)
        );
        let text = replaced(
            &example("caddy/Caddyfile"),
            &[
                ("127.0.0.1:8080", &upstream.to_string()),
                ("pay.example.com {", &site),
            ],
        );
        let file = dir.path().join("Caddyfile");
        fs::write(
            &file,
            format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}"),
        )
        .expect("room");
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .env("HOME", dir.path())
            .env("XDG_DATA_HOME", dir.path())
            .env("XDG_CONFIG_HOME", dir.path());
        Self::run(command, dir, address)
    }

    fn nginx(upstream: SocketAddr) -> Self {
        let (dir, address) = prepare();
        let [certificate, key] =
            ["certificate.pem", "key.pem"].map(|name| dir.path().join(name).display().to_string());
        let text = replaced(
            &example("nginx/ocrch.conf"),
            &[
                ("127.0.0.1:8080", &upstream.to_string()),
                ("listen 80;", &format!("listen {};", net::free_address())),
                ("listen 443 ssl", &format!("listen {address} ssl")),
                (
                    "/etc/letsencrypt/live/pay.example.com/fullchain.pem",
                    &certificate,
                ),
                ("/etc/letsencrypt/live/pay.example.com/privkey.pem", &key),
            ],
        );
        fs::write(dir.path().join("ocrch.conf"), text).expect("room");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", dir.path().display()))
            .concat();
        let main = format!(
            "daemon off; master_process off; pid {0}/pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{temporary}include {0}/ocrch.conf; }}\n",
            dir.path().display()
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, main).expect("room");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(dir.path()).arg("-c").arg(file);
        Self::run(command, dir, address)
    }

    fn run(mut command: Command, dir: TempDir, address: SocketAddr) -> Self {
        let log = fs::File::create(dir.path().join("log")).expect("a log");
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the proxy is installed: see .ci/full");
        let proxy = Self {
            process,
            address,
            dir,
        };
        wait::until("the proxy to listen", || {
            std::net::TcpStream::connect(address).ok()
        });
        proxy
    }

    /// A customer who asks for a path, with a forged address, and listens at a socket.
    fn customer(&self, path: &str, socket: Option<&str>) -> Script {
        let base = format!("https://pay.example.com:{}", self.address.port());
        let authority = self.dir.path().join("certificate.pem");
        Script::start(
            "through-https.mjs",
            &json!({"authority": authority, "base": base, "path": path, "socket": socket}),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.dir.path().join("log"));
            eprintln!("--- the proxy's log ---\n{}", log.unwrap_or_default());
        }
    }
}

/// A directory with a key and a certificate, and an address to listen at.
fn prepare() -> (TempDir, SocketAddr) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=pay.example.com",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:pay.example.com",
            "-keyout",
            "key.pem",
            "-out",
            "certificate.pem",
        ])
        .current_dir(dir.path())
        .output()
        .expect("openssl");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    (dir, net::free_address())
}

fn keys(dir: &TempDir) -> String {
    let dir = dir.path().display();
    format!("{dir}/certificate.pem {dir}/key.pem")
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// The example with what is different here; each of it must be there.
fn replaced(file: &Path, changes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(file).expect("an example");
    for (from, to) in changes {
        assert!(text.contains(from), "{}: no {from}", file.display());
        text = text.replace(from, to);
    }
    text
}

/// The server hears of the customer's address and of no forged one.
fn names_the_customer(start: impl Fn(SocketAddr) -> Proxy) {
    let upstream = Receiver::start();
    upstream.script(|_| Answer::Status(200));
    let address = upstream
        .url("")
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse();
    let proxy = start(address.expect("an address"));
    let mut customer = proxy.customer("/anything", None);
    assert_eq!(customer.hear()["status"], 200);
    let seen = upstream.to("/anything");
    assert_eq!(seen[0].header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen[0].header("x-forwarded-proto"), "https");
    let host = seen[0].header("host").split(':').next();
    assert_eq!(host, Some("pay.example.com"));

    let mut curious = proxy.customer("/metrics", None);
    assert_eq!(curious.hear()["status"], 404);
    assert!(upstream.to("/metrics").is_empty());
}

/// Page and WebSocket work through the proxy, up to a payment.
fn serves_customers(start: impl Fn(SocketAddr) -> Proxy) {
    let world = World::start();
    let proxy = start(world.server.address());
    let (shopper, deposit) = world.deposit("5", "USDT");
    let socket = format!(
        "/api/v1/user/orders/{}/ws?ticket={}",
        shopper.order_id,
        shopper.ticket()
    );
    let mut customer = proxy.customer("/health", Some(&socket));
    assert_eq!(customer.hear()["status"], 200);
    let first = customer.hear();
    assert_eq!(first["order"]["status"], "pending", "{first}");
    world.net.pay(&deposit);
    world.confirm();
    loop {
        let message = customer.hear();
        assert_eq!(message["step"], "message", "{message}");
        if message["order"]["status"] == "paid" {
            break;
        }
    }
}

#[test]
fn caddy_names_the_customer() {
    names_the_customer(Proxy::caddy);
}

#[test]
fn caddy_serves_customers() {
    serves_customers(Proxy::caddy);
}

#[test]
fn nginx_names_the_customer() {
    names_the_customer(Proxy::nginx);
}

#[test]
fn nginx_serves_customers() {
    serves_customers(Proxy::nginx);
}
