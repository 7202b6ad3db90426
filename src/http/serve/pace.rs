//! Clients that are too slow: a stream that gives up on them.
//!
//! A request's head must arrive in time once it has begun, and a client must go on reading what it asked for. How long a
//! connection may rest between requests is not decided here.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the head of a request may take from its first byte on.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may take none of what is sent to it.
const STALLED: Duration = Duration::from_secs(30);

/// What the connection is at, as the one who answers requests knows it.
#[derive(Clone, Default)]
pub struct Phase(Arc<AtomicU8>);

/// The next bytes begin a request.
const RESTING: u8 = 0;
/// A head has begun.
const HEAD_BEGUN: u8 = 1;
/// A request is being answered, or the connection is no longer HTTP.
const BUSY: u8 = 2;

impl Phase {
    /// A request has been read, but for its body.
    pub fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The next request may begin.
    pub fn resting(&self) {
        self.0.store(RESTING, Ordering::Relaxed);
    }
}

/// A connection that breaks off where its client is too slow.
pub struct Paced {
    stream: TcpStream,
    phase: Phase,
    head: Option<Pin<Box<Sleep>>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub fn new(stream: TcpStream, phase: Phase) -> Self {
        Self {
            stream,
            phase,
            head: None,
            stalled: None,
        }
    }

    /// Starts the clock for a head at its first byte, and stops it when the head is over.
    fn received(&mut self, bytes: usize) {
        let begun = self.phase.0.compare_exchange(
            RESTING,
            HEAD_BEGUN,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if bytes > 0 && begun.is_ok() {
            self.head = Some(Box::pin(sleep_until(Instant::now() + HEAD)));
        }
    }

    fn head_is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.phase.0.load(Ordering::Relaxed) != HEAD_BEGUN {
            self.head = None;
        }
        self.head
            .as_mut()
            .is_some_and(|head| head.as_mut().poll(cx).is_ready())
    }

    /// Passes an answer to writing on, and gives up if there has been no progress for too long.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + STALLED)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match read {
            Poll::Ready(_) => self.received(buf.filled().len() - before),
            Poll::Pending if self.head_is_late(cx) => {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            Poll::Pending => {}
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
