use std::net::SocketAddr;
use std::sync::Arc;

use foldgate_proto::Quantities;
use foldgate_runtime::AccessLog;
use http::{HeaderValue, Request, StatusCode};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::metrics::{Metrics, Tried};
use super::{Account, Books, End};
use crate::error::Problem;
use crate::usage::Usage;

fn books() -> (Books, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let metrics = Arc::new(metrics::with_local_recorder(&recorder, Metrics::new));
    let access = AccessLog::off();
    (Books { metrics, access }, handle)
}

fn open(books: &Books) -> Account {
    let request = Request::post("/v1/chat/completions").body(()).unwrap();
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut account = Account::open(books, &request, peer, HeaderValue::from_static("id"));
    account.endpoint = "chat";
    account
}

fn has(handle: &PrometheusHandle, line: &str) {
    let text = handle.render();
    assert!(
        text.lines().any(|found| found == line),
        "no {line} in\n{text}"
    );
}

#[test]
fn an_answered_request_is_counted_once_with_its_tokens() {
    let (books, handle) = books();
    let mut account = open(&books);
    has(&handle, "foldgate_proxy_in_flight 1");
    account.answer(StatusCode::OK);
    account.end = End::Done;
    account.usage = Some(Usage(Quantities {
        input: 7,
        cached: 3,
        output: 2,
        reasoning: 2,
        ..Quantities::default()
    }));
    drop(account);
    has(&handle, "foldgate_proxy_in_flight 0");
    has(
        &handle,
        "foldgate_proxy_requests_total{endpoint=\"chat\",status=\"2xx\"} 1",
    );
    has(&handle, "foldgate_proxy_ended_total{end=\"ok\"} 1");
    for (kind, count) in [
        ("prompt", 10),
        ("completion", 4),
        ("cached", 3),
        ("reasoning", 2),
    ] {
        has(
            &handle,
            &format!("foldgate_proxy_tokens_total{{kind=\"{kind}\"}} {count}"),
        );
    }
    has(&handle, "foldgate_proxy_first_byte_seconds_count 1");
}

#[test]
fn a_client_that_left_and_a_refusal_are_told_apart() {
    let (books, handle) = books();
    drop(open(&books));
    has(&handle, "foldgate_proxy_ended_total{end=\"client_gone\"} 1");
    has(
        &handle,
        "foldgate_proxy_requests_total{endpoint=\"chat\",status=\"4xx\"} 1",
    );
    let mut account = open(&books);
    account.refuse(&Problem::bad_answer());
    drop(account);
    has(
        &handle,
        "foldgate_proxy_ended_total{end=\"upstream_failed\"} 1",
    );
    has(
        &handle,
        "foldgate_proxy_requests_total{endpoint=\"chat\",status=\"5xx\"} 1",
    );
    has(&handle, "foldgate_proxy_first_byte_seconds_count 0");
}

#[test]
fn every_outcome_of_an_attempt_has_its_counter() {
    let (books, handle) = books();
    for (outcome, name) in [
        (Tried::Answered, "answered"),
        (Tried::ClientFault, "client_fault"),
        (Tried::NotHere, "not_here"),
        (Tried::RateLimit, "rate_limit"),
        (Tried::Upstream, "upstream_error"),
        (Tried::Connect, "connect"),
        (Tried::Timeout, "timeout"),
        (Tried::Exhausted, "exhausted"),
        (Tried::Dead, "dead"),
    ] {
        books.metrics.tried(outcome);
        has(
            &handle,
            &format!("foldgate_proxy_attempts_total{{outcome=\"{name}\"}} 1"),
        );
    }
}
