//! Telling systemd, or whoever speaks its protocol (`sd_notify(3)`), how the server is.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lifecycle::{Lifecycle, Step};
use crate::service::{App, StoreError};

/// Whoever started the server and wants to hear of it.
pub struct Supervisor {
    socket: UnixDatagram,
    /// It starts the server anew if it hears nothing for so long.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one named by the environment, if there is one.
    pub fn from_environment() -> Option<Self> {
        let name = std::env::var_os("NOTIFY_SOCKET")?;
        match connect(&name) {
            Ok(socket) => Some(Self {
                socket,
                watchdog: watchdog(),
            }),
            Err(error) => {
                tracing::warn!(%error, socket = ?name, "nobody is told how the server is: NOTIFY_SOCKET cannot be used");
                None
            }
        }
    }

    /// Tells each step from now on, and, until the stop, that the server is alive. It counts as alive while the database's
    /// writer answers: without it nothing works, and only a new start would help.
    pub fn follow(
        self,
        app: &App,
        lifecycle: &Lifecycle,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        if let Some(limit) = self.watchdog
            && let Ok(socket) = self.socket.try_clone()
        {
            let (app, stop) = (app.clone(), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(beat(socket, app, limit / 2)).await;
            });
        }
        tasks.spawn(tell_steps(self.socket, lifecycle.listen()));
    }
}

async fn tell_steps(socket: UnixDatagram, mut steps: Receiver<Step>) {
    loop {
        let step = match steps.recv().await {
            Ok(step) => step,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        tell(&socket, &message(step));
        if step == Step::Stopping {
            return;
        }
    }
}

async fn beat(socket: UnixDatagram, app: App, period: Duration) {
    loop {
        let answer = app.db().write(|_| Ok::<(), StoreError>(())).await;
        // A full disk or a lock is an answer, too: starting anew would not help against either.
        if !matches!(answer, Err(StoreError::Stopped)) {
            tell(&socket, "WATCHDOG=1");
        }
        tokio::time::sleep(period).await;
    }
}

fn tell(socket: &UnixDatagram, message: &str) {
    if let Err(error) = socket.send(message.as_bytes()) {
        tracing::debug!(%error, message, "the supervisor did not take a message");
    }
}

fn message(step: Step) -> String {
    match step {
        Step::Ready => "READY=1".to_owned(),
        Step::Reloading => {
            let now = clock_gettime(ClockId::Monotonic);
            let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
            format!("RELOADING=1\nMONOTONIC_USEC={micros}")
        }
        Step::Stopping => "STOPPING=1".to_owned(),
    }
}

/// A path, or with an @ before it a name that is in no directory.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::other("neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // A supervisor that does not read must not hold the server up.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// How long the supervisor waits for a sign of life of this very process.
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    number("WATCHDOG_USEC")
        .filter(|micros| meant && *micros > 0)
        .map(Duration::from_micros)
}
