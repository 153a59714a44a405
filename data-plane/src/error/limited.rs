//! What a caller is told whose limit has no room.

use std::time::Duration;

use foldgate_domain::Whose;
use foldgate_domain::limits::{Period, Rule, Unit, go_duration};
use http::StatusCode;

use super::{Kind, Problem};

impl Problem {
    /// A limit has no room for so long.
    pub fn rate_limited(whose: Whose, rule: Rule, wait: Duration) -> Self {
        let of = match whose {
            Whose::Key => "this API key",
            Whose::Account => "this account",
            Whose::ModelOfAccount => "this account for this model",
            Whose::Model => "this model",
            Whose::Policy => "a rate limit policy",
        };
        let unit = match rule.kind.unit {
            Unit::Requests => "requests",
            Unit::Tokens => "tokens",
            Unit::Calls => return Self::too_many_at_once(of),
        };
        let period = match rule.kind.period {
            Period::Second => "second",
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
            Period::AtOnce => return Self::too_many_at_once(of),
        };
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let message = format!(
            "the limit of {of} of {} {unit} per {period} is reached; try again in {}",
            rule.limit,
            go_duration(millis)
        );
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            Kind::RateLimitError,
            "rate_limit_exceeded",
            message,
        )
        .after(wait)
    }
}
