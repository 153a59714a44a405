//! Every reason to refuse a key.

use foldgate_tests::Settings;
use foldgate_tests::admin::CANARY;
use serde_json::{Map, Value, json};

/// A good key with some fields changed; `null` takes one away.
fn with(changes: &Value) -> Value {
    let mut body = json!({
        "SecretKey": CANARY, "Name": "a key", "Level": 1, "Provider": "https://api.openai.com",
    });
    let fields = body.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().unwrap_or(&Map::new()) {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    body
}

fn vertex(changes: &Value) -> Value {
    let mut config = json!({
        "provider_type": "vertex", "project_id": "my-gcp-project",
        "client_email": "svc@my-gcp-project.iam.gserviceaccount.com",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----\n",
    });
    for (name, value) in changes.as_object().unwrap_or(&Map::new()) {
        config[name] = value.clone();
    }
    json!({"Provider": "https://us-central1-aiplatform.googleapis.com", "Config": config})
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let before = admin.get("/x-keys").await.revision();
    for (changes, param) in [
        (json!({"SecretKey": null}), "SecretKey"),
        (json!({"SecretKey": "nineteen-characters"}), "SecretKey"),
        (json!({"SecretKey": 12}), "SecretKey"),
        (json!({"Level": null}), "Level"),
        (json!({"Level": -1}), "Level"),
        (json!({"Level": 10_000}), "Level"),
        (json!({"Level": 1.5}), "Level"),
        (json!({"Level": "1"}), "Level"),
        (json!({"Name": 5}), "Name"),
        (json!({"Status": "yes"}), "Status"),
        (json!({"Provider": null}), "Provider"),
        (json!({"Provider": ""}), "Provider"),
        (json!({"Provider": "api.openai.com"}), "Provider"),
        (json!({"Provider": "ftp://api.openai.com"}), "Provider"),
        (json!({"Provider": "https://"}), "Provider"),
        (
            json!({"Provider": "https://user:pw@api.openai.com"}),
            "Provider",
        ),
        (
            json!({"Provider": "https://api.openai.com/?a=b"}),
            "Provider",
        ),
        (json!({"Provider": "https://api.openai.com/#x"}), "Provider"),
        (
            json!({"Provider": "http://169.254.169.254/latest"}),
            "Provider",
        ),
        (json!({"Provider": "http://[fe80::1]"}), "Provider"),
        (
            json!({"Provider": "http://[::ffff:169.254.169.254]"}),
            "Provider",
        ),
        (json!({"Provider": "http://0xa9fea9fe"}), "Provider"),
        (
            json!({"Provider": "http://metadata.google.internal"}),
            "Provider",
        ),
        (json!({"Secret": "unknown field"}), "Secret"),
        (json!({"Config": "standard"}), "Config"),
        (json!({"Config": {"provider_type": "bedrock"}}), "Config"),
        (
            json!({"Config": {"provider_type": "standard", "extra": 1}}),
            "Config",
        ),
        (
            json!({"Config": {"provider_type": "azure", "model_mapping": "x"}}),
            "Config",
        ),
        (
            json!({"Config": {"provider_type": "azure", "model_mapping": {"a": 1}}}),
            "Config",
        ),
        (vertex(&json!({"project_id": ""})), "Config"),
        (vertex(&json!({"project_id": "../up"})), "Config"),
        (vertex(&json!({"client_email": "none"})), "Config"),
        (vertex(&json!({"private_key": "not a key"})), "Config"),
        (vertex(&json!({"private_key": null})), "Config"),
    ] {
        let answer = admin.post("/x-keys", &with(&changes)).await;
        let error = answer.refusal(400);
        let named = error.param.as_deref().unwrap_or_default();
        assert!(named.starts_with(param), "{changes}: param {named:?}");
        assert_eq!(error.kind, "invalid_request_error", "{changes}");
        assert!(!error.message.contains(CANARY), "{}", error.message);
    }
    assert!(admin.keys().await.is_empty());
    assert_eq!(
        admin.get("/x-keys").await.revision(),
        before,
        "nothing was written"
    );
}

#[tokio::test]
async fn a_vertex_key_needs_a_vertex_host() {
    let foldgate = Settings::standalone().start().await;
    let mut body = with(&vertex(&json!({})));
    body["Provider"] = "https://api.openai.com".into();
    let error = foldgate.admin().post("/x-keys", &body).await.refusal(400);
    assert_eq!(error.param.as_deref(), Some("Provider"));
}

#[tokio::test]
async fn a_provider_may_not_be_foldgate_itself() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    for base in [
        foldgate.proxy().base().to_owned(),
        admin.base().to_owned(),
        foldgate.status().base().to_owned(),
        foldgate.proxy().base().replace("127.0.0.1", "localhost"),
    ] {
        let error = admin
            .post("/x-keys", &with(&json!({"Provider": base})))
            .await
            .refusal(400);
        assert_eq!(error.param.as_deref(), Some("Provider"), "{base}");
    }
    // Loopback as such is allowed in standalone.
    admin
        .post("/x-keys", &with(&json!({"Provider": "http://127.0.0.1:9"})))
        .await
        .ok();
}

#[tokio::test]
async fn a_change_is_checked_like_a_new_key() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let number = admin.add_key(1, "https://api.openai.com").await;
    let path = format!("/x-keys/{number}");
    for (change, param) in [
        (json!({"Level": 10_000}), "Level"),
        (json!({"SecretKey": "short"}), "SecretKey"),
        (json!({"Provider": "http://169.254.169.254"}), "Provider"),
        (json!({"Nonsense": 1}), "Nonsense"),
    ] {
        let error = admin.put(&path, &change).await.refusal(400);
        assert_eq!(error.param.as_deref(), Some(param), "{change}");
    }
    admin.put(&path, &json!({})).await.refusal(400);
    admin.delete("/x-keys", None).await.error(405);
    assert_eq!(admin.keys().await[0]["Level"], 1);
}
