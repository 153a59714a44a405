//! Who may see what: roles, a second owner, accounts; the access journal and the
//! operation log.

use std::sync::Arc;

use foldgate_log::Reports;
use foldgate_proto::{Actor, AdminRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::history_world::{
    OPENAI, SECOND_KEY, account, admin_key, as_key, eventful, person, second_owner,
};
use crate::node::{Node, OWNER_KEY, SECRET, answer, embedded, eventually};

const READS: [&str; 7] = [
    "/admin/v1/history",
    "/admin/v1/history/1",
    "/admin/v1/state",
    "/admin/v1/state/diff?from=1",
    "/admin/v1/explain?model=gpt-4o",
    "/admin/v1/access_log",
    "/dashboard/logs",
];

const WRITES: [&str; 2] = ["/admin/v1/history/2/undo", "/admin/v1/state/restore?at=1"];

#[tokio::test]
async fn operators_and_auditors_read_and_only_owners_bring_back() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    for role in [AdminRole::Operator, AdminRole::Auditor] {
        let key = admin_key(&node, role).await;
        for path in READS {
            as_key(&node, &key, Method::GET, path, None).await.ok();
        }
        for path in WRITES {
            let refused = as_key(&node, &key, Method::POST, path, None).await;
            refused.refused(403, "role_not_allowed");
        }
    }
    let owner = admin_key(&node, AdminRole::Owner).await;
    for path in WRITES {
        let path = format!(
            "{path}{}dry_run=true",
            if path.contains('?') { '&' } else { '?' }
        );
        as_key(&node, &owner, Method::POST, &path, None).await.ok();
    }
    let root = node.replica.state().owner(node.owner).unwrap().account.0;
    account(
        &node,
        (Actor::owner("root"), root),
        "ann1",
        "sk-ann-key-0123456789",
    )
    .await;
    for path in READS.into_iter().chain(WRITES) {
        let method = if WRITES.contains(&path) {
            Method::POST
        } else {
            Method::GET
        };
        let answer = as_key(&node, "sk-ann-key-0123456789", method, path, None).await;
        if path == "/dashboard/logs" {
            answer.ok();
        } else {
            answer.refused(403, "owner_only");
        }
        let url = format!("{}{path}", node.base);
        let method = if WRITES.contains(&path) {
            Method::POST
        } else {
            Method::GET
        };
        let nobody = node.client.request(method, url);
        crate::node::answer(nobody)
            .await
            .refused(401, "missing_api_key");
    }
}

#[tokio::test]
async fn a_second_owner_sees_nothing_of_the_first() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    second_owner(&node).await;
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    let get = async |path: &str| as_key(&node, SECOND_KEY, Method::GET, path, None).await;
    let list = get("/admin/v1/history").await.ok();
    let lines: Vec<&Value> = list["items"].as_array().unwrap().iter().collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0]["revision"], &lines[0]["kind"]),
        (&json!(3), &json!("OwnerClaimed"))
    );
    for revision in [1, 2, 4] {
        let path = format!("/admin/v1/history/{revision}");
        get(&path).await.refused(404, "revision_not_found");
        let undo = format!("{path}/undo");
        let undo = as_key(&node, SECOND_KEY, Method::POST, &undo, None).await;
        undo.refused(404, "revision_not_found");
    }
    let state = get("/admin/v1/state?at=4").await.ok();
    assert_eq!(state["owner"]["name"], "second");
    assert_eq!(state["keys"], json!([]));
    assert_eq!(state["config"], json!({}));
    let mine = node.get("/admin/v1/state?at=4").await.ok();
    assert_eq!(
        state["state_hash"], mine["state_hash"],
        "of the whole, as the fleet has it"
    );
    assert_eq!(get("/dashboard/logs").await.ok()["total"], 1);
    let cursor = node.get("/admin/v1/history?limit=1").await.ok()["next_cursor"].clone();
    let stolen = format!(
        "/admin/v1/history?limit=1&cursor={}",
        cursor.as_str().unwrap()
    );
    get(&stolen).await.refused(400, "invalid_field");
}

/// The access log, once it has so many entries.
async fn entries(node: &Node, key: &str, count: usize) -> Vec<Value> {
    eventually("the access log is written", async || {
        let log = as_key(
            node,
            key,
            Method::GET,
            "/admin/v1/access_log?limit=1000",
            None,
        )
        .await;
        let items = log.ok()["items"].as_array().unwrap().clone();
        assert!(items.len() <= count, "{items:?}");
        (items.len() == count).then_some(items)
    })
    .await
}

#[tokio::test]
async fn refusals_are_kept_over_a_restart_and_hold_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let data = Arc::new(tempfile::tempdir().unwrap());
    let log = embedded(dir.path()).await;
    let start = async || Node::over(log.clone(), Reports::local(), data.clone()).await;
    let node = start().await;
    let wrong = "sk-wrong-key-0123456789-abcdef";
    as_key(&node, wrong, Method::GET, "/x-keys", None)
        .await
        .refused(401, "invalid_api_key");
    let odd = json!({"SecretKey": SECRET, "Level": 1, "Provider": OPENAI, "Odd": 1});
    let request = node
        .request(Method::POST, "/x-keys")
        .header("x-request-id", "odd-1");
    answer(request.json(&odd))
        .await
        .refused(400, "invalid_field");
    // Reads that find nothing, and writes that are done, are no refusals.
    node.get("/x-keys/99").await.refused(404, "key_not_found");
    node.add_key(1, OPENAI).await;
    let path = format!("/x-keys/{SECRET}");
    let named = node.delete(&path).await;
    assert!(named.status.is_client_error());
    let items = entries(&node, OWNER_KEY, 3).await;
    let seen: Vec<(&Value, &Value, &Value)> = items
        .iter()
        .map(|item| (&item["status"], &item["actor"], &item["method"]))
        .collect();
    assert_eq!(seen[2], (&json!(401), &Value::Null, &json!("GET")));
    assert_eq!(seen[1], (&json!(400), &json!("owner:root"), &json!("POST")));
    assert_eq!(items[1]["code"], "invalid_field");
    assert_eq!(items[1]["request_id"], "odd-1");
    assert_eq!(items[1]["address"], "127.0.0.1");
    assert_eq!(items[1]["path"], "/x-keys");
    assert!(items.iter().all(|item| item["node"] == "control-1"));
    let whole = node.get("/admin/v1/access_log").await.ok();
    assert_eq!(whole["node"], "control-1", "each node keeps its own");
    let text = json!(items).to_string();
    for secret in [SECRET, wrong, OWNER_KEY] {
        assert!(!text.contains(secret), "{text}");
    }
    node.stop().await;
    drop(node);
    let node = start().await;
    assert_eq!(entries(&node, OWNER_KEY, 3).await, items);
    // Page by page it is the same.
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = node
            .get(&format!("/admin/v1/access_log?limit=1{cursor}"))
            .await
            .ok();
        paged.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, items);
}

#[tokio::test]
async fn strangers_are_shown_to_the_first_owner_only() {
    let node = Node::start().await;
    second_owner(&node).await;
    as_key(
        &node,
        "sk-nobody-0123456789abcdef",
        Method::GET,
        "/x-keys",
        None,
    )
    .await;
    let odd = json!({"odd": 1});
    as_key(&node, SECOND_KEY, Method::POST, "/x-news", Some(&odd)).await;
    node.post("/x-news", &odd).await;
    let first = entries(&node, OWNER_KEY, 2).await;
    assert_eq!(first[0]["actor"], "owner:root");
    assert_eq!(first[1]["actor"], Value::Null);
    let second = entries(&node, SECOND_KEY, 1).await;
    assert_eq!(second[0]["actor"], "owner:second");
}

#[tokio::test]
async fn the_operation_log_shows_an_account_what_concerns_it() {
    let node = Node::start().await;
    eventful(&node).await;
    let all = node.get("/dashboard/logs?size=100").await.ok();
    let logs = all["logs"].as_array().unwrap();
    assert_eq!(all["total"], logs.len());
    assert_eq!(all["has_more"], false);
    let total = logs.len();
    let page = node.get("/dashboard/logs?page=2&size=5").await.ok();
    assert_eq!(page["logs"].as_array().unwrap()[..], logs[5..10]);
    assert_eq!((&page["page"], &page["size"]), (&json!(2), &json!(5)));
    assert_eq!(
        (&page["total"], &page["has_more"]),
        (&json!(total), &json!(true))
    );

    let users = node.get("/dashboard/logs?action=add_user").await.ok();
    let added: Vec<(&Value, &Value)> = users["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| (&log["operator_id"], &log["target_id"]))
        .collect();
    let ids = |name: &str| {
        let state = node.replica.state();
        let owner = state.owner(node.owner).unwrap();
        owner
            .account_named(name)
            .map_or(owner.account.0, |account| account.number.0)
    };
    let (root, ann, bob) = (json!(ids("root")), json!(ids("ann1")), json!(ids("bob1")));
    assert_eq!(added, [(&ann, &bob), (&root, &ann)]);

    let of = async |key: &str, query: &str| {
        let path = format!("/dashboard/logs?size=100{query}");
        let page = as_key(&node, key, Method::GET, &path, None).await.ok();
        let logs = page["logs"].as_array().unwrap().clone();
        logs.iter()
            .map(|log| log["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let ann_key = "sk-ann-key-0123456789";
    assert_eq!(
        of(ann_key, "").await,
        ["issue_caller_key", "add_user", "add_user"]
    );
    assert_eq!(
        of(ann_key, &format!("&target_id={ann}")).await,
        ["add_user"]
    );
    assert_eq!(of(ann_key, "&action=add_key").await, [""; 0]);
    let bob_key = "sk-bob-key-0123456789";
    assert_eq!(of(bob_key, "").await, ["issue_caller_key", "add_user"]);
    for (status, told) in [("failed", "/admin/v1/access_log"), ("odd", "success")] {
        let path = format!("/dashboard/logs?status={status}");
        let refused = as_key(&node, bob_key, Method::GET, &path, None).await;
        let refused = refused.refused(400, "invalid_field");
        assert_eq!(refused["param"], "status");
        assert!(
            refused["message"].as_str().unwrap().contains(told),
            "{refused}"
        );
    }
    for (query, param) in [
        ("size=101", "size"),
        ("page=0", "page"),
        ("page=9999", "page"),
        ("action=Add", "action"),
        ("target_id=x", "target_id"),
        ("status=odd", "status"),
        ("limit=1", "limit"),
    ] {
        let error = node.get(&format!("/dashboard/logs?{query}")).await;
        assert_eq!(
            error.refused(400, "invalid_field")["param"],
            param,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_brother_s_changes_are_not_told() {
    let node = Node::start().await;
    let root = node.replica.state().owner(node.owner).unwrap().account.0;
    let owner = || Actor::owner("root");
    let ann = account(&node, (owner(), root), "ann1", "sk-ann-key-0123456789").await;
    account(&node, (owner(), root), "eve1", "sk-eve-key-0123456789").await;
    account(
        &node,
        (person("ann1"), ann),
        "bob1",
        "sk-bob-key-0123456789",
    )
    .await;
    let state = node.replica.revision().0;
    // A restore touches both sides of the tree at once.
    node.post("/admin/v1/state/restore?at=1", &json!({}))
        .await
        .ok();
    node.post(&format!("/admin/v1/state/restore?at={state}"), &json!({}))
        .await
        .ok();
    let page = as_key(
        &node,
        "sk-eve-key-0123456789",
        Method::GET,
        "/dashboard/logs",
        None,
    );
    let page = page.await.ok();
    let text = page.to_string();
    assert!(page["total"].as_u64().unwrap() >= 2, "{text}");
    assert!(!text.contains(&format!("account/{ann}")), "{text}");
    let mut logs = page["logs"].as_array().unwrap().iter();
    assert!(logs.all(|log| log["target_id"] != json!(ann)), "{text}");
}

#[tokio::test]
async fn a_damaged_access_log_is_set_aside_and_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let data = Arc::new(tempfile::tempdir().unwrap());
    let log = embedded(dir.path()).await;
    let start = async || Node::over(log.clone(), Reports::local(), data.clone()).await;
    let node = start().await;
    node.post("/x-news", &json!({})).await;
    entries(&node, OWNER_KEY, 1).await;
    node.stop().await;
    drop(node);
    let folder = data.path().join("access_log");
    for name in ["db", "conf"] {
        let file = folder.join(name);
        let length = std::fs::metadata(&file).unwrap().len();
        std::fs::write(&file, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
    }
    let node = start().await;
    node.post("/x-news", &json!({})).await;
    entries(&node, OWNER_KEY, 1).await;
    assert!(data.path().join("access_log.damaged").is_dir());
}
