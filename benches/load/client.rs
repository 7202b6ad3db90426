//! An HTTP client that costs next to nothing: prepared bytes go out, and only the end of the answer is
//! looked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came of a run.
pub struct Measured {
    pub elapsed: Duration,
    /// Microseconds, sorted.
    latencies: Vec<u32>,
    pub failures: usize,
}

impl Measured {
    pub fn count(&self) -> usize {
        self.latencies.len()
    }

    pub fn rate(&self) -> f64 {
        self.count() as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds under which this share of the answers came.
    pub fn quantile(&self, share: f64) -> f64 {
        let Some(last) = self.latencies.len().checked_sub(1) else {
            return f64::NAN;
        };
        f64::from(self.latencies[(last as f64 * share) as usize]) / 1000.0
    }
}

/// Sends each connection's requests one after another, over and over where `repeat` is set, for as long
/// as `duration`; every answer must have this status.
pub fn drive(
    to: SocketAddr,
    requests: Vec<Vec<Vec<u8>>>,
    status: u16,
    repeat: bool,
    duration: Duration,
) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let status: Arc<str> = format!("HTTP/1.1 {status}").into();
        let mut lanes = Vec::new();
        let mut streams = Vec::new();
        for _ in &requests {
            let stream = TcpStream::connect(to).await.expect("the server listens");
            stream.set_nodelay(true).expect("a TCP socket");
            streams.push(stream);
        }
        let start = Instant::now();
        for (stream, requests) in streams.into_iter().zip(requests) {
            lanes.push(tokio::spawn(lane(
                stream,
                requests,
                status.clone(),
                repeat,
                start + duration,
            )));
        }
        let mut latencies = Vec::new();
        let mut failures = 0;
        for lane in lanes {
            let (took, failed) = lane.await.expect("a lane");
            latencies.extend(took);
            failures += failed;
        }
        let elapsed = start.elapsed();
        latencies.sort_unstable();
        Measured {
            elapsed,
            latencies,
            failures,
        }
    })
}

async fn lane(
    mut stream: TcpStream,
    requests: Vec<Vec<u8>>,
    status: Arc<str>,
    repeat: bool,
    end: Instant,
) -> (Vec<u32>, usize) {
    let mut took = Vec::with_capacity(requests.len());
    let mut failures = 0;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        for request in &requests {
            let sent = Instant::now();
            if sent >= end {
                return (took, failures);
            }
            stream.write_all(request).await.expect("the server reads");
            let length = answer(&mut stream, &mut buffer).await;
            took.push(sent.elapsed().as_micros() as u32);
            if !buffer[..length].starts_with(status.as_bytes()) {
                failures += 1;
                if failures == 1 {
                    eprintln!("{}", String::from_utf8_lossy(&buffer[..length]));
                }
            }
        }
        if !repeat {
            return (took, failures);
        }
    }
}

/// Reads one answer in full and gives its length.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    loop {
        let read = stream
            .read(&mut buffer[filled..])
            .await
            .expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        filled += read;
        if let Some(end) = end_of(&buffer[..filled])
            && filled >= end
        {
            return end;
        }
    }
}

/// Where the answer ends, once its head is there.
fn end_of(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}
