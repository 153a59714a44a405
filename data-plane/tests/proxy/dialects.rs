//! Callers of one dialect and upstreams of another: what goes over the wire on either
//! side.

mod batches;
mod errors;
mod models;
mod streams;
mod unserved;

use foldgate_domain::command::{Change, ConfigFields, ConfigPatch};
use foldgate_proto::Dialect;
use http::Method;
use serde_json::{Value, json};

use crate::rig::{KEY, Rig};
use crate::upstream::{Asked, Script, Upstream};

const CLAUDE: &str = "sk-ant-0123456789-0123456789";
const OPENAI: &str = "sk-openai-0123456789-0123456789";

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":2}}"#;
const COMPLETION: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}}"#;

const TO_CHAT: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}]}"#;
const TO_MESSAGES: &str = r#"{"model":"m","max_tokens":9,"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

fn speaking(dialect: Dialect) -> ConfigPatch {
    ConfigPatch {
        is_named: true,
        fields: ConfigFields::Standard {
            dialect: Change::Set(dialect),
        },
    }
}

/// A gateway whose one upstream speaks this dialect and answers so.
async fn rig(dialect: Dialect, script: Script) -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    add(&mut rig, &upstream, dialect).await;
    rig.all_to_level_1().await;
    upstream.script(secret(dialect), script);
    (rig, upstream)
}

async fn add(rig: &mut Rig, upstream: &Upstream, dialect: Dialect) {
    let at = (upstream.url(), secret(dialect));
    rig.key_with(1, (&at.0, at.1), |_| speaking(dialect)).await;
}

const fn secret(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => CLAUDE,
        Dialect::OpenAi | Dialect::Gemini => OPENAI,
    }
}

fn last(upstream: &Upstream) -> (Asked, Value) {
    let asked = upstream.asked().pop().unwrap();
    let body = serde_json::from_slice(&asked.body).unwrap();
    (asked, body)
}

#[tokio::test]
async fn a_caller_of_openais_reaches_a_model_of_anthropics() {
    let (rig, upstream) = rig(Dialect::Anthropic, Script::json(200, MESSAGE)).await;
    let reply = rig.caller.post(CHAT, TO_CHAT).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let (asked, body) = last(&upstream);
    assert_eq!(asked.path, MESSAGES);
    assert_eq!(asked.headers["x-api-key"], CLAUDE);
    assert_eq!(asked.headers["anthropic-version"], "2023-06-01");
    assert!(!asked.headers.contains_key("authorization"));
    let expected = json!({
        "model": "m",
        "max_tokens": 9,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    });
    assert_eq!(body, expected);
    let said = reply.json();
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(said["object"], "chat.completion");
    assert!(said["created"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(said["choices"][0]["message"]["content"], "Hi");
    assert_eq!(said["choices"][0]["finish_reason"], "stop");
    let usage = &said["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["total_tokens"]),
        (&json!(7), &json!(9))
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 4);
}

#[tokio::test]
async fn a_caller_of_anthropics_reaches_a_model_of_openais() {
    let (rig, upstream) = rig(Dialect::OpenAi, Script::json(200, COMPLETION)).await;
    for path in [MESSAGES, "/messages"] {
        let mut request = rig.caller.request(Method::POST, path, TO_MESSAGES);
        let headers = request.headers_mut();
        headers.remove("authorization");
        headers.insert("x-api-key", KEY.parse().unwrap());
        headers.insert("anthropic-version", "2026-10-21".parse().unwrap());
        let reply = rig.caller.send(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let (asked, body) = last(&upstream);
        assert_eq!(asked.path, CHAT);
        assert_eq!(asked.headers["authorization"], format!("Bearer {OPENAI}"));
        for gone in ["x-api-key", "anthropic-version"] {
            assert!(!asked.headers.contains_key(gone), "{gone}");
        }
        let expected = json!({
            "model": "m",
            "max_tokens": 9,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
            ],
        });
        assert_eq!(body, expected);
        let said = reply.json();
        assert_eq!(said["type"], "message");
        assert_eq!(said["content"], json!([{"type": "text", "text": "Hi"}]));
        assert_eq!(said["stop_reason"], "end_turn");
        let usage = &said["usage"];
        assert_eq!(
            (&usage["input_tokens"], &usage["output_tokens"]),
            (&json!(3), &json!(2))
        );
        assert_eq!(usage["cache_read_input_tokens"], 4);
        assert!(reply.header("request-id").is_some());
    }
}

/// Nothing is read that is not edited: not the spaces, not what nobody knows.
#[tokio::test]
async fn between_two_that_speak_anthropics_not_a_byte_changes() {
    let answer =
        r#" {"type":"message","new_field":[1.0],"content":[],"usage":{"input_tokens":1}} "#;
    let (rig, upstream) = rig(Dialect::Anthropic, Script::json(200, answer)).await;
    let body = r#"{ "model":"m", "messages":[], "mcp_servers":[{"x":1.0}], "max_tokens":1 }"#;
    let mut request = rig.caller.request(Method::POST, MESSAGES, body);
    let headers = request.headers_mut();
    headers.insert("anthropic-version", "2026-10-21".parse().unwrap());
    headers.insert("anthropic-beta", "one,two".parse().unwrap());
    // For browsers, to whom this gateway is the server; the upstream needs no such word.
    let browsers = "anthropic-dangerous-direct-browser-access";
    headers.insert(browsers, "true".parse().unwrap());
    let reply = rig.caller.send(request).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (200, answer.to_owned())
    );
    let asked = upstream.asked().pop().unwrap();
    assert_eq!(asked.body, body);
    assert_eq!(asked.headers["x-api-key"], CLAUDE);
    assert_eq!(asked.headers["anthropic-version"], "2026-10-21");
    assert_eq!(asked.headers["anthropic-beta"], "one,two");
    for gone in ["authorization", browsers] {
        assert!(!asked.headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn the_version_is_the_usual_one_only_where_the_caller_names_none() {
    let (rig, upstream) = rig(Dialect::Anthropic, Script::json(200, MESSAGE)).await;
    assert_eq!(rig.caller.post(MESSAGES, TO_MESSAGES).await.status, 200);
    let asked = upstream.asked().pop().unwrap();
    assert_eq!(asked.headers["anthropic-version"], "2023-06-01");
}

#[tokio::test]
async fn tokens_are_counted_by_who_speaks_anthropics_and_by_nobody_else() {
    let path = "/v1/messages/count_tokens";
    let counted = r#"{"input_tokens":14}"#;
    let (claude, upstream) = rig(Dialect::Anthropic, Script::json(200, counted)).await;
    for path in [path, "/messages/count_tokens"] {
        let reply = claude.caller.post(path, TO_MESSAGES).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (200, counted.to_owned())
        );
    }
    assert_eq!(upstream.asked()[0].path, path);
    let (other, upstream) = rig(Dialect::OpenAi, Script::json(200, COMPLETION)).await;
    let reply = other.caller.post(path, TO_MESSAGES).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    assert!(upstream.asked().is_empty());
    // The key does not rest for it.
    assert_eq!(other.caller.post(MESSAGES, TO_MESSAGES).await.status, 200);
}

/// A key of either dialect in one Level: each attempt has a body of its own.
#[tokio::test]
async fn a_call_fails_over_from_one_dialect_to_another() {
    let busy = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let (mut rig, claude) = rig(Dialect::Anthropic, Script::json(529, busy)).await;
    let openai = Upstream::start().await;
    add(&mut rig, &openai, Dialect::OpenAi).await;
    openai.script(OPENAI, Script::json(200, COMPLETION));
    // Which key comes first is nobody's promise.
    while claude.asked().is_empty() {
        let reply = rig.caller.post(MESSAGES, TO_MESSAGES).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["content"][0]["text"], "Hi");
        assert!(openai.asked().len() < 9);
    }
    assert_eq!(claude.asked()[0].body, TO_MESSAGES);
    assert_eq!(last(&openai).1["messages"][0]["role"], "system");
}

#[tokio::test]
async fn what_one_dialect_cannot_say_goes_to_a_key_of_the_other() {
    let (mut rig, claude) = rig(Dialect::Anthropic, Script::json(200, MESSAGE)).await;
    let openai = Upstream::start().await;
    add(&mut rig, &openai, Dialect::OpenAi).await;
    openai.script(OPENAI, Script::json(200, COMPLETION));
    let body = r#"{"model":"m","n":2,"messages":[{"role":"user","content":"Hello"}]}"#;
    for _ in 0..4 {
        let reply = rig.caller.post(CHAT, body).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (200, COMPLETION.to_owned())
        );
        assert_eq!(openai.asked().pop().unwrap().body, body);
    }
    assert!(claude.asked().is_empty());
}

/// The large part of a body crosses as it is.
#[tokio::test]
async fn a_large_image_is_translated_whole() {
    let (rig, upstream) = rig(Dialect::Anthropic, Script::json(200, MESSAGE)).await;
    let image = "iVBORw0KGgo".repeat(60_000);
    let body = json!({
        "model": "m",
        "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{image}")}},
            {"type": "text", "text": "What is this?"},
        ]}],
    });
    let reply = rig.caller.post(CHAT, body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let source = &last(&upstream).1["messages"][0]["content"][0]["source"];
    assert_eq!(source["media_type"], "image/png");
    assert_eq!(source["data"], image);
}

/// The model and the way to stream stand in the path there; the key has a header of
/// its own.
#[tokio::test]
async fn callers_of_either_dialect_reach_a_model_of_googles() {
    let answer = r#"{"responseId":"r","modelVersion":"gemini-2.5-pro","candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":7,"cachedContentTokenCount":4,"candidatesTokenCount":2,"totalTokenCount":9}}"#;
    let (rig, upstream) = rig(Dialect::Gemini, Script::json(200, answer)).await;
    let reply = rig.caller.post(CHAT, TO_CHAT).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "Hi");
    assert_eq!(reply.json()["usage"]["prompt_tokens"], 7);
    let (asked, body) = last(&upstream);
    assert_eq!(asked.path, "/v1beta/models/m:generateContent");
    assert_eq!(asked.headers["x-goog-api-key"], OPENAI);
    assert_eq!(body["contents"][0]["parts"][0]["text"], "Hello");
    let reply = rig.caller.post(MESSAGES, TO_MESSAGES).await;
    assert_eq!(
        reply.json()["content"],
        json!([{"type": "text", "text": "Hi"}])
    );
    assert_eq!(reply.json()["usage"]["input_tokens"], 3);

    upstream.clear(OPENAI);
    upstream.script(OPENAI, Script::stream(&format!("data: {answer}\r\n\r\n")));
    let body = TO_CHAT.replace("\"model\"", "\"stream\":true,\"model\"");
    let text = rig.caller.post(CHAT, body).await.text();
    assert!(
        text.contains("\"content\":\"Hi\"") && text.ends_with("data: [DONE]\n\n"),
        "{text}"
    );
    let asked = upstream.asked().pop().unwrap();
    assert_eq!(asked.path, "/v1beta/models/m:streamGenerateContent");
    assert_eq!(asked.query.as_deref(), Some("alt=sse"));
}

#[tokio::test]
async fn google_counts_tokens_for_a_caller_of_anthropics() {
    let (rig, upstream) = rig(Dialect::Gemini, Script::json(200, r#"{"totalTokens":31}"#)).await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Hello"}]}"#;
    let reply = rig.caller.post("/v1/messages/count_tokens", body).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (200, r#"{"input_tokens":31}"#)
    );
    assert_eq!(upstream.asked()[0].path, "/v1beta/models/m:countTokens");
}

#[tokio::test]
async fn google_turns_texts_into_vectors_for_a_caller_of_openais() {
    let answer = r#"{"embeddings":[{"values":[0.5,1]},{"values":[2,3]}]}"#;
    let (rig, upstream) = rig(Dialect::Gemini, Script::json(200, answer)).await;
    let body = r#"{"model":"m","input":["a","b"]}"#;
    let reply = rig.caller.post("/v1/embeddings", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let said = reply.json();
    assert_eq!(said["data"][1]["embedding"], json!([2, 3]));
    assert_eq!(
        (&said["object"], &said["model"]),
        (&json!("list"), &json!("m"))
    );
    let (asked, body) = last(&upstream);
    assert_eq!(asked.path, "/v1beta/models/m:batchEmbedContents");
    assert_eq!(body["requests"][1]["content"]["parts"][0]["text"], "b");
}
