//! Refusals on the way: no target, no room, a circle, a revision that has not come.

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

    /// The model is served, but by no provider that has this endpoint.
    pub(crate) fn no_endpoint(model: &str) -> Self {
        let message = format!("no provider of the model `{model}` has this endpoint");
        let status = StatusCode::NOT_FOUND;
        Self::new(
            status,
            Kind::NotFoundError,
            "endpoint_not_supported",
            message,
        )
        .about("model")
    }

    /// The request came back to this node.
    pub fn looped() -> Self {
        let message =
            "the request came back to where it started; a provider points at this gateway";
        let status = StatusCode::LOOP_DETECTED;
        Self::new(status, Kind::ServerError, "request_loop", message)
    }

    /// `X-Foldgate-Min-Revision` is no number.
    pub fn bad_revision() -> Self {
        Self::invalid("x-foldgate-min-revision must be a whole number")
            .about("x-foldgate-min-revision")
    }

    /// This node has not folded the revision in time.
    pub fn behind(wait: Duration) -> Self {
        let message = "this node has not reached the revision asked for";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, Kind::ServerError, "revision_not_reached", message).after(wait)
    }
}
