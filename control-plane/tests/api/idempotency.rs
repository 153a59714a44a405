//! A client's own retries.

use foldgate_proto::RecordHash;
use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Answer, Node, SECRET, answer, new_key};

async fn send(node: &Node, key: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = node.request(method, path).header("idempotency-key", key);
    answer(request.json(body)).await
}

#[tokio::test]
async fn the_same_request_again_is_answered_with_the_same_resource() {
    let node = Node::start().await;
    let body = new_key(1, "https://api.openai.com");
    let first = send(&node, "once", Method::POST, "/x-keys", &body).await;
    let again = send(&node, "once", Method::POST, "/x-keys", &body).await;
    for name in ["x-foldgate-record", "x-foldgate-revision"] {
        assert_eq!(first.header(name), again.header(name));
    }
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(first.ok()["key"], again.ok()["key"]);
    assert_eq!(node.records().await.len(), 2);
}

#[tokio::test]
async fn a_retry_is_not_warned_again() {
    let node = Node::start().await;
    let key = json!({"display_name": "k", "api_key": SECRET, "provider": "openai", "tls": {}});
    let model = json!({"display_name": "m", "model_name": "m", "level": 7});
    for (path, body) in [
        ("/admin/v1/provider_keys", key),
        ("/admin/v1/models", model),
    ] {
        let first = send(&node, path, Method::POST, path, &body).await.ok();
        let again = send(&node, path, Method::POST, path, &body).await.ok();
        assert!(first["warnings"].is_array(), "{first}");
        assert_eq!(again["warnings"], Value::Null, "{again}");
        assert_eq!(again["value"], first["value"]);
    }
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let node = Node::start().await;
    let body = new_key(1, "https://api.openai.com");
    send(&node, "once", Method::POST, "/x-keys", &body)
        .await
        .ok();
    let other = new_key(2, "https://api.openai.com");
    let refused = send(&node, "once", Method::POST, "/x-keys", &other).await;
    let error = refused.refused(422, "idempotency_mismatch");
    assert!(!error.to_string().contains(SECRET));
    let elsewhere = send(
        &node,
        "once",
        Method::PUT,
        "/x-config",
        &json!({"EMAIL_TLS": true}),
    )
    .await;
    elsewhere.refused(422, "idempotency_mismatch");
}

#[tokio::test]
async fn a_retry_may_wait_otherwise_and_spell_the_path_otherwise() {
    let node = Node::start().await;
    let body = new_key(1, "https://api.openai.com");
    let first = send(&node, "once", Method::POST, "/x-keys?wait=fleet", &body).await;
    let record = first.header("x-foldgate-record").to_owned();
    for path in [
        "/x-keys",
        "/x-keys/",
        "/x-keys?dry_run=false",
        "/x-keys/?wait=fleet",
    ] {
        let again = send(&node, "once", Method::POST, path, &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{path}");
        assert_eq!(again.header("x-foldgate-record"), record, "{path}");
    }
    assert_eq!(node.records().await.len(), 2);
    // What is to be restored is another matter.
    let restore = async |query: &str| {
        let path = format!("/admin/v1/state/restore?{query}");
        send(&node, "back", Method::POST, &path, &json!({})).await
    };
    restore("at=1").await.ok();
    let again = restore("wait=fleet&at=1").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    restore("at=2").await.refused(422, "idempotency_mismatch");
    restore("at=1&resource=key/1")
        .await
        .refused(422, "idempotency_mismatch");
}

#[tokio::test]
async fn every_write_may_be_sent_again() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let news = json!({"title": "t", "content": "c"});
    let config = json!({"MODEL_MAPPER": "a=b"});
    let writes = [
        ("a", Method::PUT, "/x-keys/1", json!({"Level": 2})),
        ("b", Method::PUT, "/x-config", config),
        (
            "c",
            Method::DELETE,
            "/x-config",
            json!({"keys": ["MODEL_MAPPER"]}),
        ),
        ("d", Method::POST, "/x-news", news),
        ("e", Method::DELETE, "/x-news", json!({"id": 1})),
        ("f", Method::DELETE, "/x-keys/1", json!({})),
    ];
    for (key, method, path, body) in writes {
        send(&node, key, method.clone(), path, &body).await.ok();
        let written = node.records().await.len();
        let again = send(&node, key, method, path, &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{path}");
        again.ok();
        assert_eq!(node.records().await.len(), written, "{path}");
    }
}

#[tokio::test]
async fn a_resource_gone_since_is_not_made_again() {
    let node = Node::start().await;
    let body = new_key(1, "https://api.openai.com");
    send(&node, "once", Method::POST, "/x-keys", &body)
        .await
        .ok();
    node.delete("/x-keys/1").await.ok();
    let again = send(&node, "once", Method::POST, "/x-keys", &body).await;
    again.refused(404, "gone");
}

#[tokio::test]
async fn a_key_must_be_short_plain_text() {
    let node = Node::start().await;
    let body = json!({"title": "t", "content": "c"});
    let longest = "k".repeat(255);
    send(&node, &longest, Method::POST, "/x-news", &body)
        .await
        .ok();
    for key in ["", "ü", &"k".repeat(256)] {
        let error = send(&node, key, Method::POST, "/x-news", &body).await;
        let error = error.refused(400, "invalid_field");
        assert_eq!(error["param"], "Idempotency-Key");
    }
}

/// The hash of a request stands in the log for ever. Of one that holds a password
/// that people choose, it is made with the master key, so that nobody who has the log
/// alone can try passwords on it; still, another password is another request.
#[tokio::test]
async fn a_mail_password_counts_and_cannot_be_guessed_from_the_retry_s_hash() {
    let mut hashes = Vec::new();
    for (key, forms) in [
        ("once", ["EMAIL_PASS", "configs"]),
        ("once", ["EMAIL_PASS", "configs"]),
        ("twice", ["EMAIL_PASS", "configs"]),
    ] {
        let node = Node::start().await;
        for form in forms {
            let body = |password: &str| match form {
                "configs" => json!({"configs": {"EMAIL_PASS": password}}),
                _ => json!({"EMAIL_PASS": password}),
            };
            let key = format!("{key}-{form}");
            // The masks of both are the same.
            let put =
                async |password| send(&node, &key, Method::PUT, "/x-config", &body(password)).await;
            put("ab").await.ok();
            let again = put("ab").await;
            assert_eq!(again.header("idempotency-replayed"), "true", "{form}");
            let error = put("cd").await.refused(422, "idempotency_mismatch");
            assert!(!error.to_string().contains("cd\""), "{error}");
            let record = node.records().await.pop().unwrap();
            let hash = record.idempotency.unwrap().request_hash;
            for told in ["ab", "..."] {
                let text = format!("PUT /x-config?\n{}", body(told));
                assert_ne!(hash, RecordHash::of(text.as_bytes()), "{form} {told}");
            }
            hashes.push(hash);
        }
        assert_eq!(node.records().await.len(), 3);
    }
    assert_eq!(
        hashes[..2],
        hashes[2..4],
        "every control plane knows a retry"
    );
    assert_ne!(
        hashes[0], hashes[4],
        "under another key it is not known again"
    );
}

/// Nor can what any other request brings, wherever a secret may stand in it.
#[tokio::test]
async fn no_request_can_be_guessed_from_its_hash() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let key = json!({"SecretKey": "any-text-of-20-or-more-characters", "Level": 1,
        "Provider": "https://api.openai.com"});
    let provider_key = json!({"display_name": "k", "provider": "openai", "api_key": "x",
        "request": {"default_headers": {"x-token": "hunter3"}}});
    let exporter = json!({"name": "o", "kind": "otlp_http", "endpoint": "https://otlp.example",
        "headers": {"x-token": "hunter3"}});
    for (method, path, body) in [
        (Method::POST, "/x-keys", key),
        (Method::POST, "/admin/v1/provider_keys", provider_key),
        (Method::POST, "/admin/v1/observability_exporters", exporter),
        (
            Method::PUT,
            "/x-keys/1",
            json!({"SecretKey": "hunter3-hunter3-hunter3"}),
        ),
        (
            Method::POST,
            "/x-users",
            json!({"Name": "team", "Email": "team@example.com"}),
        ),
    ] {
        send(&node, path, method.clone(), path, &body).await.ok();
        let record = node.records().await.pop().unwrap();
        let hash = record.idempotency.unwrap().request_hash;
        let text = format!("{method} {path}?\n{body}");
        assert_ne!(hash, RecordHash::of(text.as_bytes()), "{path}");
        let again = send(&node, path, method, path, &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{path}");
    }
}
