//! `/status/config` of a fleet whose log is gone.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_tests::poll::SOON;
use foldgate_tests::{FakeUpstream, Fleet, Foldgate, eventually};
use serde_json::{Value, json};

use super::must_chat;

/// What a process tells once its state is this.
async fn told(process: &Foldgate, state: &str) -> Value {
    let status = process.status();
    eventually(&format!("it is {state}"), SOON, async || {
        let told = status.get("/status/config").await.ok();
        let there = told["state"] == state;
        there.then_some(told.clone()).ok_or(told.to_string())
    })
    .await
}

#[tokio::test]
async fn without_its_log_a_process_says_so_and_serves_on() {
    let mut fleet = Fleet::start(1, 1).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    let revision = fleet.admin().get("/x-conf").await.revision();
    fleet.folded(revision).await;
    for process in [&fleet.controls[0], &fleet.nodes[0]] {
        let told = told(process, "synced").await;
        assert_eq!(told["source"]["type"], "nats", "{told}");
        assert_eq!(told["applied"]["applied_revision"], revision, "{told}");
    }
    fleet.nats.kill();
    for process in [&fleet.controls[0], &fleet.nodes[0]] {
        let told = told(process, "degraded").await;
        assert_eq!(told["source"]["connected"], false, "{told}");
        assert_eq!(told["applied"]["applied_revision"], revision, "{told}");
        assert_eq!(told["last_reload"]["successful"], false, "{told}");
        let failure = &told["last_failure"];
        assert_eq!(failure["last_error_kind"], "log_unreachable", "{told}");
        assert_eq!(failure["at"], told["last_reload"]["at"], "{told}");
        assert_eq!(told["rejected"], json!([]), "no record was refused");
    }
    let health = fleet.admin().get("/admin/v1/health").await.ok();
    assert_eq!(health["status"], "degraded", "{health}");
    must_chat(&fleet.nodes[0].proxy(), "m").await;
    fleet.nats.restart().await;
    for process in [&fleet.controls[0], &fleet.nodes[0]] {
        let told = told(process, "synced").await;
        assert_eq!(told["last_reload"]["successful"], true, "{told}");
        let failure = &told["last_failure"]["last_error_kind"];
        assert_eq!(failure, "log_unreachable", "it is still known: {told}");
    }
}

#[tokio::test]
async fn a_hash_is_that_of_the_revision_it_stands_beside() {
    let fleet = Fleet::start(1, 1).await;
    let admin = fleet.admin();
    let mut seen: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    let mut last = 0;
    for round in 0..8 {
        let model = json!({"display_name": format!("m{round}"), "model_name": "m", "level": 1});
        last = admin.post("/admin/v1/models", &model).await.revision();
        for process in [&fleet.controls[0], &fleet.nodes[0]] {
            look(process, &mut seen).await;
        }
    }
    // The hash of the last revision comes, on both the same.
    for process in [&fleet.controls[0], &fleet.nodes[0]] {
        eventually("the hash is made", SOON, async || {
            let page = look(process, &mut seen).await;
            let applied = &page["applied"];
            let is_there =
                applied["applied_revision"] == last && applied["config_hash"].is_string();
            is_there.then_some(()).ok_or(page.to_string())
        })
        .await;
    }
    let two: Vec<_> = seen.iter().filter(|(_, hashes)| hashes.len() > 1).collect();
    assert!(two.is_empty(), "one revision, two hashes: {two:?}");
}

/// Asks for the page, and notes which hash it shows beside which revision.
async fn look(process: &Foldgate, seen: &mut BTreeMap<u64, BTreeSet<String>>) -> Value {
    let page = process.status().get("/status/config").await.ok();
    let applied = &page["applied"];
    if let (Some(revision), Some(hash)) = (
        applied["applied_revision"].as_u64(),
        applied["config_hash"].as_str(),
    ) {
        seen.entry(revision).or_default().insert(hash.to_owned());
    }
    page
}
