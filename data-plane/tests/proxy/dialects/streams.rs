//! Streams from one dialect into the other.

use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::Dialect;
use http::Method;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{CHAT, CLAUDE, MESSAGES, OPENAI, add, rig};
use crate::rig::PATIENCE;
use crate::upstream::{Script, Step, Upstream};

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"claude\",\"stop_reason\":null,\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n";
const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
const TEXT: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n";
const REST: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const OVERLOADED: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";

const CHUNKS: &str = "data: {\"id\":\"c\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":null}]}\n\ndata: {\"id\":\"c\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c\",\"model\":\"gpt\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}}\n\ndata: [DONE]\n\n";

const TO_CHAT: &str =
    r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;
const TO_MESSAGES: &str =
    r#"{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#;

/// The data of every event, as JSON where it is some.
fn data(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| line.into()))
        .collect()
}

#[tokio::test]
async fn a_stream_of_anthropics_comes_in_chunks() {
    let whole = format!("{START}{PING}{TEXT}{REST}");
    let (rig, upstream) = rig(Dialect::Anthropic, Script::stream(&whole)).await;
    let reply = rig.caller.post(CHAT, TO_CHAT).await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    let events = data(&reply.text());
    let contents: Vec<_> = events
        .iter()
        .map(|e| &e["choices"][0]["delta"]["content"])
        .collect();
    assert_eq!(contents[..2], ["", "Hi"]);
    assert_eq!(events[2]["choices"][0]["finish_reason"], "stop");
    // The usage chunk comes only when it was asked for.
    assert_eq!(events[3], "[DONE]");
    assert!(!reply.text().contains("usage"));
    let asked = String::from_utf8(upstream.asked()[0].body.to_vec()).unwrap();
    assert!(asked.ends_with(",\"stream\":true}"), "{asked}");

    let body = TO_CHAT.replace("true,", r#"true,"stream_options":{"include_usage":true},"#);
    let events = data(&rig.caller.post(CHAT, body).await.text());
    assert_eq!(events[3]["choices"], serde_json::json!([]));
    assert_eq!(events[3]["usage"]["prompt_tokens"], 7);
    assert_eq!(events[3]["usage"]["completion_tokens"], 2);
    assert_eq!(events[4], "[DONE]");
}

#[tokio::test]
async fn chunks_come_as_a_stream_of_anthropics() {
    let (rig, upstream) = rig(Dialect::OpenAi, Script::stream(CHUNKS)).await;
    let reply = rig.caller.post(MESSAGES, TO_MESSAGES).await;
    let events = data(&reply.text());
    let kinds: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(events[4]["usage"]["input_tokens"], 7);
    let asked = String::from_utf8(upstream.asked()[0].body.to_vec()).unwrap();
    assert!(
        asked.contains(r#""stream_options":{"include_usage":true}"#),
        "{asked}"
    );
}

#[tokio::test]
async fn between_two_that_speak_anthropics_a_stream_passes_byte_for_byte() {
    let odd = "event: vellum\r\ndata: {\"type\":\"vellum\"}\r\n\r\n: a comment\n\n";
    let cited = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":\"char_location\",\"cited_text\":\"Hi\"}}}\n\n";
    let whole = format!("{START}{PING}{odd}{TEXT}{cited}{REST}");
    let (rig, upstream) = rig(Dialect::Anthropic, Script::stream(&whole)).await;
    let reply = rig.caller.post(MESSAGES, TO_MESSAGES).await;
    assert_eq!(reply.text(), whole);
    assert_eq!(upstream.asked()[0].body, TO_MESSAGES);
}

#[tokio::test]
async fn each_translated_event_goes_on_at_once() {
    let go = Arc::new(Notify::new());
    let steps = vec![
        Step::Send(format!("{START}{TEXT}")),
        Step::Wait(go.clone()),
        Step::Send(REST.to_owned()),
    ];
    let (rig, _) = rig(Dialect::Anthropic, Script::events(steps)).await;
    let request = rig.caller.request(Method::POST, CHAT, TO_CHAT);
    let mut body = rig.caller.open(request).await.into_body();
    let mut got = String::new();
    while !got.contains("Hi") {
        let frame = timeout(PATIENCE, body.frame())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        got.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    assert!(!got.contains("[DONE]"));
    go.notify_one();
    let rest = timeout(PATIENCE, body.collect()).await.unwrap().unwrap();
    let rest = String::from_utf8(rest.to_bytes().to_vec()).unwrap();
    assert!(rest.ends_with("data: [DONE]\n\n"), "{rest}");
}

/// A frame of the message alone is no answer: an error behind it fails over.
#[tokio::test]
async fn an_error_before_the_first_piece_fails_over() {
    for (path, body) in [(CHAT, TO_CHAT), (MESSAGES, TO_MESSAGES)] {
        let whole = format!("{START}{PING}{OVERLOADED}");
        let (mut rig, claude) = rig(Dialect::Anthropic, Script::stream(&whole)).await;
        let openai = Upstream::start().await;
        add(&mut rig, &openai, Dialect::OpenAi).await;
        openai.script(OPENAI, Script::stream(CHUNKS));
        while claude.asked().is_empty() {
            let text = rig.caller.post(path, body).await.text();
            assert!(text.contains("Hi"), "{text}");
            assert!(!text.contains("msg_1"), "{text}");
            assert!(openai.asked().len() < 9);
        }
        assert_eq!(rig.pools.sleeps().all().len(), 1);
    }
}

#[tokio::test]
async fn an_error_in_the_midst_is_told_in_the_callers_dialect() {
    let whole = format!("{START}{TEXT}{OVERLOADED}{REST}");
    let (claude, _) = rig(Dialect::Anthropic, Script::stream(&whole)).await;
    let events = data(&claude.caller.post(CHAT, TO_CHAT).await.text());
    let error = &events.last().unwrap()["error"];
    assert_eq!(error["message"], "Overloaded");
    assert_eq!(error["code"], "overloaded_error");

    let (claude, _) = rig(Dialect::Anthropic, Script::stream(&whole)).await;
    let text = claude.caller.post(MESSAGES, TO_MESSAGES).await.text();
    assert!(
        text.starts_with(&format!("{START}{TEXT}event: error\n")),
        "{text}"
    );
    let error = data(&text).pop().unwrap();
    assert_eq!(error["error"]["type"], "overloaded_error");

    let first = CHUNKS.split_inclusive("\n\n").next().unwrap();
    let whole = format!("{first}data: {{\"error\":{{\"message\":\"oh\",\"code\":502}}}}\n\n");
    let (openai, _) = rig(Dialect::OpenAi, Script::stream(&whole)).await;
    let text = openai.caller.post(MESSAGES, TO_MESSAGES).await.text();
    let error = data(&text).pop().unwrap();
    assert_eq!(
        (&error["type"], &error["error"]["message"]),
        (&"error".into(), &"oh".into())
    );
    assert!(!text.contains("message_stop"));
}

#[tokio::test]
async fn a_stream_that_ends_without_an_end_is_broken() {
    let whole = format!("{START}{TEXT}");
    for (path, body) in [(CHAT, TO_CHAT), (MESSAGES, TO_MESSAGES)] {
        let (rig, _) = rig(Dialect::Anthropic, Script::stream(&whole)).await;
        let error = data(&rig.caller.post(path, body).await.text())
            .pop()
            .unwrap();
        assert_eq!(error["error"]["message"], "the provider's answer broke off");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_ends_the_upstreams_stream() {
    let steps = vec![Step::Send(format!("{START}{TEXT}")), Step::Hang];
    let (rig, upstream) = rig(Dialect::Anthropic, Script::events(steps)).await;
    let request = rig.caller.request(Method::POST, CHAT, TO_CHAT);
    let mut body = rig.caller.open(request).await.into_body();
    timeout(PATIENCE, body.frame())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    drop(body);
    crate::rig::until("the upstream's stream is dropped", || upstream.left() == 1).await;
    assert!(rig.pools.sleeps().all().is_empty());
    upstream.clear(CLAUDE);
    let whole = format!("{START}{TEXT}{REST}");
    upstream.script(CLAUDE, Script::stream(&whole));
    let soon = timeout(Duration::from_secs(20), rig.caller.post(CHAT, TO_CHAT));
    assert_eq!(soon.await.unwrap().status, 200);
}
