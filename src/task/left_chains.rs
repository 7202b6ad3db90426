//! Says when a chain has left the configuration while customers may still pay on it.

use std::collections::HashSet;

use crate::domain::registry::Blockchain;
use crate::service::retired::{OpenOn, left_chains};
use crate::service::{App, StoreError, alerts};

/// Who keeps it from being said twice.
#[derive(Default)]
pub struct LeftChains {
    told: HashSet<Blockchain>,
}

impl LeftChains {
    /// Queues a message for each such chain, once for as long as it stays away. After an error it is to be called again.
    pub async fn tell(&mut self, app: &App) -> Result<(), StoreError> {
        let left = left_chains(app)?;
        self.told
            .retain(|told| left.iter().any(|open| open.blockchain == *told));
        for open in left {
            if self.told.contains(&open.blockchain) {
                continue;
            }
            // Who does not want to hear of it may want to after the next reload.
            if alerts::chain_down(app, text(&open)).await? {
                self.told.insert(open.blockchain);
            }
        }
        Ok(())
    }
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
