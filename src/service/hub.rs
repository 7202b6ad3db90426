//! Who waits for news of which order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::domain::order::OrderId;

/// Tells listeners that an order changed. It carries no content: a listener reads the order itself, so news that
/// come in quick succession become one, and none can be stale.
#[derive(Clone, Default)]
pub struct Hub {
    listeners: Arc<Mutex<HashMap<OrderId, Vec<Arc<Notify>>>>>,
}

/// A listener's place; given back when dropped.
pub struct Subscription {
    hub: Hub,
    order: OrderId,
    news: Arc<Notify>,
}

impl Hub {
    /// Listens to an order, unless `max` others do already.
    pub fn subscribe(&self, order: OrderId, max: usize) -> Option<Subscription> {
        let news = Arc::new(Notify::new());
        let mut listeners = self.lock();
        let of_order = listeners.entry(order).or_default();
        if of_order.len() >= max {
            return None;
        }
        of_order.push(news.clone());
        Some(Subscription {
            hub: self.clone(),
            order,
            news,
        })
    }

    /// Wakes an order's listeners. A listener that is busy finds the news when it next waits.
    pub fn announce(&self, order: OrderId) {
        for news in self.lock().get(&order).into_iter().flatten() {
            news.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Vec<Arc<Notify>>>> {
        self.listeners
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Subscription {
    /// Waits for news since the last call.
    pub async fn changed(&self) {
        self.news.notified().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.hub.lock();
        if let Some(of_order) = listeners.get_mut(&self.order) {
            of_order.retain(|other| !Arc::ptr_eq(other, &self.news));
            if of_order.is_empty() {
                listeners.remove(&self.order);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn news_reach_the_orders_listeners_only_and_places_are_given_back() {
        let hub = Hub::default();
        let (a, b) = (OrderId::from_u128(1), OrderId::from_u128(2));
        let first = hub.subscribe(a, 1).unwrap();
        let other = hub.subscribe(b, 1).unwrap();
        assert!(hub.subscribe(a, 1).is_none());
        hub.announce(a);
        let soon = Duration::from_millis(20);
        assert!(timeout(soon, first.changed()).await.is_ok());
        assert!(timeout(soon, other.changed()).await.is_err());
        drop(first);
        assert!(hub.subscribe(a, 1).is_some());
        drop(other);
        assert!(hub.lock().is_empty());
    }
}
