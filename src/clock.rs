//! The one clock. Everything else is told the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970, as on the wire and in the database.
pub type UnixSeconds = i64;

/// The system's clock, which tests can turn.
#[derive(Clone, Default)]
pub struct Clock {
    shift_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::default()
    }

    pub fn now(&self) -> UnixSeconds {
        self.now_ms().div_euclid(1000)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        // Milliseconds since 1970 fit 63 bits for 290 million years.
        since.as_millis() as i64 + self.shift_ms.load(Ordering::Relaxed)
    }

    /// Sets this clock and all its copies back.
    pub fn set_back(&self, by: Duration) {
        self.shift_ms
            .fetch_sub(by.as_millis() as i64, Ordering::Relaxed);
    }

    /// Turns this clock and all its copies forward.
    pub fn advance(&self, by: Duration) {
        self.shift_ms
            .fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }
}
