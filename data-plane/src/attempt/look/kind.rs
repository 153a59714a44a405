//! What an answer is, by its declared type and by its first bytes.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::IgnoredAny;

/// How much of an answer is looked at to see what it is.
pub(super) const LOOKED_AT: usize = 64;

/// How the lines of events begin that say something; a comment begins with `:`.
const FIELDS: [&[u8]; 2] = [b"data:", b"event:"];

/// Whether the answer is declared to be a stream of events.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    declared(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
}

/// Whether the answer is declared to be what an endpoint answers, or nothing.
pub(super) fn may_be_answer(headers: &HeaderMap) -> bool {
    declared(headers).is_none_or(|kind| {
        let suffix = kind.rsplit(['/', '+']).next().unwrap_or_default();
        suffix.eq_ignore_ascii_case("json") || suffix.eq_ignore_ascii_case("event-stream")
    })
}

/// Whether the answer is declared to be JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    declared(headers).is_some_and(|kind| {
        let suffix = kind.rsplit(['/', '+']).next().unwrap_or_default();
        suffix.eq_ignore_ascii_case("json")
    })
}

/// Whether the answer is declared to be a text that is no page: subtitles, or words.
pub(super) fn is_text(headers: &HeaderMap) -> bool {
    declared(headers).is_some_and(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind == "application/x-subrip" || (kind.starts_with("text/") && kind != "text/html")
    })
}

fn declared(headers: &HeaderMap) -> Option<&str> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    kind.split(';').next().map(str::trim)
}

/// Whether an answer begins as events do. `None` while that is open.
pub(super) fn begins_events(start: &[u8]) -> Option<bool> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    if text.starts_with(b":") || FIELDS.iter().any(|field| text.starts_with(field)) {
        return Some(true);
    }
    let open = b"\xef\xbb\xbf".starts_with(text) || FIELDS.iter().any(|f| f.starts_with(text));
    (!open || start.len() >= LOOKED_AT).then_some(false)
}

/// Whether an answer begins as a JSON object or list does.
pub(super) fn begins_json(start: &[u8]) -> bool {
    matches!(start.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// The text of an answer that is a JSON object or list.
pub(super) fn json(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let json = begins_json(body) && serde_json::from_str::<IgnoredAny>(text).is_ok();
    json.then_some(text)
}

#[cfg(test)]
mod tests;
