//! How limits stand, in the headers of an answer, as the caller's vendor sends them:
//! `OpenAI` says how long it takes until a limit is whole again, Anthropic says when.

use std::time::Duration;

use foldgate_domain::limits::{Shown, Standing, go_duration};
use foldgate_proto::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::dialect::Caller;
use crate::pools::now;

/// The headers of one unit: the limit, what is left of it, when it is whole again.
type Names = [HeaderName; 3];

const OPENAI_REQUESTS: Names = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];

const OPENAI_TOKENS: Names = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

const ANTHROPIC_REQUESTS: Names = [
    HeaderName::from_static("anthropic-ratelimit-requests-limit"),
    HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
    HeaderName::from_static("anthropic-ratelimit-requests-reset"),
];

const ANTHROPIC_TOKENS: Names = [
    HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
    HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
    HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
];

/// The headers that tell a caller of its limits: on requests, on tokens.
pub(crate) const fn shown_to(caller: Caller) -> [Names; 2] {
    match caller {
        Caller::OpenAi => [OPENAI_REQUESTS, OPENAI_TOKENS],
        Caller::Anthropic => [ANTHROPIC_REQUESTS, ANTHROPIC_TOKENS],
    }
}

/// Puts them in; where no limit applies, nothing.
pub(crate) fn show(standing: &Standing, caller: Caller, headers: &mut HeaderMap) {
    let [requests, tokens] = shown_to(caller);
    for (names, shown) in [(requests, standing.requests), (tokens, standing.tokens)] {
        let Some(shown) = shown else {
            continue;
        };
        let [limit, remaining, reset] = names;
        headers.insert(limit, HeaderValue::from(shown.limit));
        headers.insert(remaining, HeaderValue::from(shown.remaining));
        let text = match caller {
            Caller::OpenAi => go_duration(shown.reset),
            Caller::Anthropic => instant(shown, now()),
        };
        if let Ok(text) = HeaderValue::try_from(text) {
            headers.insert(reset, text);
        }
    }
}

/// When all of a limit is there again: a whole second, and never too early.
fn instant(shown: Shown, now: Timestamp) -> String {
    let whole = now.after(Duration::from_millis(shown.reset)).0;
    let up = whole.saturating_add(999);
    Timestamp(up - up.rem_euclid(1000)).to_rfc3339()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_rounded_up_to_a_second_and_held_at_the_end_of_time() {
        let now = Timestamp(1_445_412_480_000);
        let shown = |reset| Shown {
            limit: 1,
            remaining: 0,
            reset,
        };
        assert_eq!(instant(shown(0), now), "2015-10-21T07:28:00Z");
        assert_eq!(instant(shown(1), now), "2015-10-21T07:28:01Z");
        assert_eq!(instant(shown(1_000), now), "2015-10-21T07:28:01Z");
        assert_eq!(instant(shown(59_001), now), "2015-10-21T07:29:00Z");
        assert!(instant(shown(u64::MAX), now).ends_with('Z'));
    }
}
