//! A server's configuration, in pieces that tests change.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

/// The merchant's key in all tests.
pub const SECRET: &str = "a-secret-for-tests-only-0123456789";

/// Argon2id of "admin-secret-for-tests", made with the least effort, for slow builds.
const ADMIN_HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$Aejd5Fhz5RbtrNzHo43lXg$Nz8Vfhoz5FVGkhjYAgmPYvTdFBlPOW19GiZX8iyfLVQ";

/// Where the merchant's own checkout page would be.
pub const CHECKOUT_ORIGIN: &str = "https://checkout.example.com";

/// A `[chains.NAME]` block.
#[derive(Clone, Debug)]
pub struct Chain {
    pub name: String,
    /// "evm" or "tron".
    pub kind: String,
    pub chain_id: u64,
    /// In TOML's own notation: a number, or "finalized" in quotes.
    pub confirmations: String,
    /// Providers that must agree.
    pub agreement: u32,
    /// How long its watcher rests while nobody is about to pay.
    pub idle_poll_interval: String,
    /// JSON-RPC endpoints, the preferred one first.
    pub urls: Vec<String>,
    /// Explorers, asked after the nodes: kind, URL and key.
    pub explorers: Vec<(String, String, String)>,
    /// JSON-RPC endpoints that are asked after the explorers.
    pub last_urls: Vec<String>,
    /// Symbol, contracts, decimals.
    pub tokens: Vec<(String, Vec<String>, u8)>,
}

/// A `[[wallets]]` block.
#[derive(Clone, Debug)]
pub struct Wallet {
    pub blockchain: String,
    pub address: String,
    pub coins: Vec<String>,
    pub starting_tx: Option<String>,
}

/// The file.
#[derive(Clone, Debug)]
pub struct Config {
    pub chains: Vec<Chain>,
    pub wallets: Vec<Wallet>,
    /// Section and key to the value as TOML.
    settings: BTreeMap<(String, String), String>,
}

impl Config {
    /// Fast polling, one allowed origin, no chains.
    pub fn new() -> Self {
        let mut config = Self {
            chains: Vec::new(),
            wallets: Vec::new(),
            settings: BTreeMap::new(),
        };
        config.set("database", "path", "\"ocrch.db\"");
        config.set_text("admin", "secret", ADMIN_HASH);
        config.set("merchant", "name", "\"Test shop\"");
        config.set("merchant", "secret", &format!("{SECRET:?}"));
        config.set(
            "merchant",
            "allowed_origins",
            &format!("[{CHECKOUT_ORIGIN:?}]"),
        );
        config
    }

    /// Sets a key to a value in TOML's own notation.
    pub fn set(&mut self, section: &str, key: &str, value: &str) -> &mut Self {
        self.settings
            .insert((section.to_owned(), key.to_owned()), value.to_owned());
        self
    }

    /// Leaves a key out.
    pub fn unset(&mut self, section: &str, key: &str) -> &mut Self {
        self.settings.remove(&(section.to_owned(), key.to_owned()));
        self
    }

    /// Sets a key to a text.
    pub fn set_text(&mut self, section: &str, key: &str, text: &str) -> &mut Self {
        self.set(section, key, &format!("{text:?}"))
    }

    /// The file's text, for a server that listens there.
    pub fn text(&self, listen: SocketAddr) -> String {
        let mut settings = self.settings.clone();
        for (key, value) in [
            ("listen", listen.to_string()),
            ("public_url", format!("http://{listen}")),
        ] {
            settings
                .entry(("server".to_owned(), key.to_owned()))
                .or_insert_with(|| format!("{value:?}"));
        }
        let mut text = String::new();
        let mut open = "";
        for ((section, key), value) in &settings {
            if section != open {
                let _ = writeln!(text, "\n[{section}]");
                open = section;
            }
            let _ = writeln!(text, "{key} = {value}");
        }
        for wallet in &self.wallets {
            let Wallet {
                blockchain,
                address,
                coins,
                starting_tx,
            } = wallet;
            let _ = writeln!(
                text,
                "\n[[wallets]]\nblockchain = {blockchain:?}\naddress = {address:?}\nenabled_coins = {coins:?}"
            );
            if let Some(hash) = starting_tx {
                let _ = writeln!(text, "starting_tx = {hash:?}");
            }
        }
        for chain in &self.chains {
            chain.write(&mut text);
        }
        text
    }
}

impl Chain {
    fn write(&self, text: &mut String) {
        let Self {
            name,
            kind,
            chain_id,
            confirmations,
            agreement,
            idle_poll_interval,
            urls,
            explorers,
            last_urls,
            tokens,
        } = self;
        let node = |url: &String| format!("{{ kind = \"rpc\", url = {url:?} }}");
        let explorers = explorers.iter().map(|(kind, url, key)| {
            format!("{{ kind = {kind:?}, url = {url:?}, api_key = {key:?} }}")
        });
        let nodes = (urls.iter().map(node), last_urls.iter().map(node));
        let providers: Vec<_> = nodes.0.chain(explorers).chain(nodes.1).collect();
        let _ = writeln!(
            text,
            "\n[chains.{name}]\nkind = {kind:?}\nname = \"Chain {name}\"\nchain_id = {chain_id}\n\
             confirmations = {confirmations}\nagreement = {agreement}\npoll_interval = \"200ms\"\nidle_poll_interval = {idle_poll_interval:?}\n\
             explorer_tx_url = \"https://explorer.example.com/{name}/tx/{{hash}}\"\nproviders = [{}]",
            providers.join(", ")
        );
        for (symbol, contracts, decimals) in tokens {
            let _ = writeln!(
                text,
                "[chains.{name}.tokens.{symbol}]\ncontracts = {contracts:?}\ndecimals = {decimals}"
            );
        }
    }
}
