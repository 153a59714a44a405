//! `/admin/v1/models`, and so every kind of definition: made, read, replaced and
//! removed, with all that writes take and answer.

use foldgate_domain::definition::KINDS;
use reqwest::Method;
use serde_json::{Value, json};

use crate::node::{Answer, Node, answer};

pub(crate) const MODELS: &str = "/admin/v1/models";

/// The id of no entry.
pub(crate) const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A direct model to the pool of Level 1.
pub(crate) fn direct(name: &str) -> Value {
    json!({"display_name": name, "model_name": "gpt-4o", "level": 1})
}

/// A model that leads to another.
pub(crate) fn routing(name: &str, target: &str) -> Value {
    json!({"display_name": name, "routing": {"targets": [{"model": target}]}})
}

/// Makes a model; gives the path of its entry.
pub(crate) async fn made(node: &Node, body: &Value) -> String {
    let entry = node.post(MODELS, body).await.ok();
    path(&entry)
}

/// The path of an entry.
#[track_caller]
pub(crate) fn path(entry: &Value) -> String {
    format!("{MODELS}/{}", entry["id"].as_str().expect("an id"))
}

fn etag(answer: &Answer) -> String {
    answer.header("etag").to_owned()
}

#[tokio::test]
async fn an_entry_is_made_read_replaced_and_removed() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let before = node.records().await.len() as u64;
    let created = node.post(MODELS, &direct("fast")).await;
    assert_eq!(
        created.header("x-foldgate-revision"),
        (before + 1).to_string()
    );
    let (tag, entry) = (etag(&created), created.ok());
    assert_eq!(
        entry,
        json!({"id": entry["id"], "value": direct("fast"), "revision": before + 1})
    );
    assert_eq!(tag, format!("\"{}\"", before + 1));
    let path = path(&entry);
    let read = node.get(&path).await;
    assert_eq!(etag(&read), tag);
    assert_eq!(read.ok(), entry);
    let (listed, with_slash) = (
        node.get(MODELS).await,
        node.get(&format!("{MODELS}/")).await,
    );
    assert_eq!(listed.header("x-total-count"), "1");
    assert_eq!(listed.header("content-type"), "application/json");
    assert_eq!(listed.ok(), json!([entry]));
    assert_eq!(with_slash.ok(), json!([entry]));

    // All of it is replaced: what is left out is gone.
    let mut more = direct("fast");
    more["retries"] = json!(2);
    node.put(&path, &more).await.ok();
    let replaced = node.put(&path, &direct("Fast")).await;
    let (tag, replaced) = (etag(&replaced), replaced.ok());
    assert_eq!(
        replaced,
        json!({"id": entry["id"], "value": direct("Fast"), "revision": before + 3})
    );
    let read = node.get(&path).await;
    assert_eq!(etag(&read), tag);
    assert_eq!(read.ok(), replaced);
    // What is so already is not written.
    let again = node.put(&path, &direct("Fast")).await;
    assert!(!again.headers.contains_key("x-foldgate-record"));
    assert_eq!(again.ok(), replaced);
    assert_eq!(node.records().await.len() as u64, before + 3);

    let removed = node.delete(&path).await;
    assert!(!removed.headers.contains_key("etag"));
    assert_eq!(removed.ok(), json!({"deleted": true, "id": entry["id"]}));
    node.get(&path).await.refused(404, "not_found");
    assert_eq!(node.get(MODELS).await.ok(), json!([]));
    // An id is never given again.
    let other = node.post(MODELS, &direct("fast")).await.ok();
    assert_ne!(other["id"], entry["id"]);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let node = Node::start().await;
    let made = async |all: &str, body: &Value| {
        let entry = node.post(all, body).await.ok();
        format!("{all}/{}", entry["id"].as_str().expect("an id"))
    };
    let key =
        json!({"display_name": "k", "provider": "openai", "api_key": "sk-0123456789abcdefghij"});
    let paths = [
        made(MODELS, &direct("fast")).await,
        made("/admin/v1/provider_keys", &key).await,
        made("/admin/v1/api_keys", &json!({"allowed_models": ["a"]})).await,
    ];
    for path in &paths {
        let shown = node.get(path).await;
        let tag = etag(&shown);
        let ask = async |given: &str| {
            let request = node.request(Method::GET, path);
            answer(request.header("if-none-match", given)).await
        };
        for given in [&tag, "*", &format!("W/{tag}"), &format!("\"1\", {tag}")] {
            let answer = ask(given).await;
            assert_eq!(answer.status.as_u16(), 304, "{path} {given}");
            assert_eq!(etag(&answer), tag);
        }
        for given in ["\"1\"", "x", ""] {
            assert_eq!(ask(given).await.ok(), shown.body, "{path} {given}");
        }
        let value = &shown.body["value"];
        let mut other = value.clone();
        other["display_name"] = json!("another");
        node.put(path, &other).await.ok();
        let changed = ask(&tag).await;
        assert_ne!(etag(&changed), tag);
        assert_eq!(changed.ok()["value"]["display_name"], "another");
    }
}

#[tokio::test]
async fn writes_only_count_while_the_entry_is_as_the_client_saw_it() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let path = made(&node, &direct("fast")).await;
    let seen = etag(&node.get(&path).await);
    let put = async |tag: &str, name: &str| {
        let request = node.request(Method::PUT, &path).header("if-match", tag);
        answer(request.json(&direct(name))).await
    };
    let changed = put(&seen, "fast-2").await;
    let now = etag(&changed);
    changed.ok();
    let stale = put(&seen, "fast-3").await.refused(412, "stale");
    let message = stale["message"].as_str().unwrap();
    assert!(
        message.starts_with("this model is not as you saw it"),
        "{message}"
    );
    assert_eq!(stale["param"], "If-Match");
    put("*", "fast-4").await.ok();
    let remove = async |tag: &str| {
        let request = node.request(Method::DELETE, &path).header("if-match", tag);
        answer(request).await
    };
    remove(&now).await.refused(412, "stale");
    let now = etag(&node.get(&path).await);
    remove(&now).await.ok();
    // Nothing is there that a new entry could be compared with.
    let request = node.request(Method::POST, MODELS).header("if-match", "*");
    let refused = answer(request.json(&direct("new"))).await;
    assert_eq!(refused.refused(400, "invalid_field")["param"], "If-Match");
}

#[tokio::test]
async fn a_dry_run_tells_and_writes_nothing() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let path = made(&node, &direct("fast")).await;
    let before = node.records().await.len();
    let entry = node.get(&path).await.ok();
    let query = format!("{MODELS}?dry_run=true");
    let made = node.post(&query, &direct("new")).await.ok();
    assert_eq!(made["dry_run"], true);
    assert_eq!(made["value"], direct("new"));
    assert_eq!(made["changes"]["before"], Value::Null);
    assert_eq!(made["changes"]["after"]["value"], direct("new"));
    assert_eq!(made["events"][0]["ModelPut"]["value"], direct("new"));
    let query = format!("{path}?dry_run=true");
    let put = node.put(&query, &direct("slow")).await.ok();
    assert_eq!(put["changes"]["before"], entry);
    assert_eq!(put["changes"]["after"]["value"], direct("slow"));
    let gone = node.delete(&query).await.ok();
    assert_eq!(gone["deleted"], false);
    assert_eq!(gone["changes"], json!({"before": entry, "after": null}));
    assert!(gone["events"][0]["ModelRemoved"].is_object(), "{gone}");
    assert_eq!(node.records().await.len(), before);
    assert_eq!(node.get(MODELS).await.ok(), json!([entry]));
}

#[tokio::test]
async fn a_retry_is_answered_as_the_first_time() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let send = async |key: &str, method: Method, path: &str, body: &Value| {
        let request = node.request(method, path).header("idempotency-key", key);
        answer(request.json(body)).await
    };
    let first = send("a", Method::POST, MODELS, &direct("fast")).await;
    let again = send("a", Method::POST, MODELS, &direct("fast")).await;
    for name in ["x-foldgate-record", "x-foldgate-revision", "etag"] {
        assert_eq!(first.header(name), again.header(name));
    }
    assert_eq!(again.header("idempotency-replayed"), "true");
    let entry = first.ok();
    assert_eq!(again.ok(), entry);
    send("a", Method::POST, MODELS, &direct("other"))
        .await
        .refused(422, "idempotency_mismatch");
    let path = path(&entry);
    send("b", Method::PUT, &path, &direct("slow")).await.ok();
    let written = node.records().await.len();
    let again = send("b", Method::PUT, &path, &direct("slow")).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    // Of what others have written since, it has their ETag: greater than its own revision.
    let (etag, own) = (
        again.header("etag").to_owned(),
        again.header("x-foldgate-revision").to_owned(),
    );
    assert_eq!(etag, format!("\"{own}\""));
    let theirs = node.put(&path, &direct("theirs")).await;
    let again = send("b", Method::PUT, &path, &direct("slow")).await;
    assert_eq!(again.header("x-foldgate-revision"), own);
    assert_eq!(again.header("etag"), theirs.header("etag"));
    assert_eq!(again.ok(), theirs.ok());
    let written = written + 1;
    send("c", Method::DELETE, &path, &json!({})).await.ok();
    let again = send("c", Method::DELETE, &path, &json!({})).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok(), json!({"deleted": true, "id": entry["id"]}));
    assert_eq!(node.records().await.len(), written + 1);
    // What it made is gone since, and is not made again.
    send("a", Method::POST, MODELS, &direct("fast"))
        .await
        .refused(404, "gone");
}

#[tokio::test]
async fn warnings_stand_beside_the_entry() {
    let node = Node::start().await;
    let mut limited = direct("fast");
    limited["provider"] = json!("acme");
    let entry = node.post(MODELS, &limited).await.ok();
    let warnings = entry["warnings"].to_string();
    assert!(warnings.contains("provider is stored"), "{warnings}");
    assert!(
        warnings.contains("Level 1"),
        "no key stands there: {warnings}"
    );
    let read = node.get(&path(&entry)).await.ok();
    assert!(read.get("warnings").is_none(), "{read}");
    node.add_key(1, "https://api.openai.com").await;
    let quiet = node.put(&path(&entry), &direct("fast")).await.ok();
    assert!(quiet.get("warnings").is_none(), "{quiet}");
}

#[tokio::test]
async fn a_write_keeps_its_reason_and_may_wait_for_the_fleet() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let request = node.request(Method::POST, &format!("{MODELS}?wait=fleet"));
    let request = request.header("x-foldgate-reason", "a cheaper one");
    let entry = answer(request.json(&direct("fast"))).await.ok();
    assert_eq!(entry["fleet"]["revision"], entry["revision"], "{entry}");
    let record = node.records().await.pop().unwrap();
    assert_eq!(record.reason.as_deref(), Some("a cheaper one"));
    assert_eq!(record.command, "PutDefinition");
    // Reads wait for a revision, where they are asked to.
    let wanted = entry["revision"].as_u64().unwrap();
    let read = async |revision: u64| {
        let request = node.request(Method::GET, MODELS);
        answer(request.header("x-foldgate-min-revision", revision.to_string())).await
    };
    read(wanted).await.ok();
}

#[tokio::test]
async fn every_kind_has_its_routes_and_they_are_its_own() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let model = node.post(MODELS, &direct("fast")).await.ok();
    for line in KINDS {
        let all = format!("/admin/v1/{}", line.kind.plural());
        let listed = node.get(&all).await.ok();
        let is_models = all == MODELS;
        assert_eq!(listed, if is_models { json!([model]) } else { json!([]) });
        let of_another = format!("{all}/{}", model["id"].as_str().unwrap());
        let read = node.get(&of_another).await.status.as_u16();
        assert_eq!(read, if is_models { 200 } else { 404 }, "{all}");
        node.get(&format!("{all}/{NOBODY}"))
            .await
            .refused(404, "not_found");
        let no_method = answer(node.request(Method::PATCH, &all)).await;
        assert_eq!(no_method.header("allow"), "GET,HEAD,POST");
        no_method.refused(405, "method_not_allowed");
        let one = answer(node.request(Method::POST, &format!("{all}/{NOBODY}"))).await;
        assert_eq!(one.header("allow"), "GET,HEAD,PUT,DELETE");
    }
}

#[tokio::test]
async fn operators_write_models_and_auditors_read_them() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let operator = node.add_admin_key("operator").await;
    let auditor = node.add_admin_key("auditor").await;
    let (_, account) = node.add_user("alice", &json!({})).await;
    let (operator, auditor) = (node.with(&operator), node.with(&auditor));
    let entry = operator.post(MODELS, &direct("fast")).await.ok();
    let path = path(&entry);
    operator.put(&path, &direct("slow")).await.ok();
    assert_eq!(auditor.get(&path).await.ok()["value"], direct("slow"));
    assert_eq!(auditor.get(MODELS).await.ok()[0]["value"], direct("slow"));
    for answer in [
        auditor.post(MODELS, &direct("new")).await,
        auditor.put(&path, &direct("new")).await,
        auditor.delete(&path).await,
    ] {
        answer.refused(403, "role_not_allowed");
    }
    let account = node.with(&account);
    account.get(MODELS).await.refused(403, "owner_only");
    account.get(&path).await.refused(403, "owner_only");
    operator.delete(&path).await.ok();
}
