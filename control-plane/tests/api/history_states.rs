//! `GET /admin/v1/state` and its diff, undo and restore.

use foldgate_proto::Revision;
use reqwest::Method;
use serde_json::{Value, json};

use crate::history_world::{OPENAI, SECOND_KEY, all_of, as_key, eventful, indexed, second_owner};
use crate::node::{Node, SECRET, answer};

async fn config(node: &Node) -> Value {
    node.get("/x-config").await.ok()["configs"].clone()
}

async fn head(node: &Node) -> u64 {
    node.log.head().await.unwrap().revision.0
}

fn resources(answer: &Value) -> Vec<&str> {
    let all = answer["resources"].as_array().unwrap().iter();
    all.map(|resource| resource.as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_state_at_each_revision_is_the_fold_of_so_many_records() {
    let node = Node::start().await;
    eventful(&node).await;
    let (told, states) = all_of(&node, node.owner).await;
    for (revision, state) in states.iter().enumerate().skip(1) {
        let shown = node
            .get(&format!("/admin/v1/state?at={revision}"))
            .await
            .ok();
        assert_eq!(shown["revision"], revision);
        assert_eq!(shown["state_hash"], state.hash().unwrap().to_string());
        let owner = state.owner(node.owner).unwrap();
        let counts = [
            ("keys", owner.keys.len()),
            ("news", owner.news.len()),
            ("accounts", owner.accounts.len()),
            ("caller_keys", owner.caller_keys.len()),
            ("admin_keys", owner.admin_keys.len()),
        ];
        for (name, count) in counts {
            assert_eq!(
                shown[name].as_array().unwrap().len(),
                count,
                "{revision} {name}"
            );
        }
        assert_eq!(shown["owner"]["name"], "root");
    }
    let now = node.get("/admin/v1/state").await.ok();
    assert_eq!(now["revision"], states.len() - 1);
    let told = &told[told.len() / 2];
    let by_time = format!("/admin/v1/state?at={}", told.record.at);
    let by_time = node.get(&by_time).await.ok();
    let mut last_then = states
        .iter()
        .skip(1)
        .filter(|state| state.at <= told.record.at);
    assert_eq!(
        by_time["revision"],
        last_then.next_back().unwrap().revision.0
    );
}

#[tokio::test]
async fn before_the_beginning_and_beyond_the_head_is_no_state() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    for (at, says) in [
        ("0", "begins at revision 1"),
        ("2001-01-01T00:00:00Z", "begins at revision 1"),
        ("3", "the head, which is 2"),
    ] {
        let error = node.get(&format!("/admin/v1/state?at={at}")).await;
        let error = error.refused(404, "revision_not_found");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(error["param"], "at");
    }
    second_owner(&node).await;
    let early = as_key(&node, SECOND_KEY, Method::GET, "/admin/v1/state?at=2", None).await;
    let error = early.refused(404, "revision_not_found");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("begins at revision 3"),
        "{error}"
    );
}

#[tokio::test]
async fn a_diff_tells_the_fields_between_two_states() {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9").await;
    node.put("/x-keys/1", &json!({"Name": "first"})).await.ok();
    node.put("/x-keys/1", &json!({"Name": "second"})).await.ok();
    let diff = node.get("/admin/v1/state/diff?from=3&to=4").await.ok();
    let expected = json!([
        {"resource": "key/1", "field": "name", "before": "first", "after": "second"}
    ]);
    assert_eq!(diff["changes"], expected);
    assert_eq!((&diff["from"], &diff["to"]), (&json!(3), &json!(4)));
    let back = node.get("/admin/v1/state/diff?from=4&to=3").await.ok();
    assert_eq!(back["changes"][0]["after"], "first");
    let same = node.get("/admin/v1/state/diff?from=4").await.ok();
    assert_eq!(same["changes"], json!([]));
    let error = node
        .get("/admin/v1/state/diff?to=3")
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "from");
}

#[tokio::test]
async fn an_undone_record_leaves_what_was_and_stands_in_the_history() {
    let node = Node::start().await;
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    let before = config(&node).await;
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=c"}))
        .await
        .ok();

    let dry = node
        .post("/admin/v1/history/3/undo?dry_run=true", &json!({}))
        .await
        .ok();
    assert_eq!(head(&node).await, 3, "a dry run writes nothing");
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["changes"][0]["resource"], "config");
    assert_eq!(dry["changes"][0]["after"], json!({"a": "b"}));
    assert_eq!(dry["events"][0]["RecordUndone"]["revision"], 3);
    assert!(
        dry["message"].as_str().unwrap().contains("would be undone"),
        "{dry}"
    );

    let undone = node.post("/admin/v1/history/3/undo", &json!({})).await.ok();
    assert_eq!(
        (&undone["undid"], &undone["revision"]),
        (&json!(3), &json!(4))
    );
    assert_eq!(resources(&undone), ["config"]);
    assert!(
        undone["message"].as_str().unwrap().contains("1 resource"),
        "{undone}"
    );
    assert_eq!(config(&node).await, before);
    let line = node.get("/admin/v1/history/4").await.ok();
    assert_eq!(
        (&line["kind"], &line["undid"]),
        (&json!("RecordUndone"), &json!(3))
    );

    let again = node.post("/admin/v1/history/4/undo", &json!({})).await;
    let error = again.refused(409, "undo_of_undo");
    assert!(
        error["message"].as_str().unwrap().contains("at=3"),
        "{error}"
    );
    let first = node.post("/admin/v1/history/1/undo", &json!({})).await;
    first.refused(409, "not_undoable");
    let twice = node.post("/admin/v1/history/3/undo", &json!({})).await.ok();
    assert!(
        twice["message"]
            .as_str()
            .unwrap()
            .starts_with("nothing is left"),
        "{twice}"
    );
    assert_eq!(head(&node).await, 4);
}

#[tokio::test]
async fn what_was_built_upon_is_not_undone() {
    let node = Node::start().await;
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=c"}))
        .await
        .ok();
    let refused = node.post("/admin/v1/history/2/undo", &json!({})).await;
    let error = refused.refused(409, "built_upon");
    assert!(
        error["message"].as_str().unwrap().contains("config"),
        "{error}"
    );
    let dry = node
        .post("/admin/v1/history/2/undo?dry_run=true", &json!({}))
        .await;
    dry.refused(409, "built_upon");
    assert_eq!(head(&node).await, 3);
}

#[tokio::test]
async fn a_restore_brings_back_one_resource_or_all() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    node.add_key(2, OPENAI).await;
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    let (keys, configs) = (node.get("/x-keys").await.ok(), config(&node).await);
    node.delete("/x-keys/1").await.ok();
    node.delete("/x-keys/2").await.ok();
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=x"}))
        .await
        .ok();

    let path = "/admin/v1/state/restore?at=4&resource=key/1";
    let dry = node
        .post(&format!("{path}&dry_run=true"), &json!({}))
        .await
        .ok();
    assert_eq!(head(&node).await, 7, "a dry run writes nothing");
    assert_eq!(resources(&dry), ["key/1"]);
    assert!(
        dry["changes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["resource"] == "key/1")
    );
    assert!(!dry.to_string().contains(SECRET));
    assert!(dry.get("revision").is_none(), "{dry}");

    let one = node.post(path, &json!({})).await.ok();
    assert!(
        one["message"]
            .as_str()
            .unwrap()
            .starts_with("1 resource restored"),
        "{one}"
    );
    let back = node.get("/x-keys").await.ok();
    assert_eq!(back["keys"].as_array().unwrap().len(), 1);

    let all = node
        .post("/admin/v1/state/restore?at=4", &json!({}))
        .await
        .ok();
    assert_eq!(resources(&all), ["config", "key/2"], "{all}");
    assert_eq!(node.get("/x-keys").await.ok()["keys"], keys["keys"]);
    assert_eq!(config(&node).await, configs);
    let line = node
        .get(&format!("/admin/v1/history/{}", all["revision"]))
        .await
        .ok();
    assert_eq!(
        (&line["kind"], &line["restored"]),
        (&json!("StateRestored"), &json!(4))
    );

    let nothing = node
        .post("/admin/v1/state/restore?at=4", &json!({}))
        .await
        .ok();
    assert!(
        nothing["message"]
            .as_str()
            .unwrap()
            .starts_with("nothing to restore"),
        "{nothing}"
    );
    assert_eq!(head(&node).await, 9);
    // A restore is undone as any other record is.
    let revision = all["revision"].as_u64().unwrap();
    let undo = format!("/admin/v1/history/{revision}/undo");
    node.post(&undo, &json!({})).await.ok();
    assert_eq!(node.get("/x-keys").await.ok()["keys"], back["keys"]);
}

#[tokio::test]
async fn a_restored_state_differs_only_in_its_stamps() {
    let node = Node::start().await;
    eventful(&node).await;
    let at = head(&node).await;
    let keys = node.get("/x-keys").await.ok();
    for key in keys["keys"].as_array().unwrap() {
        node.delete(&format!("/x-keys/{}", key["ID"])).await.ok();
    }
    node.delete_with(
        "/x-config",
        &json!({"keys": ["MODEL_MAPPER", "LEVEL_MAPPER"]}),
    )
    .await
    .ok();
    node.post(&format!("/admin/v1/state/restore?at={at}"), &json!({}))
        .await
        .ok();
    indexed(&node).await;
    let diff = node
        .get(&format!("/admin/v1/state/diff?from={at}"))
        .await
        .ok();
    assert_eq!(diff["changes"], json!([]));
}

#[tokio::test]
async fn a_retry_is_answered_as_the_first_time_and_writes_nothing() {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9").await;
    node.put("/x-keys/1", &json!({"Name": "new"})).await.ok();
    let send = async |path: &str| {
        let request = node
            .request(Method::POST, path)
            .header("idempotency-key", "again");
        answer(request).await
    };
    let first = send("/admin/v1/history/3/undo").await;
    let again = send("/admin/v1/history/3/undo").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.ok()["revision"], again.ok()["revision"]);
    send("/admin/v1/state/restore?at=2")
        .await
        .refused(422, "idempotency_mismatch");
    assert_eq!(head(&node).await, 4);
}

#[tokio::test]
async fn if_match_fields_and_bad_places_are_refused_with_what_to_do() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    for path in ["/admin/v1/history/2/undo", "/admin/v1/state/restore?at=1"] {
        let request = node.request(Method::POST, path).header("if-match", "\"2\"");
        let error = answer(request).await.refused(400, "invalid_field");
        assert_eq!(error["param"], "If-Match", "{path}");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("send it without"),
            "{error}"
        );
        let error = node
            .post(path, &json!({"at": 1}))
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], "at", "{path}");
    }
    for (query, param) in [
        ("", "at"),
        ("?at=x", "at"),
        ("?at=1&resource=key", "resource"),
    ] {
        let path = format!("/admin/v1/state/restore{query}");
        let error = node
            .post(&path, &json!({}))
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{query}");
    }
    let beyond = node.post("/admin/v1/state/restore?at=9", &json!({})).await;
    beyond.refused(404, "revision_not_found");
    let stranger = node.post("/admin/v1/history/9/undo", &json!({})).await;
    stranger.refused(404, "revision_not_found");
    assert_eq!(node.replica.revision(), Revision(2));
}

#[tokio::test]
async fn what_never_stood_cannot_be_restored() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    for resource in ["account/99999", "key/2", "news/1", "caller_key/7"] {
        let path = format!("/admin/v1/state/restore?at=1&resource={resource}");
        let error = node.post(&path, &json!({})).await;
        let error = error.refused(404, "revision_not_found");
        assert_eq!(error["param"], "resource");
    }
    let path = "/admin/v1/state/restore?at=2&resource=key/1";
    node.post(path, &json!({})).await.ok();
    assert_eq!(head(&node).await, 2, "it stands as it stood");
    // A retry is answered, though what it took away no longer stands.
    let path = "/admin/v1/state/restore?at=1&resource=key/1";
    for replayed in [false, true] {
        let request = node
            .request(Method::POST, path)
            .header("idempotency-key", "once");
        let taken = answer(request).await;
        assert_eq!(taken.headers.contains_key("idempotency-replayed"), replayed);
        taken.ok();
    }
}
