//! Upstreams that speak HTTP/2, over TLS that only a private authority vouches for.

use std::sync::Arc;

use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{FakeUpstream, Reply, Settings, holds, sse};
use http::{Method, Version};
use tokio::sync::Notify;

use super::{CHAT, World, chat, streamed};

/// A process that trusts the upstream's authority.
async fn world(protocols: &[&str]) -> World {
    let upstream = FakeUpstream::start_tls(protocols).await;
    let ca_file = upstream.ca_file();
    let ca_file = ca_file.to_str().expect("a path of plain characters");
    let settings = Settings::standalone().env("FOLDGATE_UPSTREAM_CA_FILE", ca_file);
    World::of(upstream, settings).await
}

#[tokio::test]
async fn requests_share_one_http2_connection() {
    let world = world(&["h2", "http/1.1"]).await;
    // Alone: requests that come before there is a connection may open one each.
    let answer = world.proxy.post(CHAT, &chat("m")).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hello");

    // All under way at once, whole answers and streams.
    let gates: Vec<Arc<Notify>> = (0..8).map(|_| Arc::default()).collect();
    let mut requests = Vec::new();
    for (number, gate) in gates.iter().enumerate() {
        let is_streamed = number % 2 == 1;
        let body = if is_streamed {
            streamed("m")
        } else {
            chat("m")
        };
        world.upstream.next(if is_streamed {
            Reply::chat_stream(&["one ", "two"]).held_by(gate)
        } else {
            Reply::chat("one two").held_by(gate)
        });
        let proxy = world.proxy.clone();
        requests.push(tokio::spawn(async move {
            let answer = proxy.post(CHAT, &body).await;
            if is_streamed {
                assert_eq!(answer.status, 200);
                sse::chat_text(&answer.events())
            } else {
                let text = &answer.ok()["choices"][0]["message"]["content"];
                text.as_str().unwrap_or_default().to_owned()
            }
        }));
        // One by one, so that each takes the reply that is meant for it.
        world.upstream.called(number + 2).await;
    }
    for gate in &gates {
        gate.notify_one();
    }
    for request in requests {
        assert_eq!(request.await.expect("it is answered"), "one two");
    }
    let seen = world.upstream.seen();
    assert_eq!(seen.len(), 9);
    for seen in seen {
        assert_eq!(
            (seen.version, seen.connection),
            (Version::HTTP_2, 0),
            "{seen:?}"
        );
        assert!(seen.credential().is_some(), "{seen:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_http2_stream_only() {
    let world = world(&["h2"]).await;
    let gate = Arc::new(Notify::new());
    world.upstream.next(Reply::stream(vec![
        Step::chunk("one"),
        Step::Gate(Arc::clone(&gate)),
        Step::Send(sse::DONE.into()),
    ]));
    let open = async || {
        let request = world.proxy.request(Method::POST, CHAT).json(&streamed("m"));
        let mut response = request.send().await.expect("a status comes");
        assert!(response.chunk().await.expect("it goes on").is_some());
        response
    };
    let stays = open().await;
    world
        .upstream
        .next(Reply::stream(vec![Step::chunk("one"), Step::Hang]));
    let leaves = open().await;
    drop(leaves);
    holds("the upstream call ends", SOON, async || {
        world.upstream.last().left()
    })
    .await;
    gate.notify_one();
    let rest = tokio::time::timeout(SOON, stays.bytes()).await;
    let rest = rest.expect("it ends").expect("it ends well");
    assert!(rest.ends_with(sse::DONE.as_bytes()));
    let seen = world.upstream.seen();
    assert!(!seen[0].left());
    assert!(seen.iter().all(|seen| seen.connection == 0), "{seen:?}");
}

#[tokio::test]
async fn an_upstream_that_offers_http1_only_is_spoken_to_in_it() {
    let world = world(&["http/1.1"]).await;
    world.proxy.post(CHAT, &chat("m")).await.ok();
    let answer = world.proxy.post(CHAT, &streamed("m")).await;
    assert_eq!(sse::chat_text(&answer.events()), "echo: hello");
    let seen = world.upstream.seen();
    assert!(
        seen.iter().all(|seen| seen.version == Version::HTTP_11),
        "{seen:?}"
    );
}

#[tokio::test]
async fn an_authority_that_is_not_set_is_not_trusted() {
    let upstream = FakeUpstream::start_tls(&["h2"]).await;
    let world = World::of(upstream, Settings::standalone()).await;
    let error = world.proxy.post(CHAT, &chat("m")).await;
    assert!(error.status >= 500, "{}", error.text());
    assert_eq!(world.upstream.count(), 0);
    let entry = world.admin.sleeping(world.key, SOON).await;
    assert_eq!(entry["Cause"], "connect", "{entry}");
}
