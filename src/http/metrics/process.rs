//! What the process takes of the machine, where the system tells (`/proc`). The names are those of Prometheus' own clients.

use std::fs;

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Registers what can be learned.
pub fn register(to: &mut Registry) {
    if let Some(bytes) = resident_bytes() {
        let help = "Resident memory size in bytes";
        to.register(
            "process_resident_memory_bytes",
            help,
            ConstGauge::new(bytes),
        );
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let help = "Number of open file descriptors";
        to.register(
            "process_open_fds",
            help,
            ConstGauge::new(open.count() as i64),
        );
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let help = "Maximum number of open file descriptors";
        to.register("process_max_fds", help, ConstGauge::new(most));
    }
    if let Some(seconds) = cpu_seconds() {
        let help = "Total user and system CPU time spent in seconds";
        to.register("process_cpu_seconds", help, ConstCounter::new(seconds));
    }
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn cpu_seconds() -> Option<f64> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(used.tv_sec as f64 + used.tv_nsec as f64 / 1e9)
}
