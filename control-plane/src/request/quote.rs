//! What of a client's own text an answer or a log line may repeat: little of
//! it, on one line, and nothing that looks like a key. Every refusal passes
//! through [`message`], so that no handler has to think of it.

mod keys;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The longest part of a client's text that is repeated, in characters.
pub(crate) const MAX_QUOTED_CHARS: usize = 60;

/// The longest path that is repeated, in characters: a route with two names.
const MAX_PATH_CHARS: usize = 2 * MAX_QUOTED_CHARS;

/// The longest message of a refusal, in bytes of JSON: with the longest name
/// and the envelope around it an answer stays under 1 KiB.
const MAX_MESSAGE_BYTES: usize = 600;

/// The longest name of a field or parameter, in bytes of JSON.
const MAX_PARAM_BYTES: usize = 200;

/// A client's text, short and harmless enough to be repeated.
pub(crate) fn quoted(text: &str) -> String {
    let shown = keys::without(text, MAX_QUOTED_CHARS);
    if shown.is_empty() && !text.trim().is_empty() {
        // One word, longer than is looked at.
        return "…".to_owned();
    }
    shown
}

/// What a client names one thing by, as a message repeats it: an id stands there as it
/// is, like in paths, all else in quotes. Keys are drawn without hyphens, or are longer.
pub(crate) fn reference(text: &str) -> String {
    match Uuid::try_parse(text) {
        Ok(id) if text.len() == Hyphenated::LENGTH => id.hyphenated().to_string(),
        _ => format!("{:?}", quoted(text)),
    }
}

/// A number as a client wrote it, however long.
pub(crate) fn number(digits: &str) -> String {
    cut(digits, MAX_QUOTED_CHARS)
}

fn cut(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// A request's path; its parts are looked at one by one, so that a key in one of
/// them does not hide the rest. An id says what the request was about and opens
/// nothing.
pub(crate) fn path(path: &str) -> String {
    let part = |part: &str| match Uuid::try_parse(part) {
        Ok(_) => part.to_owned(),
        Err(_) => quoted(part),
    };
    let parts = path.split('/').take(MAX_QUOTED_CHARS).map(part);
    let shown = parts.collect::<Vec<_>>().join("/");
    cut(&shown, MAX_PATH_CHARS)
}

/// A refusal's message: what stands in quotes came from a client.
pub(crate) fn message(text: &str) -> String {
    message_naming(text, &[])
}

/// The same, of a refusal that names definitions which are there. Whoever may ask sees
/// those names elsewhere, so that one that looks like a key is told, but cut as all is.
pub(crate) fn message_naming(text: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    let is_name = |inner: &str| {
        let bare = |name: &String| name.get(1..name.len() - 1) == Some(inner);
        names.iter().any(bare)
    };
    let mut shown = String::with_capacity(text.len().min(MAX_MESSAGE_BYTES));
    let mut rest = text;
    while let Some(at) = rest.find(['"', '`']) {
        let (before, from) = rest.split_at(at);
        let (mark, inner) = from.split_at(1);
        let end = closing(inner, mark).unwrap_or(inner.len());
        shown.push_str(before);
        shown.push_str(mark);
        let inside = &inner[..end];
        if is_name(inside) {
            shown.push_str(&cut(inside, MAX_QUOTED_CHARS));
        } else {
            shown.push_str(&quoted(inside));
        }
        rest = &inner[end..];
        if let Some(behind) = rest.strip_prefix(mark) {
            shown.push_str(mark);
            rest = behind;
        }
    }
    shown.push_str(rest);
    within(&shown, MAX_MESSAGE_BYTES)
}

/// A field's or parameter's name, which may be a client's invention.
pub(crate) fn param(name: &str) -> String {
    within(name, MAX_PARAM_BYTES)
}

/// Where a quote ends: at the first mark that is not escaped.
fn closing(text: &str, mark: &str) -> Option<usize> {
    let mark = mark.chars().next()?;
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == mark && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// As much of a text as takes so many bytes of JSON.
fn within(text: &str, limit: usize) -> String {
    let mut taken = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        taken += match c {
            '"' | '\\' => 2,
            c if c.is_control() => 6,
            c => c.len_utf8(),
        };
        (taken > limit).then_some(at)
    });
    match end {
        None => text.to_owned(),
        Some(end) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests;
