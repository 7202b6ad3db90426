//! The warm standby of docs/operations.md, by its own commands: a real sshd that lets in a user without a shell, and the
//! real Litestream. Needs root, for useradd(8) and sshd(8).

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::guide;
use crate::support::config::Config;
use crate::support::markdown;
use crate::support::programs::{self, Program};
use crate::support::server::Server;
use crate::support::shop::{Shop, order_body};
use crate::support::{http, net, wait};

/// A user of this test's own, removed with it.
struct User(String);

impl Drop for User {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.0).output();
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

/// Both machines' directories, below one of the test's own.
struct House {
    // Removed after the processes that use it have ended.
    sshd: Option<Ending>,
    user: User,
    address: SocketAddr,
    dir: TempDir,
}

impl House {
    fn new() -> Self {
        // Not below /tmp: sshd wants nobody else to be able to write on the way to its files.
        let dir = tempfile::Builder::new()
            .prefix("test-of-ocrch-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/var/lib")
            .expect("root: see .ci/full");
        for name in ["bin", "sshd_config.d", "root", "etc/credentials", "units"] {
            fs::create_dir_all(dir.path().join(name)).expect("room");
        }
        let litestream =
            std::env::var_os("LITESTREAM").expect("LITESTREAM names the program: see .ci/full");
        fs::copy(litestream, dir.path().join("litestream")).expect("the program");
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        std::os::unix::fs::symlink(examples, dir.path().join("examples")).expect("room");
        Self {
            sshd: None,
            user: User(format!("ocrch-t{}", std::process::id())),
            address: net::free_address(),
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A text with the paths and the user of the guide moved to where this test has them.
    fn here(&self, text: &str) -> String {
        let root = self.dir.path().display();
        let moved = [
            ("/var/lib/ocrch-replica", "replica"),
            ("/var/lib/ocrch", "state"),
            ("/etc/ssh/sshd_config.d", "sshd_config.d"),
            ("/etc/ssh/ocrch-replica.keys", "keys"),
            ("/etc/ssh/ssh_host", "host"),
            (
                "/run/credentials/ocrch-litestream.service",
                "etc/credentials",
            ),
            ("/etc/systemd/system", "units"),
            ("/etc/ocrch", "etc"),
            ("/usr/local/bin", "bin"),
            ("/root/", "root/"),
        ];
        let mut text = text.replace("sshd -t", "/usr/sbin/sshd -t -f /sshd_config");
        text = text.replace("/sshd_config\n", &format!("{root}/sshd_config\n"));
        for (from, to) in moved {
            text = text.replace(from, &format!("{root}/{to}"));
        }
        // The server itself runs as whoever runs the test.
        text.replace("-o ocrch -g ocrch", "-o root -g root")
            .replace("sshd_config.d/ocrch-replica.conf", "sshd_config.d/KEPT")
            .replace("examples/ssh/ocrch-replica.conf", "examples/ssh/KEPT")
            .replace("ocrch-replica", &self.user.0)
            .replace("KEPT", "ocrch-replica.conf")
    }

    /// Runs the guide's block that has this in it, as root; gives what it printed. Editors and systemd are for the test to play.
    fn follow(&self, with: &str) -> String {
        let code = guide::block(with);
        let stubs = "set -euo pipefail\nsudo() { \"$@\"; }\nnano() { :; }\nsystemctl() { :; }\njournalctl() { :; }\n";
        let code = format!(
            "{stubs}PATH=$PATH:{}\n{}",
            self.path("bin").display(),
            self.here(&code)
        );
        let (ended_well, printed) = programs::run(&code, self.dir.path(), &[]);
        assert!(ended_well, "{code}\n---\n{printed}");
        printed
    }

    /// sshd with Debian's keys and settings, which read what the guide puts beside them.
    fn configure_sshd(&self) {
        let root = self.dir.path().display();
        let mut keys = String::new();
        for kind in ["rsa", "ecdsa", "ed25519"] {
            let key = self.path(&format!("host_{kind}_key"));
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-N", "", "-f"])
                .arg(&key)
                .status();
            assert!(made.expect("ssh-keygen").success());
            keys += &format!("HostKey {}\n", key.display());
        }
        let text = format!(
            "Include {root}/sshd_config.d/*.conf\nListenAddress {}\n{keys}PidFile none\n\
             KbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\n\
             Subsystem sftp /usr/lib/openssh/sftp-server\n",
            self.address
        );
        fs::write(self.path("sshd_config"), text).expect("room");
        // As its unit does.
        fs::create_dir_all("/run/sshd").expect("root");
    }

    fn start_sshd(&mut self) {
        // What the guide copied names the guide's user.
        let conf = self.path("sshd_config.d/ocrch-replica.conf");
        let text = fs::read_to_string(&conf).expect("copied");
        fs::write(&conf, self.here(&text)).expect("room");
        let log = fs::File::create(self.path("sshd.log")).expect("room");
        let sshd = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(self.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd (package openssh-server): see .ci/full");
        self.sshd = Some(Ending(sshd));
        wait::until("sshd to listen", || {
            std::net::TcpStream::connect(self.address).ok()
        });
    }

    /// Litestream as its unit runs it.
    fn replicate(&self) -> Ending {
        let unit = markdown::read("examples/systemd/ocrch-litestream.service");
        let command = unit.lines().find_map(|l| l.strip_prefix("ExecStart="));
        let command = self.here(command.expect("a command"));
        let mut words = command.split(' ');
        let log = fs::File::create(self.path("litestream.log")).expect("room");
        let process = Command::new(words.next().expect("a program"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("Litestream starts");
        Ending(process)
    }

    fn write_settings(&self, database: &Path, host_key: &str) {
        let text = markdown::read("examples/systemd/litestream.yml");
        let placeholder = "ecdsa-sha2-nistp256 AAAA-the-rest-of-that-line";
        assert!(text.contains(placeholder), "{text}");
        let text = text
            .replace("standby.example.com:22", &self.address.to_string())
            .replace(placeholder, host_key)
            .replace("/var/lib/ocrch/ocrch.db", &database.display().to_string());
        fs::write(self.path("etc/litestream.yml"), self.here(&text)).expect("room");
    }

    fn replica_has(&self, wanted: &HashSet<String>) -> bool {
        let copy = self.path("root/look.db");
        let _ = fs::remove_file(&copy);
        let restored = Command::new(self.path("bin/litestream"))
            .args(["restore", "-o"])
            .arg(&copy)
            .arg(format!("file://{}", self.path("replica").display()))
            .output()
            .expect("Litestream starts");
        restored.status.success() && order_ids(&copy).is_superset(wanted)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in ["sshd.log", "litestream.log"] {
                let log = fs::read_to_string(self.path(name)).unwrap_or_default();
                eprintln!("--- {name} ---\n{log}");
            }
        }
    }
}

fn order_ids(file: &Path) -> HashSet<String> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a file");
    let mut ids = db.prepare("SELECT order_id FROM orders").expect("a table");
    let ids = ids.query_map([], |row| row.get(0)).expect("rows");
    ids.map(|id| id.expect("a text")).collect()
}

fn create(shop: &Shop) -> String {
    let order = shop.create(&order_body("5", "http://127.0.0.1:9/"));
    order["order_id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_guides_standby_takes_over() {
    let mut house = House::new();
    house.configure_sshd();
    let mut first = Server::start(&Config::new());
    let shop = Shop { base: first.base() };

    // 1. The standby, which shows its key.
    house.follow("install -m 755 litestream");
    let host_key = house.follow("sudo useradd --system --home-dir /var/lib/ocrch-replica");
    let host_key = host_key.lines().last().expect("a key").to_owned();
    assert!(host_key.starts_with("ecdsa-sha2-nistp256 "), "{host_key}");
    house.start_sshd();
    let replica = fs::metadata(house.path("replica")).expect("made");
    assert_ne!(replica.uid(), 0, "the replica is its own user's");

    // 2. The first machine's key, which the standby lets in.
    let key = house.follow("ssh-keygen -t ed25519");
    let key = key.lines().last().expect("a key").to_owned();
    assert!(key.starts_with("ssh-ed25519 "), "{key}");
    fs::write(house.path("keys"), format!("{key}\n")).expect("room");

    // Files, and nothing else: no shell, no forwarding.
    let shell = Command::new("ssh")
        .args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-p"])
        .arg(house.address.port().to_string())
        .arg("-i")
        .arg(house.path("etc/credentials/standby-key"))
        .arg(format!("{}@127.0.0.1", house.user.0))
        .arg("id")
        .output()
        .expect("ssh (package openssh-client): see .ci/full");
    let said = String::from_utf8_lossy(&shell.stdout);
    assert!(!shell.status.success() && !said.contains("uid="), "{said}");

    // 3. Litestream, which does not talk to one that passes for the standby.
    house.follow("cp examples/systemd/litestream.yml");
    house.write_settings(&first.db_path(), &key);
    let misled = house.replicate();
    wait::until("Litestream to refuse another host", || {
        let log = fs::read_to_string(house.path("litestream.log")).unwrap_or_default();
        log.contains("host key mismatch").then_some(())
    });
    drop(misled);
    house.write_settings(&first.db_path(), &host_key);
    let litestream = house.replicate();
    let mut orders: HashSet<String> = (0..50).map(|_| create(&shop)).collect();
    wait::until("the replica", || house.replica_has(&orders).then_some(()));

    // Each week.
    let drilled = house.follow("drill.db");
    assert!(drilled.lines().any(|l| l.starts_with("20")), "{drilled}");
    assert!(!house.path("root/drill.db").exists());

    // The first machine dies. What was answered a moment before has arrived.
    orders.extend((0..50).map(|_| create(&shop)));
    wait::until("the replica", || house.replica_has(&orders).then_some(()));
    first.kill();
    drop(litestream);
    let listen = net::free_address();
    let database = house.path("state/ocrch.db");
    let mut config = Config::new();
    config.set_text("database", "path", &database.display().to_string());
    let path = house.path("etc/ocrch.toml");
    fs::write(&path, config.text(listen)).expect("room");
    house.follow("sudo rm /root/ocrch.db");
    assert!(!house.path("root/ocrch.db").exists() && !house.path("keys").exists());
    assert_eq!(order_ids(&database), orders);

    let serve = format!("ocrch serve -c {}", path.display());
    let _second = Program::start(&serve, house.dir.path(), "second.log", &[]);
    let base = format!("http://{listen}");
    wait::until("the second server", || {
        http::try_send("GET", &format!("{base}/health"), &[], b"").ok()
    });
    let shop = Shop { base };
    for id in &orders {
        shop.status(id);
    }
    create(&shop);
}
