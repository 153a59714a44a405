//! Changes of a key's `Config`: over what there is, field by field; and what
//! two changes at once may not come to.

use foldgate_domain::provider::vertex_location;
use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_log::Reports;
use foldgate_proto::ProviderConfig;
use serde_json::{Value, json};

use crate::node::{Node, embedded, new_key};

const VERTEX: &str = "https://us-central1-aiplatform.googleapis.com";

fn azure() -> Value {
    json!({
        "provider_type": "azure",
        "model_mapping": {"gpt-4o": "d-1"},
        "api_versions": {"chat": "2025-01-01-preview"}
    })
}

fn vertex() -> Value {
    json!({
        "provider_type": "vertex",
        "base_url": format!("{VERTEX}/v1/projects/{{project}}/locations/{{location}}"),
        "project_id": "my-gcp-project",
        "client_email": "svc@my-gcp-project.iam.gserviceaccount.com",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE...\n-----END PRIVATE KEY-----\n"
    })
}

/// How often a race is run: longer in the long run of all tests.
fn rounds() -> usize {
    let is_nightly = std::env::var_os("FOLDGATE_NIGHTLY").is_some();
    if is_nightly { 500 } else { 20 }
}

async fn with(provider: &str, config: Value) -> Node {
    let node = Node::start().await;
    let mut body = new_key(1, provider);
    body["Config"] = config;
    node.post("/x-keys", &body).await.ok();
    node
}

async fn config(node: &Node, change: Value) -> Value {
    let put = node.put("/x-keys/1", &json!({"Config": change})).await.ok();
    put["key"]["Config"].clone()
}

#[tokio::test]
async fn a_field_of_azure_changes_and_the_other_stays() {
    let node = with("https://r.openai.azure.com", azure()).await;
    let mut expected = azure();
    assert_eq!(config(&node, json!({})).await, expected);
    expected["model_mapping"] = json!({"*": "d-2"});
    let change = json!({"model_mapping": {"*": "d-2"}});
    assert_eq!(config(&node, change).await, expected);
    expected.as_object_mut().unwrap().remove("api_versions");
    assert_eq!(config(&node, json!({"api_versions": null})).await, expected);
    let put = node
        .put("/x-keys/1", &json!({"Config": {"model_mapping": null}}))
        .await
        .ok();
    assert!(
        put["warnings"]
            .to_string()
            .contains("maps no model to a deployment"),
        "{put}"
    );
}

#[tokio::test]
async fn a_field_of_vertex_changes_and_the_others_stay() {
    let node = with(VERTEX, vertex()).await;
    let before = config(&node, json!({})).await;
    let records = node.records().await.len();
    assert_eq!(
        config(&node, json!({"provider_type": "vertex"})).await,
        before
    );
    assert_eq!(node.records().await.len(), records, "nothing changed");
    let after = config(&node, json!({"project_id": "other-project"})).await;
    assert_eq!(after["project_id"], "other-project");
    assert_eq!(after["client_email"], before["client_email"]);
    assert_eq!(after["private_key"], before["private_key"]);
    let after = config(&node, json!({"base_url": null})).await;
    assert_eq!(after.get("base_url"), None);
    for (param, change) in [
        ("Config.project_id", json!({"project_id": null})),
        ("Config.private_key", json!({"private_key": null})),
        (
            "Config.private_key",
            json!({"private_key": "[PRIVATE KEY ...abcd]"}),
        ),
        ("Config.private_key", json!({"client_email": "a@b.example"})),
        (
            "Config.private_key",
            json!({"private_key": "x".repeat(20_000)}),
        ),
        ("Config.model_mapping", json!({"model_mapping": {}})),
    ] {
        let refused = node.put("/x-keys/1", &json!({"Config": change})).await;
        assert_eq!(refused.refused(400, "invalid_field")["param"], param);
    }
}

#[tokio::test]
async fn the_admin_api_keeps_settings_it_has_no_word_for() {
    for (provider, of) in [(VERTEX, vertex()), ("https://r.openai.azure.com", azure())] {
        let node = with(provider, of).await;
        let before = node.get("/x-keys/1").await.ok()["keys"][0].clone();
        let path = format!(
            "/admin/v1/provider_keys/{}",
            before["UUID"].as_str().unwrap()
        );
        let mut value = node.get(&path).await.ok()["value"].clone();
        value["display_name"] = json!("renamed");
        value.as_object_mut().unwrap().remove("adapter");
        for base in [value["api_base"].clone(), Value::Null] {
            value["api_base"] = base;
            value["provider"] = json!("openai");
            let put = node.put(&path, &value).await.ok();
            assert!(!put.to_string().contains("type changes"), "{put}");
            let after = node.get("/x-keys/1").await.ok()["keys"][0].clone();
            assert_eq!(after["Name"], "renamed");
            for field in ["Config", "Provider"] {
                assert_eq!(after[field], before[field], "{field}");
            }
        }
    }
}

#[tokio::test]
async fn another_type_has_to_be_named_and_is_warned_of() {
    let node = with(VERTEX, vertex()).await;
    let body = json!({"Config": {"provider_type": "azure", "model_mapping": {"*": "d"}}});
    let put = node.put("/x-keys/1", &body).await.ok();
    assert_eq!(put["key"]["Config"]["provider_type"], "azure");
    assert!(
        put["warnings"].to_string().contains("from vertex to azure"),
        "{put}"
    );
    let back = json!({"Config": {"provider_type": "vertex", "project_id": "my-gcp-project"}});
    let error = node
        .put("/x-keys/1", &back)
        .await
        .refused(400, "invalid_field");
    assert_eq!(
        error["param"], "Config.client_email",
        "nothing is left of before"
    );
    let unnamed = json!({"Config": {"project_id": "my-gcp-project"}});
    let error = node
        .put("/x-keys/1", &unnamed)
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "Config.project_id");
}

#[tokio::test]
async fn a_change_that_is_none_says_so_without_a_record() {
    let node = with(VERTEX, vertex()).await;
    for change in [
        json!({"Config": {}}),
        json!({"Config": null, "Level": null}),
        json!({"Status": true, "Level": 1}),
    ] {
        let put = node.put("/x-keys/1", &change).await.ok();
        assert_eq!(put["key"]["ID"], 1, "{change}");
    }
    assert_eq!(node.records().await.len(), 2);
}

#[tokio::test]
async fn writes_need_an_id() {
    let node = with(VERTEX, vertex()).await;
    for path in [
        "/x-keys/foo",
        "/x-keys/L1",
        "/x-keys/api.openai.com",
        "/x-keys/https://a.b/c",
    ] {
        let error = node
            .put(path, &json!({"Level": 2}))
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], "id", "{path}");
        let error = node.delete(path).await.refused(400, "invalid_field");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("an id is needed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_vertex_key_never_ends_at_a_foreign_host() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let one = Node::on(log.clone(), Reports::local()).await;
    let two = Node::on(log, Reports::local()).await;
    let mut added = Vec::new();
    for _ in 0..rounds() {
        added.push(one.add_key(1, VERTEX).await);
    }
    for number in added {
        let path = format!("/x-keys/{number}");
        let becomes = json!({"Config": vertex()});
        let moves = json!({"Provider": "https://api.openai.com"});
        let (config, provider) = tokio::join!(one.put(&path, &becomes), two.put(&path, &moves));
        let succeeded = [&config, &provider].map(|answer| answer.status.is_success());
        assert!(
            succeeded.contains(&true),
            "{} {}",
            config.body,
            provider.body
        );
        assert!(
            succeeded.contains(&false),
            "both cannot be: {}",
            provider.body
        );
    }
    one.get("/x-keys/999").await.refused(404, "key_not_found");
    let state = one.replica.state();
    for key in state.owner(one.owner).unwrap().keys.values() {
        if let ProviderConfig::Vertex { location, .. } = &key.config {
            let host = ProviderUrl::parse(&key.provider).unwrap();
            assert_eq!(vertex_location(host.host()).as_ref(), Some(location));
        }
    }
}

#[tokio::test]
async fn of_two_changes_at_once_to_one_config_both_stand() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let one = Node::on(log.clone(), Reports::local()).await;
    let two = Node::on(log, Reports::local()).await;
    let mut body = new_key(1, VERTEX);
    body["Config"] = vertex();
    let added = one.post("/x-keys", &body).await.ok();
    let path = format!("/x-keys/{}", added["key"]["ID"]);
    for round in 0..rounds() {
        let project = format!("project-{round}");
        let template = format!("{VERTEX}/v1/round-{round}");
        let projects = json!({"Config": {"project_id": project}});
        let templates = json!({"Config": {"base_url": template}});
        let (project_put, template_put) =
            tokio::join!(one.put(&path, &projects), two.put(&path, &templates));
        project_put.ok();
        template_put.ok();
        one.get("/x-keys/999").await.refused(404, "key_not_found");
        let shown = one.get(&path).await.ok()["keys"][0]["Config"].clone();
        assert_eq!(
            (&shown["project_id"], &shown["base_url"]),
            (&json!(project), &json!(template)),
            "round {round}"
        );
    }
}
