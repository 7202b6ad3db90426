//! Restoring where the database is not simply there: by a link, gone without its journal, after a restore that was cut short.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::backup::{House, done, order_ids};

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
