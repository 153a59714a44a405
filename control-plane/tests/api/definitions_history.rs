//! What the history tells of models, and that it takes them back.

use serde_json::{Value, json};

use crate::definitions::{MODELS, NOBODY, direct, made, path, routing};
use crate::history_world::{OPENAI, indexed, pages};
use crate::node::Node;

/// The number of the newest record.
async fn head(node: &Node) -> u64 {
    node.log.head().await.unwrap().revision.0
}

/// How resources are named by id: `model/<uuid>`.
fn by_id(path: &str) -> String {
    format!("model/{}", path.rsplit('/').next().unwrap())
}

async fn found(node: &Node, query: &str) -> Vec<u64> {
    indexed(node).await;
    pages(node, &format!("&order=asc&{query}"), 1000).await
}

#[tokio::test]
async fn records_of_models_are_found_by_kind_number_and_id() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let before = head(&node).await;
    let fast = made(&node, &direct("fast")).await;
    let slow = made(&node, &direct("slow")).await;
    node.put(&fast, &direct("faster")).await.ok();
    node.delete(&slow).await.ok();
    let at = |offset: u64| before + offset;
    for (query, offsets) in [
        ("kind=ModelPut".to_owned(), vec![1, 2, 3]),
        ("kind=modelput".to_owned(), vec![1, 2, 3]),
        ("kind=ModelRemoved".to_owned(), vec![4]),
        ("kind=PutDefinition".to_owned(), vec![1, 2, 3]),
        ("kind=RemoveDefinition".to_owned(), vec![4]),
        ("kind=GuardrailPut".to_owned(), vec![]),
        ("resource=model".to_owned(), vec![1, 2, 3, 4]),
        ("resource=guardrail".to_owned(), vec![]),
        ("resource=model/1".to_owned(), vec![1, 3]),
        (format!("resource={}", by_id(&fast)), vec![1, 3]),
        (
            format!(
                "resource={}",
                by_id(&fast).to_uppercase().replace("MODEL", "model")
            ),
            vec![1, 3],
        ),
        // Also what is gone.
        (format!("resource={}", by_id(&slow)), vec![2, 4]),
        (format!("resource={}&kind=ModelPut", by_id(&slow)), vec![2]),
        (format!("resource=model/{NOBODY}"), vec![]),
        // An id is of one sort.
        (
            format!("resource={}", by_id(&fast).replace("model", "guardrail")),
            vec![],
        ),
    ] {
        let expected: Vec<u64> = offsets.into_iter().map(at).collect();
        assert_eq!(found(&node, &query).await, expected, "{query}");
    }
    let line = node.get("/admin/v1/history?limit=1&kind=ModelPut").await;
    let line = &line.ok()["items"][0];
    assert_eq!(line["command"], "PutDefinition");
    assert_eq!(line["kind"], "ModelPut");
    assert_eq!(line["resource"], "model/1");
    let one = node.get(&format!("/admin/v1/history/{}", at(3))).await.ok();
    let changes = json!([{
        "resource": "model/1", "field": "display_name", "before": "fast", "after": "faster",
    }]);
    assert_eq!(one["changes"], changes);
    for query in [
        "kind=ModelPut2",
        "resource=model/x",
        "resource=models",
        "resource=config/1",
    ] {
        let refused = node.get(&format!("/admin/v1/history?{query}")).await;
        refused.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn keys_are_found_by_id_under_either_name() {
    let node = Node::start().await;
    let number = node.add_key(1, OPENAI).await;
    let key = node.get(&format!("/x-keys/{number}")).await.ok();
    let key = key["keys"][0]["UUID"].as_str().unwrap().to_owned();
    let added = head(&node).await;
    let (account, _) = node.add_user("alice", &json!({})).await;
    let issued = head(&node).await;
    let keys = node.get(&format!("/x-users/{account}/keys")).await.ok();
    let caller = keys["keys"][0]["UUID"].as_str().unwrap().to_owned();
    node.delete(&format!("/x-keys/{number}")).await.ok();
    let removed = head(&node).await;
    for (resource, expected) in [
        (format!("key/{number}"), vec![added, removed]),
        (format!("provider_key/{number}"), vec![added, removed]),
        (format!("key/{key}"), vec![added, removed]),
        (format!("provider_key/{key}"), vec![added, removed]),
        ("provider_key".to_owned(), vec![added, removed]),
        (format!("caller_key/{caller}"), vec![issued]),
        (format!("api_key/{caller}"), vec![issued]),
        ("api_key/1".to_owned(), vec![issued]),
        ("api_key".to_owned(), vec![issued]),
        (format!("api_key/{key}"), vec![]),
    ] {
        let query = format!("resource={resource}");
        assert_eq!(found(&node, &query).await, expected, "{resource}");
    }
    // It comes back by its id.
    let back = format!("/admin/v1/state/restore?at={added}&resource=provider_key/{key}");
    let back = node.post(&back, &json!({})).await.ok();
    assert_eq!(back["resources"], json!([format!("key/{number}")]));
    node.get(&format!("/x-keys/{number}")).await.ok();
}

#[tokio::test]
async fn what_was_put_is_undone() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let fast = made(&node, &direct("fast")).await;
    let (first, entry) = (head(&node).await, node.get(&fast).await.ok());
    let mut more = direct("fast");
    more["retries"] = json!(3);
    node.put(&fast, &more).await.ok();
    let changed = head(&node).await;
    // Something else of it has changed since; only what the record did is undone.
    more["timeout"] = json!(1000);
    node.put(&fast, &more).await.ok();
    let undo = async |revision: u64| {
        let path = format!("/admin/v1/history/{revision}/undo");
        node.post(&path, &json!({})).await
    };
    let undone = undo(changed).await.ok();
    assert_eq!(undone["resources"], json!(["model/1"]));
    let read = node.get(&fast).await;
    let revision = undone["revision"].as_u64().unwrap();
    assert_eq!(read.header("etag"), format!("\"{revision}\""));
    let mut expected = direct("fast");
    expected["timeout"] = json!(1000);
    let id = &entry["id"];
    assert_eq!(
        read.ok(),
        json!({"id": id, "value": expected, "revision": revision})
    );

    // A removal, with its id; not while its name is another's.
    node.delete(&fast).await.ok();
    let removed = head(&node).await;
    let other = made(&node, &direct("FAST")).await;
    let error = undo(removed).await.refused(409, "does_not_fit");
    assert!(
        error["message"].as_str().unwrap().contains("taken"),
        "{error}"
    );
    node.delete(&other).await.ok();
    undo(removed).await.ok();
    assert_eq!(node.get(&fast).await.ok()["value"], expected);

    // Its making, unless something was built on it or refers to it.
    undo(first).await.refused(409, "built_upon");
    let third = made(&node, &direct("third")).await;
    let first = head(&node).await;
    let lead = made(&node, &routing("lead", "third")).await;
    let error = undo(first).await.refused(409, "referred");
    let refused = node.delete(&third).await.refused(409, "referred");
    assert_eq!(error["referrers"], refused["referrers"]);
    assert_eq!(
        (&error["referrers"][0]["name"], &error["referrer_count"]),
        (&json!("lead"), &json!(1))
    );
    node.delete(&lead).await.ok();
    let path = format!("/admin/v1/history/{first}/undo?dry_run=true");
    let dry = node.post(&path, &json!({})).await.ok();
    let told = format!("revision {first} would be undone: 1 resource removed");
    assert_eq!(dry["message"], told);
    let undone = undo(first).await.ok();
    let told = format!("revision {first} was undone: 1 resource removed");
    assert_eq!(undone["message"], told);
    let again = format!("/admin/v1/state/restore?at={first}&resource=model/3");
    let back = node.post(&again, &json!({})).await.ok();
    let told = format!("1 resource restored as of revision {first}");
    assert_eq!(back["message"], told);
    let at = first - 1;
    let away = format!("/admin/v1/state/restore?at={at}&resource=model/3");
    let away = node.post(&away, &json!({})).await.ok();
    let told = format!("1 resource removed as of revision {at}");
    assert_eq!(away["message"], told);
    node.get(&third).await.refused(404, "not_found");
}

#[tokio::test]
async fn one_model_is_restored_by_number_or_id() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let empty = head(&node).await;
    let (fast, slow) = (
        made(&node, &direct("fast")).await,
        made(&node, &direct("slow")).await,
    );
    let whole = head(&node).await;
    let entries = node.get(MODELS).await.ok();
    node.put(&fast, &direct("fast-2")).await.ok();
    node.put(&slow, &direct("slow-2")).await.ok();
    let restore = async |at: u64, resource: &str, more: &str| {
        let path = format!("/admin/v1/state/restore?at={at}&resource={resource}{more}");
        node.post(&path, &json!({})).await
    };
    let value = async |path: &str| node.get(path).await.ok()["value"].clone();
    let tried = restore(whole, &by_id(&fast), "&dry_run=true").await.ok();
    assert_eq!(tried["resources"], json!(["model/1"]));
    assert_eq!(value(&fast).await, direct("fast-2"));
    restore(whole, &by_id(&fast), "").await.ok();
    assert_eq!(value(&fast).await, direct("fast"));
    assert_eq!(value(&slow).await, direct("slow-2"), "only the one");
    restore(whole, "model/2", "").await.ok();
    assert_eq!(value(&slow).await, direct("slow"));
    // One that is gone comes back with its id, and one that was not yet there goes.
    node.delete(&fast).await.ok();
    restore(whole, &by_id(&fast), "").await.ok();
    assert_eq!(value(&fast).await, direct("fast"));
    restore(empty, &by_id(&slow), "").await.ok();
    node.get(&slow).await.refused(404, "not_found");
    restore(empty, &format!("model/{NOBODY}"), "")
        .await
        .refused(404, "revision_not_found");
    let refused = restore(whole, "model/x", "").await;
    assert_eq!(refused.refused(400, "invalid_field")["param"], "resource");
    // And all.
    let back = format!("/admin/v1/state/restore?at={whole}");
    node.post(&back, &json!({})).await.ok();
    let values = |list: &Value| -> Vec<Value> {
        let entries = list.as_array().unwrap().iter();
        entries
            .map(|entry| json!([entry["id"], entry["value"]]))
            .collect()
    };
    assert_eq!(values(&node.get(MODELS).await.ok()), values(&entries));
    let state = node.get("/admin/v1/state").await.ok();
    assert_eq!(
        state["models"][0]["id"],
        path(&entries[0]).rsplit('/').next().unwrap()
    );
}
