//! `/x-conf`, flat.

use serde_json::json;

use crate::node::{Node, eventually};
use crate::reports::sleep;

#[tokio::test]
async fn an_empty_owner_s_view_has_every_field() {
    let node = Node::start().await;
    assert_eq!(
        node.get("/x-conf").await.ok(),
        json!({
            "success": true,
            "Resources": {},
            "LevelMapper": {},
            "ModelMapper": {},
            "ModelLimits": {},
            "SwitchOver": {},
            "SleepingKeys": [],
            "DisabledKeys": [],
            "UserMinBalance": 2,
            "UserApiBalance": 20,
        })
    );
}

#[tokio::test]
async fn what_is_set_shows() {
    let node = Node::start().await;
    let body = json!({
        "MODEL_MAPPER": "a=b",
        "LEVEL_MAPPER": "b=1",
        "SWITCH_OVER": "1=2",
        "RESOURCES": "/v1",
        "MODEL_LIMITS": {"b": {"rpm": 1}},
    });
    node.put("/x-config", &body).await.ok();
    let conf = node.get("/x-conf").await.ok();
    assert_eq!(conf["ModelMapper"], json!({"a": "b"}));
    assert_eq!(conf["LevelMapper"], json!({"b": 1}));
    assert_eq!(conf["SwitchOver"], json!({"1": 2}));
    assert_eq!(conf["Resources"], json!({"/v1": {}}));
    assert_eq!(conf["ModelLimits"], json!({"b": {"rpm": 1}}));
}

#[tokio::test]
async fn a_key_any_node_put_to_sleep_shows_with_what_is_left() {
    let node = Node::start().await;
    node.add_key(3, "https://api.openai.com").await;
    node.reports.publish_sleep(sleep(&node, 1, None));
    node.reports.publish_sleep(sleep(&node, 1, Some("gpt-4o")));
    let sleeping = eventually("two sleeps", async || {
        let conf = node.get("/x-conf").await.ok();
        let keys = conf["SleepingKeys"].as_array().unwrap().clone();
        (keys.len() == 2).then_some(keys)
    })
    .await;
    let whole = sleeping
        .iter()
        .find(|key| key.get("Model").is_none())
        .unwrap();
    let left = whole["RemainingSeconds"].as_u64().unwrap();
    assert!((1..=60).contains(&left), "{whole}");
    assert_eq!(
        *whole,
        json!({
            "ID": 1,
            "Name": "api.openai.com",
            "Level": 3,
            "Provider": "https://api.openai.com",
            "Until": whole["Until"],
            "RemainingSeconds": left,
            "Cause": "rate_limit",
            "Node": "node-1",
            "Region": "eu",
            "UpstreamStatus": 429,
            "Detail": "slow down",
        })
    );
    assert!(sleeping.iter().any(|key| key["Model"] == "gpt-4o"));
}

#[tokio::test]
async fn a_sleep_of_an_older_secret_no_longer_shows() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    node.reports.publish_sleep(sleep(&node, 1, None));
    let count = async || {
        let conf = node.get("/x-conf").await.ok();
        conf["SleepingKeys"].as_array().unwrap().len()
    };
    eventually("a sleep", async || (count().await == 1).then_some(())).await;
    let body = json!({"SecretKey": "sk-another-secret-of-enough-length-9999"});
    node.put("/x-keys/1", &body).await.ok();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn a_key_switched_off_shows_why() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let request = node.request(reqwest::Method::PUT, "/x-keys/1");
    let request = request
        .header("x-foldgate-reason", "too dear")
        .json(&json!({"Status": false}));
    crate::node::answer(request).await.ok();
    let conf = node.get("/x-conf").await.ok();
    let disabled = &conf["DisabledKeys"][0];
    assert_eq!(
        *disabled,
        json!({
            "ID": 1,
            "Name": "api.openai.com",
            "Level": 1,
            "Provider": "https://api.openai.com",
            "Reason": "too dear",
            "By": "owner:root",
            "At": disabled["At"],
        })
    );
}
