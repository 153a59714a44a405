//! Names for requests: the client's own, if it is a sane one, else this run of
//! the process and a count. Unique, not secret: no random bytes per request.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Where it stands.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Where Anthropic's clients look for it.
pub(crate) const ANTHROPIC: HeaderName = HeaderName::from_static("request-id");

/// The longest one that is taken over from a client.
const MAX_BYTES: usize = 128;

/// Gives names.
#[derive(Debug)]
pub(crate) struct RequestIds {
    boot: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// For this run of the process.
    pub(crate) fn new(boot: Uuid) -> Self {
        Self {
            boot: boot.as_u64_pair().1,
            count: AtomicU64::new(1),
        }
    }

    /// The name of a request with these headers.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(&HEADER).filter(|value| is_sane(value)) {
            // A copy: a clone would keep the whole of the request's head in memory.
            Some(given) => {
                HeaderValue::from_bytes(given.as_bytes()).unwrap_or_else(|_| self.draw())
            }
            None => self.draw(),
        }
    }

    fn draw(&self) -> HeaderValue {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(32);
        // Writing to a string cannot fail.
        let _ = write!(id, "{:016x}{count:016x}", self.boot);
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
    }
}

fn is_sane(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=MAX_BYTES).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        let ids = RequestIds::new(Uuid::from_u128(7));
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_str(text).expect("a header"));
            ids.of(&headers)
        };
        assert_eq!(of("req-1.a:B_2"), "req-1.a:B_2");
        for odd in ["", "a b", "a\"b", "<x>", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(of(odd).len(), 32, "{odd:?}");
        }
    }

    #[test]
    fn no_two_requests_share_a_name() {
        let ids = RequestIds::new(Uuid::from_u128(7));
        let other = RequestIds::new(Uuid::from_u128(8));
        let none = HeaderMap::new();
        let first = ids.of(&none);
        assert_ne!(first, ids.of(&none));
        assert_ne!(first, other.of(&none));
    }
}
