//! `/x-keys`: create, show, change, remove; filters and paging; the three types.

use foldgate_tests::admin::{CANARY, id, list};
use foldgate_tests::upstream::Reply;
use foldgate_tests::{Admin, Settings};
use serde_json::{Value, json};

use super::{CHAT, World, chat};

fn key(level: u16, provider: &str) -> Value {
    json!({"SecretKey": CANARY, "Level": level, "Provider": provider})
}

async fn ids(admin: &Admin, path: &str) -> Vec<u64> {
    let body = admin.get(path).await.ok();
    list(&body["keys"]).iter().map(id).collect()
}

#[tokio::test]
async fn a_key_is_created_shown_changed_and_removed() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let body = json!({
        "SecretKey": CANARY, "Name": "OpenAI Main Pool", "Level": 1,
        "Provider": "https://api.openai.com", "Status": true,
    });
    let answer = admin.post("/x-keys", &body).await;
    let created = answer.ok();
    assert_eq!(created["success"], true);
    let key = &created["key"];
    assert_eq!(key["Name"], "OpenAI Main Pool");
    assert_eq!(key["Level"], 1);
    assert_eq!(key["Provider"], "https://api.openai.com");
    assert_eq!(key["Status"], true);
    assert_eq!(key["CreatedAt"], key["UpdatedAt"]);
    assert!(
        key["CreatedAt"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{key}"
    );
    let number = id(key);
    let path = format!("/x-keys/{number}");
    let shown = admin.get(&path).await.ok();
    assert_eq!(list(&shown["keys"]), std::slice::from_ref(key));

    let changed = admin
        .put(&path, &json!({"Level": 2, "Status": false}))
        .await
        .ok();
    assert_eq!(changed["key"]["Level"], 2);
    assert_eq!(changed["key"]["Status"], false);
    assert_eq!(changed["key"]["Name"], "OpenAI Main Pool");
    let changed = admin
        .post(&path, &json!({"Name": "Reserve", "Status": true}))
        .await
        .ok();
    assert_eq!(changed["key"]["Name"], "Reserve");
    assert_eq!(changed["key"]["Level"], 2);

    assert_eq!(admin.delete(&path, None).await.ok()["success"], true);
    admin.get(&path).await.refusal(404);
    admin.put(&path, &json!({"Level": 1})).await.refusal(404);
    admin.delete(&path, None).await.refusal(404);
    assert!(admin.keys().await.is_empty());
    // Numbers are never given twice.
    let again = admin.add_key(1, "https://api.openai.com").await;
    assert!(again > number);
}

#[tokio::test]
async fn what_get_shows_may_be_put_back() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let number = admin.add_key(7, "https://api.mistral.ai").await;
    let shown = admin.keys().await.remove(0);
    admin.put(&format!("/x-keys/{number}"), &shown).await.ok();
    let after = admin.keys().await.remove(0);
    for field in [
        "ID",
        "Name",
        "Level",
        "Provider",
        "Status",
        "SecretKey",
        "Config",
        "CreatedAt",
    ] {
        assert_eq!(after[field], shown[field], "{field}");
    }
}

#[tokio::test]
async fn every_filter_and_path_form_finds_its_keys() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let openai = "https://api.openai.com";
    let anthropic = "https://api.anthropic.com";
    let mut numbers = Vec::new();
    for (level, provider) in [(1, openai), (2, openai), (2, anthropic), (3, anthropic)] {
        numbers.push(admin.add_key(level, provider).await);
    }
    let [a, b, c, d] = numbers[..] else {
        panic!("four keys")
    };
    for (path, expected) in [
        ("/x-keys".to_owned(), vec![a, b, c, d]),
        (format!("/x-keys?id={b}"), vec![b]),
        ("/x-keys?level=2".to_owned(), vec![b, c]),
        (
            "/x-keys?provider=https://api.openai.com".to_owned(),
            vec![a, b],
        ),
        (
            "/x-keys?provider=https%3A%2F%2Fapi.openai.com".to_owned(),
            vec![a, b],
        ),
        ("/x-keys?provider=api.anthropic.com".to_owned(), vec![c, d]),
        (
            "/x-keys?level=2&provider=https://api.openai.com".to_owned(),
            vec![b],
        ),
        (format!("/x-keys/{c}"), vec![c]),
        ("/x-keys/L2".to_owned(), vec![b, c]),
        ("/x-keys/L77".to_owned(), vec![]),
        ("/x-keys/api.anthropic.com".to_owned(), vec![c, d]),
        (
            "/x-keys/https%3A%2F%2Fapi.openai.com".to_owned(),
            vec![a, b],
        ),
        ("/x-keys/api.example.com".to_owned(), vec![]),
    ] {
        assert_eq!(ids(&admin, &path).await, expected, "{path}");
    }
    admin.get("/x-keys/999999").await.refusal(404);
    admin.get("/x-keys?level=10000").await.refusal(400);
}

#[tokio::test]
async fn lists_are_paged() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let mut numbers = Vec::new();
    for _ in 0..25 {
        numbers.push(admin.add_key(1, "https://api.openai.com").await);
    }
    let answer = admin.get("/x-keys?page=2&size=10").await;
    let page: Vec<u64> = list(&answer.ok()["keys"]).iter().map(id).collect();
    assert_eq!(page, numbers[10..20]);
    for (name, value) in [
        ("x-total-count", "25"),
        ("x-page", "2"),
        ("x-per-page", "10"),
        ("x-total-pages", "3"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(ids(&admin, "/x-keys?size=10").await, numbers[..10]);
    assert_eq!(ids(&admin, "/x-keys?page=3&size=10").await, numbers[20..]);
    assert_eq!(ids(&admin, "/x-keys?page=4&size=10").await, [] as [u64; 0]);
    assert_eq!(ids(&admin, "/x-keys?size=1000").await, numbers);
    for (query, param) in [
        ("size=1001", "size"),
        ("size=0", "size"),
        ("page=0", "page"),
        ("size=x", "size"),
    ] {
        let error = admin.get(&format!("/x-keys?{query}")).await.refusal(400);
        assert_eq!(error.param.as_deref(), Some(param), "{query}");
    }
}

#[tokio::test]
async fn azure_and_vertex_keys_are_kept_and_shown_without_their_secrets() {
    let world = World::new().await;
    let admin = &world.admin;
    let mut azure = key(2, "https://your-resource.openai.azure.com");
    azure["Config"] = json!({
        "provider_type": "azure",
        "model_mapping": {"gpt-4o": "gpt-4-deployment", "gpt-3.5*": "gpt35-turbo", "*": "default"},
        "api_versions": {"chat": "2025-01-01-preview", "embeddings": "2024-02-01"},
    });
    let shown = admin.post("/x-keys", &azure).await.ok()["key"].clone();
    assert_eq!(shown["Config"], azure["Config"]);

    let mut vertex = key(3, "https://us-central1-aiplatform.googleapis.com");
    vertex["Config"] = json!({
        "provider_type": "vertex",
        "base_url": "https://us-central1-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}",
        "project_id": "my-gcp-project",
        "client_email": "svc@my-gcp-project.iam.gserviceaccount.com",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANcanarycanarycanary\n-----END PRIVATE KEY-----\n",
    });
    let answer = admin.post("/x-keys", &vertex).await;
    let shown = answer.ok()["key"].clone();
    assert!(!answer.text().contains("canary"), "{shown}");
    assert_eq!(shown["Config"]["provider_type"], "vertex");
    assert_eq!(shown["Config"]["project_id"], "my-gcp-project");
    assert_eq!(shown["Config"]["location"], "us-central1");
}

#[tokio::test]
async fn an_azure_key_calls_its_deployment() {
    let world = World::new().await;
    let mut azure = key(2, &world.upstream.url());
    azure["Config"] = json!({
        "provider_type": "azure",
        "model_mapping": {"gpt-4o": "gpt-4-deployment"},
        "api_versions": {"chat": "2025-01-01-preview"},
    });
    world.admin.post("/x-keys", &azure).await.ok();
    world
        .admin
        .config(&json!({"LEVEL_MAPPER": {"gpt-4o": 2}}))
        .await;
    world.upstream.always(Reply::chat("hello"));
    world.proxy.post(CHAT, &chat("gpt-4o")).await.ok();
    let seen = world.upstream.last();
    let path = "/openai/deployments/gpt-4-deployment/chat/completions";
    assert_eq!(
        seen.line,
        format!("POST {path}?api-version=2025-01-01-preview")
    );
    assert_eq!(seen.headers["api-key"], CANARY);
    assert_eq!(seen.credential(), None);
}

#[tokio::test]
async fn a_new_key_completes_the_level_mapper_in_a_layer_of_its_own() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin.add_key(3, "https://api.openai.com").await;
    let mapper = admin.conf().await["LevelMapper"].clone();
    assert_eq!(mapper["gpt*"], 3, "{mapper}");
    assert_eq!(mapper["text-embedding*"], 3, "{mapper}");
    admin.add_key(4, "https://api.anthropic.com").await;
    assert_eq!(admin.configs().await["LEVEL_MAPPER"]["claude*"], 4);
    // The owner's wins on equal patterns; taking it away shows the completed one.
    admin
        .config(&json!({"LEVEL_MAPPER": "gpt*=9, own=1"}))
        .await;
    let mapper = admin.conf().await["LevelMapper"].clone();
    assert_eq!(
        (&mapper["gpt*"], &mapper["own"], &mapper["claude*"]),
        (&json!(9), &json!(1), &json!(4))
    );
    admin
        .delete("/x-config", Some(&json!({"keys": ["LEVEL_MAPPER"]})))
        .await
        .ok();
    let mapper = admin.conf().await["LevelMapper"].clone();
    assert_eq!((&mapper["gpt*"], &mapper["own"]), (&json!(3), &Value::Null));
}
