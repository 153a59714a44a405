//! Forms with files: relayed while they come, the model read and rewritten wherever it
//! stands.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldgate_proto::{Config, Measure};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::mpsc;

use crate::client::Reply;
use crate::rig::{KEY, Rig, settings, until};
use crate::upstream::{Script, Upstream};

const SECRET: &str = "sk-forms-0123456789-0123456789";
const OTHER: &str = "sk-forms-other-0123456789-012345";
const TRANSCRIBE: &str = "/v1/audio/transcriptions";

async fn rig() -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    (rig, upstream)
}

pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    format!("--b42\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into()
}

pub(crate) fn file(size: usize) -> Vec<u8> {
    let head = "--b42\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n";
    let mut part = head.as_bytes().to_vec();
    part.extend((0..size).map(|n| u8::try_from(n * 7 % 256).unwrap()));
    part.extend(b"\r\n");
    part
}

pub(crate) fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut form = parts.concat();
    form.extend(b"--b42--\r\n");
    form
}

pub(crate) fn asking(rig: &Rig, path: &str, form: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = rig.caller.request(Method::POST, path, form);
    let kind = HeaderValue::from_static("multipart/form-data; boundary=b42");
    request.headers_mut().insert("content-type", kind);
    request
}

pub(crate) async fn send(rig: &Rig, path: &str, form: Vec<u8>) -> Reply {
    rig.caller.send(asking(rig, path, form)).await
}

/// A form that comes as it is told to.
struct Slow {
    pieces: mpsc::UnboundedSender<Bytes>,
    reply: tokio::task::JoinHandle<Reply>,
}

impl Slow {
    fn start(rig: &Rig, path: &str) -> Self {
        let (pieces, coming) = mpsc::unbounded_channel();
        let frames = futures_util::stream::unfold(coming, |mut coming| async move {
            let piece: Bytes = coming.recv().await?;
            Some((
                Ok::<_, std::convert::Infallible>(Frame::data(piece)),
                coming,
            ))
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}{path}", rig.address))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "multipart/form-data; boundary=b42")
            .body(StreamBody::new(frames).boxed_unsync())
            .unwrap();
        let reply = tokio::spawn(async move {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let (parts, body) = client.request(request).await.unwrap().into_parts();
            Reply {
                status: parts.status,
                headers: parts.headers,
                body: body.collect().await.unwrap().to_bytes(),
            }
        });
        Self { pieces, reply }
    }

    fn send(&self, piece: Vec<u8>) {
        self.pieces.send(piece.into()).unwrap();
    }

    async fn end(self) -> Reply {
        drop(self.pieces);
        self.reply.await.unwrap()
    }
}

#[tokio::test]
async fn a_form_passes_byte_for_byte_wherever_its_model_stands() {
    let (rig, upstream) = rig().await;
    upstream.script(SECRET, Script::json(200, r#"{"text":"hello"}"#));
    for path in [
        TRANSCRIBE,
        "/audio/translations",
        "/v1/images/edits",
        "/images/variations",
    ] {
        for parts in [
            [field("model", "whisper-1"), file(50_000)],
            [file(50_000), field("model", "whisper-1")],
        ] {
            let form = form(&parts);
            let reply = send(&rig, path, form.clone()).await;
            assert_eq!(reply.text(), r#"{"text":"hello"}"#);
            let asked = upstream.asked().pop().unwrap();
            assert_eq!(
                asked.path,
                format!("/v1{}", path.strip_prefix("/v1").unwrap_or(path))
            );
            assert_eq!(asked.body, form);
            let kind = &asked.headers["content-type"];
            assert_eq!(kind, "multipart/form-data; boundary=b42");
            assert_eq!(asked.headers["content-length"], form.len().to_string());
        }
    }
}

#[tokio::test]
async fn only_the_mapped_model_of_a_form_changes() {
    let (mut rig, upstream) = rig().await;
    rig.config(Config {
        model_mapper: Some(
            [
                ("nice".to_owned(), "whisper-large-v3".to_owned()),
                ("dall-e-2".to_owned(), "gpt-image-1".to_owned()),
            ]
            .into(),
        ),
        ..Config::default()
    })
    .await;
    let forms = |model: &str| {
        [
            form(&[field("model", model), field("language", "en"), file(5000)]),
            form(&[field("language", "en"), file(5000), field("model", model)]),
        ]
    };
    for (before, after) in forms("nice").into_iter().zip(forms("whisper-large-v3")) {
        assert_eq!(send(&rig, TRANSCRIBE, before).await.status, 200);
        let asked = upstream.asked().pop().unwrap();
        assert_eq!(asked.body, after);
        assert_eq!(asked.headers["content-length"], after.len().to_string());
    }
    // One that leaves the model out is given the usual one only if that is mapped.
    let without = form(&[field("prompt", "fog"), file(5000)]);
    assert_eq!(
        send(&rig, "/v1/images/edits", without.clone()).await.status,
        200
    );
    let sent = upstream.asked().pop().unwrap().body;
    let given = b"--b42\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ngpt-image-1\r\n";
    assert_eq!(sent, [given.as_slice(), &without].concat());
    let reply = send(&rig, TRANSCRIBE, without).await;
    assert_eq!(reply.json()["error"]["param"], "model");
}

#[tokio::test]
async fn a_large_form_is_relayed_while_it_comes() {
    let (rig, upstream) = rig().await;
    let slow = Slow::start(&rig, TRANSCRIBE);
    slow.send(field("model", "whisper-1"));
    // More than a body may have that is held.
    let file = file(5 * 1024 * 1024);
    for piece in file.chunks(64 * 1024) {
        slow.send(piece.to_vec());
    }
    until("the upstream is called", || upstream.begun() == 1).await;
    slow.send(b"--b42--\r\n".to_vec());
    assert_eq!(slow.end().await.status, 200);
    let asked = upstream.asked().pop().unwrap();
    assert_eq!(asked.body, form(&[field("model", "whisper-1"), file]));
}

#[tokio::test]
async fn a_model_behind_too_large_a_file_is_refused_with_what_to_do() {
    let (rig, upstream) = rig().await;
    let form = form(&[file(2 * 1024 * 1024), field("model", "whisper-1")]);
    let reply = send(&rig, TRANSCRIBE, form).await;
    assert_eq!(reply.code(), (413, "request_too_large".to_owned()));
    assert!(reply.text().contains("before the file"), "{}", reply.text());
    assert_eq!(upstream.asked().len(), 0);
}

#[tokio::test]
async fn a_second_model_breaks_the_form_off_and_blames_no_key() {
    let (rig, upstream) = rig().await;
    let whole = form(&[field("model", "a"), file(3000), field("model", "b")]);
    let reply = send(&rig, TRANSCRIBE, whole.clone()).await;
    assert_eq!(reply.json()["error"]["message"], "model is given twice");
    let slow = Slow::start(&rig, TRANSCRIBE);
    slow.send([field("model", "a"), file(3000)].concat());
    until("the upstream is called", || upstream.begun() == 1).await;
    slow.send(field("model", "b"));
    let reply = slow.end().await;
    assert_eq!(reply.code(), (400, "invalid_request".to_owned()));
    assert_eq!(reply.json()["error"]["param"], "model");
    assert!(
        rig.pools.sleeps().all().is_empty(),
        "it was the client's fault"
    );
}

#[tokio::test]
async fn a_short_form_goes_to_the_next_key() {
    let (mut rig, upstream) = rig().await;
    rig.key(1, &upstream, OTHER).await;
    upstream.script(SECRET, Script::json(500, "{}"));
    upstream.script(OTHER, Script::json(200, r#"{"text":"ok"}"#));
    let short = form(&[field("model", "m"), file(100_000)]);
    for _ in 0..2 {
        let reply = send(&rig, TRANSCRIBE, short.clone()).await;
        assert_eq!(reply.text(), r#"{"text":"ok"}"#);
    }
    let asked = upstream.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.body == short));
}

#[tokio::test]
async fn a_form_that_is_no_longer_held_goes_to_one_key_only() {
    let (mut rig, upstream) = rig().await;
    rig.key(1, &upstream, OTHER).await;
    for secret in [SECRET, OTHER] {
        upstream.script(secret, Script::json(500, "{}"));
    }
    let long = form(&[field("model", "m"), file(3 * 1024 * 1024)]);
    let reply = send(&rig, TRANSCRIBE, long).await;
    assert_eq!(reply.status, 502);
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_slow_client_is_not_the_upstreams_fault() {
    let mut hasty = settings();
    hasty.limits.first_byte = Duration::from_millis(300);
    let upstream = Upstream::start().await;
    let mut rig = Rig::with(hasty).await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    let slow = Arc::new(Slow::start(&rig, TRANSCRIBE));
    slow.send(field("model", "m"));
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..10 {
        tick.tick().await;
        slow.send(field("x", "y"));
    }
    slow.send(b"--b42--\r\n".to_vec());
    let slow = Arc::into_inner(slow).unwrap();
    assert_eq!(slow.end().await.status, 200);
    assert!(rig.pools.sleeps().all().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_in_the_midst_of_a_form_blames_no_key() {
    let (rig, upstream) = rig().await;
    let slow = Slow::start(&rig, TRANSCRIBE);
    slow.send([field("model", "m"), file(3000)].concat());
    until("the upstream is called", || upstream.begun() == 1).await;
    slow.reply.abort();
    drop(slow.pieces);
    until("the call is cancelled", || upstream.broken() == 1).await;
    assert!(rig.pools.sleeps().all().is_empty());
}

#[tokio::test]
async fn transcripts_come_as_the_client_wants_them() {
    let (rig, upstream) = rig().await;
    let vtt = "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n";
    let events = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"he\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"hello\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":1,\"output_tokens\":2}}\n\n";
    for (kind, body) in [
        ("text/plain; charset=utf-8", "hello\n"),
        ("text/vtt", vtt),
        (
            "application/x-subrip",
            "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
        ),
        (
            "application/json",
            r#"{"text":"hello","usage":{"type":"duration","seconds":7}}"#,
        ),
        ("text/event-stream", events),
    ] {
        upstream.clear(SECRET);
        upstream.script(SECRET, Script::bytes(kind, body));
        let form = form(&[field("model", "m"), field("stream", "true"), file(100)]);
        let reply = send(&rig, TRANSCRIBE, form).await;
        assert_eq!(
            (reply.text().as_str(), reply.header("content-type")),
            (body, Some(kind))
        );
    }
    let written = rig.spool.outbox().unwrap().next_batch().unwrap().unwrap();
    let used: Vec<_> = written
        .records
        .iter()
        .map(|record| {
            let used = record.quantities;
            (record.measure, used.sound_ms, used.input, used.output)
        })
        .collect();
    // Where nobody says how long it was, its bytes do: 16,000 of them are a second. The
    // forms for subtitles say when the last word ends.
    let bytes = form(&[field("model", "m"), field("stream", "true"), file(100)]);
    let guessed = (Measure::Estimated, bytes.len() as u64 / 16, 0, 0);
    let expected = [
        guessed,
        (Measure::Estimated, 1_000, 0, 0),
        (Measure::Estimated, 1_000, 0, 0),
        (Measure::Reported, 7_000, 0, 0),
        (Measure::Reported, 0, 1, 2),
    ];
    assert_eq!(used, expected);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let (rig, upstream) = rig().await;
    let reply = rig.caller.post(TRANSCRIBE, r#"{"model":"m"}"#).await;
    assert_eq!(reply.code(), (415, "unsupported_media_type".to_owned()));
    for body in ["no form", "--b42\r\n\r\nx", "--b42--"] {
        let reply = send(&rig, TRANSCRIBE, body.into()).await;
        assert_eq!(reply.status, 400, "{body:?}");
    }
    assert_eq!(upstream.asked().len(), 0);
}
