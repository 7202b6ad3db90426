//! A machine to follow the guide on, below a directory of its own: its paths are moved there, and small stand-ins take
//! the place of sudo, systemd, an editor and a package manager. What they leave out is tried with the real ones:
//! users, SSH and systemd in tests/long/machine.rs, Caddy in tests/long/proxies.rs.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::config::Config;
use crate::support::devnet::Devnet;
use crate::support::guide::Edited;
use crate::support::{http, net, programs};

/// What is asked of a terminal.
const ADMIN: &str = "the admin's own secret";

/// The stand-ins, by name. `$ROOT` is the directory of the machine.
const STAND_INS: [(&str, &str); 7] = [
    ("sudo", "[ \"$1\" = -u ] && shift 2; exec \"$@\""),
    ("useradd", "true"),
    ("chown", "true"),
    ("apt", "true"),
    // What the test has put there to be the edited file.
    (
        "nano",
        "[ ! -e \"$ROOT/edited\" ] || { cat \"$ROOT/edited\" >\"$1\"; rm \"$ROOT/edited\"; }",
    ),
    ("journalctl", "cat \"$ROOT/log\""),
    // Owners need root: the rest is done.
    (
        "install",
        "args=(); while [ $# -gt 0 ]; do case $1 in -o|-g) shift 2;; *) args+=(\"$1\"); shift;; esac; done; exec /usr/bin/install \"${args[@]}\"",
    ),
];

/// Starts and stops the server as its unit says.
const SYSTEMCTL: &str = r#"
unit=$ROOT/etc/systemd/system/ocrch.service
start() {
    rm -rf "$ROOT/run/credentials/ocrch.service" && mkdir -p "$ROOT/run/credentials/ocrch.service"
    credential=$(sed -n 's/^LoadCredential=//p' "$unit")
    cp "${credential#*:}" "$ROOT/run/credentials/ocrch.service/${credential%%:*}"
    mkdir -p "$ROOT/var/lib/ocrch"
    $(sed -n 's/^ExecStart=//p' "$unit") </dev/null >>"$ROOT/log" 2>&1 &
    echo $! >"$ROOT/pid"
    for _ in $(seq 600); do grep -q ' listening ' <(tail -n +"$before" "$ROOT/log") && return; sleep 0.05; done
    exit 1
}
stop() { kill "$(cat "$ROOT/pid")"; while kill -0 "$(cat "$ROOT/pid")" 2>/dev/null; do sleep 0.02; done; rm "$ROOT/pid"; }
touch "$ROOT/log"; before=$(($(wc -l <"$ROOT/log") + 1))
case "$*" in
"enable --now ocrch" | "start ocrch") start ;;
"stop ocrch") stop ;;
"restart ocrch") stop; start ;;
"reload ocrch")
    kill -HUP "$(cat "$ROOT/pid")"
    for _ in $(seq 600); do grep -q ' reloaded' <(tail -n +"$before" "$ROOT/log") && exit; sleep 0.05; done; exit 1 ;;
"status ocrch") kill -0 "$(cat "$ROOT/pid")" ;;
"start ocrch-backup") sh -c "$(sed -n 's/^ExecStart=//p' "$ROOT/etc/systemd/system/ocrch-backup.service" | sed 's/%%/%/g')" ;;
"start ocrch-alert@ocrch-backup.service")
    alert=$ROOT/etc/systemd/system/ocrch-alert@.service
    export "$(sed -n 's/^Environment=//p' "$alert")"
    sh -c "$(sed -n 's/^ExecStart=//p' "$alert" | sed 's/%i/ocrch-backup.service/g; s/%H/this-machine/g')" ;;
"daemon-reload" | "enable --now ocrch-backup.timer" | "reload caddy") ;;
*) echo "systemctl $*: not expected" >&2; exit 1 ;;
esac
"#;

pub struct Machine {
    address: SocketAddr,
    dir: TempDir,
}

impl Machine {
    /// A machine with what the guide has its reader download.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let machine = Self {
            address: net::free_address(),
            dir,
        };
        for name in [
            "bin",
            "etc/systemd/system",
            "etc/caddy",
            "var/lib",
            "var/backups",
            "release",
        ] {
            fs::create_dir_all(machine.path(name)).expect("room");
        }
        let systemctl = ("systemctl", SYSTEMCTL);
        for (name, code) in STAND_INS.iter().chain([&systemctl]) {
            let path = machine.path("bin").join(name);
            let root = machine.dir.path().display();
            fs::write(&path, format!("#!/bin/bash\nROOT={root}\n{code}\n")).expect("room");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("ours");
        }
        let release = machine.path("release");
        let program = release.join("ocrch-linux-x86_64");
        fs::copy(env!("CARGO_BIN_EXE_ocrch"), &program).expect("room");
        let (done, _) = programs::run("sha256sum ocrch-linux-* >SHA256SUMS", &release, &[]);
        assert!(done, "sha256sum");
        machine.copy_examples();
        machine
    }

    /// The examples, moved as the guide's text is.
    fn copy_examples(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for folder in ["systemd", "caddy"] {
            let to = self.path("release/examples").join(folder);
            fs::create_dir_all(&to).expect("room");
            for entry in fs::read_dir(from.join(folder)).expect("examples").flatten() {
                let text = fs::read_to_string(entry.path()).expect("text");
                fs::write(to.join(entry.file_name()), self.moved(&text)).expect("room");
            }
        }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn is_up(&self) -> bool {
        http::try_send("GET", &format!("{}/health", self.base()), &[], b"").is_ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A text with the machine's paths and addresses in the place of a real one's.
    fn moved(&self, text: &str) -> String {
        let root = self.dir.path().display();
        let mut text = text.to_owned();
        for path in [
            "/etc/ocrch",
            "/etc/systemd/system",
            "/etc/caddy",
            "/var/lib/ocrch",
            "/var/backups/ocrch",
            "/run/credentials",
        ] {
            text = text.replace(path, &format!("{root}{path}"));
        }
        text.replace("/usr/local/bin", &format!("{root}/bin"))
            .replace("https://pay.example.com", &self.base())
            .replace("http://127.0.0.1:8080", &self.base())
    }

    /// Runs a block of the guide; gives what it printed.
    #[track_caller]
    pub fn run(&self, block: &str) -> String {
        let today = Command::new("date").arg("+%u").output().expect("date(1)");
        let today = String::from_utf8_lossy(&today.stdout).trim().to_owned();
        let code = self.moved(block).replace("/1.db", &format!("/{today}.db"));
        let path = format!(
            "PATH={}:$PATH\nset -euo pipefail\n",
            self.path("bin").display()
        );
        // What a command reads is what is typed, not the rest of the block.
        let (ended_well, printed) = programs::run(
            "exec bash -c \"$CODE\" <<<\"$TYPED\" 2>&1",
            &self.path("release"),
            &[("CODE", &format!("{path}{code}")), ("TYPED", ADMIN)],
        );
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(
            ended_well,
            "{code}\n---\n{printed}\n--- the server ---\n{log}"
        );
        printed
    }

    /// Prepares the configuration that the next editor saves: the one there is, with the guide's lines where they belong.
    pub fn edit_as_told(&self, hash: &str, net: &Devnet) {
        let path = self.path("etc/ocrch/ocrch.toml");
        let written = fs::read_to_string(path).expect("written");
        let mut edited = Edited::as_told(&written, hash, |text| self.moved(text));
        let listen = format!("listen = \"{}\"", self.address);
        edited.put("[server]", "listen", Some(&listen));
        let mut config = Config::new();
        net.add_to(&mut config, &net.anvil.url);
        let text = config.text(self.address);
        let wallets = &text[text.find("\n[[wallets]]").expect("a wallet")..];
        fs::write(self.path("edited"), edited.text() + wallets).expect("room");
    }

    /// Prepares the unit that the next editor saves: told at this address.
    pub fn edit_alert(&self, url: &str) {
        let path = self.path("release/examples/systemd/ocrch-alert@.service");
        let unit = fs::read_to_string(path).expect("an example");
        let edited = unit.replace("https://ntfy.sh/a-name-that-nobody-guesses", url);
        fs::write(self.path("edited"), edited).expect("room");
    }

    /// Puts what an upgrade would have left in its place.
    pub fn keep_as_older_version(&self) {
        let older = self.path("release/the-older-ocrch");
        fs::copy(self.path("release/ocrch-linux-x86_64"), older).expect("room");
        let kept = self.path("var/lib/ocrch/ocrch.db.before-upgrade-from-1");
        fs::copy(self.path("var/lib/ocrch/backup.db"), kept).expect("the backup");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.path("pid")) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).output();
        }
    }
}
