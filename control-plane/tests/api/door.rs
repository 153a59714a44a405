//! Who gets in, and what every answer carries.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::node::{Node, OWNER_KEY, answer};

#[tokio::test]
async fn without_a_key_nothing_is_shown() {
    let node = Node::start().await;
    for path in [
        "/x-keys",
        "/x-keys/1",
        "/x-conf",
        "/x-config",
        "/dashboard/news",
        "/v1/models",
        "/models",
        "/admin/v1/fleet",
    ] {
        let url = format!("{}{path}", node.base);
        let refused = answer(node.client.get(url)).await;
        assert_eq!(refused.header("www-authenticate"), "Bearer", "{path}");
        assert!(!refused.headers.contains_key("x-foldgate-revision"));
        let error = refused.refused(401, "missing_api_key");
        if !path.starts_with("/admin/") {
            assert_eq!(error["type"], "authentication_error", "{path}");
        }
    }
    let url = format!("{}/x-keys", node.base);
    let refused = answer(node.client.post(url).json(&json!({}))).await;
    refused.refused(401, "missing_api_key");
}

#[tokio::test]
async fn an_unknown_key_is_refused_and_not_repeated() {
    let node = Node::start().await;
    let url = format!("{}/x-keys", node.base);
    for key in ["sk-wrong-key-000000000000", "", " ", &"x".repeat(5000)] {
        let refused = answer(node.client.get(&url).bearer_auth(key)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{key:?}");
        assert!(key.trim().is_empty() || !refused.body.to_string().contains(key));
    }
    let basic = node
        .client
        .get(&url)
        .header("authorization", "Basic Zm9vOmJhcg==");
    answer(basic).await.refused(401, "missing_api_key");
}

#[tokio::test]
async fn the_key_comes_as_bearer_or_in_its_own_header() {
    let node = Node::start().await;
    let url = format!("{}/x-keys", node.base);
    let plain = node.client.get(&url).header("x-api-key", OWNER_KEY);
    assert_eq!(answer(plain).await.ok()["keys"], json!([]));
    let lower = format!("bearer {OWNER_KEY}");
    let bearer = node.client.get(&url).header("authorization", lower);
    assert_eq!(answer(bearer).await.ok()["keys"], json!([]));
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_in_the_envelope() {
    let node = Node::start().await;
    let error = node.get("/x-nothing").await.refused(404, "route_not_found");
    assert_eq!(error["type"], "not_found_error");
    let refused = answer(node.request(Method::PATCH, "/x-config")).await;
    let allow = refused.header("allow").to_owned();
    for method in ["GET", "PUT", "POST", "DELETE"] {
        assert!(allow.contains(method), "{allow}");
    }
    refused.refused(405, "method_not_allowed");
    node.put("/x-keys", &json!({}))
        .await
        .refused(405, "method_not_allowed");
    node.get("/x-keys/%ff").await.refused(400, "invalid_field");
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_a_known_caller_s_the_revision() {
    let node = Node::start().await;
    let read = node.get("/x-keys").await;
    assert_eq!(read.header("x-foldgate-revision"), "1");
    assert!(!read.header("x-request-id").is_empty());
    assert_eq!(read.header("cache-control"), "no-store");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    assert_eq!(read.header("content-type"), "application/json");

    let own = node
        .request(Method::GET, "/x-nothing")
        .header("x-request-id", "mine-1");
    let own = answer(own).await;
    assert_eq!(own.header("x-request-id"), "mine-1");
    assert!(!own.headers.contains_key("x-foldgate-revision"));

    let odd = node
        .request(Method::GET, "/x-keys")
        .header("x-request-id", "a b");
    assert_ne!(answer(odd).await.header("x-request-id"), "a b");
}

#[tokio::test]
async fn health_needs_no_key() {
    let node = Node::start().await;
    let url = format!("{}/healthz", node.base);
    let healthy = answer(node.client.get(url)).await.ok();
    assert_eq!(healthy, json!({"status": "ok"}));
}

#[tokio::test]
async fn models_are_listed_in_openai_s_shape() {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9/v1").await;
    node.put("/x-config", &json!({"LEVEL_MAPPER": {"my-model": 1}}))
        .await
        .ok();
    for path in ["/v1/models", "/models"] {
        let list = node.get(path).await.ok();
        assert_eq!(list["object"], "list");
        let mut data = list["data"].as_array().unwrap().iter();
        let model = data.find(|model| model["id"] == "my-model").unwrap();
        assert_eq!(model["object"], "model");
        assert!(model["created"].is_u64() && model["owned_by"].is_string());
    }
}
