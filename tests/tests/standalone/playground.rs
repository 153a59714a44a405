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
async fn its_document_has_every_status_that_the_proxys_has() {
    let world = World::new().await;
    let proxy = world.proxy.get("/openapi.json").await.ok();
    let admin = world.admin.get("/admin/openapi.json").await.ok();
    let of = |document: &serde_json::Value, path: &str| {
        let responses = document["paths"][path]["post"]["responses"].clone();
        responses.as_object().expect("it is documented").clone()
    };
    let here = of(&admin, PLAYGROUND);
    let there = of(&proxy, super::CHAT);
    // Of messages alone, as its words say.
    for status in there.keys().filter(|status| *status != "529") {
        assert!(here.contains_key(status), "{status} of the proxy");
    }
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

/// Headers that say how an answer travels, and those that the upstream gave.
const OF_HTTP: &[&str] = &[
    "cache-control",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "x-content-type-options",
];

#[tokio::test]
async fn its_answers_have_no_header_that_the_document_does_not_tell_of() {
    let world = World::new().await;
    let admin = &world.admin;
    let model = json!({"display_name": "spread", "routing": {"targets": [{"model": "one"}]}});
    let one = json!({"display_name": "one", "model_name": "m", "level": 1});
    admin.post("/admin/v1/models", &one).await.ok();
    admin.post("/admin/v1/models", &model).await.ok();
    let limits = json!({"MODEL_LIMITS": {"m": {"rpm": 1000, "tpm": 100_000}}});
    admin.config(&limits).await.ok();
    let document = admin.get("/admin/openapi.json").await.expect(200);
    let responses = &document["paths"][PLAYGROUND]["post"]["responses"];
    let stranger = admin.with_key(Some("sk-nobody"));
    let answers = [
        (admin.post(PLAYGROUND, &chat("spread")).await, 200),
        (admin.post(PLAYGROUND, &streamed("m")).await, 200),
        (admin.post(PLAYGROUND, &chat("m")).await, 200),
        (stranger.post(PLAYGROUND, &chat("m")).await, 401),
        (admin.post(PLAYGROUND, &json!({})).await, 400),
    ];
    let by = answers[0].0.header("x-foldgate-served-by");
    assert_eq!(by, Some("one"));
    for (answer, status) in answers {
        assert_eq!(answer.status, status, "{}", answer.text());
        let response = &responses[status.to_string()];
        let told = response["headers"].as_object().expect("headers");
        let names = answer.headers.keys().map(http::HeaderName::as_str);
        let untold: Vec<&str> = names
            .filter(|name| !OF_HTTP.contains(name))
            .filter(|name| !told.keys().any(|known| known.eq_ignore_ascii_case(name)))
            .collect();
        assert!(untold.is_empty(), "{status}: {untold:?}");
        let kind = answer.header("content-type").expect("a content type");
        let kind = kind.split(';').next().expect("a kind");
        assert!(response["content"][kind].is_object(), "{status}: {kind}");
    }
}
