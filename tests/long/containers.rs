//! Podman with settings and images of a test's own.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Removed with all its containers and images.
pub struct Containers {
    dir: TempDir,
}

impl Containers {
    pub fn new() -> Self {
        // Not below /tmp, which may be a memory disk.
        let dir = tempfile::Builder::new()
            .prefix("test-of-ocrch-")
            .tempdir_in("/var/lib")
            .expect("root: see .ci/full");
        let at = dir.path().display();
        // Limits that every machine allows, and a runtime that all kinds of control groups suit.
        let engine = "[engine]\ncgroup_manager = \"cgroupfs\"\nruntime = \"runc\"\n\
                      [containers]\ndefault_ulimits = [\"nofile=9000:9000\", \"nproc=2000:2000\"]\n";
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{at}/images\"\nrunroot = \"{at}/run\"\n"
        );
        fs::write(dir.path().join("containers.conf"), engine).expect("room");
        fs::write(dir.path().join("storage.conf"), storage).expect("room");
        Self { dir }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// A command that finds these settings; `podman` itself or a shell that calls it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("CONTAINERS_CONF", self.path("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", self.path("storage.conf"));
        command
    }

    pub fn podman(&self, arguments: &[&str]) -> Output {
        let podman = self.command("podman").args(arguments).output();
        podman.expect("podman: see .ci/full")
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        self.podman(&["rm", "--all", "--force", "--time", "2"]);
        // What they mounted for themselves would keep the directory.
        self.podman(&["system", "reset", "--force"]);
    }
}
