//! `GET /admin/v1/explain` of a caller key: its own terms, and whether they let the
//! request pass.

use serde_json::{Value, json};

use crate::api_keys::{KEYS, team};
use crate::entries::{NOBODY, id};
use crate::node::{Node, eventually};

async fn world() -> Node {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9").await;
    let config = json!({"LEVEL_MAPPER": "*=1"});
    node.put("/x-config", &config).await.ok();
    node
}

async fn made(node: &Node, value: &Value) -> String {
    id(&node.post(KEYS, value).await.ok())
}

async fn explain(node: &Node, query: &str) -> Value {
    let path = format!("/admin/v1/explain?{query}");
    node.get(&path).await.ok()
}

#[tokio::test]
async fn a_key_is_told_with_what_is_and_is_not_enforced() {
    let node = world().await;
    node.add_user("crew", &json!({})).await;
    let crew = team(&node, "crew").await;
    let value = json!({
        "display_name": "ci", "allowed_models": ["gpt*", "small"], "team_id": crew,
        "expires_at": "2999-01-01T00:00:00Z", "user_id": "ann", "allowed_tools": ["t"],
        "rate_limit": {"rps": 2, "rpm": 60, "concurrency": 3},
    });
    let key = made(&node, &value).await;
    let told = explain(&node, &format!("model=gpt-4o&api_key={key}")).await;
    assert_eq!(
        (&told["routed"], &told["refused"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        told["account"]["name"], "crew",
        "its own account, where none is named"
    );
    let shown = &told["api_key"];
    let masked = shown["masked_key"].as_str().expect("a mask");
    assert!(!masked.is_empty() && masked.len() < 20, "{masked}");
    assert_eq!(
        *shown,
        json!({
            "id": key, "number": shown["number"], "name": "ci", "masked_key": masked,
            "account": told["account"]["id"], "passes": true, "refused_by": [],
            "disabled": false, "expires_at": "2999-01-01T00:00:00Z",
            "allowed_models": ["gpt*", "small"],
            "models": [{"model": "gpt-4o", "allowed": true}],
            "rate_limit": {"rps": 2, "rpm": 60, "concurrency": 3},
            "not_enforced": ["allowed_tools"],
        })
    );
    let other = explain(&node, &format!("model=other&api_key={key}")).await;
    assert_eq!(other["api_key"]["passes"], false);
    assert_eq!(other["api_key"]["refused_by"], json!(["allowed_models"]));
    assert_eq!(other["refused"]["code"], "allow_models");
    assert_eq!(other["allow_models"][0]["allowed"], false);
    let without = explain(&node, "model=other&account=crew").await;
    assert_eq!(
        (&without["api_key"], &without["routed"]),
        (&Value::Null, &json!(true))
    );
}

#[tokio::test]
async fn a_key_that_is_refused_says_by_what() {
    let node = world().await;
    let off = json!({"display_name": "off", "allowed_models": [], "disabled": true});
    let off = made(&node, &off).await;
    let told = explain(&node, &format!("model=m&api_key={off}")).await;
    assert_eq!(told["refused"]["code"], "disabled");
    assert_eq!(told["refused"]["message"], "this key is disabled");
    let shown = &told["api_key"];
    assert_eq!(shown["refused_by"], json!(["disabled", "allowed_models"]));
    assert_eq!(
        (&shown["disabled"], &shown["passes"]),
        (&json!(true), &json!(false))
    );
    let soon = chrono::Utc::now() + chrono::Duration::seconds(2);
    let past = json!({
        "display_name": "past", "allowed_models": ["*"], "expires_at": soon.to_rfc3339(),
    });
    let past = made(&node, &past).await;
    let told = eventually("it expires", async || {
        let told = explain(&node, &format!("model=m&api_key={past}")).await;
        (told["refused"]["code"] == "expired").then_some(told)
    })
    .await;
    assert_eq!(told["api_key"]["refused_by"], json!(["expires_at"]));
    assert_eq!(told["api_key"]["allowed_models"], json!(["*"]));
}

#[tokio::test]
async fn a_key_is_found_by_id_number_or_by_its_name_in_the_account() {
    let node = world().await;
    node.add_user("crew", &json!({})).await;
    let crew = team(&node, "crew").await;
    let named = |team: Option<&str>| json!({"display_name": "Same", "allowed_models": ["*"], "team_id": team});
    let own = made(&node, &named(None)).await;
    let theirs = made(&node, &named(Some(&crew))).await;
    let found = async |query: &str| {
        explain(&node, &format!("model=m&{query}")).await["api_key"]["id"].clone()
    };
    assert_eq!(found("api_key=same").await, own);
    assert_eq!(found("api_key=SAME&account=crew").await, theirs);
    assert_eq!(
        found(&format!("api_key={theirs}&account=crew")).await,
        theirs
    );
    let told = explain(&node, &format!("model=m&api_key={theirs}")).await;
    let number = told["api_key"]["number"].clone();
    assert_eq!(found(&format!("api_key={number}")).await, theirs);
    // What names a key and another account is a contradiction, not a guess.
    for query in [
        format!("api_key={own}&account=crew"),
        format!("api_key={theirs}&account=1"),
    ] {
        let refused = node
            .get(&format!("/admin/v1/explain?model=m&{query}"))
            .await;
        assert_eq!(
            refused.refused(400, "invalid_field")["param"],
            "api_key",
            "{query}"
        );
    }
    for nobody in [NOBODY, "999", "nobody", "same%20"] {
        let refused = node
            .get(&format!("/admin/v1/explain?model=m&api_key={nobody}"))
            .await;
        let error = refused.refused(404, "caller_key_not_found");
        assert_eq!(error["param"], "api_key", "{nobody}");
        let told = error["message"].as_str().unwrap();
        let said = nobody.trim_end_matches("%20");
        assert!(told.contains(said), "an id opens nothing: {told}");
    }
    let empty = node.get("/admin/v1/explain?model=m&api_key=").await;
    empty.refused(400, "invalid_field");
    // The owner API lets several have one name.
    for _ in 0..2 {
        let twin = json!({"Name": "twin"});
        node.post("/x-users/crew/keys", &twin).await.ok();
    }
    let refused = node
        .get("/admin/v1/explain?model=m&account=crew&api_key=twin")
        .await;
    let error = refused.refused(400, "invalid_field");
    assert!(
        error["message"].as_str().unwrap().contains("several"),
        "{error}"
    );
}

/// What a provider key keeps and nothing acts upon is told where the key is.
#[tokio::test]
async fn overrides_of_a_provider_key_are_told_as_not_enforced() {
    let node = world().await;
    let plain = json!({"display_name": "plain", "provider": "openai", "level": 7,
        "api_key": "sk-0123456789abcdefghij"});
    let mut more = plain.clone();
    more["display_name"] = json!("more");
    more["tls"] = json!({"verify": false});
    more["request"] = json!({"default_headers": {"x-team": "one"}});
    for key in [plain, more] {
        node.post("/admin/v1/provider_keys", &key).await.ok();
    }
    let model = json!({"display_name": "seven", "model_name": "m", "level": 7});
    node.post("/admin/v1/models", &model).await.ok();
    let told = node.get("/admin/v1/explain?model=seven").await.ok();
    let keys = &told["legs"][0]["levels"][0]["keys"];
    let told = |at: usize| (keys[at]["name"].clone(), keys[at]["not_enforced"].clone());
    assert_eq!(told(0), (json!("plain"), json!(null)));
    assert_eq!(told(1), (json!("more"), json!(["request", "tls"])));
}

/// Whoever sends a key itself, by mistake, does not read it back.
#[tokio::test]
async fn a_key_itself_is_not_repeated() {
    let node = world().await;
    let (_, key) = node.add_user("crew", &json!({})).await;
    let refused = node
        .get(&format!("/admin/v1/explain?model=m&api_key={key}"))
        .await;
    assert!(
        !refused.body.to_string().contains(&key[8..]),
        "{}",
        refused.body
    );
    refused.refused(404, "caller_key_not_found");
}
