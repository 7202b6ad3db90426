//! A tick at regular times.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::StoreError;

/// Calls `tick` at once and then each `period` until the stop. A tick that returns true is followed by another at once. An error is logged
/// when it first appears and the tick tried again at its next time.
pub async fn run<F, Fut>(name: &'static str, period: Duration, stop: CancellationToken, tick: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<bool, StoreError>>,
{
    let mut failing = false;
    while !stop.is_cancelled() {
        let more = match tick().await {
            Ok(more) => {
                failing = false;
                more
            }
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "{name} failed, trying again");
                }
                failing = true;
                false
            }
        };
        if !more {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(period) => {}
            }
        }
    }
}
