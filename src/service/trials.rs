//! Test webhooks: who asks for one must not send it; the deliverer does, when it has a place.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::Attempt;

/// Trials that wait to be made.
const WAITING: usize = 8;

/// A webhook to send once.
#[derive(Clone, Debug)]
pub struct Trial {
    pub webhook_id: String,
    pub url: String,
    pub body: String,
}

/// A trial with whoever waits for its outcome.
pub struct Asked {
    pub trial: Trial,
    pub outcome: oneshot::Sender<Attempt>,
}

/// Who asks, and who sends. A restart forgets it.
#[derive(Default)]
pub struct Trials(Mutex<Option<mpsc::Sender<Asked>>>);

impl Trials {
    /// From now on the caller makes the trials; whoever did before is told by the end of its queue.
    pub fn make_all(&self) -> mpsc::Receiver<Asked> {
        let (sender, receiver) = mpsc::channel(WAITING);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Has a webhook sent, and waits for the outcome; `None` where too many wait, or nobody sends.
    pub async fn make(&self, trial: Trial) -> Option<Attempt> {
        let (outcome, told) = oneshot::channel();
        let sender = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        sender?.try_send(Asked { trial, outcome }).ok()?;
        told.await.ok()
    }
}
