//! How long the upstream itself asks to be left alone: read from the headers
//! and the body of a refusal, whichever vendor's way it was said in.
//!
//! | rank | where | form |
//! |---|---|---|
//! | 1 | `retry-after-ms`, `x-ms-retry-after-ms` | milliseconds |
//! | 2 | `retry-after` | seconds (may be fractional) or an HTTP date |
//! | 3 | `anthropic-ratelimit-*-reset`, where that kind's remaining is 0 | RFC 3339 |
//! | 4 | `anthropic-ratelimit-unified-reset`, unless its status says allowed | Unix seconds or RFC 3339 |
//! | 5 | `x-ratelimit-reset-requests`, `-tokens`, where that kind's remaining is 0 | `6m0s`, or seconds |
//! | 6 | `google.rpc.RetryInfo` in the body | `34s` |
//! | 7 | the body's words: `Please retry in 12.3s`, `try again in 6m0s` | |
//!
//! The first that is there and lies ahead wins. What is zero, negative, past or
//! unreadable counts as absent (Azure's Responses API sends `-1`), and nothing
//! counts for more than [`LONGEST_SLEEP`].

mod parse;
#[cfg(test)]
mod tests;

use std::time::Duration;

use foldgate_proto::Timestamp;
use serde_json::Value;

use crate::failure::Said;
use crate::sleep::LONGEST_SLEEP;

/// The kinds of allowance Anthropic counts.
const ANTHROPIC_KINDS: &[[&str; 2]] = &[
    [
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    [
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
    [
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ],
    [
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ],
];

/// The kinds of allowance OpenAI counts.
const OPENAI_KINDS: &[[&str; 2]] = &[
    [
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ],
    ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
];

/// The upstream's own hint. `header` gives a header's value by its lower-case
/// name; only the first 64 KiB of `body` are looked at.
pub fn hint<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: Timestamp,
) -> Option<Duration> {
    from_headers(header, now)
        .or_else(|| from_body(body))
        .map(|hint| hint.min(LONGEST_SLEEP))
}

/// The hint in the headers alone (see [`hint`]).
pub fn from_headers<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
    now: Timestamp,
) -> Option<Duration> {
    let millis = |name: &str| header(name).and_then(parse::millis);
    let spent = |kinds: &[[&str; 2]], read: &dyn Fn(&str) -> Option<Duration>| {
        kinds
            .iter()
            .filter(|[remaining, _]| header(remaining).is_some_and(parse::is_zero))
            .filter_map(|[_, reset]| header(reset).and_then(read))
            .max()
    };
    let instant = |text: &str| parse::instant(text, now);
    let unified = || {
        header("anthropic-ratelimit-unified-status")
            .is_none_or(|status| status.trim() == "rejected")
            .then(|| header("anthropic-ratelimit-unified-reset"))?
            .and_then(instant)
    };
    millis("retry-after-ms")
        .or_else(|| millis("x-ms-retry-after-ms"))
        .or_else(|| header("retry-after").and_then(|text| parse::retry_after(text, now)))
        .or_else(|| spent(ANTHROPIC_KINDS, &instant))
        .or_else(unified)
        .or_else(|| spent(OPENAI_KINDS, &parse::duration))
        .map(|hint| hint.min(LONGEST_SLEEP))
}

fn from_body(body: &[u8]) -> Option<Duration> {
    if body.is_empty() {
        return None;
    }
    let said = Said::read(body);
    said.details
        .iter()
        .find_map(retry_info)
        .or_else(|| parse::words(&said.message))
}

/// `{"@type": ".../google.rpc.RetryInfo", "retryDelay": "34s"}`
fn retry_info(detail: &Value) -> Option<Duration> {
    let kind = detail.get("@type")?.as_str()?;
    if !kind.ends_with("google.rpc.RetryInfo") {
        return None;
    }
    match detail.get("retryDelay")? {
        Value::String(text) => parse::duration(text),
        Value::Object(parts) => {
            let number = |name| parts.get(name).and_then(Value::as_f64).unwrap_or(0.0);
            parse::seconds(number("seconds") + number("nanos") / 1e9)
        }
        _ => None,
    }
}
