//! Refusals of Models: no target, or no room.

use std::time::Duration;

use http::StatusCode;

use super::{Kind, Problem};

impl Problem {
    /// No target of a Model takes a request with these tags.
    pub fn no_target_for_tags(tags: bool) -> Self {
        let message = if tags {
            "no target of this model has one of the tags, and none is tagged `default`"
        } else {
            "every target of this model wants a tag; name one in x-foldgate-routing-tags"
        };
        let status = StatusCode::BAD_REQUEST;
        Self::invalid_request(status, "no_target_for_tags", message)
            .about("x-foldgate-routing-tags")
    }

    /// None of a Model's targets is available; `wait` until the first one is, if one
    /// will be.
    pub fn no_target(wait: Option<Duration>) -> Self {
        let message = "none of this model's targets is available now";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, Kind::ServerError, "no_target_available", message);
        Self {
            retry_after: wait,
            ..problem
        }
    }

    /// As many calls at once as there may be.
    pub fn too_many_at_once(of: &'static str) -> Self {
        let message = format!("{of} has as many calls under way as it may; try again later");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, Kind::RateLimitError, "rate_limit_exceeded", message)
            .after(Duration::from_secs(1))
    }
}
