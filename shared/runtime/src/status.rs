//! The status listener: `/livez`, `/readyz`, `/metrics` and pages under
//! `/status/`. It shares nothing with the other listeners, so that a node under
//! load still answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Value, json};

use crate::server::Peer;
use crate::{Health, Metrics, Server, Shutdown};

mod check;

type Page = Arc<dyn Fn() -> Value + Send + Sync>;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What the status listener shows. Cheap to clone.
#[derive(Clone)]
pub struct StatusPages {
    health: Health,
    metrics: Metrics,
    pages: Arc<BTreeMap<&'static str, Page>>,
    configured: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl StatusPages {
    /// The standard pages.
    pub fn new(health: Health, metrics: Metrics) -> Self {
        Self {
            health,
            metrics,
            pages: Arc::default(),
            configured: Arc::new(|| true),
        }
    }

    /// Whether every part of the process is ready.
    pub fn is_as_it_should_be(&self) -> bool {
        self.health.report(false).components.is_empty()
    }

    /// Lets `/status/ready` say whether there is a configuration to serve from.
    #[must_use]
    pub fn configured_when(
        mut self,
        is_configured: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        self.configured = Arc::new(is_configured);
        self
    }

    /// Adds `/status/<name>`, made anew for each request. The page must be quick
    /// and must hold no secret: the listener asks for no key.
    #[must_use]
    pub fn with_page(
        mut self,
        name: &'static str,
        page: impl Fn() -> Value + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.pages).insert(name, Arc::new(page));
        self
    }

    /// Serves the pages until shutdown. To be stopped last: it tells about the rest.
    pub async fn serve(self, server: Server, shutdown: Shutdown) {
        let pages = Arc::new(self);
        let answer = move |request: Request<hyper::body::Incoming>, _: Peer| {
            let pages = pages.clone();
            async move { pages.answer(&request) }
        };
        server.serve(answer, internal_error, shutdown).await;
    }

    /// The answer to one request; other listeners show some of the pages too.
    pub fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is answered here\n",
            );
        }
        let verbose = request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(is_verbose));
        match request.uri().path() {
            "/livez" => check::life(&self.health, verbose),
            "/readyz" if verbose => check::readiness(&self.health),
            "/readyz" => self.readiness(),
            "/status/ready" if (self.configured)() => text(StatusCode::OK, "ok\n"),
            "/status/ready" => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "no configuration available\n",
            ),
            "/metrics" => reply(StatusCode::OK, PROMETHEUS, self.metrics.render()),
            "/status" | "/status/" => {
                let names: Vec<String> = self
                    .pages
                    .keys()
                    .chain(&["ready"])
                    .map(|name| format!("/status/{name}"))
                    .collect();
                page(StatusCode::OK, &json!({ "pages": names }))
            }
            path => match path
                .strip_prefix("/status/")
                .and_then(|name| self.pages.get(name))
            {
                Some(make) => page(StatusCode::OK, &make()),
                None => text(
                    StatusCode::NOT_FOUND,
                    "not found; there are /livez, /readyz, /metrics and /status\n",
                ),
            },
        }
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let status = check::status(self.health.is_ready());
        page(status, &self.health.report(false))
    }
}

impl std::fmt::Debug for StatusPages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pages.keys()).finish()
    }
}

/// Whether a parameter asks for everything, whatever its value.
fn is_verbose(parameter: &str) -> bool {
    let name = parameter.split('=').next();
    name == Some("verbose")
}

fn internal_error() -> Response<Full<Bytes>> {
    text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    reply(status, TEXT, body)
}

fn page(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_string(value) {
        Ok(body) => reply(status, JSON, body + "\n"),
        Err(_) => internal_error(),
    }
}

fn reply(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[cfg(test)]
mod tests;
