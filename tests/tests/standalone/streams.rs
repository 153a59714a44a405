//! Streams: each event at once, every ending in order.

use std::sync::Arc;
use std::time::Duration;

use foldgate_tests::client::attempt;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{Reply, Settings, holds, sse};
use futures_util::StreamExt;
use http::Method;
use serde_json::json;
use tokio::sync::Notify;

use super::{CHAT, World, streamed};

/// Opens a stream and gives its status and body.
async fn open(world: &World) -> reqwest::Response {
    let request = world.proxy.request(Method::POST, CHAT).json(&streamed("m"));
    let response = request.send().await.expect("a status comes");
    assert_eq!(response.status(), 200);
    response
}

/// Reads until the text has come.
async fn read_until(
    body: &mut (impl futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
    text: &str,
) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let next = tokio::time::timeout(SOON, body.next()).await;
        let part = next.unwrap_or_else(|_| panic!("no {text} within {SOON:?}; so far: {read}"));
        let part = part.unwrap_or_else(|| panic!("the stream ended without {text}: {read}"));
        read.push_str(&String::from_utf8_lossy(&part.expect("it goes on")));
    }
    read
}

/// Reads to the end, whatever it is; the streams of these tests are short.
async fn read_to_end(response: reqwest::Response) -> String {
    let mut body = response.bytes_stream();
    let mut read = String::new();
    while let Some(Ok(part)) = body.next().await {
        read.push_str(&String::from_utf8_lossy(&part));
        assert!(read.len() < 10_000, "the stream does not end: {read}");
    }
    read
}

/// How many events of a stream are errors.
fn errors(read: &str) -> usize {
    let events = sse::events(read.as_bytes());
    events
        .iter()
        .filter(|event| event.contains("\"error\""))
        .count()
}

#[tokio::test]
async fn each_event_is_relayed_at_once() {
    let world = World::new().await;
    let gates: [Arc<Notify>; 2] = Default::default();
    let mut steps = vec![
        Step::chunk("one"),
        Step::Gate(Arc::clone(&gates[0])),
        Step::chunk("two"),
    ];
    steps.extend([
        Step::Gate(Arc::clone(&gates[1])),
        Step::Send(sse::DONE.into()),
    ]);
    world.upstream.next(Reply::stream(steps));
    let mut body = open(&world).await.bytes_stream();
    read_until(&mut body, "one").await;
    gates[0].notify_one();
    read_until(&mut body, "two").await;
    gates[1].notify_one();
    read_until(&mut body, "[DONE]").await;
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn strange_but_legal_streams_pass_unchanged() {
    let world = World::new().await;
    let odd = ": comment\r\n\r\nevent: x\r\nid: 7\r\ndata: {\"a\":1,\r\ndata: \"b\":\"é\"}\r\n\r\ndata:{\"choices\":[]}\n\n\ndata: [DONE]\n\n";
    // Cut inside a character and between CR and LF.
    let bytes = odd.as_bytes();
    let cuts = [
        0,
        11,
        45,
        bytes.iter().position(|b| *b == 0xc3).expect("an é") + 1,
        bytes.len(),
    ];
    let steps = cuts
        .windows(2)
        .flat_map(|cut| {
            [
                Step::Send(bytes[cut[0]..cut[1]].to_vec().into()),
                Step::Pause(Duration::from_millis(30)),
            ]
        })
        .collect();
    world.upstream.next(Reply::stream(steps));
    let mut request = streamed("m");
    request["stream_options"] = json!({"include_usage": true});
    let answer = world.proxy.post(CHAT, &request).await;
    assert_eq!(answer.text(), odd);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_call() {
    let world = World::new().await;
    world
        .upstream
        .next(Reply::stream(vec![Step::chunk("one"), Step::Hang]));
    let mut body = open(&world).await.bytes_stream();
    read_until(&mut body, "one").await;
    drop(body);
    holds("the upstream call ends", SOON, async || {
        world.upstream.last().left()
    })
    .await;
    // Also before the first byte.
    world.upstream.next(Reply::never());
    let request = world.proxy.request(Method::POST, CHAT).json(&streamed("m"));
    assert!(
        attempt("impatient", request.timeout(Duration::from_millis(500)))
            .await
            .is_err()
    );
    world.upstream.called(2).await;
    holds("the upstream call ends", SOON, async || {
        world.upstream.last().left()
    })
    .await;
    // Leaving is nobody's failure.
    assert_eq!(world.admin.conf().await["SleepingKeys"], json!([]));
}

#[tokio::test]
async fn an_error_later_in_a_stream_is_told_in_the_stream() {
    let world = World::new().await;
    world.upstream.next(Reply::error_in_stream(&["one"]));
    let answer = world.proxy.post(CHAT, &streamed("m")).await;
    assert_eq!(answer.status, 200);
    let events = answer.events();
    assert_eq!(sse::chat_text(&events), "one");
    let last = events.last().expect("events");
    assert!(last.contains("\"error\""), "{events:?}");
    assert!(!events.contains(&"[DONE]".to_owned()), "{events:?}");
    assert_eq!(
        world.upstream.count(),
        1,
        "no second try after the first byte"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_and_no_done() {
    let world = World::new().await;
    world.upstream.next(Reply::broken_stream(&["one", "two"]));
    let read = read_to_end(open(&world).await).await;
    assert!(read.contains("one") && read.contains("two"), "{read}");
    assert!(!read.contains("[DONE]"), "{read}");
    assert_eq!(errors(&read), 1, "{read}");
    let events = sse::events(read.as_bytes());
    let last = events.last().expect("events");
    assert!(
        last.contains("\"error\"") && last.contains("upstream"),
        "{events:?}"
    );
    world.admin.sleeping(world.key, SOON).await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_ended() {
    let settings = Settings::standalone().env("FOLDGATE_UPSTREAM_STREAM_IDLE_TIMEOUT", "600ms");
    let world = World::with(settings).await;
    world
        .upstream
        .next(Reply::stream(vec![Step::chunk("one"), Step::Hang]));
    let read = read_to_end(open(&world).await).await;
    assert!(read.contains("one") && !read.contains("[DONE]"), "{read}");
    assert_eq!(errors(&read), 1, "{read}");
    holds("the upstream call ends", SOON, async || {
        world.upstream.last().left()
    })
    .await;
}

#[tokio::test]
async fn sigterm_lets_streams_end() {
    let mut world = World::new().await;
    let gate = Arc::new(Notify::new());
    let steps = vec![
        Step::chunk("before"),
        Step::Gate(Arc::clone(&gate)),
        Step::chunk("after"),
        Step::Send(sse::DONE.into()),
    ];
    world.upstream.next(Reply::stream(steps));
    let mut body = open(&world).await.bytes_stream();
    read_until(&mut body, "before").await;
    let (proxy, status) = (world.proxy.clone(), world.foldgate.status());
    world.foldgate.process().terminate();
    holds("it is no longer ready", SOON, async || {
        let request = status.request(Method::GET, "/readyz");
        attempt("/readyz", request)
            .await
            .map_or(true, |answer| answer.status == 503)
    })
    .await;
    let ends = status.get("/livez?verbose").await;
    assert_eq!(ends.status, 503, "{}", ends.text());
    let said = "[+]ping ok\n[-]shutdown failed: draining\nlivez check failed\n";
    assert_eq!(ends.text(), said);
    holds("it takes no new connection", SOON, async || {
        let request = proxy.request(Method::GET, "/v1/models");
        let request = request.header("connection", "close");
        attempt("new", request)
            .await
            .map_or(true, |answer| answer.status == 503)
    })
    .await;
    world.foldgate.process().must_run();
    gate.notify_one();
    read_until(&mut body, "[DONE]").await;
    assert!(body.next().await.is_none());
    assert!(world.foldgate.process().end(SOON).await.success());
}

#[tokio::test]
async fn sigterm_does_not_wait_for_ever() {
    let settings = Settings::standalone().env("FOLDGATE_DRAIN_TIMEOUT", "1s");
    let mut world = World::with(settings).await;
    world
        .upstream
        .next(Reply::stream(vec![Step::chunk("one"), Step::Hang]));
    let mut body = open(&world).await.bytes_stream();
    read_until(&mut body, "one").await;
    let status = world.foldgate.stop().await;
    assert!(status.code().is_some(), "it ends by itself: {status}");
}
