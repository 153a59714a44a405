//! How limits stand, in the headers of an answer, as `OpenAI` sends them.

use foldgate_domain::limits::{Shown, Standing, go_duration};
use http::{HeaderMap, HeaderName, HeaderValue};

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];

const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Puts them in; where no limit applies, nothing.
pub(crate) fn show(standing: &Standing, headers: &mut HeaderMap) {
    put(REQUESTS, standing.requests, headers);
    put(TOKENS, standing.tokens, headers);
}

fn put([limit, remaining, reset]: [HeaderName; 3], shown: Option<Shown>, headers: &mut HeaderMap) {
    let Some(shown) = shown else {
        return;
    };
    headers.insert(limit, HeaderValue::from(shown.limit));
    headers.insert(remaining, HeaderValue::from(shown.remaining));
    if let Ok(text) = HeaderValue::try_from(go_duration(shown.reset)) {
        headers.insert(reset, text);
    }
}
