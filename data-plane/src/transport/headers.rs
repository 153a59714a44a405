//! Which headers cross. Both ways by allow-list: what is not named here stays,
//! credentials, cookies and everything about who or where the upstream is.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Problem;

/// Lists the instances a request has passed.
pub(crate) const HOP: HeaderName = HeaderName::from_static("x-foldgate-hop");

/// The most instances a request may have passed before: chains of two are
/// sensible (a gateway for a region behind one for a team), longer ones are loops.
const MAX_HOPS: usize = 2;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
pub(crate) const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
pub(crate) const OPENAI_BETA: HeaderName = HeaderName::from_static("openai-beta");

/// What a client's request may tell the upstream.
const UP: [HeaderName; 7] = [
    ACCEPT,
    CONTENT_TYPE,
    USER_AGENT,
    OPENAI_BETA,
    ANTHROPIC_VERSION,
    ANTHROPIC_BETA,
    IDEMPOTENCY_KEY,
];

/// What an upstream's answer may tell the client.
const DOWN: [HeaderName; 3] = [CONTENT_TYPE, CONTENT_ENCODING, CACHE_CONTROL];

/// The headers every attempt of a request shares; the credential is each
/// attempt's own.
///
/// # Errors
/// 508 when the request was here before, or has come too long a way.
pub(crate) fn for_upstream(client: &HeaderMap, instance: &str) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::with_capacity(12);
    for name in UP {
        if let Some(value) = client.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(HOP, hop(client, instance)?);
    Ok(headers)
}

fn hop(client: &HeaderMap, instance: &str) -> Result<HeaderValue, Problem> {
    let mut passed: Vec<&str> = Vec::new();
    for value in client.get_all(&HOP) {
        let text = value.to_str().map_err(|_| Problem::looped())?;
        passed.extend(text.split(',').map(str::trim).filter(|hop| !hop.is_empty()));
    }
    if passed.len() > MAX_HOPS || passed.contains(&instance) {
        return Err(Problem::looped());
    }
    passed.push(instance);
    HeaderValue::try_from(passed.join(",")).map_err(|_| Problem::looped())
}

/// What of an answer's headers reaches the client.
pub(crate) fn for_client(upstream: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    for name in DOWN {
        if let Some(value) = upstream.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}
