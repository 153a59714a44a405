//! `/admin/v1/provider_keys`: provider keys in the admin API's words, and the same
//! ones at `/x-keys`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::entries::{assert_goes_back, id, told, walk, warnings, with_header};
use crate::node::{Node, SECRET};

pub(crate) const KEYS: &str = "/admin/v1/provider_keys";

/// Another secret.
pub(crate) const OTHER: &str = "sk-live-canary-other-0a1b2c3d4e5f-QRST";

pub(crate) fn openai(name: &str) -> Value {
    json!({"display_name": name, "provider": "openai", "api_key": SECRET})
}

/// Makes a key; gives the path of its entry, and the answer.
pub(crate) async fn made(node: &Node, body: &Value) -> (String, Value) {
    let entry = node.post(KEYS, body).await.ok();
    (format!("{KEYS}/{}", id(&entry)), entry)
}

#[tokio::test]
async fn a_key_is_made_read_replaced_and_removed() {
    let node = Node::start().await;
    let before = node.records().await.len() as u64;
    let created = node.post(KEYS, &openai("main")).await;
    let etag = created.header("etag").to_owned();
    let entry = created.ok();
    let mask = entry["value"]["api_key"].clone();
    let value = json!({
        "display_name": "main", "provider": "openai", "api_key": mask,
        "api_base": "https://api.openai.com/v1", "level": 1,
    });
    assert_eq!(
        entry,
        json!({"id": entry["id"], "value": value, "revision": before + 1})
    );
    assert_ne!(mask, SECRET);
    let path = format!("{KEYS}/{}", id(&entry));
    let read = node.get(&path).await;
    assert_eq!(read.header("etag"), etag);
    assert_eq!(read.ok(), entry);
    assert_eq!(node.get(KEYS).await.ok(), json!([entry]));
    assert_goes_back(&node, &path).await;
    let mut more = openai("Main");
    more["api_key"] = mask.clone();
    more["level"] = json!(7);
    more["disabled"] = json!(true);
    let replaced = node.put(&path, &more).await.ok();
    assert_eq!(replaced["value"]["level"], 7);
    assert_eq!(replaced["value"]["disabled"], true);
    assert_eq!(replaced["value"]["api_key"], mask);
    // What is left out is not there any more, but for the Level.
    let bare = json!({"display_name": "Main", "api_base": "http://10.0.0.1", "secret": OTHER});
    let replaced = node.put(&path, &bare).await.ok();
    assert_eq!(
        replaced["value"],
        json!({
            "display_name": "Main", "api_base": "http://10.0.0.1", "level": 7,
            "api_key": replaced["value"]["api_key"],
        })
    );
    assert_eq!(
        replaced["warnings"][1],
        "it was disabled, and is in use again"
    );
    assert_ne!(replaced["value"]["api_key"], mask);
    let stale = with_header(&node, (Method::PUT, &path), ("if-match", &etag), &bare).await;
    told(&stale, 412);
    let removed = node.delete(&path).await.ok();
    assert_eq!(removed, json!({"deleted": true, "id": entry["id"]}));
    told(&node.get(&path).await, 404);
    let text = node.log_text().await;
    assert!(!text.contains(SECRET) && !text.contains(OTHER));
}

#[tokio::test]
async fn every_field_comes_back_as_it_was_written() {
    let node = Node::start().await;
    let mut value = json!({
        "display_name": "all of it", "api_key": SECRET, "api_base": "https://llm.example.com",
        "provider": "acme", "adapter": "anthropic", "level": 9, "disabled": true,
        "request": {
            "default_body_fields": {"store": false},
            "default_headers": {"x-team": "a"},
            "forward_client_headers": ["x-trace-*"],
            "param_constraints": {"temperature_min": 0.0, "temperature_max": 1.5},
            "param_renames": {"max_tokens": "max_completion_tokens"},
        },
        "response": {
            "content_list_to_string": true, "error_envelope": "error",
            "reasoning_field": "reasoning", "stream_done_marker": "none",
        },
        "strip_headers": ["x-internal"],
        "telemetry_tags": {
            "branded_provider": "Acme", "byo_label": "ours", "featured": true, "kind": "byo",
            "pk_label": "one",
        },
        "tls": {
            "ca_cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "verify": false,
        },
    });
    let (path, entry) = made(&node, &value).await;
    value["api_key"] = entry["value"]["api_key"].clone();
    value["request"]["default_headers"]["x-team"] = json!("...");
    assert_eq!(entry["value"], value);
    let unenforced: Vec<String> = warnings(&entry)
        .iter()
        .filter_map(|warning| warning.strip_suffix(" is stored but not yet acted upon"))
        .map(str::to_owned)
        .collect();
    let expected = [
        "request",
        "response",
        "strip_headers",
        "telemetry_tags",
        "tls",
    ];
    assert_eq!(unenforced, expected);
    assert_goes_back(&node, &path).await;
    // Said to be as it is anyway, a field is not kept.
    let plain = json!({
        "display_name": "all of it", "api_key": value["api_key"], "level": 9,
        "api_base": "https://llm.example.com", "adapter": null, "provider": "", "tls": null,
        "strip_headers": ["authorization", "cookie", "set-cookie", "x-api-key"],
        "telemetry_tags": {"featured": false},
    });
    let replaced = node.put(&path, &plain).await.ok();
    assert_eq!(
        replaced["value"],
        json!({
            "display_name": "all of it", "api_key": value["api_key"], "level": 9,
            "api_base": "https://llm.example.com",
        })
    );
    let path = format!("/admin/v1/history/{}", replaced["revision"]);
    let changes = node.get(&path).await.ok()["changes"].clone();
    let more = changes.as_array().unwrap().iter();
    let mut more = more.filter(|change| change["field"] == "more");
    let more = more.next().expect("what was kept is gone");
    assert_eq!(more["before"]["provider"], "acme");
    assert_eq!(more["after"], Value::Null);
}

#[tokio::test]
async fn a_key_without_a_level_stands_with_its_like() {
    let node = Node::start().await;
    node.add_key(3, "https://api.openai.com").await;
    for (body, level) in [
        (openai("same house"), 3),
        (
            json!({"display_name": "claude", "adapter": "anthropic", "api_key": SECRET}),
            1,
        ),
        (
            json!({"display_name": "vllm", "api_base": "http://10.0.0.1:8000", "api_key": "EMPTY"}),
            2,
        ),
        (
            json!({"display_name": "vllm-2", "api_base": "http://10.0.0.1:8000/", "api_key": "x"}),
            2,
        ),
    ] {
        let (path, entry) = made(&node, &body).await;
        assert_eq!(entry["value"]["level"], level, "{body}");
        assert_goes_back(&node, &path).await;
    }
}

#[tokio::test]
async fn a_key_is_the_same_in_both_apis() {
    let node = Node::start().await;
    let (path, entry) = made(&node, &openai("main")).await;
    let there = node.get("/x-keys/1").await.ok()["keys"][0].clone();
    assert_eq!(there["UUID"], entry["id"]);
    for (field, expected) in [
        ("Name", json!("main")),
        ("Provider", json!("https://api.openai.com/v1")),
        ("Level", json!(1)),
        ("Status", json!(true)),
        ("SecretKey", entry["value"]["api_key"].clone()),
    ] {
        assert_eq!(there[field], expected, "{field}");
    }
    let change = json!({"Name": "renamed", "Level": 4, "Status": false});
    node.put("/x-keys/1", &change).await.ok();
    let value = node.get(&path).await.ok()["value"].clone();
    assert_eq!(value["display_name"], "renamed");
    assert_eq!(
        (&value["level"], &value["disabled"]),
        (&json!(4), &json!(true))
    );
    assert_eq!(
        value["provider"], "openai",
        "what the other API has no word for"
    );
    assert_goes_back(&node, &path).await;
    // One made there, of each kind.
    let azure = json!({
        "SecretKey": SECRET, "Level": 5, "Provider": "https://my.openai.azure.com",
        "Config": {"provider_type": "azure", "model_mapping": {"gpt-4o": "deployed"}},
    });
    let azure = node.post("/x-keys", &azure).await.ok()["key"].clone();
    let path = format!("{KEYS}/{}", azure["UUID"].as_str().unwrap());
    let value = node.get(&path).await.ok()["value"].clone();
    assert_eq!(value["adapter"], "azure-openai");
    assert_goes_back(&node, &path).await;
    let mut renamed = value;
    renamed["display_name"] = json!("azure");
    node.put(&path, &renamed).await.ok();
    let there = node.get("/x-keys/2").await.ok()["keys"][0].clone();
    assert_eq!(there["Name"], "azure");
    assert_eq!(
        there["Config"]["model_mapping"],
        json!({"gpt-4o": "deployed"})
    );
    // The history is one, whoever wrote.
    let kinds: Vec<String> = node
        .records()
        .await
        .iter()
        .flat_map(|record| &record.events)
        .map(|event| event.kind().to_owned())
        .filter(|kind| kind.starts_with("Key"))
        .collect();
    assert_eq!(kinds, ["KeyAdded", "KeyPatched", "KeyAdded", "KeyPatched"]);
    node.delete(&path).await.ok();
    node.get("/x-keys/2").await.refused(404, "key_not_found");
}

#[tokio::test]
async fn an_azure_key_is_made_here_and_completed_there() {
    let node = Node::start().await;
    let body = json!({
        "display_name": "azure", "adapter": "azure-openai", "api_key": SECRET,
        "api_base": "https://my.openai.azure.com",
    });
    let (path, entry) = made(&node, &body).await;
    assert!(!warnings(&entry).is_empty(), "it serves nothing yet");
    let there = node.get("/x-keys/1").await.ok()["keys"][0].clone();
    assert_eq!(there["Config"]["provider_type"], "azure");
    // Who leaves the adapter out, leaves the settings as they are, and the place.
    let mapping = json!({"gpt-4o": "deployed"});
    let config = json!({"provider_type": "azure", "model_mapping": mapping});
    node.put("/x-keys/1", &json!({"Config": config})).await.ok();
    let bare = json!({"display_name": "bare", "provider": "openai", "api_key": OTHER});
    let kept = node.put(&path, &bare).await.ok();
    assert_eq!(kept["value"]["adapter"], "azure-openai");
    assert_eq!(kept["value"]["api_base"], "https://my.openai.azure.com");
    assert!(!told_of(&kept, "type changes"), "{kept}");
    let there = node.get("/x-keys/1").await.ok()["keys"][0].clone();
    assert_eq!(there["Config"]["model_mapping"], mapping);
    // Another adapter is another kind of upstream.
    let mut other = kept["value"].clone();
    other["adapter"] = json!("openai");
    let changed = node.put(&path, &other).await.ok();
    assert_eq!(changed["value"]["adapter"], "openai");
    let there = node.get("/x-keys/1").await.ok()["keys"][0].clone();
    assert_eq!(there["Config"]["provider_type"], "standard");
}

#[tokio::test]
async fn an_adapter_is_the_dialect_of_the_other_api() {
    let node = Node::start().await;
    let dialect = async |number: usize| {
        let shown = node.get(&format!("/x-keys/{number}")).await.ok();
        shown["keys"][0]["Config"]["dialect"].clone()
    };
    for (at, adapter) in ["openai", "anthropic", "gemini"].into_iter().enumerate() {
        let body = json!({"display_name": adapter, "adapter": adapter, "api_key": SECRET});
        let (path, entry) = made(&node, &body).await;
        assert_eq!(entry["value"]["adapter"], adapter);
        assert!(!told_of(&entry, "adapter"), "it is acted upon: {entry}");
        assert_eq!(dialect(at + 1).await, adapter);
        assert_goes_back(&node, &path).await;
    }
    // What the other API says is shown here; what is left out here is gone there.
    let said = json!({"Config": {"dialect": "anthropic"}});
    node.put("/x-keys/1", &said).await.ok();
    let keys = node.get(KEYS).await.ok();
    assert_eq!(keys[0]["value"]["adapter"], "anthropic");
    let path = format!("{KEYS}/{}", id(&keys[0]));
    let mut value = keys[0]["value"].clone();
    value["adapter"] = json!("gemini");
    node.put(&path, &value).await.ok();
    assert_eq!(dialect(1).await, "gemini");
    value.as_object_mut().unwrap().remove("adapter");
    let bare = node.put(&path, &value).await.ok();
    assert_eq!(bare["value"]["adapter"], Value::Null);
    assert_eq!(dialect(1).await, Value::Null);
}

fn told_of(entry: &Value, field: &str) -> bool {
    let all = warnings(entry);
    all.iter().any(|warning| warning.contains(field))
}

#[tokio::test]
async fn lists_are_paged_and_roles_are_kept() {
    let node = Node::start().await;
    let mut all = Vec::new();
    for name in ["Alpha-1", "beta", "alpha-2"] {
        all.push(id(&made(&node, &openai(name)).await.1));
    }
    assert_eq!(walk(&node, KEYS, 3).await, all);
    assert_eq!(walk(&node, &format!("{KEYS}?limit=2"), 3).await, all);
    let found = walk(&node, &format!("{KEYS}?q=alpha&limit=1"), 2).await;
    assert_eq!(found, [all[0].clone(), all[2].clone()]);
    told(&node.get(&format!("{KEYS}?limit=0")).await, 400);
    for role in ["operator", "auditor"] {
        let key = node.add_admin_key(role).await;
        let reader = node.with(&key);
        let shown = reader.get(KEYS).await.ok();
        assert_eq!(shown.as_array().unwrap().len(), 3);
        assert!(!shown.to_string().contains(SECRET));
        told(&reader.post(KEYS, &openai("x")).await, 403);
    }
}

#[tokio::test]
async fn writes_take_what_all_writes_take() {
    let node = Node::start().await;
    let before = node.records().await.len();
    let dry = node
        .post(&format!("{KEYS}?dry_run=true"), &openai("main"))
        .await
        .ok();
    assert_eq!(dry["changes"]["after"]["value"]["display_name"], "main");
    assert!(!dry.to_string().contains(SECRET), "{dry}");
    assert_eq!(node.records().await.len(), before);
    let send = async || {
        let header = ("idempotency-key", "once");
        with_header(&node, (Method::POST, KEYS), header, &openai("main")).await
    };
    let (first, again) = (send().await.ok(), send().await);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["id"], first["id"]);
    let path = format!("{KEYS}/{}", id(&first));
    let revoke = async || {
        let header = ("idempotency-key", "gone");
        with_header(&node, (Method::DELETE, &path), header, &json!(null)).await
    };
    assert_eq!(revoke().await.ok()["deleted"], true);
    assert_eq!(revoke().await.header("idempotency-replayed"), "true");
}
