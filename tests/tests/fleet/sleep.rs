//! A key that one node puts to sleep sleeps everywhere.

use std::time::Duration;

use foldgate_tests::admin::list;
use foldgate_tests::fleet::row;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{FakeUpstream, Fleet, Reply, eventually};
use serde_json::json;

use super::{CHAT, chat, must_chat};

#[tokio::test]
async fn one_nodes_failure_is_seen_by_all_and_respected() {
    let fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    let admin = fleet.admin();
    let key = admin.serve_all(&upstream.url()).await;
    let revision = admin.get("/x-keys").await.revision();
    fleet.folded(revision).await;
    upstream.always(Reply::rate_limited(Hint::Seconds(300)));
    fleet.nodes[0]
        .proxy()
        .post(CHAT, &chat("m"))
        .await
        .error(429);
    assert_eq!(upstream.count(), 1);
    for control in &fleet.controls {
        let entry = control.admin().sleeping(key, SOON).await;
        assert_eq!(entry["Cause"], "rate_limit");
        assert_eq!(entry["Node"], "node-1");
        assert_eq!(entry["Region"], "east");
        let left = entry["RemainingSeconds"].as_f64().expect("a number");
        assert!((200.0..=365.0).contains(&left), "{entry}");
    }
    // The others learn it too and do not call.
    for (node, name) in fleet.nodes[1..].iter().zip(["node-2", "node-3"]) {
        row(&admin, name, |row| row["sleeping"] == 1).await;
        let answer = node.proxy().post(CHAT, &chat("m")).await;
        answer.error(429);
        let wait: f64 = answer
            .header("retry-after")
            .and_then(|v| v.parse().ok())
            .expect("a number");
        assert!((200.0..=365.0).contains(&wait), "{wait}");
    }
    assert_eq!(
        upstream.count(),
        1,
        "a sleeping key is not called by any node"
    );
    // A node that joins now knows it as well; one that does not would call.
    upstream.recover();
    let late = fleet.node_settings("late").start().await;
    late.folded(revision).await;
    eventually("the late node knows", SOON, async || {
        let status = late.proxy().post(CHAT, &chat("m")).await.status;
        if status == 429 {
            Ok(())
        } else {
            Err(status.to_string())
        }
    })
    .await;
    // A new secret wakes it everywhere.
    let secret = json!({"SecretKey": "sk-a-new-secret-0123456789"});
    let answer = admin.put(&format!("/x-keys/{key}"), &secret).await;
    fleet.folded(answer.revision()).await;
    for node in &fleet.nodes {
        must_chat(&node.proxy(), "m").await;
    }
    for control in &fleet.controls {
        let admin = control.admin();
        eventually("nobody sleeps", SOON, async || {
            let conf = admin.conf().await;
            let sleeping = list(&conf["SleepingKeys"]);
            if sleeping.is_empty() {
                Ok(())
            } else {
                Err(conf.to_string())
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_control_plane_that_starts_later_knows_who_sleeps() {
    let fleet = Fleet::start(1, 1).await;
    let upstream = FakeUpstream::start().await;
    let key = fleet.admin().serve_all(&upstream.url()).await;
    fleet
        .folded(fleet.admin().get("/x-keys").await.revision())
        .await;
    upstream.always(Reply::rate_limited(Hint::Seconds(600)));
    fleet.nodes[0]
        .proxy()
        .post(CHAT, &chat("m"))
        .await
        .error(429);
    fleet.admin().sleeping(key, SOON).await;
    let late = fleet.control_settings("control-late").start().await;
    late.admin().sleeping(key, SOON).await;
}

/// A refused credential sleeps ten seconds, and up to a fifth more, before its
/// trial decides; the rest is for a busy machine.
const REFUSED_TWICE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_key_refused_twice_is_disabled_once_whoever_saw_it() {
    let fleet = Fleet::start(2, 2).await;
    let upstream = FakeUpstream::start().await;
    let admin = fleet.admin();
    let key = admin.serve_all(&upstream.url()).await;
    let before = admin.get("/x-keys").await.revision();
    fleet.folded(before).await;
    upstream.always(Reply::unauthorized());
    let disabled = eventually("the key is disabled", REFUSED_TWICE, async || {
        for node in &fleet.nodes {
            node.proxy().post(CHAT, &chat("m")).await;
        }
        let conf = admin.conf().await;
        let disabled = list(&conf["DisabledKeys"]);
        disabled.into_iter().next().ok_or_else(|| conf.to_string())
    })
    .await;
    assert_eq!(disabled["ID"], key);
    assert!(
        disabled["Reason"]
            .as_str()
            .is_some_and(|why| !why.is_empty()),
        "{disabled}"
    );
    assert!(
        disabled["By"]
            .as_str()
            .is_some_and(|by| by.contains("node-")),
        "{disabled}"
    );
    assert_eq!(admin.keys().await[0]["Status"], false);
    // Once and once more after the sleep, by each node at most.
    assert!((2..=4).contains(&upstream.count()), "{}", upstream.count());
    // Both control planes heard of it and one record says so: a later write
    // shows that no second one slipped in between.
    let after = admin
        .config(&json!({"EMAIL_SMTP": "after.example.com"}))
        .await
        .revision();
    assert_eq!(after, before + 2);
    fleet.folded(after).await;
    for node in &fleet.nodes {
        node.proxy().post(CHAT, &chat("m")).await.error(503);
    }
    // The owner puts it back into use.
    upstream.recover();
    let path = format!("/x-keys/{key}");
    let answer = admin.put(&path, &json!({"Status": true})).await;
    assert_eq!(answer.ok()["key"]["Status"], true);
    fleet.folded(answer.revision()).await;
    // It still sleeps for its last failure, until an operator wakes it.
    admin.post(&format!("{path}/wake"), &json!({})).await.ok();
    for node in &fleet.nodes {
        let proxy = node.proxy();
        eventually("the node hears of it", SOON, async || {
            let answer = proxy.post(CHAT, &chat("m")).await;
            if answer.status == 200 {
                Ok(())
            } else {
                Err(answer.text())
            }
        })
        .await;
    }
}
