//! Questions about single transactions. Who asks them must not ask a chain: its watcher answers, when it has time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::domain::confirmation::Receipt;
use crate::domain::order::OrderId;
use crate::domain::registry::Blockchain;

/// An order's look-ups in an hour.
const PER_ORDER: usize = 10;
const HOUR_MS: i64 = 3_600_000;
/// All orders' look-ups together: so many at once, then one each interval. Chains are watched out of the same budgets.
const BURST: i64 = 20;
const INTERVAL_MS: i64 = 5_000;
/// Questions that wait for one chain's answer.
const WAITING: usize = 8;
/// Whoever asks waits no longer for one chain.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long answers stand: what is unknown now can be mined at any moment.
const MINED_STANDS_MS: i64 = 60_000;
const UNKNOWN_STANDS_MS: i64 = 10_000;
/// Answers and orders that are remembered.
const REMEMBERED: usize = 1_000;

/// What a chain says of a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Mined(Receipt),
    /// The chain does not have it.
    Unknown,
    /// The chain could not be asked, or made no sense.
    Silence,
}

/// A question for a chain's watcher.
pub struct Inquiry {
    /// As the chain writes it.
    pub txn_hash: String,
    reply: oneshot::Sender<Answer>,
}

/// Who asks, who answers, and what was said. A restart forgets it.
#[derive(Default)]
pub struct Inquiries(Mutex<State>);

#[derive(Default)]
struct State {
    watchers: HashMap<Blockchain, mpsc::Sender<Inquiry>>,
    /// Answers, and until when they stand.
    known: HashMap<(Blockchain, String), (Answer, i64)>,
    /// When each order asked, in Unix milliseconds.
    asked: HashMap<OrderId, VecDeque<i64>>,
    /// When all that was asked so far will have been paid for at one look-up each interval.
    paid_until: i64,
}

impl Inquiry {
    /// Whether nobody waits for the answer any more.
    pub fn is_stale(&self) -> bool {
        self.reply.is_closed()
    }

    pub fn answer(self, answer: Answer) {
        // Whoever asked may have given up.
        let _ = self.reply.send(answer);
    }
}

impl Inquiries {
    /// From now on the caller answers for a chain; whoever did before is told by the end of its queue.
    pub fn answer_for(&self, blockchain: &Blockchain) -> mpsc::Receiver<Inquiry> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.lock().watchers.insert(blockchain.clone(), sender);
        receiver
    }

    /// Counts a look-up for an order; if there have been too many, says in how many seconds to try again.
    pub fn admit(&self, order: OrderId, now_ms: i64) -> Result<(), u64> {
        let mut state = self.lock();
        let seconds = |ms: i64| u64::try_from(ms).unwrap_or(0).div_ceil(1000).max(1);
        let within = |at: &i64| (now_ms - HOUR_MS..=now_ms).contains(at);
        if state.asked.len() >= REMEMBERED {
            state.asked.retain(|_, times| times.iter().any(within));
        }
        // A clock that was set back must not shut everybody out until it has caught up.
        let most_ahead = now_ms + BURST * INTERVAL_MS;
        state.paid_until = state.paid_until.clamp(now_ms, most_ahead);
        let paid_until = state.paid_until + INTERVAL_MS;
        if paid_until > most_ahead {
            return Err(seconds(paid_until - most_ahead));
        }
        let times = state.asked.entry(order).or_default();
        times.retain(within);
        if let Some(first) = times.front().filter(|_| times.len() >= PER_ORDER) {
            return Err(seconds(first + HOUR_MS - now_ms));
        }
        times.push_back(now_ms);
        state.paid_until = paid_until;
        Ok(())
    }

    /// What a chain said of a transaction not long ago.
    pub fn remembered(
        &self,
        blockchain: &Blockchain,
        txn_hash: &str,
        now_ms: i64,
    ) -> Option<Answer> {
        let state = self.lock();
        let (answer, until) = state
            .known
            .get(&(blockchain.clone(), txn_hash.to_owned()))?;
        (now_ms <= *until).then(|| answer.clone())
    }

    /// Asks a chain's watcher, unless the answer is remembered.
    pub async fn ask(&self, blockchain: &Blockchain, txn_hash: &str, now_ms: i64) -> Answer {
        if let Some(known) = self.remembered(blockchain, txn_hash, now_ms) {
            return known;
        }
        let Some(watcher) = self.lock().watchers.get(blockchain).cloned() else {
            return Answer::Silence;
        };
        let (reply, answer) = oneshot::channel();
        let inquiry = Inquiry {
            txn_hash: txn_hash.to_owned(),
            reply,
        };
        if watcher.try_send(inquiry).is_err() {
            return Answer::Silence;
        }
        let answer = match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            _ => Answer::Silence,
        };
        self.remember(blockchain, txn_hash, &answer, now_ms);
        answer
    }

    fn remember(&self, blockchain: &Blockchain, txn_hash: &str, answer: &Answer, now_ms: i64) {
        let stands = match answer {
            Answer::Mined(_) => MINED_STANDS_MS,
            Answer::Unknown => UNKNOWN_STANDS_MS,
            Answer::Silence => return,
        };
        let mut state = self.lock();
        if state.known.len() >= REMEMBERED {
            state.known.clear();
        }
        let place = (blockchain.clone(), txn_hash.to_owned());
        state.known.insert(place, (answer.clone(), now_ms + stands));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding this lock, and if it did, nothing would be half changed that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn order(n: u128) -> OrderId {
        OrderId::from_u128(n)
    }

    #[test]
    fn an_order_has_ten_look_ups_an_hour() {
        let inquiries = Inquiries::default();
        for i in 0..PER_ORDER as i64 {
            assert_eq!(inquiries.admit(order(1), NOW + i * 60_000), Ok(()));
        }
        let later = NOW + 10 * 60_000;
        assert_eq!(inquiries.admit(order(1), later), Err(3000));
        assert_eq!(inquiries.admit(order(2), later), Ok(()));
        assert_eq!(inquiries.admit(order(1), NOW + HOUR_MS + 1), Ok(()));
        assert!(inquiries.admit(order(1), NOW + HOUR_MS + 2).is_err());
    }

    #[test]
    fn all_orders_together_have_a_small_budget() {
        let inquiries = Inquiries::default();
        for n in 0..BURST as u128 {
            assert_eq!(inquiries.admit(order(n), NOW), Ok(()));
        }
        assert_eq!(inquiries.admit(order(99), NOW), Err(5));
        assert_eq!(inquiries.admit(order(99), NOW + 4_000), Err(1));
        assert_eq!(inquiries.admit(order(99), NOW + INTERVAL_MS), Ok(()));
        assert!(inquiries.admit(order(98), NOW + INTERVAL_MS).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out_for_long() {
        let inquiries = Inquiries::default();
        for n in 0..BURST as u128 {
            assert_eq!(inquiries.admit(order(n), NOW), Ok(()));
        }
        let back = NOW - 24 * HOUR_MS;
        assert_eq!(inquiries.admit(order(99), back), Err(5));
        assert_eq!(inquiries.admit(order(99), back + INTERVAL_MS), Ok(()));
    }

    #[tokio::test]
    async fn a_watcher_is_asked_once() {
        let inquiries = std::sync::Arc::new(Inquiries::default());
        let chain = Blockchain::new("eth");
        assert_eq!(inquiries.ask(&chain, "0x1", NOW).await, Answer::Silence);
        let mut queue = inquiries.answer_for(&chain);
        let asking = inquiries.clone();
        let asked =
            tokio::spawn(async move { asking.ask(&Blockchain::new("eth"), "0x1", NOW).await });
        let inquiry = queue.recv().await.unwrap();
        assert_eq!(inquiry.txn_hash, "0x1");
        assert!(!inquiry.is_stale());
        inquiry.answer(Answer::Unknown);
        assert_eq!(asked.await.unwrap(), Answer::Unknown);
        assert_eq!(inquiries.ask(&chain, "0x1", NOW + 1).await, Answer::Unknown);
        assert!(queue.try_recv().is_err(), "the answer is remembered");
        let later = NOW + UNKNOWN_STANDS_MS + 1;
        assert_eq!(inquiries.remembered(&chain, "0x1", later), None);
        drop(queue);
        assert_eq!(inquiries.ask(&chain, "0x1", later).await, Answer::Silence);
        assert_eq!(inquiries.remembered(&chain, "0x1", later), None);
    }
}
