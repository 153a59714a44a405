//! The playground: the admin listener's way through the data plane of the same
//! process.

use std::sync::Arc;

use bytes::Bytes;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{Reply, sse};
use futures_util::StreamExt as _;
use http::Method;
use serde_json::json;
use tokio::sync::Notify;

use super::{World, chat, streamed};

const PLAYGROUND: &str = "/playground/chat/completions";

#[tokio::test]
async fn it_answers_as_the_proxy_does_and_asks_for_a_callers_key() {
    let world = World::new().await;
    let admin = &world.admin;
    let answer = admin.post(PLAYGROUND, &chat("m")).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hello");
    assert_eq!(world.upstream.last().json()["model"], "m");

    let user = json!({"Name": "alice", "Email": "alice@example.com", "AllowModels": "m"});
    let made = admin.post("/x-users", &user).await.ok();
    let key = made["key"]["SecretKey"].as_str();
    let alice = world.foldgate.admin_with(key.expect("shown once"));
    alice.post(PLAYGROUND, &chat("m")).await.ok();
    let refused = alice.post(PLAYGROUND, &chat("other")).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let proxied = world
        .proxy
        .with_key(key)
        .post(super::CHAT, &chat("other"))
        .await;
    assert_eq!(refused.json(), proxied.json(), "the proxy's own words");

    let body = json!({"name": "ci", "role": "owner"});
    let issued = admin.post("/admin/v1/admin_keys", &body).await.ok();
    let issued = issued["key"].as_str().expect("shown once").to_owned();
    let strangers = [Some(issued.as_str()), Some("sk-nobody"), None];
    for stranger in strangers {
        let answer = admin.with_key(stranger).post(PLAYGROUND, &chat("m")).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    assert_eq!(world.upstream.count(), 2);
    assert_eq!(admin.get(PLAYGROUND).await.status, 405);
}

#[tokio::test]
async fn a_stream_comes_event_by_event() {
    let world = World::new().await;
    let gate: Arc<Notify> = Arc::default();
    let mut steps = vec![Step::chunk("one"), Step::Gate(Arc::clone(&gate))];
    let end = Step::Send(Bytes::from_static(sse::DONE.as_bytes()));
    steps.extend([Step::chunk("two"), end]);
    world.upstream.next(Reply::stream(steps));
    let request = world.admin.request(Method::POST, PLAYGROUND);
    let response = request.json(&streamed("m")).send().await.expect("a head");
    assert_eq!(response.status(), 200);
    let mut body = response.bytes_stream();
    let mut read = String::new();
    while !read.contains("one") {
        let part = tokio::time::timeout(SOON, body.next()).await;
        let part = part.expect("the first event comes before the second is sent");
        read += &String::from_utf8_lossy(&part.expect("it goes on").expect("whole"));
    }
    assert!(!read.contains("two"), "{read}");
    gate.notify_one();
    while let Some(part) = body.next().await {
        read += &String::from_utf8_lossy(&part.expect("whole"));
    }
    assert!(read.contains("two") && read.contains("[DONE]"), "{read}");
}
