//! Whether the chain's tokens are what the registry and the configuration say: told wrong decimals, every amount would be
//! wrong by factors of ten.

use std::collections::HashSet;
use std::sync::Arc;

use super::Pass;
use crate::chain::{Provider, ProviderError};
use crate::config::{ChainConfig, Config};
use crate::domain::address::Address;
use crate::domain::registry::Token;
use crate::task::look_ups::{PassError, ask};

/// Which provider, by its label, was asked about which token since the watcher began.
#[derive(Default)]
pub(super) struct Asked(HashSet<(String, Address)>);

impl Pass {
    /// Asks a provider once for the decimals of each token that pays. One that says others than ours is not believed in anything
    /// else; where all do, it is we who are wrong, and the chain stays unwatched until that is mended.
    pub(super) async fn check_tokens(
        &mut self,
        config: &Config,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
    ) -> Result<(), PassError> {
        for token in config.paying_tokens(chain) {
            let key = (provider.label().to_owned(), token.contract);
            if self.tokens.0.contains(&key) {
                continue;
            }
            self.check_token(provider, token).await?;
            self.tokens.0.insert(key);
        }
        Ok(())
    }

    async fn check_token(
        &self,
        provider: &Arc<dyn Provider>,
        token: &Token,
    ) -> Result<(), PassError> {
        let contract = token.contract;
        let found = match ask(provider, move |p| p.decimals(&contract)).await {
            Ok(found) => found,
            // Its plan does not have this question; what it has may do.
            Err(PassError::Provider(ProviderError::Refused(_))) => None,
            Err(PassError::Provider(ProviderError::BadAnswer(error))) => {
                let message = format!("{} {contract}: {error}", token.coin);
                return Err(ProviderError::BadAnswer(message).into());
            }
            Err(error) => return Err(error),
        };
        let expected = token.decimals;
        match found {
            Some(found) if found != expected => {
                let message = format!(
                    "{} {contract} has {found} decimals, and {expected} are configured: nothing is read until they agree",
                    token.coin
                );
                Err(ProviderError::BadAnswer(message).into())
            }
            _ => Ok(()),
        }
    }
}
