//! The playground: a caller's request, taken on the admin listener and sent through
//! the data plane, so that what it shows is what callers get.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use foldgate_runtime::Peer;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use crate::app::App;
use crate::error::Error;
use crate::request::{RequestId, id, quote};

/// Where a request for a chat goes on the data plane.
const CHAT: &str = "/v1/chat/completions";

/// A way to a data plane.
pub trait Playground: Send + Sync {
    /// Sends a request, whose path is the proxy's, and gives its answer, streams as
    /// streams. The data plane looks at the caller's key.
    fn call(&self, request: Request, peer: Peer) -> Answering;
}

/// The answer to come.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response, Unreached>> + Send>>;

/// The data plane did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(pub String);

/// A way to a data plane, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Way(pub(crate) Option<Arc<dyn Playground>>);

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.0.is_some() { "open" } else { "none" };
        f.debug_tuple("Way").field(&way).finish()
    }
}

/// `POST /playground/chat/completions`.
///
/// # Errors
/// No way to a data plane, or none that answers.
pub(crate) async fn chat(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let Some(playground) = &app.playground.0 else {
        return Err(Error::NoPlayground);
    };
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.ok_or(Error::Internal)?;
    let (mut parts, body) = request.into_parts();
    parts.uri = proxied(&parts.uri)?;
    // One id on both listeners, so that their lines can be laid side by side.
    let request = RequestId::of(&parts.extensions);
    if let Some(Ok(request)) = request.map(HeaderValue::try_from) {
        parts.headers.insert(id::HEADER.clone(), request);
    }
    let answer = playground.call(Request::from_parts(parts, body), peer);
    answer.await.map_err(|unreached| {
        tracing::warn!(%unreached, "the playground's data node does not answer");
        Error::PlaygroundUnreached(quote::message(&unreached.to_string()))
    })
}

/// The proxy's path, with the query as it came.
fn proxied(uri: &Uri) -> Result<Uri, Error> {
    let path = match uri.query() {
        Some(query) => format!("{CHAT}?{query}"),
        None => CHAT.to_owned(),
    };
    let path = PathAndQuery::try_from(path).map_err(|_| Error::Internal)?;
    Ok(Uri::from(path))
}
