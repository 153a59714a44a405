//! Refusals of requests whose body was not read. HTTP/1 cannot go on behind such
//! a body, so the connection ends; a client that is not told so may send its next
//! request into it, and never hears of that one.

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::Body;

use super::activity::Activity;

/// Bodies up to this length are read at once with their head, or nearly so.
const SHORT: u64 = 16 * 1024;

/// What is known of a request's body before it is handled.
#[derive(Debug, Clone, Copy)]
pub(super) enum Awaited {
    /// Short, or none, or on a protocol that copes.
    Nothing,
    /// So many bytes; unknown for a chunked body.
    Bytes(Option<u64>),
}

impl Awaited {
    /// Looks at a request's length.
    pub(super) fn of<B: Body>(request: &Request<B>, is_http2: bool) -> Self {
        let length = request.body().size_hint().upper();
        if is_http2 || length.is_some_and(|length| length <= SHORT) {
            return Self::Nothing;
        }
        Self::Bytes(length)
    }

    /// Says on a refusal that the connection ends, unless the body has come. A
    /// client that sends requests ahead of answers may be told so without need,
    /// and sends the rest again.
    pub(super) fn announce<B>(self, activity: &Activity, response: &mut Response<B>) {
        let Self::Bytes(length) = self else { return };
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return;
        }
        let has_come = length.is_some_and(|length| activity.received_for_request() >= length);
        if !has_come {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
            activity.refused_unread();
        }
    }
}
