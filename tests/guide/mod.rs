//! docs/operations.md, followed from top to bottom as somebody would who installs a first server, and what becomes of
//! every other command in the documents.

mod machine;

use machine::Machine;

use crate::support::devnet::Devnet;
use crate::support::http;
use crate::support::markdown::{self, blocks};
use crate::support::node::tests_dir;
use crate::support::receiver::Receiver;
use crate::support::shop::Shopper;
use crate::support::wait;

/// Who runs a block of commands.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Run {
    /// [`the_guide_leads_to_a_shop_that_is_paid`], in this order.
    Here,
    /// This other test, which has these words of the block in its source.
    By(&'static str, &'static str),
    /// Nobody, and why.
    Nobody(&'static str),
}
use Run::{By, Here, Nobody};

const STANDBY: &str = "tests/long/standby.rs";
const DOCUMENTS: &str = "tests/documents.rs";

/// Every block of commands in the documents, by the beginning of its first line. A new one has to be entered here.
const BLOCKS: [(&str, &[(&str, Run)]); 6] = [
    (
        "docs/operations.md",
        &[
            ("sha256sum --check", Here),
            ("sudo useradd --system", Here),
            ("ocrch hash-secret", Here),
            ("sudo nano /etc/ocrch/ocrch.toml", Here),
            ("sudo cp examples/systemd/ocrch.service", Here),
            ("sudo apt install caddy", Here),
            ("sudo ocrch check", Here),
            ("sudo ocrch order create", Here),
            ("sudo nano /etc/ocrch/ocrch.toml", Here),
            ("sudo -u ocrch ocrch backup", Here),
            ("sudo install -d -m 700 -o ocrch", Here),
            ("sudo cp examples/systemd/ocrch-alert@.service", Here),
            ("sudo systemctl stop ocrch", Here),
            (
                "sudo install -m 755 litestream",
                By(STANDBY, "install -m 755 litestream"),
            ),
            (
                "sudo useradd --system",
                By(
                    STANDBY,
                    "useradd --system --home-dir /var/lib/ocrch-replica",
                ),
            ),
            ("sudo ssh-keygen", By(STANDBY, "ssh-keygen -t ed25519")),
            (
                "sudo nano /etc/ssh/ocrch-replica.keys",
                Nobody("an editor: the standby's test writes the file"),
            ),
            (
                "sudo cp examples/systemd/litestream.yml",
                By(STANDBY, "cp examples/systemd/litestream.yml"),
            ),
            ("sudo litestream restore", By(STANDBY, "drill.db")),
            (
                "sudo rm /etc/ssh/ocrch-replica.keys",
                By(STANDBY, "sudo rm /root/ocrch.db"),
            ),
            (
                "sudo litestream restore -f",
                By("tests/long/litestream.rs", "restore"),
            ),
            ("sudo install -m 755 ocrch-linux", Here),
            ("sudo systemctl stop ocrch", Here),
            ("docker exec", By("tests/long/image.rs", "docker exec")),
            (".ci/release", By(".ci/full", ".ci/release")),
        ],
    ),
    (
        "docs/troubleshooting.md",
        &[
            ("printf '%s'", By(DOCUMENTS, "ocrch sign")),
            ("timedatectl", Nobody("it would set this machine's clock")),
        ],
    ),
    (
        "docs/performance.md",
        &[
            ("cargo bench", By(".ci/full", "cargo bench")),
            (
                "tests/lighthouse/run.sh",
                By(".ci/full", "tests/lighthouse/run.sh"),
            ),
        ],
    ),
    (
        "README.md",
        &[
            (
                "cargo run",
                Nobody("it builds; tests/e2e/demo.mjs plays the demo"),
            ),
            ("tests/run.sh", By(".ci/run", "tests/run.sh")),
            ("cargo install", By(DOCUMENTS, "ocrch init")),
            ("ocrch check", By(DOCUMENTS, "ocrch serve")),
            ("ocrch order create", By(DOCUMENTS, "ocrch order create")),
            ("OCRCH=", By(DOCUMENTS, "Idempotency-Key")),
            ("ocrch order cancel", By(DOCUMENTS, "ocrch order cancel")),
        ],
    ),
    ("docs/config.md", &[]),
    ("docs/architecture.md", &[]),
];

#[test]
fn every_command_in_the_documents_is_run_or_it_is_said_why_not() {
    for (document, expected) in BLOCKS {
        let found = blocks(&markdown::read(document), "sh");
        let first = |block: &String| block.trim().lines().next().unwrap_or_default().to_owned();
        let lines: Vec<_> = found.iter().map(first).collect();
        assert_eq!(lines.len(), expected.len(), "{document}: {lines:#?}");
        for ((line, block), (beginning, run)) in lines.iter().zip(&found).zip(expected) {
            assert!(
                line.starts_with(beginning),
                "{document}: {line:?}, not {beginning:?}"
            );
            if let By(test, words) = run {
                let runs = markdown::read(test).contains(words);
                assert!(
                    runs && block.contains(words),
                    "{test} does not run {line:?} of {document}"
                );
            }
            assert!(!matches!(run, Nobody("")), "{line}: why not?");
        }
    }
    // docs/api.md is run as a whole (documents.rs). No other page has commands.
    let known = |page: &str| page == "docs/api.md" || BLOCKS.iter().any(|(d, _)| *d == page);
    for entry in std::fs::read_dir(tests_dir().join("../docs"))
        .expect("docs")
        .flatten()
    {
        let page = format!("docs/{}", entry.file_name().to_string_lossy());
        if page.ends_with(".md") && !known(&page) {
            assert!(blocks(&markdown::read(&page), "sh").is_empty(), "{page}");
        }
    }
}

/// Who opens the checkout page at this address.
fn customer(machine: &Machine, page: &str) -> Shopper {
    let (url, sig) = page.split_once("&sig=").expect("signed");
    let (_, order_id) = url.split_once("order_id=").expect("an order");
    let codes = ["%2F", "%2B", "%3D"].iter().zip(["/", "+", "="]);
    Shopper {
        base: machine.base(),
        order_id: order_id.to_owned(),
        url: url.to_owned(),
        signature: codes.fold(sig.to_owned(), |s, (code, c)| s.replace(code, c)),
    }
}

/// The guide's blocks for the first server, in order.
struct Guide(std::vec::IntoIter<String>);

impl Guide {
    fn open() -> Self {
        let (document, runs) = BLOCKS[0];
        let found = blocks(&markdown::read(document), "sh").into_iter();
        let here = found.zip(runs).filter(|(_, (_, run))| *run == Here);
        Self(here.map(|(block, _)| block).collect::<Vec<_>>().into_iter())
    }

    /// Follows the next block, which has these words; gives what was printed.
    #[track_caller]
    fn follow(&mut self, machine: &Machine, words: &str) -> String {
        let block = self.0.next().expect("a block");
        assert!(block.contains(words), "not the block of {words:?}: {block}");
        machine.run(&block)
    }
}

#[test]
fn the_guide_leads_to_a_shop_that_is_paid() {
    let net = Devnet::start("devnet", 31_337);
    let machine = Machine::new();
    let mut guide = Guide::open();

    let said = guide.follow(&machine, "sha256sum");
    assert!(
        said.contains("ocrch-linux-x86_64: OK") && said.contains(env!("CARGO_PKG_VERSION")),
        "{said}"
    );
    guide.follow(&machine, "ocrch init");
    let said = guide.follow(&machine, "hash-secret");
    let hash = said.lines().next().expect("a hash");
    assert!(hash.starts_with("$argon2id$"), "{said}");
    machine.edit_as_told(hash, &net);
    guide.follow(&machine, "nano");
    let said = guide.follow(&machine, "enable --now ocrch");
    assert!(said.lines().any(|l| l.contains(" ready ")), "{said}");
    guide.follow(&machine, "Caddyfile");

    let said = guide.follow(&machine, "ocrch check");
    assert!(
        !said.contains("FAIL") && said.contains("\"status\":\"ok\""),
        "{said}"
    );
    let page = guide.follow(&machine, "order create");
    let page = page.lines().last().expect("an address");
    let shown = http::send("GET", page, &[], b"").expect(200).text();
    assert!(shown.contains("<html"), "{shown}");
    let shopper = customer(&machine, page);
    let deposit = shopper.pay("devnet", "USDT");
    net.pay(&deposit);
    net.anvil.mine(3);
    wait::until("the order to be paid", || {
        (shopper.status()["status"] == "paid").then_some(())
    });

    let said = guide.follow(&machine, "systemctl reload ocrch");
    assert!(said.contains("configuration reloaded"), "{said}");
    let said = guide.follow(&machine, "backup.db");
    assert!(said.contains("It was read back and is whole"), "{said}");
    let said = guide.follow(&machine, "ocrch-backup.timer");
    assert!(said.contains(".db"), "{said}");
    let phone = Receiver::start();
    machine.edit_alert(&phone.url("/phone"));
    guide.follow(&machine, "ocrch-alert@");
    let told = phone.wait_for("/phone", 1).remove(0);
    let told = String::from_utf8_lossy(&told.body);
    assert!(
        told.starts_with("ocrch-backup.service has failed on "),
        "{told}"
    );
    let said = guide.follow(&machine, "/var/backups/ocrch/1.db");
    assert!(said.contains("Restored"), "{said}");
    wait::until("the order to be there", || {
        (machine.is_up() && shopper.status()["status"] == "paid").then_some(())
    });
    guide.follow(&machine, "restart ocrch");
    machine.keep_as_older_version();
    guide.follow(&machine, "--discard-newer");
    wait::until("the order to be there", || {
        (machine.is_up() && shopper.status()["status"] == "paid").then_some(())
    });
    assert!(guide.0.next().is_none(), "the guide goes on");
}
