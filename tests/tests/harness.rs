//! The harness itself: what tests stand on must hold.

use std::time::Duration;

use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{Client, FakeUpstream, Link, NatsServer, Reply, client, holds, sse};
use futures_util::StreamExt;
use http::Method;
use serde_json::json;

fn chat(stream: bool) -> serde_json::Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

fn to(upstream: &FakeUpstream) -> Client {
    Client::new(&format!("127.0.0.1:{}", upstream.port()), Some("sk-up"))
}

#[tokio::test]
async fn the_fake_upstream_answers_and_remembers() {
    let upstream = FakeUpstream::start().await;
    let client = to(&upstream);
    let answer = client.post("/v1/chat/completions", &chat(false)).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hi");
    let answer = client.post("/v1/chat/completions", &chat(true)).await;
    assert_eq!(sse::chat_text(&answer.events()), "echo: hi");
    assert_eq!(upstream.count(), 2);
    assert_eq!(upstream.last().credential(), Some("sk-up"));
    upstream.next(Reply::failing(529));
    client
        .post("/v1/chat/completions", &chat(false))
        .await
        .error(529);
    client.post("/v1/chat/completions", &chat(false)).await.ok();
}

#[tokio::test]
async fn a_broken_stream_breaks_after_its_parts() {
    let upstream = FakeUpstream::start().await;
    upstream.next(Reply::broken_stream(&["one"]));
    let client = to(&upstream);
    let request = client.request(Method::POST, "/v1/chat/completions");
    let response = request
        .json(&chat(true))
        .send()
        .await
        .expect("a status comes");
    let mut body = response.bytes_stream();
    let first = body.next().await.expect("a part comes").expect("whole");
    assert!(String::from_utf8_lossy(&first).contains("one"));
    assert!(body.next().await.expect("an end comes").is_err());
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let upstream = FakeUpstream::start().await;
    upstream.next(Reply::stream(vec![Step::chunk("one"), Step::Hang]));
    let client = to(&upstream);
    let request = client.request(Method::POST, "/v1/chat/completions");
    let response = request
        .json(&chat(true))
        .send()
        .await
        .expect("a status comes");
    assert!(!upstream.last().left());
    drop(response);
    holds("the upstream notices", SOON, async || {
        upstream.last().left()
    })
    .await;
    upstream.next(Reply::never());
    let request = client.request(Method::POST, "/v1/chat/completions");
    let request = request
        .json(&chat(true))
        .timeout(Duration::from_millis(200));
    assert!(client::attempt("never", request).await.is_err());
    holds("the upstream notices", SOON, async || {
        upstream.last().left()
    })
    .await;
}

#[tokio::test]
async fn a_link_can_be_cut_and_mended() {
    let upstream = FakeUpstream::start().await;
    let link = Link::to(upstream.port()).await;
    let through = Client::new(&format!("127.0.0.1:{}", link.port()), None);
    through.get("/v1/models").await.ok();
    link.cut();
    let request = through.request(Method::GET, "/v1/models");
    assert!(client::attempt("cut", request).await.is_err());
    link.mend();
    through.get("/v1/models").await.ok();
    link.freeze();
    let request = through
        .request(Method::GET, "/v1/models")
        .timeout(Duration::from_millis(300));
    assert!(client::attempt("frozen", request).await.is_err());
    link.mend();
    through.get("/v1/models").await.ok();
}

#[tokio::test]
async fn a_nats_server_keeps_its_store_over_a_kill() {
    let mut server = NatsServer::hub().await;
    let client = server.connect(User::Bootstrap).await;
    let context = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::stream::Config {
        name: "KEPT".to_owned(),
        ..Default::default()
    };
    context
        .create_stream(config)
        .await
        .expect("a stream is made");
    server.kill();
    server.restart().await;
    let client = server.connect(User::Bootstrap).await;
    let context = async_nats::jetstream::new(client);
    context
        .get_stream("KEPT")
        .await
        .expect("the stream is still there");
}

#[tokio::test]
async fn a_cluster_and_a_region_come_up() {
    let cluster = NatsServer::cluster().await;
    let link = Link::to(cluster[0].leaf_port()).await;
    let region = NatsServer::region("west", link.port()).await;
    let hub = cluster[1].connect(User::Bootstrap).await;
    let west = region.connect(User::Node).await;
    let mut reports = hub.subscribe("foldgate.sleep.>").await.expect("subscribed");
    hub.flush().await.expect("flushed");
    holds("a report crosses the leaf link", SOON, async || {
        west.publish("foldgate.sleep.west.x", "1".into())
            .await
            .expect("published");
        let wait = tokio::time::timeout(Duration::from_millis(200), reports.next());
        matches!(wait.await, Ok(Some(_)))
    })
    .await;
}
