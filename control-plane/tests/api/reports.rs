//! What nodes report: sleeps, dead keys, signs of life.

use std::time::Duration;

use foldgate_log::Reports;
use foldgate_proto::report::StateHash;
use foldgate_proto::{
    Generation, Heartbeat, KeyNumber, RecordHash, Revision, Role, SleepCause, SleepReport,
    Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::node::{Node, eventually};

/// A report that a node put one of the owner's keys to sleep for a minute.
pub(crate) fn sleep(node: &Node, number: u64, model: Option<&str>) -> SleepReport {
    let state = node.replica.state();
    let owner = state.owner(node.owner).unwrap();
    let key = owner.keys.get(&KeyNumber(number)).unwrap();
    let now = Timestamp::from(chrono::Utc::now());
    SleepReport {
        owner: node.owner,
        key: key.id,
        model: model.map(str::to_owned),
        generation: Generation {
            secret: key.secret_revision,
            wake: 0,
        },
        until: now.after(Duration::from_mins(1)),
        cause: SleepCause::RateLimit,
        status: Some(429),
        detail: "slow down".to_owned(),
        failures: 1,
        confirmed: false,
        at: now,
        node: "node-1".to_owned(),
        region: "eu".to_owned(),
    }
}

fn dead(node: &Node, number: u64) -> SleepReport {
    SleepReport {
        cause: SleepCause::Dead,
        status: Some(401),
        detail: "invalid key".to_owned(),
        confirmed: true,
        ..sleep(node, number, None)
    }
}

fn heartbeat(name: &str, revision: u64, state: &[u8]) -> Heartbeat {
    Heartbeat {
        node: name.to_owned(),
        region: "eu".to_owned(),
        role: Role::DataPlane,
        version: "9.9.9".to_owned(),
        boot: Uuid::new_v4(),
        at: Timestamp::from(chrono::Utc::now()),
        revision: Revision(revision),
        chain: RecordHash::of(&revision.to_be_bytes()),
        state_hash: Some(StateHash {
            revision: Revision(revision),
            hash: RecordHash::of(state),
            fold_version: 1,
        }),
        held: None,
        listeners: vec!["node-1.example:3000".to_owned()],
        sleeping: Vec::new(),
        sleeping_total: 4,
        time_zone: None,
    }
}

async fn fleet(node: &Node) -> Value {
    node.get("/admin/v1/fleet").await.ok()
}

#[tokio::test]
async fn a_key_that_is_dead_for_good_is_put_out_of_use_once() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let report = dead(&node, 1);
    for _ in 0..20 {
        node.reports.publish_sleep(report.clone());
    }
    let disabled = eventually("a disabled key", async || {
        let conf = node.get("/x-conf").await.ok();
        conf["DisabledKeys"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(disabled["By"], "node:node-1");
    let reason = disabled["Reason"].as_str().unwrap();
    assert!(
        reason.contains("401") && reason.contains("invalid key"),
        "{reason}"
    );
    node.reports.publish_sleep(report);
    node.post("/x-news", &json!({"title": "t", "content": "c"}))
        .await
        .ok();
    let commands: Vec<String> = node
        .records()
        .await
        .into_iter()
        .map(|r| r.command)
        .collect();
    assert_eq!(
        commands,
        ["ClaimOwner", "AddKey", "DisableKey", "PublishNews"]
    );
}

#[tokio::test]
async fn two_control_planes_disable_a_key_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = crate::node::embedded(dir.path()).await;
    let reports = Reports::local();
    let one = Node::on(log.clone(), reports.clone()).await;
    let two = Node::on(log, reports).await;
    one.add_key(1, "https://api.openai.com").await;
    two.replica
        .wait_for(Revision(2), crate::node::SOON)
        .await
        .unwrap();
    one.reports.publish_sleep(dead(&one, 1));
    for node in [&one, &two] {
        node.replica
            .wait_for(Revision(3), crate::node::SOON)
            .await
            .unwrap();
    }
    // Behind both commands in each queue: what they decided is settled by then.
    for node in [&one, &two] {
        node.post("/x-news", &json!({"title": "t", "content": "c"}))
            .await
            .ok();
    }
    let records = one.records().await;
    let count = records.iter().filter(|r| r.command == "DisableKey").count();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn an_unconfirmed_or_outdated_death_changes_nothing() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let mut unconfirmed = dead(&node, 1);
    unconfirmed.confirmed = false;
    let outdated = dead(&node, 1);
    let body = json!({"SecretKey": "sk-another-secret-of-enough-length-9999"});
    node.put("/x-keys/1", &body).await.ok();
    node.reports.publish_sleep(unconfirmed);
    node.reports.publish_sleep(outdated);
    node.reports.publish_heartbeat(heartbeat("after", 1, b"x"));
    eventually("the heartbeat behind them", async || {
        let fleet = fleet(&node).await;
        (!fleet["items"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    node.post("/x-news", &json!({"title": "t", "content": "c"}))
        .await
        .ok();
    let records = node.records().await;
    assert!(records.iter().all(|record| record.command != "DisableKey"));
}

#[tokio::test]
async fn sleeps_repeated_in_a_heartbeat_count() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let mut beat = heartbeat("node-1", 2, b"x");
    beat.sleeping = vec![sleep(&node, 1, None)];
    node.reports.publish_heartbeat(beat);
    eventually("a sleep", async || {
        let conf = node.get("/x-conf").await.ok();
        (conf["SleepingKeys"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_fleet_shows_nodes_lag_and_disagreement() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    node.reports
        .publish_heartbeat(node.control.heartbeat(Uuid::new_v4()));
    node.reports.publish_heartbeat(heartbeat("node-1", 1, b"x"));
    node.reports.publish_heartbeat(heartbeat("node-2", 1, b"y"));
    let fleet = eventually("three nodes", async || {
        let fleet = fleet(&node).await;
        (fleet["items"].as_array().unwrap().len() == 3).then_some(fleet)
    })
    .await;
    assert_eq!(fleet["revision"], 2);
    let row = |name: &str| {
        let mut rows = fleet["items"].as_array().unwrap().iter();
        rows.find(|row| row["node"] == name).unwrap()
    };
    let own = row("control-1");
    assert_eq!(own["role"], "control-plane");
    assert_eq!(own["lag"], 0);
    assert_eq!(own["revision"], 2);
    let other = row("node-1");
    assert_eq!(other["region"], "eu");
    assert_eq!(other["role"], "data-plane");
    assert_eq!(other["version"], "9.9.9");
    assert_eq!(other["lag"], 1);
    assert_eq!(other["sleeping"], 4);
    assert_eq!(other["live"], true);
    assert_eq!(other["state_hash"], RecordHash::of(b"x").to_string());
    assert_eq!(fleet["alarms"][0]["kind"], "state_hash");
    assert_eq!(fleet["alarms"][0]["nodes"], json!(["node-1", "node-2"]));

    let body = crate::node::new_key(1, "http://node-1.example:3000");
    let error = node
        .post("/x-keys", &body)
        .await
        .refused(400, "invalid_field");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("Foldgate itself"),
        "{error}"
    );
}

#[tokio::test]
async fn a_second_owner_sees_only_whether_nodes_are_behind() {
    let node = Node::start().await;
    let second = node.add_owner("second").await;
    let auditor = node.add_admin_key("auditor").await;
    node.reports
        .publish_heartbeat(node.control.heartbeat(Uuid::new_v4()));
    node.reports.publish_heartbeat(heartbeat("node-1", 1, b"x"));
    let whole = eventually("two nodes", async || {
        let fleet = fleet(&node).await;
        (fleet["items"].as_array().unwrap().len() == 2).then_some(fleet)
    })
    .await;
    let seen = node.with(&second).get("/admin/v1/fleet").await.ok();
    assert!(seen.get("alarms").is_none(), "{seen}");
    let [of_whole, of_seen] = [&whole, &seen].map(|fleet| fleet["items"].as_array().unwrap());
    assert_eq!(of_whole.len(), of_seen.len());
    let names = [
        "lag", "live", "node", "region", "revision", "role", "version",
    ];
    for (whole, seen) in of_whole.iter().zip(of_seen) {
        let fields: Vec<&String> = seen.as_object().unwrap().keys().collect();
        assert_eq!(fields, names);
        for name in names {
            assert_eq!(seen[name], whole[name], "{name}");
        }
    }
    let audited = node.with(&auditor).get("/admin/v1/fleet").await.ok();
    assert!(audited["items"][0].get("listeners").is_some(), "{audited}");
}
