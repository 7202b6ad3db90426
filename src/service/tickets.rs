//! One-time tickets for WebSockets: browsers cannot set headers on them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use crate::domain::order::OrderId;

/// Seconds that a ticket lives.
pub const LIFETIME: i64 = 30;

/// At most so many live tickets an order; one more drops the oldest.
const PER_ORDER: usize = 5;

/// Live tickets. A restart forgets them, and pages ask for new ones.
#[derive(Default)]
pub struct Tickets {
    of_orders: Mutex<HashMap<OrderId, VecDeque<Ticket>>>,
}

struct Ticket {
    text: String,
    expires_ms: i64,
}

impl Tickets {
    /// Makes a ticket for an order.
    pub fn issue(&self, order: OrderId, now_ms: i64) -> Result<String, getrandom::Error> {
        let mut random = [0u8; 24];
        getrandom::fill(&mut random)?;
        let text = hex::encode(random);
        let mut all = self.lock();
        if all.len() >= 1024 {
            all.retain(|_, tickets| tickets.iter().any(|t| t.expires_ms > now_ms));
        }
        let tickets = all.entry(order).or_default();
        tickets.retain(|t| t.expires_ms > now_ms);
        if tickets.len() >= PER_ORDER {
            tickets.pop_front();
        }
        let expires_ms = now_ms + LIFETIME * 1000;
        tickets.push_back(Ticket {
            text: text.clone(),
            expires_ms,
        });
        Ok(text)
    }

    /// Uses a ticket up; false if it is unknown, used, too old or of another order.
    pub fn redeem(&self, order: OrderId, text: &str, now_ms: i64) -> bool {
        let mut all = self.lock();
        let Some(tickets) = all.get_mut(&order) else {
            return false;
        };
        let found = tickets.iter().position(|t| t.text == text);
        let ticket = found.and_then(|i| tickets.remove(i));
        if tickets.is_empty() {
            all.remove(&order);
        }
        ticket.is_some_and(|t| t.expires_ms > now_ms)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, VecDeque<Ticket>>> {
        self.of_orders
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: OrderId = OrderId::from_u128(1);
    const B: OrderId = OrderId::from_u128(2);

    #[test]
    fn a_ticket_works_once_for_its_order_for_thirty_seconds() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(A, 0).unwrap();
        assert!(!tickets.redeem(B, &ticket, 0));
        assert!(tickets.redeem(A, &ticket, 29_999));
        assert!(!tickets.redeem(A, &ticket, 0));
        let ticket = tickets.issue(A, 0).unwrap();
        assert!(!tickets.redeem(A, &ticket, 30_000));
        assert!(tickets.lock().is_empty());
    }

    #[test]
    fn a_sixth_ticket_drops_the_oldest() {
        let tickets = Tickets::default();
        let all: Vec<_> = (0..6).map(|_| tickets.issue(A, 0).unwrap()).collect();
        let valid: Vec<_> = all.iter().map(|t| tickets.redeem(A, t, 1)).collect();
        assert_eq!(valid, [false, true, true, true, true, true]);
    }
}
