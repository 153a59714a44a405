//! What an operator sees: access log, metrics, traces, the fleet of one.

use foldgate_tests::client::finish;
use foldgate_tests::poll::SOON;
use foldgate_tests::{FakeUpstream, Reply, Settings, eventually, holds};
use http::Method;
use serde_json::{Value, json};

use super::{CHAT, World, chat};

/// The lines of the log that are about a proxied chat.
fn access_lines(output: &str) -> Vec<Value> {
    output
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line.to_string().contains(CHAT))
        .collect()
}

#[tokio::test]
async fn each_request_is_one_structured_line() {
    let world = World::new().await;
    let answer = world.proxy.post(CHAT, &chat("a-model")).await;
    answer.ok();
    let id = answer.header("x-request-id").expect("an id").to_owned();
    let lines = eventually("the access log", SOON, async || {
        let lines = access_lines(&world.foldgate.output());
        if lines.is_empty() {
            Err("no line".to_owned())
        } else {
            Ok(lines)
        }
    })
    .await;
    let about: Vec<&Value> = lines
        .iter()
        .filter(|line| line.to_string().contains(&id))
        .collect();
    assert_eq!(about.len(), 1, "{lines:?}");
    let text = about[0].to_string();
    for part in ["POST", "200", "a-model"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("hello"), "no content in the log: {text}");
}

#[tokio::test]
async fn the_access_log_can_be_switched_off() {
    let world = World::with(Settings::standalone().env("FOLDGATE_ACCESS_LOG", "false")).await;
    world.proxy.post(CHAT, &chat("m")).await.ok();
    assert!(access_lines(&world.foldgate.output()).is_empty());
}

#[tokio::test]
async fn metrics_count_requests_and_tell_the_revision() {
    let world = World::new().await;
    world.proxy.post(CHAT, &chat("m")).await.ok();
    world.upstream.next(Reply::failing(500));
    world.proxy.post(CHAT, &chat("m")).await;
    let text = world.foldgate.metrics().await;
    let ours: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("foldgate_"))
        .collect();
    assert!(ours.len() > 5, "{text}");
    let revision = world.admin.get("/x-keys").await.revision();
    let line = ours.iter().find(|line| line.contains("revision"));
    assert!(
        line.is_some_and(|line| line.ends_with(&format!(" {revision}"))),
        "{ours:#?}"
    );
    assert!(
        ours.iter().any(|line| line.contains("request")),
        "{ours:#?}"
    );
}

#[tokio::test]
async fn trace_context_passes_through() {
    let world = World::new().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = world.proxy.request(Method::POST, CHAT).json(&chat("m"));
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    finish(CHAT, request).await.ok();
    let seen = world.upstream.last();
    let parent = seen
        .headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    assert!(
        parent.is_some_and(|parent| parent.contains(trace)),
        "{parent:?}"
    );
}

/// The raw bytes of an id, as spans carry them.
fn raw(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.map(|two| std::str::from_utf8(two).map(|two| u8::from_str_radix(two, 16)));
    let bytes: Result<Result<Vec<u8>, _>, _> = bytes.collect();
    bytes.expect("text").expect("hex digits")
}

/// Whether some batch of spans has all of these in it.
fn exported(collector: &FakeUpstream, parts: &[&[u8]]) -> bool {
    let seen = collector.seen();
    let mut batches = seen.iter().filter(|seen| seen.line == "POST /v1/traces");
    batches.any(|batch| {
        let has = |part: &&[u8]| batch.body.windows(part.len()).any(|window| window == *part);
        parts.iter().all(has)
    })
}

#[tokio::test]
async fn spans_of_requests_and_writes_are_exported_in_their_callers_traces() {
    let collector = FakeUpstream::start().await;
    collector.always(Reply::json(200, &json!({})));
    let settings = Settings::standalone()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "200");
    let world = World::with(settings).await;
    let span = "00f067aa0ba902b7";
    let [proxied, written] = [
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "0af7651916cd43dd8448eb211c80319c",
    ];

    let request = world.proxy.request(Method::POST, CHAT).json(&chat("m"));
    let request = request.header("traceparent", format!("00-{proxied}-{span}-01"));
    finish(CHAT, request).await.ok();
    let body = json!({"EMAIL_SMTP": "a.example.com"});
    let request = world.admin.request(Method::PUT, "/x-config").json(&body);
    let request = request.header("traceparent", format!("00-{written}-{span}-01"));
    finish("/x-config", request).await.ok();

    // The upstream is called in the same trace, by our own span in it.
    let seen = world.upstream.last();
    let parent = seen.headers["traceparent"].to_str().expect("text");
    let [_, trace, ours, _] = parent.split('-').collect::<Vec<_>>()[..] else {
        panic!("{parent}");
    };
    assert_eq!(trace, proxied);
    assert_ne!(ours, span);

    for (trace, name, id) in [
        (proxied, &b"proxy"[..], raw(ours)),
        (written, &b"admin.request"[..], raw(span)),
    ] {
        holds("the span arrives", SOON, async || {
            exported(&collector, &[name, &raw(trace), &id, &raw(span)])
        })
        .await;
    }
    // What went over the wire says nothing of what was said.
    assert!(!exported(&collector, &[b"hello"]));
}

#[tokio::test]
async fn the_fleet_of_one_is_itself() {
    let settings = Settings::standalone()
        .env("FOLDGATE_NODE", "alone")
        .env("FOLDGATE_REGION", "here");
    let world = World::with(settings).await;
    let revision = world.admin.get("/x-keys").await.revision();
    let row = foldgate_tests::fleet::row(&world.admin, "alone", |row| {
        row["revision"] == revision && row["state_hash"].is_string()
    })
    .await;
    assert_eq!(row["region"], "here");
    assert_eq!(row["role"], "standalone");
    assert!(row["version"].is_string(), "{row}");
    assert_eq!(row["lag"], 0);
    assert_eq!(row["sleeping"], 0);
    // The row of the process that answers is never older than its answer.
    for number in 0..5 {
        let patch = json!({"EMAIL_SMTP": format!("s{number}.example.com")});
        let revision = world.admin.config(&patch).await.revision();
        let rows = world.admin.fleet().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0]["revision"], revision);
        assert_eq!(rows[0]["lag"], 0);
        assert_eq!(rows[0]["diverged"], false);
    }
    let view = world.admin.get("/admin/v1/fleet").await.ok();
    assert_eq!(view["alarms"], json!([]));
}
