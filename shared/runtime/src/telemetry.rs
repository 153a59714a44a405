//! What a process tells about itself as it runs: log lines on standard error,
//! and spans over OTLP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
//!
//! Without that variable no span is ever made: [`span_wanted`] is one relaxed
//! load, and callers ask it before they build a span. Only `otlp` knows the
//! OpenTelemetry crates; they change with each of their versions.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, filter};

use crate::settings::{Log, LogFormat};

mod otlp;

pub use otlp::{continue_trace, propagate, span_wanted, trace_id};

/// The longest panic message that is logged, in characters: it may quote data.
const MAX_PANIC_MESSAGE: usize = 300;

/// Who is speaking.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The role's name.
    pub role: &'static str,
    /// The node's name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// The program's version.
    pub version: &'static str,
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter directives are not valid.
    #[error("log.level is not valid")]
    Filter(#[from] filter::ParseError),
    /// The collector's settings are not valid.
    #[error("spans cannot be exported: {0}")]
    Export(String),
    /// Something else took the subscriber's place.
    #[error("telemetry was already started in this process")]
    Started(#[from] TryInitError),
}

/// Running telemetry; [`Self::shutdown`] sends what is still held.
#[derive(Debug)]
pub struct Telemetry {
    export: Option<otlp::Export>,
}

/// Starts logging, and exporting of spans if it is asked for. Panics are logged
/// from here on. To be called within the tokio runtime.
///
/// # Errors
/// See [`Error`].
pub fn start(log: &Log, identity: &Identity) -> Result<Telemetry, Error> {
    let filter = EnvFilter::try_new(&log.level)?;
    let lines = lines(log.format).with_filter(filter);
    let export = if otlp::is_asked_for() {
        Some(otlp::Export::start(identity, None)?)
    } else {
        None
    };
    let spans = export.as_ref().map(otlp::Export::layer);
    Registry::default().with(spans).with(lines).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    if export.is_some() {
        otlp::want_spans();
    }
    Ok(Telemetry { export })
}

impl Telemetry {
    /// Sends the spans still held; waits a few seconds at most.
    pub async fn shutdown(self) {
        if let Some(export) = self.export {
            export.shutdown().await;
        }
    }
}

impl LogFormat {
    /// Whether lines are for people, on this kind of output.
    pub fn is_pretty(self, is_terminal: bool) -> bool {
        match self {
            Self::Auto => is_terminal,
            Self::Json => false,
            Self::Pretty => true,
        }
    }
}

/// Events only: spans are for the collector.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let is_terminal = std::io::stderr().is_terminal();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let only_events = filter::FilterFn::new(is_event);
    if format.is_pretty(is_terminal) {
        layer
            .with_ansi(is_terminal)
            .with_target(false)
            .compact()
            .with_filter(only_events)
            .boxed()
    } else {
        layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_filter(only_events)
            .boxed()
    }
}

fn is_event(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_event()
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string);
    let message: String = info
        .payload_as_str()
        .unwrap_or("no message")
        .chars()
        .take(MAX_PANIC_MESSAGE)
        .collect();
    tracing::error!(location, message, "panic");
}

#[cfg(test)]
mod tests;
