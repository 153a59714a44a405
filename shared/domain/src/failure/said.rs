//! What an upstream said in its error body, in whichever of the vendors' shapes
//! it said it.

use serde_json::{Map, Value};

/// How much of a body is looked at: errors are short, and what is longer is an
/// echo of the request.
const INSPECTED_BYTES: usize = 64 * 1024;

/// The most names collected from one error.
const MAX_NAMES: usize = 32;

/// An error body, read.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// `error.code`.
    pub(crate) code: Option<String>,
    /// `error.type`, else `error.status`.
    pub(crate) kind: Option<String>,
    /// The sentence for humans; the body itself where it is plain text.
    pub(crate) message: String,
    /// Every code, type, status and reason, in lower case.
    pub(crate) names: Vec<String>,
    /// A code that is an HTTP status in disguise (`"code": 502`, `"401"`).
    pub(crate) number: Option<u16>,
    /// `error.details`, Google's list of typed remarks.
    pub(crate) details: Vec<Value>,
}

impl Said {
    /// Reads a body that belongs to a failed answer.
    pub(crate) fn read(body: &[u8]) -> Self {
        let body = body.get(..INSPECTED_BYTES).unwrap_or(body);
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of(unwrapped(&value)),
            Err(_) => Self {
                message: plain(body),
                ..Self::default()
            },
        }
    }

    /// Reads an event of a stream; `None` unless it is an error.
    pub(crate) fn read_event(data: &[u8]) -> Option<Self> {
        let start = data.trim_ascii_start();
        let of_json = start.starts_with(b"{") || start.starts_with(b"[");
        if data.len() > INSPECTED_BYTES || !of_json {
            return None;
        }
        let value: Value = serde_json::from_slice(data).ok()?;
        let whole = unwrapped(&value);
        let event = whole.as_object()?;
        let is = |name: &str, word: &str| text(event, name) == Some(word);
        if is("type", "response.failed") {
            return event.get("response").map(Self::of);
        }
        let named = event.get("error").is_some_and(says_something)
            || is("type", "error")
            || is("object", "error");
        // FastAPI's `detail`, and the bare `message` of many gateways.
        let bare = !event.contains_key("choices")
            && (event.get("detail").is_some_and(says_something)
                || text(event, "message").is_some_and(|message| !message.is_empty()));
        (named || bare).then(|| Self::of(whole))
    }

    fn of(value: &Value) -> Self {
        let mut said = Self::default();
        match value {
            Value::String(text) => said.message.clone_from(text),
            Value::Object(outer) => match outer.get("error") {
                Some(Value::Object(inner)) => said.take(inner),
                // OAuth: {"error": "invalid_grant", "error_description": "..."}
                Some(Value::String(name)) => {
                    said.take(outer);
                    said.name(name);
                    said.code = said.code.take().or_else(|| Some(name.clone()));
                    if said.message.is_empty() {
                        let described = text(outer, "error_description").unwrap_or(name);
                        described.clone_into(&mut said.message);
                    }
                }
                _ => said.take(outer),
            },
            _ => {}
        }
        said
    }

    fn take(&mut self, error: &Map<String, Value>) {
        self.code = self.naming(error, "code");
        self.kind = self.naming(error, "type");
        let status = self.naming(error, "status");
        self.kind = self.kind.take().or(status);
        let _ = self.naming(error, "statusCode");
        let _ = self.naming(error, "reason");
        if let Some(Value::Object(inner)) = error.get("innererror") {
            let _ = self.naming(inner, "code");
        }
        if let Some(Value::Array(details)) = error.get("details") {
            self.details = details.iter().take(MAX_NAMES).cloned().collect();
            for detail in details.iter().filter_map(Value::as_object) {
                let _ = self.naming(detail, "reason");
            }
        }
        let message = text(error, "message").or_else(|| text(error, "detail"));
        message.unwrap_or_default().clone_into(&mut self.message);
    }

    /// Notes a field that names the error and gives it back as text.
    fn naming(&mut self, of: &Map<String, Value>, field: &str) -> Option<String> {
        match of.get(field)? {
            Value::String(name) if !name.is_empty() => {
                self.name(name);
                Some(name.clone())
            }
            Value::Number(number) => {
                self.name(&number.to_string());
                Some(number.to_string())
            }
            _ => None,
        }
    }

    fn name(&mut self, name: &str) {
        if let Ok(number @ 400..=599) = name.parse::<u16>() {
            self.number.get_or_insert(number);
        } else if self.names.len() < MAX_NAMES {
            self.names.push(name.to_ascii_lowercase());
        }
    }
}

/// Google wraps an error in an array where it would have answered a list.
fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Array(list) => list.first().unwrap_or(value),
        _ => value,
    }
}

/// Whether a member's value speaks of an error, and is not there for its form.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn text<'v>(of: &'v Map<String, Value>, field: &str) -> Option<&'v str> {
    of.get(field).and_then(Value::as_str)
}

/// A body that is no JSON: its text, unless it is a page or half an object.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim_start().as_bytes().first() {
        None => String::new(),
        Some(b'<') => "a page instead of an error".to_owned(),
        Some(b'{' | b'[') => "an unreadable error".to_owned(),
        Some(_) => text.into_owned(),
    }
}
