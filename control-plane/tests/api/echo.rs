//! What a refusal repeats of what was sent: little, and no secret.

use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Answer, Node, SECRET, answer, new_key};

/// No refusal is as long as this.
const LIMIT: usize = 1024;

#[track_caller]
fn short(answer: &Answer, what: &str) {
    let body = answer.body.to_string();
    assert!(!answer.status.is_success(), "{what}: {body}");
    assert!(body.len() < LIMIT, "{what}: {} bytes: {body}", body.len());
    assert!(!body.contains("canary"), "{what}: {body}");
}

#[tokio::test]
async fn no_secret_comes_back_in_a_refusal() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let key = |field: &str, value: Value| {
        let mut body = new_key(1, "https://api.openai.com");
        body[field] = value;
        body
    };
    let config = |value: Value| json!({"Config": value});
    let bodies = [
        ("/x-keys", key(SECRET, json!(1))),
        (
            "/x-keys",
            key("Provider", json!(format!("https://{SECRET}@x.y"))),
        ),
        ("/x-keys", key("Config", json!({"provider_type": SECRET}))),
        ("/x-keys", key("Config", json!({SECRET: 1}))),
        (
            "/x-keys/1",
            config(json!({"provider_type": "azure", "model_mapping": {SECRET: 1}})),
        ),
        (
            "/x-keys/1",
            config(json!({"provider_type": "azure", "api_versions": {"chat": SECRET}})),
        ),
        ("/x-config", json!({SECRET: 1})),
        ("/x-config", json!({"LEVEL_MAPPER": {"gpt*": SECRET}})),
        ("/x-config", json!({"LEVEL_MAPPER": SECRET})),
        (
            "/x-config",
            json!({"MODEL_MAPPER": format!("{SECRET}=x=y")}),
        ),
        ("/x-config", json!({"MODEL_LIMITS": {SECRET: 1}})),
        ("/x-config", json!({"MODEL_LIMITS": {"a": {SECRET: 1}}})),
        (
            "/x-config",
            json!({"PRICING": json!({SECRET: {}}).to_string()}),
        ),
        ("/x-config", json!({"EMAIL_TLS": SECRET})),
        ("/x-news", json!({"title": "t", "content": "c", SECRET: 1})),
    ];
    for (path, body) in bodies {
        short(&node.post(path, &body).await, &format!("{path} {body}"));
    }
    for path in [
        format!("/x-keys?{SECRET}=1"),
        format!("/x-keys?level={SECRET}"),
        format!("/x-keys?id={SECRET}"),
        format!("/x-keys/{SECRET}"),
        format!("/x-{SECRET}"),
        format!("/x-keys/1/{SECRET}"),
    ] {
        short(&node.get(&path).await, &path);
    }
    let doubled = format!("{{\"{SECRET}\": 1, \"{SECRET}\": 2}}");
    let request = node.request(Method::POST, "/x-keys");
    let request = request.header("content-type", "application/json");
    short(&answer(request.body(doubled)).await, "a doubled key");
    let news = format!("/x-news/{SECRET}");
    short(&node.delete_with(&news, &json!({})).await, "news");
}

/// Any text, made long.
fn long() -> impl Strategy<Value = String> {
    ("(?s).{1,40}", 1_usize..400).prop_map(|(text, times)| text.repeat(times))
}

#[test]
fn every_refusal_is_short_whatever_was_sent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let node = runtime.block_on(async {
        let node = Node::start().await;
        node.add_key(1, "https://api.openai.com").await;
        node
    });
    let config = ProptestConfig::with_cases(48);
    proptest!(config, |(text in long())| {
        runtime.block_on(async {
            let mut bodies = vec![
                ("/x-keys", json!({text.as_str(): 1})),
                ("/x-keys/1", json!({"Level": text})),
                ("/x-keys/1", json!({"Provider": format!("ftp://{text}")})),
                ("/x-keys/1", json!({"Config": {text.as_str(): 1}})),
                ("/x-keys/1", json!({"Config": {"provider_type": "azure", "api_versions": {text.as_str(): text}}})),
                ("/x-keys/1", json!({"Config": {"provider_type": format!("x{text}")}})),
                ("/x-config", json!({format!("x{text}"): text})),
                ("/x-config", json!({"EMAIL_TLS": format!("x{text}")})),
                ("/x-config", json!({"PRICING": format!("x{text}")})),
                ("/x-news", json!({"title": "t", "content": "c", format!("x{text}"): 1})),
            ];
            for key in ["MODEL_MAPPER", "LEVEL_MAPPER", "SWITCH_OVER", "MODEL_LIMITS", "RESOURCES"] {
                bodies.push(("/x-config", json!({key: {text.as_str(): [1]}})));
                bodies.push(("/x-config", json!({key: format!("{text}=={text}")})));
            }
            for (path, body) in bodies {
                let answer = node.post(path, &body).await;
                let length = answer.body.to_string().len();
                assert!(answer.status.is_client_error(), "{path}: {}", answer.body);
                assert!(length < LIMIT, "{path}: {length}: {}", answer.body);
            }
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let encoded = encoded.replace('+', "%20");
            let cut = encoded.char_indices().nth(4096).map_or(encoded.len(), |(at, _)| at);
            let cut = encoded[..cut].trim_end_matches(|c: char| c != 'x');
            for path in [
                format!("/x-keys?x{cut}=1"),
                format!("/x-keys?provider=x/{cut} y"),
                format!("/x-nothing/{cut}"),
            ] {
                let length = node.get(&path).await.body.to_string().len();
                assert!(length < LIMIT, "{path}: {length}");
            }
        });
    });
}
