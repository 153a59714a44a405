//! The two forms an error's body has, and the one place that decides which:
//! below `/admin` and `/playground` it is `{"error_msg", "code", "param"?}`, as
//! clients of that API expect; everywhere else the owner API's
//! `{"success": false, "error": {"message", "type", "code", "param"?}}`.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderValue};
use serde_json::{Map, Value, json};

use super::Error;
use crate::request::quote;

/// The first parts of paths whose errors are `{"error_msg", ...}`.
const ADMIN: &[&str] = &["admin", "playground"];

/// How an error is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the owner API does.
    Owner,
    /// As the admin API does.
    Admin,
}

/// What an error says, whichever form it takes; the audit log reads it too.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// See [`Error::code`].
    pub code: &'static str,
    /// What the client was told.
    pub message: String,
    category: &'static str,
    param: Option<String>,
    more: Map<String, Value>,
}

impl Form {
    /// The form that errors of a path have.
    pub(crate) fn of(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next();
        if first.is_some_and(|first| ADMIN.contains(&first)) {
            Self::Admin
        } else {
            Self::Owner
        }
    }
}

impl Refusal {
    /// What an error says.
    pub(super) fn new(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: quote::message_naming(&error.to_string(), &error.names()),
            category: error.category(),
            param: error.param().map(quote::param),
            more: error.more(),
        }
    }

    /// The body.
    pub(super) fn body(&self, form: Form) -> String {
        let mut error = self.more.clone();
        error.insert("code".to_owned(), json!(self.code));
        if let Some(param) = &self.param {
            error.insert("param".to_owned(), json!(param));
        }
        let body = match form {
            Form::Admin => {
                error.insert("error_msg".to_owned(), json!(self.message));
                Value::Object(error)
            }
            Form::Owner => {
                error.insert("message".to_owned(), json!(self.message));
                error.insert("type".to_owned(), json!(self.category));
                json!({"success": false, "error": error})
            }
        };
        body.to_string()
    }
}

/// Gives every error the form of the path it answers.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let form = Form::of(request.uri().path());
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    let refusal = response.extensions().get::<Refusal>();
    if form == Form::Admin
        && let Some(refusal) = refusal
    {
        let body = refusal.body(form);
        let length = HeaderValue::from(body.len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
        let body = if is_head { String::new() } else { body };
        *response.body_mut() = Body::from(body);
    }
    response
}
