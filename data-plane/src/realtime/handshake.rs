//! What of a WebSocket's handshake passes, and the key in its protocols.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

use crate::error::Problem;

/// How a browser, which cannot set headers, presents a key.
const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// How it names who pays; as headers of that kind, it stays here.
const HIDDEN: [&str; 3] = [KEY_PROTOCOL, "openai-organization.", "openai-project."];

/// The version of the protocol.
const VERSION: &[u8] = b"13";

/// The key among the protocols that a handshake offers.
pub(crate) fn asked_key(headers: &HeaderMap) -> Option<&str> {
    protocols(headers).find_map(|protocol| protocol.strip_prefix(KEY_PROTOCOL))
}

/// Puts the client's handshake among the headers for an upstream.
///
/// # Errors
/// 426 when it is none.
pub(crate) fn upward(client: &HeaderMap, upstream: &mut HeaderMap) -> Result<(), Problem> {
    let is = |name, value: &[u8]| {
        let found = client.get(name).map(HeaderValue::as_bytes);
        found.is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    let key = client.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let (Some(key), true, true) = (
        key,
        is(UPGRADE, b"websocket"),
        is(SEC_WEBSOCKET_VERSION, VERSION),
    ) else {
        return Err(Problem::no_websocket());
    };
    upstream.insert(UPGRADE, HeaderValue::from_static("websocket"));
    upstream.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    upstream.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    upstream.insert(SEC_WEBSOCKET_KEY, key.clone());
    let offered = protocols(client)
        .filter(|protocol| !HIDDEN.iter().any(|hidden| protocol.starts_with(hidden)));
    let offered = offered.collect::<Vec<_>>().join(", ");
    if !offered.is_empty()
        && let Ok(offered) = HeaderValue::try_from(offered)
    {
        upstream.insert(SEC_WEBSOCKET_PROTOCOL, offered);
    }
    Ok(())
}

/// What of the upstream's handshake reaches the client.
pub(crate) fn downward(upstream: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    for name in [SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL] {
        if let Some(value) = upstream.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty())
}
