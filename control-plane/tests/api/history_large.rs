//! Restores and undos that are too much for one record.

use serde_json::json;

use crate::node::Node;

/// Accounts that together do not fit into one record; their numbers.
async fn eight_large(node: &Node) -> Vec<u64> {
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
    numbers
}

async fn head(node: &Node) -> u64 {
    node.log.head().await.unwrap().revision.0
}

/// Refused with these words, dry or not, and nothing is written.
async fn too_much(node: &Node, path: &str, says: &[&str]) {
    let before = head(node).await;
    for dry_run in ["false", "true"] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{mark}dry_run={dry_run}");
        let refused = node.post(&path, &json!({})).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        let text = refused.body.to_string();
        assert!(text.contains("record_too_large"), "{text}");
        for words in says {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    assert_eq!(head(node).await, before);
}

async fn brought_back(node: &Node, then: u64, account: u64) {
    let path = format!("/admin/v1/state/restore?at={then}&resource=account/{account}");
    let restored = node.post(&path, &json!({})).await.ok();
    assert_eq!(restored["resources"], json!([format!("account/{account}")]));
}

#[tokio::test]
async fn what_fits_no_record_is_restored_one_resource_at_a_time() {
    let node = Node::start().await;
    let numbers = eight_large(&node).await;
    let then = head(&node).await;
    for number in &numbers {
        node.delete(&format!("/x-users/{number}")).await.ok();
    }
    let path = format!("/admin/v1/state/restore?at={then}");
    too_much(&node, &path, &["one resource at a time", "&resource="]).await;
    brought_back(&node, then, numbers[0]).await;
}

/// A record that takes away is small, however much it takes.
#[tokio::test]
async fn what_fits_no_record_is_undone_one_resource_at_a_time() {
    let node = Node::start().await;
    let numbers = eight_large(&node).await;
    let then = head(&node).await;
    let gone = node.post("/admin/v1/state/restore?at=1", &json!({})).await;
    let gone = gone.ok()["revision"].as_u64().unwrap();
    let path = format!("/admin/v1/history/{gone}/undo");
    let says = [
        "one resource at a time",
        &format!("restore?at={then}&resource="),
    ];
    too_much(&node, &path, &says).await;
    brought_back(&node, then, numbers[0]).await;
}
