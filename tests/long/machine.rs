//! docs/operations.md on a machine with a running systemd, which starts the units as they are: a Debian in a container of its own,
//! without a network. It plays the standby as well. Needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::containers::Containers;
use crate::guide;
use crate::support::guide::Edited;
use crate::support::{markdown, wait};

/// What is asked of a terminal.
const ADMIN: &str = "an admin secret of our own";
/// The unit's watchdog waits for a minute.
const WATCHDOG: Duration = Duration::from_secs(100);
const HEALTH: &str = "curl -sS --max-time 3 http://127.0.0.1:8080/health";
const MAIN_PID: &str = "systemctl show -p MainPID --value ocrch";

struct Machine(Containers);

fn given(name: &str) -> PathBuf {
    let path = std::env::var_os(name).unwrap_or_else(|| panic!("{name}: see .ci/full"));
    path.into()
}

fn done(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {output:?}");
}

impl Machine {
    /// Boots a copy of a Debian, with what the guide has its reader download in `/root/release`.
    fn boot() -> Self {
        let containers = Containers::new();
        let root = containers.path("root");
        done(
            Command::new("cp")
                .arg("-a")
                .arg(given("OCRCH_MACHINE"))
                .arg(&root),
        );
        let release = root.join("root/release");
        fs::create_dir(&release).expect("room");
        let name = format!("ocrch-linux-{}", std::env::consts::ARCH);
        fs::copy(given("OCRCH_STATIC"), release.join(&name)).expect("the static binary");
        fs::copy(given("LITESTREAM"), release.join("litestream")).expect("the program");
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        done(Command::new("cp").arg("-r").arg(examples).arg(&release));
        // The editor saves what the test has put there.
        let nano = root.join("usr/local/bin/nano");
        fs::write(&nano, "#!/bin/sh\n[ ! -e /root/edited ] || { cat /root/edited >\"$1\" && rm /root/edited; }\n")
            .expect("room");
        done(Command::new("chmod").arg("755").arg(nano));
        let machine = Self(containers);
        // As on a real machine, mounts are shared: systemd counts on it for credentials.
        let init = "mount --make-rshared / && exec /sbin/init";
        let started = machine.0.podman(&[
            "run",
            "--detach",
            "--name=machine",
            "--hostname=machine",
            "--network=none",
            "--systemd=always",
            "--security-opt=seccomp=unconfined",
            "--security-opt=apparmor=unconfined",
            "--security-opt=unmask=ALL",
            "--cap-add=SYS_ADMIN,SYS_PTRACE,NET_ADMIN,DAC_READ_SEARCH,SYSLOG",
            "--rootfs",
            root.to_str().expect("plain"),
            "sh",
            "-c",
            init,
        ]);
        assert!(started.status.success(), "{started:?}");
        wait::until("systemd", || {
            machine.succeeds("systemctl is-active multi-user.target")
        });
        machine.run(&format!(
            "sha256sum {name} >SHA256SUMS; echo 127.0.0.1 machine >>/etc/hosts"
        ));
        machine
    }

    /// Runs code in the machine; whether it ended well, and what it printed.
    fn try_run(&self, code: &str) -> (bool, String) {
        // By a file: Podman's exec now and then loses what a short command prints.
        let code = format!("exec >/root/said 2>&1 <<<'{ADMIN}'\n{code}");
        let in_machine = ["exec", "-w=/root/release", "machine", "bash"];
        let strict = ["-euo", "pipefail", "-c", &code];
        let output = self.0.podman(&[&in_machine[..], &strict[..]].concat());
        let said = self.file("root/said");
        (output.status.success(), said.trim().to_owned())
    }

    #[track_caller]
    fn run(&self, code: &str) -> String {
        let (ended_well, said) = self.try_run(code);
        assert!(ended_well, "{code}\n---\n{said}\n---\n{}", self.journal());
        said
    }

    fn succeeds(&self, code: &str) -> Option<()> {
        self.try_run(code).0.then_some(())
    }

    /// Runs the guide's block that has this in it.
    #[track_caller]
    fn follow(&self, with: &str) -> String {
        let uname = guide::block(with).replace("x86_64", std::env::consts::ARCH);
        self.run(&uname)
    }

    fn save(&self, text: &str) {
        fs::write(self.0.path("root/root/edited"), text).expect("room");
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.0.path("root").join(path)).expect("a file")
    }

    fn journal(&self) -> String {
        self.try_run("journalctl -n 60 --no-pager").1
    }

    fn orders_in(&self, database: &str) -> u32 {
        let count = format!("sqlite3 -readonly {database} 'SELECT count(*) FROM orders'");
        self.run(&count).parse().expect("a number")
    }

    /// Waits until the server is another process than this, and well.
    fn is_started_anew(&self, before: &str, within: Duration) {
        wait::until_within(within, "another process of the server", || {
            let now = self.run(MAIN_PID);
            (now != "0" && now != before).then_some(())
        });
        wait::until("the server", || self.succeeds(HEALTH));
    }
}

fn install(machine: &Machine) {
    machine.follow("sha256sum --check");
    machine.follow("sudo useradd --system --home-dir /var/lib/ocrch ");
    let said = machine.follow("ocrch hash-secret");
    let hash = said.lines().find(|line| line.starts_with("$argon2id$"));
    let edited = Edited::as_told(
        &machine.file("etc/ocrch/ocrch.toml"),
        hash.unwrap_or_else(|| panic!("{said}")),
        |text| text.to_owned(),
    );
    machine.save(&edited.text());
    machine.run("sudo nano /etc/ocrch/ocrch.toml");
    let said = machine.follow("enable --now ocrch\n");
    assert!(said.contains("active (running)"), "{said}");
    assert!(
        said.contains(" ready ") && !said.contains("ERROR"),
        "{said}"
    );
}

#[test]
fn the_units_run_a_shop_and_its_standby() {
    let machine = Machine::boot();
    install(&machine);
    machine.follow("apt install caddy");
    machine.run("sudo ocrch check -c /etc/ocrch/ocrch.toml");
    let page = machine.follow("sudo ocrch order create");
    assert!(page.contains("/checkout?order_id="), "{page}");
    let said = machine.follow("systemctl reload ocrch");
    assert!(said.contains("configuration reloaded"), "{said}");

    // Killed, or hanging, or kept from starting for longer than systemd is patient by itself.
    let before = machine.run(MAIN_PID);
    machine.run("kill -KILL $(systemctl show -p MainPID --value ocrch)");
    machine.is_started_anew(&before, wait::SOON);
    let before = machine.run(MAIN_PID);
    machine.run("kill -STOP $(systemctl show -p MainPID --value ocrch)");
    machine.is_started_anew(&before, WATCHDOG);
    let said = machine.run("journalctl -u ocrch --no-pager");
    assert!(said.contains("Watchdog timeout"), "{said}");
    let credential = "/etc/ocrch/credentials/merchant";
    machine.run(&format!(
        "echo too-short >bad; cp {credential} kept; cp bad {credential}; ! systemctl restart ocrch"
    ));
    wait::until("many tries", || {
        let tries = machine.run("systemctl show -p NRestarts --value ocrch");
        (tries.parse::<u32>().expect("a number") > 8).then_some(())
    });
    machine.run(&format!("cp kept {credential}"));
    machine.is_started_anew("0", wait::SOON);

    let said = machine.follow("ocrch-backup.timer");
    assert!(said.contains(".db"), "{said}");
    let timers = machine.run("systemctl list-timers --no-pager");
    assert!(timers.contains("ocrch-backup.timer"), "{timers}");

    alert(&machine);

    for unit in ["ocrch", "ocrch-backup", "ocrch-litestream", "ocrch-alert@x"] {
        let file = unit.trim_end_matches('x');
        machine.run(&format!(
            "cp examples/systemd/{file}.service /etc/systemd/system/"
        ));
        let safe = "systemctl daemon-reload; systemd-analyze security --threshold=15 --no-pager";
        machine.run(&format!("{safe} {unit}"));
    }
    stand_by(&machine);
}

/// Takes what is posted to port 8099 down, as a service that tells people would.
const RECEIVER: &str = r#"
cat >receive <<'END'
while IFS= read -r line && [ "$line" != $'\r' ]; do :; done
read -t 2 -N 500 body
echo "$body" >>/root/told
printf 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
END
systemd-run --unit=receiver systemd-socket-activate --accept --inetd --listen=127.0.0.1:8099 bash /root/release/receive
"#;

/// The backup's owner hears of one that fails.
fn alert(machine: &Machine) {
    machine.run(RECEIVER);
    let told = |what: &str| {
        wait::until(what, || {
            machine.succeeds(&format!("grep '{what}' /root/told"))
        });
    };
    let unit = markdown::read("examples/systemd/ocrch-alert@.service");
    let address = "TELL=https://ntfy.sh/a-name-that-nobody-guesses";
    assert!(unit.contains(address), "{unit}");
    machine.save(&unit.replace(address, "TELL=http://127.0.0.1:8099/"));
    machine.follow("ocrch-alert@.service");
    told("ocrch-backup has failed on machine");
    machine.run("rm /root/told; mv /var/backups/ocrch aside; ! systemctl start ocrch-backup");
    told("ocrch-backup.service has failed on machine");
    machine.run("mv aside /var/backups/ocrch; systemctl start ocrch-backup");
}

/// The machine is its own standby, and then the only one.
fn stand_by(machine: &Machine) {
    machine.follow("install -m 755 litestream");
    let host_key = machine.follow("sudo useradd --system --home-dir /var/lib/ocrch-replica");
    let host_key = host_key.lines().last().expect("a key").to_owned();
    let key = machine.follow("ssh-keygen -t ed25519");
    machine.save(key.lines().last().expect("a key"));
    machine.run("sudo nano /etc/ssh/ocrch-replica.keys");
    let settings = markdown::read("examples/systemd/litestream.yml")
        .replace("standby.example.com", "127.0.0.1")
        .replace("ecdsa-sha2-nistp256 AAAA-the-rest-of-that-line", &host_key);
    machine.save(&settings);
    machine.follow("cp examples/systemd/litestream.yml");
    let create =
        guide::block("sudo ocrch order create").replace("--order-id first", "--order-id second");
    machine.run(&create);
    let restore = "rm -f look.db; litestream restore -o look.db file:///var/lib/ocrch-replica";
    wait::until("the replica", || {
        machine.succeeds(restore)?;
        (machine.orders_in("look.db") == 2).then_some(())
    });
    machine.follow("drill.db");

    machine.run("systemctl disable --now ocrch ocrch-litestream; rm -r /var/lib/ocrch; install -d -m 700 -o ocrch -g ocrch /var/lib/ocrch");
    machine.follow("sudo rm /root/ocrch.db");
    wait::until("the server", || machine.succeeds(HEALTH));
    assert_eq!(machine.orders_in("/var/lib/ocrch/ocrch.db"), 2);
}
