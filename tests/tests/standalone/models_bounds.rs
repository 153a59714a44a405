//! What bounds calls of Models, set by the admin API and felt on the proxy: whose
//! key, from where, and how many at once.

use std::sync::Arc;

use bytes::Bytes;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{Client, Reply, eventually, sse};
use http::Method;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::models_world::{ENDPOINTS, MODELS, World, asking, leading};
use super::{CHAT, streamed};

/// Opens a stream that stays open until the test says go.
async fn open(world: &World, caller: &Client, model: &str, go: &Arc<Notify>) -> Response {
    let gate = Step::Gate(Arc::clone(go));
    let end = Step::Send(Bytes::from_static(sse::DONE.as_bytes()));
    let reply = Reply::stream(vec![Step::chunk("one"), gate, end]);
    world.upstream.next(reply);
    let request = caller.request(Method::POST, CHAT).json(&streamed(model));
    let response = request.send().await.expect("a head");
    assert_eq!(response.status(), 200);
    response
}

/// Every endpoint refuses a model to a caller, in these words.
async fn all_refuse(caller: &Client, model: &str, status: u16, code: &str) {
    for (path, _) in ENDPOINTS {
        let answer = caller.post(path, &asking(path, model)).await;
        let error = answer.error(status);
        assert_eq!(
            error.code.as_deref(),
            Some(code),
            "{path}: {}",
            answer.text()
        );
    }
}

/// Lets a stream end, and waits until its place is free.
async fn ended(held: Response, go: &Notify, caller: &Client, model: &str) {
    go.notify_one();
    let text = held.text().await.expect("whole");
    assert!(text.ends_with(sse::DONE), "{text}");
    eventually("the place is free", SOON, async || {
        let answer = caller.post(CHAT, &super::chat(model)).await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text()),
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_is_bound_to_its_models_its_days_and_its_calls_at_once() {
    let world = World::start(2).await;
    let targets = json!([{"model": "t1"}, {"model": "t2"}]);
    world
        .made(MODELS, &leading("lead", "failover", &targets))
        .await;
    let lead = json!({"allowed_models": ["lead"]});
    let (path, caller) = world.caller(&lead).await;
    // Who may call a Model that leads need not be allowed its targets.
    caller.post(CHAT, &super::chat("lead")).await.ok();
    let calls = world.upstream.count();
    all_refuse(&caller, "t1", 403, "model_not_allowed").await;
    let listed = caller.get("/v1/models").await.ok();
    let ids: Vec<&Value> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| &model["id"])
        .collect();
    assert_eq!(ids, ["lead"]);

    let put = async |more: Value| {
        let mut body = lead.clone();
        let more = more.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(more);
        world.admin().put(&path, &body).await.ok()
    };
    put(json!({"disabled": true})).await;
    all_refuse(&caller, "lead", 401, "disabled_api_key").await;
    assert_eq!(world.upstream.count(), calls);
    let soon = chrono::Utc::now() + chrono::Duration::seconds(1);
    put(json!({"expires_at": soon.to_rfc3339()})).await;
    eventually("the key expires", SOON, async || {
        match caller.get("/v1/models").await.status {
            401 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    all_refuse(&caller, "lead", 401, "expired_api_key").await;
    assert_eq!(world.upstream.count(), calls);

    put(json!({"rate_limit": {"concurrency": 1}})).await;
    let go: Arc<Notify> = Arc::default();
    let held = open(&world, &caller, "lead", &go).await;
    let before = world.upstream.count();
    all_refuse(&caller, "lead", 429, "rate_limit_exceeded").await;
    assert_eq!(world.upstream.count(), before);
    // Others are not bounded by it.
    let (_, other) = world.caller(&json!({"allowed_models": ["*"]})).await;
    other.post(CHAT, &super::chat("lead")).await.ok();
    ended(held, &go, &caller, "lead").await;
}

#[tokio::test]
async fn a_model_is_bound_to_addresses_and_its_calls_at_once() {
    let world = World::start(2).await;
    let proxy = world.foldgate.proxy();
    let admin = world.admin();
    let plain = admin.get(&world.targets[0]).await.ok()["value"].clone();
    let put = async |field: &str, value: Value| {
        let mut body = plain.clone();
        body[field] = value;
        admin.put(&world.targets[0], &body).await.ok();
    };
    put("allowed_cidrs", json!(["192.0.2.0/24"])).await;
    all_refuse(&proxy, "t1", 403, "ip_not_allowed").await;
    let way = world.explain("t1").await;
    assert_eq!(way["winner"]["allowed_cidrs"], json!(["192.0.2.0/24"]));
    put("allowed_cidrs", json!(["192.0.2.0/24", "127.0.0.0/8"])).await;
    proxy.post(CHAT, &super::chat("t1")).await.ok();

    put("rate_limit", json!({"concurrency": 1, "rpm": 60})).await;
    let targets = json!([{"model": "t1"}, {"model": "t2"}]);
    world
        .made(MODELS, &leading("lead", "failover", &targets))
        .await;
    let way = world.explain("t1").await;
    assert_eq!(way["winner"]["concurrency"], 1);
    assert_eq!(way["not_enforced"], json!([]));
    let go: Arc<Notify> = Arc::default();
    let held = open(&world, &proxy, "t1", &go).await;
    let before = world.upstream.count();
    all_refuse(&proxy, "t1", 429, "rate_limit_exceeded").await;
    assert_eq!(world.upstream.count(), before);
    // As a target it gives way to the next.
    let answer = world.chat("lead", &[]).await;
    answer.ok();
    assert_eq!(answer.header("x-foldgate-served-by"), Some("t2"));
    ended(held, &go, &proxy, "t1").await;
}
