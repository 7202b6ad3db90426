//! Reading all wallets' blocks up to the head.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Pass;
use crate::chain::{Provider, Scan};
use crate::config::ChainConfig;
use crate::domain::address::Address;
use crate::domain::confirmation::Head;
use crate::domain::registry::Chain;
use crate::domain::scanning::{self, Cursor};
use crate::domain::transfer::TransferId;
use crate::service::expire;
use crate::service::scan::{self, Found};
use crate::task::look_ups::{PassError, ask, existing_block};

/// Every pass reads at least so many blocks again,
pub(super) const RESCAN: u64 = 64;
/// and at least what was mined in this time: where many machines answer for one provider, those that list transfers may be
/// behind the one that named the head, and nothing tells.
const LISTS_MAY_LAG: Duration = Duration::from_secs(120);
/// An order expires when what was mined until its end has been listed for so long, in milliseconds. Of two lists of the same
/// blocks the later one may have more.
const NEWEST_MAY_BE_MISSING: i64 = 20_000;
/// Requests that one pass spends on wallets that are far behind: the others must not wait for them.
const CATCH_UP_REQUESTS: usize = 20;

/// What this pass read, for telling which transfers are missing from it.
#[derive(Default)]
pub(super) struct Read {
    /// From here to the head, for all wallets.
    pub(super) from: Option<u64>,
    pub(super) seen: HashSet<TransferId>,
    /// Requests left for wallets that are far behind.
    catch_up: usize,
    /// Whether some wallet is still behind, or could not be begun with.
    pub(super) incomplete: bool,
}

/// How many blocks every pass reads again.
pub(super) fn rescan(chain: &Chain) -> u64 {
    RESCAN
        .max(chain.confirmations.required().into())
        .max(chain.blocks_in(LISTS_MAY_LAG).min(scanning::MAX_REWIND))
}

impl Pass {
    /// Notes until when everything mined has been read: orders expire by it. On a chain whose blocks come steadily that is the
    /// head's own time, since a provider that lags shows nothing newer, less what its lists may lag; on a chain that may rest it is the pass's
    /// beginning, less one block time for the last block to get about.
    pub(super) async fn note_read(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        began_ms: i64,
    ) -> Result<(), PassError> {
        let moment_ms = if !chain.chain.steady {
            began_ms - chain.chain.block_time.as_millis() as i64
        } else if expire::any_overdue(&self.app)? {
            existing_block(provider, head.number).await?.timestamp * 1000 - NEWEST_MAY_BE_MISSING
        } else {
            return Ok(());
        };
        self.app
            .watching()
            .has_read_until(&self.blockchain, moment_ms);
        Ok(())
    }

    /// Reads all wallets up to the head, the newest blocks first, recording each answer before asking on.
    pub(super) async fn read(
        &mut self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
    ) -> Result<Read, PassError> {
        let wallets = scan::wallets(&self.app, &self.blockchain)?;
        let all_begun = wallets.iter().all(|w| w.cursor.is_some());
        let (addresses, cursors): (Vec<Address>, Vec<Cursor>) = wallets
            .iter()
            .filter_map(|w| Some((w.address, w.cursor?)))
            .unzip();
        self.check_head(chain, provider, head, &cursors).await?;
        // Deposits are younger than this head: it must be one that the chain has.
        let now_ms = self.app.clock().now_ms();
        self.app
            .watching()
            .saw_head(&self.blockchain, head.number, now_ms);
        self.read_at = Some(now_ms);
        let plan = scanning::plan(
            &cursors,
            head.number,
            rescan(&chain.chain),
            self.lowest_head,
        );
        let mut read = Read {
            catch_up: CATCH_UP_REQUESTS,
            incomplete: !all_begun,
            ..Read::default()
        };
        for pass in plan.into_iter().rev() {
            let recipients: Vec<Address> = pass.wallets.iter().map(|i| addresses[*i]).collect();
            if recipients.len() == addresses.len() {
                read.from = Some(pass.from);
            }
            self.read_range(
                chain,
                provider,
                head,
                (pass.from, pass.to),
                recipients,
                &mut read,
            )
            .await?;
        }
        let farthest = cursors.iter().map(|c| c.scanned_to).max().unwrap_or(0);
        if head.number >= farthest {
            self.lowest_head = head.number;
        }
        Ok(read)
    }

    async fn read_range(
        &self,
        chain: &ChainConfig,
        provider: &Arc<dyn Provider>,
        head: Head,
        (mut from, to): (u64, u64),
        recipients: Vec<Address>,
        read: &mut Read,
    ) -> Result<(), PassError> {
        let contracts: Vec<Address> = chain.chain.tokens.iter().map(|t| t.contract).collect();
        let newest = to == head.number;
        while from <= to {
            if !newest && read.catch_up == 0 {
                read.incomplete = true;
                return Ok(());
            }
            let question = Scan {
                from,
                to,
                recipients: recipients.clone(),
                contracts: contracts.clone(),
            };
            let found = ask(provider, move |p| p.scan(&question)).await?;
            read.seen
                .extend(found.transfers.iter().map(|t| t.id.clone()));
            let through = found.through;
            let wallets = recipients.clone();
            let found = Found {
                wallets,
                from,
                through,
                transfers: found.transfers,
                head,
            };
            scan::record(&self.app, self.blockchain.clone(), found).await?;
            from = through + 1;
            if !newest {
                read.catch_up -= 1;
            }
        }
        Ok(())
    }
}
