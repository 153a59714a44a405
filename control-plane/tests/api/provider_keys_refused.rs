//! `/admin/v1/provider_keys`: what is refused.

use foldgate_domain::Command;
use foldgate_domain::command::PutDefinition;
use foldgate_proto::{Actor, DefinitionId, DefinitionKind};
use reqwest::Method;
use serde_json::json;

use crate::entries::{NOBODY, told};
use crate::node::{Node, SECRET, answer};
use crate::provider_keys::{KEYS, OTHER, made, openai};

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let node = Node::start().await;
    let (path, entry) = made(&node, &openai("main")).await;
    let long = |length: usize| "x".repeat(length);
    for (field, value) in [
        ("display_name", json!(null)),
        ("display_name", json!("")),
        ("display_name", json!(" x")),
        ("display_name", json!("a\nb")),
        ("display_name", json!(long(129))),
        ("api_key", json!(null)),
        ("api_key", json!("")),
        ("api_key", json!("two words")),
        ("api_key", json!("sk-prod...wxyz")),
        ("api_key", json!(long(4097))),
        ("secret", json!(OTHER)),
        ("api_base", json!("ftp://example.com")),
        ("api_base", json!("http://169.254.169.254")),
        ("api_base", json!(node.base)),
        ("api_base", json!("")),
        ("provider", json!("nobody-knows-it")),
        ("provider", json!(long(65))),
        ("adapter", json!("bedrock")),
        ("adapter", json!("vertex")),
        ("adapter", json!("cohere")),
        ("adapter", json!("azure-openai")),
        ("level", json!(10_000)),
        ("level", json!(-1)),
        ("disabled", json!(1)),
        (
            "request.default_headers",
            json!({"default_headers": {"Authorization": "Bearer x"}}),
        ),
        (
            "request.default_headers",
            json!({"default_headers": {"x-a": "b\nc"}}),
        ),
        (
            "request.default_headers",
            json!({"default_headers": {"Content-Length": "1"}}),
        ),
        (
            "request.default_headers",
            json!({"default_headers": {"X-A": "1", "x-a": "2"}}),
        ),
        ("request", json!([{}, {}, [], {}, {}])),
        ("response", json!([true])),
        ("telemetry_tags", json!(["a", "b", true])),
        ("tls", json!([null, false])),
        (
            "request.param_constraints",
            json!({"param_constraints": [0.0, 1.0]}),
        ),
        ("request.param_renames", json!({"param_renames": {"a": ""}})),
        (
            "request.param_constraints",
            json!({"param_constraints": {"temperature_max": -1.0}}),
        ),
        ("request", json!({"unknown": 1})),
        (
            "response.stream_done_marker",
            json!({"stream_done_marker": "maybe"}),
        ),
        ("strip_headers", json!([""])),
        ("strip_headers[1]", json!(["x-a", "a b"])),
        (
            "request.param_constraints.temperature_min",
            json!({"param_constraints": {"temperature_min": 2.0, "temperature_max": 1.0}}),
        ),
        ("telemetry_tags.kind", json!({"kind": "x"})),
        (
            "tls.ca_cert",
            json!({"ca_cert": "-----BEGIN PRIVATE KEY-----"}),
        ),
        ("unknown", json!(1)),
    ] {
        let name = field.split(['.', '[']).next().unwrap();
        let mut body = openai("other");
        body[name] = value.clone();
        let named = match (field, value.as_str()) {
            // Without a base of its own, it is the base that is missing.
            ("provider", Some("nobody-knows-it")) | ("adapter", Some("azure-openai")) => "api_base",
            _ => field,
        };
        for (method, path) in [(Method::POST, KEYS), (Method::PUT, path.as_str())] {
            let refused = answer(node.request(method, path).json(&body)).await;
            let message = told(&refused, 400);
            assert!(message.contains(named), "{field} {value}: {message}");
            assert!(!refused.body.to_string().contains(SECRET));
        }
    }
    for missing in [NOBODY, "1", "x"] {
        let path = format!("{KEYS}/{missing}");
        told(&node.get(&path).await, 404);
        told(&node.put(&path, &openai("x")).await, 404);
        told(&node.delete(&path).await, 404);
    }
    assert_eq!(node.get(&path).await.ok()["revision"], entry["revision"]);
}

#[tokio::test]
async fn a_name_is_one_keys_even_among_racing_writers() {
    let node = Node::start().await;
    let body = openai("main");
    let racers = (0..40).map(|_| node.post(KEYS, &body));
    let answers = futures_util::future::join_all(racers).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        assert!(told(answer, 409).contains("display_name"));
    }
    told(&node.post(KEYS, &openai("MAIN")).await, 409);
    let (path, _) = made(&node, &openai("other")).await;
    told(&node.put(&path, &openai("Main")).await, 409);
    node.put(&path, &openai("OTHER")).await.ok();
}

#[tokio::test]
async fn a_key_that_a_model_refers_to_stays_in_both_apis() {
    let node = Node::start().await;
    let (path, entry) = made(&node, &openai("main")).await;
    let model = json!({
        "display_name": "fast", "model_name": "gpt-4o", "provider_key_id": entry["id"],
    });
    let put = PutDefinition {
        kind: DefinitionKind::Model,
        id: DefinitionId(uuid::Uuid::now_v7()),
        number: None,
        value: model.as_object().unwrap().clone(),
        secrets: std::collections::BTreeMap::new(),
    };
    let command = Command::PutDefinition(Box::new(put));
    crate::history_world::submit(&node, node.owner, Actor::owner("root"), command).await;
    for path in [path.as_str(), "/x-keys/1"] {
        let message = told(&node.delete(path).await, 409);
        assert!(message.contains("fast"), "{message}");
    }
}
