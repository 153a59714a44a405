//! An error's answer: its status, its body and the headers that go with it.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::envelope::Form;
use super::{Error, RECORD_HEADER, Refusal};

/// Seconds a client is asked to wait where waiting helps.
const RETRY_AFTER_SECONDS: &str = "1";

/// The answer to a request whose handling panicked, for the accept loop.
pub fn panicked() -> Response {
    Error::Internal.into_response()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let refusal = Refusal::new(&self);
        let mut response = (self.status(), refusal.body(Form::Owner)).into_response();
        response.extensions_mut().insert(refusal);
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.waiting_helps() {
            let seconds = HeaderValue::from_static(RETRY_AFTER_SECONDS);
            headers.insert(RETRY_AFTER, seconds);
        }
        if let Self::OutcomeUnknown(record) = &self
            && let Ok(value) = HeaderValue::try_from(record.to_string())
        {
            headers.insert(RECORD_HEADER.clone(), value);
        }
        response
    }
}
