//! Whether it helps to try again, as the SDKs of both vendors ask for it: what
//! `x-should-retry` says goes before all that they conclude from a status.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::{Kind, Problem};

/// Says so.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-should-retry");

/// The longest wait that an SDK obeys. Who is told of a longer one comes too soon.
const MOST: Duration = Duration::from_mins(2);

impl Problem {
    /// The header's value.
    pub(super) fn again(&self) -> HeaderValue {
        HeaderValue::from_static(if self.may_pass() { "true" } else { "false" })
    }

    /// Whether the same request may be served soon.
    fn may_pass(&self) -> bool {
        let is_ours = matches!(self.kind, Kind::UpstreamError | Kind::ServerError);
        match self.status.as_u16() {
            429 | 503 | 529 => self.retry_after.is_some_and(|wait| wait <= MOST),
            408 => true,
            500 | 502 | 504 => is_ours,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Caller;

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        let wait = Duration::from_secs;
        for (problem, again) in [
            (Problem::asleep(true, wait(120)), "true"),
            (Problem::asleep(true, wait(121)), "false"),
            (Problem::asleep(false, wait(9)), "true"),
            (Problem::asleep(false, wait(900)), "false"),
            (Problem::no_target(Some(wait(1))), "true"),
            (Problem::no_target(None), "false"),
            (Problem::no_key(), "false"),
            (Problem::not_ready(), "true"),
            (Problem::unbillable(), "true"),
            (Problem::too_many_at_once("this API key"), "true"),
            (Problem::slow_body(), "true"),
            (Problem::internal(), "true"),
            (Problem::bad_answer(), "true"),
            (Problem::late_answer(), "true"),
            (Problem::looped(), "false"),
            (Problem::out_of_credit(), "false"),
            (Problem::capped(), "false"),
            (Problem::invalid("x"), "false"),
            (Problem::unauthorized(true), "false"),
            (Problem::no_model("m"), "false"),
        ] {
            for caller in [Caller::OpenAi, Caller::Anthropic] {
                let answer = problem.clone().spoken_to(caller);
                let answer = answer.to_response_for(caller, "id");
                assert_eq!(answer.headers()[HEADER], again, "{problem}");
            }
        }
    }
}
