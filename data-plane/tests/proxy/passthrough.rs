//! What goes through unchanged, and what does not.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{Config, Level};
use http::{HeaderValue, Method};
use serde_json::json;

use crate::client::Caller;
use crate::rig::{KEY, Rig};
use crate::upstream::{Script, Upstream};

const SECRET: &str = "sk-upstream-secret-0123456789";

#[tokio::test]
async fn a_request_and_its_answer_pass_byte_for_byte() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    let answer =
        "{ \"choices\":[ ],\n\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3},\"x\":1.00 }\n";
    // All of it is about the upstream's account and its key.
    let theirs = [
        "server",
        "openai-organization",
        "openai-project",
        "openai-processing-ms",
        "anthropic-organization-id",
        "request-id",
        "x-should-retry",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-tokens",
        "anthropic-ratelimit-unified-reset",
        "set-cookie",
    ];
    let script = Script::json(200, answer).with("x-request-id", "theirs");
    let script = theirs
        .iter()
        .fold(script, |script, name| script.with(name, "theirs"));
    upstream.script(SECRET, script);
    let body = "{\"n\":2,\r\n \"logprobs\" : true, \"model\":\"m\u{e4}\",\"tools\":[{\"a\":\"\\u0041\"}],\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:x\"}}]}], \"f\":1e-7}\t";
    let mut request = rig
        .caller
        .request(Method::POST, "/v1/chat/completions", body);
    let headers = request.headers_mut();
    headers.insert("cookie", HeaderValue::from_static("c=d"));
    headers.insert(
        "openai-organization",
        HeaderValue::from_static("org-theirs"),
    );
    headers.insert("openai-project", HeaderValue::from_static("proj-theirs"));
    headers.insert("user-agent", HeaderValue::from_static("tests"));
    headers.insert("x-request-id", HeaderValue::from_static("mine-1"));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    headers.insert("traceparent", HeaderValue::from_static(trace));
    let reply = rig.caller.send(request).await;
    assert_eq!(reply.text(), answer);
    assert_eq!(reply.header("x-request-id"), Some("mine-1"));
    assert_eq!(reply.header("x-foldgate-revision"), Some("3"));
    for name in theirs {
        assert_eq!(reply.header(name), None, "{name}");
    }
    let asked = upstream.asked().remove(0);
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.body, body.as_bytes());
    let header = |name: &str| asked.headers.get(name).and_then(|v| v.to_str().ok());
    assert_eq!(
        header("authorization"),
        Some(format!("Bearer {SECRET}").as_str())
    );
    assert_eq!(header("user-agent"), Some("tests"));
    assert_eq!(header("accept-encoding"), Some("identity"));
    assert_eq!(header("traceparent"), Some(trace));
    assert_eq!(
        header("x-foldgate-hop"),
        Some(rig.boot.simple().to_string().as_str())
    );
    assert_eq!(header("host"), Some(upstream.address.to_string().as_str()));
    for name in [
        "cookie",
        "openai-organization",
        "openai-project",
        "x-api-key",
        "x-request-id",
    ] {
        assert_eq!(header(name), None, "{name}");
    }
}

#[tokio::test]
async fn only_the_mapped_model_changes() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    let text = |text: &str| text.to_owned();
    rig.config(Config {
        model_mapper: Some(BTreeMap::from([(text("nice"), text("real-1"))])),
        level_mapper: Some(BTreeMap::from([(text("real*"), Level::new(1).unwrap())])),
        ..Config::default()
    })
    .await;
    let reply = rig
        .caller
        .post("/embeddings", r#"{ "input":"x" ,"model" : "nice"}"#)
        .await;
    assert_eq!(reply.status, 200);
    let asked = upstream.asked().remove(0);
    assert_eq!(asked.path, "/v1/embeddings");
    assert_eq!(asked.body, r#"{ "input":"x" ,"model" : "real-1"}"#);
    let reply = rig.caller.chat("other").await;
    assert_eq!(reply.code(), (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn models_are_listed_from_the_table() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.config(Config {
        level_mapper: Some(BTreeMap::from([("m1".to_owned(), Level::new(1).unwrap())])),
        ..Config::default()
    })
    .await;
    let list = rig.caller.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    let model = &list["data"][0];
    assert_eq!(
        (&model["id"], &model["object"]),
        (&json!("m1"), &json!("model"))
    );
    assert!(model["created"].is_i64());
    assert_eq!(rig.caller.get("/models").await.json(), list);
    let head = rig.caller.request(Method::HEAD, "/v1/models", "");
    let head = rig.caller.send(head).await;
    let length = list.to_string().len().to_string();
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    assert_eq!(rig.caller.get("/v1/models/m1").await.json(), *model);
    assert_eq!(rig.caller.get("/v1/models/m2").await.code().0, 404);
    assert_eq!(upstream.asked().len(), 0);
}

#[tokio::test]
async fn callers_must_be_known_and_allowed() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    let stranger = Caller::new(rig.address, "sk-fg-somebody-else")
        .chat("m")
        .await;
    assert_eq!(stranger.code(), (401, "invalid_api_key".to_owned()));
    assert!(stranger.header("www-authenticate").is_some());
    let mut request = rig
        .caller
        .request(Method::POST, "/v1/chat/completions", r#"{"model":"m"}"#);
    request.headers_mut().remove("authorization");
    request
        .headers_mut()
        .insert("x-api-key", HeaderValue::from_static(KEY));
    assert_eq!(rig.caller.send(request).await.status, 200);
    rig.config(Config {
        resources: Some(BTreeSet::from(["/v1/embeddings".to_owned()])),
        ..Config::default()
    })
    .await;
    assert_eq!(
        rig.caller.chat("m").await.code(),
        (403, "resource_not_allowed".to_owned())
    );
    let reply = rig.caller.post("/v1/embeddings", r#"{"model":"m"}"#).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_request_can_wait_for_its_revision() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    let ask = |revision: &str| {
        let mut request =
            rig.caller
                .request(Method::POST, "/v1/chat/completions", r#"{"model":"m"}"#);
        let value = HeaderValue::from_str(revision).unwrap();
        request
            .headers_mut()
            .insert("x-foldgate-min-revision", value);
        rig.caller.send(request)
    };
    assert_eq!(ask("3").await.status, 200);
    assert_eq!(ask("x").await.status, 400);
    let behind = ask("1000000").await;
    assert_eq!(behind.code(), (503, "revision_not_reached".to_owned()));
    assert!(behind.header("retry-after").is_some());
}

#[tokio::test]
async fn few_strangers_wait_for_a_revision_and_nobody_without_a_key() {
    const WAITING: usize = 64;
    const MORE: usize = 16;
    let mut rig = Rig::start().await;
    let next = rig.state_revision() + 1;
    let ask = |key: &str, revision: String| {
        let caller = Caller::new(rig.address, key);
        let mut request = caller.request(Method::GET, "/v1/models", "");
        let headers = request.headers_mut();
        let value = HeaderValue::try_from(revision).unwrap();
        headers.insert("x-foldgate-min-revision", value);
        if key.is_empty() {
            headers.remove("authorization");
        }
        async move { caller.send(request).await.status.as_u16() }
    };
    assert_eq!(ask("", "1000000".to_owned()).await, 401);
    assert_eq!(ask("sk-fg-somebody-else", "x".to_owned()).await, 401);
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..WAITING + MORE {
        asking.spawn(ask("sk-fg-somebody-else", next.to_string()));
    }
    for _ in 0..MORE {
        assert_eq!(asking.join_next().await.unwrap().unwrap(), 503);
    }
    rig.all_to_level_1().await;
    while let Some(status) = asking.join_next().await {
        assert_eq!(status.unwrap(), 401);
    }
}
