//! What a client still sends of a request that was answered without it: a refusal
//! that came before its body was read. Left lying on the connection it would end it,
//! and with it the client's next request; so it is read, within bounds, and where it is
//! not, the answer says that the connection ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{HeaderMap, Version};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// The most bytes that are read for nothing: as on the proxy.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How long that may take: as on the proxy.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body lent to whoever answers; what is left of it comes back.
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}

/// Reads what was not read of a request when its answer stands.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let asks_first = parts.headers.contains_key(EXPECT);
    let version = parts.version;
    let kept = Arc::new(Mutex::new(body));
    let lent = Body::new(Lent(Arc::clone(&kept)));
    let mut response = next.run(Request::from_parts(parts, lent)).await;
    // Whoever still reads it reads on.
    let rest = Arc::into_inner(kept).map(Mutex::into_inner);
    let rest = rest.map(|body| body.unwrap_or_else(PoisonError::into_inner));
    if let Some(rest) = rest
        && !rest.is_end_stream()
        // Whoever asked first was not told to send it.
        && (asks_first || !drained(rest).await)
    {
        tell_end(version, response.headers_mut());
    }
    response
}

/// Whether all of it was there, and within bounds.
async fn drained(mut body: Body) -> bool {
    if body.size_hint().lower() > MAX_BYTES {
        return false;
    }
    let reading = async {
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return false;
            };
            size += frame.data_ref().map_or(0, |data| data.len() as u64);
            if size > MAX_BYTES {
                return false;
            }
        }
        true
    };
    timeout(PATIENCE, reading).await.unwrap_or(false)
}

/// Later versions end a request without its connection.
fn tell_end(version: Version, headers: &mut HeaderMap) {
    if version <= Version::HTTP_11 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}
