//! `/x-config`: the contract's example, the round trip, deletion.

use serde_json::{Value, json};

use crate::node::Node;

/// The contract's own example of a PUT.
fn example() -> Value {
    json!({
        "MODEL_MAPPER": "gpt-3.5*=gpt-4o-mini, o*=gpt-4o",
        "LEVEL_MAPPER": "gpt-4*=2, claude*=3",
        "SWITCH_OVER": "1=2, 2=3",
        "RESOURCES": "/v1/chat/completions, /v1/embeddings",
        "MODEL_LIMITS": "{\"gpt-4o\": {\"rpm\": 30, \"tpm\": 90000}}",
        "EMAIL_SMTP": "smtp.gmail.com",
        "EMAIL_TLS": "true"
    })
}

async fn configs(node: &Node) -> Value {
    node.get("/x-config").await.ok()["configs"].clone()
}

#[tokio::test]
async fn an_empty_configuration_has_no_keys() {
    let node = Node::start().await;
    let body = node.get("/x-config").await.ok();
    assert_eq!(body, json!({"success": true, "oid": 1, "configs": {}}));
}

#[tokio::test]
async fn the_contract_s_example_comes_back_typed() {
    let node = Node::start().await;
    let put = node.put("/x-config", &example()).await.ok();
    let typed = json!({
        "MODEL_MAPPER": {"gpt-3.5*": "gpt-4o-mini", "o*": "gpt-4o"},
        "LEVEL_MAPPER": {"gpt-4*": 2, "claude*": 3},
        "SWITCH_OVER": {"1": 2, "2": 3},
        "RESOURCES": {"/v1/chat/completions": {}, "/v1/embeddings": {}},
        "MODEL_LIMITS": {"gpt-4o": {"rpm": 30, "tpm": 90000}},
        "EMAIL_SMTP": "smtp.gmail.com",
        "EMAIL_TLS": true
    });
    assert_eq!(put["success"], true);
    assert_eq!(put["updated"], typed);
    assert!(put["message"].is_string());
    assert!(put["warnings"].is_array(), "the Levels are empty: {put}");
    assert_eq!(configs(&node).await, typed);
}

#[tokio::test]
async fn post_does_what_put_does_and_answers_only_what_was_named() {
    let node = Node::start().await;
    node.put("/x-config", &example()).await.ok();
    let post = node
        .post("/x-config", &json!({"EMAIL_PORT": "587"}))
        .await
        .ok();
    assert_eq!(post["updated"], json!({"EMAIL_PORT": "587"}));
    assert_eq!(configs(&node).await["EMAIL_SMTP"], "smtp.gmail.com");
}

#[tokio::test]
async fn what_get_shows_may_be_put_back_and_changes_nothing() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let pricing = "{ \"ChatPricing\": {\"gpt-4o\": {\"InputText\": 3.50}} }";
    let all = json!({
        "MODEL_MAPPER": {"a*": "b"},
        "LEVEL_MAPPER": {"gpt*": 4, "my-*": 1},
        "SWITCH_OVER": {"1": 2},
        "RESOURCES": ["/v1"],
        "MODEL_LIMITS": {"gpt-4o": {"rpm": 30}},
        "PRICING": pricing,
        "XAI_MAIL": "ops@example.com",
        "EMAIL_SMTP": "smtp.example.com",
        "EMAIL_PORT": 587,
        "EMAIL_AUTH": "ops@example.com",
        "EMAIL_PASS": "correct horse battery staple",
        "EMAIL_TLS": false
    });
    node.put("/x-config", &all).await.ok();
    let exported = configs(&node).await;
    assert_eq!(exported.as_object().unwrap().len(), 12);
    assert_eq!(exported["PRICING"], pricing);
    assert_eq!(exported["EMAIL_PORT"], "587");
    assert_eq!(
        exported["LEVEL_MAPPER"]["gpt*"], 4,
        "the owner's layer wins"
    );
    assert!(
        exported["LEVEL_MAPPER"]["o1*"].is_u64(),
        "the completed layer shows"
    );
    assert!(!exported.to_string().contains("horse"));

    let pass = || {
        let state = node.replica.state();
        state.owner(node.owner).unwrap().config.email_pass.clone()
    };
    let sealed = pass();
    let put = node.put("/x-config", &exported).await.ok();
    assert_eq!(put["updated"], exported);
    assert_eq!(configs(&node).await, exported);
    assert_eq!(pass(), sealed, "a masked password is an unchanged one");

    let restored = Node::start().await;
    let mut import = exported.clone();
    import["EMAIL_PASS"] = json!("correct horse battery staple");
    restored.put("/x-config", &import).await.ok();
    assert_eq!(configs(&restored).await, exported);
}

#[tokio::test]
async fn a_masked_password_alone_writes_nothing() {
    let node = Node::start().await;
    node.put("/x-config", &json!({"EMAIL_PASS": "correct horse battery"}))
        .await
        .ok();
    let masked = configs(&node).await;
    let before = node.records().await.len();
    let put = node.put("/x-config", &masked).await.ok();
    assert_eq!(put["updated"], masked);
    assert_eq!(node.records().await.len(), before);
    assert!(!node.log_text().await.contains("horse"));
}

#[tokio::test]
async fn deleted_keys_are_back_at_the_default() {
    let node = Node::start().await;
    node.put("/x-config", &example()).await.ok();
    let keys = json!({"keys": ["MODEL_MAPPER", "EMAIL_TLS"]});
    let deleted = node.delete_with("/x-config", &keys).await.ok();
    assert_eq!(deleted["success"], true);
    assert_eq!(deleted["deleted"], json!(["MODEL_MAPPER", "EMAIL_TLS"]));
    assert!(
        deleted["message"]
            .as_str()
            .unwrap()
            .contains("restored to system default")
    );
    let left = configs(&node).await;
    assert!(left.get("MODEL_MAPPER").is_none() && left.get("EMAIL_TLS").is_none());
    assert_eq!(left["SWITCH_OVER"], json!({"1": 2, "2": 3}));
}

#[tokio::test]
async fn deleting_level_mapper_clears_only_the_owner_s_layer() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    node.put("/x-config", &json!({"LEVEL_MAPPER": {"gpt*": 4}}))
        .await
        .ok();
    node.delete_with("/x-config", &json!({"keys": ["LEVEL_MAPPER"]}))
        .await
        .ok();
    assert_eq!(configs(&node).await["LEVEL_MAPPER"]["gpt*"], 1);
}

#[tokio::test]
async fn deletions_that_name_nothing_known_are_refused() {
    let node = Node::start().await;
    for body in [
        json!({}),
        json!({"keys": []}),
        json!({"keys": "PRICING"}),
        json!({"keys": ["PRICES"]}),
        json!({"keys": ["pricing"]}),
        json!({"keys": [1]}),
    ] {
        let error = node
            .delete_with("/x-config", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], "keys", "{body}");
    }
    let odd = json!({"keys": ["PRICING"], "force": true});
    let error = node
        .delete_with("/x-config", &odd)
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "force");
    node.delete("/x-config")
        .await
        .refused(415, "unsupported_media_type");
}
