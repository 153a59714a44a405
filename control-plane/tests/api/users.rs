//! `/x-users`: direct children, as they are made, shown, changed and removed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Answer, Node, answer};
use crate::people::{secret, user};

fn names(body: &Value) -> Vec<&str> {
    let users = body["users"].as_array().unwrap().iter();
    users.map(|user| user["Name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_new_account_comes_with_a_key_that_is_shown_once() {
    let node = Node::start().await;
    let body = user("alice", &json!({"CreditGranted": 100.5, "Days": 10}));
    let made = node.post("/x-users", &body).await;
    let etag = made.header("etag").to_owned();
    let made = made.ok();
    assert_eq!(made["success"], true);
    let secret = secret(&made["key"]);
    let user = &made["user"];
    let credit = json!({
        "Amount": 100.5,
        "GrantedAt": user["CreatedAt"],
        "ExpiresAt": user["Credits"][0]["ExpiresAt"],
    });
    let unbounded = json!({
        "Status": true, "HardLimit": null, "ModelLimits": {},
        "RPM": null, "RPH": null, "RPD": null, "TPM": null, "TPH": null, "TPD": null,
        "AllowIPs": null, "AllowModels": null, "AllowLevels": null, "Resources": null,
    });
    let mut expected = json!({
        "ID": 2, "UUID": user["UUID"], "ParentID": 1, "DNA": ".1.2.",
        "Name": "alice", "Email": "alice@example.com", "Alias": "", "BillingEmail": "",
        "Rates": 1, "ModelMapper": {}, "SoftLimit": null,
        "Credits": [credit], "Balance": 100.5, "Keys": 1,
        "Effective": unbounded,
        "CreatedAt": user["CreatedAt"], "UpdatedAt": user["UpdatedAt"],
    });
    let own = unbounded.as_object().unwrap().clone();
    expected.as_object_mut().unwrap().extend(own);
    assert_eq!(*user, expected);
    let shown = node.get("/x-users/2").await;
    assert_eq!(shown.header("etag"), etag);
    assert_eq!(shown.ok(), json!({"success": true, "user": user}));
    let keys = node.get("/x-users/2/keys").await.ok();
    let mut key = made["key"].clone();
    key.as_object_mut().unwrap().remove("SecretKey");
    assert_eq!(keys, json!({"success": true, "keys": [key]}));
    assert!(!keys.to_string().contains(&secret));
    assert!(!node.log_text().await.contains(&secret));
    // It is good: the account may ask about itself.
    let status = node.with(&secret).get("/dashboard/status").await.ok();
    assert_eq!(status["name"], "alice");
}

#[tokio::test]
async fn a_retry_is_answered_with_the_account_and_without_its_key() {
    let node = Node::start().await;
    node.add_user("first", &json!({})).await;
    let body = user("alice", &json!({"CreditGranted": 5}));
    let send = async || {
        let request = node.request(Method::POST, "/x-users");
        answer(request.header("idempotency-key", "once").json(&body)).await
    };
    let first = send().await;
    let again = send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("etag"), again.header("etag"));
    let (first, again) = (first.ok(), again.ok());
    assert_eq!(first["user"], again["user"]);
    assert_eq!(first["key"]["ID"], again["key"]["ID"]);
    assert_eq!(first["key"]["Mask"], again["key"]["Mask"]);
    secret(&first["key"]);
    assert!(again["key"].get("SecretKey").is_none(), "{again}");
}

#[tokio::test]
async fn a_dry_run_makes_nothing_and_shows_no_key() {
    let node = Node::start().await;
    let body = user("alice", &json!({}));
    let dry = node.post("/x-users?dry_run=true", &body).await.ok();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["changes"]["before"], Value::Null);
    assert_eq!(dry["changes"]["after"], dry["user"]);
    assert!(dry["key"].get("SecretKey").is_none(), "{dry}");
    let kinds: Vec<&String> = dry["events"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|event| event.as_object().unwrap().keys())
        .collect();
    assert_eq!(kinds, ["AccountAdded", "CallerKeyIssued"]);
    assert!(!dry["events"].to_string().contains("hash"), "{dry}");
    // Money and times as the history shows them.
    let more = json!({"HardLimit": 50.5, "Rates": 1.25, "CreditGranted": 5});
    let dry = node
        .post("/x-users?dry_run=true", &user("berta", &more))
        .await;
    let dry = dry.ok();
    let profile = &dry["events"][0]["AccountAdded"]["profile"];
    assert_eq!(profile["hard_limit"], 50.5, "{dry}");
    assert_eq!(profile["rates"], 1.25, "{dry}");
    let granted = dry["events"].as_array().unwrap().iter();
    let granted = granted.filter_map(|event| event.get("CreditGranted"));
    let amounts: Vec<&Value> = granted.map(|grant| &grant["amount"]).collect();
    assert_eq!(amounts, [&json!(5)], "{dry}");
    let expires = &dry["events"][1]["CreditGranted"]["expires_at"];
    assert!(expires.as_str().unwrap().contains('T'), "{dry}");
    assert_eq!(node.records().await.len(), 1);
}

#[tokio::test]
async fn every_field_is_taken_and_goes_back_as_it_was_shown() {
    let node = Node::start().await;
    node.add_user("alice", &json!({})).await;
    let change = json!({
        "Name": "Alice",
        "Email": "a@example.com",
        "Alias": "The first",
        "BillingEmail": "bills@example.com",
        "Status": false,
        "Rates": 1.25,
        "RPM": 60, "RPH": 600, "RPD": 6000, "TPM": 1000, "TPH": 2000, "TPD": 3000,
        "AllowIPs": "10.0.0.0/8, 192.168.1.1",
        "AllowModels": ["gpt-4o*", "claude*"],
        "AllowLevels": [1, "2"],
        "Resources": "/v1/chat /v1/embeddings",
        "ModelLimits": {"gpt-4o": {"rpm": 5, "tpm": 100}},
        "ModelMapper": "gpt-3.5*=gpt-4o-mini",
        "HardLimit": 50.5,
        "SoftLimit": 20,
    });
    let put = node.put("/x-users/2", &change).await.ok();
    let user = &put["user"];
    for (field, expected) in [
        ("Name", json!("Alice")),
        ("Status", json!(false)),
        ("Rates", json!(1.25)),
        ("TPD", json!(3000)),
        ("AllowIPs", json!(["10.0.0.0/8", "192.168.1.1"])),
        ("AllowModels", json!(["claude*", "gpt-4o*"])),
        ("AllowLevels", json!([1, 2])),
        ("Resources", json!(["/v1/chat", "/v1/embeddings"])),
        ("ModelLimits", json!({"gpt-4o": {"rpm": 5, "tpm": 100}})),
        ("ModelMapper", json!({"gpt-3.5*": "gpt-4o-mini"})),
        ("HardLimit", json!(50.5)),
        ("SoftLimit", json!(20)),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    assert_eq!(user["Effective"]["Status"], false);
    assert_eq!(user["Effective"]["RPM"], 60);
    let written = node.records().await.len();
    let again = node.put("/x-users/2", user).await.ok();
    assert_eq!(again["user"], *user);
    assert_eq!(node.records().await.len(), written, "nothing new was said");
}

#[tokio::test]
async fn null_takes_away_and_lists_are_edited() {
    let node = Node::start().await;
    let more = json!({
        "RPM": 5, "TPD": 7, "HardLimit": 9, "Alias": "x",
        "AllowModels": "gpt-4o, claude*", "AllowIPs": "10.0.0.1",
        "ModelLimits": "{\"a\": {\"rpm\": 1, \"tpm\": 2}, \"b\": {\"rpm\": 3}}",
        "ModelMapper": {"a": "b"},
    });
    node.add_user("alice", &more).await;
    let change = json!({
        "RPM": null, "HardLimit": null, "Alias": null, "AllowIPs": null, "ModelMapper": null,
        "AllowModels": "-gpt-4o o3*", "AllowLevels": "-*",
        "ModelLimits": {"a": {"tpm": null, "rpd": 4}, "b": null},
    });
    // POST changes as PUT does.
    let user = node.post("/x-users/alice", &change).await.ok()["user"].clone();
    for (field, expected) in [
        ("RPM", json!(null)),
        ("TPD", json!(7)),
        ("HardLimit", json!(null)),
        ("Alias", json!("")),
        ("AllowIPs", json!(null)),
        ("ModelMapper", json!({})),
        ("AllowModels", json!(["claude*", "o3*"])),
        ("AllowLevels", json!(["-*"])),
        ("ModelLimits", json!({"a": {"rpm": 1, "rpd": 4}})),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    let put = node.put("/x-users/2", &user).await.ok();
    assert_eq!(put["user"]["AllowLevels"], json!(["-*"]));
}

#[tokio::test]
async fn credit_is_granted_taken_back_and_summed() {
    let node = Node::start().await;
    node.add_user("alice", &json!({"CreditGranted": 2})).await;
    let put = async |body: Value| node.put("/x-users/2", &body).await.ok()["user"].clone();
    assert_eq!(
        put(json!({"CreditGranted": 0.75})).await["Balance"],
        json!(2.75)
    );
    let user = put(json!({"CreditGranted": -1.5, "Days": 365})).await;
    assert_eq!(user["Balance"], json!(1.25));
    assert_eq!(user["Credits"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_account_is_found_by_number_name_and_mail() {
    let node = Node::start().await;
    let (number, _) = node
        .add_user("Jürgen Ä", &json!({"Email": "J@Example.com"}))
        .await;
    for path in [
        number.to_string(),
        "j%C3%BCrgen%20%C3%A4".to_owned(),
        "j%40example.COM".to_owned(),
    ] {
        let found = node.get(&format!("/x-users/{path}")).await.ok();
        assert_eq!(found["user"]["ID"], number, "{path}");
    }
    for path in [
        "9",
        "nobody",
        "nobody%40example.com",
        "99999999999999999999",
        "1",
    ] {
        let refused = node.get(&format!("/x-users/{path}")).await;
        let error = refused.refused(404, "account_not_found");
        assert_eq!(error["param"], "id");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let node = Node::start().await;
    for name in ["alice", "berta", "carol"] {
        node.add_user(name, &json!({"Status": name != "berta"}))
            .await;
    }
    for (query, expected) in [
        ("", &["alice", "berta", "carol"][..]),
        ("?id=3", &["berta"]),
        ("?name=CAROL", &["carol"]),
        ("?email=Alice@example.com", &["alice"]),
        ("?status=true", &["alice", "carol"]),
        ("?status=false", &["berta"]),
        ("?name=berta&status=true", &[]),
        ("?size=2", &["alice", "berta"]),
        ("?size=2&page=2", &["carol"]),
        ("?id=9", &[]),
    ] {
        let listed = node.get(&format!("/x-users{query}")).await;
        assert_eq!(names(&listed.ok()), expected, "{query}");
    }
    let paged = node.get("/x-users?size=2&page=2").await;
    let told = ["x-total-count", "x-page", "x-per-page", "x-total-pages"];
    assert_eq!(told.map(|name| paged.header(name)), ["3", "2", "2", "2"]);
    for query in ["?id=x", "?status=perhaps", "?size=0", "?parent=1"] {
        let refused = node.get(&format!("/x-users{query}")).await;
        refused.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn what_is_in_force_follows_the_parent() {
    let node = Node::start().await;
    let more = json!({"RPM": 100, "AllowModels": "gpt-4o*, o3*", "AllowLevels": "1, 2"});
    let (_, key) = node.add_user("parent", &more).await;
    let parent = node.with(&key);
    let more = json!({"RPM": 50, "TPM": 9, "AllowModels": "gpt-4o-mini, o3*"});
    let (child, _) = parent.add_user("child", &more).await;
    let shown = async || {
        let answer: Answer = parent.get(&format!("/x-users/{child}")).await;
        answer.ok()["user"].clone()
    };
    let user = shown().await;
    assert_eq!(user["DNA"], ".1.2.3.");
    assert_eq!(user["Effective"]["RPM"], 50);
    assert_eq!(user["Effective"]["AllowLevels"], json!([1, 2]));
    let narrower = json!({"RPM": 10, "AllowModels": "-gpt-4o*", "Status": true});
    node.put("/x-users/parent", &narrower).await.ok();
    let user = shown().await;
    assert_eq!(
        (&user["RPM"], &user["Effective"]["RPM"]),
        (&json!(50), &json!(10))
    );
    assert_eq!(user["AllowModels"], json!(["gpt-4o-mini", "o3*"]));
    assert_eq!(user["Effective"]["AllowModels"], json!(["o3*"]));
}

#[tokio::test]
async fn a_removed_account_takes_its_keys_along_and_children_keep_their_parent() {
    let node = Node::start().await;
    let (parent, key) = node.add_user("parent", &json!({})).await;
    let (child, child_key) = node.with(&key).add_user("child", &json!({})).await;
    let error = node
        .delete("/x-users/parent")
        .await
        .refused(409, "has_children");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("remove those first"),
        "{error}"
    );
    let deleted = node
        .with(&key)
        .delete(&format!("/x-users/{child}"))
        .await
        .ok();
    assert_eq!(deleted["id"], child);
    let gone = node.with(&child_key).get("/dashboard/status").await;
    gone.refused(401, "invalid_api_key");
    let remove = async || {
        let request = node.request(Method::DELETE, "/x-users/parent");
        answer(request.header("idempotency-key", "once")).await
    };
    assert_eq!(remove().await.ok()["id"], parent);
    let again = remove().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["id"], parent);
    node.delete("/x-users/parent")
        .await
        .refused(404, "account_not_found");
}

#[tokio::test]
async fn a_write_counts_only_while_the_account_is_as_it_was_seen() {
    let node = Node::start().await;
    node.add_user("alice", &json!({})).await;
    let seen = node.get("/x-users/2").await.header("etag").to_owned();
    let write = async |method: Method, body: Value| {
        let request = node.request(method, "/x-users/2");
        answer(request.header("if-match", &seen).json(&body)).await
    };
    write(Method::PUT, json!({"RPM": 1})).await.ok();
    write(Method::PUT, json!({"RPM": 2}))
        .await
        .refused(412, "stale");
    write(Method::DELETE, json!({})).await.refused(412, "stale");
    let stands = node.get("/x-users/2").await.ok();
    assert_eq!(stands["user"]["RPM"], 1);
}
