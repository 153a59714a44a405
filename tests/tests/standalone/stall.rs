//! A client that stops taking one of its streams: that stream ends, up to the
//! upstream, and nothing else does. One that takes an answer slowly gets all of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{Reply, Settings, holds, sse};
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::{CHAT, World, chat, streamed};

/// What a client lets the server send of one stream before it has read any of it.
const WINDOW: u32 = 2_000;

/// An HTTP/2 connection whose streams have a small window each.
async fn connect(world: &World) -> http2::SendRequest<Full<Bytes>> {
    let address = world.proxy.base().trim_start_matches("http://");
    let socket = TcpStream::connect(address)
        .await
        .expect("the proxy listens");
    let (client, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .handshake(TokioIo::new(socket))
        .await
        .expect("the proxy speaks HTTP/2");
    tokio::spawn(connection);
    client
}

/// Opens a stream with this request.
async fn open(
    world: &World,
    client: &mut http2::SendRequest<Full<Bytes>>,
    body: &Value,
) -> Incoming {
    let request = Request::post(format!("{}{CHAT}", world.proxy.base()))
        .header("authorization", format!("Bearer {OWNER_KEY}"))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .expect("it is a request");
    let response = client.send_request(request).await.expect("a status comes");
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, Version::HTTP_2)
    );
    response.into_body()
}

/// Reads until the text has come.
async fn read_until(body: &mut Incoming, text: &str) {
    let mut read = String::new();
    while !read.contains(text) {
        let next = tokio::time::timeout(SOON, body.frame()).await;
        let frame = next.unwrap_or_else(|_| panic!("no {text} within {SOON:?}; so far: {read}"));
        let frame = frame.unwrap_or_else(|| panic!("the stream ended without {text}: {read}"));
        if let Some(data) = frame.expect("it goes on").data_ref() {
            read.push_str(&String::from_utf8_lossy(data));
        }
    }
}

fn gated(gate: &Arc<Notify>) -> Reply {
    Reply::stream(vec![
        Step::chunk("before"),
        Step::Gate(Arc::clone(gate)),
        Step::chunk("after"),
        Step::Send(sse::DONE.into()),
    ])
}

#[tokio::test]
async fn a_stalled_stream_ends_alone_up_to_the_upstream() {
    let settings = Settings::standalone().env("FOLDGATE_HTTP_WRITE_TIMEOUT", "500ms");
    let world = World::with(settings).await;
    let gates: [Arc<Notify>; 2] = Default::default();
    let [beside, other] = gates.clone();
    world
        .upstream
        .when(move |seen| match seen.json()["model"].as_str() {
            Some("stalled") => {
                let mut steps: Vec<Step> =
                    (0..500).map(|_| Step::chunk("more than fits")).collect();
                steps.push(Step::Hang);
                Some(Reply::stream(steps))
            }
            Some("beside") => Some(gated(&beside)),
            _ => Some(gated(&other)),
        });
    let mut client = connect(&world).await;
    let mut beside = open(&world, &mut client, &streamed("beside")).await;
    read_until(&mut beside, "before").await;
    let request = world
        .proxy
        .request(Method::POST, CHAT)
        .json(&streamed("other"));
    let mut other = request.send().await.expect("a status comes");
    assert!(other.chunk().await.expect("it goes on").is_some());

    let mut stalled = open(&world, &mut client, &streamed("stalled")).await;
    holds("the stalled upstream call ends", SOON, async || {
        world.upstream.last().left()
    })
    .await;
    // Its client learns of it as soon as it reads on.
    let ended = async {
        loop {
            match stalled.frame().await {
                Some(Ok(_)) => {}
                end => break format!("{end:?}"),
            }
        }
    };
    let ended = tokio::time::timeout(SOON, ended)
        .await
        .expect("the stream ends");
    assert!(ended.contains("CANCEL"), "{ended}");

    // What shares the connection goes on, and so do others; new streams, too.
    for gate in &gates {
        gate.notify_one();
    }
    read_until(&mut beside, "[DONE]").await;
    let mut rest = Vec::new();
    while let Some(part) = other.chunk().await.expect("it goes on") {
        rest.extend_from_slice(&part);
    }
    assert!(String::from_utf8_lossy(&rest).ends_with(sse::DONE));
    gates[1].notify_one();
    let mut next = open(&world, &mut client, &streamed("next")).await;
    read_until(&mut next, "[DONE]").await;
    // It was nobody's failure but the client's.
    assert_eq!(world.admin.conf().await["SleepingKeys"], json!([]));
    let metrics = world.foldgate.metrics().await;
    let counted = "foldgate_streams_timed_out_total{listener=\"proxy\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_whole_answer_that_is_read_slowly_is_read_to_its_end() {
    let settings = Settings::standalone().env("FOLDGATE_HTTP_IDLE_TIMEOUT", "200ms");
    let world = World::with(settings).await;
    let said = "a long answer ".repeat(2_000);
    world.upstream.always(Reply::chat(&said));
    let mut client = connect(&world).await;
    let mut body = open(&world, &mut client, &chat("m")).await;
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame.expect("it goes on").data_ref() {
            read.extend_from_slice(data);
        }
        // The pause is what is tested: all of them are many idle limits long.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer: Value = serde_json::from_slice(&read).expect("it is whole");
    assert_eq!(answer["choices"][0]["message"]["content"], said);
}
