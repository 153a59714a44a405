//! What streams used: whole ones, and those that end before their end.

use std::sync::Arc;

use foldgate_proto::{Dialect, Measure, Quantities};
use http::Method;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;

use super::{CHAT, Meter, NOTHING};
use crate::upstream::{Script, Step};

const STREAM: &str = r#"{"model":"gpt-4o","stream":true}"#;
const MESSAGES: &str = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#;

fn chunk(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

fn send(text: &str) -> Step {
    Step::Send(text.to_owned())
}

#[tokio::test]
async fn the_last_chunk_counts() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\n";
    let text = format!("{}{usage}data: [DONE]\n\n", chunk("a"));
    let records = meter.call(CHAT, STREAM, Script::stream(&text)).await;
    let used = Quantities {
        input: 4,
        cached: 1,
        output: 2,
        ..NOTHING
    };
    assert_eq!((records.len(), records[0].quantities), (1, used));
    assert_eq!(records[0].measure, Measure::Reported);
}

#[tokio::test]
async fn the_record_is_there_before_the_last_event_leaves() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let go = Arc::new(Notify::new());
    let end = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    // The upstream does not close when it has said all.
    let steps = vec![send(&chunk("a")), send(end), Step::Wait(go.clone())];
    meter.upstream.script(super::SECRET, Script::events(steps));
    let request = meter.rig.caller.request(Method::POST, CHAT, STREAM);
    let mut body = meter.rig.caller.open(request).await.into_body();
    let mut text = String::new();
    while !text.ends_with("[DONE]\n\n") {
        let frame = body.frame().await.expect("a frame").expect("no error");
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    let records = meter.written();
    assert_eq!((records.len(), records[0].quantities.output), (1, 2));
    go.notify_one();
    assert!(body.collect().await.is_ok());
    assert_eq!(meter.written(), []);
}

#[tokio::test]
async fn counts_of_messages_are_cumulative() {
    let mut meter = Meter::new(Dialect::Anthropic).await;
    let text = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":30,\"cache_creation_input_tokens\":4,\"output_tokens\":1}}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"abc\"}}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":6}}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":11}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let script = Script::stream(text);
    let records = meter.call("/v1/messages", MESSAGES, script).await;
    let used = Quantities {
        input: 9,
        cached: 30,
        cache_write: 4,
        output: 11,
        ..NOTHING
    };
    assert_eq!((records.len(), records[0].quantities), (1, used));
    assert_eq!(records[0].measure, Measure::Reported);
}

#[tokio::test]
async fn a_response_that_stays_incomplete_is_counted() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    for end in ["completed", "incomplete", "failed"] {
        let text = format!(
            "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{{\"id\":\"resp_1\"}}}}\n\n\
             event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}}\n\n\
             event: response.{end}\ndata: {{\"type\":\"response.{end}\",\"response\":{{\"id\":\"resp_1\",\"usage\":{{\"input_tokens\":3,\"output_tokens\":4}}}}}}\n\n"
        );
        let body = r#"{"model":"gpt-4o","input":"x","stream":true}"#;
        let records = meter
            .call("/v1/responses", body, Script::stream(&text))
            .await;
        let used = Quantities {
            input: 3,
            output: 4,
            ..NOTHING
        };
        assert_eq!((records.len(), records[0].quantities), (1, used), "{end}");
        assert_eq!(records[0].measure, Measure::Reported, "{end}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_estimated_by_what_came() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let steps = vec![send(&chunk("12345678")), send(&chunk("1234")), Step::Break];
    let records = meter.call(CHAT, STREAM, Script::events(steps)).await;
    let used = Quantities {
        input: 8,
        output: 3,
        ..NOTHING
    };
    assert_eq!((records.len(), records[0].quantities), (1, used));
    assert_eq!(records[0].measure, Measure::Estimated);
    // Of what was counted nothing is forgotten.
    let mut meter = Meter::new(Dialect::Anthropic).await;
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":900,\"output_tokens\":1}}}\n\n";
    let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"12345678\"}}\n\n";
    let steps = vec![send(start), send(delta), Step::Break];
    let records = meter
        .call("/v1/messages", MESSAGES, Script::events(steps))
        .await;
    let used = Quantities {
        input: 900,
        output: 2,
        ..NOTHING
    };
    assert_eq!((records.len(), records[0].quantities), (1, used));
    assert_eq!(records[0].measure, Measure::Estimated);
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_came() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let steps = vec![send(&chunk("12345678")), Step::Hang];
    meter.upstream.script(super::SECRET, Script::events(steps));
    let request = meter.rig.caller.request(Method::POST, CHAT, STREAM);
    let mut body = meter.rig.caller.open(request).await.into_body();
    body.frame().await.expect("a frame").expect("no error");
    drop(body);
    let record = meter.next().await;
    let used = Quantities {
        input: 8,
        output: 2,
        ..NOTHING
    };
    assert_eq!(
        (record.quantities, record.measure),
        (used, Measure::Estimated)
    );
}

#[tokio::test]
async fn a_whole_stream_without_counts_is_estimated() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let text = format!("{}{}data: [DONE]\n\n", chunk("1234"), chunk("12345"));
    let records = meter.call(CHAT, STREAM, Script::stream(&text)).await;
    let used = Quantities {
        input: 8,
        output: 3,
        ..NOTHING
    };
    assert_eq!((records.len(), records[0].quantities), (1, used));
    assert_eq!(records[0].measure, Measure::Estimated);
}

#[tokio::test]
async fn what_failed_behind_a_200_costs_nothing() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let text = "data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n";
    assert_eq!(meter.call(CHAT, STREAM, Script::stream(text)).await, []);
}
