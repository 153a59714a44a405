//! The forms in which times and durations are written. Each reader is total and
//! answers `None` for what is not ahead of now.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use foldgate_proto::Timestamp;

use crate::sleep::LONGEST_SLEEP;

/// What stands before a time in the words of an error.
const LEAD_INS: &[&str] = &[
    "retry in ",
    "try again in ",
    "retry after ",
    "try again after ",
];

/// RFC 850 and asctime, the two old forms of an HTTP date.
const OLD_DATES: &[&str] = &["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// A positive number of seconds, held at the longest sleep.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    if !number.is_finite() || number <= 0.0 {
        return None;
    }
    let held = number.min(LONGEST_SLEEP.as_secs_f64());
    Duration::try_from_secs_f64(held)
        .ok()
        .filter(|duration| !duration.is_zero())
}

/// A positive number of milliseconds.
pub(super) fn millis(text: &str) -> Option<Duration> {
    seconds(number(text)? / 1000.0)
}

/// `retry-after`: seconds, or an HTTP date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    match number(text) {
        Some(number) => seconds(number),
        None => until(http_date(text.trim())?, now),
    }
}

/// A point in time: RFC 3339 or Unix seconds.
pub(super) fn instant(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let at = match text.parse::<i64>() {
        Ok(unix) => DateTime::from_timestamp(unix, 0)?,
        Err(_) => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
    };
    until(at, now)
}

/// A duration as Go writes it (`12ms`, `1.5s`, `6m0s`, `1h2m`), or bare seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Some(number) = number(text) {
        return seconds(number);
    }
    let (total, rest) = go_duration(text)?;
    rest.is_empty().then(|| seconds(total))?
}

/// Whether an allowance is used up. Less than nothing is no count (Azure).
pub(super) fn is_zero(text: &str) -> bool {
    number(text).is_some_and(|number| (0.0..0.5).contains(&number))
}

/// `… Please retry in 12.3s.`, `… try again in 20 seconds`.
pub(super) fn words(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    LEAD_INS.iter().find_map(|lead_in| {
        lower
            .match_indices(lead_in)
            .find_map(|(at, _)| spelled(&lower[at + lead_in.len()..]))
    })
}

/// `12.3s`, `6m0s`, `20 seconds`, `2 minutes`, at the beginning of a text.
fn spelled(text: &str) -> Option<Duration> {
    if let Some((total, _)) = go_duration(text) {
        return seconds(total);
    }
    let (number, rest) = leading_number(text)?;
    let unit = rest.trim_start();
    let scale = [
        ("millisecond", 0.001),
        ("second", 1.0),
        ("minute", 60.0),
        ("hour", 3600.0),
        ("day", 86_400.0),
    ]
    .into_iter()
    .find_map(|(name, scale)| unit.starts_with(name).then_some(scale));
    seconds(number * scale?)
}

/// Reads number and unit pairs as far as they go; the seconds and the rest.
fn go_duration(mut text: &str) -> Option<(f64, &str)> {
    let mut total = None;
    while let Some((number, rest)) = leading_number(text) {
        // "ms" before "m": the longer unit is the right one.
        let Some((scale, rest)) = [
            ("ms", 0.001),
            ("us", 1e-6),
            ("µs", 1e-6),
            ("ns", 1e-9),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
        ]
        .into_iter()
        .find_map(|(unit, scale)| Some((scale, rest.strip_prefix(unit)?)))
        .filter(|(_, rest)| !rest.starts_with(|c: char| c.is_ascii_alphabetic())) else {
            break;
        };
        total = Some(total.unwrap_or(0.0) + number * scale);
        text = rest;
    }
    total.map(|total| (total, text))
}

fn leading_number(text: &str) -> Option<(f64, &str)> {
    let digits = |c: char| c.is_ascii_digit();
    let whole = text.trim_start_matches(digits);
    let rest = match whole.strip_prefix('.') {
        Some(part) if part.starts_with(digits) => part.trim_start_matches(digits),
        _ => whole,
    };
    let number = text[..text.len() - rest.len()].parse().ok()?;
    Some((number, rest))
}

/// A plain decimal number; no `inf`, no `NaN`, no exponent.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    text.bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'))
        .then(|| text.parse().ok())?
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(date.to_utc());
    }
    OLD_DATES
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|date| date.and_utc())
}

fn until(at: DateTime<Utc>, now: Timestamp) -> Option<Duration> {
    let ahead = Timestamp::from(at).since(now);
    (!ahead.is_zero()).then_some(ahead)
}
