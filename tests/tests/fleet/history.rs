//! The history on a real log of NATS: what one control plane wrote the other
//! tells, undoes, and still knows after it was killed.

use foldgate_tests::fleet::row;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Fleet, eventually};
use serde_json::{Value, json};

/// The revisions a control plane lists.
async fn listed(admin: &foldgate_tests::Admin) -> Vec<u64> {
    let page = admin
        .get("/admin/v1/history?order=asc&limit=1000")
        .await
        .ok();
    let items = foldgate_tests::admin::list(&page["items"]);
    items
        .iter()
        .filter_map(|item| item["revision"].as_u64())
        .collect()
}

#[tokio::test]
async fn every_control_plane_tells_the_same_history_also_after_a_kill() {
    let mut fleet = Fleet::start(2, 1).await;
    let one = fleet.controls[0].admin();
    one.config(&json!({"MODEL_MAPPER": "a=b"})).await.ok();
    let before = one.configs().await;
    let changed = one.config(&json!({"MODEL_MAPPER": "a=c"})).await.revision();
    let two = fleet.controls[1].admin();
    let line = eventually("the other control plane's history", SOON, async || {
        let answer = two.get(&format!("/admin/v1/history/{changed}")).await;
        if answer.status == 200 {
            Ok(answer.json())
        } else {
            Err(answer.text())
        }
    })
    .await;
    assert_eq!(line["changes"][0]["after"], json!({"a": "c"}), "{line}");

    // The state's hash is the one that nodes report.
    let state = two.get(&format!("/admin/v1/state?at={changed}")).await.ok();
    let idle = row(&two, "node-1", |row| {
        row["state_revision"] == changed && row["state_hash"].is_string()
    })
    .await;
    assert_eq!(state["state_hash"], idle["state_hash"]);

    let undo = format!("/admin/v1/history/{changed}/undo?wait=fleet");
    let undone = two.post(&undo, &json!({})).await.ok();
    assert_eq!(undone["fleet"]["reached"], true, "{undone}");
    let head = undone["revision"].as_u64().expect("a revision");
    eventually("the undo is everywhere", SOON, async || {
        let now = one.configs().await;
        if now == before {
            Ok(())
        } else {
            Err(now.to_string())
        }
    })
    .await;

    fleet.controls[1].kill();
    let back = fleet.controls.remove(1).settings().start().await;
    let two = back.admin();
    let whole: Vec<u64> = (1..=head).collect();
    for admin in [&one, &two] {
        assert_eq!(listed(admin).await, whole);
    }
    let early: Value = two.get("/admin/v1/state?at=1").await.ok();
    assert_eq!(early["config"], json!({}), "{early}");
    let metrics = back.metrics().await;
    assert!(
        metrics.contains(&format!("foldgate_history_revision {head}")),
        "{metrics}"
    );
}
