//! A problem as Anthropic words it, for callers who speak that dialect.

use bytes::Bytes;
use http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Kind, Problem};
use crate::dialect::Caller;

/// An error's body.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MessageError")]
pub(crate) struct Envelope<'a> {
    /// `error`, always.
    r#type: &'static str,
    error: Body<'a>,
    /// As in the header `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MessageErrorBody")]
struct Body<'a> {
    /// What sort of failure it is, as Anthropic calls it.
    r#type: &'a str,
    /// What failed, for people.
    message: &'a str,
}

/// Anthropic's types of errors.
const TYPES: [&str; 10] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
];

impl Problem {
    /// The same with the status that the caller's dialect has for it: a model that
    /// rests is 529 where Anthropic is spoken.
    #[must_use]
    pub(crate) fn spoken_to(mut self, caller: Caller) -> Self {
        let rests =
            self.status == StatusCode::SERVICE_UNAVAILABLE && self.kind == Kind::UpstreamError;
        if let (Caller::Anthropic, true, Ok(overloaded)) =
            (caller, rests, StatusCode::from_u16(529))
        {
            self.status = overloaded;
        }
        self
    }

    /// The envelope in the caller's dialect.
    pub(crate) fn to_json_for(&self, caller: Caller, request_id: &str) -> Bytes {
        match caller {
            Caller::OpenAi => self.to_json(),
            Caller::Anthropic => self.message(Some(request_id)).into(),
        }
    }

    /// The same in the caller's dialect.
    pub(crate) fn to_response_for(&self, caller: Caller, request_id: &str) -> Response<Bytes> {
        self.response(self.to_json_for(caller, request_id))
    }

    /// The problem as an event of a stream of messages.
    pub(crate) fn to_message_event(&self) -> Bytes {
        format!("event: error\ndata: {}\n\n", self.message(None)).into()
    }

    fn message(&self, request_id: Option<&str>) -> String {
        let envelope = Envelope {
            r#type: "error",
            error: Body {
                r#type: self.message_type(),
                message: &self.message,
            },
            request_id,
        };
        serde_json::to_string(&envelope).unwrap_or_else(|_| "{}".to_owned())
    }

    fn message_type(&self) -> &'static str {
        let said = self.code.as_deref();
        if let Some(own) = TYPES.iter().find(|own| said == Some(own)) {
            return own;
        }
        match (self.status.as_u16(), self.kind) {
            (402, _) | (_, Kind::InsufficientQuota) => "billing_error",
            (413, _) => "request_too_large",
            (504, _) => "timeout_error",
            (529, _) => "overloaded_error",
            (_, Kind::InvalidRequestError) => "invalid_request_error",
            (_, Kind::AuthenticationError) => "authentication_error",
            (_, Kind::PermissionError) => "permission_error",
            (_, Kind::NotFoundError) => "not_found_error",
            (_, Kind::RateLimitError) => "rate_limit_error",
            (_, Kind::UpstreamError | Kind::ServerError) => "api_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn spoken(problem: Problem) -> (u16, serde_json::Value) {
        let problem = problem.spoken_to(Caller::Anthropic);
        let json = problem.to_json_for(Caller::Anthropic, "req-1");
        let json = serde_json::from_slice(&json).unwrap();
        (problem.status.as_u16(), json)
    }

    /// One row for each type that Anthropic documents and that can come about here.
    #[test]
    fn every_problem_has_anthropics_type_and_status() {
        let wait = Duration::from_secs(3);
        for (problem, status, kind) in [
            (Problem::invalid("x"), 400, "invalid_request_error"),
            (Problem::unauthorized(true), 401, "authentication_error"),
            (Problem::out_of_credit(), 402, "billing_error"),
            (Problem::capped(), 402, "billing_error"),
            (Problem::not_allowed(), 403, "permission_error"),
            (Problem::no_model("m"), 404, "not_found_error"),
            (Problem::too_large(1), 413, "request_too_large"),
            (Problem::asleep(true, wait), 429, "rate_limit_error"),
            (Problem::internal(), 500, "api_error"),
            (Problem::bad_answer(), 502, "api_error"),
            (Problem::not_ready(), 503, "api_error"),
            (Problem::late_answer(), 504, "timeout_error"),
            (Problem::asleep(false, wait), 529, "overloaded_error"),
        ] {
            let message = problem.message.clone();
            let (said, json) = spoken(problem);
            assert_eq!(said, status, "{kind}");
            let expected = serde_json::json!({
                "type": "error",
                "error": {"type": kind, "message": message},
                "request_id": "req-1",
            });
            assert_eq!(json, expected);
        }
    }

    #[test]
    fn an_error_in_a_stream_is_an_event_of_that_name() {
        let mut problem = Problem::broken_stream();
        problem.code = Some("overloaded_error".into());
        let event = problem.to_message_event();
        let expected = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\
            \"overloaded_error\",\"message\":\"the provider's answer broke off\"}}\n\n";
        assert_eq!(event, expected);
    }

    #[test]
    fn openais_callers_hear_what_they_always_heard() {
        let problem = Problem::no_model("m");
        let said = problem.clone().spoken_to(Caller::OpenAi);
        assert_eq!(said, problem);
        assert_eq!(said.to_json_for(Caller::OpenAi, "r"), problem.to_json());
    }
}
