//! The one place where the proxy's statuses and error envelopes are made: the
//! shape of OpenAI's API, with a `type` that says whose side failed. Nothing
//! here names an upstream's host, key or organisation.

mod again;
mod anthropic;
mod form;
mod limited;
mod money;
mod named;
mod passed;
mod routing;
mod scrub;

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use anthropic::Envelope as MessageError;
pub(crate) use passed::passed_on;
pub(crate) use scrub::Scrubber;

/// How much of a caller's own header is quoted, in characters.
const MAX_QUOTED: usize = 40;

/// Whose side failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ErrorType")]
pub enum Kind {
    /// The request cannot be understood or served as it is.
    InvalidRequestError,
    /// The caller is unknown.
    AuthenticationError,
    /// The caller may not do this.
    PermissionError,
    /// There is no money for it.
    InsufficientQuota,
    /// There is no such route or model.
    NotFoundError,
    /// Too much for now.
    RateLimitError,
    /// The provider behind Foldgate failed.
    UpstreamError,
    /// Foldgate failed, or cannot serve this now.
    ServerError,
}

impl Kind {
    /// Whose side that is, in one word.
    pub const fn side(self) -> &'static str {
        match self {
            Self::UpstreamError => "upstream",
            Self::ServerError => "gateway",
            Self::InvalidRequestError
            | Self::AuthenticationError
            | Self::PermissionError
            | Self::InsufficientQuota
            | Self::NotFoundError
            | Self::RateLimitError => "client",
        }
    }
}

/// A refusal or a failure, as the caller is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The answer's status.
    pub status: StatusCode,
    /// Whose side failed.
    pub kind: Kind,
    /// What failed, for programs.
    pub code: Option<Cow<'static, str>>,
    /// What failed, for people.
    pub message: Cow<'static, str>,
    /// The part of the request it is about.
    pub param: Option<Cow<'static, str>>,
    /// When it makes sense to try again.
    pub retry_after: Option<Duration>,
    /// The method that would have been right.
    pub allow: Option<&'static str>,
}

/// An error's body.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorBody")]
struct Body<'a> {
    /// What failed, for people.
    message: &'a str,
    r#type: Kind,
    /// The part of the request it is about.
    param: Option<&'a str>,
    /// What failed, for programs.
    code: Option<&'a str>,
}

type Text = Cow<'static, str>;

impl Problem {
    fn new(status: StatusCode, kind: Kind, code: &'static str, message: impl Into<Text>) -> Self {
        Self {
            status,
            kind,
            code: Some(Cow::Borrowed(code)),
            message: message.into(),
            param: None,
            retry_after: None,
            allow: None,
        }
    }

    fn invalid_request(status: StatusCode, code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(status, Kind::InvalidRequestError, code, message)
    }

    /// Names the part of the request it is about.
    #[must_use]
    pub fn about(mut self, param: impl Into<Text>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The request's body is not what the endpoint takes.
    pub fn invalid(message: impl Into<Text>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self::invalid_request(status, "invalid_request", message)
    }

    /// The client did not finish its body in time.
    pub fn slow_body() -> Self {
        let message = "the request body did not arrive in time";
        let status = StatusCode::REQUEST_TIMEOUT;
        Self::invalid_request(status, "request_timeout", message)
    }

    /// No body, and no length that says so.
    pub fn length_required() -> Self {
        let message = "a body with a content-length is required";
        let status = StatusCode::LENGTH_REQUIRED;
        Self::invalid_request(status, "length_required", message)
    }

    /// The body is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the request body is larger than {limit} bytes");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::invalid_request(status, "request_too_large", message)
    }

    /// The body is not JSON.
    pub fn not_json() -> Self {
        let message = "the content-type must be application/json";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::invalid_request(status, "unsupported_media_type", message)
    }

    /// The body is packed.
    pub fn encoded(encoding: &[u8]) -> Self {
        let name = String::from_utf8_lossy(encoding);
        let name: String = name.chars().take(MAX_QUOTED).collect();
        let message = format!("the content-encoding `{name}` is not taken; send the body as it is");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::InvalidRequestError,
            "unsupported_media_type",
            message,
        )
        .about("content-encoding")
    }

    /// No route has this path.
    pub fn no_route() -> Self {
        let message = "unknown path; see /v1/models for what is served here";
        let status = StatusCode::NOT_FOUND;
        Self::new(status, Kind::NotFoundError, "unknown_url", message)
    }

    /// The route exists, with another method.
    pub fn wrong_method(allow: &'static str) -> Self {
        let message = "this path does not take this method";
        let (status, kind) = (StatusCode::METHOD_NOT_ALLOWED, Kind::InvalidRequestError);
        let problem = Self::new(status, kind, "method_not_allowed", message);
        Self {
            allow: Some(allow),
            ..problem
        }
    }

    /// No key, or one nobody has.
    pub fn unauthorized(presented: bool) -> Self {
        let message = if presented {
            "the API key is not valid"
        } else {
            "an API key is required, as `Authorization: Bearer` or `x-api-key`"
        };
        let status = StatusCode::UNAUTHORIZED;
        Self::new(
            status,
            Kind::AuthenticationError,
            "invalid_api_key",
            message,
        )
    }

    /// A key that was good once.
    pub fn expired() -> Self {
        let message = "the API key has expired";
        let status = StatusCode::UNAUTHORIZED;
        Self::new(
            status,
            Kind::AuthenticationError,
            "expired_api_key",
            message,
        )
    }

    /// A key that is out of use until somebody puts it back.
    pub fn disabled() -> Self {
        let message = "the API key is disabled";
        let status = StatusCode::UNAUTHORIZED;
        Self::new(
            status,
            Kind::AuthenticationError,
            "disabled_api_key",
            message,
        )
    }

    /// The caller may not do this.
    pub fn forbidden(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Kind::PermissionError, code, message)
    }

    /// RESOURCES leave this path out.
    pub fn not_allowed() -> Self {
        let message = "this path is not among the allowed resources";
        Self::forbidden("resource_not_allowed", message)
    }

    /// No Level serves this model.
    pub fn no_model(model: &str) -> Self {
        let message = format!("the model `{model}` does not exist or is not served here");
        let status = StatusCode::NOT_FOUND;
        Self::new(status, Kind::NotFoundError, "model_not_found", message).about("model")
    }

    /// The model's Levels hold no key that could be used.
    pub fn no_key() -> Self {
        let message = "no provider key serves this model";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, Kind::ServerError, "no_key_available", message)
    }

    /// Every key that serves the model sleeps. `limited` when all of them were
    /// rate limited.
    pub fn asleep(limited: bool, wait: Duration) -> Self {
        let code = "all_keys_sleeping";
        let problem = if limited {
            let message = "every provider key of this model is rate limited; try again later";
            let status = StatusCode::TOO_MANY_REQUESTS;
            Self::new(status, Kind::RateLimitError, code, message)
        } else {
            let message = "every provider key of this model is resting after failures";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Self::new(status, Kind::UpstreamError, code, message)
        };
        problem.after(wait)
    }

    /// The provider answered in a way no client can use.
    pub fn bad_answer() -> Self {
        let message = "the provider failed to answer";
        let status = StatusCode::BAD_GATEWAY;
        Self::new(status, Kind::UpstreamError, "upstream_failed", message)
    }

    /// A provider's refusal whose words cannot be passed on.
    pub fn refused_upstream(status: StatusCode) -> Self {
        let message = "the provider refused the request";
        Self::invalid_request(status, "upstream_refused", message)
    }

    /// The provider did not answer in time.
    pub fn late_answer() -> Self {
        let message = "the provider did not answer in time";
        let status = StatusCode::GATEWAY_TIMEOUT;
        Self::new(status, Kind::UpstreamError, "upstream_timeout", message)
    }

    /// The answer broke off after it had begun.
    pub fn broken_stream() -> Self {
        let message = "the provider's answer broke off";
        let status = StatusCode::BAD_GATEWAY;
        Self::new(
            status,
            Kind::UpstreamError,
            "upstream_stream_broken",
            message,
        )
    }

    /// This node has nothing to serve from yet.
    pub fn not_ready() -> Self {
        let message = "this node has no configuration yet";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, Kind::ServerError, "not_ready", message).after(Duration::from_secs(1))
    }

    /// A fault of Foldgate's own.
    pub fn internal() -> Self {
        let message = "internal error";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, Kind::ServerError, "internal_error", message)
    }

    /// The envelope.
    pub fn to_json(&self) -> Bytes {
        let envelope = Envelope {
            error: Body {
                message: &self.message,
                r#type: self.kind,
                param: self.param.as_deref(),
                code: self.code.as_deref(),
            },
        };
        serde_json::to_vec(&envelope).map_or_else(|_| Bytes::from_static(b"{}"), Bytes::from)
    }

    /// The envelope as an event of a stream that has begun.
    pub fn to_event(&self) -> Bytes {
        let json = self.to_json();
        let mut event = Vec::with_capacity(json.len() + 8);
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(&json);
        event.extend_from_slice(b"\n\n");
        event.into()
    }

    /// The answer, without the headers that every answer carries.
    pub fn to_response(&self) -> Response<Bytes> {
        self.response(self.to_json())
    }

    fn response(&self, envelope: Bytes) -> Response<Bytes> {
        let mut response = Response::new(envelope);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(again::HEADER, self.again());
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"foldgate\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// Rounded up, and never zero: a client told to wait 0 s tries at once.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    let more = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(more).max(1)
}

#[cfg(test)]
mod tests;
