//! Shapes of usage that upstreams have of their own.

use foldgate_proto::{Dialect, Measure, NanoDollars, Quantities};

use super::{CHAT, Meter, NOTHING, json};
use crate::upstream::{Script, Step};

const CHATTING: &str = r#"{"model":"gpt-4o"}"#;
const STREAMED: &str = r#"{"model":"gpt-4o","stream":true}"#;

#[tokio::test]
async fn usage_that_a_stream_has_only_within_its_choice_is_billed() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":null}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":20,\"total_tokens\":1020}}]}\n\n\
        data: [DONE]\n\n";
    let records = meter.call(CHAT, STREAMED, Script::stream(stream)).await;
    assert_eq!(records[0].measure, Measure::Reported);
    assert_eq!(records[0].cost, NanoDollars(1000 * 2500 + 20 * 10_000));
}

/// Whole, streamed and embedded: nobody is billed nothing for something.
#[tokio::test]
async fn zeros_beside_an_answer_are_no_count() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let zeros = r#""usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#;
    let whole = format!(r#"{{"choices":[{{"message":{{"content":"twelve chars"}}}}],{zeros}}}"#);
    let streamed = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"twelve chars\"}},\"finish_reason\":\"stop\"}}]}}\n\n\
         data: {{\"choices\":[],{zeros}}}\n\ndata: [DONE]\n\n"
    );
    for (body, script) in [
        (CHATTING, json(&whole)),
        (STREAMED, Script::stream(&streamed)),
    ] {
        let records = meter.call(CHAT, body, script).await;
        let used = Quantities {
            input: (body.len() as u64).div_ceil(4),
            output: 3,
            ..NOTHING
        };
        assert_eq!(records[0].quantities, used, "{body}");
        assert_eq!(records[0].measure, Measure::Estimated);
    }
    let body = r#"{"model":"text-embedding-3-small","input":"x"}"#;
    let answer = format!(r#"{{"data":[{{"embedding":[0.5]}}],{zeros}}}"#);
    let records = meter.call("/v1/embeddings", body, json(&answer)).await;
    assert_eq!(
        (records[0].quantities.input, records[0].measure),
        (12, Measure::Estimated)
    );
    // An answer that has nothing may have cost nothing.
    let empty = format!(r#"{{"choices":[{{"message":{{"content":""}}}}],{zeros}}}"#);
    let records = meter.call(CHAT, CHATTING, json(&empty)).await;
    assert_eq!(
        (records[0].quantities, records[0].measure),
        (NOTHING, Measure::Reported)
    );
}

#[tokio::test]
async fn searches_of_a_response_are_billed() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let output = r#"[{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}},{"type":"file_search_call"}]"#;
    let response = format!(
        r#"{{"id":"resp_1","status":"completed","output":{output},"usage":{{"input_tokens":10,"output_tokens":1,"total_tokens":11}}}}"#
    );
    let event = |name: &str| {
        format!("event: {name}\ndata: {{\"type\":\"{name}\",\"response\":{response}}}\n\n")
    };
    let stream = format!(
        "{}{}",
        event("response.created"),
        event("response.completed")
    );
    for (body, script) in [
        (r#"{"model":"gpt-5","input":"x"}"#, json(&response)),
        (
            r#"{"model":"gpt-5","input":"x","stream":true}"#,
            Script::stream(&stream),
        ),
    ] {
        let records = meter.call("/v1/responses", body, script).await;
        let used = records[0].quantities;
        assert_eq!((used.input, used.output, used.searches), (10, 1, 2));
        // 1.25 and 10 dollars for a million, and 0.01 for a search.
        assert_eq!(
            records[0].cost,
            NanoDollars(10 * 1250 + 10_000 + 2 * 10_000_000)
        );
    }
}

/// A response that is cut has made its searches all the same.
#[tokio::test]
async fn searches_of_a_response_that_breaks_off_are_billed() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let event = |name: &str, rest: &str| {
        Step::Send(format!(
            "event: {name}\ndata: {{\"type\":\"{name}\",{rest}}}\n\n"
        ))
    };
    let item = |item: &str| event("response.output_item.done", &format!("\"item\":{item}"));
    let steps = vec![
        event("response.created", r#""response":{"id":"resp_1"}"#),
        item(r#"{"type":"web_search_call","action":{"type":"search"}}"#),
        item(r#"{"type":"reasoning"}"#),
        item(r#"{"type":"web_search_call","action":{"type":"search"}}"#),
        event("response.output_text.delta", r#""delta":"12345678""#),
        Step::Break,
    ];
    let body = r#"{"model":"gpt-5","input":"x","stream":true}"#;
    let records = meter
        .call("/v1/responses", body, Script::events(steps))
        .await;
    let used = records[0].quantities;
    assert_eq!(records[0].measure, Measure::Estimated);
    assert_eq!((used.output, used.searches), (2, 2));
    let read = (body.len() as u64).div_ceil(4);
    let cost = i64::try_from(read).unwrap() * 1250 + 2 * 10_000 + 2 * 10_000_000;
    assert_eq!(records[0].cost, NanoDollars(cost));
}
