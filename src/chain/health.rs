//! How one provider is doing, and how long to leave it alone.

use super::ProviderError;
use crate::domain::confirmation::Head;

/// The longest wait between tries of an only provider.
const ALONE_MS: f64 = 10_000.0;
/// The longest wait where others can be asked meanwhile.
const AMONG_OTHERS_MS: f64 = 300_000.0;
/// What will not be better soon: a wrong key, a wrong chain.
const REFUSED_MS: f64 = 600_000.0;
/// How long one that lags behind is left alone.
const LAGGING_MS: i64 = 30_000;
/// `Retry-After` is honoured up to this: a slip of a decimal must not switch a chain off.
const RETRY_AFTER_MS: i64 = 900_000;
/// A failure of one kind is told once in this time, however often it comes and goes.
const TOLD_FOR_MS: i64 = 600_000;

/// Whether the last thing it was asked for went well.
#[derive(Clone, PartialEq, Debug)]
pub enum Standing {
    Well,
    Failing {
        since: i64,
        tries: u32,
        error: ProviderError,
        /// Whether the log has a line about it, so that it gets one when it is over.
        told: bool,
    },
}

/// The health of one provider. Times are milliseconds since 1970.
pub struct Health {
    chain: String,
    label: String,
    /// Whether it is the chain's only provider.
    alone: bool,
    pub standing: Standing,
    /// The newest block it told of, and when.
    pub head: Option<(u64, i64)>,
    /// The newest final block it told of, and when.
    pub finalized: Option<(u64, i64)>,
    failing_until: i64,
    /// The same as if there were no other provider.
    failing_until_if_last: i64,
    lagging_until: i64,
    /// When the log got a line about a kind of failure.
    told: Vec<(std::mem::Discriminant<ProviderError>, i64)>,
}

impl Health {
    pub fn new(chain: &str, label: &str, alone: bool) -> Self {
        Self {
            chain: chain.to_owned(),
            label: label.to_owned(),
            alone,
            standing: Standing::Well,
            head: None,
            finalized: None,
            failing_until: i64::MIN,
            failing_until_if_last: i64::MIN,
            lagging_until: i64::MIN,
            told: Vec::new(),
        }
    }

    /// When it is asked again while others can be asked.
    pub fn ready_at(&self) -> i64 {
        self.failing_until.max(self.lagging_until)
    }

    /// When it is asked again if no other can be asked. One that lags behind is better than none.
    pub fn ready_if_last_at(&self) -> i64 {
        self.failing_until_if_last
    }

    pub fn lagging(&self) -> bool {
        self.lagging_until != i64::MIN
    }

    /// Waits end so much earlier: the clock was set back by that.
    pub fn come_forward(&mut self, ms: i64) {
        for until in [
            &mut self.failing_until,
            &mut self.failing_until_if_last,
            &mut self.lagging_until,
        ] {
            // `MIN` means no wait, and stays what it is.
            if *until != i64::MIN {
                *until -= ms;
            }
        }
    }

    /// It told how far it is.
    pub fn saw(&mut self, head: Head, now_ms: i64) {
        self.head = Some((head.number, now_ms));
        // One that calls its newest block final has no notion of it: nobody lags behind that.
        let finalized = head.finalized.filter(|number| *number < head.number);
        self.finalized = finalized.map(|number| (number, now_ms));
    }

    pub fn succeeded(&mut self, now_ms: i64) {
        let standing = std::mem::replace(&mut self.standing, Standing::Well);
        self.failing_until = i64::MIN;
        self.failing_until_if_last = i64::MIN;
        if let Standing::Failing {
            since, told: true, ..
        } = standing
        {
            let seconds = (now_ms - since) / 1000;
            tracing::info!(chain = %self.chain, provider = %self.label, "provider is back after {seconds} s");
        }
    }

    /// `jitter` is a factor from 0.5 to 1.
    pub fn failed(&mut self, error: &ProviderError, now_ms: i64, jitter: f64) {
        let (since, tries, told_before) = match &self.standing {
            Standing::Well => (now_ms, 1, false),
            Standing::Failing {
                since, tries, told, ..
            } => (*since, tries.saturating_add(1), *told),
        };
        let told = self.tell(error, now_ms) || told_before;
        self.standing = Standing::Failing {
            since,
            tries,
            error: error.clone(),
            told,
        };
        let (first, most) = match error {
            _ if self.alone => (1000.0, ALONE_MS),
            ProviderError::Refused(_) | ProviderError::WrongChain { .. } => {
                (REFUSED_MS, REFUSED_MS)
            }
            _ => (2000.0, AMONG_OTHERS_MS),
        };
        let asked_for = retry_after_ms(error);
        let until = |first, most| now_ms + asked_for.max(backoff(first, most, tries, jitter));
        self.failing_until = until(first, most);
        self.failing_until_if_last = until(1000.0, ALONE_MS).min(self.failing_until);
    }

    pub fn set_lagging(&mut self, lagging: bool, now_ms: i64) {
        if lagging && !self.lagging() {
            tracing::debug!(chain = %self.chain, provider = %self.label, "provider lags behind");
        }
        self.lagging_until = if lagging {
            now_ms + LAGGING_MS
        } else {
            i64::MIN
        };
    }

    /// Logs a failure of a new kind, or one that was not heard of for long. Whether it did.
    fn tell(&mut self, error: &ProviderError, now_ms: i64) -> bool {
        let kind = std::mem::discriminant(error);
        if let Standing::Failing { error: last, .. } = &self.standing
            && std::mem::discriminant(last) == kind
        {
            return false;
        }
        self.told.retain(|(_, at)| now_ms - at < TOLD_FOR_MS);
        if self.told.iter().any(|(told, _)| *told == kind) {
            return false;
        }
        self.told.push((kind, now_ms));
        tracing::warn!(chain = %self.chain, provider = %self.label, "provider fails: {error}");
        true
    }
}

/// Doubles with each try in a row.
fn backoff(first: f64, most: f64, tries: u32, jitter: f64) -> i64 {
    // Beyond 2^30 every wait is at its longest.
    let doubled = first * f64::from(1u32 << (tries - 1).min(30));
    (doubled.min(most) * jitter) as i64
}

fn retry_after_ms(error: &ProviderError) -> i64 {
    match error {
        ProviderError::RateLimited {
            retry_after: Some(wait),
            ..
        } => i64::try_from(wait.as_millis()).map_or(RETRY_AFTER_MS, |ms| ms.min(RETRY_AFTER_MS)),
        _ => 0,
    }
}
