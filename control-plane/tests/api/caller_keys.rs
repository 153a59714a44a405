//! `/x-users/{id}/keys` and `/x-self`: keys that are drawn, shown once, changed,
//! rotated and revoked.

use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Node, OWNER_KEY, answer, eventually};
use crate::people::secret;

async fn works(node: &Node, key: &str) -> bool {
    let answer = node.with(key).get("/dashboard/status").await;
    answer.status == 200
}

#[tokio::test]
async fn a_key_is_issued_listed_changed_and_revoked() {
    let node = Node::start().await;
    node.add_user("alice", &json!({"RPM": 100, "AllowModels": "gpt-4o*"}))
        .await;
    let body = json!({
        "Name": "laptop", "ExpiresAt": "2099-01-31T12:00:00.75+02:00",
        "AllowModels": ["gpt-4o-mini"], "RPM": 10, "TPD": 5,
    });
    let issued = node.post("/x-users/alice/keys", &body).await.ok();
    let key = &issued["key"];
    let secret = secret(key);
    assert_eq!(
        *key,
        json!({
            "ID": 2, "UUID": key["UUID"], "AccountID": 2, "Name": "laptop",
            "Mask": key["Mask"], "SecretKey": secret,
            "ExpiresAt": "2099-01-31T10:00:00Z",
            "AllowModels": ["gpt-4o-mini"],
            "Status": true, "RPS": null, "Concurrency": null,
            "RPM": 10, "RPH": null, "RPD": null, "TPM": null, "TPH": null, "TPD": 5,
            "CreatedAt": key["CreatedAt"], "UpdatedAt": key["UpdatedAt"],
        })
    );
    assert!(works(&node, &secret).await);
    let shown = node.get("/x-users/2/keys/2").await;
    let etag = shown.header("etag").to_owned();
    let shown = shown.ok()["key"].clone();
    assert!(!shown.to_string().contains(&secret));
    // What is shown goes back as it is.
    let written = node.records().await.len();
    node.put("/x-users/2/keys/2", &shown).await.ok();
    assert_eq!(node.records().await.len(), written);
    let change = json!({"Name": "desk", "ExpiresAt": null, "RPM": null, "AllowModels": "*"});
    let request = node.request(Method::PUT, "/x-users/alice/keys/2");
    let changed = answer(request.header("if-match", &etag).json(&change))
        .await
        .ok();
    for (field, expected) in [
        ("Name", json!("desk")),
        ("ExpiresAt", json!(null)),
        ("RPM", json!(null)),
        ("AllowModels", json!(null)),
        ("TPD", json!(5)),
    ] {
        assert_eq!(changed["key"][field], expected, "{field}");
    }
    let request = node.request(Method::DELETE, "/x-users/alice/keys/2");
    let stale = answer(request.header("if-match", &etag)).await;
    stale.refused(412, "stale");
    let revoke = async || {
        let request = node.request(Method::DELETE, "/x-users/alice/keys/2");
        answer(request.header("idempotency-key", "once")).await
    };
    assert_eq!(revoke().await.ok()["id"], 2);
    assert_eq!(revoke().await.header("idempotency-replayed"), "true");
    assert!(!works(&node, &secret).await);
    let listed = node.get("/x-users/alice/keys").await.ok();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
    assert_eq!(listed["keys"][0]["Name"], "default");
}

#[tokio::test]
async fn a_retry_shows_no_key() {
    let node = Node::start().await;
    node.add_user("alice", &json!({})).await;
    for path in ["/x-users/2/keys", "/x-users/2/keys/1/rotate"] {
        let send = async || {
            let request = node.request(Method::POST, path);
            answer(request.header("idempotency-key", path).json(&json!({})))
                .await
                .ok()
        };
        let (first, again) = (send().await, send().await);
        secret(&first["key"]);
        assert_eq!(first["key"]["Mask"], again["key"]["Mask"]);
        assert!(again["key"].get("SecretKey").is_none(), "{again}");
    }
    let dry = node
        .post("/x-users/2/keys/1/rotate?dry_run=1", &json!({}))
        .await
        .ok();
    assert!(dry["key"].get("SecretKey").is_none(), "{dry}");
}

#[tokio::test]
async fn a_rotated_key_is_good_beside_the_new_one_as_long_as_asked() {
    let node = Node::start().await;
    let (_, old) = node.add_user("alice", &json!({})).await;
    let path = "/x-users/alice/keys/1/rotate";
    let rotated = node.post(path, &json!({"OverlapSeconds": 3600})).await.ok();
    let new = secret(&rotated["key"]);
    assert!(rotated["key"]["PreviousUntil"].is_string(), "{rotated}");
    assert!(works(&node, &old).await && works(&node, &new).await);
    // What was promised holds; without a body the old ones end at once.
    node.post(path, &json!({"OverlapSeconds": 1}))
        .await
        .refused(400, "invalid_field");
    let last = secret(&answer(node.request(Method::POST, path)).await.ok()["key"]);
    for (key, expected) in [(&old, false), (&new, false), (&last, true)] {
        assert_eq!(works(&node, key).await, expected);
    }
    let short = node.post(path, &json!({"OverlapSeconds": 1})).await.ok();
    let next = secret(&short["key"]);
    eventually("the overlap ends", async || {
        (!works(&node, &last).await).then_some(())
    })
    .await;
    node.with(&last)
        .get("/x-users")
        .await
        .refused(401, "expired_api_key");
    assert!(works(&node, &next).await);
}

#[tokio::test]
async fn bad_keys_are_refused() {
    let node = Node::start().await;
    node.add_user("alice", &json!({"RPM": 10, "AllowModels": "gpt-4o*"}))
        .await;
    for (param, body) in [
        ("Name", json!({"Name": "x".repeat(129)})),
        ("Name", json!({"Name": 1})),
        ("ExpiresAt", json!({"ExpiresAt": "2020-01-01T00:00:00Z"})),
        ("ExpiresAt", json!({"ExpiresAt": "tomorrow"})),
        ("ExpiresAt", json!({"ExpiresAt": 1_900_000_000})),
        ("AllowModels", json!({"AllowModels": "gpt*"})),
        ("RPM", json!({"RPM": 11})),
        ("SecretKey", json!({"SecretKey": "sk-mine"})),
    ] {
        for method in [Method::POST, Method::PUT] {
            let path = match method {
                Method::POST => "/x-users/2/keys",
                _ => "/x-users/2/keys/1",
            };
            let refused = answer(node.request(method, path).json(&body)).await;
            let error = refused.refused(400, "invalid_field");
            assert_eq!(error["param"], param, "{body}: {error}");
        }
    }
    node.put("/x-users/2/keys/1", &json!({}))
        .await
        .refused(400, "nothing_to_change");
    node.put("/x-users/2/keys/1", &json!({"ID": 2}))
        .await
        .refused(400, "invalid_field");
    for body in [
        json!({"OverlapSeconds": -1}),
        json!({"OverlapSeconds": 31 * 24 * 3600}),
        json!({"Overlap": 1}),
    ] {
        let refused = node.post("/x-users/2/keys/1/rotate", &body).await;
        refused.refused(400, "invalid_field");
    }
    for path in [
        "/x-users/2/keys/9",
        "/x-users/2/keys/x",
        "/x-users/2/keys/99999999999999999999",
    ] {
        node.get(path).await.refused(404, "caller_key_not_found");
        node.delete(path).await.refused(404, "caller_key_not_found");
    }
}

#[tokio::test]
async fn keys_of_other_accounts_are_not_there() {
    let node = Node::start().await;
    let (_, one) = node.add_user("alice", &json!({})).await;
    node.add_user("berta", &json!({})).await;
    // Key 2 is berta's.
    for caller in [node.with(&one), node.with(OWNER_KEY)] {
        let path = "/x-users/alice/keys/2";
        let code = "caller_key_not_found";
        caller.get(path).await.refused(404, code);
        let guess = caller
            .request(Method::DELETE, path)
            .header("if-match", "\"1\"");
        answer(guess).await.refused(404, code);
        caller
            .put(path, &json!({"Name": "n"}))
            .await
            .refused(404, code);
        let rotate = format!("{path}/rotate");
        caller.post(&rotate, &json!({})).await.refused(404, code);
    }
    let alice = node.with(&one);
    alice
        .get("/x-users/berta/keys")
        .await
        .refused(404, "account_not_found");
}

#[tokio::test]
async fn an_account_and_the_owner_have_keys_of_their_own() {
    let node = Node::start().await;
    let (number, key) = node.add_user("alice", &json!({})).await;
    let alice = node.with(&key);
    for name in [
        number.to_string(),
        "ALICE".to_owned(),
        "alice%40example.com".to_owned(),
    ] {
        let listed = alice.get(&format!("/x-users/{name}/keys")).await.ok();
        assert_eq!(listed["keys"][0]["AccountID"], number, "{name}");
    }
    let issued = alice
        .post("/x-users/alice/keys", &json!({"Name": "second"}))
        .await
        .ok();
    assert!(works(&node, &secret(&issued["key"])).await);
    for name in ["1", "Root"] {
        let path = format!("/x-users/{name}/keys");
        let issued = node.post(&path, &json!({"Name": name})).await.ok();
        let key = secret(&issued["key"]);
        assert_eq!(issued["key"]["AccountID"], 1);
        assert_eq!(
            node.with(&key).get("/dashboard/status").await.ok()["admin"],
            false,
            "a key that calls for the owner does not administer"
        );
        let other = json!({"Name": "another", "Email": "another@example.com"});
        let refused = node.with(&key).post("/x-users", &other).await;
        refused.refused(403, "bounded_key");
        node.with(&key)
            .get("/x-keys")
            .await
            .refused(403, "owner_only");
    }
    // An account does not reach up.
    alice
        .get("/x-users/1/keys")
        .await
        .refused(404, "account_not_found");
    alice
        .get("/x-users/root/keys")
        .await
        .refused(404, "account_not_found");
}

fn confirm() -> Value {
    let today = chrono::Utc::now().format("%Y-%m-%d");
    json!({"confirm": format!("{today}-ROTATE-SELF")})
}

#[tokio::test]
async fn a_caller_rotates_the_key_it_came_with() {
    let node = Node::start().await;
    let (_, old) = node.add_user("alice", &json!({})).await;
    let issued = node
        .post("/x-users/alice/keys", &json!({"Name": "other"}))
        .await
        .ok();
    let other = secret(&issued["key"]);
    let alice = node.with(&old);
    let dry = alice.post("/x-self?dry_run=true", &confirm()).await.ok();
    assert!(dry["key"].get("SecretKey").is_none(), "{dry}");
    let rotated = alice.post("/x-self", &confirm()).await.ok();
    let new = secret(&rotated["key"]);
    assert_eq!(rotated["key"]["ID"], 1);
    for (key, expected) in [(&old, false), (&new, true), (&other, true)] {
        assert_eq!(works(&node, key).await, expected);
    }
    assert!(!node.log_text().await.contains(&new));
}

#[tokio::test]
async fn the_owner_rotates_its_key() {
    let node = Node::start().await;
    let rotated = node.post("/x-self", &confirm()).await.ok();
    let new = secret(&rotated["key"]);
    assert_eq!(rotated["key"]["Name"], "root");
    assert!(!works(&node, OWNER_KEY).await);
    assert!(works(&node, &new).await);
    node.get("/x-keys").await.refused(401, "invalid_api_key");
    node.with(&new).get("/x-keys").await.ok();
}

#[tokio::test]
async fn a_wrong_confirmation_says_what_is_expected() {
    let node = Node::start().await;
    let expected = confirm()["confirm"].as_str().unwrap().to_owned();
    for body in [
        json!({}),
        json!({"confirm": "2020-01-01-ROTATE-SELF"}),
        json!({"confirm": expected.to_lowercase()}),
        json!({"confirm": "yes"}),
    ] {
        let error = node
            .post("/x-self", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], "confirm");
        assert!(
            error["message"].as_str().unwrap().contains(&expected),
            "{error}"
        );
    }
    let more = json!({"confirm": expected, "force": true});
    node.post("/x-self", &more)
        .await
        .refused(400, "invalid_field");
    let admin = node.add_admin_key("owner").await;
    let refused = node.with(&admin).post("/x-self", &confirm()).await;
    refused.refused(403, "admin_key_not_rotated");
    assert!(works(&node, OWNER_KEY).await);
}

#[tokio::test]
async fn a_bounded_key_makes_nothing_that_could_do_more() {
    let node = Node::start().await;
    let (_, key) = node.add_user("alice", &json!({})).await;
    let alice = node.with(&key);
    for bound in [
        json!({"AllowModels": "gpt-4o"}),
        json!({"RPM": 5}),
        json!({"ExpiresAt": "2100-01-01T00:00:00Z"}),
    ] {
        let issued = alice.post("/x-users/alice/keys", &bound).await.ok();
        let bounded = secret(&issued["key"]);
        let bounded = node.with(&bounded);
        assert_eq!(bounded.get("/x-users/alice/keys").await.status, 200);
        bounded
            .post("/x-users/alice/keys", &json!({}))
            .await
            .refused(403, "bounded_key");
        let child = json!({"Name": "child", "Email": "child@example.com"});
        bounded
            .post("/x-users", &child)
            .await
            .refused(403, "bounded_key");
        let own = format!("/x-users/alice/keys/{}", issued["key"]["ID"]);
        let lifted = bounded
            .request(Method::PUT, &own)
            .json(&json!({"AllowModels": "*", "RPM": null, "ExpiresAt": null}));
        answer(lifted).await.refused(403, "bounded_key");
        bounded.post("/x-self", &confirm()).await.ok();
    }
}

#[tokio::test]
async fn of_two_who_take_one_keys_successor_one_does() {
    let node = Node::start().await;
    let confirm = confirm();
    let (one, other) = tokio::join!(
        node.post("/x-self", &confirm),
        node.post("/x-self", &confirm)
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert!(
        matches!(statuses, [200, 401 | 412]),
        "{} {}",
        one.body,
        other.body
    );
    let won = if one.status == 200 { one } else { other };
    let key = secret(&won.ok()["key"]);
    assert_eq!(node.with(&key).get("/x-keys").await.status, 200);
}
