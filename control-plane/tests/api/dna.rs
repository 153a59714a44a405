//! `/x-dna`: everybody below.

use serde_json::{Value, json};

use crate::node::Node;
use crate::people::As;

async fn names(caller: &As<'_>, path: &str) -> Vec<String> {
    let listed = caller.get(path).await.ok();
    let users = listed["users"].as_array().unwrap().iter();
    users
        .map(|user: &Value| user["Name"].as_str().unwrap().to_owned())
        .collect()
}

/// 2 `team` with 4 `alice` (with 6 `bot-1`) and 5 `berta`; 3 `other`.
async fn tree(node: &Node) -> [String; 3] {
    let (_, team) = node
        .add_user("team", &json!({"AllowLevels": "1 2 3"}))
        .await;
    let (_, other) = node.add_user("other", &json!({"AllowLevels": "3"})).await;
    let (_, alice) = node
        .with(&team)
        .add_user("alice", &json!({"AllowLevels": "2 3"}))
        .await;
    node.with(&team)
        .add_user("berta", &json!({"Status": false}))
        .await;
    node.with(&alice).add_user("bot-1", &json!({})).await;
    [team, other, alice]
}

#[tokio::test]
async fn the_owner_sees_all_and_an_account_those_below_it() {
    let node = Node::start().await;
    let [team, other, alice] = tree(&node).await;
    let owner = node.with(crate::node::OWNER_KEY);
    for (path, expected) in [
        ("/x-dna", &["team", "alice", "bot-1", "berta", "other"][..]),
        ("/x-dna?size=2&page=2", &["bot-1", "berta"]),
        ("/x-dna?status=false", &["berta"]),
        ("/x-dna?name=BOT-1", &["bot-1"]),
        ("/x-dna/6", &["bot-1"]),
        ("/x-dna/Alice", &["alice"]),
        ("/x-dna/bot-1%40example.com", &["bot-1"]),
        ("/x-dna/.1.", &["team", "alice", "bot-1", "berta", "other"]),
        ("/x-dna/.1.2.", &["team", "alice", "bot-1", "berta"]),
        ("/x-dna/.1.2.4.", &["alice", "bot-1"]),
        ("/x-dna/.1.2.?status=true", &["team", "alice", "bot-1"]),
        ("/x-dna/.1.2.?name=other", &[]),
        ("/x-dna/L1", &["team", "berta"]),
        ("/x-dna/l3", &["team", "alice", "bot-1", "berta", "other"]),
        ("/x-dna/L9", &[]),
    ] {
        assert_eq!(names(&owner, path).await, expected, "{path}");
    }
    let team = node.with(&team);
    for (path, expected) in [
        ("/x-dna", &["alice", "bot-1", "berta"][..]),
        ("/x-dna/.1.", &["alice", "bot-1", "berta"]),
        ("/x-dna/.1.2.", &["alice", "bot-1", "berta"]),
        ("/x-dna/.1.2.4.", &["alice", "bot-1"]),
        ("/x-dna/L1", &["berta"]),
        ("/x-dna?id=3", &[]),
        ("/x-dna?name=team", &[]),
    ] {
        assert_eq!(names(&team, path).await, expected, "{path}");
    }
    assert_eq!(names(&node.with(&other), "/x-dna").await, [""; 0]);
    assert_eq!(names(&node.with(&alice), "/x-dna").await, ["bot-1"]);
    let paged = owner.get("/x-dna/.1.2.?size=3").await;
    assert_eq!(paged.header("x-total-count"), "4");
    assert_eq!(paged.header("x-total-pages"), "2");
    let one = owner.get("/x-dna/6").await;
    assert!(one.headers.contains_key("etag"));
}

#[tokio::test]
async fn what_does_not_stand_below_is_not_there() {
    let node = Node::start().await;
    let [team, other, _] = tree(&node).await;
    let (team, other) = (node.with(&team), node.with(&other));
    for path in ["6", "bot-1", ".1.2.", ".1.2.4."] {
        let path = format!("/x-dna/{path}");
        other.get(&path).await.refused(404, "account_not_found");
    }
    for path in [
        "2", "team", "3", ".1.3.", ".1.4.", ".2.", ".1.2", ".1.x.", "nobody",
    ] {
        let path = format!("/x-dna/{path}");
        team.get(&path).await.refused(404, "account_not_found");
    }
    team.get("/x-dna/L10000")
        .await
        .refused(400, "invalid_field");
    team.get("/x-dna?page=0")
        .await
        .refused(400, "invalid_field");
}
