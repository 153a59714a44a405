//! A key that one node puts to sleep sleeps everywhere.

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
    // A node that joins now knows it as well.
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
    upstream.recover();
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
