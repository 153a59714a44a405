//! What an upstream says about a request may be passed on; what it says about
//! itself, its key or its organisation may not.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Problem};

/// The longest upstream message that is passed on, in characters: enough for
/// every real message, too little to carry a document.
const MAX_MESSAGE: usize = 2000;

/// The longest `code` or `param` that is passed on, in characters.
const MAX_CODE: usize = 200;

/// Words that begin like this name a key or an organisation.
const TELLING: [&str; 8] = [
    "sk-", "org-", "proj_", "xai-", "gsk_", "AIza", "Bearer", "key-",
];

/// A telling word has more characters than this; `sk-` alone is harmless.
const TELLING_LENGTH: usize = 10;

/// The words of one upstream that must not reach a caller.
#[derive(Clone, Copy)]
pub(crate) struct Scrubber<'a> {
    /// Its credential.
    pub(crate) secret: &'a str,
    /// Its host and port.
    pub(crate) authority: &'a str,
}

impl Scrubber<'_> {
    /// `text` without those words, at most `limit` characters of it.
    pub(crate) fn clean(self, text: &str, limit: usize) -> String {
        let host = self
            .authority
            .rsplit_once(':')
            .map_or(self.authority, |(host, _)| host);
        let mut clean = Cow::Borrowed(text);
        for (word, instead) in [
            (self.secret, "[redacted]"),
            (self.authority, "[provider]"),
            (host, "[provider]"),
        ] {
            if word.len() > 2 && clean.contains(word) {
                clean = Cow::Owned(clean.replace(word, instead));
            }
        }
        let mut out = String::with_capacity(clean.len().min(limit));
        for word in clean.split_inclusive(|c: char| c.is_whitespace() || "\"'`,;()<>".contains(c)) {
            let telling = TELLING.iter().any(|start| word.starts_with(start));
            if telling && word.len() > TELLING_LENGTH {
                out.push_str("[redacted]");
                let end = word.chars().last().filter(|c| !c.is_alphanumeric());
                out.extend(end);
            } else {
                out.push_str(word);
            }
        }
        out.chars().take(limit).collect()
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Value,
}

/// An upstream's error about the request itself, as the caller may see it.
/// `None` when the body is no such error.
pub(crate) fn passed_on(
    status: StatusCode,
    body: &[u8],
    scrubber: Scrubber<'_>,
) -> Option<Problem> {
    let error = match serde_json::from_slice::<Envelope>(body).ok()?.error {
        Value::String(message) => serde_json::json!({ "message": message }),
        other => other,
    };
    let word = |name: &str| -> Option<Cow<'static, str>> {
        let text = match error.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(Cow::Owned(scrubber.clean(&text, MAX_CODE)))
    };
    let message = error.get("message")?.as_str()?;
    Some(Problem {
        status,
        kind: match status {
            StatusCode::NOT_FOUND => Kind::NotFoundError,
            StatusCode::FORBIDDEN => Kind::PermissionError,
            _ => Kind::InvalidRequestError,
        },
        code: word("code"),
        message: Cow::Owned(scrubber.clean(message, MAX_MESSAGE)),
        param: word("param"),
        retry_after: None,
        allow: None,
    })
}
