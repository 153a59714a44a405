//! What the operating system knows of this process, read when metrics are asked for.

use ::metrics::{Unit, describe_gauge, gauge};

/// Ticks per second in `/proc/self/stat`: 100 on every Linux in use.
const TICKS_PER_SECOND: f64 = 100.0;

/// Says what the gauges mean.
pub(super) fn describe() {
    describe_gauge!(
        "process_resident_memory_bytes",
        Unit::Bytes,
        "resident memory"
    );
    describe_gauge!(
        "process_cpu_seconds_total",
        Unit::Seconds,
        "user and system time used"
    );
    describe_gauge!("process_open_fds", Unit::Count, "open file descriptors");
    describe_gauge!("process_threads", Unit::Count, "threads");
}

/// Reads them; what cannot be read keeps its last value.
pub(super) fn sample() {
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        if let Some(kilobytes) = number_after(&status, "VmRSS:") {
            gauge!("process_resident_memory_bytes").set(kilobytes * 1024.0);
        }
        if let Some(threads) = number_after(&status, "Threads:") {
            gauge!("process_threads").set(threads);
        }
    }
    if let Some(ticks) = std::fs::read_to_string("/proc/self/stat")
        .ok()
        .as_deref()
        .and_then(cpu_ticks)
    {
        gauge!("process_cpu_seconds_total").set(ticks / TICKS_PER_SECOND);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(f64::from(u32::try_from(open.count()).unwrap_or(u32::MAX)));
    }
}

fn number_after(text: &str, label: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `stat`, counted behind the command's closing bracket
/// (the command itself may hold anything).
fn cpu_ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}
