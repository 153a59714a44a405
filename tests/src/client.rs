//! An HTTP client that keeps everything of an answer, for tests to look at.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::sse;

/// No request of a test may hang longer.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Talks to one listener with one key.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request it answers, for messages.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The `error` object of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// What is wrong, in words.
    pub message: String,
    /// The family of the error.
    pub kind: String,
    /// Its name for programs.
    pub code: Option<String>,
    /// The field it is about.
    pub param: Option<String>,
}

impl Client {
    /// A client for `http://address` that presents `key`.
    pub fn new(address: &str, key: Option<&str>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a plain client can be built");
        Self {
            http,
            base: format!("http://{address}"),
            key: key.map(str::to_owned),
        }
    }

    /// The same listener with another key.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self {
            key: key.map(str::to_owned),
            ..self.clone()
        }
    }

    /// The start of every URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to be filled in and sent by the test itself.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// DELETE with JSON, if any.
    pub async fn delete(&self, path: &str, body: Option<&Value>) -> Answer {
        self.send(Method::DELETE, path, body).await
    }

    /// Any method.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(body);
        }
        finish(&format!("{method} {path}"), request).await
    }

    /// POST of exactly these bytes as JSON.
    pub async fn post_bytes(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.into());
        finish(&format!("POST {path}"), request).await
    }
}

/// Sends a request and reads the answer whole.
pub async fn finish(name: &str, request: reqwest::RequestBuilder) -> Answer {
    attempt(name, request)
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

/// The same where a test expects that no answer may come.
///
/// # Errors
/// Fails when no whole answer came.
pub async fn attempt(name: &str, request: reqwest::RequestBuilder) -> Result<Answer, String> {
    let failed = |e: reqwest::Error| format!("{name}: no answer: {e:?}");
    let response = request.send().await.map_err(failed)?;
    Ok(Answer {
        request: name.to_owned(),
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await.map_err(failed)?,
    })
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: no JSON ({e}): {}", self.request, self.text()))
    }

    /// One header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self.json()
    }

    /// The JSON of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.expect(200)
    }

    /// The revision that the answer names.
    #[track_caller]
    pub fn revision(&self) -> u64 {
        self.header("x-foldgate-revision")
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("{}: no revision in {:?}", self.request, self.headers))
    }

    /// The error of an answer that must have this status: JSON with a message, a
    /// type and a code, never plain text. Errors of the admin API have no type.
    #[track_caller]
    pub fn error(&self, status: u16) -> ErrorBody {
        let body = self.expect(status);
        if let Some(message) = body["error_msg"].as_str() {
            let text = |name: &str| body[name].as_str().map(str::to_owned);
            return ErrorBody {
                message: message.to_owned(),
                kind: String::new(),
                code: text("code"),
                param: text("param"),
            };
        }
        let error = &body["error"];
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let must = |name: &str| {
            text(name)
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| panic!("{}: the error has no {name}: {body}", self.request))
        };
        ErrorBody {
            message: must("message"),
            kind: must("type"),
            code: text("code"),
            param: text("param"),
        }
    }

    /// The error of the admin listener: as [`error`](Self::error), with a code,
    /// and in the owner API's form with `success: false`.
    #[track_caller]
    pub fn refusal(&self, status: u16) -> ErrorBody {
        let error = self.error(status);
        let body = self.json();
        let is_admin_form = body.get("error_msg").is_some();
        let success = body.get("success").and_then(Value::as_bool);
        assert_eq!(success, (!is_admin_form).then_some(false), "{body}");
        assert!(error.code.is_some(), "{}: no code: {body}", self.request);
        error
    }

    /// The data of every event of a stream.
    pub fn events(&self) -> Vec<String> {
        sse::events(&self.body)
    }
}
