//! The image of Dockerfile, by the commands in its first lines and in docs/operations.md.

use crate::containers::Containers;
use crate::guide;
use crate::support::{markdown, wait};

/// The commands, for Podman. Its containers here have no network: nothing is reached from outside, and no port is taken.
fn commands() -> Vec<String> {
    let dockerfile = markdown::read("Dockerfile");
    let comments = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("#   "));
    let commands = comments.map(|line| {
        let command = line.split("   ").next().unwrap_or(line);
        command
            .replace("docker run", "podman run --network none")
            .replace("docker", "podman")
            .replace("-p 127.0.0.1:8080:8080 ", "")
            .replace("sudo ", "")
            .replace("$PWD/data", "$DATA")
            .replace(" data", " $DATA")
    });
    commands.collect()
}

fn run(containers: &Containers, command: &str) {
    let done = containers
        .command("bash")
        .args(["-c", command])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("DATA", containers.path("data"))
        .output()
        .expect("bash");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command}: {said}");
}

#[test]
fn the_image_runs_by_its_first_lines() {
    let containers = Containers::new();
    let commands = commands();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in &commands {
        run(&containers, command);
    }
    let log = wait::until("the server in the container", || {
        let logs = containers.podman(&["logs", "ocrch"]);
        let log = String::from_utf8_lossy(&logs.stderr).into_owned()
            + &String::from_utf8_lossy(&logs.stdout);
        log.contains(" listening ").then_some(log)
    });
    assert!(log.contains("address=0.0.0.0:8080"), "{log}");
    // The image has no other program to ask with.
    let checked =
        containers.podman(&["exec", "ocrch", "/ocrch", "check", "-c", "/data/ocrch.toml"]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.contains("by the running server"), "{said}");
    let whoever = containers.podman(&["top", "ocrch", "huser"]);
    assert!(
        String::from_utf8_lossy(&whoever.stdout).contains("65532"),
        "{whoever:?}"
    );
    run(
        &containers,
        &guide::block("docker exec").replace("docker", "podman"),
    );
    assert!(containers.path("data/backup.db").exists());
    let stopped = containers.podman(&["stop", "--time", "20", "ocrch"]);
    assert!(stopped.status.success(), "{stopped:?}");
    assert!(containers.path("data/ocrch.db").exists());
}
