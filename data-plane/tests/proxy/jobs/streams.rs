//! Responses in the background that are streamed.

use foldgate_proto::Measure;
use http::{Method, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{RESPONSES, Works, dollars, done, response, used};
use crate::upstream::{Script, Step};

const BODY: &str = r#"{"model":"mine","input":"x","background":true,"stream":true}"#;

impl Works {
    /// Begins a stream of these events, which then hangs or ends.
    async fn streams(&self, events: &[Value], hangs: bool) -> Response<Incoming> {
        let mut steps: Vec<Step> = events.iter().map(event).collect();
        steps.extend(hangs.then_some(Step::Hang));
        let page = Script::events(steps);
        self.upstream.page(&format!("POST {RESPONSES}"), page);
        let request = self.team.request(Method::POST, RESPONSES, BODY);
        let answer = self.team.open(request).await;
        assert_eq!(answer.status(), 200);
        answer
    }
}

fn event(data: &Value) -> Step {
    let name = data["type"].as_str().unwrap();
    Step::Send(format!("event: {name}\ndata: {data}\n\n"))
}

fn created(response: &Value) -> Value {
    json!({"type": "response.created", "response": response})
}

fn delta(text: &str) -> Value {
    json!({"type": "response.output_text.delta", "delta": text})
}

/// Reads until so many letters `x` have come.
async fn read(answer: &mut Response<Incoming>, letters: usize) {
    let mut came = 0;
    while came < letters {
        let frame = answer.body_mut().frame().await.unwrap().unwrap();
        let data = frame.into_data().unwrap();
        came += data.split(|byte| *byte == b'x').count() - 1;
    }
}

#[tokio::test]
async fn what_came_of_a_stream_is_billed_although_it_is_cancelled() {
    let mut works = Works::new().await;
    // "response.output_text.delta" has an x, too, and stands there twice.
    let events = [
        created(&response("resp_1", "queued")),
        delta(&"x".repeat(400)),
    ];
    let mut answer = works.streams(&events, true).await;
    read(&mut answer, 402).await;
    let cancelled = response("resp_1", "cancelled");
    works.has("/v1/responses/resp_1", &cancelled);
    let page = Script::json(200, &cancelled.to_string());
    let cancel = "/v1/responses/resp_1/cancel";
    works.upstream.page(&format!("POST {cancel}"), page);
    assert_eq!(works.team.post(cancel, "").await.status, 200);
    let record = works.next().await;
    assert_eq!(record.measure, Measure::Estimated);
    assert_eq!(record.quantities, used(15, 100));
    drop(answer);
}

#[tokio::test]
async fn the_text_of_what_was_cancelled_is_billed() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    let mut cancelled = done("resp_1");
    cancelled["status"] = json!("cancelled");
    cancelled["usage"] = Value::Null;
    works.has("/v1/responses/resp_1", &cancelled);
    works.team.get("/v1/responses/resp_1").await;
    let record = works.next().await;
    assert_eq!(record.measure, Measure::Estimated);
    assert_eq!(record.quantities, used(14, 3));
}

/// Nobody need ask the upstream again, which may know nothing of it any more.
#[tokio::test]
async fn the_usage_that_a_stream_brings_is_billed() {
    let mut works = Works::new().await;
    let end = json!({"type": "response.completed", "response": done("resp_1")});
    let answer = works
        .streams(&[created(&response("resp_1", "queued")), end], false)
        .await;
    answer.into_body().collect().await.unwrap();
    let record = works.next().await;
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(16)));
    assert_eq!(record.measure, Measure::Reported);
    assert_eq!(works.upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_stream_of_an_upstream_without_background_is_a_call_like_any() {
    let mut works = Works::new().await;
    for background in [Some(false), None] {
        let mut open = response("resp_1", "in_progress");
        let mut closed = done("resp_1");
        for object in [&mut open, &mut closed] {
            object["background"] = json!(background);
        }
        let end = json!({"type": "response.completed", "response": closed});
        let answer = works.streams(&[created(&open), end], false).await;
        answer.into_body().collect().await.unwrap();
        let batch = works.outbox.next_batch().unwrap().unwrap();
        works.outbox.arrived().unwrap();
        let [record] = &batch.records[..] else {
            panic!("one call: {:?}", batch.records);
        };
        assert!(!record.is_of_job());
        assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(16)));
    }
}
