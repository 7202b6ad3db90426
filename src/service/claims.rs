//! "I paid, but nothing happens": looks up the transaction that a shopper names and says what it is to the order.
//!
//! A claim never pays and never changes what a transfer is taken for. One about money that the rules cannot settle is kept
//! for the merchant, who sees all claimants.

mod keeping;
mod named;

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::App;
use super::inquiries::{Answer, Question};
use super::orders::OrderError;
use super::scan;
use crate::config::{ChainConfig, Config};
use crate::domain::amount::Amount;
use crate::domain::claim::{self, Finding, Judged, Promise, TxnHash};
use crate::domain::confirmation::{Head, Receipt};
use crate::domain::order::{Order, OrderId};
use crate::domain::registry::{Blockchain, Coin};
use crate::domain::transfer::TransferStatus;
use crate::store::{StoreError, deposits, orders, transfers};

/// What a shopper is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Examined {
    pub finding: Finding,
    /// Where the transaction was found.
    pub blockchain: Option<Blockchain>,
    pub coin: Option<Coin>,
    /// What it sends.
    pub amount: Option<Amount>,
    /// What the order's deposit asks for.
    pub expected: Option<Amount>,
    /// By how much the one is off the other.
    pub difference: Option<Amount>,
    pub confirmations: Option<u64>,
    pub confirmations_required: Option<u32>,
    pub explorer_url: Option<String>,
    /// Whether the merchant sees it as a claim.
    pub reported: bool,
}

/// Why nothing was looked up; the texts are the wire's.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(
        "invalid txn_hash: expected one transaction hash, 64 hex digits, with 0x before them on EVM chains"
    )]
    Hash,
    #[error("invalid blockchain selection")]
    Selection,
    #[error("too many look-ups, try again later")]
    TooMany { retry_after: u64 },
}

impl From<StoreError> for ClaimError {
    fn from(error: StoreError) -> Self {
        Self::Order(OrderError::Store(error))
    }
}

/// Says what a transaction is to an order. What is not in the database is asked of the chains: the one that the shopper
/// names and those of the order's deposits first, then the others that could have it.
pub async fn examine(
    app: &App,
    id: OrderId,
    text: &str,
    blockchain: Option<&str>,
) -> Result<Examined, ClaimError> {
    let config = app.config();
    let hash = TxnHash::find(text).ok_or(ClaimError::Hash)?;
    let named = blockchain.map(Blockchain::new);
    if named
        .as_ref()
        .is_some_and(|name| config.chain(name).is_none())
    {
        return Err(ClaimError::Selection);
    }
    let (order, promises) = app.db().read(|c| {
        let order = orders::find(c, id)?.ok_or(OrderError::NotFound)?;
        let promises = deposits::of_order(c, order.row)?;
        let promises = promises.into_iter();
        let promises = promises.map(|(deposit, open)| Promise { deposit, open });
        Ok::<_, OrderError>((order, promises.collect::<Vec<_>>()))
    })?;
    let case = Case {
        app,
        config: &config,
        order: &order,
        promises: &promises,
        hash: &hash,
        named,
    };
    let found = case.find().await?;
    case.report(found).await
}

/// One transaction held against one order.
struct Case<'a> {
    app: &'a App,
    config: &'a Config,
    order: &'a Order,
    promises: &'a [Promise],
    hash: &'a TxnHash,
    named: Option<Blockchain>,
}

/// What was learned, and what the merchant may need of it.
struct Found {
    told: Examined,
    txn_hash: String,
    /// The row of the transfer that it is about, if it is stored.
    transfer: Option<i64>,
    /// Whether there is money of ours in it.
    concerns_us: bool,
}

impl Case<'_> {
    async fn find(&self) -> Result<Found, ClaimError> {
        let (first, others) = self.chains();
        for chain in first.iter().chain(&others) {
            if let Some(found) = self.find_stored(chain)? {
                return Ok(found);
            }
        }
        if self.promises.is_empty() {
            return Ok(self.nothing(Finding::NoDeposit));
        }
        for chain in first.iter().chain(&others) {
            if let Some(Answer::Mined(receipt)) = self.remembered(chain) {
                return Ok(self.found_mined(chain, &receipt));
            }
        }
        let (mut admitted, mut silent) = (false, false);
        for chains in [first, others] {
            for (chain, answer) in self.ask(&chains, &mut admitted).await? {
                match answer {
                    Answer::Mined(receipt) => {
                        self.store(chain, &receipt).await?;
                        return Ok(self.found_mined(chain, &receipt));
                    }
                    Answer::Unknown => {}
                    Answer::Silence => silent = true,
                }
            }
        }
        Ok(self.nothing(if silent {
            Finding::Unclear
        } else {
            Finding::NotFound
        }))
    }

    /// The chains that could have the transaction: where it probably is, and the others with wallets of ours.
    fn chains(&self) -> (Vec<&ChainConfig>, Vec<&ChainConfig>) {
        let deposits = self.promises.iter().map(|p| &p.deposit.blockchain);
        let probable: BTreeSet<&Blockchain> = deposits.chain(&self.named).collect();
        let wallets = self.config.wallets.iter().map(|w| &w.blockchain);
        let others: BTreeSet<&Blockchain> = wallets.filter(|b| !probable.contains(b)).collect();
        let known = |names: BTreeSet<&Blockchain>| -> Vec<_> {
            let chains = names.into_iter().map(|name| self.config.chain(name));
            chains.flatten().collect()
        };
        // Where it probably is, it is looked for however it is written.
        let (first, mut others) = (known(probable), known(others));
        others.retain(|chain| self.hash.can_be_on(chain.chain.family));
        (first, others)
    }

    fn remembered(&self, chain: &ChainConfig) -> Option<Answer> {
        let (blockchain, hash) = (&chain.chain.blockchain, self.hash_on(chain));
        let now_ms = self.app.clock().now_ms();
        self.app.inquiries().remembered(blockchain, &hash, now_ms)
    }

    /// What chains say. The order is charged with a look-up, once, if one of them must really be asked.
    async fn ask<'b>(
        &self,
        chains: &[&'b ChainConfig],
        admitted: &mut bool,
    ) -> Result<Vec<(&'b ChainConfig, Answer)>, ClaimError> {
        let (inquiries, now_ms) = (self.app.inquiries(), self.app.clock().now_ms());
        let questions = chains.iter().map(|chain| {
            let hash = self.hash_on(chain);
            let question = inquiries.about(&chain.chain.blockchain, &hash, now_ms);
            (*chain, question)
        });
        let questions: Vec<_> = questions.collect();
        let mut open = questions.iter().map(|(_, question)| question);
        if !*admitted && open.any(|question| matches!(question, Question::Open { .. })) {
            let admission = inquiries.admit(self.order.id, now_ms);
            admission.map_err(|retry_after| ClaimError::TooMany { retry_after })?;
            *admitted = true;
        }
        let answers = questions
            .into_iter()
            .map(|(chain, question)| async move { (chain, inquiries.ask(question, now_ms).await) });
        Ok(join_all(answers).await)
    }

    fn hash_on(&self, chain: &ChainConfig) -> String {
        self.hash.on(chain.chain.family)
    }

    /// What the database knows. Transfers that left their chain are looked up again instead.
    fn find_stored(&self, chain: &ChainConfig) -> Result<Option<Found>, StoreError> {
        let (blockchain, hash) = (&chain.chain.blockchain, self.hash_on(chain));
        let stored = self
            .app
            .db()
            .read(|c| transfers::of_transaction(c, blockchain, &hash))?;
        let stored: Vec<_> = stored
            .into_iter()
            .filter(|t| t.status != TransferStatus::FailedToConfirm)
            .collect();
        let named: Vec<_> = stored.iter().map(|t| named::stored(chain, t)).collect();
        let Some(judged) = claim::judge(&named, self.promises) else {
            return Ok(None);
        };
        let about = stored.iter().find(|t| t.row == judged.transfer.sequence);
        let confirmations = about.map(|transfer| transfer.confirmations);
        Ok(Some(Found {
            told: self.tell(chain, &judged, confirmations),
            txn_hash: hash,
            transfer: about.map(|transfer| transfer.row),
            concerns_us: true,
        }))
    }

    /// Stores what a chain has just said as a scan would, which should have found it, or will. Whether it pays is decided as for
    /// any other.
    async fn store(&self, chain: &ChainConfig, receipt: &Receipt) -> Result<(), StoreError> {
        let Some(head) = self.head(chain).filter(|_| receipt.succeeded) else {
            return Ok(());
        };
        let found = scan::Found {
            wallets: Vec::new(),
            from: receipt.block.number,
            through: receipt.block.number,
            transfers: receipt.transfers.clone(),
            head,
        };
        scan::record(self.app, chain.chain.blockchain.clone(), found).await
    }

    fn head(&self, chain: &ChainConfig) -> Option<Head> {
        let now_ms = self.app.clock().now_ms();
        let number = self.app.watching().head(&chain.chain.blockchain, now_ms)?;
        Some(Head {
            number,
            finalized: None,
        })
    }

    /// What a chain knows and the database did not.
    fn found_mined(&self, chain: &ChainConfig, receipt: &Receipt) -> Found {
        let named: Vec<_> = receipt
            .transfers
            .iter()
            .filter(|t| t.id.units > 0)
            .map(|t| named::mined(chain, t))
            .collect();
        let head = self.head(chain);
        let confirmations = head.map(|head| head.confirmations(receipt.block.number));
        let Some(judged) = claim::judge(&named, self.promises) else {
            let finding = match receipt.succeeded {
                true => Finding::WrongAddress,
                false => Finding::Reverted,
            };
            return self.without_transfers(chain, finding, confirmations);
        };
        self.app.watching().wake(&chain.chain.blockchain);
        Found {
            told: self.tell(chain, &judged, confirmations),
            txn_hash: self.hash_on(chain),
            transfer: None,
            concerns_us: true,
        }
    }

    fn tell(
        &self,
        chain: &ChainConfig,
        judged: &Judged<'_>,
        confirmations: Option<u64>,
    ) -> Examined {
        let (coin, amount) = judged.transfer.coin.clone().unzip();
        Examined {
            finding: judged.finding,
            coin,
            amount,
            expected: judged.promise.map(|promise| promise.deposit.value),
            difference: judged.difference,
            ..self.told_of(chain, judged.finding, confirmations)
        }
    }

    fn told_of(
        &self,
        chain: &ChainConfig,
        finding: Finding,
        confirmations: Option<u64>,
    ) -> Examined {
        Examined {
            blockchain: Some(chain.chain.blockchain.clone()),
            confirmations,
            confirmations_required: Some(chain.chain.confirmations.required()),
            explorer_url: chain.chain.explorer_link(&self.hash_on(chain)),
            ..nothing_told(finding)
        }
    }

    fn without_transfers(
        &self,
        chain: &ChainConfig,
        finding: Finding,
        confirmations: Option<u64>,
    ) -> Found {
        Found {
            told: self.told_of(chain, finding, confirmations),
            txn_hash: self.hash_on(chain),
            transfer: None,
            concerns_us: false,
        }
    }

    fn nothing(&self, finding: Finding) -> Found {
        Found {
            told: nothing_told(finding),
            txn_hash: self.hash.as_written(),
            transfer: None,
            concerns_us: false,
        }
    }
}

fn nothing_told(finding: Finding) -> Examined {
    Examined {
        finding,
        blockchain: None,
        coin: None,
        amount: None,
        expected: None,
        difference: None,
        confirmations: None,
        confirmations_required: None,
        explorer_url: None,
        reported: false,
    }
}
