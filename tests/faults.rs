//! What is wrong with the machine: answers stay right or become 503, the log says why, and all goes on by itself.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::support::http::{self, Reply};
use crate::support::server::ocrch;
use crate::support::shop::{Shop, order_body};
use crate::support::world::{ORDERS, World};
use crate::support::{config, net, wait};

const AGAIN: &str = "temporarily unavailable, try again later";

fn get(base: &str, path: &str) -> Reply {
    http::send("GET", &format!("{base}{path}"), &[], b"")
}

#[test]
fn a_lock_of_another_program_is_waited_out() {
    let world = World::start();
    let shopper = world.order("5");
    let (claimant, _) = world.deposit("6", "USDT");
    let base = world.server.base();
    let other = Connection::open(world.server.db_path()).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let refused = world
        .shop
        .post("/orders", &order_body("1", &world.receiver.url(ORDERS)));
    refused.expect_error(503, AGAIN);
    let unknown = json!({"txn_hash": format!("0x{}", "ab".repeat(32))});
    let claim = || claimant.call("POST", &claimant.order_path("claim"), &unknown);
    claim().expect_error(503, AGAIN);
    get(&base, "/health").expect_error_starting(503, "the database");
    assert_eq!(get(&base, "/ready").expect(503).json()["ready"], false);
    assert_eq!(shopper.status()["status"], "pending", "reading goes on");
    let log = world.server.log();
    assert_eq!(
        log.matches("the database cannot be written").count(),
        1,
        "{log}"
    );
    other.execute_batch("ROLLBACK").expect("an end");
    wait::until("health", || {
        (get(&base, "/health").status == 200).then_some(())
    });
    assert_eq!(claim().expect(200).json()["finding"], "not_found");
    world.settle_everything();
    assert!(
        world
            .server
            .log()
            .contains("the database can be written again")
    );
}

/// A server in a namespace of its own.
struct Apart {
    process: Child,
    dir: tempfile::TempDir,
    base: String,
}

impl Apart {
    /// Its database is on a small file system that only it sees.
    fn on_small_disk(options: &str) -> Self {
        // A mount of one's own needs a user namespace, unless one is root.
        Self::start(&["--map-root-user", "--mount"], |disk| {
            format!("mount -t tmpfs -o {options} tmpfs '{}'", disk.display())
        })
    }

    /// It has no other rights than its files give their owner, whoever runs the tests, and can be kept from writing.
    fn without_rights() -> Self {
        Self::start(&[], |_| "true".to_owned())
    }

    fn start(namespaces: &[&str], prepare: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let disk = dir.path().join("disk");
        std::fs::create_dir(&disk).expect("a directory");
        let mut settings = config::Config::new();
        settings.set_text(
            "database",
            "path",
            disk.join("ocrch.db").to_str().expect("text"),
        );
        let address = net::free_address();
        let file = dir.path().join("ocrch.toml");
        std::fs::write(&file, settings.text(address)).expect("a file");
        let program = ocrch();
        let script = format!(
            "{} && exec '{}' serve -c '{}' 2>&1",
            prepare(&disk),
            program.get_program().to_str().expect("text"),
            file.display()
        );
        let mut process = Command::new("unshare")
            .arg("--user")
            .args(namespaces)
            .args(["sh", "-c", &script])
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare(1)");
        // What it says is written down also while it can write nothing itself.
        let mut said = process.stdout.take().expect("a pipe");
        let mut log = File::create(dir.path().join("log")).expect("a log");
        std::thread::spawn(move || std::io::copy(&mut said, &mut log));
        Self {
            process,
            dir,
            base: format!("http://{address}"),
        }
    }

    /// The disk as the server sees it.
    fn disk(&self) -> PathBuf {
        let inside = self.dir.path().join("disk");
        let inside = inside
            .strip_prefix("/")
            .expect("an absolute path")
            .to_owned();
        Path::new("/proc")
            .join(self.process.id().to_string())
            .join("root")
            .join(inside)
    }

    /// Whether its writes to files are errors, as those on a disk that the system has made read-only.
    fn refuse_writes(&self, refuse: bool) {
        let limit = if refuse {
            "--fsize=0:"
        } else {
            "--fsize=unlimited:"
        };
        let status = Command::new("prlimit")
            .args(["--pid", &self.process.id().to_string(), limit])
            .status();
        assert!(status.expect("prlimit(1)").success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("--- the server's words ---\n{log}");
        }
    }
}

#[test]
fn a_full_disk_is_survived() {
    let server = Apart::on_small_disk("size=8m");
    wait::until("the server", || {
        http::try_send("GET", &format!("{}/health", server.base), &[], b"").ok()
    });
    let shop = Shop {
        base: server.base.clone(),
    };
    let body = || order_body("5", "http://127.0.0.1:9/");
    let first = shop.create(&body());
    let ballast = server.disk().join("ballast");
    let mut file = File::create(&ballast).expect("the server's disk");
    let full = loop {
        if let Err(error) = file.write_all(&[0; 4096]) {
            break error;
        }
    };
    assert_eq!(full.raw_os_error(), Some(28), "no space left");
    // The journal has some room of its own at first.
    let refused = wait::until("a refusal", || {
        let reply = shop.post("/orders", &body());
        (reply.status != 201).then_some(reply)
    });
    refused.expect_error(503, AGAIN);
    get(&server.base, "/health").expect_error_starting(503, "the database cannot be written");
    let id = first["order_id"].as_str().expect("an id");
    assert_eq!(shop.status(id)["status"], "pending", "reading goes on");
    for _ in 0..20 {
        shop.post("/orders", &body()).expect_error(503, AGAIN);
    }
    let log = server.log();
    assert_eq!(
        log.matches("the database cannot be written").count(),
        1,
        "{log}"
    );
    assert!(log.contains("disk is full"), "{log}");
    std::fs::remove_file(&ballast).expect("the ballast");
    drop(file);
    wait::until("health", || {
        (get(&server.base, "/health").status == 200).then_some(())
    });
    shop.create(&body());
    assert_eq!(shop.cancel(id).expect(200).json()["status"], "cancelled");
    assert!(server.log().contains("the database can be written again"));
}

#[test]
fn a_read_only_disk_is_refused_at_the_start_with_a_reason() {
    let mut server = Apart::on_small_disk("ro");
    let status = wait::until("the end", || server.process.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(1));
    let log = server.log();
    assert!(log.contains("ocrch.db: "), "{log}");
    assert!(log.contains("Read-only file system"), "{log}");
}

/// What is written to a file that has no name any more is lost with the process: better to take no order.
#[test]
fn a_database_that_is_moved_away_takes_no_orders() {
    for part in ["ocrch.db", "ocrch.db-wal"] {
        let world = World::start();
        let shopper = world.order("5");
        let base = world.server.base();
        let file = world.server.db_path().with_file_name(part);
        let aside = file.with_extension("aside");
        std::fs::rename(&file, &aside).expect("room");
        let refused = world
            .shop
            .post("/orders", &order_body("1", &world.receiver.url(ORDERS)));
        refused.expect_error(503, AGAIN);
        let unhealthy = get(&base, "/health");
        unhealthy.expect_error_starting(503, "the database cannot be written");
        // Anybody may ask; where the file lies is for the log.
        let dir = file.parent().expect("a directory").display().to_string();
        for path in ["/health", "/ready"] {
            let said = get(&base, path).text();
            let what = format!("{part} was deleted, moved or replaced");
            assert!(said.contains(&what) && !said.contains('/'), "{said}");
        }
        assert!(world.server.log().contains(&dir));
        assert_eq!(shopper.status()["status"], "pending", "reading goes on");
        // Another file in its place is another database.
        std::fs::copy(&aside, &file).expect("room");
        let refused = world
            .shop
            .post("/orders", &order_body("1", &world.receiver.url(ORDERS)));
        refused.expect_error(503, AGAIN);
        let said = format!("{part} was deleted, moved or replaced");
        assert!(world.server.log().contains(&said), "{}", world.server.log());
        std::fs::rename(&aside, &file).expect("room");
        wait::until("health", || {
            (get(&base, "/health").status == 200).then_some(())
        });
        world.settle_everything();
    }
}

/// Then a second server could start: of the two, only that one may write.
#[test]
fn a_server_without_its_lock_takes_no_orders() {
    let mut world = World::start();
    let base = world.server.base();
    let lock = world.server.db_path().with_file_name("ocrch.db.lock");
    let order = |world: &World| {
        let body = order_body("1", &world.receiver.url(ORDERS));
        world.shop.post("/orders", &body)
    };
    let is_refused = |world: &World| {
        order(world).expect_error(503, AGAIN);
        get(&base, "/health").expect_error_starting(503, "the database cannot be written");
    };
    let aside = lock.with_extension("aside");
    std::fs::rename(&lock, &aside).expect("room");
    is_refused(&world);
    // As a second server would make it.
    std::fs::write(&lock, "").expect("room");
    is_refused(&world);
    let said = "ocrch.db.lock was deleted, moved or replaced";
    assert!(world.server.log().contains(said), "{}", world.server.log());
    std::fs::rename(&aside, &lock).expect("room");
    wait::until("health", || {
        (get(&base, "/health").status == 200).then_some(())
    });
    order(&world).expect(201);

    std::fs::remove_file(&lock).expect("a file");
    is_refused(&world);
    world.server.restart();
    order(&world).expect(201);
    world.settle_everything();
}

#[test]
fn a_directory_and_a_disk_that_become_read_only_are_survived() {
    let server = Apart::without_rights();
    wait::until("the server", || {
        http::try_send("GET", &format!("{}/health", server.base), &[], b"").ok()
    });
    let shop = Shop {
        base: server.base.clone(),
    };
    let body = || order_body("5", "http://127.0.0.1:9/");
    let first = shop.create(&body());
    // In the directory nothing new can be made; what is open can be written as before.
    let directory = server.dir.path().join("disk");
    let mode = |mode| std::fs::set_permissions(&directory, Permissions::from_mode(mode));
    mode(0o555).expect("our directory");
    shop.create(&body());
    get(&server.base, "/health").expect(200);
    server.refuse_writes(true);
    for _ in 0..20 {
        shop.post("/orders", &body()).expect_error(503, AGAIN);
    }
    get(&server.base, "/health").expect_error_starting(503, "the database cannot be written");
    let id = first["order_id"].as_str().expect("an id");
    assert_eq!(shop.status(id)["status"], "pending", "reading goes on");
    let told = "the database cannot be written";
    assert_eq!(server.log().matches(told).count(), 1, "{}", server.log());
    server.refuse_writes(false);
    wait::until("health", || {
        (get(&server.base, "/health").status == 200).then_some(())
    });
    shop.create(&body());
    mode(0o755).expect("our directory");
    assert_eq!(shop.cancel(id).expect(200).json()["status"], "cancelled");
    wait::until("the good news", || {
        let log = server.log();
        log.contains("the database can be written again")
            .then_some(())
    });
}

/// How many of 50,000 webhooks are sent to the last one: all take minutes. `.ci/full` asks for them.
fn sent_to_the_end() -> u32 {
    let asked = std::env::var("OCRCH_TEST_WEBHOOKS").ok();
    asked.map_or(2000, |count| {
        count.parse().expect("OCRCH_TEST_WEBHOOKS is a number")
    })
}

#[test]
fn fifty_thousand_waiting_webhooks_hold_nothing_up() {
    let mut world = World::start();
    let template = world.order("1");
    template.cancel().expect(200);
    world
        .receiver
        .wait_for_status(&template.order_id, "cancelled");
    assert!(world.server.stop().success());
    let mut db = world.server.stopped_db();
    let url = world.receiver.url("/flood");
    let origin = url.trim_end_matches("/flood").to_owned();
    let tx = db.transaction().expect("a transaction");
    for n in 0..50_000 {
        tx.execute(
            "INSERT INTO events (webhook_id, kind, url, origin, body, created_at, state, next_attempt_ms)
             VALUES (?1, 'unknown_transfer', ?2, ?3, ?4, 0, 'queued', 0)",
            (format!("evt_flood_{n}"), &url, &origin, json!({"n": n}).to_string()),
        )
        .expect("an event");
    }
    tx.commit().expect("a commit");
    drop(db);
    world.server.launch();
    // Orders are paid meanwhile, and their webhooks have their turn.
    world.settle_everything();
    let before = world.receiver.to("/flood").len();
    wait::until("more of them", || {
        (world.receiver.to("/flood").len() > before + 200).then_some(())
    });
    let late = "webhooks are late: ";
    let told = |world: &World| world.server.log().matches(late).count();
    assert_eq!(told(&world), 0, "they go out as fast as they can");
    let begun = |world: &World| {
        let log = world.server.log();
        log.matches("INFO webhooks from before the start go out now: ")
            .count()
    };
    assert_eq!(begun(&world), 1);
    let shopper = world.order("2");
    shopper.cancel().expect(200);
    assert_eq!(get(&world.server.base(), "/health").status, 200);
    assert!(
        world.server.stop().success(),
        "a stop does not wait for all of them"
    );
    let rest = sent_to_the_end();
    let queued = "state = 'queued' AND webhook_id LIKE 'evt_flood_%'";
    let cut = format!(
        "DELETE FROM events WHERE {queued} AND id < (SELECT max(id) - {rest} FROM events WHERE {queued})"
    );
    let db = world.server.stopped_db();
    let skipped = db.execute(&cut, []).expect("less of them");
    drop(db);
    world.server.launch();
    let limit = Duration::from_secs(90) + Duration::from_millis(10) * rest;
    let db = Connection::open(world.server.db_path()).expect("the file");
    let left = format!("SELECT count(*) FROM events WHERE {queued}");
    wait::until_within(limit, "the end of it", || {
        let left: i64 = db.query_row(&left, [], |row| row.get(0)).ok()?;
        (left == 0).then_some(())
    });
    assert_eq!(told(&world), 0, "none was late since it could be sent");
    assert_eq!(begun(&world), 2, "once for each start");
    let mut seen = std::collections::HashSet::new();
    for delivery in world.receiver.to("/flood") {
        let id = delivery.header("webhook-id").to_owned();
        assert!(seen.insert(id), "sent twice");
    }
    assert_eq!(seen.len() + skipped, 50_000, "none is lost");
    world.settle_everything();
}

#[test]
fn nothing_is_sent_again_and_again_while_attempts_cannot_be_recorded() {
    let world = World::start();
    let shopper = world.order("3");
    shopper.cancel().expect(200);
    world
        .receiver
        .wait_for_status(&shopper.order_id, "cancelled");
    let other = world.order("4");
    let lock = Connection::open(world.server.db_path()).expect("the file");
    world.receiver.script(move |_| {
        // Between the POST and its record.
        let _ = lock.execute_batch("BEGIN IMMEDIATE");
        crate::support::receiver::Answer::Status(200)
    });
    other.cancel().expect(200);
    wait::until("the webhook", || {
        (!world.receiver.about(&other.order_id).is_empty()).then_some(())
    });
    wait::holds(
        Duration::from_secs(20),
        "it is not repeated all the time",
        || world.receiver.about(&other.order_id).len() <= 3,
    );
}
