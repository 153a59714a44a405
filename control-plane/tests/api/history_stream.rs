//! `GET /admin/v1/history/stream`: the live tail.

use std::sync::Arc;

use foldgate_domain::Command;
use foldgate_log::Reports;
use foldgate_proto::{Actor, AdminKeyNumber, AdminRole};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::history_world::{
    Events, OPENAI, SECOND_KEY, admin_key, as_key, eventful, second_owner, submit,
};
use crate::node::{Node, OWNER_KEY, SECRET, answer, embedded};

const STREAM: &str = "/admin/v1/history/stream";

async fn open(node: &Node, path: &str, last: Option<u64>) -> Events {
    let mut request = node.request(Method::GET, path);
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert_eq!(kind, "text/event-stream");
    Events::new(response)
}

#[tokio::test]
async fn a_stream_tells_each_record_as_the_list_does() {
    let node = Node::start().await;
    let mut live = open(&node, STREAM, None).await;
    assert!(live.block().await.unwrap().contains("behind revision 1"));
    node.add_key(1, OPENAI).await;
    node.put("/x-config", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    for expected in [2, 3] {
        let (id, data) = live.record().await.unwrap();
        assert_eq!(id, expected);
        let list = node
            .get("/admin/v1/history?limit=1000&order=asc")
            .await
            .ok();
        assert_eq!(data, list["items"][usize::try_from(expected).unwrap() - 1]);
        assert!(!data.to_string().contains(SECRET));
    }
}

#[tokio::test]
async fn a_stream_that_was_cut_misses_nothing_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let data = Arc::new(tempfile::tempdir().unwrap());
    let log = embedded(dir.path()).await;
    let start = async || Node::over(log.clone(), Reports::local(), data.clone()).await;
    let node = start().await;
    let mut live = open(&node, &format!("{STREAM}?since=0"), None).await;
    node.add_key(1, OPENAI).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(live.record().await.unwrap().0);
    }
    // It ends with the shutdown by itself, and soon.
    node.stop().await;
    assert!(live.record().await.is_none());
    drop(node);
    let node = start().await;
    for n in 0..5 {
        let body = json!({"title": format!("n{n}"), "content": "text"});
        node.post("/x-news", &body).await.ok();
    }
    // What the browser saw last counts more than what the address says.
    let path = format!("{STREAM}?since=0");
    let mut live = open(&node, &path, seen.last().copied()).await;
    node.add_key(1, OPENAI).await;
    for _ in 0..6 {
        seen.push(live.record().await.unwrap().0);
    }
    assert_eq!(seen, (1..=8).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_stream_is_of_its_own_owner_only() {
    let node = Node::start().await;
    second_owner(&node).await;
    let url = format!("{}{STREAM}?since=0", node.base);
    let second = node.client.get(url).bearer_auth(SECOND_KEY);
    let mut second = Events::new(second.send().await.unwrap());
    assert_eq!(second.record().await.unwrap().0, 2);
    node.add_key(1, OPENAI).await;
    let body = json!({"title": "t", "content": "c"});
    as_key(&node, SECOND_KEY, Method::POST, "/x-news", Some(&body))
        .await
        .ok();
    assert_eq!(second.record().await.unwrap().0, 4);
}

#[tokio::test]
async fn a_stream_ends_with_the_key_that_opened_it() {
    let node = Node::start().await;
    let auditor = admin_key(&node, AdminRole::Auditor).await;
    let url = format!("{}{STREAM}", node.base);
    let response = node.client.get(url).bearer_auth(&auditor).send().await;
    let mut live = Events::new(response.unwrap());
    assert!(live.block().await.is_some());
    let revoke = Command::RevokeAdminKey(AdminKeyNumber(1));
    submit(&node, node.owner, Actor::owner("root"), revoke).await;
    assert!(live.record().await.is_none(), "it tells nothing more");
}

#[tokio::test]
async fn so_many_streams_and_no_more() {
    let node = Node::start().await;
    let mut live = Vec::new();
    for _ in 0..64 {
        let mut events = open(&node, STREAM, None).await;
        assert!(events.block().await.is_some());
        live.push(events);
    }
    let refused = node.get(STREAM).await;
    assert_eq!(refused.header("retry-after"), "1");
    refused.refused(429, "too_many_streams");
    // Other requests are not kept out.
    node.get("/admin/v1/history").await.ok();
    live.pop();
    crate::node::eventually("the place is free again", async || {
        let url = format!("{}{STREAM}", node.base);
        let response = node.client.get(url).bearer_auth(OWNER_KEY).send().await;
        (response.unwrap().status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let node = Node::start().await;
    eventful(&node).await;
    node.get(&format!("{STREAM}?since=x"))
        .await
        .refused(400, "invalid_field");
    let beyond = node.get(&format!("{STREAM}?since=9999")).await;
    beyond.refused(404, "revision_not_found");
    let odd = node
        .request(Method::GET, STREAM)
        .header("last-event-id", "abc");
    let error = answer(odd).await.refused(400, "invalid_field");
    assert_eq!(error["param"], "Last-Event-ID");
    node.get(&format!("{STREAM}?kind=KeyAdded"))
        .await
        .refused(400, "invalid_field");
}
