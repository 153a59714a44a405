//! Names as parts of a URL. A model's name comes from a caller, so whatever has a
//! meaning in a URL is written as an escape.

use std::fmt::Write as _;

/// `name` as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    escaped(name, b"-_.~@")
}

/// `value` as the value of a query's parameter.
pub(super) fn value(value: &str) -> String {
    escaped(value, b"-_.~")
}

/// `path` below `base`, with the parameters that are there.
pub(super) fn with_query<'q>(
    mut url: String,
    parameters: impl IntoIterator<Item = Option<&'q str>>,
) -> String {
    let mut mark = '?';
    for parameter in parameters.into_iter().flatten() {
        if !parameter.is_empty() {
            url.push(mark);
            url.push_str(parameter);
            mark = '&';
        }
    }
    url
}

fn escaped(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    // Nothing but dots would be a step up the path.
    let steps = text.bytes().all(|b| b == b'.');
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || (plain.contains(&byte) && !steps) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
