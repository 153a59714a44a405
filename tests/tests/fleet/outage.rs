//! Without NATS nodes serve; with it again they catch up by themselves.

use std::time::Duration;

use foldgate_tests::client::attempt;
use foldgate_tests::fleet::row;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Client, FakeUpstream, Fleet, Reply, eventually};
use http::Method;
use serde_json::json;

use super::{CHAT, chat, must_chat};

/// A write whose answer may be anything but a wrong one.
async fn try_write(admin: &Client, value: &str) -> u16 {
    let request = admin
        .request(Method::PUT, "/x-config")
        .json(&json!({"EMAIL_SMTP": value}));
    match attempt("write", request.timeout(Duration::from_secs(45))).await {
        Ok(answer) => {
            if answer.status != 200 {
                answer.refusal(answer.status);
            }
            answer.status
        }
        Err(_) => 0,
    }
}

#[tokio::test]
async fn nodes_serve_without_nats_and_catch_up() {
    let mut fleet = Fleet::start(2, 2).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    let revision = fleet.admin().get("/x-keys").await.revision();
    fleet.folded(revision).await;

    fleet.nats.kill();
    for node in &fleet.nodes {
        for _ in 0..3 {
            must_chat(&node.proxy(), "m").await;
        }
    }
    // A write is refused or of unknown outcome, never said to be done.
    let status = try_write(&fleet.admin(), "lost.example.com").await;
    assert!(matches!(status, 503 | 504), "{status}");
    // Reads of the owner API still answer.
    assert_eq!(fleet.admin().keys().await.len(), 1);

    fleet.nats.restart().await;
    let admin = fleet.admin();
    eventually("writes go through again", SOON, async || {
        match try_write(&admin, "back.example.com").await {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    let revision = admin.get("/x-config").await.revision();
    fleet.folded(revision).await;
    for control in &fleet.controls {
        let admin = control.admin();
        eventually("both agree", SOON, async || {
            let configs = admin.configs().await;
            if configs["EMAIL_SMTP"] == "back.example.com" {
                Ok(())
            } else {
                Err(configs.to_string())
            }
        })
        .await;
    }
    for node in ["node-1", "node-2"] {
        row(&admin, node, |row| {
            row["lag"] == 0 && row["revision"] == revision
        })
        .await;
    }
}

#[tokio::test]
async fn a_node_restarted_without_nats_serves_from_its_snapshot() {
    let mut fleet = Fleet::start(1, 1).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    let revision = fleet
        .admin()
        .config(&json!({"MODEL_MAPPER": "a=b"}))
        .await
        .revision();
    fleet.folded(revision).await;
    assert!(fleet.nodes[0].stop().await.success());
    fleet.nats.kill();
    let node = fleet.nodes.remove(0).settings().start().await;
    node.folded(revision).await;
    must_chat(&node.proxy(), "a").await;
    assert_eq!(upstream.last().json()["model"], "b");
    // And follows again by itself once NATS is there.
    fleet.nats.restart().await;
    let admin = fleet.admin();
    eventually("writes go through again", SOON, async || {
        match try_write(&admin, "back.example.com").await {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    node.folded(revision + 1).await;
}

/// Snapshots are written soon after a change, so that a kill loses little.
#[tokio::test]
async fn a_killed_node_has_a_fresh_snapshot() {
    let mut fleet = Fleet::start(1, 1).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    let revision = fleet
        .admin()
        .config(&json!({"MODEL_MAPPER": "a=b"}))
        .await
        .revision();
    fleet.folded(revision).await;
    // A node tells the hash of a state once that state is on its disk.
    row(&fleet.admin(), "node-1", |row| {
        row["state_hash"].is_string() && row["state_revision"] == revision
    })
    .await;
    fleet.nodes[0].kill();
    fleet.nats.kill();
    let node = fleet.nodes.remove(0).settings().start().await;
    node.folded(revision).await;
    must_chat(&node.proxy(), "a").await;
}

#[tokio::test]
async fn a_node_without_nats_and_without_a_snapshot_is_not_ready() {
    let mut fleet = Fleet::start(0, 0).await;
    fleet.nats.kill();
    let node = fleet.node_settings("empty").start_bound().await;
    let answer = node.status().get("/readyz").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(node.status().get("/livez").await.status, 200);
    node.proxy().get("/v1/models").await.error(503);
    fleet.nats.restart().await;
    // The stream is there, but empty: nothing was claimed yet.
    let control = fleet.control_settings("control-1").start().await;
    control.admin().get("/x-keys").await.ok();
    node.ready().await;
    node.folded(1).await;
}

#[tokio::test]
async fn a_frozen_nats_stops_no_traffic() {
    let fleet = Fleet::start(1, 2).await;
    let upstream = FakeUpstream::start().await;
    let key = fleet.admin().serve_all(&upstream.url()).await;
    let revision = fleet.admin().get("/x-keys").await.revision();
    fleet.folded(revision).await;
    fleet.nats.freeze();
    for _ in 0..5 {
        must_chat(&fleet.nodes[0].proxy(), "m").await;
    }
    // What one node learns while cut off reaches the others afterwards.
    upstream.always(Reply::rate_limited(Hint::Seconds(900)));
    fleet.nodes[0]
        .proxy()
        .post(CHAT, &chat("m"))
        .await
        .error(429);
    let called = upstream.count();
    fleet.nodes[0]
        .proxy()
        .post(CHAT, &chat("m"))
        .await
        .error(429);
    assert_eq!(upstream.count(), called);
    fleet.nats.thaw();
    fleet.admin().sleeping(key, SOON).await;
    row(&fleet.admin(), "node-2", |row| row["sleeping"] == 1).await;
}
