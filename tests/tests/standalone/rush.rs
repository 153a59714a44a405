//! Many clients at once, of every manner, on upstreams that fail in every way,
//! while keys are woken and moved: everybody gets an answer that is one, and when
//! they are gone nothing of them is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foldgate_tests::client::{Answer, attempt, finish};
use foldgate_tests::poll::{SOON, nightly};
use foldgate_tests::upstream::{Hint, Step};
use foldgate_tests::{Client, FakeUpstream, Foldgate, Reply, eventually, sse};
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::{CHAT, World, chat, streamed};

/// Clients at a time.
const CLIENTS: usize = 16;

/// What one process may keep of the longest rush, in bytes; about what it takes for
/// so many connections. A leak of 2 KiB per request would be more.
const MOST_KEPT: f64 = 64.0 * 1024.0 * 1024.0;

/// Answers in turn as good and bad upstreams do.
fn moody(upstream: &FakeUpstream) {
    let turn = AtomicUsize::new(0);
    upstream.when(move |seen| {
        let is_streamed = seen.json()["stream"] == true;
        match turn.fetch_add(1, Ordering::Relaxed) % 12 {
            0 => Some(Reply::failing(500)),
            1 => Some(Reply::rate_limited(Hint::Millis(50))),
            2 => Some(Reply::error(
                400,
                "invalid_request_error",
                Some("bad"),
                "bad",
            )),
            3 if is_streamed => Some(Reply::broken_stream(&["one", "two"])),
            4 if is_streamed => Some(Reply::error_in_stream(&["one"])),
            5 if is_streamed => Some(Reply::error_in_stream(&[])),
            6 => Some(Reply::garbage()),
            7 if is_streamed => Some(Reply::stream(vec![Step::chunk("one"), Step::Hang])),
            _ => None,
        }
    });
}

/// One client; the manner goes by its number.
async fn client(proxy: &Client, number: usize) {
    let request = |body| proxy.request(Method::POST, CHAT).json(&body);
    match number % 5 {
        0 | 1 => judge(&finish("whole", request(chat("m"))).await, false),
        2 => {
            // A stream that hangs is left after a while.
            let patience = Duration::from_secs(2);
            let request = request(streamed("m")).timeout(patience);
            if let Ok(answer) = attempt("streamed", request).await {
                judge(&answer, true);
            }
        }
        3 => {
            // Leaves with the first piece.
            let mut response = request(streamed("m")).send().await.expect("a status comes");
            let _ = response.chunk().await;
        }
        _ => {
            // Leaves before anything can have come.
            let request = request(streamed("m")).timeout(Duration::from_millis(1));
            let _ = attempt("impatient", request).await;
        }
    }
}

/// An answer is what was asked for, or an error in form.
fn judge(answer: &Answer, is_streamed: bool) {
    if answer.status != 200 {
        answer.error(answer.status);
        return;
    }
    if !is_streamed {
        assert!(answer.text().contains("echo: hello"), "{}", answer.text());
        return;
    }
    let events = answer.events();
    let last = events.last().map(String::as_str).unwrap_or_default();
    let is_whole = last == "[DONE]" && sse::chat_text(&events) == "echo: hello";
    let is_error = last.contains("\"error\"");
    assert!(is_whole || is_error, "{}", answer.text());
}

/// One number of the metrics page.
async fn metric(foldgate: &Foldgate, name: &str) -> f64 {
    let page = foldgate.metrics().await;
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|rest| rest.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {page}"))
}

async fn rush(world: &World, requests: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (proxy, next) = (world.proxy.clone(), Arc::clone(&next));
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return;
                }
                client(&proxy, number).await;
            }
        });
    }
    // Meanwhile an operator wakes keys and moves them about.
    let mut turn = 0;
    while next.load(Ordering::Relaxed) < requests {
        turn += 1;
        for key in world.admin.keys().await {
            let path = format!("/x-keys/{}", key["ID"]);
            world
                .admin
                .post(&format!("{path}/wake"), &json!({}))
                .await
                .ok();
            if turn % 3 == 0 {
                let level = 1 + (turn / 3 + key["ID"].as_u64().expect("a number")) % 2;
                world.admin.put(&path, &json!({"Level": level})).await.ok();
            }
        }
    }
    while let Some(client) = clients.join_next().await {
        client.expect("every client is content");
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_rush() {
    let world = World::new().await;
    let second = FakeUpstream::start().await;
    for upstream in [&world.upstream, &second] {
        moody(upstream);
        for level in [1, 2] {
            world.admin.add_key(level, &upstream.url()).await;
        }
    }
    world
        .admin
        .config(&json!({"SWITCH_OVER": "1=2, 2=1"}))
        .await;
    let requests = nightly(400, 40_000);
    rush(&world, requests / 4).await;
    let memory = "process_resident_memory_bytes";
    let before = metric(&world.foldgate, memory).await;
    rush(&world, requests).await;

    eventually("no request is under way", SOON, async || {
        match metric(&world.foldgate, "foldgate_proxy_in_flight").await {
            0.0 => Ok(()),
            left => Err(format!("{left} are")),
        }
    })
    .await;
    let kept = metric(&world.foldgate, memory).await - before;
    assert!(kept < MOST_KEPT, "{kept} bytes are kept");
    let output = world.foldgate.output();
    assert!(!output.contains("\"panic\""), "{output}");
    // Every key is good for a request again, one after the other.
    world.upstream.recover();
    second.recover();
    for key in world.admin.keys().await {
        let path = format!("/x-keys/{}", key["ID"]);
        world
            .admin
            .post(&format!("{path}/wake"), &json!({}))
            .await
            .ok();
    }
    let before = world.upstream.count() + second.count();
    assert!(before > requests / 4, "{before} calls came of {requests}");
    for _ in 0..20 {
        world.proxy.post(CHAT, &chat("m")).await.ok();
    }
    let after = world.upstream.count() + second.count();
    assert_eq!(after, before + 20, "each at the first try");
}
