//! What the process costs: memory when idle, time until it is ready, and the disk's own speed.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Plan;
use crate::support::server::Server;
use crate::support::world::World;

/// The median time of making 4 KiB durable, which bounds what any durable server can do.
pub fn flush_time() -> Duration {
    let mut file = tempfile::tempfile().expect("a temporary file");
    let mut took: Vec<_> = (0..300)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[7; 4096]).expect("room");
            file.sync_data().expect("a flush");
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}

/// Resident memory in KiB.
pub fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .expect("a size");
    line.trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .expect("KiB")
}

pub fn measure_idle(world: &World) {
    std::thread::sleep(Duration::from_secs(2));
    println!(
        "idle: {:.1} MiB resident",
        resident(&world.server) as f64 / 1024.0
    );
}

/// From the start of the process to the first answer, on the database that the other sections left.
pub fn measure_start(plan: &Plan, world: &mut World) {
    let mut took: Vec<_> = (0..plan.repeats)
        .map(|_| {
            world.server.stop();
            let start = Instant::now();
            world.server.spawn();
            while !answers(&world.server) {
                assert!(
                    start.elapsed() < Duration::from_secs(20),
                    "it does not start"
                );
                std::thread::sleep(Duration::from_micros(500));
            }
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    println!(
        "ready after: {:?} (median), {:?} (slowest)",
        took[took.len() / 2],
        took[took.len() - 1]
    );
}

fn answers(server: &Server) -> bool {
    use std::io::Read;
    let Ok(mut stream) = TcpStream::connect(server.address()) else {
        return false;
    };
    let mut start = [0; 12];
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .is_ok()
        && stream.read_exact(&mut start).is_ok()
        && start.ends_with(b"200")
}
