//! What is billed of forms.

use foldgate_proto::{Dialect, Measure, NanoDollars};
use http::StatusCode;
use http_body_util::BodyExt as _;

use super::{Meter, json};
use crate::forms::{asking, field, file, form, send};
use crate::upstream::{Script, Step};

const SECRET: &str = super::SECRET;
const DRAWN: &str = r#"{"created":1,"data":[{"b64_json":""},{"b64_json":""}]}"#;

/// The fields may stand before the file or behind it, and the file be longer than what is
/// held of a form.
#[tokio::test]
async fn images_are_priced_by_what_their_form_says_wherever_it_says_it() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let said = [
        field("n", "2"),
        field("size", "1024x1536"),
        field("quality", "low"),
    ];
    let model = field("model", "gpt-image-1");
    for path in ["/v1/images/edits", "/v1/images/variations"] {
        for long in [1_000, 3_000_000] {
            let mut first = vec![model.clone()];
            first.extend(said.clone());
            let mut last = vec![model.clone(), file(long)];
            last.extend(said.clone());
            let [n, size, quality] = said.clone();
            let around = vec![quality, model.clone(), n, file(long), size];
            for parts in [[first, vec![file(long)]].concat(), last, around] {
                meter.upstream.clear(SECRET);
                meter.upstream.script(SECRET, json(DRAWN));
                let reply = send(&meter.rig, path, form(&parts)).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
                let [record] = &meter.written()[..] else {
                    panic!("not one record");
                };
                assert_eq!(record.quantities.images, 2);
                assert_eq!(record.image_size.as_deref(), Some("low:1024x1536"));
                assert_eq!(record.cost, NanoDollars(2 * 16_000_000));
                assert_eq!(record.measure, Measure::Reported);
            }
        }
    }
}

/// The answer's own times, else how the file's name ends.
#[tokio::test]
async fn what_was_heard_is_as_long_as_its_times_or_its_file_say() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let srt = "1\n00:00:00,000 --> 00:59:59,500\nHello\n";
    let vtt = "WEBVTT\n\n00:00.000 --> 01:30.000\nHello\n";
    let verbose = r#"{"text":"Hello","segments":[{"start":0,"end":12.5}]}"#;
    let sound = |name: &str, bytes: usize| {
        let head = format!(
            "--b42\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        [head.as_bytes(), &vec![1; bytes], b"\r\n"].concat()
    };
    let model = field("model", "whisper-1");
    for (name, kind, answer, wanted) in [
        ("a.mp3", "application/x-subrip", srt, Ok(3_599_500)),
        ("a.mp3", "text/vtt", vtt, Ok(90_000)),
        ("a.mp3", "application/json", verbose, Ok(12_500)),
        ("a.mp3", "text/plain", "Hello", Err(16)),
        ("A.Opus", "text/plain", "Hello", Err(4)),
        ("a.m4a", "text/plain", "Hello", Err(8)),
        ("a.wav", "text/plain", "Hello", Err(16)),
    ] {
        for last in [false, true] {
            let file = sound(name, 64_000);
            let parts = if last {
                [file, model.clone()]
            } else {
                [model.clone(), file]
            };
            let form = form(&parts);
            // What is not timed has a second for so many thousand bytes.
            let wanted = match wanted {
                Ok(wanted) => wanted,
                Err(bytes) => form.len() as u64 / bytes,
            };
            meter.upstream.clear(SECRET);
            meter.upstream.script(SECRET, Script::bytes(kind, answer));
            let reply = send(&meter.rig, "/v1/audio/transcriptions", form).await;
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
            let record = &meter.written()[0];
            assert_eq!(record.quantities.sound_ms, wanted, "{name} {kind}");
            assert_eq!(record.measure, Measure::Estimated, "{name} {kind}");
        }
    }
}

#[tokio::test]
async fn a_form_says_only_once_what_it_is_priced_by() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let model = field("model", "gpt-image-1");
    meter.upstream.script(SECRET, json(DRAWN));
    for name in ["n", "size", "quality"] {
        let twice = [field(name, "1"), model.clone(), file(10), field(name, "2")];
        let reply = send(&meter.rig, "/v1/images/edits", form(&twice)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.text().contains(&format!("{name} is given twice")));
    }
    assert_eq!(meter.written(), []);
    // Nobody counts what a stream brings that breaks off: it is what the form asks for.
    let form = form(&[
        model,
        file(10),
        field("n", "3"),
        field("size", "1536x1024"),
        field("quality", "medium"),
        field("stream", "true"),
    ]);
    meter.upstream.clear(SECRET);
    let piece =
        "event: image_edit.partial_image\ndata: {\"type\":\"image_edit.partial_image\"}\n\n";
    let steps = vec![Step::Send(piece.to_owned()), Step::Break];
    meter.upstream.script(SECRET, Script::events(steps));
    let reply = meter
        .rig
        .caller
        .open(asking(&meter.rig, "/v1/images/edits", form))
        .await;
    let _ = reply.into_body().collect().await;
    let record = meter.next().await;
    assert_eq!(
        (record.quantities.images, record.measure),
        (3, Measure::Estimated)
    );
    assert_eq!(record.cost, NanoDollars(3 * 63_000_000));
}
