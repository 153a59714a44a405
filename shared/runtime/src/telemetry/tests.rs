//! Spans to a real collector, and trace context in and out.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::Shutdown;
use crate::server::tests::loopback;
use crate::server::{Limits, Peer, Server};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn identity() -> Identity {
    Identity {
        role: "standalone",
        node: "node-under-test".to_owned(),
        region: "east".to_owned(),
        version: "1.2.3",
    }
}

fn incoming() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(PARENT));
    headers.insert("tracestate", HeaderValue::from_static("vendor=1"));
    headers
}

#[test]
fn without_spans_the_callers_context_passes_through() {
    let mut outgoing = HeaderMap::new();
    propagate(&tracing::Span::none(), &incoming(), &mut outgoing);
    assert_eq!(outgoing, incoming());
    let mut nothing = HeaderMap::new();
    propagate(&tracing::Span::none(), &HeaderMap::new(), &mut nothing);
    assert!(nothing.is_empty());
    assert_eq!(trace_id(&tracing::Span::none()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_reaches_the_collector_and_continues_the_callers_trace() {
    let received: Arc<Mutex<Vec<(String, Bytes)>>> = Arc::default();
    let server = Server::bind("collector", loopback(), Limits::default())
        .await
        .unwrap();
    let endpoint = format!("http://{}/v1/traces", server.local_addr());
    let shutdown = Shutdown::new();
    let kept = received.clone();
    let collect = move |request: Request<hyper::body::Incoming>, _: Peer| {
        let kept = kept.clone();
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            kept.lock().unwrap().push((path, body));
            Response::new(Full::<Bytes>::default())
        }
    };
    let serving = tokio::spawn(server.serve(collect, Response::default, shutdown.clone()));

    let export = otlp::Export::start(&identity(), Some(&endpoint)).unwrap();
    let subscriber = Registry::default().with(export.layer());
    let mut outgoing = HeaderMap::new();
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("proxy request", model = "gpt-test");
        continue_trace(&span, &incoming());
        propagate(&span, &incoming(), &mut outgoing);
        assert_eq!(trace_id(&span).unwrap(), "0af7651916cd43dd8448eb211c80319c");
        tracing::info_span!(target: "hyper", "not ours").in_scope(|| {});
    });
    let handed_on = outgoing["traceparent"].to_str().unwrap();
    assert!(
        handed_on.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{handed_on}"
    );
    assert!(!handed_on.contains("b7ad6b7169203331"), "{handed_on}");
    assert_eq!(outgoing["tracestate"], "vendor=1");
    export.shutdown().await;

    let received = received.lock().unwrap().clone();
    let holds = |text: &str| {
        received
            .iter()
            .any(|(_, body)| body.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    assert_eq!(received[0].0, "/v1/traces");
    for text in [
        "proxy request",
        "gpt-test",
        "node-under-test",
        "foldgate.region",
    ] {
        assert!(holds(text), "{text}");
    }
    assert!(!holds("not ours"));
    shutdown.begin();
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_nothing_up() {
    let export = otlp::Export::start(&identity(), Some("http://127.0.0.1:1/v1/traces")).unwrap();
    let subscriber = Registry::default().with(export.layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("lost").in_scope(|| {});
    });
    export.shutdown().await;
}

#[test]
fn the_format_follows_the_terminal_unless_it_is_set() {
    assert!(LogFormat::Auto.is_pretty(true) && !LogFormat::Auto.is_pretty(false));
    assert!(LogFormat::Pretty.is_pretty(false) && !LogFormat::Json.is_pretty(true));
}
