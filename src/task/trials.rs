//! Sends test webhooks, one at a time.

use tokio_util::sync::CancellationToken;

use super::deliver::post;
use crate::service::trials::Asked;
use crate::service::{App, Attempt, Event};
use crate::webhook::Sender;

/// Makes the trials that the admin asks for until the stop.
pub async fn run(app: App, stop: CancellationToken) {
    let mut asked = app.trials().make_all();
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = asked.recv() => next,
        };
        match next {
            Some(asked) => make(&app, asked).await,
            None => return,
        }
    }
}

async fn make(app: &App, Asked { trial, outcome }: Asked) {
    let event = Event {
        row: 0,
        webhook_id: trial.webhook_id,
        order_row: None,
        url: trial.url,
        body: trial.body,
        attempts: 0,
    };
    // By the configuration of now: a test is often made right after a change.
    let sender = Sender::new(&app.config());
    let made = post(sender, event, app.clock().now()).await;
    // Whoever asked may have given up.
    let _ = outcome.send(Attempt {
        status: made.status,
        error: made.error,
        latency_ms: made.latency_ms,
        answer: made.answer,
    });
}
