//! What a bill says of use that nobody counted.

use foldgate_proto::Measure;
use serde_json::json;

use crate::bills::{hand_over, used};
use crate::node::Node;

#[tokio::test]
async fn a_bill_tells_what_was_estimated_and_what_a_node_s_death_cut() {
    let node = Node::start().await;
    let root = node.get("/dashboard/status").await.ok()["id"]
        .as_u64()
        .unwrap();
    let measured = |measure| {
        let mut record = used(&node, root, "gpt-4o", 1);
        record.measure = measure;
        record
    };
    let [told, guessed, cut] = [Measure::Reported, Measure::Estimated, Measure::Unsettled];
    let records = [told, guessed, guessed, cut].map(measured);
    hand_over(&node, 1, records.into()).await;
    let bill = node.get("/dashboard/bill?date=2026-11-20").await.ok();
    let model = &bill["data"][0]["usage_details"]["gpt-4o"];
    assert_eq!(
        (&model["requests"], &model["estimated"], &model["unsettled"]),
        (&json!(4), &json!(2), &json!(1))
    );
    assert_eq!(model["cost_nano_usd"], 4, "they are paid all the same");
}
