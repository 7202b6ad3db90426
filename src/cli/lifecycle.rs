//! What the server tells whoever supervises it.

use tokio::sync::broadcast;

/// More than anybody misses: these come seconds apart at the soonest.
const REMEMBERED: usize = 16;

/// A step in the life of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It answers requests and watches chains; also after each reload, whether or not that changed anything.
    Ready,
    Reloading,
    Stopping,
}

/// Tells each step, in order, to all who listen.
#[derive(Clone)]
pub struct Lifecycle(broadcast::Sender<Step>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(broadcast::Sender::new(REMEMBERED))
    }
}

impl Lifecycle {
    /// Listens to the steps from now on.
    pub fn listen(&self) -> broadcast::Receiver<Step> {
        self.0.subscribe()
    }

    pub fn tell(&self, step: Step) {
        tracing::debug!(?step, "lifecycle");
        // Nobody needs to listen.
        let _ = self.0.send(step);
    }
}
