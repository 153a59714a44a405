//! What of a request `consistent_hash` hashes: what the request itself says belongs
//! together, else the first of the Model's sources that it has.

use foldgate_domain::definition::model::{HashOn, HashSource};
use foldgate_domain::routing::HashKey;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName};

use super::Asking;

/// Where a caller may say what belongs together.
const ROUTING_KEY: HeaderName = HeaderName::from_static("x-foldgate-routing-key");

/// The key of a request: the header `x-foldgate-routing-key`; else the first source that
/// it has; else the caller's key.
pub(super) fn key(sources: &[HashSource], asking: &Asking<'_>) -> HashKey {
    header(asking.headers, ROUTING_KEY.as_str())
        .or_else(|| sources.iter().find_map(|source| of(source, asking)))
        .unwrap_or_else(|| caller(asking))
}

fn of(source: &HashSource, asking: &Asking<'_>) -> Option<HashKey> {
    match source.on {
        HashOn::Header => header(asking.headers, source.name.as_deref()?),
        HashOn::Cookie => cookie(asking.headers, source.name.as_deref()?),
        HashOn::ApiKey => Some(caller(asking)),
        HashOn::ClientIp => {
            let address = asking.admitted.address().to_canonical();
            Some(HashKey::of(address.to_string().as_bytes()))
        }
    }
}

/// The caller's key by its number, which outlives its rotation; the owner's own is
/// that of its account.
fn caller(asking: &Asking<'_>) -> HashKey {
    let named = match asking.admitted.key() {
        Some(key) => format!("key/{key}"),
        None => format!("account/{}", asking.admitted.account()),
    };
    HashKey::of(named.as_bytes())
}

fn header(headers: &HeaderMap, name: &str) -> Option<HashKey> {
    let value = headers.get(name)?.as_bytes();
    (!value.is_empty()).then(|| HashKey::of(value))
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<HashKey> {
    let lists = headers.get_all(COOKIE).iter();
    let mut pairs = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(given, value)| *given == name && !value.is_empty())?;
    Some(HashKey::of(value.as_bytes()))
}
