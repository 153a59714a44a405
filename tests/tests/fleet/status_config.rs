//! `/status/config` of a fleet whose log is gone.

use foldgate_tests::poll::SOON;
use foldgate_tests::{FakeUpstream, Fleet, Foldgate, eventually};
use serde_json::Value;

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
    }
    let health = fleet.admin().get("/admin/v1/health").await.ok();
    assert_eq!(health["status"], "degraded", "{health}");
    must_chat(&fleet.nodes[0].proxy(), "m").await;
}
