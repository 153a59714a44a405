//! Durations and sizes as people write them: `500ms`, `30s`, `5m`, `1h`;
//! `4096`, `64KiB`, `32MiB`, `1GiB`.

use std::time::Duration;

/// The longest duration a setting may have: beyond it a unit was mistaken.
const MAX_SECONDS: u64 = 7 * 24 * 3600;

const DURATION_UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("", 1_000),
];
const SIZE_UNITS: [(&str, usize); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("", 1),
];

/// Reads a duration; a bare number is seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let millis = DURATION_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .zip(number.parse::<u64>().ok())
        .and_then(|((_, factor), number)| number.checked_mul(*factor))
        .filter(|millis| *millis <= MAX_SECONDS * 1_000);
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{text}` is not a duration (500ms, 30s, 5m, 1h; at most a week)"))
}

/// Shows a duration in the greatest unit that divides it.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (name, factor) = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
        .into_iter()
        .find(|(_, factor)| millis > 0 && millis.is_multiple_of(*factor))
        .unwrap_or(("s", 1));
    format!("{}{name}", millis / factor)
}

/// Reads a number of bytes.
pub(super) fn parse_bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .zip(number.parse::<usize>().ok())
        .and_then(|((_, factor), number)| number.checked_mul(*factor))
        .ok_or_else(|| format!("`{text}` is not a size (4096, 64KiB, 32MiB, 1GiB)"))
}

/// Shows a number of bytes in the greatest unit that divides it.
pub(super) fn show_bytes(bytes: usize) -> String {
    let (name, factor) = SIZE_UNITS
        .into_iter()
        .find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor))
        .unwrap_or(("", 1));
    format!("{}{name}", bytes / factor)
}

/// The digits in front, and what stands behind them.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}
