//! What shoppers can pay with, and the deposit that a choice opens.

use std::collections::HashSet;
use std::sync::Mutex;

use super::App;
use super::orders::OrderError;
use crate::config::{ChainConfig, Config, Wallet};
use crate::domain::address::{Address, Family};
use crate::domain::amount::{Amount, AmountError};
use crate::domain::order::{NewOrder, Order, OrderId};
use crate::domain::registry::{Blockchain, Coin, Token};
use crate::domain::slots::{self, HeldValue, Holder, Slot, TailRule};
use crate::metrics::Payments;
use crate::store::deposits::{self, NewDeposit};
use crate::store::{Change, StoreError, Tx, lost_deposits, orders};

/// From here on an amount's values are running out, in percent.
const NEARLY_FULL: u64 = 80;

/// A way to pay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentOption {
    pub blockchain: Blockchain,
    pub coin: Coin,
    pub wallet: Address,
    /// The chain cannot be watched now: a payment will be seen late.
    pub degraded: bool,
}

/// A deposit with all that a page or a wallet needs to pay it.
#[derive(Clone, Debug)]
pub struct PaymentDetail {
    pub order: OrderId,
    pub wallet: Address,
    pub amount: Amount,
    pub blockchain: Blockchain,
    pub coin: Coin,
    pub expires_at: i64,
    pub contract: Address,
    pub decimals: u8,
    pub chain_id: u64,
    pub confirmations_required: u32,
    /// EIP-681, on EVM chains.
    pub payment_uri: Option<String>,
}

/// Why there is no deposit; the texts are the wire's.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error("no wallet available for the selected chain and coin")]
    NoWallet,
    #[error("invalid blockchain selection")]
    Selection,
    #[error("invalid amount: {0}")]
    Amount(#[from] AmountError),
    #[error("no payment slot free, try again later")]
    NoSlot,
}

impl From<StoreError> for PaymentError {
    fn from(error: StoreError) -> Self {
        Self::Order(OrderError::Store(error))
    }
}

/// All ways to pay, in the configuration's order; with an order, only those that it leaves open.
pub fn options(app: &App, order: Option<&Order>) -> Vec<PaymentOption> {
    let config = app.config();
    let all = config.wallets.iter().flat_map(|wallet| {
        wallet.enabled_coins.iter().map(|coin| PaymentOption {
            blockchain: wallet.blockchain.clone(),
            coin: coin.clone(),
            wallet: wallet.address,
            degraded: app.watching().degraded_since(&wallet.blockchain).is_some(),
        })
    });
    all.filter(|o| {
        order.is_none_or(|order| leaves_open(&order.new, &o.blockchain, &o.coin, o.wallet.family()))
    })
    .collect()
}

/// The order that a signed URL names, if there is one: its pre-selections narrow the options.
pub fn order_of_options(app: &App, id: Option<OrderId>) -> Result<Option<Order>, StoreError> {
    match id {
        Some(id) => app.db().read(|c| orders::find(c, id)),
        None => Ok(None),
    }
}

/// Opens a deposit for a pending order, or finds the one already open for the same pair. One on a wallet that has left the
/// configuration is honoured, but not shown again: the merchant may have lost its keys. Nor is one shown of an order that is
/// only held up after its time, where late payments do not count.
pub async fn choose(
    app: &App,
    id: OrderId,
    blockchain: Blockchain,
    coin: Coin,
) -> Result<PaymentDetail, PaymentError> {
    let config = app.config();
    let metrics = app.metrics().payments.clone();
    let exhausted = metrics.slots_exhausted.clone();
    let head = app
        .watching()
        .head_for_deposit(&blockchain, app.clock().now_ms());
    let chosen = app
        .db()
        .write(move |tx| {
            let order = orders::find(tx, id)?.ok_or(OrderError::NotFound)?;
            if order.status.is_terminal() {
                return Err(OrderError::NotPending.into());
            }
            let choice = Choice::new(&config, &order, &blockchain, &coin)?;
            let found = deposits::open_for_pair(tx, order.row, &blockchain, &coin)?;
            let shown = found.into_iter().find(|(wallet, _)| choice.takes(*wallet));
            let is_over = tx.now > order.expires_at;
            let (wallet, amount) = match shown {
                Some(shown) if !is_over || config.orders.accept_late => shown,
                None if !is_over => choice.open(tx, head, &metrics)?,
                _ => return Err(OrderError::NotPending.into()),
            };
            choice.detail(wallet, amount)
        })
        .await;
    if matches!(chosen, Err(PaymentError::NoSlot)) {
        exhausted.inc();
    }
    chosen
}

/// What to send for an order's newest open deposit, if it has one.
pub fn newest(app: &App, order: &Order) -> Result<Option<PaymentDetail>, StoreError> {
    let config = app.config();
    let deposits = app.db().read(|c| deposits::of_order(c, order.row))?;
    // Without its chain or wallet in the configuration a deposit is still paid, but not shown.
    let mut shown = deposits.into_iter().rev().filter(|(_, open)| *open);
    Ok(shown.find_map(|(deposit, _)| {
        let choice = Choice::new(&config, order, &deposit.blockchain, &deposit.coin).ok()?;
        let takes = choice.takes(deposit.wallet);
        takes.then(|| choice.detail(deposit.wallet, deposit.value).ok())?
    }))
}

/// A choice of chain and coin that the order and the configuration allow.
struct Choice<'a> {
    config: &'a Config,
    order: &'a Order,
    chain: &'a ChainConfig,
    coin: &'a Coin,
    token: &'a Token,
    wallets: Vec<&'a Wallet>,
}

impl<'a> Choice<'a> {
    fn new(
        config: &'a Config,
        order: &'a Order,
        blockchain: &'a Blockchain,
        coin: &'a Coin,
    ) -> Result<Self, PaymentError> {
        let coin_is_known = || {
            let mut chains = config.chains.values();
            chains.any(|c| c.chain.tokens.iter().any(|t| t.coin == *coin))
        };
        let chain = config.chain(blockchain).ok_or(PaymentError::Selection)?;
        if !coin_is_known() || !leaves_open(&order.new, blockchain, coin, chain.chain.family) {
            return Err(PaymentError::Selection);
        }
        let wallets: Vec<_> = config.wallets_for(blockchain, coin).collect();
        let token = chain.chain.payable(coin).next();
        match token {
            Some(token) if !wallets.is_empty() => Ok(Self {
                config,
                order,
                chain,
                coin,
                token,
                wallets,
            }),
            _ => Err(PaymentError::NoWallet),
        }
    }

    /// Whether customers are shown this wallet.
    fn takes(&self, wallet: Address) -> bool {
        self.wallets.iter().any(|w| w.address == wallet)
    }

    /// Opens the deposit on the wallet and with the value that are free.
    fn open(
        &self,
        tx: &mut Tx<'_>,
        head: Option<u64>,
        metrics: &Payments,
    ) -> Result<(Address, Amount), PaymentError> {
        let blockchain = &self.chain.chain.blockchain;
        let slot = self.slot(tx, metrics)?;
        let wallet = self.wallets[slot.wallet].address;
        let reserved_since = self.reserved_since(tx);
        let place = (blockchain, wallet, self.coin);
        let evicts = match slot.evicts {
            Some(Holder::Deposit(row)) => Some(row),
            Some(Holder::LostDeposit(row)) => {
                lost_deposits::release(tx, row)?;
                None
            }
            None => None,
        };
        deposits::release_value(tx, place, slot.micros, reserved_since, evicts)?;
        // Also where amounts need not be unique now: they may have to be after the next start.
        let unheld = !deposits::is_value_held(tx, place, slot.micros)?;
        let unique = self.config.payments.unique_amounts;
        let new = NewDeposit {
            order: self.order,
            blockchain,
            coin: self.coin,
            wallet,
            micros: slot.micros,
            head,
            holds_value: unique || unheld,
        };
        deposits::open(tx, &new)?;
        tx.announce(Change::Chain(blockchain.clone()));
        Ok((wallet, Amount::from_micros(slot.micros)))
    }

    fn slot(&self, tx: &Tx<'_>, metrics: &Payments) -> Result<Slot, PaymentError> {
        let amount = Amount::parse_order_amount(&self.order.new.amount)?;
        let micros = amount.to_micros().ok_or(AmountError::TooLarge)?;
        let rule = self.tail_rule();
        if !self.config.payments.unique_amounts {
            // The coin must be able to carry the amount as it is; nothing is added.
            amount.to_base_units(self.token.decimals)?;
            return Ok(Slot {
                wallet: 0,
                micros,
                evicts: None,
            });
        }
        let held = self.held_near(tx, micros, rule)?;
        let share = self.share_held(micros, &held, rule);
        metrics.slots_filled.observe(share);
        let sender = self.order.new.expecting_address;
        slots::allocate(micros, sender, &held, rule, tx.now).ok_or(PaymentError::NoSlot)
    }

    fn held_near(
        &self,
        tx: &Tx<'_>,
        micros: u64,
        rule: TailRule,
    ) -> Result<Vec<Vec<HeldValue>>, StoreError> {
        let range = (micros, rule.largest(micros));
        let reserved_since = self.reserved_since(tx);
        let blockchain = &self.chain.chain.blockchain;
        self.wallets
            .iter()
            .map(|w| {
                let place = (blockchain, w.address, self.coin);
                let mut held = deposits::taken_values(tx, place, range, reserved_since)?;
                let order = self.order.id;
                let lost = lost_deposits::taken_values(tx, place, range, reserved_since, order)?;
                held.extend(lost);
                Ok(held)
            })
            .collect()
    }

    fn reserved_since(&self, tx: &Tx<'_>) -> i64 {
        tx.now - self.config.payments.late_window.as_secs() as i64
    }

    fn tail_rule(&self) -> TailRule {
        let decimals = u32::from(self.token.decimals.min(6));
        TailRule {
            max_micros: self.config.payments.max_tail.to_micros().unwrap_or(0),
            unit_micros: 10u64.pow(6 - decimals),
        }
    }

    /// The share of the values near this amount that is held; warns when it becomes large.
    fn share_held(&self, micros: u64, held: &[Vec<HeldValue>], rule: TailRule) -> f64 {
        // Most amounts are far from full, and counting costs more than looking.
        let Some(least) = held.iter().map(Vec::len).min().filter(|n| *n >= 4) else {
            return 0.0;
        };
        let percent = held
            .iter()
            .map(|h| slots::percent_held(micros, h, rule))
            .min()
            .unwrap_or(0);
        let place = (self.chain.chain.blockchain.to_string(), micros);
        if percent >= NEARLY_FULL && first_time_full(place) {
            tracing::warn!(
                blockchain = %self.chain.chain.blockchain, coin = %self.coin, amount = %self.order.new.amount,
                held = least, "80 % of the values for this amount are held; add a wallet or raise payments.max_tail"
            );
        }
        percent as f64 / 100.0
    }

    fn detail(&self, wallet: Address, amount: Amount) -> Result<PaymentDetail, PaymentError> {
        let chain = &self.chain.chain;
        let units = amount.to_base_units(self.token.decimals)?;
        let contract = self.token.contract;
        let payment_uri = (chain.family == Family::Evm).then(|| {
            format!(
                "ethereum:{contract}@{}/transfer?address={wallet}&uint256={units}",
                chain.chain_id
            )
        });
        Ok(PaymentDetail {
            order: self.order.id,
            wallet,
            amount,
            blockchain: chain.blockchain.clone(),
            coin: self.coin.clone(),
            expires_at: self.order.expires_at,
            contract,
            decimals: self.token.decimals,
            chain_id: chain.chain_id,
            confirmations_required: chain.confirmations.required(),
            payment_uri,
        })
    }
}

/// Whether there is a wallet at all that an order could be paid to.
pub fn is_payable(config: &Config, new: &NewOrder) -> bool {
    config.wallets.iter().any(|wallet| {
        let mut coins = wallet.enabled_coins.iter();
        coins.any(|coin| leaves_open(new, &wallet.blockchain, coin, wallet.address.family()))
    })
}

/// Whether an order may be paid so: by what it pre-selected, and from the family of the sender it expects.
fn leaves_open(new: &NewOrder, blockchain: &Blockchain, coin: &Coin, family: Family) -> bool {
    new.blockchain.as_ref().is_none_or(|b| b == blockchain)
        && new.stablecoin.as_ref().is_none_or(|c| c == coin)
        && new.expecting_address.is_none_or(|a| a.family() == family)
}

/// One log line for each place in a run of the server: warnings are for people.
fn first_time_full(place: (String, u64)) -> bool {
    static WARNED: Mutex<Option<HashSet<(String, u64)>>> = Mutex::new(None);
    let mut warned = WARNED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    warned.get_or_insert_default().insert(place)
}
