//! Streams: at once, byte for byte, hidden usage, broken ones, and callers who
//! leave.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;

use crate::rig::{PATIENCE, Rig, settings, until};
use crate::upstream::{Script, Step, Upstream};

const SECRET: &str = "sk-stream-0123456789-0123456789";
const CHUNK: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\r\n\r\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

async fn rig(script: Script) -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    upstream.script(SECRET, script);
    (rig, upstream)
}

fn send(text: &str) -> Step {
    Step::Send(text.to_owned())
}

#[tokio::test]
async fn usage_is_asked_for_and_hidden() {
    let text = format!("{CHUNK}: ping\n\n{USAGE}{DONE}");
    let (rig, upstream) = rig(Script::stream(&text)).await;
    let reply = rig.caller.chat_stream("m").await;
    let shown = CHUNK.replace(",\"usage\":null", "");
    assert_eq!(reply.text(), format!("{shown}: ping\n\n{DONE}"));
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    let asked = String::from_utf8(upstream.asked()[0].body.to_vec()).unwrap();
    assert_eq!(
        asked,
        r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#
    );
}

/// What pads a chunk against those who count its bytes stays where it is.
#[tokio::test]
async fn completions_of_texts_are_asked_for_usage_too() {
    let chunk =
        "data: {\"choices\":[{\"text\":\"a\"}],\"usage\":null,\"obfuscation\":\"x8Yz\"}\n\n";
    let (rig, upstream) = rig(Script::stream(&format!("{chunk}{USAGE}{DONE}"))).await;
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":true}}"#;
    let reply = rig.caller.post("/v1/completions", body).await;
    let shown = chunk.replace(",\"usage\":null", "");
    assert_eq!(reply.text(), format!("{shown}{DONE}"));
    let asked = upstream.asked().pop().unwrap().body;
    assert_eq!(
        asked,
        r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":true}}"#
    );
}

#[tokio::test]
async fn usage_that_was_asked_for_passes_byte_for_byte() {
    let text = format!("\u{feff}{CHUNK}event: x\rdata: y\r\r{USAGE}{DONE}data: rest");
    let (rig, upstream) = rig(Script::stream(&text)).await;
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
    let reply = rig.caller.post("/v1/chat/completions", body).await;
    assert_eq!(reply.text(), text);
    assert_eq!(upstream.asked()[0].body, body);
}

#[tokio::test]
async fn each_event_goes_on_at_once() {
    let go = Arc::new(Notify::new());
    let (first, second) = ("data: {\"a\":1}\n\n", "data: {\"a\":2}\n\n");
    let steps = vec![
        send(first),
        Step::Wait(go.clone()),
        send(second),
        send(DONE),
    ];
    let (rig, _upstream) = rig(Script::events(steps)).await;
    let request = rig.caller.request(
        Method::POST,
        "/v1/completions",
        r#"{"model":"m","stream":true}"#,
    );
    let mut body = rig.caller.open(request).await.into_body();
    let frame = tokio::time::timeout(PATIENCE, body.frame())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(frame.into_data().unwrap(), first);
    go.notify_one();
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!(rest, format!("{second}{DONE}"));
}

#[tokio::test]
async fn events_that_are_ready_together_go_in_few_pieces() {
    let events: Vec<String> = (0..100).map(|n| format!("data: {n}\n\n")).collect();
    let events = [events, vec![DONE.to_owned()]].concat();
    let steps = events.iter().map(|event| send(event)).collect();
    let (rig, _upstream) = rig(Script::events(steps)).await;
    let request = rig.caller.request(
        Method::POST,
        "/v1/completions",
        r#"{"model":"m","stream":true}"#,
    );
    let mut body = rig.caller.open(request).await.into_body();
    let (mut pieces, mut text) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(&frame.unwrap().into_data().unwrap());
        pieces += 1;
    }
    assert_eq!(String::from_utf8(text).unwrap(), events.concat());
    assert!(pieces <= 50, "{pieces} pieces");
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error() {
    let steps = vec![send("data: {\"a\":1}\n\ndata: {\"ha"), Step::Break];
    let (rig, _upstream) = rig(Script::events(steps)).await;
    let text = rig.caller.chat_stream("m").await.text();
    let rest = text.strip_prefix("data: {\"a\":1}\n\ndata: ").unwrap();
    let error: serde_json::Value =
        serde_json::from_str(rest.strip_suffix("\n\n").unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "upstream_stream_broken");
    assert_eq!(error["error"]["type"], "upstream_error");
    assert_eq!(rig.pools.sleeps().all().len(), 1, "the key sleeps");
}

const HALF: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";

#[tokio::test]
async fn a_stream_that_ends_without_an_end_is_broken() {
    for end in ["", "data: {\"ha", USAGE] {
        let (rig, _upstream) = rig(Script::stream(&format!("{HALF}{end}"))).await;
        let text = rig.caller.chat_stream("m").await.text();
        assert!(text.starts_with(HALF), "{text}");
        let last = text.trim_end().rsplit_once("\n\n").unwrap().1;
        let error: serde_json::Value =
            serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(error["error"]["code"], "upstream_stream_broken", "{text}");
        assert_eq!(rig.pools.sleeps().all().len(), 1, "the key sleeps");
    }
}

#[tokio::test]
async fn a_finish_reason_is_an_end() {
    let end = HALF.replace("null", "\"stop\"");
    for text in [
        format!("{HALF}{end}"),
        format!("{HALF}{end}data: {{\"x\":1}}\n\n"),
        end.trim_end().to_owned(),
    ] {
        let (rig, _upstream) = rig(Script::stream(&text)).await;
        assert_eq!(rig.caller.chat_stream("m").await.text(), text);
        assert_eq!(rig.pools.sleeps().all().len(), 0);
    }
}

#[tokio::test]
async fn errors_of_other_shapes_end_the_stream() {
    for error in [
        "event: error\ndata: boom\n\n",
        "data: {\"object\":\"error\",\"message\":\"boom\",\"code\":500}\n\n",
        "data: {\"type\":\"error\",\"message\":\"boom\"}\n\n",
        "data: {\"detail\":\"boom\"}\n\n",
        "data: {\"message\":\"boom\"}\n\n",
    ] {
        let (rig, _upstream) = rig(Script::stream(&format!("{HALF}{error}{HALF}{DONE}"))).await;
        let text = rig.caller.chat_stream("m").await.text();
        let rest = text.strip_prefix(HALF).unwrap();
        let rest = rest.strip_prefix("data: ").unwrap();
        let shown: serde_json::Value = serde_json::from_str(rest.trim_end()).unwrap();
        assert_eq!(shown["error"]["type"], "upstream_error", "{text}");
        assert_eq!(rig.pools.sleeps().all().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn events_of_another_type_are_relayed_at_once() {
    for first in [HALF.to_owned(), format!(": ping\n\n{HALF}")] {
        let go = Arc::new(Notify::new());
        let (head, tail) = first.split_at(3);
        let steps = vec![send(head), send(tail), Step::Wait(go.clone()), send(DONE)];
        let script = Script::events(steps).with("content-type", "text/plain");
        let (rig, _upstream) = rig(script).await;
        let body = r#"{"model":"m","stream":true}"#;
        let request = rig
            .caller
            .request(Method::POST, "/v1/chat/completions", body);
        let answer = rig.caller.open(request).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut body = answer.into_body();
        let mut text = Vec::new();
        while text.len() < first.len() {
            let frame = tokio::time::timeout(PATIENCE, body.frame()).await;
            text.extend(frame.unwrap().unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(String::from_utf8(text).unwrap(), first);
        go.notify_one();
        assert_eq!(body.collect().await.unwrap().to_bytes(), DONE);
    }
}

#[tokio::test]
async fn an_error_in_the_stream_is_told_in_our_words() {
    let error = format!(
        "data: {{\"error\":{{\"message\":\"overloaded {SECRET}\",\"type\":\"server_error\"}}}}\n\n"
    );
    let text = format!("data: {{\"a\":1}}\n\n{error}{DONE}");
    let (rig, _upstream) = rig(Script::stream(&text)).await;
    let text = rig.caller.chat_stream("m").await.text();
    assert!(
        text.contains("overloaded") && text.contains("upstream_error"),
        "{text}"
    );
    assert!(!text.contains(SECRET) && !text.contains("[DONE]"), "{text}");
    assert_eq!(rig.pools.sleeps().all().len(), 1);
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_an_error() {
    let upstream = Upstream::start().await;
    let mut impatient = settings();
    impatient.limits.silence = Duration::from_millis(200);
    let mut rig = Rig::with(impatient).await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    upstream.script(
        SECRET,
        Script::events(vec![send("data: 1\n\n"), Step::Hang]),
    );
    let text = rig.caller.chat_stream("m").await.text();
    assert!(text.starts_with("data: 1\n\ndata: {\"error\""), "{text}");
    until("the upstream saw the call dropped", || upstream.left() == 1).await;
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_the_call_and_hurts_no_key() {
    let (rig, upstream) = rig(Script::events(vec![send("data: 1\n\n"), Step::Hang])).await;
    let request = rig.caller.request(
        Method::POST,
        "/v1/completions",
        r#"{"model":"m","stream":true}"#,
    );
    let mut answer = rig.caller.open(request).await;
    answer.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(upstream.left(), 0);
    drop(answer);
    until("the upstream saw the call dropped", || upstream.left() == 1).await;
    // Also before the answer has begun.
    upstream.clear(SECRET);
    upstream.script(SECRET, Script::hang());
    let waiting = tokio::spawn({
        let caller = rig.caller.clone();
        async move { caller.chat("m").await.status }
    });
    until("the upstream was asked", || upstream.asked().len() == 2).await;
    waiting.abort();
    until("the upstream saw the call dropped", || upstream.left() == 2).await;
    assert_eq!(rig.pools.sleeps().all().len(), 0);
}

#[tokio::test]
async fn a_shutdown_lets_streams_end() {
    let go = Arc::new(Notify::new());
    let steps = vec![send("data: 1\n\n"), Step::Wait(go.clone()), send(DONE)];
    let (rig, _upstream) = rig(Script::events(steps)).await;
    let request = rig.caller.request(
        Method::POST,
        "/v1/completions",
        r#"{"model":"m","stream":true}"#,
    );
    let mut body = rig.caller.open(request).await.into_body();
    body.frame().await.unwrap().unwrap();
    rig.shutdown.begin();
    tokio::task::yield_now().await;
    assert!(!rig.served.is_finished());
    go.notify_one();
    assert_eq!(body.collect().await.unwrap().to_bytes(), DONE);
    tokio::time::timeout(PATIENCE, rig.served)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_large_answer_passes_in_pieces() {
    let piece = "x".repeat(300_000);
    let mut steps = vec![send("{\"data\":\"")];
    steps.extend((0..10).map(|_| send(&piece)));
    steps.push(send("\",\"usage\":{\"total_tokens\":3}}"));
    let script = Script {
        steps,
        ..Script::json(200, "")
    };
    let (rig, _upstream) = rig(script).await;
    let reply = rig.caller.post("/v1/embeddings", r#"{"model":"m"}"#).await;
    assert_eq!(reply.body.len(), 3_000_000 + 9 + 29);
    assert!(reply.text().ends_with("\"usage\":{\"total_tokens\":3}}"));
}

#[tokio::test]
async fn a_large_answer_that_breaks_is_not_taken_for_a_whole_one() {
    let steps = vec![send(&"x".repeat(2_000_000)), Step::Break];
    let script = Script {
        steps,
        ..Script::json(200, "")
    };
    let (rig, _upstream) = rig(script).await;
    let request = rig
        .caller
        .request(Method::POST, "/v1/embeddings", r#"{"model":"m"}"#);
    let answer = rig.caller.open(request).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(rig.pools.sleeps().all().len(), 1);
}
