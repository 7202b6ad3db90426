//! Restoring where the database is not simply there: by a link, gone without its journal, after a restore that was cut short.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::backup::{House, done, order_ids};
use crate::cli::does_not_start;
use crate::support::server::ocrch;

/// Moves a stopped server's database to another directory and leaves a link in its place.
fn linked(house: &House) -> (PathBuf, PathBuf) {
    let (link, real) = (house.server.db_path(), house.file("real.db"));
    fs::rename(&link, &real).expect("one file system");
    symlink(&real, &link).expect("room");
    (link, real)
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let mut house = House::start();
    let order = house.order();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    let later = house.order();
    assert!(house.server.stop().success());
    let (link, real) = linked(&house);
    let said = done(&house.restore(&file, &["--discard-newer", "--json"]));
    assert_eq!(fs::read_link(&link).expect("still a link"), real);
    assert!(!order_ids(&real).contains(&later));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let kept = Path::new(said["kept"].as_str().expect("a path"));
    assert_eq!(kept.parent(), real.parent(), "beside what it was");
    assert!(order_ids(kept).contains(&later));
    house.server.launch();
    house.shop.status(&order);
}

/// What a power cut leaves between the second name and the end.
fn cut_short(house: &House) -> PathBuf {
    let database = house.server.db_path();
    let second = database.with_file_name("ocrch.db.replaced-20261123T120000Z");
    fs::hard_link(&database, &second).expect("one file system");
    second
}

#[test]
fn a_restore_that_was_cut_short_keeps_nobody_out() {
    let mut house = House::start();
    let order = house.order();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    assert!(house.server.stop().success());

    let second = cut_short(&house);
    house.server.launch();
    house.shop.status(&order);
    assert!(!second.exists());
    assert!(house.server.log().contains("a restore was cut short"));
    assert!(house.server.stop().success());

    let second = cut_short(&house);
    let said = done(&house.restore(&file, &[]));
    assert!(!second.exists() && said.contains("is kept: "), "{said}");
    house.server.launch();
    house.shop.status(&order);
}

/// As systemd starts a server again that was killed: a new database would take the journal, and with it what was answered.
#[test]
fn no_new_database_is_made_beside_the_journal_of_one_that_is_gone() {
    let mut house = House::start();
    let orders: HashSet<String> = (0..3).map(|_| house.order()).collect();
    let (database, held) = (house.server.db_path(), house.file("held.db"));
    fs::rename(&database, &held).expect("one file system");
    house.server.kill();
    for is_empty in [false, true] {
        if is_empty {
            fs::write(&database, "").expect("room");
        }
        let before = house.files();
        let gone = "the file is missing or empty, but its journal is there";
        let said = does_not_start(&house.server.config_path());
        assert!(said.contains(gone), "{said}");
        let offline = ocrch()
            .args(["check", "--offline", "-c"])
            .arg(house.server.config_path())
            .output()
            .expect("the binary starts");
        let report = String::from_utf8_lossy(&offline.stdout);
        assert!(
            !offline.status.success() && report.contains(gone),
            "{report}"
        );
        assert_eq!(house.files(), before);
    }
    fs::rename(&held, &database).expect("one file system");
    house.server.launch();
    orders.iter().for_each(|id| drop(house.shop.status(id)));
    assert!(house.server.stop().success());
    assert_eq!(order_ids(&database), orders);
}

/// The lost file's newest orders are in its journal, and would be read as the restored file's.
#[test]
fn the_journal_of_a_database_that_is_gone_is_not_the_restored_ones() {
    for is_gone in [true, false] {
        let mut house = House::start();
        let order = house.order();
        let file = house.file("backup");
        done(&house.backup(&file, &[]));
        let later: Vec<String> = (0..5).map(|_| house.order()).collect();
        house.server.kill();
        let (database, held) = (house.server.db_path(), house.file("held.db"));
        let journal = database.with_file_name("ocrch.db-wal");
        let written = fs::read(&journal).expect("a journal");
        fs::rename(&database, &held).expect("one file system");
        if !is_gone {
            // What a tool leaves that was told to open it.
            fs::write(&database, "").expect("room");
        }
        let said = done(&house.restore(&file, &["--discard-newer", "--json"]));
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(said["kept"].is_null(), is_gone, "{said}");
        let kept = said["kept_journal"].as_str().expect("a path");
        assert_eq!(fs::read(kept).expect("the journal"), written);
        assert!(!journal.exists());
        house.server.launch();
        house.shop.status(&order);
        assert!(house.server.stop().success());
        assert_eq!(order_ids(&database), [order].into());

        // Back beside its database, it has what was answered.
        fs::rename(kept, house.file("held.db-wal")).expect("one file system");
        let found = order_ids(&held);
        assert!(later.iter().all(|id| found.contains(id)));
    }
}

#[test]
fn a_journal_that_was_set_aside_is_spoken_of() {
    let mut house = House::start();
    house.order();
    let file = house.file("backup");
    done(&house.backup(&file, &[]));
    house.server.kill();
    fs::remove_file(house.server.db_path()).expect("a file");
    let said = done(&house.restore(&file, &[]));
    let kept = "There was no database, but the journal of one, which is kept: ";
    assert!(said.contains(kept) && said.contains("-wal\n"), "{said}");
}
