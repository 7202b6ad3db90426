//! A new version on an old version's file, and an old version on a new one's.

use std::process::Output;

use crate::support::config::Config;
use crate::support::server::{Server, ocrch};

/// What a server that cannot start says.
fn does_not_start(server: &Server) -> String {
    let Output { status, stderr, .. } = ocrch()
        .arg("-c")
        .arg(server.config_path())
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn an_older_version_leaves_a_newer_file_alone() {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    let database = server.db_path();
    server
        .stopped_db()
        .pragma_update(None, "user_version", 999)
        .expect("SQL");
    let before = std::fs::read(&database).expect("a file");
    let said = does_not_start(&server);
    assert!(
        said.contains(
            "the file was written by a newer version (its schema is 999, this version knows "
        ),
        "{said}"
    );
    assert!(said.contains(&database.display().to_string()), "{said}");
    assert_eq!(std::fs::read(&database).expect("a file"), before);
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let mut server = Server::start(&Config::new());
    assert!(server.stop().success());
    let database = server.db_path();
    std::fs::remove_file(&database).expect("a file");
    server
        .stopped_db()
        .execute_batch("CREATE TABLE notes (text)")
        .expect("SQL");
    let before = std::fs::read(&database).expect("a file");
    let said = does_not_start(&server);
    assert!(said.contains("the file is not one of ocrch's"), "{said}");
    assert_eq!(std::fs::read(&database).expect("a file"), before);
}
