//! The request's id: the client's own if it is a plain one, else drawn here.
//! Every answer, log line and record carries it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header a request may bring and every answer carries.
pub(crate) static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a client.
const MAX_CHARS: usize = 128;

/// One request's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(pub String);

impl RequestId {
    /// The id of the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Option<String> {
        extensions.get::<Self>().map(|id| id.0.clone())
    }

    fn choose(given: Option<&HeaderValue>) -> Self {
        let plain = |text: &&str| {
            (1..=MAX_CHARS).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b))
        };
        let given = given.and_then(|value| value.to_str().ok()).filter(plain);
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

/// Gives the request its id and the answer the same.
pub(crate) async fn layer(mut request: Request, next: Next) -> Response {
    let id = RequestId::choose(request.headers().get(&HEADER));
    let value = HeaderValue::try_from(&id.0);
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Ok(value) = value {
        response.headers_mut().insert(HEADER.clone(), value);
    }
    response
}
