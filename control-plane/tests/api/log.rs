//! The stored records of the whole log, for whoever came first.

use foldgate_control_plane::{Stamp, Submission};
use foldgate_domain::Command;
use foldgate_domain::command::ClaimOwner;
use foldgate_log::Position;
use foldgate_log::export::{Line, Reader};
use foldgate_proto::{Actor, OwnerId, Revision};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::node::{Node, SECRET, SOON, answer};

const LOG: &str = "/admin/v1/log";

/// An answer's lines.
async fn lines(node: &Node, query: &str) -> Vec<String> {
    let request = node.request(Method::GET, &format!("{LOG}{query}"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn it_is_an_export_with_secrets_sealed() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let lines = lines(&node, "").await;
    assert!(!lines.concat().contains(SECRET));
    let mut reader = Reader::begin(&lines[0]).unwrap();
    let stored = node.log.read(Revision(1), 256).await.unwrap();
    for (line, stored) in lines[1..].iter().zip(&stored) {
        assert_eq!(&reader.next(line).unwrap(), stored);
    }
    let head = node.log.head().await.unwrap();
    assert_eq!(reader.end().unwrap(), head);
    assert_eq!(stored.last().unwrap().position(), head);
}

#[tokio::test]
async fn it_comes_in_pages() {
    let node = Node::start().await;
    for number in 0..4 {
        let patch = json!({"EMAIL_SMTP": format!("s{number}.example.com")});
        node.put("/x-config", &patch).await.ok();
    }
    let read = |line: &String| Line::read(line).unwrap().revision;
    let page = lines(&node, "?from=2&limit=3").await;
    let revisions: Vec<Revision> = page[1..].iter().map(read).collect();
    assert_eq!(revisions, [Revision(2), Revision(3), Revision(4)]);
    let head = Reader::begin(&page[0]).unwrap().header().head();
    assert_eq!(head.revision, Revision(5));
    assert_ne!(head, Position::genesis(node.log.log_id().await.unwrap()));
    assert_eq!(lines(&node, "?from=6").await.len(), 1, "nothing behind it");
    for query in ["from=0", "from=x", "limit=0", "limit=257", "limit=+1"] {
        let refused = node.get(&format!("{LOG}?{query}")).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], query.split('=').next().unwrap());
    }
    node.get(&format!("{LOG}?to=3"))
        .await
        .refused(400, "invalid_field");
}

#[tokio::test]
async fn another_owner_is_refused() {
    let node = Node::start().await;
    let key = "sk-another-owner-0123456789";
    let claim = ClaimOwner {
        name: "another".to_owned(),
        key_hash: foldgate_vault::digest(key),
        key_mask: "sk-...".to_owned(),
    };
    let submission = Submission {
        owner: OwnerId(Uuid::now_v7()),
        command: Command::ClaimOwner(claim),
        actor: Actor::system("test"),
        stamp: Stamp::default(),
        precondition: None,
    };
    let settled = node.control.writer().submit(submission).await.unwrap();
    let revision = settled.revision();
    node.replica.wait_for(revision, SOON).await.unwrap();
    let url = format!("{}{LOG}", node.base);
    let asked = |key: &str| node.client.get(&url).bearer_auth(key);
    answer(asked(key)).await.refused(403, "first_owner_only");
    answer(asked("sk-nobody"))
        .await
        .refused(401, "invalid_api_key");
    answer(node.client.get(&url))
        .await
        .refused(401, "missing_api_key");
}
