//! Pages of other origins. A browser asks beforehand whether they may call, and keeps an
//! answer from them that does not say so. They may not unless the operator names their
//! origins: a key within a page is the key of everybody who opens it.

use std::convert::Infallible;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};

use crate::body::Inbound;
use crate::relay::Body;

/// How long a browser may remember what it was told: as long as any does.
const REMEMBERED: Duration = Duration::from_hours(2);

/// What pages of these origins are told; `None` when there are none.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let values = origins.iter().map(|origin| HeaderValue::from_str(origin));
        AllowOrigin::list(values.filter_map(Result::ok))
    };
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        // SDKs tell much of themselves in headers of their own.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(REMEMBERED);
    (!origins.is_empty()).then_some(layer)
}

/// Answers what a browser asks beforehand, and tells it of each answer whom it is for.
pub(crate) async fn through<F>(
    layer: CorsLayer,
    request: Request<Inbound>,
    serve: impl Fn(Request<Inbound>) -> F,
) -> Response<Body>
where
    F: Future<Output = Response<Body>>,
{
    let inner = tower::service_fn(|request| {
        let answer = serve(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    match layer.layer(inner).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
