//! What GET /x-config shows, put back: nothing is lost, nothing is frozen.

use std::collections::BTreeMap;

use foldgate_proto::Level;
use serde_json::{Value, json};

use crate::node::Node;

const OPENAI: &str = "https://api.openai.com";

async fn configs(node: &Node) -> Value {
    node.get("/x-config").await.ok()["configs"].clone()
}

/// The owner's own layer of LEVEL_MAPPER.
fn own_layer(node: &Node) -> Option<BTreeMap<String, Level>> {
    let state = node.replica.state();
    state.owner(node.owner).unwrap().config.level_mapper.clone()
}

#[tokio::test]
async fn an_export_put_back_leaves_the_owner_s_layer_and_completion_goes_on() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let exported = configs(&node).await;
    assert_eq!(exported["LEVEL_MAPPER"]["gpt*"], 1);
    node.put("/x-config", &exported).await.ok();
    assert_eq!(own_layer(&node), None, "there was none");
    assert_eq!(node.records().await.len(), 2, "nothing is written");

    let own = json!({"LEVEL_MAPPER": "my-*=5, gpt*=4"});
    node.put("/x-config", &own).await.ok();
    let before = own_layer(&node);
    let put = node.put("/x-config", &configs(&node).await).await.ok();
    assert_eq!(put["updated"], configs(&node).await);
    assert_eq!(own_layer(&node), before);

    node.add_key(2, OPENAI).await;
    node.delete("/x-keys/1").await.ok();
    let after = configs(&node).await["LEVEL_MAPPER"].clone();
    assert_eq!(
        after["o1*"], 2,
        "the completed layer follows its keys: {after}"
    );
    assert_eq!(after["gpt*"], 4);
}

#[tokio::test]
async fn an_entry_taken_out_of_an_export_leaves_the_owner_s_layer() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    node.put("/x-config", &json!({"LEVEL_MAPPER": "my-*=5"}))
        .await
        .ok();
    let mut exported = configs(&node).await;
    exported["LEVEL_MAPPER"]
        .as_object_mut()
        .unwrap()
        .remove("my-*");
    node.put("/x-config", &exported).await.ok();
    assert_eq!(own_layer(&node), Some(BTreeMap::new()));
}

#[tokio::test]
async fn a_string_keeps_every_entry_and_only_what_was_given_is_updated() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let put = node
        .put("/x-config", &json!({"LEVEL_MAPPER": "gpt*=1"}))
        .await
        .ok();
    assert_eq!(put["updated"], json!({"LEVEL_MAPPER": {"gpt*": 1}}));
    assert_eq!(own_layer(&node).unwrap().len(), 1);
    let put = node
        .put("/x-config", &json!({"LEVEL_MAPPER": {"gpt*": 1, "x": 2}}))
        .await
        .ok();
    assert_eq!(put["updated"], json!({"LEVEL_MAPPER": {"gpt*": 1, "x": 2}}));
    assert_eq!(
        own_layer(&node).unwrap().len(),
        2,
        "it was the owner's already"
    );
}

#[tokio::test]
async fn another_instance_s_export_is_restored_whole() {
    let one = Node::start().await;
    one.add_key(1, OPENAI).await;
    one.put("/x-config", &json!({"LEVEL_MAPPER": "my-*=5"}))
        .await
        .ok();
    let exported = configs(&one).await;
    let two = Node::start().await;
    two.put("/x-config", &exported).await.ok();
    assert_eq!(configs(&two).await, exported);
    assert_eq!(
        own_layer(&two).unwrap().len(),
        exported["LEVEL_MAPPER"].as_object().unwrap().len()
    );
}

#[tokio::test]
async fn the_whole_answer_of_get_may_be_put_back() {
    let node = Node::start().await;
    let set = json!({"MODEL_MAPPER": "a=b", "EMAIL_PASS": "correct horse battery"});
    node.put("/x-config", &set).await.ok();
    let whole = node.get("/x-config").await.ok();
    let before = node.records().await.len();
    let put = node.put("/x-config/", &whole).await.ok();
    assert_eq!(put["updated"], whole["configs"]);
    assert_eq!(node.records().await.len(), before);
    let mut odd = whole.clone();
    odd["MODEL_MAPPER"] = json!("a=c");
    let error = node
        .put("/x-config", &odd)
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "MODEL_MAPPER");
}

#[tokio::test]
async fn a_mapper_too_large_for_a_record_is_named() {
    let node = Node::start().await;
    let many: serde_json::Map<String, Value> = (0..9000)
        .map(|n| (format!("{n:05}-{}", "x".repeat(60)), json!(1)))
        .collect();
    for key in ["LEVEL_MAPPER", "MODEL_MAPPER"] {
        let mut map = many.clone();
        if key == "MODEL_MAPPER" {
            map.values_mut().for_each(|value| *value = json!("gpt-4o"));
        }
        let body = json!({key: map, "EMAIL_TLS": true});
        let error = node
            .put("/x-config", &body)
            .await
            .refused(400, "invalid_config");
        assert_eq!(error["param"], key);
    }
}

#[tokio::test]
async fn a_stranger_s_mask_is_no_password() {
    let node = Node::start().await;
    let pass = "correct horse battery staple";
    node.put("/x-config", &json!({"EMAIL_PASS": pass}))
        .await
        .ok();
    let mask = configs(&node).await["EMAIL_PASS"].clone();
    node.put("/x-config", &json!({"EMAIL_PASS": mask}))
        .await
        .ok();
    for other in ["other-p...word", "...word"] {
        let refused = node.put("/x-config", &json!({"EMAIL_PASS": other})).await;
        let error = refused.refused(400, "invalid_config");
        assert!(
            error["message"].as_str().unwrap().contains("mask"),
            "{error}"
        );
    }
    assert_eq!(configs(&node).await["EMAIL_PASS"], mask);
}
