//! Reading `/x-keys`: shapes, filters, paths, pages.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::node::{Node, SECRET, new_key};

fn ids(body: &Value) -> Vec<u64> {
    let keys = body["keys"].as_array().unwrap().iter();
    keys.map(|key| key["ID"].as_u64().unwrap()).collect()
}

/// Keys 1 to 4: two Levels, three providers.
async fn four_keys() -> Node {
    let node = Node::start().await;
    for (level, provider) in [
        (1, "https://api.openai.com"),
        (2, "https://api.openai.com/v1/"),
        (2, "https://api.anthropic.com"),
        (2, "http://127.0.0.1:8080"),
    ] {
        node.add_key(level, provider).await;
    }
    node
}

#[tokio::test]
async fn a_key_looks_like_the_contract_s() {
    let node = Node::start().await;
    let mut body = new_key(1, "https://api.openai.com");
    body["Name"] = json!("OpenAI Production");
    node.post("/x-keys", &body).await.ok();
    let listed = node.get("/x-keys").await.ok();
    let key = &listed["keys"][0];
    let created = key["CreatedAt"].as_str().unwrap();
    assert_eq!(created.len(), "2025-01-01T00:00:00Z".len());
    assert!(created.ends_with('Z'), "{created}");
    assert_eq!(
        listed,
        json!({"success": true, "keys": [{
            "ID": 1,
            "UUID": key["UUID"],
            "Name": "OpenAI Production",
            "Level": 1,
            "Provider": "https://api.openai.com",
            "Status": true,
            "SecretKey": key["SecretKey"],
            "Config": {"provider_type": "standard"},
            "CreatedAt": created,
            "UpdatedAt": created,
        }]})
    );
    let mask = key["SecretKey"].as_str().unwrap();
    assert!(mask.starts_with("sk-") && mask.ends_with("WXYZ"), "{mask}");
    assert!(mask.len() < SECRET.len() / 2 + 1 && !mask.contains("canary-5f"));
}

#[tokio::test]
async fn query_filters_combine() {
    let node = four_keys().await;
    let cases = [
        ("", vec![1, 2, 3, 4]),
        ("?id=3", vec![3]),
        ("?id=99", vec![]),
        ("?level=2", vec![2, 3, 4]),
        ("?level=7", vec![]),
        ("?provider=https://api.openai.com", vec![1, 2]),
        ("?provider=api.openai.com", vec![1, 2]),
        ("?provider=https%3A%2F%2Fapi.openai.com%2Fv1", vec![2]),
        ("?provider=127.0.0.1:8080", vec![4]),
        ("?level=2&provider=api.openai.com", vec![2]),
        ("?level=1&id=2", vec![]),
    ];
    for (query, expected) in cases {
        let body = node.get(&format!("/x-keys{query}")).await.ok();
        assert_eq!(ids(&body), expected, "{query}");
    }
}

#[tokio::test]
async fn paths_name_a_key_a_level_or_a_provider() {
    let node = four_keys().await;
    let cases = [
        ("/x-keys/2", vec![2]),
        ("/x-keys/L2", vec![2, 3, 4]),
        ("/x-keys/L9", vec![]),
        ("/x-keys/api.anthropic.com", vec![3]),
        ("/x-keys/nowhere.example", vec![]),
        ("/x-keys/127.0.0.1:8080", vec![4]),
        ("/x-keys/https%3A%2F%2Fapi.openai.com", vec![1, 2]),
        ("/x-keys/https://api.openai.com", vec![1, 2]),
        ("/x-keys/https://api.openai.com/v1", vec![2]),
        ("/x-keys/https:/api.openai.com/v1", vec![2]),
        ("/x-keys/api.openai.com/v1", vec![2]),
        ("/x-keys/", vec![1, 2, 3, 4]),
        ("/x-keys/2/", vec![2]),
        ("/x-keys/L2?provider=api.anthropic.com", vec![3]),
        ("/x-keys/L2?size=2", vec![2, 3]),
    ];
    for (path, expected) in cases {
        assert_eq!(ids(&node.get(path).await.ok()), expected, "{path}");
    }
    let missing = node.get("/x-keys/99").await.refused(404, "key_not_found");
    assert_eq!(missing["param"], "id");
    let beyond = node.get("/x-keys/99999999999999999999999").await;
    let error = beyond.refused(404, "key_not_found");
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with("id 99999999999999999999999"), "{message}");
    node.get("/x-keys/L10000")
        .await
        .refused(400, "invalid_field");
    for path in ["no%20host", "foo", "127.1", "+1", "12x"] {
        let path = format!("/x-keys/{path}");
        let error = node.get(&path).await.refused(404, "key_not_found");
        assert_eq!(error["param"], "id", "{path}");
    }
    for path in ["/x-keys/1/foo", "/x-keys/foo/bar"] {
        node.get(path).await.refused(404, "route_not_found");
        let put = node.put(path, &json!({})).await;
        assert!(put.status.is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn pages_and_their_headers() {
    let node = four_keys().await;
    let told = async |path: &str| {
        let answer = node.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let headers = ["x-total-count", "x-page", "x-per-page", "x-total-pages"];
        let headers = headers.map(|name| answer.header(name).to_owned());
        (ids(&answer.body), headers.join(" "))
    };
    assert_eq!(
        told("/x-keys").await,
        (vec![1, 2, 3, 4], "4 1 1000 1".to_owned())
    );
    assert_eq!(
        told("/x-keys?size=3").await,
        (vec![1, 2, 3], "4 1 3 2".to_owned())
    );
    assert_eq!(
        told("/x-keys?page=2&size=3").await,
        (vec![4], "4 2 3 2".to_owned())
    );
    assert_eq!(
        told("/x-keys?page=9&size=3").await,
        (vec![], "4 9 3 2".to_owned())
    );
    assert_eq!(
        told("/x-keys?size=1000&level=2").await,
        (vec![2, 3, 4], "3 1 1000 1".to_owned())
    );
    for query in [
        "size=1001",
        "size=0",
        "size=%2B5",
        "id=%2B1",
        "page=0",
        "page=x",
        "level=x",
        "id=x",
    ] {
        let refused = node.get(&format!("/x-keys?{query}")).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], query.split('=').next().unwrap());
    }
}
