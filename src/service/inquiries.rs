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
/// From the question on; longer than anybody waits for the answer.
const SILENCE_STANDS_MS: i64 = 15_000;
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

/// What it takes to hear a chain's answer.
pub enum Question {
    /// Nothing: it is remembered, or there is nobody to ask.
    Answered(Answer),
    /// Its watcher must be asked, in whose queue there is a place for this.
    Open {
        place: mpsc::OwnedPermit<Inquiry>,
        blockchain: Blockchain,
        txn_hash: String,
    },
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
        let times = state.asked.get(&order).into_iter().flatten();
        let mut times: VecDeque<i64> = times.copied().filter(within).collect();
        if let Some(first) = times.front().filter(|_| times.len() >= PER_ORDER) {
            return Err(seconds(first + HOUR_MS - now_ms));
        }
        // A clock that was set back must not shut everybody out until it has caught up.
        let most_ahead = now_ms + BURST * INTERVAL_MS;
        state.paid_until = state.paid_until.clamp(now_ms, most_ahead);
        let paid_until = state.paid_until + INTERVAL_MS;
        // As often as an order has asked, so many are left to others: none takes all, and a first one is refused last.
        let left_to_others = INTERVAL_MS * i64::try_from(times.len()).unwrap_or(BURST);
        let too_far = paid_until + left_to_others - most_ahead;
        if too_far > 0 {
            return Err(seconds(too_far));
        }
        times.push_back(now_ms);
        state.asked.insert(order, times);
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
        // None stands longer than these, even if the clock was set back.
        let standing = now_ms..=now_ms + MINED_STANDS_MS;
        standing.contains(until).then(|| answer.clone())
    }

    /// What a chain says of a transaction, or what it takes to hear it. Nobody is asked yet.
    pub fn about(&self, blockchain: &Blockchain, txn_hash: &str, now_ms: i64) -> Question {
        if let Some(known) = self.remembered(blockchain, txn_hash, now_ms) {
            return Question::Answered(known);
        }
        let watcher = self.lock().watchers.get(blockchain).cloned();
        match watcher.and_then(|watcher| watcher.try_reserve_owned().ok()) {
            None => Question::Answered(Answer::Silence),
            Some(place) => Question::Open {
                place,
                blockchain: blockchain.clone(),
                txn_hash: txn_hash.to_owned(),
            },
        }
    }

    /// Asks where that must be, and remembers the answer.
    pub async fn ask(&self, question: Question, now_ms: i64) -> Answer {
        let (place, blockchain, txn_hash) = match question {
            Question::Answered(answer) => return answer,
            Question::Open {
                place,
                blockchain,
                txn_hash,
            } => (place, blockchain, txn_hash),
        };
        let (reply, answer) = oneshot::channel();
        place.send(Inquiry {
            txn_hash: txn_hash.clone(),
            reply,
        });
        let answer = match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            _ => Answer::Silence,
        };
        self.remember(blockchain, txn_hash, &answer, now_ms);
        answer
    }

    fn remember(&self, blockchain: Blockchain, txn_hash: String, answer: &Answer, now_ms: i64) {
        let stands = match answer {
            Answer::Mined(_) => MINED_STANDS_MS,
            Answer::Unknown => UNKNOWN_STANDS_MS,
            Answer::Silence => SILENCE_STANDS_MS,
        };
        let mut state = self.lock();
        if state.known.len() >= REMEMBERED {
            state.known.clear();
        }
        let place = (blockchain, txn_hash);
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
    fn a_flood_by_few_orders_leaves_others_their_look_ups() {
        let inquiries = Inquiries::default();
        let flood = |now| {
            let asks = (0..40).map(|n| inquiries.admit(order(n % 2), now));
            asks.filter(Result::is_ok).count()
        };
        assert_eq!(flood(NOW), 14);
        // After seven the eighth waits until eight are there again, two more; the first of another does not.
        assert_eq!(inquiries.admit(order(0), NOW), Err(10));
        for n in 2..8 {
            assert_eq!(inquiries.admit(order(n), NOW), Ok(()), "{n}");
        }
        assert_eq!(inquiries.admit(order(8), NOW), Err(5));
        for n in 8..40 {
            let now = NOW + INTERVAL_MS * (n as i64 - 7);
            assert_eq!(flood(now), 0, "{n}");
            assert_eq!(inquiries.admit(order(n), now), Ok(()), "{n}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_answer_for_longer() {
        let inquiries = Inquiries::default();
        let chain = Blockchain::new("eth");
        inquiries.remember(chain.clone(), "0x1".to_owned(), &Answer::Unknown, NOW);
        assert!(inquiries.remembered(&chain, "0x1", NOW + 1).is_some());
        let back = NOW - HOUR_MS;
        assert_eq!(inquiries.remembered(&chain, "0x1", back), None);
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
        let answered = |now| match inquiries.about(&chain, "0x1", now) {
            Question::Answered(answer) => Some(answer),
            Question::Open { .. } => None,
        };
        assert_eq!(answered(NOW), Some(Answer::Silence), "nobody is there");
        let mut queue = inquiries.answer_for(&chain);
        let ask = |now| {
            let (inquiries, question) = (inquiries.clone(), inquiries.about(&chain, "0x1", now));
            tokio::spawn(async move { inquiries.ask(question, now).await })
        };
        let asked = ask(NOW);
        let inquiry = queue.recv().await.unwrap();
        assert_eq!(inquiry.txn_hash, "0x1");
        assert!(!inquiry.is_stale());
        inquiry.answer(Answer::Unknown);
        assert_eq!(asked.await.unwrap(), Answer::Unknown);
        assert_eq!(answered(NOW + 1), Some(Answer::Unknown));
        let later = NOW + UNKNOWN_STANDS_MS + 1;
        assert_eq!(answered(later), None);
        let asked = ask(later);
        drop(queue.recv().await.unwrap());
        assert_eq!(asked.await.unwrap(), Answer::Silence);
        assert_eq!(answered(later + 1), Some(Answer::Silence));
        let later = later + SILENCE_STANDS_MS + 1;
        assert_eq!(answered(later), None);
        let places: Vec<_> = (0..WAITING)
            .map(|_| inquiries.about(&chain, "0x1", later))
            .collect();
        assert_eq!(answered(later), Some(Answer::Silence), "too many wait");
        drop(places);
        drop(queue);
        assert_eq!(answered(later), Some(Answer::Silence), "it has stopped");
        assert_eq!(inquiries.remembered(&chain, "0x1", later), None);
    }
}
