//! `/status/config`: where the configuration comes from and how far it is.

use foldgate_tests::poll::SOON;
use foldgate_tests::{Settings, eventually};
use serde_json::{Value, json};

#[tokio::test]
async fn a_process_tells_what_it_has_applied() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin.add_key(1, "http://127.0.0.1:9").await;
    let model = json!({"display_name": "m", "model_name": "m", "level": 1});
    let revision = admin.post("/admin/v1/models", &model).await.revision();
    let status = foldgate.status();
    let told = eventually("it is applied", SOON, async || {
        let told = status.get("/status/config").await.ok();
        let there = told["applied"]["applied_revision"] == revision;
        there.then_some(told.clone()).ok_or(told.to_string())
    })
    .await;
    assert_eq!(told["state"], "synced", "{told}");
    let source = &told["source"];
    assert_eq!(
        (&source["type"], &source["connected"]),
        (&json!("embedded"), &json!(true))
    );
    assert_eq!(source["observed_revision"], revision);
    assert!(source["observed_at"].is_string() && source["source_hash"].is_string());
    let counts = &told["applied"]["resource_counts"];
    assert_eq!(
        (&counts["owners"], &counts["provider_keys"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&counts["models"], &counts["guardrails"]),
        (&json!(1), &json!(0)),
        "each kind by itself"
    );
    assert!(told["applied"]["apply_seq"].as_u64() > Some(0), "{told}");
    assert_eq!(told["last_reload"]["successful"], true);
    assert_eq!(told["last_failure"], Value::Null);
    assert_eq!(
        (&told["rejected"], &told["partially_compatible"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(status.get("/status/ready").await.text(), "ok\n");
    let index = status.get("/status").await.text();
    assert!(index.contains("/status/ready"), "{index}");
    assert!(
        !told.to_string().contains("127.0.0.1:9"),
        "it names no upstream"
    );
}
