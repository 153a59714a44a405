//! What is told about each request: a span, metrics, a line in the access log,
//! and for writes a line in the audit log, refused ones included. Also the
//! headers that every answer carries.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use foldgate_runtime::{AccessLine, Peer, telemetry};
use http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Method, StatusCode};
use tracing::{Instrument, Span};

use crate::app::App;
use crate::auth::{ActorCell, OwnerCell};
use crate::clock;
use crate::error::Refusal;
use crate::journal::Refused;
use crate::reply::REVISION_HEADER;
use crate::request::{self, RequestId, quote};
use crate::routes;

/// One request, as it came.
struct Seen {
    begun: Instant,
    method: Method,
    path: String,
    route: String,
    request_id: String,
    peer: Option<Peer>,
    address: Option<String>,
    actor: ActorCell,
    owner: OwnerCell,
}

/// Watches a request from its head to its answer.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let seen = Seen::new(&mut request);
    let span = seen.span();
    telemetry::continue_trace(&span, request.headers());
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if let Some((actor, _)) = seen.actor.0.get() {
        span.record("actor", actor);
    }
    let known = seen.actor.0.get().is_some();
    add_headers(response.headers_mut(), known.then_some(&app));
    seen.tell(&app, &response, telemetry::trace_id(&span).as_deref());
    response
}

/// The revision only for callers that are known: it tells how busy the log is.
fn add_headers(headers: &mut HeaderMap, known: Option<&App>) {
    let no_store = || HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert_with(no_store);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    if let Some(app) = known {
        let revision = || HeaderValue::from(app.table().revision().0);
        headers
            .entry(REVISION_HEADER.clone())
            .or_insert_with(revision);
    }
}

impl Seen {
    fn new(request: &mut Request) -> Self {
        let actor = ActorCell::default();
        let owner = OwnerCell::default();
        request.extensions_mut().insert(actor.clone());
        request.extensions_mut().insert(owner.clone());
        let extensions = request.extensions();
        let route = extensions.get::<MatchedPath>();
        Self {
            begun: Instant::now(),
            method: request.method().clone(),
            path: quote::path(request.uri().path()),
            route: route.map_or("unmatched", routes::name).to_owned(),
            request_id: RequestId::of(extensions).unwrap_or_default(),
            peer: extensions.get::<Peer>().copied(),
            address: request::address(extensions),
            actor,
            owner,
        }
    }

    fn span(&self) -> Span {
        if !telemetry::span_wanted() {
            return Span::none();
        }
        tracing::info_span!(
            "admin.request",
            otel.kind = "server",
            http.request.method = %self.method,
            http.route = self.route,
            request_id = self.request_id,
            actor = tracing::field::Empty,
            http.response.status_code = tracing::field::Empty,
        )
    }

    fn tell(&self, app: &App, response: &Response, trace_id: Option<&str>) {
        let took = self.begun.elapsed();
        self.count(response, took);
        let refusal = response.extensions().get::<Refusal>();
        let reads = matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        // What is played with is the data plane's to tell.
        let writes = !reads && !self.route.starts_with("/playground/");
        if writes {
            self.audit(response, refusal);
        }
        let status = response.status();
        let no_entry = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if no_entry || (writes && !status.is_success()) {
            self.keep(app, status, refusal);
        }
        if app.access.is_on() {
            let revision = response.headers().get(&REVISION_HEADER);
            let revision = revision.and_then(|value| value.to_str().ok()?.parse().ok());
            app.access.record(&AccessLine {
                listener: "admin",
                request_id: &self.request_id,
                client: self.peer.map(|peer| peer.address),
                method: self.method.as_str(),
                path: &self.path,
                status: response.status().as_u16(),
                error: refusal.map(|refusal| refusal.code),
                duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                account: self.actor.0.get().map(|(_, account)| account.0),
                revision,
                trace_id,
                ..AccessLine::default()
            });
        }
    }

    /// Notes a failed log-in or a refused write in the access journal.
    fn keep(&self, app: &App, status: StatusCode, refusal: Option<&Refusal>) {
        let refused = Refused {
            at: clock::now(),
            address: self.address.clone(),
            actor: self.actor.0.get().map(|(actor, _)| actor.clone()),
            method: quote::quoted(self.method.as_str()),
            path: self.path.clone(),
            status: status.as_u16(),
            code: refusal.map(|refusal| refusal.code.to_owned()),
            request_id: self.request_id.clone(),
        };
        app.journal.note(self.owner.0.get().copied(), refused);
    }

    fn count(&self, response: &Response, took: Duration) {
        let method = method_label(&self.method);
        let status = response.status().as_u16().to_string();
        let route = self.route.clone();
        metrics::counter!(
            "foldgate_admin_requests_total",
            "method" => method, "route" => route.clone(), "status" => status
        )
        .increment(1);
        metrics::histogram!("foldgate_admin_request_seconds", "method" => method, "route" => route)
            .record(took.as_secs_f64());
    }

    fn audit(&self, response: &Response, refusal: Option<&Refusal>) {
        let status = response.status().as_u16();
        let actor = self.actor.0.get().map(|(actor, _)| actor.as_str());
        let Self {
            method,
            path,
            request_id,
            address,
            ..
        } = self;
        match refusal {
            None => tracing::info!(
                target: "foldgate::audit",
                method = quote::quoted(method.as_str()),
                path, request_id, address, actor, status,
                "admin write done"
            ),
            Some(refusal) => tracing::warn!(
                target: "foldgate::audit",
                method = quote::quoted(method.as_str()),
                path, request_id, address, actor, status,
                code = refusal.code, error = refusal.message,
                "admin write refused"
            ),
        }
    }
}

/// A label of few values: a client may send any word as its method.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
