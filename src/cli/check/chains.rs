//! The chains in use, and their providers: who works, who lags, who is wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use super::examination::{Answers, examine};
use super::report::Report;
use crate::chain::pool::usual_max_lag;
use crate::chain::{Provider, ProviderError, connect};
use crate::config::{ChainConfig, Config, ProviderConfig};
use crate::domain::registry::{ConfirmationRule, Token};

/// Fewer blocks at once make catching up after an outage slow.
const FEW_BLOCKS: u64 = 100;

/// Seconds that a block may be ahead of our clock.
const CLOCK_SLOW: i64 = 15;

/// Seconds that the newest block of all chains may be old.
const CLOCK_FAST: i64 = 120;

/// One provider and how it did.
struct Examined<'a> {
    entry: &'a ProviderConfig,
    provider: Arc<dyn Provider>,
    found: Result<Answers, ProviderError>,
}

/// What can be said of the chains in use without asking anybody.
pub fn plan(config: &Config, report: &mut Report) {
    for chain in in_use(config) {
        let what = chain.chain.blockchain.as_str();
        let rule = match chain.chain.confirmations {
            ConfirmationRule::Depth(depth) => format!("{depth} confirmations"),
            ConfirmationRule::Finalized { usual } => {
                format!("payments count when final (about {usual} blocks)")
            }
        };
        let (agree, hosts) = (chain.agreement, chain.provider_hosts());
        if agree as usize > hosts {
            report.fail(
                what,
                format!("{agree} providers must agree, but all are of {hosts} host"),
                format!(
                    "Add one of another host under [chains.{what}], or payments wait for ever."
                ),
            );
        } else {
            let number = chain.providers.len();
            report.ok(
                what,
                format!("{}: {rule}, providers: {number}", chain.chain.name),
            );
        }
    }
}

/// Asks every provider of every chain in use, all at once.
pub fn providers(config: &Config, report: &mut Report) {
    let chains = in_use(config);
    let examined: Vec<Vec<Examined<'_>>> = std::thread::scope(|scope| {
        let begun: Vec<_> = chains
            .iter()
            .map(|chain| begin(scope, chain, config))
            .collect();
        begun
            .into_iter()
            .map(|of_chain| of_chain.into_iter().map(end).collect())
            .collect()
    });
    clock(&chains, &examined, report);
    for (chain, examined) in chains.iter().zip(&examined) {
        let answers = examined.iter().filter_map(|e| e.found.as_ref().ok());
        let best = answers.map(|a| a.head).max().unwrap_or(0);
        for one in examined {
            provider(chain, one, best, report);
        }
        summary(config, chain, examined, report);
        tokens(config, chain, examined, report);
    }
}

/// An examination under way.
type Begun<'scope, 'a> = (
    &'a ProviderConfig,
    Arc<dyn Provider>,
    ScopedJoinHandle<'scope, Result<Answers, ProviderError>>,
);

fn begin<'scope, 'a: 'scope>(
    scope: &'scope Scope<'scope, '_>,
    chain: &'a ChainConfig,
    config: &'a Config,
) -> Vec<Begun<'scope, 'a>> {
    let providers = connect(chain, None).providers;
    let one = |(entry, provider): (&'a ProviderConfig, Arc<dyn Provider>)| {
        let asked = provider.clone();
        let thread = scope.spawn(move || examine(asked.as_ref(), chain, config));
        (entry, provider, thread)
    };
    chain.providers.iter().zip(providers).map(one).collect()
}

fn end<'a>((entry, provider, thread): Begun<'_, 'a>) -> Examined<'a> {
    Examined {
        entry,
        provider,
        found: thread.join().unwrap_or_else(|_| Err(crashed())),
    }
}

/// Chains with a wallet.
fn in_use(config: &Config) -> Vec<&ChainConfig> {
    let names: BTreeSet<_> = config.wallets.iter().map(|w| &w.blockchain).collect();
    names
        .into_iter()
        .filter_map(|name| config.chain(name))
        .collect()
}

fn provider(chain: &ChainConfig, examined: &Examined<'_>, best: u64, report: &mut Report) {
    let blockchain = &chain.chain.blockchain;
    let what = format!("{blockchain} {}", examined.provider.label());
    let answers = match &examined.found {
        Ok(answers) => answers,
        Err(error) => return failure(&what, examined.entry, error, report),
    };
    let age = answers.asked_at - answers.head_time;
    let behind = best - answers.head;
    let text = described(chain, answers, behind);
    let overdue = (40 * chain.chain.block_time.as_secs() as i64).max(CLOCK_FAST);
    if behind > usual_max_lag(chain.chain.block_time) {
        report.warn(
            &what,
            text,
            "It lags behind the others, and is left alone while it does.",
        );
    } else if chain.chain.steady && age > overdue {
        let remedy =
            "It stands still: payments are seen late through it. Put another provider first.";
        report.warn(&what, text, remedy);
    } else if lacks_finality(chain, answers) {
        let depth = chain.chain.confirmations.required();
        let remedy = format!("It does not tell final blocks: {depth} confirmations count instead.");
        report.warn(&what, text, remedy);
    } else if answers
        .blocks_at_once
        .is_some_and(|blocks| blocks < FEW_BLOCKS)
    {
        let remedy =
            "After an outage it takes long to catch up through it. Put another provider first.";
        report.warn(&what, text, remedy);
    } else {
        report.ok(&what, text);
    }
}

fn lacks_finality(chain: &ChainConfig, answers: &Answers) -> bool {
    let by_finality = matches!(
        chain.chain.confirmations,
        ConfirmationRule::Finalized { .. }
    );
    by_finality && answers.finalized.is_none()
}

fn described(chain: &ChainConfig, answers: &Answers, behind: u64) -> String {
    let mut text = format!("block {}", answers.head);
    if chain.chain.steady {
        let age = (answers.asked_at - answers.head_time).max(0);
        text.push_str(&format!(", {age} s old"));
    }
    if behind > 0 {
        text.push_str(&format!(", {behind} behind the others"));
    }
    if let Some(finalized) = answers.finalized {
        let depth = answers.head.saturating_sub(finalized);
        text.push_str(&format!(", final {depth} blocks below it"));
    }
    if let Some(blocks) = answers.blocks_at_once {
        text.push_str(&format!(", {blocks} blocks at once"));
    }
    format!("{text}, {} ms", answers.latency.as_millis())
}

/// A provider that does not work: bad for the chain only if no other does, which is said below; but what the file
/// itself has wrong is a failure.
fn failure(what: &str, entry: &ProviderConfig, error: &ProviderError, report: &mut Report) {
    let text = error.to_string();
    let has_key = entry.api_key.is_some();
    match error {
        ProviderError::WrongChain { .. } => report.fail(
            what,
            text,
            "Its address is that of another blockchain: correct `url`.",
        ),
        ProviderError::Refused(why) if why.contains("not supported for this chain") => report.fail(
            what,
            text,
            "The key's plan does not cover this blockchain: remove this provider, or upgrade the plan.",
        ),
        ProviderError::Refused(_) if has_key => {
            report.fail(what, text, "Correct its key in the configuration.");
        }
        ProviderError::Refused(_) => {
            report.warn(what, text, "It wants a key, or does not serve you: remove it, or set `api_key`.");
        }
        ProviderError::RateLimited { .. } => {
            report.warn(what, text, "It was asked too often: try again in some minutes, or use a key.");
        }
        ProviderError::Unreachable(_) => report.warn(
            what,
            text,
            "Check its address, and that this machine reaches the internet.",
        ),
        ProviderError::BadAnswer(_) => report.warn(
            what,
            text,
            "It is out of order, or its address is not that of a provider of this kind.",
        ),
    }
}

/// Whether the chain can be watched, and by as many as must agree.
fn summary(config: &Config, chain: &ChainConfig, examined: &[Examined<'_>], report: &mut Report) {
    let what = chain.chain.blockchain.as_str();
    let working: Vec<_> = examined.iter().filter(|e| e.found.is_ok()).collect();
    let hosts: BTreeSet<&str> = working.iter().map(|e| e.provider.host()).collect();
    let (works, hosts, all) = (working.len(), hosts.len(), examined.len());
    let remedy = "They wait until another one works, or is added, or you decide.";
    if works == 0 {
        report.fail(
            what,
            format!("none of its {all} providers works: payments on it are not seen"),
            "See the lines above; any single one that works is enough.",
        );
    } else if hosts < chain.agreement as usize {
        let agree = chain.agreement;
        let text = format!("payments need {agree} hosts that agree, and only {hosts} works");
        report.fail(what, text, remedy);
    } else if let Some(from) = config.payments.agree_from.filter(|_| hosts < 2) {
        let text = format!("payments from {from} on need two hosts that agree, and one works");
        report.warn(what, text, remedy);
    } else {
        report.ok(what, format!("{works} of {all} providers work"));
    }
}

/// The decimals of the tokens that pay, by the first provider that can tell.
fn tokens(config: &Config, chain: &ChainConfig, examined: &[Examined<'_>], report: &mut Report) {
    let working: Vec<_> = examined.iter().filter(|e| e.found.is_ok()).collect();
    if working.is_empty() {
        return;
    }
    for token in config.paying_tokens(chain) {
        let what = format!("{} {}", chain.chain.blockchain, token.coin);
        let mut answers = working.iter().map(|e| e.provider.decimals(&token.contract));
        let known = answers.find(says_something);
        decimals(&what, token, known, report);
    }
}

/// Whether an answer is about the token, and not about the provider.
fn says_something(answer: &Result<Option<u8>, ProviderError>) -> bool {
    matches!(answer, Ok(Some(_)) | Err(ProviderError::BadAnswer(_)))
}

fn decimals(
    what: &str,
    token: &Token,
    known: Option<Result<Option<u8>, ProviderError>>,
    report: &mut Report,
) {
    let (contract, expected) = (token.contract, token.decimals);
    match known {
        Some(Ok(Some(found))) if found == expected => {
            report.ok(what, format!("{contract} has {expected} decimals"));
        }
        Some(Ok(Some(found))) => report.fail(
            what,
            format!("{contract} has {found} decimals, and {expected} are configured"),
            "Correct its `decimals` before anybody pays: amounts are wrong by factors of ten.",
        ),
        Some(Err(error)) => report.fail(
            what,
            format!("{contract}: {error}"),
            "Correct its contract: no coin of that address is on this blockchain.",
        ),
        _ => report.warn(
            what,
            format!("the decimals of {contract} could not be read"),
            "No provider could tell: try again later.",
        ),
    }
}

/// Our clock against the newest block of all chains whose blocks come steadily.
fn clock(chains: &[&ChainConfig], examined: &[Vec<Examined<'_>>], report: &mut Report) {
    let steady = chains
        .iter()
        .zip(examined)
        .filter(|(chain, _)| chain.chain.steady);
    let answers = steady
        .flat_map(|(_, e)| e)
        .filter_map(|e| e.found.as_ref().ok());
    let Some(ahead) = answers.map(|a| a.head_time - a.asked_at).max() else {
        return;
    };
    let remedy = "Set this machine's clock by the network: timedatectl set-ntp true";
    if ahead > CLOCK_SLOW {
        report.fail(
            "clock",
            format!("{ahead} s slow: a block is younger than that"),
            remedy,
        );
    } else if ahead < -CLOCK_FAST {
        report.warn(
            "clock",
            format!("the newest block anywhere is {} s old", -ahead),
            remedy,
        );
    } else {
        report.ok("clock", "agrees with the blockchains");
    }
}

fn crashed() -> ProviderError {
    ProviderError::BadAnswer("asking it crashed".to_owned())
}
