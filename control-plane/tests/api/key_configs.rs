//! Keys of Azure and Vertex: what their `Config` must say, and what is shown.

use foldgate_proto::{KeyNumber, ProviderConfig};
use foldgate_vault::SealContext;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::node::{Node, new_key};

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\n-----END RSA PRIVATE KEY-----\n";

fn azure() -> Value {
    let mut body = new_key(2, "https://your-resource.openai.azure.com");
    body["Name"] = json!("Azure OpenAI");
    body["Config"] = json!({
        "provider_type": "azure",
        "model_mapping": {
            "gpt-4o": "gpt-4-deployment",
            "gpt-3.5*": "gpt35-turbo",
            "*": "default-deployment"
        },
        "api_versions": {
            "chat": "2025-01-01-preview",
            "embeddings": "2024-02-01",
            "responses": "2025-04-01-preview",
            "audio": "2025-03-01-preview",
            "images": "2025-04-01-preview"
        }
    });
    body
}

fn vertex() -> Value {
    let host = "https://us-central1-aiplatform.googleapis.com";
    json!({
        "SecretKey": "sk-placeholder-51chars-xxxxxxxxxxxxxxxxxxxxxxxx",
        "Name": "Vertex AI",
        "Level": 3,
        "Provider": host,
        "Status": true,
        "Config": {
            "provider_type": "vertex",
            "base_url": format!("{host}/v1/projects/{{project}}/locations/{{location}}"),
            "project_id": "my-gcp-project",
            "client_email": "svc@my-gcp-project.iam.gserviceaccount.com",
            "private_key": PEM
        }
    })
}

#[tokio::test]
async fn the_contract_s_azure_key_is_kept_and_completes_nothing() {
    let node = Node::start().await;
    let added = node.post("/x-keys", &azure()).await.ok();
    assert_eq!(added["key"]["Config"], azure()["Config"]);
    let warnings = added["warnings"].to_string();
    assert!(warnings.contains("leads to Level"), "{warnings}");
    let mapper = node.get("/x-conf").await.ok()["LevelMapper"].clone();
    assert_eq!(mapper, json!({}), "its deployments are its own business");
}

#[tokio::test]
async fn azure_mappings_are_checked() {
    let node = Node::start().await;
    let cases = [
        (
            "Config.model_mapping",
            "model_mapping",
            json!({"gpt-4o": "a*"}),
        ),
        ("Config.model_mapping", "model_mapping", json!({"": "a"})),
        (
            "Config.model_mapping",
            "model_mapping",
            json!({"gpt-4o": 7}),
        ),
        ("Config.model_mapping", "model_mapping", json!("gpt-4o=a")),
        (
            "Config.api_versions",
            "api_versions",
            json!({"chat": "2025 01"}),
        ),
        (
            "Config.api_versions",
            "api_versions",
            json!({"chta": "latest"}),
        ),
        (
            "Config.api_versions",
            "api_versions",
            json!({"chat": "2025-13-01"}),
        ),
        (
            "Config.api_versions",
            "api_versions",
            json!({"chat": "latest", " chat": "preview"}),
        ),
        (
            "Config.model_mapping",
            "model_mapping",
            json!({"gpt-4o": "a/b"}),
        ),
        ("Config.api_versions", "api_versions", json!({"chat": null})),
        ("Config.provider_type", "provider_type", json!("bedrock")),
        ("Config.project_id", "project_id", json!("x")),
    ];
    for (param, field, value) in cases {
        let mut body = azure();
        body["Config"][field] = value.clone();
        let error = node
            .post("/x-keys", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{value}");
    }
}

#[tokio::test]
async fn the_contract_s_vertex_key_is_kept_and_its_private_key_sealed() {
    let node = Node::start().await;
    let added = node.post("/x-keys", &vertex()).await.ok();
    let config = &added["key"]["Config"];
    assert_eq!(config["project_id"], "my-gcp-project");
    assert_eq!(config["location"], "us-central1");
    assert_eq!(config["base_url"], vertex()["Config"]["base_url"]);
    assert!(!added.to_string().contains("MIIEcanary"));
    assert!(!node.log_text().await.contains("MIIEcanary"));

    let state = node.replica.state();
    let key = state
        .owner(node.owner)
        .unwrap()
        .keys
        .get(&KeyNumber(1))
        .unwrap();
    let ProviderConfig::Vertex { private_key, .. } = &key.config else {
        panic!("{:?}", key.config);
    };
    let context = SealContext {
        owner: node.owner,
        resource: key.id.0,
        field: "private_key",
    };
    let opened = node.vault.open(&context, &private_key.sealed).unwrap();
    assert_eq!(opened.expose_secret(), PEM);
}

#[tokio::test]
async fn vertex_fields_are_checked_when_they_are_written() {
    let node = Node::start().await;
    let cases = [
        ("Config.project_id", json!({"project_id": "No Project"})),
        ("Config.project_id", json!({"project_id": null})),
        ("Config.client_email", json!({"client_email": "nobody"})),
        ("Config.private_key", json!({"private_key": "secret"})),
        ("Config.private_key", json!({"private_key": null})),
        (
            "Config.base_url",
            json!({"base_url": "https://evil.example/{project}"}),
        ),
        ("Config.location", json!({"location": "europe-west4"})),
        ("Config.model_mapping", json!({"model_mapping": {}})),
    ];
    for (param, change) in cases {
        let mut body = vertex();
        for (field, value) in change.as_object().unwrap() {
            body["Config"][field] = value.clone();
        }
        let error = node
            .post("/x-keys", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], param);
    }
    let mut body = vertex();
    body["Provider"] = json!("https://api.openai.com");
    let error = node
        .post("/x-keys", &body)
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "Provider");
}

#[tokio::test]
async fn a_shortened_private_key_is_kept_with_a_warning() {
    let node = Node::start().await;
    let mut body = vertex();
    body["Config"]["private_key"] = json!(PEM.replace("canary", "..."));
    let added = node.post("/x-keys", &body).await.ok();
    assert!(
        added["warnings"].to_string().contains("shortened"),
        "{added}"
    );
}

#[tokio::test]
async fn a_masked_private_key_is_an_unchanged_one() {
    let node = Node::start().await;
    node.post("/x-keys", &vertex()).await.ok();
    let sealed = || {
        let state = node.replica.state();
        let key = state
            .owner(node.owner)
            .unwrap()
            .keys
            .get(&KeyNumber(1))
            .unwrap();
        match &key.config {
            ProviderConfig::Vertex { private_key, .. } => private_key.clone(),
            other => panic!("{other:?}"),
        }
    };
    let before = sealed();
    let mut config = node.get("/x-keys/1").await.ok()["keys"][0]["Config"].clone();
    config["project_id"] = json!("another-project");
    let put = node.put("/x-keys/1", &json!({"Config": config})).await.ok();
    assert_eq!(put["key"]["Config"]["project_id"], "another-project");
    assert_eq!(sealed(), before);

    let mut moved = config.clone();
    moved["client_email"] = json!("other@my-gcp-project.iam.gserviceaccount.com");
    let kept = node.put("/x-keys/1", &json!({"Config": moved})).await;
    let error = kept.refused(400, "invalid_field");
    assert_eq!(
        error["param"], "Config.private_key",
        "a key goes with its account"
    );
    moved["private_key"] = json!(PEM);
    node.put("/x-keys/1", &json!({"Config": moved})).await.ok();
    assert_ne!(sealed(), before);

    let other = node.add_key(1, "https://api.openai.com").await;
    let path = format!("/x-keys/{other}");
    let mut body = json!({"Config": config});
    body["Provider"] = vertex()["Provider"].clone();
    let error = node.put(&path, &body).await.refused(400, "invalid_field");
    assert_eq!(
        error["param"], "Config.private_key",
        "there is nothing to keep"
    );
}

#[tokio::test]
async fn the_location_follows_the_provider() {
    let node = Node::start().await;
    let mut body = vertex();
    body["Config"].as_object_mut().unwrap().remove("base_url");
    node.post("/x-keys", &body).await.ok();
    let moved = json!({"Provider": "https://europe-west4-aiplatform.googleapis.com"});
    let put = node.put("/x-keys/1", &moved).await.ok();
    assert_eq!(put["key"]["Config"]["location"], "europe-west4");
    let away = json!({"Provider": "https://api.openai.com"});
    let error = node
        .put("/x-keys/1", &away)
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "Provider");
}

#[tokio::test]
async fn config_may_be_null_absent_or_standard() {
    let node = Node::start().await;
    for config in [Value::Null, json!({}), json!({"provider_type": "standard"})] {
        let mut body = new_key(1, "https://api.openai.com");
        body["Config"] = config;
        let added = node.post("/x-keys", &body).await.ok();
        assert_eq!(added["key"]["Config"], json!({"provider_type": "standard"}));
    }
}
