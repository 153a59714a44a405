//! What Models mean for their keys: warnings of writes that strand them, and how
//! `models/status` sees those that others stand in for, and those of many names.

use serde_json::{Value, json};

use crate::entries::{id, warnings};
use crate::node::{Node, SECRET, eventually};
use crate::provider_keys::KEYS;
use crate::reports::sleep;

const MODELS: &str = "/admin/v1/models";

/// Makes a key of no known provider in a Level.
async fn key(node: &Node, name: &str, level: u16) -> Value {
    let body = json!({
        "display_name": name, "api_key": SECRET, "api_base": "https://llm.example.com", "level": level,
    });
    node.post(KEYS, &body).await.ok()
}

async fn model(node: &Node, body: &Value) -> Value {
    node.post(MODELS, body).await.ok()
}

/// The status of a Model, once it is this.
async fn fares(node: &Node, name: &str, status: &str) -> Value {
    eventually(&format!("{name} is {status}"), async || {
        let all = node.get("/admin/v1/models/status").await.ok();
        let mut all = all.as_array().expect("a list").iter();
        let found = all.find(|model| model["display_name"] == name);
        found.filter(|model| model["status"] == status).cloned()
    })
    .await
}

#[tokio::test]
async fn a_key_that_a_model_uses_is_used() {
    let node = Node::start().await;
    let lonely = key(&node, "lonely", 41).await;
    assert_eq!(
        warnings(&lonely),
        ["no LEVEL_MAPPER pattern and no model leads to Level 41, so no request will use its keys"]
    );
    let by_level = json!({"display_name": "l", "model_name": "up", "level": 41});
    assert_eq!(warnings(&model(&node, &by_level).await), [""; 0]);
    assert_eq!(warnings(&key(&node, "second", 41).await), [""; 0]);
    let own = key(&node, "own", 42).await;
    let by_key = json!({"display_name": "k", "model_name": "up", "provider_key_id": own["id"]});
    model(&node, &by_key).await;
    let path = format!("{KEYS}/{}", id(&own));
    let mut value = node.get(&path).await.ok()["value"].clone();
    value["display_name"] = "renamed".into();
    assert_eq!(warnings(&node.put(&path, &value).await.ok()), [""; 0]);

    // What takes a Model's last key away is warned of.
    value["disabled"] = true.into();
    let told = warnings(&node.put(&path, &value).await.ok());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("the model \"k\" cannot be called"),
        "{told:?}"
    );
    let told = warnings(
        &model(
            &node,
            &json!({
                "display_name": "k2", "model_name": "up", "provider_key_id": own["id"],
            }),
        )
        .await,
    );
    assert!(
        told[0].contains("\"k2\"") && told[0].contains("switched off"),
        "{told:?}"
    );
    for name in ["lonely", "second"] {
        let all = node.get(KEYS).await.ok();
        let mut all = all.as_array().expect("a list").iter();
        let found = all
            .find(|key| key["value"]["display_name"] == name)
            .expect("it is there");
        let gone = node.delete(&format!("{KEYS}/{}", id(found))).await.ok();
        let told = warnings(&gone);
        let last = name == "second";
        assert_eq!(told.len(), usize::from(last), "{name}: {told:?}");
        if last {
            assert!(
                told[0].contains("Level 41 has no usable key left"),
                "{told:?}"
            );
        }
    }
}

#[tokio::test]
async fn where_switch_over_leads_counts_as_well() {
    let node = Node::start().await;
    key(&node, "backup", 50).await;
    let switched = json!({"SWITCH_OVER": {"90": 50}});
    node.put("/x-config", &switched).await.ok();
    let made = model(
        &node,
        &json!({"display_name": "sw", "model_name": "up", "level": 90}),
    )
    .await;
    assert_eq!(warnings(&made), [""; 0]);
    fares(&node, "sw", "healthy").await;
    node.reports.publish_sleep(sleep(&node, 1, None));
    let asleep = fares(&node, "sw", "cooldown").await;
    assert!(asleep["cooldown_until"].is_object(), "{asleep}");
    // One more key, where the Model leads itself, is enough.
    key(&node, "first", 90).await;
    let well = fares(&node, "sw", "healthy").await;
    assert_eq!(
        well["status_reason"], "1 of 2 keys sleep: rate limit: slow down",
        "{well}"
    );
}

#[tokio::test]
async fn a_model_of_many_names_is_held_back_for_some_of_them() {
    let node = Node::start().await;
    key(&node, "only", 7).await;
    model(
        &node,
        &json!({"display_name": "w*", "model_name": "up-*", "level": 7}),
    )
    .await;
    model(
        &node,
        &json!({"display_name": "other", "model_name": "x", "level": 7}),
    )
    .await;
    node.reports.publish_sleep(sleep(&node, 1, Some("up-1")));
    let why = "1 of 1 keys sleep, some for some of its names: rate limit: slow down";
    eventually("the sleep is known", async || {
        let wild = fares(&node, "w*", "healthy").await;
        (wild["status_reason"] == why).then_some(())
    })
    .await;
    assert_eq!(
        fares(&node, "other", "healthy").await["status_reason"],
        Value::Null
    );
    let health = node.get("/admin/v1/health").await.ok();
    assert_eq!(health["status"], "degraded", "{health}");
    node.reports.publish_sleep(sleep(&node, 1, None));
    fares(&node, "w*", "cooldown").await;
}
