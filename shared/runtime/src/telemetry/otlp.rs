//! Everything that knows OpenTelemetry: export over OTLP (protobuf over HTTP)
//! and W3C trace context on requests that come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, filter};

use super::{Error, Identity};

mod client;

/// How long the end of the process waits for the collector.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks for export, after the OpenTelemetry specification.
const ENDPOINT_VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

/// Headers of W3C trace context.
const CONTEXT_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

static SPANS_WANTED: AtomicBool = AtomicBool::new(false);

/// Whether spans go anywhere. Ask before building one:
///
/// ```
/// use foldgate_runtime::telemetry::span_wanted;
/// let span = if span_wanted() {
///     tracing::info_span!("admit")
/// } else {
///     tracing::Span::none()
/// };
/// ```
#[inline]
pub fn span_wanted() -> bool {
    SPANS_WANTED.load(Ordering::Relaxed)
}

/// Makes a span the child of the caller's, if its request named one. To be
/// called before the span is entered.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if span.is_none() || !headers.contains_key(&CONTEXT_HEADERS[0]) {
        return;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Fails only for a span that no exporter sees, which needs no parent.
    let _ = span.set_parent(context);
}

/// Hands the trace on to whoever is called: the span's own context, or what
/// came in when no spans are made here.
pub fn propagate(span: &Span, incoming: &HeaderMap, outgoing: &mut HeaderMap) {
    if !span.is_none() {
        let context = span.context();
        if context.span().span_context().is_valid() {
            TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(outgoing));
            return;
        }
    }
    for name in CONTEXT_HEADERS {
        if let Some(value) = incoming.get(&name) {
            outgoing.insert(name, value.clone());
        }
    }
}

/// The span's trace, as hex, for the access log.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_none() {
        return None;
    }
    let context = span.context();
    let id = context.span().span_context().trace_id();
    (id != opentelemetry::TraceId::INVALID).then(|| id.to_string())
}

/// Whether the environment asks for export.
pub(super) fn is_asked_for() -> bool {
    ENDPOINT_VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub(super) fn want_spans() {
    SPANS_WANTED.store(true, Ordering::Relaxed);
}

/// A running exporter.
#[derive(Debug)]
pub(super) struct Export(SdkTracerProvider);

impl Export {
    /// Starts exporting to `endpoint`, or to where the environment says.
    /// Sampling follows `OTEL_TRACES_SAMPLER`.
    pub(super) fn start(identity: &Identity, endpoint: Option<&str>) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Export(error.to_string());
        let client = client::CollectorClient::new().map_err(|e| failed(&e))?;
        let mut exporter = SpanExporter::builder().with_http().with_http_client(client);
        if let Some(endpoint) = endpoint {
            exporter = exporter.with_endpoint(endpoint);
        }
        let exporter = exporter.build().map_err(|e| failed(&e))?;
        let resource = Resource::builder()
            .with_service_name("foldgate")
            .with_attributes([
                KeyValue::new("service.version", identity.version),
                KeyValue::new("service.instance.id", identity.node.clone()),
                KeyValue::new("foldgate.role", identity.role),
                KeyValue::new("foldgate.region", identity.region.clone()),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// Takes Foldgate's own spans, never its dependencies' (the exporter's own
    /// client would feed itself).
    pub(super) fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("foldgate"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter::filter_fn(|metadata| {
                metadata.is_span() && metadata.target().starts_with("foldgate")
            }))
            .boxed()
    }

    /// Sends what is held. The exporter blocks its caller, so a thread for
    /// blocking work waits for it.
    pub(super) async fn shutdown(self) {
        let ended =
            tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(SHUTDOWN_TIMEOUT));
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(%error, "not all spans reached the collector");
        }
    }
}
