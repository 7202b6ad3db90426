//! The static binary alone in an empty root directory, as in a container made `FROM scratch`: nothing of the machine's
//! libraries, certificates or settings is there. Needs root, for chroot(8) and a name server at port 53.

use std::fs;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::config::Config;
use crate::support::devnet::{Devnet, text};
use crate::support::faulty_rpc::FaultyRpc;
use crate::support::receiver::Receiver;
use crate::support::shop::{Shop, order_body};
use crate::support::{net, wait};

/// No other name server listens at this one of the loopback addresses.
const NAME_SERVER: &str = "127.0.0.77";

/// What .ci/full has built.
fn binary() -> PathBuf {
    let path =
        std::env::var_os("OCRCH_STATIC").expect("OCRCH_STATIC names the binary: see .ci/full");
    path.into()
}

/// A directory with the binary, a configuration and a place for the data.
struct Root {
    dir: TempDir,
}

impl Root {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Self { dir };
        for name in ["etc", "data"] {
            fs::create_dir(root.path(name)).expect("room");
        }
        fs::copy(binary(), root.path("ocrch")).expect("the static binary");
        fs::write(root.path("etc/ocrch.toml"), config).expect("room");
        fs::write(
            root.path("etc/hosts"),
            "127.0.0.1 shop.by-hosts.test bank.by-hosts.test\n",
        )
        .expect("room");
        fs::write(
            root.path("etc/resolv.conf"),
            format!("nameserver {NAME_SERVER}\n"),
        )
        .expect("room");
        // Plug-ins that a static program must not load, and that are not there.
        fs::write(
            root.path("etc/nsswitch.conf"),
            "hosts: mymachines resolve [!UNAVAIL=return] myhostname\n",
        )
        .expect("room");
        root
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(self.dir.path())
            .arg("/ocrch")
            .args(args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("chroot(8)")
    }
}

/// A child that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A name server that knows one name.
fn serve_names(known: &'static str) {
    let socket = UdpSocket::bind((NAME_SERVER, 53)).expect("port 53: run this as root");
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            let _ = socket.send_to(&answer(&query[..length], known), from);
        }
    });
}

/// 127.0.0.1 for the known name; no such name, or no such record, for everything else.
fn answer(query: &[u8], known: &str) -> Vec<u8> {
    let mut at = 12;
    let mut name = Vec::new();
    while query[at] != 0 {
        let length = usize::from(query[at]);
        name.push(String::from_utf8_lossy(&query[at + 1..=at + length]).to_lowercase());
        at += length + 1;
    }
    let question = &query[12..at + 5];
    let (is_known, is_address) = (name.join(".") == known, query[at + 1..at + 3] == [0, 1]);
    let mut reply = query[..2].to_vec();
    reply.extend([0x81, if is_known { 0x80 } else { 0x83 }, 0, 1]);
    reply.extend([0, u8::from(is_known && is_address), 0, 0, 0, 0]);
    reply.extend(question);
    if is_known && is_address {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    reply
}

/// An https server whose certificate nobody signed.
fn stranger(dir: &Path) -> (Ending, SocketAddr) {
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
            "/CN=bank.by-hosts.test",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:bank.by-hosts.test",
            // By itself openssl makes the certificate of an authority, which is refused for another reason.
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "key.pem",
            "-out",
            "certificate.pem",
        ])
        .current_dir(dir)
        .output()
        .expect("openssl");
    assert!(made.status.success());
    let address = net::free_address();
    let server = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-www",
            "-key",
            "key.pem",
            "-cert",
            "certificate.pem",
            "-accept",
        ])
        .arg(address.to_string())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let server = Ending(server);
    wait::until("the https server", || TcpStream::connect(address).ok());
    (server, address)
}

#[test]
fn it_works_in_an_empty_root() {
    serve_names("node.by-dns.test");
    let chain = Devnet::start("devnet", 31_337);
    let rpc = FaultyRpc::start(&chain.anvil.url);
    let receiver = Receiver::start();
    let outside = tempfile::tempdir().expect("a temporary directory");
    let (_stranger, bank) = stranger(outside.path());
    let by_name = |url: &str, name: &str| url.replace("127.0.0.1", name);

    let mut config = Config::new();
    config.set_text("database", "path", "/data/ocrch.db");
    chain.add_to(&mut config, &by_name(&rpc.url(), "node.by-dns.test"));
    // Asked as well, and refused.
    let urls = &mut config.chains[0].urls;
    urls.insert(0, format!("https://bank.by-hosts.test:{}/", bank.port()));
    let listen = net::free_address();
    let root = Root::new(&config.text(listen));

    let log = fs::File::create(root.path("log")).expect("a log");
    let server = root
        .command(&["serve", "-c", "/etc/ocrch.toml"])
        .stderr(log)
        .stdout(Stdio::null())
        .spawn()
        .expect("chroot(8)");
    let _server = Ending(server);
    wait::until("the server to listen", || TcpStream::connect(listen).ok());

    // By DNS: the chain is watched and an order is paid. By /etc/hosts: the shop hears of it.
    rpc.wait_for_head();
    let shop = Shop {
        base: format!("http://{listen}"),
    };
    let hook = by_name(&receiver.url("/orders"), "shop.by-hosts.test");
    let order = shop.create(&order_body("5", &hook));
    let shopper = shop.shopper(text(&order, "order_id"));
    let deposit = shopper.pay("devnet", "USDT");
    chain.pay(&deposit);
    chain.anvil.mine(3);
    receiver.wait_for_status(&shopper.order_id, "paid");

    // The authorities that browsers trust are in the binary, and this certificate is not by one of them.
    let said = wait::until("the stranger to be refused", || {
        let said = fs::read_to_string(root.path("log")).unwrap_or_default();
        said.contains("bank.by-hosts.test").then_some(said)
    });
    let refused = said
        .lines()
        .find(|l| l.contains("provider fails") && l.contains("bank.by-hosts.test"));
    assert!(
        refused.is_some_and(|l| l.contains("UnknownIssuer")),
        "{said}"
    );
    let bytes = fs::read(binary()).expect("the static binary");
    let authority = b"ISRG Root X1";
    assert!(bytes.windows(authority.len()).any(|part| part == authority));

    // The other subcommands need no more.
    let backup = root.run(&["backup", "/data/backup.db", "-c", "/etc/ocrch.toml"]);
    assert!(
        backup.status.success(),
        "{}",
        String::from_utf8_lossy(&backup.stderr)
    );
    // There is no /tmp.
    let document = root.command(&["openapi"]).env("TMPDIR", "/data").output();
    let document = document.expect("chroot(8)");
    assert!(document.status.success() && document.stdout.starts_with(b"{"));
}

#[test]
fn it_is_small_and_static() {
    let path = binary();
    let size = fs::metadata(&path).expect("the static binary").len();
    assert!(size < 15 * 1024 * 1024, "{size} bytes");
    let linked = Command::new("ldd").arg(&path).output().expect("ldd");
    let said = String::from_utf8_lossy(&linked.stdout).into_owned()
        + &String::from_utf8_lossy(&linked.stderr);
    assert!(
        said.contains("statically linked") || said.contains("not a dynamic executable"),
        "{said}"
    );
}
