//! Restores that are too much for one record.

use serde_json::json;

use crate::node::Node;

#[tokio::test]
async fn what_fits_no_record_is_restored_one_resource_at_a_time() {
    let node = Node::start().await;
    let mapper: Vec<String> = (0..1000)
        .map(|number| format!("model-{number:0>60}=m"))
        .collect();
    let more = json!({"ModelMapper": mapper.join(",")});
    let mut numbers = Vec::new();
    for name in [
        "anna", "bert", "carl", "dora", "emil", "fritz", "gerda", "hugo",
    ] {
        numbers.push(node.add_user(name, &more).await.0);
    }
    let then = node.log.head().await.unwrap().revision.0;
    for number in &numbers {
        node.delete(&format!("/x-users/{number}")).await.ok();
    }
    let before = node.log.head().await.unwrap().revision.0;
    for path in ["", "&dry_run=true"] {
        let path = format!("/admin/v1/state/restore?at={then}{path}");
        let refused = node.post(&path, &json!({})).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        let text = refused.body.to_string();
        assert!(text.contains("one resource at a time"), "{text}");
        assert!(text.contains("record_too_large"), "{text}");
    }
    assert_eq!(node.log.head().await.unwrap().revision.0, before);
    let first = numbers[0];
    let path = format!("/admin/v1/state/restore?at={then}&resource=account/{first}");
    let restored = node.post(&path, &json!({})).await.ok();
    assert_eq!(restored["resources"], json!([format!("account/{first}")]));
}
