//! Errors come in the caller's dialect, whoever made them.

use foldgate_proto::Dialect;
use http::Method;
use serde_json::json;

use super::{CHAT, COMPLETION, MESSAGE, MESSAGES, TO_CHAT, TO_MESSAGES, rig};
use crate::upstream::Script;

fn anthropics(kind: &str, message: &str) -> String {
    json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

#[tokio::test]
async fn a_caller_without_a_key_is_told_in_its_own_dialect() {
    let (rig, upstream) = rig(Dialect::OpenAi, Script::json(200, COMPLETION)).await;
    for path in [
        MESSAGES,
        "/messages",
        "/v1/messages/count_tokens",
        "/v1/messages/none",
    ] {
        let mut request = rig.caller.request(Method::POST, path, TO_MESSAGES);
        let bad = "Bearer sk-nobody-0123456789".parse().unwrap();
        request.headers_mut().insert("authorization", bad);
        let reply = rig.caller.send(request).await;
        let said = reply.json();
        assert_eq!(said["type"], "error", "{path}");
        let (status, kind) = if path.ends_with("none") {
            (404, "not_found_error")
        } else {
            (401, "authentication_error")
        };
        assert_eq!(reply.status, status);
        assert_eq!(said["error"]["type"], kind);
        assert_eq!(said["request_id"], reply.header("request-id").unwrap());
    }
    let mut request = rig.caller.request(Method::POST, CHAT, TO_CHAT);
    request.headers_mut().remove("authorization");
    let reply = rig.caller.send(request).await;
    assert_eq!(reply.code(), (401, "invalid_api_key".to_owned()));
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn a_rate_limit_is_told_in_the_callers_dialect() {
    let limited = anthropics("rate_limit_error", "slow down");
    let script = Script::json(429, &limited).with("retry-after", "40");
    let (claude, _) = rig(Dialect::Anthropic, script).await;
    let reply = claude.caller.post(CHAT, TO_CHAT).await;
    assert_eq!(reply.code(), (429, "all_keys_sleeping".to_owned()));
    assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((30..=60).contains(&wait), "{wait}");

    let limited =
        r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#;
    let (openai, _) = rig(Dialect::OpenAi, Script::json(429, limited)).await;
    let reply = openai.caller.post(MESSAGES, TO_MESSAGES).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
    assert!(reply.header("retry-after").is_some());
}

/// What the upstream says of it is about the upstream's key, and stays here.
#[tokio::test]
async fn errors_say_whether_to_try_again_and_nothing_else_does() {
    let limited = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    let after = |wait| Script::json(429, limited).with("retry-after", wait);
    let wrong = r#"{"error":{"message":"Invalid 'tools'","type":"invalid_request_error"}}"#;
    for (script, status, lie, again) in [
        (after("40"), 429, "false", Some("true")),
        (after("4000"), 429, "true", Some("false")),
        (Script::json(500, "{}"), 503, "false", Some("true")),
        (Script::json(400, wrong), 400, "true", Some("false")),
        (Script::json(200, COMPLETION), 200, "true", None),
    ] {
        for (path, body) in [(CHAT, TO_CHAT), (MESSAGES, TO_MESSAGES)] {
            let script = script.clone().with("x-should-retry", lie);
            let (rig, _) = rig(Dialect::OpenAi, script).await;
            let reply = rig.caller.post(path, body).await;
            let rests = status == 503 && path == MESSAGES;
            assert_eq!(reply.status, if rests { 529 } else { status }, "{path}");
            assert_eq!(reply.header("x-should-retry"), again, "{path}: {status}");
        }
    }
}

#[tokio::test]
async fn a_model_that_rests_is_overloaded() {
    let busy = anthropics("overloaded_error", "Overloaded");
    for (path, body, status) in [(MESSAGES, TO_MESSAGES, 529), (CHAT, TO_CHAT, 503)] {
        let (rig, _) = rig(Dialect::Anthropic, Script::json(529, &busy)).await;
        let reply = rig.caller.post(path, body).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        let kind = if status == 529 {
            "overloaded_error"
        } else {
            "upstream_error"
        };
        assert_eq!(reply.json()["error"]["type"], kind);
    }
}

#[tokio::test]
async fn what_an_upstream_finds_wrong_with_a_request_is_told_in_the_callers_dialect() {
    let wrong = anthropics("invalid_request_error", "max_tokens: too many");
    let (claude, _) = rig(Dialect::Anthropic, Script::json(400, &wrong)).await;
    let reply = claude.caller.post(CHAT, TO_CHAT).await;
    let said = reply.json();
    assert_eq!(reply.status, 400);
    assert_eq!(said["error"]["message"], "max_tokens: too many");
    assert_eq!(said["error"]["type"], "invalid_request_error");
    assert_eq!(said["type"], json!(null));

    let wrong = r#"{"error":{"message":"Invalid 'tools'","type":"invalid_request_error","param":"tools","code":"invalid_value"}}"#;
    let (openai, _) = rig(Dialect::OpenAi, Script::json(400, wrong)).await;
    let reply = openai.caller.post(MESSAGES, TO_MESSAGES).await;
    let said = reply.json();
    assert_eq!(reply.status, 400);
    assert_eq!(said["type"], "error");
    assert_eq!(said["error"]["message"], "Invalid 'tools'");
    assert_eq!(said["error"]["type"], "invalid_request_error");
}

/// Several answers, probabilities: 400 with the field's name, and nothing is sent.
#[tokio::test]
async fn what_cannot_be_said_is_refused_with_the_fields_name() {
    let (rig, upstream) = rig(Dialect::Anthropic, Script::json(200, MESSAGE)).await;
    for (field, value) in [
        ("n", "2"),
        ("logprobs", "true"),
        ("logit_bias", r#"{"5":1}"#),
        ("presence_penalty", "0.5"),
        ("frequency_penalty", "-1"),
        ("response_format", r#"{"type":"json_object"}"#),
        ("service_tier", r#""flex""#),
        ("audio", "{}"),
        ("functions", "[]"),
        ("made_up", "1"),
    ] {
        let body = format!(r#"{{"model":"m","messages":[],"{field}":{value}}}"#);
        let reply = rig.caller.post(CHAT, body).await;
        assert_eq!(reply.code(), (400, "invalid_request".to_owned()), "{field}");
        assert_eq!(reply.json()["error"]["param"], field);
    }
    assert!(upstream.asked().is_empty());
    // The key does not rest for it.
    assert_eq!(rig.caller.post(CHAT, TO_CHAT).await.status, 200);
}

#[tokio::test]
async fn an_answer_of_no_dialect_is_a_failure_of_the_upstreams() {
    let (rig, _) = rig(Dialect::Anthropic, Script::json(200, r#"{"content":7}"#)).await;
    let reply = rig.caller.post(CHAT, TO_CHAT).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["error"]["type"], "upstream_error");
}
