//! Streams of pictures and of sound: their last event says what was used.

use foldgate_proto::{Dialect, Measure, Quantities, UsageRecord};
use http::{HeaderValue, Method};

use super::{Meter, NOTHING, SECRET};
use crate::upstream::Script;

/// What a stream of pictures used, in the words of its last event.
const USED: &str = r#"{"total_tokens":160,"input_tokens":60,"output_tokens":100,"input_tokens_details":{"text_tokens":10,"image_tokens":50}}"#;

/// A picture on its way, and the whole of it.
fn pictures(kind: &str) -> String {
    format!(
        "event: {kind}.partial_image\ndata: {{\"type\":\"{kind}.partial_image\",\"partial_image_index\":0,\"b64_json\":\"aaaa\"}}\n\n\
         event: {kind}.completed\ndata: {{\"type\":\"{kind}.completed\",\"b64_json\":\"bbbb\",\"usage\":{USED}}}\n\n"
    )
}

const DRAWN: Quantities = Quantities {
    input: 10,
    input_image: 50,
    output_image: 100,
    images: 0,
    ..NOTHING
};

/// The tokens of one answer; how many pictures they make is another count.
fn tokens(records: &[UsageRecord]) -> Quantities {
    let [record] = records else {
        panic!("{records:?}");
    };
    assert_eq!(record.measure, Measure::Reported);
    Quantities {
        images: 0,
        ..record.quantities
    }
}

#[tokio::test]
async fn a_stream_of_pictures_is_billed_by_its_last_event() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let body = r#"{"model":"gpt-image-1","prompt":"x","stream":true,"partial_images":1}"#;
    let script = Script::stream(&pictures("image_generation"));
    let records = meter.call("/v1/images/generations", body, script).await;
    assert_eq!(tokens(&records), DRAWN);
}

/// Edits are forms, and their events have names of their own.
#[tokio::test]
async fn a_stream_of_edited_pictures_passes_and_is_billed_by_its_last_event() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let events = pictures("image_edit");
    meter.upstream.script(SECRET, Script::stream(&events));
    let field = |name: &str, value: &str| {
        format!("--b42\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let form = [
        field("model", "gpt-image-1"),
        field("prompt", "fog"),
        field("stream", "true"),
        field("partial_images", "1"),
        "--b42--\r\n".to_owned(),
    ];
    let caller = &meter.rig.caller;
    let mut request = caller.request(Method::POST, "/v1/images/edits", form.concat());
    let kind = HeaderValue::from_static("multipart/form-data; boundary=b42");
    request.headers_mut().insert("content-type", kind);
    let reply = caller.send(request).await;
    assert_eq!(reply.text(), events);
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert_eq!(tokens(&meter.written()), DRAWN);
}

#[tokio::test]
async fn a_stream_of_speech_is_billed_by_its_last_event() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let events = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"aaaa\"}\n\n\
         data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":101,\"total_tokens\":115}}\n\n";
    let body = r#"{"model":"gpt-4o-mini-tts","input":"hi","voice":"x","stream_format":"sse"}"#;
    let script = Script::stream(events);
    let records = meter.call("/v1/audio/speech", body, script).await;
    let used = tokens(&records);
    assert_eq!((used.input, used.characters), (14, 0));
    assert_eq!(used.output + used.output_audio, 101);
}
