//! `/dashboard/*` and `/models`: what a caller may know of itself.

use serde_json::{Value, json};

use crate::node::{Node, OWNER_KEY};
use crate::people::{As, secret};

#[tokio::test]
async fn an_account_sees_its_standing() {
    let node = Node::start().await;
    let more = json!({"CreditGranted": 12.5, "Alias": "A", "Rates": 1.2, "HardLimit": 9, "RPM": 3});
    let (number, key) = node.add_user("alice", &more).await;
    let alice = node.with(&key);
    assert_eq!(
        alice.get("/dashboard/status").await.ok(),
        json!({
            "success": true, "object": "user_status", "id": number, "dna": ".1.2.",
            "name": "alice", "email": "alice@example.com", "alias": "A", "public_key": null,
            "balance": 12.5, "manage": true, "admin": false,
        })
    );
    let info = alice.get("/dashboard/info").await.ok();
    assert_eq!(
        info["user"],
        json!({
            "id": 2, "dna": ".1.2.", "parent_id": 1, "name": "alice",
            "email": "alice@example.com", "alias": "A", "rates": 1.2,
            "factor": 1,
        })
    );
    assert_eq!(info["balance"]["total"], 12.5);
    assert_eq!(info["balance"]["credits"][0]["amount"], 12.5);
    assert_eq!(info["limits"]["rpm"], 3);
    assert_eq!(info["limits"]["hard_limit"], 9);
    assert_eq!(info["acl"]["allow_models"], Value::Null);
    let owner = node.get("/dashboard/status").await.ok();
    assert_eq!(
        (
            &owner["name"],
            &owner["admin"],
            &owner["balance"],
            &owner["dna"]
        ),
        (&json!("root"), &json!(true), &json!(null), &json!(".1."))
    );
    node.get("/dashboard/info").await.ok();
    let auditor = node.add_admin_key("auditor").await;
    let status = node.with(&auditor).get("/dashboard/status").await.ok();
    assert_eq!(
        (&status["manage"], &status["admin"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test]
async fn conf_tells_what_is_in_force_for_the_key_that_asks() {
    let node = Node::start().await;
    let config = json!({
        "MODEL_MAPPER": "a=b", "RESOURCES": "/v1/chat, /v1/embeddings",
        "MODEL_LIMITS": {"b": {"rpm": 9, "tpm": 8}},
    });
    node.put("/x-config", &config).await.ok();
    let more = json!({
        "RPM": 50, "ModelMapper": "c=a", "Resources": "/v1/chat",
        "AllowModels": "gpt*, a, b, c", "ModelLimits": {"b": {"rpm": 3}}, "AllowLevels": "1",
    });
    node.add_user("alice", &more).await;
    let body = json!({"AllowModels": "gpt-4o*", "RPM": 5});
    let issued = node.post("/x-users/alice/keys", &body).await.ok();
    let conf = node
        .with(&secret(&issued["key"]))
        .get("/dashboard/conf")
        .await
        .ok();
    assert_eq!(
        conf,
        json!({
            "success": true, "Status": true,
            "ModelMapper": {"c": "a"}, "OwnerModelMapper": {},
            "ModelLimits": {"b": {"rpm": 3, "tpm": 8}},
            "Resources": ["/v1/chat"], "AllowModels": ["gpt-4o*"], "AllowLevels": [1],
            "AllowIPs": null, "HardLimit": null, "SoftLimit": null, "Rates": 1,
            "RPM": 5, "RPH": null, "RPD": null, "TPM": null, "TPH": null, "TPD": null,
            "UserMinBalance": 2, "UserApiBalance": 20,
        })
    );
    let owner = node.get("/dashboard/conf").await.ok();
    assert_eq!(owner["OwnerModelMapper"], json!({"a": "b"}));
    assert_eq!(owner["Resources"], json!(["/v1/chat", "/v1/embeddings"]));
    assert_eq!(owner["RPM"], Value::Null);
}

#[tokio::test]
async fn models_are_those_the_caller_may_name() {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9/v1").await;
    node.add_key(2, "http://127.0.0.1:9/v1").await;
    let config = json!({"LEVEL_MAPPER": {"one": 1, "one-b": 1, "two": 2}});
    node.put("/x-config", &config).await.ok();
    let more =
        json!({"AllowLevels": "1", "AllowModels": "one*, two, mine", "ModelMapper": "mine=one"});
    let (_, key) = node.add_user("alice", &more).await;
    let body = json!({"AllowModels": "one"});
    let narrow = secret(&node.post("/x-users/alice/keys", &body).await.ok()["key"]);
    let auditor = node.add_admin_key("auditor").await;
    for (key, expected) in [
        (OWNER_KEY, &["one", "one-b", "two"][..]),
        (&auditor, &["one", "one-b", "two"]),
        (&key, &["mine", "one", "one-b"]),
        (&narrow, &["one"]),
    ] {
        for path in ["/dashboard/models", "/models", "/v1/models"] {
            let list = node.with(key).get(path).await.ok();
            let data = list["data"].as_array().unwrap().iter();
            let ids: Vec<&str> = data.map(|model| model["id"].as_str().unwrap()).collect();
            assert_eq!(ids, expected, "{path}");
        }
    }
}

async fn titles(caller: &As<'_>, query: &str) -> Vec<String> {
    let news = caller.get(&format!("/dashboard/news{query}")).await.ok();
    let [system, user] = ["system_news", "user_news"].map(|sort| news[sort].clone());
    let all = [system, user].into_iter().flat_map(|items| match items {
        Value::Array(items) => items,
        other => panic!("no list: {other}"),
    });
    all.map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn news_reach_exactly_those_they_are_for() {
    let node = Node::start().await;
    let (_, team) = node.add_user("team", &json!({})).await;
    let (_, alice) = node.with(&team).add_user("alice", &json!({})).await;
    let (_, other) = node.add_user("other", &json!({})).await;
    for target in [
        "",
        "/2",
        "/ALICE",
        "/Other%40example.com",
        "/.1.2.",
        "/.1.",
        "/.1.2.3.",
        "/1",
    ] {
        let body = json!({"title": format!("to {target}"), "content": "c"});
        node.post(&format!("/x-news{target}"), &body).await.ok();
    }
    let all = [
        "to ",
        "to /1",
        "to /.1.2.3.",
        "to /.1.",
        "to /.1.2.",
        "to /Other%40example.com",
        "to /ALICE",
        "to /2",
    ];
    for query in ["", "?all=true"] {
        assert_eq!(titles(&node.with(OWNER_KEY), query).await, all);
        assert_eq!(
            titles(&node.with(&team), query).await,
            ["to ", "to /.1.", "to /.1.2.", "to /2"]
        );
        assert_eq!(
            titles(&node.with(&alice), query).await,
            ["to ", "to /.1.2.3.", "to /.1.", "to /.1.2.", "to /ALICE"]
        );
        assert_eq!(
            titles(&node.with(&other), query).await,
            ["to ", "to /.1.", "to /Other%40example.com"]
        );
    }
    let auditor = node.add_admin_key("auditor").await;
    assert_eq!(titles(&node.with(&auditor), "").await, all);
}

#[tokio::test]
async fn of_the_owner_s_mapper_a_caller_sees_what_it_may_name() {
    let node = Node::start().await;
    let mapper = json!({"MODEL_MAPPER": "one=a, one-*=b, two=c, o*=d, *=e"});
    node.put("/x-config", &mapper).await.ok();
    let mut seen = Vec::new();
    for (name, models) in [
        ("alice", "one"),
        ("berta", "one-*"),
        ("clara", "-*"),
        ("doris", "*"),
    ] {
        let (_, key) = node.add_user(name, &json!({"AllowModels": models})).await;
        seen.push((key, name));
    }
    let all = json!({"one": "a", "one-*": "b", "two": "c", "o*": "d", "*": "e"});
    seen.push((OWNER_KEY.to_owned(), "owner"));
    for (key, name) in seen {
        let conf = node.with(&key).get("/dashboard/conf").await.ok();
        let expected = match name {
            "alice" => json!({"one": "a", "o*": "d", "*": "e"}),
            "berta" => json!({"one-*": "b", "o*": "d", "*": "e"}),
            "clara" => json!({}),
            _ => all.clone(),
        };
        assert_eq!(conf["OwnerModelMapper"], expected, "{name}");
    }
}
