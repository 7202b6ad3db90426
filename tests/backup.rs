//! Backups of a live database, and putting them back.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::admin::Admin;
use crate::support::config::Config;
use crate::support::devnet::text;
use crate::support::random::Random;
use crate::support::server::{Server, ocrch};
use crate::support::shop::{Shop, order_body};
use crate::support::wait;
use crate::support::world::{ORDERS, World};

/// A server without chains, and a directory for its backups.
pub struct House {
    pub server: Server,
    pub shop: Shop,
    pub backups: TempDir,
}

impl House {
    pub fn start() -> Self {
        let server = Server::start(&Config::new());
        let shop = Shop {
            base: server.base(),
        };
        let backups = tempfile::tempdir().expect("a temporary directory");
        Self {
            server,
            shop,
            backups,
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.backups.path().join(name)
    }

    /// A new order's id.
    pub fn order(&self) -> String {
        let order = self.shop.create(&order_body("5", "http://127.0.0.1:9/"));
        text(&order, "order_id").to_owned()
    }

    pub fn backup(&self, file: &Path, more: &[&str]) -> Output {
        command(&self.server, "backup", file, more)
    }

    pub fn restore(&self, file: &Path, more: &[&str]) -> Output {
        command(&self.server, "restore", file, more)
    }

    /// The files beside the database, but for the log, with their content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let dir = self.server.db_path();
        let mut found: Vec<_> = fs::read_dir(dir.parent().expect("a directory"))
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_none_or(|e| e != "log"))
            .map(|path| (path.clone(), fs::read(path).expect("a file")))
            .collect();
        found.sort();
        found
    }
}

pub fn command(server: &Server, command: &str, file: &Path, more: &[&str]) -> Output {
    ocrch()
        .arg(command)
        .arg(file)
        .arg("-c")
        .arg(server.config_path())
        .args(more)
        .output()
        .expect("the binary starts")
}

/// What it said, where it should have succeeded.
pub fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    said
}

/// The one line it said, where it should have failed.
pub fn refused(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

pub fn order_ids(file: &Path) -> HashSet<String> {
    let db = Connection::open(file).expect("a database");
    let whole: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a database");
    assert_eq!(whole, "ok");
    let mut ids = db.prepare("SELECT order_id FROM orders").expect("a table");
    let ids = ids.query_map([], |row| row.get(0)).expect("rows");
    ids.map(|id| id.expect("a text")).collect()
}

#[test]
fn under_load_it_has_everything_that_was_answered_before() {
    let mut world = World::start();
    let answered = Mutex::new(Vec::<String>::new());
    let stop = AtomicBool::new(false);
    let backups = tempfile::tempdir().expect("a temporary directory");
    let file = backups.path().join("ocrch.backup");
    let mut before = Vec::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let (shopper, deposit) = world.deposit("5", "USDT");
                    if answered
                        .lock()
                        .expect("not poisoned")
                        .len()
                        .is_multiple_of(10)
                    {
                        world.net.pay(&deposit);
                    }
                    let mut answered = answered.lock().expect("not poisoned");
                    answered.push(shopper.order_id);
                }
            });
        }
        for round in 1..=5 {
            wait::until("more orders", || {
                (answered.lock().expect("not poisoned").len() > round * 20).then_some(())
            });
            before = answered.lock().expect("not poisoned").clone();
            done(&command(&world.server, "backup", &file, &["--force"]));
            let saved = order_ids(&file);
            assert!(before.iter().all(|id| saved.contains(id)), "round {round}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let all = answered.into_inner().expect("not poisoned");
    assert!(all.len() > before.len(), "there was load");

    // Back to the backup: what it has works on, and payments since then are found on the chain again.
    assert!(world.server.stop().success());
    done(&command(
        &world.server,
        "restore",
        &file,
        &["--discard-newer"],
    ));
    let saved = order_ids(&file);
    world.server.launch();
    for id in &before {
        world.shop.status(id);
    }
    let later = all.iter().find(|id| !saved.contains(*id));
    if let Some(id) = later {
        let asked = serde_json::json!({"order_id": id});
        world.shop.post("/orders/status", &asked).expect(404);
    }
    world.settle_everything();
}

/// A payment that came after the backup is in the restored database, too: the chain still has it.
#[test]
fn a_payment_after_the_backup_is_found_again() {
    let mut world = World::start();
    let (shopper, deposit) = world.deposit("5", "USDT");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("backup");
    done(&command(&world.server, "backup", &file, &[]));
    world.net.pay(&deposit);
    world.confirm();
    world.wait_for_status(&shopper, "paid");
    world.receiver.wait_for_status(&shopper.order_id, "paid");
    assert!(world.server.stop().success());
    let why = refused(&command(&world.server, "restore", &file, &[]));
    assert!(
        why.contains("is ahead of the backup, which lacks 1 order's newest status ("),
        "{why}"
    );
    done(&command(
        &world.server,
        "restore",
        &file,
        &["--discard-newer"],
    ));
    world.server.launch();
    world.wait_for_status(&shopper, "paid");
    wait::until(
        "it to be told again, which the copy knows nothing of",
        || {
            let told = world.receiver.to(ORDERS);
            (told.iter().filter(|d| d.is_delivered()).count() == 2).then_some(())
        },
    );
}

/// An amount that a customer was shown after the backup, and whatever people decided since, is in no block: it must not
/// go unmentioned.
#[test]
fn what_came_after_the_backup_is_counted_before_it_is_lost() {
    let mut world = World::start();
    let admin = world.admin();
    let shopper = world.order("5");
    let strays: Vec<String> = ["1.25", "2.5"]
        .iter()
        .map(|value| {
            let (net, wallet) = (&world.net, &world.net.wallet);
            net.usdt.transfer(&net.anvil, wallet, value)
        })
        .collect();
    world.confirm();
    let unmatched = wait::until("both to be unmatched", || {
        let found = admin.get("/transfers?unmatched=true");
        found.as_array().filter(|t| t.len() == 2).cloned()
    });
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("backup");
    done(&command(&world.server, "backup", &file, &[]));

    let deposit = shopper.pay(&world.net.name, "USDT");
    let ignore = format!("/transfers/{}/ignore", unmatched[0]["id"]);
    admin.post(&ignore, &Value::Null);
    let claim = serde_json::json!({"txn_hash": strays[0], "blockchain": null});
    let path = shopper.order_path("claim");
    shopper.call("POST", &path, &claim).expect(200);
    assert!(world.server.stop().success());

    let why = refused(&command(&world.server, "restore", &file, &[]));
    for part in [
        "which lacks 1 amount that a customer was told to pay (a payment of it would come in as an unknown transfer",
        "1 unknown transfer's mark as ignored, 1 claim of a customer, 1 line of the audit trail (--discard-newer",
    ] {
        assert!(why.contains(part), "{why}");
    }
    let flags = ["--discard-newer", "--json"];
    let said = done(&command(&world.server, "restore", &file, &flags));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    for kind in ["deposits", "ignored", "claims", "audit"] {
        assert_eq!(said[format!("missing_{kind}")], 1, "{kind}: {said}");
    }
    assert_eq!((&said["missing"], &said["changed"]), (&0.into(), &0.into()));

    // What the sentence says is what happens.
    world.server.launch();
    let hash = world.net.pay(&deposit);
    world.confirm();
    wait::until("the payment to be unmatched", || {
        let found = admin.get("/transfers?unmatched=true");
        let mut found = found.as_array()?.iter();
        found.find(|t| t["txn_hash"] == hash.as_str()).map(|_| ())
    });
    assert_eq!(shopper.status()["status"], "pending");
}

/// Who reads the feed has seen numbers that the backup does not know: what comes next must not hide behind them, also on a
/// machine that never had the database that gave them out.
#[test]
fn the_feed_goes_on_after_a_restore() {
    for is_there in [true, false] {
        let mut house = House::start();
        house.order();
        let file = house.file("backup");
        done(&house.backup(&file, &[]));
        for _ in 0..3 {
            house.order();
        }
        let admin = Admin::of(&house.server.base());
        let after = admin.get("/events?after=0")["next"].clone();
        assert!(house.server.stop().success());
        if !is_there {
            fs::rename(house.server.db_path(), house.file("elsewhere")).expect("room");
        }
        done(&house.restore(&file, &["--discard-newer"]));
        house.server.launch();
        let order = house.order();
        let news = admin.get(&format!("/events?after={after}"));
        assert_eq!(
            news["events"][0]["order"]["order_id"],
            order.as_str(),
            "{news}"
        );
        // What the reader knew is undone in part, also now that there is news.
        assert_eq!(news["missed"], true, "{news}");
        let next = admin.get(&format!("/events?after={}", news["next"]));
        assert_eq!(next["missed"], false, "{next}");
    }
}

/// A backup by an older version lacks whole tables: what they hold now is counted as well.
#[test]
fn a_backup_of_an_older_version_is_compared_too() {
    let mut house = House::start();
    house.order();
    let file = house.file("backup");
    assert!(house.server.stop().success());
    done(&house.backup(&file, &[]));
    let older = Connection::open(&file).expect("a database");
    older
        .execute_batch("DROP TABLE audit; DROP TABLE claims; DROP INDEX transfers_unmatched; DROP INDEX transfers_unmatched_by_size; ALTER TABLE transfers DROP COLUMN ignored")
        .expect("SQL");
    drop(older);
    house
        .server
        .stopped_db()
        .execute_batch("INSERT INTO audit (at, client, action) VALUES (1, 'x', 'y'), (2, 'x', 'y')")
        .expect("SQL");
    let why = refused(&house.restore(&file, &[]));
    assert!(why.contains("lacks 2 lines of the audit trail ("), "{why}");
    done(&house.restore(&file, &["--discard-newer"]));
}

/// Under any name: a server would write on in a file that is no longer there, and all of it be lost.
#[test]
fn the_live_database_is_no_place_for_its_backup() {
    let house = House::start();
    let database = house.server.db_path();
    let at = |suffix: &str| {
        let mut path = database.clone().into_os_string();
        path.push(suffix);
        PathBuf::from(path)
    };
    let [hard, soft, beneath] = ["hard", "soft", "beneath"].map(|name| house.file(name));
    fs::hard_link(&database, &hard).expect("one file system");
    symlink(&database, &soft).expect("room");
    // Where a backup is written before it gets its name.
    symlink(&database, house.file("beneath.partial")).expect("room");
    let dir = database.parent().expect("a directory");
    let name = dir.file_name().expect("a name");
    let roundabout = dir.join("..").join(name).join("ocrch.db");
    let order = house.order();
    let before = fs::metadata(&database).expect("a file").ino();
    let mut targets = vec![database.clone(), roundabout, hard, soft, beneath];
    targets.extend(["-wal", "-shm", "-journal", ".lock"].map(at));
    for target in targets {
        for flags in [&[][..], &["--force"]] {
            let why = refused(&house.backup(&target, flags));
            let clear = "is the live database, or belongs to it: choose another name";
            assert!(why.contains(clear), "{}: {why}", target.display());
        }
    }
    assert_eq!(fs::metadata(&database).expect("a file").ino(), before);
    let later = house.order();
    let saved = house.file("good");
    done(&house.backup(&saved, &[]));
    let saved = order_ids(&saved);
    assert!(saved.contains(&order) && saved.contains(&later));
}

/// Another shop's: its server would write on in a file without a name, and its database be this one's.
#[test]
fn another_servers_database_is_no_place_for_a_backup() {
    let (house, mut other) = (House::start(), House::start());
    let order = other.order();
    let database = other.server.db_path();
    let soft = house.file("soft");
    symlink(&database, &soft).expect("room");
    let said = format!("{}.lock lies beside it", database.display());
    for is_running in [true, false] {
        if !is_running {
            assert!(other.server.stop().success());
        }
        for target in [&database, &soft] {
            let before = fs::metadata(&database).expect("a file").ino();
            let why = refused(&house.backup(target, &["--force"]));
            assert!(why.contains("is the database of a server"), "{why}");
            assert!(is_running || why.contains(&said), "{why}");
            assert_eq!(fs::metadata(target).expect("a file").ino(), before);
        }
    }
    // Also where it was moved away for a moment.
    fs::rename(&database, other.file("aside")).expect("one file system");
    assert!(refused(&house.backup(&database, &[])).contains(&said));
    fs::rename(other.file("aside"), &database).expect("one file system");
    other.server.launch();
    other.shop.status(&order);
}

#[test]
fn it_is_private_and_replaces_nothing_unasked() {
    let house = House::start();
    let order = house.order();
    let file = house.file("ocrch.backup");
    let said = done(&house.backup(&file, &[]));
    assert!(said.contains("1 orders (the last of 20"), "{said}");
    assert_eq!(
        fs::metadata(&file).expect("a file").permissions().mode() & 0o777,
        0o600
    );
    assert!(order_ids(&file).contains(&order));

    let second = house.order();
    let why = refused(&house.backup(&file, &[]));
    assert!(
        why.contains("exists already: left as it is (--force"),
        "{why}"
    );
    assert!(!order_ids(&file).contains(&second));
    let said = done(&house.backup(&file, &["--force", "--json"]));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(
        (&said["orders"], &said["transfers"]),
        (&2.into(), &0.into())
    );
    assert_eq!(said["bytes"], fs::metadata(&file).expect("a file").len());
    assert!(order_ids(&file).contains(&second));
    let left: Vec<_> = fs::read_dir(house.backups.path())
        .expect("a directory")
        .collect();
    assert_eq!(left.len(), 1, "one file and nothing beside it: {left:?}");

    let why = refused(&house.backup(&house.file("no/such/dir/backup"), &[]));
    assert!(why.contains("no/such/dir/backup"), "{why}");
}

/// The configuration, say, where `-c` was forgotten. An earlier backup is replaced, in whatever state it is.
#[test]
fn only_an_earlier_backup_is_replaced() {
    let house = House::start();
    let other = house.file("other.db");
    Connection::open(&other)
        .and_then(|db| db.execute_batch("CREATE TABLE notes (text)"))
        .expect("a database");
    let text = house.file("ocrch.toml");
    fs::write(&text, "[server]\n").expect("room");
    for file in [&text, &other] {
        let before = fs::read(file).expect("a file");
        let why = refused(&house.backup(file, &["--force"]));
        assert!(why.contains("is no earlier backup"), "{why}");
        assert_eq!(fs::read(file).expect("a file"), before);
    }
    let file = house.file("ocrch.backup");
    done(&house.backup(&file, &[]));
    let half = fs::read(&file).expect("a file");
    for left in [half.len() / 2, 100, 0] {
        fs::write(&file, &half[..left]).expect("room");
        done(&house.backup(&file, &["--force"]));
    }
}

/// A power cut leaves a journal; what is in it was answered, so it belongs to the backup.
#[test]
fn a_server_that_was_killed_can_be_backed_up_and_restored() {
    let mut house = House::start();
    let order = house.order();
    let file = house.file("backup");
    house.server.kill();
    done(&house.backup(&file, &[]));
    assert!(order_ids(&file).contains(&order));

    house.server.launch();
    let later = house.order();
    house.server.kill();
    let why = refused(&house.restore(&file, &[]));
    assert!(
        why.contains("is ahead of the backup, which lacks 1 order ("),
        "{why}"
    );
    let said = done(&house.restore(&file, &["--discard-newer", "--json"]));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["missing"], 1);
    let kept = PathBuf::from(said["kept"].as_str().expect("a path"));
    assert!(order_ids(&kept).contains(&later), "the old one is whole");
    house.server.launch();
    house.shop.status(&order);
    assert!(!order_ids(&house.server.db_path()).contains(&later));
}

#[test]
fn a_backup_that_cannot_be_trusted_changes_nothing() {
    let mut house = House::start();
    house.order();
    let good = house.file("good");
    done(&house.backup(&good, &[]));
    assert!(house.server.stop().success());
    let make = |name: &str, change: &dyn Fn(&Path)| {
        let path = house.file(name);
        fs::copy(&good, &path).expect("room");
        change(&path);
        path
    };
    let cut = make("cut", &|path| {
        let bytes = fs::read(path).expect("a file");
        fs::write(path, &bytes[..bytes.len() / 2]).expect("room");
    });
    let scratched = make("scratched", &|path| {
        let mut bytes = fs::read(path).expect("a file");
        // All but the header and the first page's schema.
        bytes[8192..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(path, bytes).expect("room");
    });
    let no_database = make("text", &|path| {
        fs::write(
            path,
            "no database at all, but long enough to be one".repeat(20),
        )
        .expect("room");
    });
    let empty = make("empty", &|path| fs::write(path, "").expect("room"));
    let foreign = make("foreign", &|path| {
        fs::remove_file(path).expect("a file");
        let db = Connection::open(path).expect("a database");
        db.execute_batch("CREATE TABLE orders (x); PRAGMA user_version = 1")
            .expect("SQL");
    });
    let newer = make("newer", &|path| {
        let db = Connection::open(path).expect("a database");
        db.pragma_update(None, "user_version", 999).expect("SQL");
    });
    let orphans = make("orphans", &|path| {
        let db = Connection::open(path).expect("a database");
        db.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO creations VALUES (1, x'00', 99)")
            .expect("SQL");
    });
    let before = house.files();
    for (file, expected) in [
        (&cut, "damaged"),
        (&scratched, "damaged"),
        (&no_database, "not a database of ocrch"),
        (&empty, "not a database of ocrch"),
        (&foreign, "not a database of ocrch"),
        (
            &newer,
            "written by a newer version (its schema is 999, this version knows",
        ),
        (&orphans, "rows refer to rows that are not there"),
        (&house.file("none"), "no such file"),
        (&house.server.db_path(), "is the database itself"),
    ] {
        for flags in [&[][..], &["--discard-newer"]] {
            let why = refused(&house.restore(file, flags));
            assert!(why.starts_with("nothing was restored: "), "{why}");
            assert!(why.contains(expected), "{why}");
            assert_eq!(house.files(), before, "{why}");
        }
    }
    // Neither does a damaged database become a backup.
    fs::copy(&scratched, house.server.db_path()).expect("room");
    let why = refused(&house.backup(&house.file("new"), &[]));
    assert!(why.contains("damaged"), "{why}");
    assert!(!house.file("new").exists());
}

#[test]
fn a_running_server_is_not_replaced() {
    let house = House::start();
    house.order();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    let why = refused(&house.restore(&file, &[]));
    assert!(
        why.contains("another ocrch is running on this file: stop it first"),
        "{why}"
    );
}

#[test]
fn a_database_that_is_open_elsewhere_is_not_replaced() {
    let mut house = House::start();
    house.order();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    assert!(house.server.stop().success());
    let other = house.server.stopped_db();
    other
        .execute_batch("PRAGMA journal_mode = WAL; BEGIN; SELECT count(*) FROM orders")
        .expect("SQL");
    let why = refused(&house.restore(&file, &[]));
    assert!(why.contains("open in another program"), "{why}");
    drop(other);
    done(&house.restore(&file, &[]));
}

/// The reason to restore is often that the present file is gone or broken.
#[test]
fn a_broken_or_missing_database_is_replaced_and_the_broken_one_kept() {
    let mut house = House::start();
    let order = house.order();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    assert!(house.server.stop().success());
    let database = house.server.db_path();
    let garbage = b"this was a database once; now it is only text".repeat(100);
    fs::write(&database, &garbage).expect("room");
    let said = done(&house.restore(&file, &["--json"]));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["missing"], Value::Null);
    let kept = said["kept"].as_str().expect("a path");
    assert_eq!(fs::read(kept).expect("a file"), garbage);
    assert!(order_ids(&database).contains(&order));

    fs::remove_file(&database).expect("a file");
    let said = done(&house.restore(&file, &[]));
    assert!(!said.contains("is kept"), "{said}");
    house.server.launch();
    house.shop.status(&order);
}

/// Where nobody knows which amounts must be kept from other orders, the merchant has to.
#[test]
fn where_nothing_can_be_compared_it_says_what_may_happen() {
    let mut house = House::start();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    assert!(house.server.stop().success());
    let database = house.server.db_path();
    let warning = ". An amount that a customer was told to pay since the backup may be asked of somebody else";
    fs::remove_file(&database).expect("a file");
    let said = done(&house.restore(&file, &[]));
    let none = "no database here to compare the backup with";
    assert!(said.contains(&format!("{none}{warning}")), "{said}");
    let said = done(&house.restore(&file, &[]));
    assert!(!said.contains(warning), "it was read: {said}");
    for kept in fs::read_dir(database.parent().expect("a directory")).expect("a directory") {
        let kept = kept.expect("an entry").path();
        if kept.to_string_lossy().contains(".replaced-") {
            fs::remove_file(kept).expect("a file");
        }
    }
    fs::write(&database, b"only text".repeat(100)).expect("room");
    let said = done(&house.restore(&file, &[]));
    let unread = "It could not be read, so what it had beyond the backup is not known";
    assert!(said.contains(&format!("{unread}{warning}")), "{said}");
}

/// Restored by root, the files must still be the server's.
#[test]
fn the_owner_stays() {
    let mut house = House::start();
    house.order();
    let file = house.file("backup");
    assert!(house.server.stop().success());
    let database = house.server.db_path();
    let dir = database.parent().expect("a directory");
    // Only root may give files away; for everybody else the owner is their own anyway.
    let _ = chown(&database, Some(65_534), Some(65_534));
    let owner = |path: &Path| {
        let found = fs::metadata(path).expect("a file");
        (found.uid(), found.gid())
    };
    let expected = owner(&database);
    done(&house.backup(&file, &[]));
    done(&house.restore(&file, &[]));
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with("ocrch.db") {
            assert_eq!(owner(&path), expected, "{name}");
        }
    }
}

/// Killed at any moment, there is the whole old backup or the whole new one, and the next run clears up.
#[test]
fn an_interrupted_backup_leaves_nothing_half() {
    let mut house = House::start();
    assert!(house.server.stop().success());
    fill(&house.server.stopped_db(), 20_000);
    house.server.launch();
    let file = house.file("backup");
    let mut random = Random::new(5);
    let mut interrupted = 0;
    for round in 0..20 {
        let mut backup = ocrch()
            .arg("backup")
            .arg(&file)
            .arg("--force")
            .arg("-c")
            .arg(house.server.config_path())
            .spawn()
            .expect("the binary starts");
        thread::sleep(Duration::from_millis(random.below(60) as u64));
        let _ = backup.kill();
        interrupted += usize::from(!backup.wait().expect("a child").success());
        if file.exists() {
            assert_eq!(order_ids(&file).len(), 20_000, "round {round}");
        }
    }
    assert!(interrupted > 0, "some of them were interrupted");
    done(&house.backup(&file, &["--force"]));
    assert_eq!(order_ids(&file).len(), 20_000);
    let left: Vec<_> = fs::read_dir(house.backups.path())
        .expect("a directory")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

fn fill(db: &Connection, orders: u32) {
    db.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO orders (order_id, merchant_order_id, amount, status, webhook_url, description, created_at, expires_at, closed_at)
         SELECT 'order-' || i, 'cart-' || i, '5', 'paid', 'http://127.0.0.1:9/', hex(zeroblob(100)), i, i + 1800, i FROM n",
        [orders],
    )
    .expect("SQL");
}
