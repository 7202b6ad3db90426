//! Says when a chain has left the configuration while customers may still pay on it.

use std::collections::HashSet;

use crate::domain::registry::Blockchain;
use crate::service::retired::{OpenOn, left_chains};
use crate::service::{App, alerts};

/// Who keeps it from being said twice.
#[derive(Default)]
pub struct LeftChains {
    told: HashSet<Blockchain>,
}

impl LeftChains {
    /// Queues a message for each such chain, once for as long as it stays away.
    pub async fn tell(&mut self, app: &App) {
        let left = match left_chains(app) {
            Ok(left) => left,
            Err(error) => return failed(error),
        };
        self.told
            .retain(|told| left.iter().any(|open| open.blockchain == *told));
        for open in left {
            if self.told.contains(&open.blockchain) {
                continue;
            }
            match alerts::chain_down(app, text(&open)).await {
                Ok(()) => drop(self.told.insert(open.blockchain)),
                Err(error) => failed(error),
            }
        }
    }
}

fn failed(error: impl std::fmt::Display) {
    tracing::debug!(%error, "cannot queue a message about chains that left the configuration");
}

fn text(open: &OpenOn) -> String {
    let OpenOn {
        blockchain,
        deposits,
        until,
    } = open;
    let deposits = match deposits {
        1 => "1 open deposit".to_owned(),
        n => format!("{n} open deposits"),
    };
    format!(
        "{blockchain} left the configuration with {deposits} on it: nobody sees payments there. Put [chains.{blockchain}] back before \
         {until} UTC, when the last of them expires."
    )
}
