//! When a failed webhook is tried again.

use std::time::Duration;

/// Retries that double their distance, from 1 s to 2048 s.
const DOUBLING: u32 = 12;
/// Hourly retries after those: three days of them.
const HOURLY: u32 = 72;

/// How long to wait after the given number of failed attempts; `None`: only an admin asks again.
/// `jitter` in 0..1 adds up to a tenth, so that what failed together does not come back together.
pub fn delay(failed_attempts: u32, jitter: f64) -> Option<Duration> {
    let seconds = match failed_attempts {
        0 => return Some(Duration::ZERO),
        n if n <= DOUBLING => 1u64 << (n - 1),
        n if n <= DOUBLING + HOURLY => 3600,
        _ => return None,
    };
    Some(Duration::from_secs(seconds).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_schedule() {
        let seconds = |n| delay(n, 0.0).map(|d| d.as_secs());
        let doubling: Vec<_> = (1..=12).filter_map(seconds).collect();
        assert_eq!(
            doubling,
            [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
        );
        assert_eq!(seconds(13), Some(3600));
        assert_eq!(seconds(84), Some(3600));
        assert_eq!(seconds(85), None);
        assert_eq!(delay(1, 1.0), Some(Duration::from_millis(1100)));
    }
}
