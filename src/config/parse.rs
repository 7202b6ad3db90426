//! The text of a file to a checked [`Config`].

use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::admin_secret::verify_admin_secret;
use super::registry::built_in;
use super::report::{ConfigError, ConfigErrors, Report};
use super::section::Section;
use super::{ChainConfig, Config, Database, chains, sections, syntax, wallets};

/// What a text says.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub config: Config,
    /// What works but is probably not meant, for the log.
    pub warnings: Vec<String>,
    /// Where the admin's secret stands plain in the text, quotes included; `None` if it is hashed already.
    pub plain_admin_secret: Option<Range<usize>>,
}

/// Reads a text as if it stood in a file of that name in `dir`, or says everything that is wrong with it.
/// Touches no file but the one that `merchant.secret_file` names.
pub fn parse(text: &str, file: &str, dir: &Path) -> Result<Parsed, ConfigErrors> {
    let (read, warnings) = with_root(text, file, |root| read(root, dir))?;
    let (config, plain_admin_secret) = read.ok_or_else(|| unreadable(file))?;
    Ok(Parsed {
        config,
        warnings,
        plain_admin_secret,
    })
}

/// [`parse`] for one section only.
pub(super) fn parse_database(text: &str, file: &str, dir: &Path) -> Result<Database, ConfigErrors> {
    let read = |root: &Section<'_>| Some(sections::database(&root.section("database"), dir));
    let (database, _) = with_root(text, file, read)?;
    database.ok_or_else(|| unreadable(file))
}

/// What is read from a text without errors, and the warnings.
fn with_root<T>(
    text: &str,
    file: &str,
    read: impl FnOnce(&Section<'_>) -> Option<T>,
) -> Result<(Option<T>, Vec<String>), ConfigErrors> {
    let report = Report::new(text);
    let (table, mistakes) = DeTable::parse_recoverable(text);
    for error in &mistakes {
        let message = syntax::explain(text, error.span(), error.message());
        report.error(error.span(), "", message);
    }
    report.keep_first_of_each_line();
    // Half a document would only add errors that are none.
    let read = match mistakes.is_empty() {
        true => read(&Section::root(&report, table.get_ref())),
        false => None,
    };
    Ok((read, report.finish(file)?))
}

/// `None` only where an error was noted.
fn read(root: &Section<'_>, dir: &Path) -> Option<(Config, Option<Range<usize>>)> {
    let server = sections::server(&root.section("server"));
    let database = sections::database(&root.section("database"), dir);
    let admin = sections::admin(&root.section("admin"));
    let merchant = sections::merchant(&root.section("merchant"), dir);
    let orders = sections::orders(&root.section("orders"));
    let payments = sections::payments(&root.section("payments"));
    let retention = sections::retention(&root.section("retention"));
    let alerts = sections::alerts(&root.section("alerts"));
    let webhooks = sections::webhooks(&root.section("webhooks"));
    let title = merchant.as_ref().map_or("", |m| m.name.as_str());
    let checkout = sections::checkout(&root.section("checkout"), title, dir);
    let keys = chains::api_keys(&root.section("api_keys"));
    let chains = chains::read(&root.section("chains"), &keys);
    let wallets = wallets::read(
        &root.sections("wallets", "[[wallets]], with two brackets on each side"),
        &chains,
    );
    root.done();
    let (admin, plain_admin_secret) = admin?;
    let config = Config {
        server,
        database,
        admin,
        merchant: merchant?,
        orders,
        payments,
        retention,
        alerts,
        webhooks,
        checkout,
        wallets,
        chains,
    };
    doubts(&config).into_iter().for_each(|w| root.warn(w));
    // Once the admin's is a hash, it would cost an Argon2 at each start to see.
    let shared = config.merchant.secret.expose().as_bytes();
    if plain_admin_secret.is_some() && verify_admin_secret(shared, &config.admin.secret_hash) {
        root.warn(
            "admin.secret and merchant.secret are the same: who has your shop's key can then mark orders paid; expected two secrets",
        );
    }
    Some((config, plain_admin_secret))
}

/// What is allowed but deserves a word, where it takes more than one section to see it.
fn doubts(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut proxies = config.server.trusted_proxies.iter();
    if let Some(network) = proxies.find(|network| network.prefix_len() == 0) {
        doubts.push(format!(
            "server.trusted_proxies has {network}, which is everybody: whoever reaches the server can pretend to be any client; \
             expected the address or network of the reverse proxy"
        ));
    }
    if config.wallets.is_empty() {
        doubts.push("no [[wallets]]: nobody can pay until there is one".to_owned());
    }
    for (name, chain) in &config.chains {
        if !config.wallets.iter().any(|w| w.blockchain == *name) {
            continue;
        }
        if built_in().get(name).is_some_and(|b| b.testnet) {
            doubts.push(format!(
                "wallets on {name}: a test network, whose coins are worth nothing"
            ));
        }
        doubts.extend(doubt_about_agreement(config, chain));
    }
    doubts
}

/// Providers of one host are one witness: more agreement than there are hosts can never be had.
fn doubt_about_agreement(config: &Config, chain: &ChainConfig) -> Option<String> {
    let (name, hosts) = (&chain.chain.blockchain, chain.provider_hosts());
    let (asked, what) = match config.payments.agree_from {
        _ if chain.agreement as usize > hosts => (
            format!("chains.{name}.agreement asks for {}", chain.agreement),
            "payments",
        ),
        Some(_) if hosts < 2 => (
            "payments.agree_from asks for 2".to_owned(),
            "larger payments",
        ),
        _ => return None,
    };
    Some(format!(
        "{asked} independent providers, {name} has {hosts}: {what} there wait until it has more (another host, or an explorer's \
         key), or until you decide"
    ))
}

/// Never seen: a reader without a result has noted why.
fn unreadable(file: &str) -> ConfigErrors {
    ConfigErrors {
        file: file.to_owned(),
        errors: vec![ConfigError {
            line: None,
            key: String::new(),
            message: "cannot be read".to_owned(),
        }],
    }
}
