//! File descriptors: thousands of sockets need more than a shell's usual limit.

use std::os::unix::process::CommandExt;
use std::process::Command;

const WANTED: u64 = 16_384;

/// Starts this program again with a higher limit, where it is too low and may be raised.
pub fn allow_many() {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|text| text.parse::<u64>().ok());
    if soft.is_none_or(|limit| limit >= WANTED) || std::env::var_os("OCRCH_BENCH_RAISED").is_some()
    {
        return;
    }
    let program = std::env::current_exe().expect("a path");
    let error = Command::new("sh")
        .args(["-c", &format!("ulimit -n {WANTED}; exec \"$0\" \"$@\"")])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env("OCRCH_BENCH_RAISED", "1")
        .exec();
    panic!("{error}");
}
