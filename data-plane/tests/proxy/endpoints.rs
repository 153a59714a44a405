//! Every endpoint of the table, once: where it goes, and what comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use foldgate_proto::Config;
use http::Method;
use serde_json::json;
use tokio::sync::Notify;

use crate::rig::Rig;
use crate::upstream::{Script, Step, Upstream};

const SECRET: &str = "sk-endpoints-0123456789-0123456789";

async fn rig() -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    (rig, upstream)
}

#[tokio::test]
async fn json_calls_go_where_they_are_named_and_only_their_model_changes() {
    let (rig, upstream) = rig().await;
    for path in [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/images/generations",
        "/v1/audio/speech",
        "/v1/moderations",
        "/v1/rerank",
    ] {
        for path in [path, path.strip_prefix("/v1").unwrap()] {
            let body = r#"{ "x":1.0, "model":"m", "encoding_format":"base64" }"#;
            let reply = rig.caller.post(path, body).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            let asked = upstream.asked().pop().unwrap();
            let full = format!("/v1{}", path.strip_prefix("/v1").unwrap_or(path));
            assert_eq!((asked.method, asked.path), (Method::POST, full));
            assert_eq!(asked.body, body);
        }
    }
    let reply = rig
        .caller
        .post("/v2/chat/completions", r#"{"model":"m"}"#)
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(upstream.asked().pop().unwrap().path, "/v1/chat/completions");
}

/// Vectors in base64 are text that nobody here reads.
#[tokio::test]
async fn vectors_in_base64_pass_as_they_are() {
    let (rig, upstream) = rig().await;
    let answer = r#"{"object":"list","data":[{"embedding":"AACAPgAAAL8AAIA/","index":0}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    upstream.script(SECRET, Script::json(200, answer));
    let body = r#"{"model":"m","input":"x","encoding_format":"base64"}"#;
    let reply = rig.caller.post("/v1/embeddings", body).await;
    assert_eq!(reply.text(), answer);
    assert_eq!(upstream.asked().pop().unwrap().body, body);
}

#[tokio::test]
async fn a_model_that_may_be_left_out_is_the_usual_one() {
    let (mut rig, upstream) = rig().await;
    let body = r#"{"input":"x"}"#;
    assert_eq!(rig.caller.post("/v1/moderations", body).await.status, 200);
    assert_eq!(upstream.asked().pop().unwrap().body, body);
    rig.config(Config {
        model_mapper: Some([("omni*".to_owned(), "mod-2".to_owned())].into()),
        ..Config::default()
    })
    .await;
    for (body, sent) in [
        (r#"{"input":"x"}"#, r#"{"model":"mod-2","input":"x"}"#),
        (" { } ", r#" {"model":"mod-2" } "#),
        (r#"{"model":null,"a":1}"#, r#"{"model":"mod-2","a":1}"#),
    ] {
        assert_eq!(rig.caller.post("/v1/moderations", body).await.status, 200);
        assert_eq!(upstream.asked().pop().unwrap().body, sent);
    }
    let reply = rig.caller.post("/v1/rerank", r#"{"query":"x"}"#).await;
    assert_eq!(reply.code(), (400, "invalid_request".to_owned()));
    assert_eq!(reply.json()["error"]["param"], "model");
}

#[tokio::test]
async fn the_model_of_a_realtime_session_is_mapped_where_it_stands() {
    let (mut rig, upstream) = rig().await;
    rig.config(Config {
        model_mapper: Some([("rt".to_owned(), "gpt-realtime".to_owned())].into()),
        ..Config::default()
    })
    .await;
    let body = r#"{"expires_after":{"seconds":60},"session":{"type":"realtime","model":"rt"}}"#;
    let path = "/v1/realtime/client_secrets";
    assert_eq!(rig.caller.post(path, body).await.status, 200);
    let asked = upstream.asked().pop().unwrap();
    assert_eq!(asked.path, path);
    assert_eq!(asked.body, body.replace("\"rt\"", "\"gpt-realtime\""));
    let reply = rig.caller.post(path, "{}").await;
    assert_eq!(reply.json()["error"]["param"], "session");
}

#[tokio::test]
async fn an_upstream_without_an_endpoint_is_passed_over() {
    let (mut rig, upstream) = rig().await;
    let other = Upstream::start().await;
    rig.key(1, &other, "sk-other-0123456789-0123456789").await;
    upstream.script(SECRET, Script::json(404, r#"{"detail":"Not Found"}"#));
    for _ in 0..2 {
        let reply = rig.caller.post("/v1/rerank", r#"{"model":"m"}"#).await;
        assert_eq!(reply.status, 200);
    }
    assert!(upstream.asked().len() <= 1, "it sleeps for this model");
}

#[tokio::test]
async fn speech_passes_as_bytes_from_its_first_piece() {
    let (rig, upstream) = rig().await;
    let sound: Vec<u8> = (0..100_000u32)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    let (first, second) = sound.split_at(40_000);
    let go = Arc::new(Notify::new());
    let pieces = [first, second].map(Bytes::copy_from_slice);
    upstream.script(SECRET, Script::pieces("audio/mpeg", pieces, &go));
    let body = r#"{"model":"tts-1","input":"hi","voice":"alloy"}"#;
    let request = rig.caller.request(Method::POST, "/v1/audio/speech", body);
    let reply = rig.caller.in_pieces(request, first, &go).await;
    assert_eq!(reply.header("content-type"), Some("audio/mpeg"));
    assert_eq!(reply.body, sound);
}

#[tokio::test]
async fn speech_that_hides_an_error_fails_over() {
    let (mut rig, upstream) = rig().await;
    let other = "sk-other-0123456789-0123456789";
    rig.key(1, &upstream, other).await;
    let error = r#"{"error":{"message":"overloaded","type":"server_error"}}"#;
    upstream.script(SECRET, Script::json(200, error));
    upstream.script(other, Script::bytes("audio/mpeg", "sound"));
    for _ in 0..2 {
        let reply = rig
            .caller
            .post("/v1/audio/speech", r#"{"model":"m"}"#)
            .await;
        assert_eq!(reply.text(), "sound");
    }
}

#[tokio::test]
async fn a_stream_of_named_events_passes_byte_for_byte_and_ends_without_done() {
    let (rig, upstream) = rig().await;
    for (path, events) in [
        (
            "/v1/responses",
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"},\"sequence_number\":0}\n\n\
             event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"error\",\"sequence_number\":1}\n\n\
             event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}},\"sequence_number\":2}\n\n",
        ),
        (
            "/v1/images/generations",
            "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"aaaa\"}\n\n\
             event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}\n\n",
        ),
        (
            "/v1/audio/speech",
            "data: {\"type\":\"speech.audio.delta\",\"audio\":\"aaaa\"}\n\n\
             data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}\n\n",
        ),
    ] {
        upstream.clear(SECRET);
        upstream.script(SECRET, Script::stream(events));
        let reply = rig
            .caller
            .post(path, r#"{"model":"m","stream":true}"#)
            .await;
        assert_eq!(
            reply.header("content-type"),
            Some("text/event-stream"),
            "{path}"
        );
        assert_eq!(reply.text(), events, "{path}");
        let sent = upstream.asked().pop().unwrap().body;
        assert_eq!(
            sent, r#"{"model":"m","stream":true}"#,
            "no usage is asked for"
        );
    }
}

const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n";

#[tokio::test]
async fn a_response_that_fails_before_it_begins_goes_to_the_next_key() {
    let (mut rig, upstream) = rig().await;
    let other = "sk-other-0123456789-0123456789";
    rig.key(1, &upstream, other).await;
    let done =
        "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{}}\n\n";
    for first in [
        "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"down\",\"param\":null}\n\n",
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"down\"}}}\n\n",
    ] {
        upstream.clear(SECRET);
        upstream.script(SECRET, Script::stream(first));
        upstream.script(other, Script::stream(&format!("{CREATED}{done}")));
        let before = upstream.asked().len();
        for _ in 0..2 {
            let reply = rig
                .caller
                .post("/v1/responses", r#"{"model":"m","stream":true}"#)
                .await;
            assert_eq!(reply.text(), format!("{CREATED}{done}"), "{first}");
        }
        assert_eq!(upstream.asked().len() - before, 3, "{first}");
        for report in rig.pools.sleeps().all() {
            let mut wake = report.clone();
            wake.cause = foldgate_proto::SleepCause::Awake;
            wake.generation.wake += 1;
            rig.pools.hear(&wake);
        }
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_ends_with_an_event_of_its_own_kind() {
    let (rig, upstream) = rig().await;
    let steps = vec![Step::Send(CREATED.to_owned()), Step::Break];
    upstream.script(SECRET, Script::events(steps));
    let reply = rig
        .caller
        .post("/v1/responses", r#"{"model":"m","stream":true}"#)
        .await;
    let text = reply.text();
    let last = text.strip_prefix(CREATED).unwrap();
    let data = last.strip_prefix("event: error\ndata: ").unwrap();
    let error: serde_json::Value = serde_json::from_str(data.trim_end()).unwrap();
    assert_eq!(error["type"], "error");
    assert_eq!(error["code"], "upstream_stream_broken");
    assert_eq!(error["error"]["code"], error["code"]);
}

#[tokio::test]
async fn a_response_that_failed_is_an_answer_where_it_is_whole() {
    let (rig, upstream) = rig().await;
    let failed = r#"{"id":"resp_1","object":"response","status":"failed","error":{"code":"server_error","message":"x"},"output":[]}"#;
    upstream.script(SECRET, Script::json(200, failed));
    let reply = rig.caller.post("/v1/responses", r#"{"model":"m"}"#).await;
    assert_eq!(reply.text(), failed);
}

#[tokio::test]
async fn resources_allow_and_block_every_endpoint_by_prefix() {
    let (mut rig, _upstream) = rig().await;
    let calls = [
        (Method::POST, "/v1/chat/completions"),
        (Method::POST, "/v2/chat/completions"),
        (Method::POST, "/responses"),
        (Method::POST, "/v1/responses/resp_1/cancel"),
        (Method::GET, "/responses/resp_1/input_items"),
        (Method::POST, "/images/edits"),
        (Method::POST, "/v1/audio/speech"),
        (Method::POST, "/moderations"),
        (Method::POST, "/rerank"),
        (Method::GET, "/files"),
        (Method::GET, "/v1/files/file-1/content"),
        (Method::DELETE, "/files/file-1"),
        (Method::POST, "/batches"),
        (Method::GET, "/v1/batches/batch_1"),
        (Method::POST, "/realtime/client_secrets"),
        (Method::GET, "/models"),
    ];
    for allowed in [
        "/v1/chat",
        "/files",
        "/v1/audio/speech",
        "/v1/responses/resp_1",
        "/",
    ] {
        rig.config(Config {
            resources: Some(BTreeSet::from([allowed.to_owned()])),
            ..Config::default()
        })
        .await;
        for (method, path) in &calls {
            let rest = path
                .strip_prefix("/v1")
                .or_else(|| path.strip_prefix("/v2"));
            let full = format!("/v1{}", rest.unwrap_or(path));
            let prefix = format!("/v1{}", allowed.strip_prefix("/v1").unwrap_or(allowed));
            let may = allowed == "/" || full == prefix || full.starts_with(&format!("{prefix}/"));
            let request = rig.caller.request(method.clone(), path, "{}");
            let reply = rig.caller.send(request).await;
            let blocked = reply.json()["error"]["code"] == json!("resource_not_allowed");
            assert_eq!(
                blocked,
                !may,
                "{method} {path} under {allowed}: {}",
                reply.text()
            );
        }
    }
}
