//! A write on one control plane is the fleet's.

use foldgate_tests::admin::{CANARY, id};
use foldgate_tests::client::finish;
use foldgate_tests::fleet::row;
use foldgate_tests::poll::SOON;
use foldgate_tests::{FakeUpstream, Fleet, eventually};
use http::Method;
use serde_json::json;

use super::must_chat;

#[tokio::test]
async fn a_write_is_visible_on_every_node_and_in_the_fleet_view() {
    let fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    let admin = fleet.admin();
    admin.serve_all(&upstream.url()).await;
    let revision = admin
        .config(&json!({"MODEL_MAPPER": "a=b"}))
        .await
        .revision();
    fleet.folded(revision).await;
    for (number, node) in fleet.nodes.iter().enumerate() {
        must_chat(&node.proxy(), "a").await;
        assert_eq!(upstream.last().json()["model"], "b");
        assert_eq!(upstream.last().credential(), Some(CANARY));
        assert_eq!(upstream.count(), number + 1);
    }
    let other = fleet.controls[1].admin();
    let configs = eventually("the other control plane follows", SOON, async || {
        let configs = other.configs().await;
        if configs["MODEL_MAPPER"]["a"] == "b" {
            Ok(configs)
        } else {
            Err(configs.to_string())
        }
    })
    .await;
    assert_eq!(configs, admin.configs().await);

    // Every process has a row, and idle ones agree on the hash of the state.
    let mut hashes = Vec::new();
    for (node, role) in [
        ("control-1", "control-plane"),
        ("control-2", "control-plane"),
        ("node-1", "data-plane"),
        ("node-2", "data-plane"),
        ("node-3", "data-plane"),
    ] {
        let row = row(&other, node, |row| {
            let current = row.get("state_revision").is_none_or(|at| *at == revision);
            row["revision"] == revision && row["state_hash"].is_string() && current
        })
        .await;
        assert_eq!(row["role"], role, "{row}");
        assert_eq!(row["region"], "east", "{row}");
        assert_eq!(row["lag"], 0, "{row}");
        assert_eq!(row["sleeping"], 0, "{row}");
        assert_eq!(row["version"], env!("CARGO_PKG_VERSION"), "{row}");
        hashes.push(row["state_hash"].clone());
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    // A fleet that began a moment ago has nothing to be alarmed about.
    for control in &fleet.controls {
        let view = control.admin().get("/admin/v1/fleet").await.ok();
        assert_eq!(view["alarms"], json!([]), "{view}");
        let rows = foldgate_tests::admin::list(&view["items"]);
        assert!(rows.iter().all(|row| row["diverged"] == false), "{view}");
    }
    assert_eq!(other.fleet().await.len(), 5);
}

#[tokio::test]
async fn two_control_planes_race_and_every_write_gets_its_place() {
    let fleet = Fleet::start(2, 1).await;
    let admin = fleet.admin();
    let before = admin.get("/x-keys").await.revision();
    let mut writers = Vec::new();
    for number in 0..40 {
        let admin = fleet.controls[number % 2].admin();
        writers.push(tokio::spawn(async move {
            let body =
                json!({"SecretKey": CANARY, "Level": 1, "Provider": "https://llm.example.com"});
            let answer = admin.post("/x-keys", &body).await;
            (answer.revision(), id(&answer.ok()["key"]))
        }));
    }
    let (mut revisions, mut numbers) = (Vec::new(), Vec::new());
    for writer in writers {
        let (revision, number) = writer.await.expect("a writer ends");
        revisions.push(revision);
        numbers.push(number);
    }
    revisions.sort_unstable();
    numbers.sort_unstable();
    assert_eq!(revisions, (before + 1..=before + 40).collect::<Vec<u64>>());
    numbers.dedup();
    assert_eq!(numbers.len(), 40, "no number twice");
    for control in &fleet.controls {
        let admin = control.admin();
        foldgate_tests::holds("both see all", SOON, async || {
            admin.keys().await.len() == 40
        })
        .await;
    }
    fleet.folded(before + 40).await;
}

#[tokio::test]
async fn a_retry_at_another_control_plane_writes_once() {
    let fleet = Fleet::start(2, 0).await;
    let post = async |number: usize| {
        let admin = fleet.controls[number].admin();
        let body = json!({"SecretKey": CANARY, "Level": 1, "Provider": "https://llm.example.com"});
        let request = admin.request(Method::POST, "/x-keys").json(&body);
        finish("POST /x-keys", request.header("idempotency-key", "retry-1")).await
    };
    let (first, second) = (post(0).await, post(1).await);
    assert_eq!(first.ok()["key"]["ID"], second.ok()["key"]["ID"]);
    assert_eq!(first.revision(), second.revision());
    assert_eq!(fleet.admin().keys().await.len(), 1);
}

#[tokio::test]
async fn a_node_that_comes_late_catches_up() {
    let mut fleet = Fleet::start(1, 1).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    for number in 0..30 {
        fleet
            .admin()
            .config(&json!({"EMAIL_SMTP": format!("s{number}.example.com")}))
            .await;
    }
    let revision = fleet.admin().get("/x-keys").await.revision();
    let late = fleet.node_settings("late").start().await;
    late.folded(revision).await;
    must_chat(&late.proxy(), "m").await;
    fleet.nodes.push(late);
    row(&fleet.admin(), "late", |row| row["lag"] == 0).await;
    assert!(
        !fleet.nodes[0].has_admin(),
        "a data plane has no admin listener"
    );
    assert!(
        !fleet.controls[0].has_proxy(),
        "a control plane has no proxy"
    );
}

#[tokio::test]
async fn a_read_of_ones_own_write_can_be_asked_for_on_any_node() {
    let fleet = Fleet::start(1, 2).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    for round in 0..10 {
        let model = format!("m{round}");
        let answer = fleet
            .admin()
            .config(&json!({"MODEL_MAPPER": {"asked": model}}))
            .await;
        let wanted = answer.revision().to_string();
        for node in &fleet.nodes {
            let request = node
                .proxy()
                .request(Method::POST, super::CHAT)
                .json(&super::chat("asked"));
            let request = request.header("x-foldgate-min-revision", &wanted);
            finish(super::CHAT, request).await.ok();
            assert_eq!(upstream.last().json()["model"], json!(model));
        }
    }
}

#[tokio::test]
async fn the_fleet_view_does_not_wait_for_the_next_heartbeat() {
    let mut fleet = Fleet::start(1, 0).await;
    let seldom = fleet.node_settings("seldom");
    let seldom = seldom.env("FOLDGATE_HEARTBEAT_INTERVAL", "60s");
    fleet.nodes.push(seldom.start().await);
    let admin = fleet.admin();
    row(&admin, "seldom", |_| true).await;
    for number in 0..3 {
        let patch = json!({"EMAIL_SMTP": format!("s{number}.example.com")});
        let revision = admin.config(&patch).await.revision();
        row(&admin, "seldom", |row| row["revision"] == revision).await;
    }
}
