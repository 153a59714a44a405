//! `/admin/v1/admin_keys` and `/admin/v1/owners`.

use foldgate_proto::ActorKind;
use foldgate_vault::caller_key::is_well_formed;
use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Node, answer};

#[tokio::test]
async fn an_admin_key_is_issued_listed_and_revoked() {
    let node = Node::start().await;
    let body = json!({"name": "ci", "role": "operator", "expires_at": "2099-01-01T00:00:00Z"});
    let issued = node.post("/admin/v1/admin_keys", &body).await.ok();
    let key = issued["key"].as_str().unwrap().to_owned();
    assert!(is_well_formed(&key));
    assert_eq!(
        issued,
        json!({
            "success": true, "id": issued["id"], "number": 1, "name": "ci", "role": "operator",
            "mask": issued["mask"], "expires_at": "2099-01-01T00:00:00Z",
            "created_at": issued["created_at"], "key": key,
        })
    );
    let mut shown = issued.clone();
    shown.as_object_mut().unwrap().remove("key");
    let path = format!("/admin/v1/admin_keys/{}", issued["id"].as_str().unwrap());
    let one = node.get(&path).await;
    assert!(one.headers.contains_key("etag"));
    assert_eq!(one.ok(), shown);
    shown.as_object_mut().unwrap().remove("success");
    let listed = node.get("/admin/v1/admin_keys").await.ok();
    assert_eq!(listed, json!({"success": true, "items": [shown]}));
    assert!(!node.log_text().await.contains(&key));
    // Records name who it was.
    let operator = node.with(&key);
    operator
        .post("/x-news", &json!({"title": "t", "content": "c"}))
        .await
        .ok();
    let record = node.records().await.pop().unwrap();
    assert_eq!(
        (record.actor.kind, record.actor.name.as_str()),
        (ActorKind::Operator, "ci")
    );
    let revoke = async || {
        let request = node.request(Method::DELETE, &path);
        answer(request.header("idempotency-key", "once")).await
    };
    assert_eq!(revoke().await.ok()["number"], 1);
    assert_eq!(revoke().await.header("idempotency-replayed"), "true");
    operator
        .get("/x-keys")
        .await
        .refused(401, "invalid_api_key");
    node.delete(&path).await.refused(404, "admin_key_not_found");
}

#[tokio::test]
async fn a_retry_shows_no_admin_key() {
    let node = Node::start().await;
    let send = async |body: &Value| {
        let request = node.request(Method::POST, "/admin/v1/admin_keys");
        answer(request.header("idempotency-key", "once").json(body)).await
    };
    let body = json!({"name": "ci", "role": "auditor"});
    let (first, again) = (send(&body).await.ok(), send(&body).await.ok());
    assert_eq!(first["id"], again["id"]);
    assert_eq!(first["mask"], again["mask"]);
    assert!(first["key"].is_string() && again.get("key").is_none());
    send(&json!({"name": "ci", "role": "owner"}))
        .await
        .refused(422, "idempotency_mismatch");
}

#[tokio::test]
async fn bad_admin_keys_are_refused() {
    let node = Node::start().await;
    node.add_admin_key("auditor").await;
    for (param, body) in [
        ("name", json!({"role": "owner"})),
        ("name", json!({"name": " ", "role": "owner"})),
        ("name", json!({"name": "x".repeat(64), "role": "owner"})),
        ("role", json!({"name": "ci"})),
        ("role", json!({"name": "ci", "role": "root"})),
        ("role", json!({"name": "ci", "role": "Owner"})),
        (
            "expires_at",
            json!({"name": "ci", "role": "owner", "expires_at": "2020-01-01T00:00:00Z"}),
        ),
        (
            "key",
            json!({"name": "ci", "role": "owner", "key": "sk-chosen-by-somebody-0123"}),
        ),
    ] {
        let refused = node.post("/admin/v1/admin_keys", &body).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{body}");
    }
    let same = json!({"name": "AN AUDITOR", "role": "owner"});
    node.post("/admin/v1/admin_keys", &same)
        .await
        .refused(409, "taken");
    for id in ["1", "x", "00000000-0000-0000-0000-000000000000"] {
        let path = format!("/admin/v1/admin_keys/{id}");
        node.get(&path).await.refused(404, "admin_key_not_found");
        node.delete(&path).await.refused(404, "admin_key_not_found");
    }
}

#[tokio::test]
async fn only_the_first_owner_makes_and_lists_owners() {
    let node = Node::start().await;
    let body = json!({"name": "Acme"});
    let made = node.post("/admin/v1/owners", &body).await.ok();
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(is_well_formed(&key));
    assert_eq!(
        made,
        json!({
            "success": true, "id": made["id"], "name": "Acme", "account": 2,
            "mask": made["mask"], "key": key,
        })
    );
    let second = node.with(&key);
    assert_eq!(second.get("/dashboard/status").await.ok()["dna"], ".2.");
    assert_eq!(second.get("/x-config").await.ok()["oid"], 2);
    let listed = node.get("/admin/v1/owners").await;
    assert_eq!(listed.header("x-total-count"), "2");
    assert_eq!(
        listed.ok()["items"],
        json!([{"name": "root", "account": 1}, {"name": "Acme", "account": 2}])
    );
    second
        .get("/admin/v1/owners")
        .await
        .refused(403, "first_owner_only");
    let refused = second
        .post("/admin/v1/owners", &json!({"name": "third"}))
        .await;
    refused.refused(403, "first_owner_only");
    // The first owner's owner-role admin keys are as good as its own.
    let admin = node.add_admin_key("owner").await;
    let third = json!({"name": "third", "key": "a-key-chosen-by-hand-0123456789"});
    node.with(&admin)
        .post("/admin/v1/owners", &third)
        .await
        .ok();
    let third = node.with("a-key-chosen-by-hand-0123456789");
    assert_eq!(third.get("/dashboard/status").await.ok()["name"], "third");
}

#[tokio::test]
async fn a_retried_owner_is_made_once() {
    let node = Node::start().await;
    let send = async |name: &str| {
        let request = node.request(Method::POST, "/admin/v1/owners");
        let request = request.header("idempotency-key", "once");
        answer(request.json(&json!({"name": name}))).await
    };
    let first = send("Acme").await.ok();
    let again = send("Acme").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let again = again.ok();
    assert_eq!(first["id"], again["id"]);
    assert!(again.get("key").is_none(), "{again}");
    send("Other").await.refused(422, "idempotency_mismatch");
    let dry = node
        .post("/admin/v1/owners?dry_run=1", &json!({"name": "dry"}))
        .await
        .ok();
    assert!(
        dry.get("key").is_none() && !dry["events"].to_string().contains("hash"),
        "{dry}"
    );
    let listed = node.get("/admin/v1/owners?size=1&page=2").await.ok();
    assert_eq!(listed["items"], json!([{"name": "Acme", "account": 2}]));
}

/// The record that makes an owner is the first of its history, and the last thing
/// that the first owner does in it.
#[tokio::test]
async fn a_new_owner_is_not_told_how_it_was_made() {
    let node = Node::start().await;
    let request = node
        .request(Method::POST, "/admin/v1/owners")
        .header("x-request-id", "for-the-merger")
        .header("x-foldgate-reason", "they-pay-well");
    let made = answer(request.json(&json!({"name": "second"}))).await;
    let revision = made.header("x-foldgate-revision").to_owned();
    let key = made.ok()["key"].as_str().unwrap().to_owned();
    let path = format!("/admin/v1/history/{revision}");
    let shown = node.with(&key).get(&path).await.ok();
    for field in ["address", "request_id", "reason"] {
        assert_eq!(shown[field], Value::Null, "{field}");
    }
    assert_eq!(shown["actor"], "system:first owner");
    // Whoever has the log finds the audit line by the request's id.
    let record = node.records().await.pop().unwrap();
    assert_eq!(record.request_id.as_deref(), Some("for-the-merger"));
    assert_eq!((record.address, record.reason), (None, None));
}

#[tokio::test]
async fn bad_owners_are_refused() {
    let node = Node::start().await;
    for (param, body) in [
        ("name", json!({})),
        ("name", json!({"name": " "})),
        ("name", json!({"name": "x".repeat(64)})),
        ("key", json!({"name": "acme", "key": "short"})),
        (
            "key",
            json!({"name": "acme", "key": crate::node::OWNER_KEY}),
        ),
        ("role", json!({"name": "acme", "role": "owner"})),
    ] {
        let refused = node.post("/admin/v1/owners", &body).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{body}");
    }
    node.post("/admin/v1/owners", &json!({"name": "ROOT"}))
        .await
        .refused(409, "owner_exists");
}
