//! Litestream beside the server: the real program, a replica in a directory, and machines that die.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::support::config::Config;
use crate::support::server::{Server, ocrch};
use crate::support::shop::{Shop, order_body};
use crate::support::wait;

/// Litestream on a server's database, or following its replica.
struct Litestream {
    process: Child,
    dir: TempDir,
}

impl Litestream {
    fn program() -> Command {
        let path =
            std::env::var_os("LITESTREAM").expect("LITESTREAM names the program: see .ci/full");
        Command::new(path)
    }

    /// Replicates a database into a directory.
    fn replicate(database: &Path, replica: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let text = format!(
            "socket:\n  enabled: true\n  path: {}\ndbs:\n  - path: {}\n    replica:\n      type: file\n      path: {}\n      sync-interval: 200ms\n",
            dir.path().join("socket").display(),
            database.display(),
            replica.display(),
        );
        let config = dir.path().join("litestream.yml");
        fs::write(&config, text).expect("room");
        let mut command = Self::program();
        command.arg("replicate").arg("-config").arg(config);
        Self::run(command, dir)
    }

    /// Keeps a copy as new as the replica, as a warm standby does.
    fn follow(replica: &Path, copy: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut command = Self::program();
        command
            .args(["restore", "-f", "-follow-interval", "200ms", "-o"])
            .arg(copy)
            .arg(url(replica));
        Self::run(command, dir)
    }

    fn run(mut command: Command, dir: TempDir) -> Self {
        let log = File::create(dir.path().join("log")).expect("a log");
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("Litestream starts");
        Self { process, dir }
    }

    /// Returns when everything committed before the call is in the replica.
    fn sync(&self, database: &Path) {
        wait::until("Litestream to sync", || {
            let synced = Self::program()
                .args(["sync", "-wait", "-socket"])
                .arg(self.dir.path().join("socket"))
                .arg(database)
                .output()
                .expect("Litestream starts");
            synced.status.success().then_some(())
        });
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// SIGTERM, and its end.
    fn stop(mut self) {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill(1)").success());
        let _ = self.process.wait();
    }
}

impl Drop for Litestream {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- Litestream's log ---\n{}", self.log());
        }
    }
}

fn url(replica: &Path) -> String {
    format!("file://{}", replica.display())
}

/// What a new machine gets from the replica.
fn restore(replica: &Path, to: &Path) {
    let restored = Litestream::program()
        .args(["restore", "-integrity-check", "full", "-o"])
        .arg(to)
        .arg(url(replica))
        .output()
        .expect("Litestream starts");
    let said = String::from_utf8_lossy(&restored.stderr);
    assert!(restored.status.success(), "{said}");
}

fn order_ids(file: &Path) -> Option<HashSet<String>> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let mut ids = db.prepare("SELECT order_id FROM orders").ok()?;
    let ids = ids.query_map([], |row| row.get(0)).ok()?;
    ids.collect::<Result<_, _>>().ok()
}

/// Shops that create orders, however often the server is away, until told to stop.
struct Load {
    answered: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Load {
    fn new() -> Self {
        Self {
            answered: Mutex::default(),
            stop: AtomicBool::new(false),
        }
    }

    /// Ends the load when dropped, so that a failure is not followed by an endless wait for its threads.
    fn ends_with_this(&self) -> impl Drop + '_ {
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        Stop(&self.stop)
    }

    fn run(&self, shop: &Shop) {
        while !self.stop.load(Ordering::Relaxed) {
            let body = order_body("5", "http://127.0.0.1:9/").to_string();
            match shop.try_post("/orders", body.as_bytes(), &[]) {
                Ok(reply) if reply.status == 201 => {
                    let id = reply.json()["order_id"].as_str().expect("an id").to_owned();
                    self.answered.lock().expect("not poisoned").push(id);
                }
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn answered(&self) -> Vec<String> {
        self.answered.lock().expect("not poisoned").clone()
    }

    /// Waits until this many more orders are answered.
    fn wait_for_more(&self, more: usize) {
        let before = self.answered().len();
        wait::until("more orders", || {
            (self.answered().len() >= before + more).then_some(())
        });
    }
}

fn shop_of(server: &Server) -> Shop {
    Shop {
        base: server.base(),
    }
}

/// A server on what came from a replica, put in place by `ocrch restore`, with all its checks.
fn new_machine(copy: &Path) -> Server {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    run(&server, &["restore"], copy);
    server.launch();
    server
}

#[test]
fn a_machine_that_dies_loses_nothing_that_was_synced() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let replica = dir.path().join("replica");
    let mut server = Server::start(&Config::new());
    let database = server.db_path();
    let shop = shop_of(&server);
    let load = Load::new();
    let mut safe = Vec::new();
    thread::scope(|scope| {
        let _end = load.ends_with_this();
        for _ in 0..4 {
            scope.spawn(|| load.run(&shop));
        }
        let mut litestream = Litestream::replicate(&database, &replica);
        for round in 0..12 {
            load.wait_for_more(150);
            // Whoever of the two goes away and comes back, the replica goes on.
            match round % 4 {
                0 => server.restart(),
                1 => {
                    server.kill();
                    server.launch();
                }
                2 => {
                    litestream.kill();
                    load.wait_for_more(150);
                    litestream = Litestream::replicate(&database, &replica);
                }
                _ => {}
            }
            load.wait_for_more(50);
            let before = load.answered();
            litestream.sync(&database);
            safe = before;
            let copy = dir.path().join(format!("copy-{round}"));
            restore(&replica, &copy);
            let restored = order_ids(&copy).expect("a database");
            assert!(safe.iter().all(|id| restored.contains(id)), "round {round}");
        }
        // The machine dies with both on it.
        server.kill();
        litestream.kill();
    });
    println!(
        "{} orders, {} of them before the last sync",
        load.answered().len(),
        safe.len()
    );
    let copy = dir.path().join("copy");
    restore(&replica, &copy);
    let second = new_machine(&copy);
    let shop = shop_of(&second);
    let restored = order_ids(&second.db_path()).expect("a database");
    assert!(safe.iter().all(|id| restored.contains(id)));
    shop.status(safe.last().expect("orders"));
    shop.create(&order_body("5", "http://127.0.0.1:9/"));
}

#[test]
fn a_warm_standby_takes_over() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (replica, copy) = (dir.path().join("replica"), dir.path().join("standby.db"));
    let mut server = Server::start(&Config::new());
    let database = server.db_path();
    let shop = shop_of(&server);
    let load = Load::new();
    let mut litestream = Litestream::replicate(&database, &replica);
    litestream.sync(&database);
    let standby = Litestream::follow(&replica, &copy);
    let mut safe = HashSet::new();
    thread::scope(|scope| {
        let _end = load.ends_with_this();
        scope.spawn(|| load.run(&shop));
        for _ in 0..5 {
            load.wait_for_more(100);
            safe = load.answered().into_iter().collect();
            litestream.sync(&database);
            wait::until("the standby to follow", || {
                order_ids(&copy).filter(|there| there.is_superset(&safe))
            });
        }
        server.kill();
        litestream.kill();
    });
    standby.stop();
    let second = new_machine(&copy);
    let there = order_ids(&second.db_path()).expect("a database");
    assert!(there.is_superset(&safe));
    let shop = shop_of(&second);
    shop.create(&order_body("5", "http://127.0.0.1:9/"));

    // It is replicated in its turn, to a place of its own.
    let next = dir.path().join("next");
    let litestream = Litestream::replicate(&second.db_path(), &next);
    let last = shop.create(&order_body("5", "http://127.0.0.1:9/"));
    litestream.sync(&second.db_path());
    let again: PathBuf = dir.path().join("again");
    restore(&next, &again);
    let last = last["order_id"].as_str().expect("an id");
    assert!(order_ids(&again).expect("a database").contains(last));
}

/// Installed together, Litestream may be the first to touch the file that the server has just made.
#[test]
fn the_first_start_beside_litestream() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for round in 0..5 {
        let mut server = Server::start(&Config::new());
        assert!(server.stop().success());
        let database = server.db_path();
        let replica = dir.path().join(format!("replica-{round}"));
        fs::remove_file(&database).expect("a file");
        File::create(&database).expect("room");
        let litestream = Litestream::replicate(&database, &replica);
        if round > 0 {
            wait::until("Litestream to begin", || {
                let db = Connection::open(&database).ok()?;
                let find =
                    "SELECT 1 FROM sqlite_schema WHERE name LIKE '\\_litestream%' ESCAPE '\\'";
                db.query_row(find, [], |_| Ok(())).ok()
            });
        }
        server.launch();
        let order = shop_of(&server).create(&order_body("5", "http://127.0.0.1:9/"));
        litestream.sync(&database);
        let copy = dir.path().join(format!("copy-{round}"));
        restore(&replica, &copy);
        let id = order["order_id"].as_str().expect("an id");
        assert!(order_ids(&copy).expect("a database").contains(id));
    }
}

/// An older state under Litestream's eyes: the replica must not mix the two.
#[test]
fn the_replica_goes_on_after_a_restore() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (replica, backup) = (dir.path().join("replica"), dir.path().join("backup"));
    let mut server = Server::start(&Config::new());
    let database = server.db_path();
    let create = |server: &Server| {
        let order = shop_of(server).create(&order_body("5", "http://127.0.0.1:9/"));
        order["order_id"].as_str().expect("an id").to_owned()
    };
    let litestream = Litestream::replicate(&database, &replica);
    let first = create(&server);
    litestream.sync(&database);
    run(&server, &["backup"], &backup);
    let discarded: Vec<_> = (0..300).map(|_| create(&server)).collect();
    litestream.sync(&database);
    // The server cannot be told from an ordinary stop; Litestream has to be stopped as well.
    assert!(server.stop().success());
    litestream.stop();
    run(&server, &["restore", "--discard-newer"], &backup);
    let litestream = Litestream::replicate(&database, &replica);
    server.launch();
    let later = create(&server);
    litestream.sync(&database);
    let copy = dir.path().join("copy");
    restore(&replica, &copy);
    let there = order_ids(&copy).expect("a database");
    assert!(there.contains(&first) && there.contains(&later));
    assert!(discarded.iter().all(|id| !there.contains(id)));
}

/// Runs the program with a server's configuration and a file.
fn run(server: &Server, command: &[&str], file: &Path) {
    let done = ocrch()
        .args(command)
        .arg(file)
        .arg("-c")
        .arg(server.config_path())
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
