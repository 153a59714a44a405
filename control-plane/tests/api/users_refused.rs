//! Accounts that are not made or changed, and why.

use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Node, answer};
use crate::people::user;

#[tokio::test]
async fn bad_fields_are_refused_by_name() {
    let node = Node::start().await;
    node.add_user("alice", &json!({"RPM": 5})).await;
    let cases = [
        ("Name", json!({"Name": null})),
        ("Name", json!({"Name": "abc"})),
        ("Name", json!({"Name": "x".repeat(64)})),
        ("Name", json!({"Name": "1234"})),
        ("Name", json!({"Name": "with/slash"})),
        ("Name", json!({"Name": "with@sign"})),
        ("Name", json!({"Name": ".dot"})),
        ("Name", json!({"Name": 5})),
        ("Email", json!({"Email": null})),
        ("Email", json!({"Email": "nothing"})),
        ("Alias", json!({"Alias": "x".repeat(129)})),
        ("BillingEmail", json!({"BillingEmail": "nothing"})),
        ("Status", json!({"Status": "true"})),
        ("Rates", json!({"Rates": "1.5"})),
        ("Rates", json!({"Rates": 0})),
        ("Rates", json!({"Rates": -1})),
        ("RPM", json!({"RPM": -1})),
        ("RPM", json!({"RPM": 1.5})),
        ("TPD", json!({"TPD": "5"})),
        ("AllowIPs", json!({"AllowIPs": "10.0.0.0/99"})),
        ("AllowIPs", json!({"AllowIPs": ""})),
        ("AllowIPs", json!({"AllowIPs": []})),
        ("AllowModels", json!({"AllowModels": [true]})),
        ("AllowModels", json!({"AllowModels": {"a": {}}})),
        ("AllowModels", json!({"AllowModels": "-gpt-4o"})),
        ("AllowLevels", json!({"AllowLevels": [10000]})),
        ("Resources", json!({"Resources": "chat"})),
        ("ModelLimits", json!({"ModelLimits": []})),
        ("ModelLimits", json!({"ModelLimits": "{"})),
        ("ModelLimits", json!({"ModelLimits": {"a": {"rps": 1}}})),
        ("ModelLimits", json!({"ModelLimits": {"a": {"rpm": "1"}}})),
        ("ModelLimits", json!({"ModelLimits": {"a": 1}})),
        ("ModelMapper", json!({"ModelMapper": "a"})),
        ("ModelMapper", json!({"ModelMapper": {"a": "b*"}})),
        ("HardLimit", json!({"HardLimit": "5"})),
        ("HardLimit", json!({"HardLimit": -5})),
        ("SoftLimit", json!({"SoftLimit": 6, "HardLimit": 5})),
        ("CreditGranted", json!({"CreditGranted": 1.99})),
        ("CreditGranted", json!({"CreditGranted": "100"})),
        ("CreditGranted", json!({"CreditGranted": 1e300})),
        ("Days", json!({"CreditGranted": 5, "Days": 0})),
        (
            "Days",
            json!({"CreditGranted": 5, "Days": 99_999_999_999_u64}),
        ),
        ("Days", json!({"Days": 5})),
        ("Level", json!({"Level": 1})),
        ("SecretKey", json!({"SecretKey": "sk-mine"})),
        ("ParentID", json!({"ParentID": 1})),
    ];
    for (param, more) in cases {
        let refused = node.post("/x-users", &user("berta", &more)).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{more}: {error}");
    }
    for (param, change) in [
        ("Parent", json!({"Parent": 5})),
        ("Parent", json!({"Parent": null})),
        ("ParentID", json!({"ParentID": 2})),
        ("ID", json!({"ID": 3})),
        ("Name", json!({"Name": ""})),
        ("CreditGranted", json!({"CreditGranted": 0})),
        ("Grants", json!({"Grants": 0})),
    ] {
        let refused = node.put("/x-users/2", &change).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{change}: {error}");
    }
    let moved = node.put("/x-users/2", &json!({"Parent": 5})).await;
    let error = moved.refused(400, "invalid_field");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("cannot be moved"),
        "{error}"
    );
    let nothing = node.put("/x-users/2", &json!({})).await;
    nothing.refused(400, "nothing_to_change");
    assert_eq!(node.records().await.len(), 2);
}

#[tokio::test]
async fn names_and_mails_are_an_owner_s_once_whatever_their_case() {
    let node = Node::start().await;
    let (_, key) = node.add_user("alice", &json!({})).await;
    node.add_user("berta", &json!({})).await;
    let taken = async |body: Value, param: &str| {
        let error = node.post("/x-users", &body).await.refused(409, "taken");
        assert_eq!(error["param"], param, "{error}");
    };
    taken(
        user("ALICE", &json!({"Email": "other@example.com"})),
        "Name",
    )
    .await;
    taken(
        user("other", &json!({"Email": "Alice@Example.com"})),
        "Email",
    )
    .await;
    // The owner's own name.
    taken(user("Root", &json!({})), "Name").await;
    let renamed = node.put("/x-users/berta", &json!({"Name": "Alice"})).await;
    renamed.refused(409, "taken");
    // Below another account they are the same owner's.
    let below = node
        .with(&key)
        .post("/x-users", &user("berta", &json!({})))
        .await;
    below.refused(409, "taken");
    node.put("/x-users/alice", &json!({"Name": "Alice"}))
        .await
        .ok();
}

#[tokio::test]
async fn a_child_gets_no_more_than_its_parent_has() {
    let node = Node::start().await;
    let more = json!({
        "Rates": 1.5, "RPM": 10, "HardLimit": 100,
        "AllowModels": "gpt-4o*", "AllowIPs": "127.0.0.0/8", "AllowLevels": "1",
        "Resources": "/v1/chat", "ModelLimits": {"gpt-4o": {"rpm": 3}},
    });
    let (_, key) = node.add_user("parent", &more).await;
    let parent = node.with(&key);
    for (param, more) in [
        ("Rates", json!({"Rates": 1.4})),
        ("RPM", json!({"RPM": 11})),
        ("HardLimit", json!({"HardLimit": 100.5})),
        ("AllowModels", json!({"AllowModels": "gpt*"})),
        ("AllowModels", json!({"AllowModels": ["gpt-4o-mini", "o3"]})),
        ("AllowIPs", json!({"AllowIPs": "128.0.0.1"})),
        ("AllowLevels", json!({"AllowLevels": [1, 2]})),
        ("Resources", json!({"Resources": "/v1"})),
        (
            "ModelLimits",
            json!({"ModelLimits": {"gpt-4o": {"rpm": 4}}}),
        ),
    ] {
        let refused = parent.post("/x-users", &user("child", &more)).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{more}: {error}");
    }
    let (child, _) = parent.add_user("child", &json!({"RPM": 10})).await;
    let path = format!("/x-users/{child}");
    let shown = parent.get(&path).await.ok();
    assert_eq!(shown["user"]["Rates"], 1.5, "as dear as its parent");
    let wider = parent.put(&path, &json!({"AllowLevels": "2"})).await;
    assert_eq!(wider.refused(400, "invalid_field")["param"], "AllowLevels");
}

#[tokio::test]
async fn another_parent_s_child_is_not_there() {
    let node = Node::start().await;
    let (_, one) = node.add_user("parent-one", &json!({})).await;
    let (_, two) = node.add_user("parent-two", &json!({})).await;
    let (child, _) = node.with(&one).add_user("child", &json!({})).await;
    for caller in [node.with(&two), node.with(crate::node::OWNER_KEY)] {
        for name in [
            child.to_string(),
            "child".to_owned(),
            "child%40example.com".to_owned(),
        ] {
            let path = format!("/x-users/{name}");
            let code = "account_not_found";
            caller.get(&path).await.refused(404, code);
            caller
                .put(&path, &json!({"RPM": 1}))
                .await
                .refused(404, code);
            caller.delete(&path).await.refused(404, code);
            caller.get(&format!("{path}/keys")).await.refused(404, code);
            let keys = format!("{path}/keys");
            caller.post(&keys, &json!({})).await.refused(404, code);
        }
        // Not even whether it is as somebody saw it.
        let path = format!("/x-users/{child}");
        let guess = caller
            .request(Method::PUT, &path)
            .header("if-match", "\"1\"");
        let refused = answer(guess.json(&json!({"RPM": 1}))).await;
        refused.refused(404, "account_not_found");
    }
}

#[tokio::test]
async fn accounts_nest_only_so_deep() {
    let node = Node::start().await;
    let (_, mut key) = node.add_user("depth-1", &json!({})).await;
    for depth in 2..=10 {
        (_, key) = node
            .with(&key)
            .add_user(&format!("depth-{depth}"), &json!({}))
            .await;
    }
    let refused = node
        .with(&key)
        .post("/x-users", &user("depth-11", &json!({})))
        .await;
    assert_eq!(refused.refused(400, "invalid_field")["param"], "Parent");
}

#[tokio::test]
async fn two_accounts_may_choose_the_same_retry_key() {
    let node = Node::start().await;
    let (_, one) = node.add_user("parent-one", &json!({})).await;
    let (_, two) = node.add_user("parent-two", &json!({})).await;
    let send = async |key: &str, name: &str| {
        let request = node.with(key).request(Method::POST, "/x-users");
        let request = request.header("idempotency-key", "1");
        answer(request.json(&user(name, &json!({})))).await
    };
    let first = send(&one, "child-one").await.ok();
    let second = send(&two, "child-two").await.ok();
    assert_ne!(first["user"]["ID"], second["user"]["ID"]);
    let again = send(&one, "child-one").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["user"]["ID"], first["user"]["ID"]);
    send(&one, "child-two")
        .await
        .refused(422, "idempotency_mismatch");
}

#[tokio::test]
async fn model_limits_that_are_no_json_are_named_and_not_the_body() {
    let node = Node::start().await;
    for (text, told) in [
        ("{", "ModelLimits: is no valid JSON: EOF"),
        (r#"{"m":{},"m":{}}"#, "ModelLimits: is ambiguous"),
    ] {
        let body = user("alice", &json!({"ModelLimits": text}));
        let error = node.post("/x-users", &body).await;
        let error = error.refused(400, "invalid_field");
        assert_eq!(error["param"], "ModelLimits");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(told), "{message}");
    }
}
