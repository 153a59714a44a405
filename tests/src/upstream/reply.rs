//! What the fake upstream can answer: every way a real one was seen to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::shape;
use crate::sse;

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers beside the length.
    pub headers: Vec<(String, String)>,
    /// The body, step by step.
    pub steps: Vec<Step>,
    /// Waited before the status is sent.
    pub delay: Duration,
    /// The test's word to wait for before the status is sent.
    pub held: Option<Arc<Notify>>,
}

/// A step of a body.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes at once.
    Send(Bytes),
    /// Waits.
    Pause(Duration),
    /// Waits until the test says go.
    Gate(Arc<Notify>),
    /// Breaks the connection in the middle of the body.
    Break,
    /// Sends nothing more, and does not end.
    Hang,
}

/// How a 429 says when to come back.
#[derive(Debug, Clone)]
pub enum Hint {
    /// It does not.
    None,
    /// `retry-after: 7`.
    Seconds(u64),
    /// `retry-after: <HTTP date>`, given whole.
    Date(String),
    /// `retry-after-ms: 7000`.
    Millis(u64),
    /// `x-ratelimit-reset-requests: 7s` with no requests remaining.
    ResetRequests(String),
    /// `x-ratelimit-reset-tokens: 6m0s` with no tokens remaining.
    ResetTokens(String),
    /// A `google.rpc.RetryInfo` in the body (`34s`).
    RetryInfo(String),
}

impl Reply {
    /// A whole JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string())
    }

    /// A whole answer of any kind.
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            steps: vec![Step::Send(body.into())],
            delay: Duration::ZERO,
            held: None,
        }
    }

    /// A stream of steps.
    pub fn stream(steps: Vec<Step>) -> Self {
        Self {
            steps,
            ..Self::bytes(200, "text/event-stream", "")
        }
    }

    /// A chat completion that says `text`.
    pub fn chat(text: &str) -> Self {
        Self::json(200, &shape::chat("fake-model", text))
    }

    /// A streamed chat completion, a chunk per part, whole.
    pub fn chat_stream(parts: &[&str]) -> Self {
        let mut steps: Vec<Step> = parts.iter().map(|part| Step::chunk(part)).collect();
        steps.push(Step::event(&shape::last_chunk()));
        steps.push(Step::Send(Bytes::from_static(sse::DONE.as_bytes())));
        Self::stream(steps)
    }

    /// A stream that breaks off after these parts.
    pub fn broken_stream(parts: &[&str]) -> Self {
        let mut steps: Vec<Step> = parts.iter().map(|part| Step::chunk(part)).collect();
        steps.push(Step::Break);
        Self::stream(steps)
    }

    /// A stream with status 200 in which, after these parts, stands an error.
    pub fn error_in_stream(parts: &[&str]) -> Self {
        let mut steps: Vec<Step> = parts.iter().map(|part| Step::chunk(part)).collect();
        let message = "The server had an error while processing your request";
        let error =
            json!({"message": message, "type": "server_error", "param": null, "code": null});
        steps.push(Step::event(&json!({ "error": error })));
        Self::stream(steps)
    }

    /// An error in OpenAI's shape.
    pub fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        Self::json(status, &json!({ "error": error }))
    }

    /// 401, as for a key that was revoked.
    pub fn unauthorized() -> Self {
        let message = "Incorrect API key provided";
        Self::error(
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
            message,
        )
    }

    /// 429 for too many requests.
    pub fn rate_limited(hint: Hint) -> Self {
        let message = "Rate limit reached";
        let plain = Self::error(429, "requests", Some("rate_limit_exceeded"), message);
        match hint {
            Hint::None => plain,
            Hint::Seconds(seconds) => plain.header("retry-after", &seconds.to_string()),
            Hint::Date(date) => plain.header("retry-after", &date),
            Hint::Millis(millis) => plain.header("retry-after-ms", &millis.to_string()),
            Hint::ResetRequests(reset) => plain
                .header("x-ratelimit-remaining-requests", "0")
                .header("x-ratelimit-reset-requests", &reset),
            Hint::ResetTokens(reset) => plain
                .header("x-ratelimit-remaining-tokens", "0")
                .header("x-ratelimit-reset-tokens", &reset),
            Hint::RetryInfo(delay) => Self::json(429, &shape::resource_exhausted(&delay)),
        }
    }

    /// 429 for an account without money: it will not recover in seconds.
    pub fn out_of_quota() -> Self {
        let message = "You exceeded your current quota";
        Self::error(
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            message,
        )
    }

    /// 404 for a model that this key does not serve.
    pub fn no_such_model() -> Self {
        let message = "The model does not exist or you do not have access to it";
        Self::error(
            404,
            "invalid_request_error",
            Some("model_not_found"),
            message,
        )
    }

    /// A failure of the upstream itself (500, 503, 529).
    pub fn failing(status: u16) -> Self {
        Self::error(status, "server_error", None, "The server is overloaded")
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::bytes(307, "text/plain", "elsewhere").header("location", to)
    }

    /// A body that is not what the header says.
    pub fn garbage() -> Self {
        Self::bytes(200, "application/json", &b"\x00\xff<html>"[..])
    }

    /// No status, ever.
    pub fn never() -> Self {
        Self::chat("").after(Duration::from_hours(24))
    }

    /// Waits before it answers.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits for the test before it answers.
    #[must_use]
    pub fn held_by(mut self, gate: &Arc<Notify>) -> Self {
        self.held = Some(Arc::clone(gate));
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Step {
    /// One event of a stream.
    pub fn event(data: &Value) -> Self {
        Self::Send(sse::event(data).into())
    }

    /// One chunk of a chat.
    pub fn chunk(text: &str) -> Self {
        Self::event(&shape::chunk("fake-model", text))
    }
}
