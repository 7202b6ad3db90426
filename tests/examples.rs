//! The examples, run as their READMEs say: from an order to a verified webhook, in front of the demo.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{self, Reply};
use crate::support::markdown::{self, blocks};
use crate::support::net;
use crate::support::node::{Script, tests_dir};
use crate::support::programs::{self, Program};
use crate::support::shop::Shopper;
use crate::support::sign;
use crate::support::wait;

const SECRET: &str = "demo-secret-known-to-everybody";

#[test]
fn the_shop_in_node() {
    let mut example = Example::start("node", &["shop.mjs"]);
    example.sells_by_hand();
    example.passes();
}

#[test]
fn the_shop_in_python() {
    let mut example = Example::start("python", &["shop.py"]);
    example.passes_on_why_ocrch_refuses();
    example.passes();
}

#[test]
fn the_shop_in_php() {
    Example::start("php", &["shop.php"]).passes();
}

/// A page of its own origin, in front of the shop in Node.
#[test]
fn the_static_page() {
    let readme = markdown::read("examples/static/README.md");
    let commands = blocks(&readme, "sh");
    let [demo, shop, pages] = commands.as_slice() else {
        panic!("a demo, a shop and a page: {commands:?}");
    };
    let at: Vec<String> = (0..3).map(|_| net::free_address().to_string()).collect();
    let here = |text: &str| {
        let text = text
            .replace("127.0.0.1:8080", &at[0])
            .replace("127.0.0.1:3000", &at[1]);
        let text = text.replace("127.0.0.1:4000", &at[2]);
        text.replace("server 4000", &format!("server {}", port(&at[2])))
    };
    let (page, backend) = (tempfile::tempdir(), tempfile::tempdir());
    let (page, backend) = (page.expect("a directory"), backend.expect("a directory"));
    let html = here(&markdown::read("examples/static/index.html"));
    std::fs::write(page.path().join("index.html"), html).expect("room");
    let source = tests_dir().join("../examples/node/shop.mjs");
    std::fs::copy(source, backend.path().join("shop.mjs")).expect("the shop");

    let demo = here(demo).replace("ocrch demo", &format!("ocrch demo --listen {}", at[0]));
    let (ocrch, shop_url) = (format!("http://{}", at[0]), format!("http://{}", at[1]));
    let variables = [
        ("OCRCH", &*ocrch),
        ("SHOP_URL", &*shop_url),
        ("PORT", port(&at[1])),
    ];
    let _demo = Program::start(&demo, page.path(), "demo.log", &[]);
    let shop = Program::start(&here(shop), backend.path(), "shop.log", &variables);
    let _pages = Program::start(&here(pages), page.path(), "pages.log", &[]);
    for address in &at {
        wait::until("it to open", || {
            http::try_send("GET", &format!("http://{address}"), &[], b"").ok()
        });
    }
    let mut script = Script::start(
        "static-shop.mjs",
        &json!({"page": format!("http://{}", at[2]), "shop": shop_url}),
    );
    let end = script.expect("paid");
    assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
    script.finish();
    let shipped = format!("ship {}:", end["id"].as_str().expect("an id"));
    assert_eq!(shop.said().matches(&shipped).count(), 1);
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}

/// The demo and an example's shop, started with the commands of its README on ports of their own.
struct Example {
    // Dropped in this order.
    shop: Option<Program>,
    _demo: Program,
    command: String,
    curl: String,
    base: String,
    ocrch: String,
    dir: TempDir,
}

impl Example {
    fn start(name: &str, files: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let source = tests_dir().join("../examples").join(name);
        for file in files {
            std::fs::copy(source.join(file), dir.path().join(file)).expect("the example");
        }
        let (ocrch, shop) = (net::free_address(), net::free_address());
        let readme = markdown::read(&format!("examples/{name}/README.md"));
        let commands = blocks(&readme, "sh");
        let [demo, command, curl] = commands.as_slice() else {
            panic!("a demo, a shop and an order: {commands:?}");
        };
        assert_eq!(demo, "ocrch demo\n");
        let demo = format!("ocrch demo --listen {ocrch}");
        let demo = Program::start(&demo, dir.path(), "demo.log", &[]);
        let mut example = Self {
            shop: None,
            _demo: demo,
            command: at(command, shop),
            curl: at(curl, shop),
            base: format!("http://{shop}"),
            ocrch: format!("http://{ocrch}"),
            dir,
        };
        example.wait_for(&example.ocrch);
        example.open();
        example
    }

    fn open(&mut self) {
        let port = port(&self.base).to_owned();
        let variables = [
            ("OCRCH", &*self.ocrch),
            ("SHOP_URL", &*self.base),
            ("PORT", &port),
        ];
        let shop = Program::start(&self.command, self.dir.path(), "shop.log", &variables);
        self.shop = Some(shop);
        self.wait_for(&self.base);
    }

    fn wait_for(&self, url: &str) {
        wait::until("it to open", || {
            let reply = http::try_send("GET", url, &[], b"").ok()?;
            (reply.status == 200).then_some(())
        });
    }

    fn said(&self) -> String {
        self.shop.as_ref().expect("open").said()
    }

    /// How often the shop has sent something out for an order.
    fn shipped(&self, id: &str) -> usize {
        self.said().matches(&format!("ship {id}:")).count()
    }

    fn page(&self, id: &str) -> String {
        let url = format!("{}/orders/{id}", self.base);
        http::send("GET", &url, &[], b"").expect(200).text()
    }

    fn wait_for_status(&self, id: &str, status: &str) {
        wait::until(&format!("{id} to be {status}"), || {
            let shown = format!("<strong>{status}</strong>");
            self.page(id).contains(&shown).then_some(())
        });
    }

    /// The form's order: the id in the shop, and its customer on Ocrch's page.
    fn buy(&self, product: &str) -> (String, Shopper) {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let form = format!("product={product}");
        let url = format!("{}/buy", self.base);
        let sent = http::send("POST", &url, &kind, form.as_bytes()).expect(303);
        self.customer(sent.header("location").expect("a page"))
    }

    fn customer(&self, checkout_url: &str) -> (String, Shopper) {
        let (url, sig) = checkout_url.split_once("&sig=").expect("signed");
        let (_, order_id) = url.split_once("order_id=").expect("an order");
        let signature = ["%2F", "%2B", "%3D"].iter().zip(["/", "+", "="]);
        let shopper = Shopper {
            base: self.ocrch.clone(),
            order_id: order_id.to_owned(),
            url: url.to_owned(),
            signature: signature.fold(sig.to_owned(), |s, (code, c)| s.replace(code, c)),
        };
        let id = shopper.status()["merchant_order_id"].clone();
        (id.as_str().expect("text").to_owned(), shopper)
    }

    fn pay(&self, shopper: &Shopper) {
        let deposit = shopper.pay("demo", "USDT");
        let body = deposit.to_string();
        let kind = [("content-type", "application/json")];
        http::send(
            "POST",
            &format!("{}/demo/pay", self.ocrch),
            &kind,
            body.as_bytes(),
        )
        .expect(200);
    }

    /// A webhook of our own making.
    fn tell(&self, id: &str, event: &Value, signature: impl Fn(&[u8]) -> Option<String>) -> Reply {
        let body = event.to_string().into_bytes();
        let signature = signature(&body);
        let mut headers = vec![("content-type", "application/json"), ("webhook-id", id)];
        headers.extend(signature.as_deref().map(|s| ("ocrch-signature", s)));
        let url = format!("{}/ocrch-webhook", self.base);
        http::send("POST", &url, &headers, &body)
    }

    fn tell_genuinely(&self, id: &str, event: &Value) -> Reply {
        self.tell(id, event, |body| {
            Some(sign::body(SECRET, sign::now(), body))
        })
    }

    fn passes(mut self) {
        let shop = http::send("GET", &self.base, &[], b"").expect(200).text();
        assert!(shop.contains("A very good mug"), "{shop}");
        let paid = self.takes_a_payment();
        self.hears_of_a_cancellation();
        self.believes_only_what_is_genuine();
        self.counts_each_event_once(&paid);
        self.minds_what_is_not_its_own();
        self.acts_only_on_what_is_saved();
        self.orders_by_the_readmes_curl();
        let nothing = http::send("GET", &format!("{}/orders/nothing", self.base), &[], b"");
        assert_eq!(nothing.status, 404);
    }

    /// With another secret than Ocrch's, in the shop's own log, and asked once: it would not be different the second time.
    fn passes_on_why_ocrch_refuses(&mut self) {
        let right = self.command.clone();
        self.command = right.replace(SECRET, "another-secret-than-that");
        self.shop = None;
        self.open();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let url = format!("{}/buy", self.base);
        http::send("POST", &url, &kind, b"product=mug").expect(502);
        let reason = "failed: Ocrch answered 401: signature verification failed";
        assert_eq!(self.said().matches(reason).count(), 1, "{}", self.said());
        self.command = right;
        self.shop = None;
        self.open();
    }

    fn takes_a_payment(&self) -> String {
        let (id, shopper) = self.buy("mug");
        assert!(self.page(&id).contains("<strong>pending</strong>"));
        self.pay(&shopper);
        self.wait_for_status(&id, "paid");
        assert_eq!(self.shipped(&id), 1);
        id
    }

    fn hears_of_a_cancellation(&self) {
        let (id, shopper) = self.buy("beans");
        shopper.cancel().expect(200);
        self.wait_for_status(&id, "cancelled");
        assert_eq!(self.shipped(&id), 0);
    }

    fn believes_only_what_is_genuine(&self) {
        let (id, shopper) = self.buy("mug");
        let event = paid_event(&id, &shopper.order_id, "19.99");
        let now = sign::now();
        type Forgery<'a> = &'a dyn Fn(&[u8]) -> Option<String>;
        let forgeries: [(&str, Forgery); 7] = [
            ("no signature", &|_| None),
            ("nonsense", &|_| Some("nonsense".into())),
            ("no MAC", &|_| Some(format!("{now}."))),
            ("another secret", &|body| {
                Some(sign::body("another-secret", now, body))
            }),
            ("other bytes", &|_| Some(sign::body(SECRET, now, b"{}"))),
            ("a recording", &|body| {
                Some(sign::body(SECRET, now - 3600, body))
            }),
            ("the future", &|body| {
                Some(sign::body(SECRET, now + 3600, body))
            }),
        ];
        for (what, forge) in forgeries {
            assert_eq!(self.tell("evt_forged", &event, forge).status, 401, "{what}");
        }
        assert!(self.page(&id).contains("<strong>pending</strong>"));
        assert_eq!(self.shipped(&id), 0);
    }

    fn counts_each_event_once(&mut self, paid: &str) {
        let (id, shopper) = self.buy("beans");
        let event = paid_event(&id, &shopper.order_id, "12.50");
        for _ in 0..2 {
            self.tell_genuinely("evt_one", &event).expect(200);
        }
        assert_eq!(self.shipped(&id), 1, "the same event twice");
        self.shop = None;
        self.open();
        self.tell_genuinely("evt_one", &event).expect(200);
        self.tell_genuinely("evt_two", &event).expect(200);
        assert_eq!(
            self.shipped(&id),
            1,
            "also after a restart, also as another event"
        );
        let mut late = event.clone();
        late["status"] = json!("expired");
        self.tell_genuinely("evt_three", &late).expect(200);
        for id in [paid, &id] {
            assert!(
                self.page(id).contains("<strong>paid</strong>"),
                "paid stays paid"
            );
        }
    }

    fn minds_what_is_not_its_own(&self) {
        let (id, shopper) = self.buy("mug");
        for (n, event) in [
            paid_event(&id, &shopper.order_id, "0.01"),
            paid_event(&id, "01a205c5-3247-713b-90df-95f698ceacfd", "19.99"),
            paid_event("somebody-elses", &shopper.order_id, "19.99"),
        ]
        .iter()
        .enumerate()
        {
            self.tell_genuinely(&format!("evt_foreign_{n}"), event)
                .expect(200);
        }
        assert!(self.page(&id).contains("<strong>pending</strong>"));
        assert_eq!(self.said().matches("not ours").count(), 3);
        let stray = json!({"event_type": "unknown_transfer", "transfer_id": 7, "blockchain": "base", "timestamp": sign::now()});
        for _ in 0..2 {
            self.tell_genuinely("evt_stray", &stray).expect(200);
        }
        assert_eq!(self.said().matches("transfer 7 on base").count(), 1);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let url = format!("{}/buy", self.base);
        http::send("POST", &url, &kind, b"product=gold").expect(400);
    }

    /// A disk that cannot be written just then: the event is not taken, and comes again.
    fn acts_only_on_what_is_saved(&mut self) {
        let (id, shopper) = self.buy("mug");
        let event = paid_event(&id, &shopper.order_id, "19.99");
        let trouble = Trouble::start(self.dir.path());
        let answer = self.tell_genuinely("evt_unsaved", &event);
        assert_eq!(answer.status, 502, "anything but 200: Ocrch tells it again");
        assert_eq!(self.shipped(&id), 0, "nothing is done about it yet");
        assert!(self.page(&id).contains("<strong>pending</strong>"));
        trouble.end();
        for _ in 0..2 {
            self.tell_genuinely("evt_unsaved", &event).expect(200);
        }
        assert_eq!(self.shipped(&id), 1);
        self.shop = None;
        self.open();
        assert!(self.page(&id).contains("<strong>paid</strong>"));
    }

    fn orders_by_the_readmes_curl(&self) {
        let (ended_well, printed) = programs::run(&self.curl, self.dir.path(), &[]);
        assert!(ended_well, "{printed}");
        let order: Value = serde_json::from_str(&printed).expect("JSON");
        let (id, _) = self.customer(order["checkout_url"].as_str().expect("a page"));
        assert_eq!(order["id"], id);
    }

    /// In a real browser, with the buttons that the README names.
    fn sells_by_hand(&mut self) {
        let mut script = Script::start("example.mjs", &json!({ "shop": self.base }));
        let end = script.expect("paid");
        assert_eq!(end["errors"], json!([]), "nothing in the browser's console");
        script.finish();
        assert_eq!(self.shipped(end["id"].as_str().expect("text")), 1);
    }
}

/// Keeps a shop from writing its books, whatever they are: a JSON file or a SQLite file.
enum Trouble {
    /// In the place of the file that would become the new books.
    Obstacle(PathBuf),
    /// Somebody reads, so that nobody can commit.
    Reader(rusqlite::Connection),
}

impl Trouble {
    fn start(dir: &Path) -> Self {
        let (json, sqlite) = (dir.join("orders.json"), dir.join("orders.db"));
        if json.exists() {
            let path = dir.join("orders.json.new");
            std::fs::create_dir(&path).expect("room");
            return Self::Obstacle(path);
        }
        let db = rusqlite::Connection::open(sqlite).expect("the books");
        // Beside a journal of this kind a reader does not stand in the way until the very commit.
        db.pragma_update(None, "journal_mode", "DELETE")
            .expect("nobody else has it open");
        db.execute_batch("BEGIN; SELECT count(*) FROM orders")
            .expect("the books");
        Self::Reader(db)
    }

    fn end(self) {
        match self {
            Self::Obstacle(path) => std::fs::remove_dir(path).expect("an empty directory"),
            Self::Reader(db) => db.close().expect("closed"),
        }
    }
}

fn paid_event(id: &str, order_id: &str, amount: &str) -> Value {
    json!({
        "event_type": "order_status_changed",
        "order_id": order_id,
        "merchant_order_id": id,
        "status": "paid",
        "amount": amount,
        "timestamp": sign::now(),
    })
}

/// A README's command, with the shop at another address.
fn at(command: &str, shop: SocketAddr) -> String {
    command.replace("127.0.0.1:3000", &shop.to_string())
}

/// What an example leaves behind is nobody else's.
#[test]
fn examples_bring_everything_along() {
    for (name, file) in [
        ("node", "shop.mjs"),
        ("python", "shop.py"),
        ("php", "shop.php"),
    ] {
        let dir = tests_dir().join("../examples").join(name);
        let mut files: Vec<String> = list(&dir);
        files.retain(|f| !f.starts_with("orders.") && !f.starts_with("__"));
        assert_eq!(files, ["README.md", file], "one file and its README");
    }
}

fn list(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory").flatten();
    let mut names: Vec<_> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
