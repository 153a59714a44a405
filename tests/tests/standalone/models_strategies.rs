//! How a Model that leads chooses, and what is tried after a failure, on a whole
//! process: the strategies that go by price, speed and load, hashing by what a
//! request carries, further tries, time-outs and cooldowns.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use foldgate_tests::admin::id;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::{Hint, Seen, Step};
use foldgate_tests::{Client, Reply, Settings, eventually, sse};
use http::Method;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::models_world::{COMPLETIONS, EMBEDDINGS, MODELS, World, asking, leading};
use super::{CHAT, chat, streamed};

const SERVED_BY: &str = "x-foldgate-served-by";

/// A Model that leads to the first `count` targets, with more said of its routing.
fn smart(strategy: &str, count: usize, more: &Value) -> Value {
    let targets: Vec<Value> = (1..=count)
        .map(|number| json!({"model": format!("t{number}")}))
        .collect();
    let mut smart = leading("smart", strategy, &json!(targets));
    for (field, value) in more.as_object().expect("fields") {
        smart["routing"][field] = value.clone();
    }
    smart
}

/// Sets fields of a target.
async fn set(world: &World, target: usize, fields: &Value) {
    let admin = world.admin();
    let path = &world.targets[target - 1];
    let mut value = admin.get(path).await.ok()["value"].clone();
    for (field, set) in fields.as_object().expect("fields") {
        value[field] = set.clone();
    }
    admin.put(path, &value).await.ok();
}

/// Which targets were asked, in order, from a place on.
fn asked(world: &World, from: usize) -> Vec<String> {
    let seen = world.upstream.seen().split_off(from);
    let model = |seen: &Seen| seen.json()["model"].as_str().expect("a model").to_owned();
    seen.iter().map(model).collect()
}

/// Calls once and says which targets were asked for it.
async fn tried(world: &World, path: &str, model: &str) -> Vec<String> {
    let before = world.upstream.count();
    let answer = world
        .foldgate
        .proxy()
        .post(path, &asking(path, model))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    asked(world, before)
}

/// Opens a stream that stays open until the test says go.
async fn open(world: &World, caller: &Client, go: &Arc<Notify>) -> Response {
    let end = Step::Send(Bytes::from_static(sse::DONE.as_bytes()));
    let steps = vec![Step::chunk("one"), Step::Gate(Arc::clone(go)), end];
    world.upstream.next(Reply::stream(steps));
    let request = caller.request(Method::POST, CHAT).json(&streamed("smart"));
    let response = request.send().await.expect("a head");
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test]
async fn least_cost_goes_by_price_also_after_a_change_of_it() {
    let world = World::start(3).await;
    let price = |input: f64| json!({"cost": {"input_per_1k": input, "output_per_1k": 0.5}});
    set(&world, 2, &price(0.4)).await;
    set(&world, 3, &price(0.1)).await;
    world
        .made(MODELS, &smart("least_cost", 3, &json!({})))
        .await;
    for path in [CHAT, COMPLETIONS, EMBEDDINGS] {
        assert_eq!(tried(&world, path, "smart").await, ["up-3"], "{path}");
    }
    set(&world, 3, &price(0.6)).await;
    assert_eq!(tried(&world, CHAT, "smart").await, ["up-2"]);
    // The dearer serves while the cheaper one's key sleeps.
    world.upstream.next(Reply::rate_limited(Hint::Seconds(60)));
    assert_eq!(tried(&world, CHAT, "smart").await, ["up-2", "up-3"]);
    assert_eq!(tried(&world, CHAT, "smart").await, ["up-3"]);
}

#[tokio::test]
async fn least_latency_goes_by_the_time_to_the_first_byte() {
    let world = World::start(2).await;
    world
        .made(MODELS, &smart("least_latency", 2, &json!({})))
        .await;
    // The first target's answer waits until the second has answered some others.
    let go = Arc::new(Notify::new());
    world.upstream.next(Reply::chat("late").held_by(&go));
    let slow = world.chat("smart", &[]);
    let meanwhile = async {
        world.upstream.called(1).await;
        for _ in 0..5 {
            world.chat("t2", &[]).await.ok();
        }
        go.notify_one();
    };
    let (slow, ()) = tokio::join!(slow, meanwhile);
    assert_eq!(slow.header(SERVED_BY), Some("t1"));
    for _ in 0..3 {
        assert_eq!(tried(&world, CHAT, "smart").await, ["up-2"]);
    }
}

#[tokio::test]
async fn least_busy_goes_by_the_calls_under_way() {
    let world = World::start(2).await;
    let caller = world.foldgate.proxy();
    world
        .made(MODELS, &smart("least_busy", 2, &json!({})))
        .await;
    let go = Arc::new(Notify::new());
    let mut open_ones = Vec::new();
    for expected in ["t1", "t2", "t1", "t2"] {
        let response = open(&world, &caller, &go).await;
        assert_eq!(response.headers()[SERVED_BY], expected);
        open_ones.push(response);
    }
    go.notify_waiters();
    for response in open_ones {
        let text = response.text().await.expect("whole");
        assert!(text.ends_with(sse::DONE), "{text}");
    }
}

/// Which target serves whoever sends this header; each keeps its own.
async fn by_header(world: &World, name: &str, value: impl Fn(usize) -> String) -> usize {
    let mut all = BTreeSet::new();
    for number in 0..16 {
        let value = value(number);
        let mut own = BTreeSet::new();
        for _ in 0..2 {
            let answer = world.chat("smart", &[(name, &value)]).await;
            answer.ok();
            own.insert(answer.header(SERVED_BY).expect("named").to_owned());
        }
        assert_eq!(own.len(), 1, "{name}: {value}");
        all.extend(own);
    }
    all.len()
}

#[tokio::test]
async fn consistent_hash_goes_by_header_cookie_and_address() {
    let settings = Settings::standalone().env("FOLDGATE_TRUSTED_PROXIES", "127.0.0.0/8");
    let world = World::start_with(settings, 3).await;
    let hashed = |source: &Value| smart("consistent_hash", 3, &json!({"hash_on": [source]}));
    let header = json!({"type": "header", "name": "X-Team"});
    let path = world.made(MODELS, &hashed(&header)).await;
    let team = |number| format!("team-{number}");
    assert!(by_header(&world, "x-team", team).await > 1);
    assert_eq!(by_header(&world, "x-other", team).await, 1);

    let admin = world.admin();
    let cookie = json!({"type": "cookie", "name": "lane"});
    admin.put(&path, &hashed(&cookie)).await.ok();
    let lane = |number| format!("a=b; lane=l{number}; c=d");
    assert!(by_header(&world, "cookie", lane).await > 1);

    // Of a client behind a trusted balancer, its own address.
    let address = json!({"type": "client_ip"});
    admin.put(&path, &hashed(&address)).await.ok();
    let from = |number| format!("198.51.100.{number}");
    assert!(by_header(&world, "x-forwarded-for", from).await > 1);
    assert_eq!(by_header(&world, "x-team", team).await, 1);
}

#[tokio::test]
async fn further_tries_and_listed_statuses() {
    let world = World::start(2).await;
    set(&world, 1, &json!({"retries": 2})).await;
    let listed = json!({"fallback_on_statuses": [400]});
    world.made(MODELS, &smart("failover", 2, &listed)).await;
    // Two more tries mend it: nobody sleeps.
    world.upstream.next(Reply::failing(500));
    world.upstream.next(Reply::failing(502));
    let all_one = ["up-1", "up-1", "up-1"];
    assert_eq!(tried(&world, CHAT, "smart").await, all_one);
    assert_eq!(tried(&world, EMBEDDINGS, "t1").await, ["up-1"]);

    // A fault of the request's own is not tried again; where the status is listed
    // the next target may think otherwise.
    let fault = || Reply::error(400, "invalid_request_error", None, "no such field");
    world.upstream.next(fault());
    assert_eq!(tried(&world, CHAT, "smart").await, ["up-1", "up-2"]);
    let before = world.upstream.count();
    world.upstream.next(fault());
    world.chat("t1", &[]).await.error(400);
    assert_eq!(asked(&world, before), ["up-1"]);

    // The last try failed as well: the next target, and the key sleeps.
    for status in [500, 500, 500] {
        world.upstream.next(Reply::failing(status));
    }
    let then = ["up-1", "up-1", "up-1", "up-2"];
    assert_eq!(tried(&world, CHAT, "smart").await, then);
    assert_eq!(tried(&world, CHAT, "smart").await, ["up-2"]);
}

#[tokio::test]
async fn a_target_that_is_late_gives_way_in_its_own_time() {
    let world = World::start(2).await;
    set(&world, 1, &json!({"timeout": 100, "stream_timeout": 120})).await;
    world.made(MODELS, &smart("failover", 2, &json!({}))).await;
    world.upstream.next(Reply::never());
    assert_eq!(tried(&world, CHAT, "smart").await, ["up-1", "up-2"]);
    let way = world.explain("smart").await;
    assert_eq!(way["legs"][0]["state"], "asleep", "{way}");

    let world = World::start(2).await;
    set(&world, 1, &json!({"timeout": 100, "stream_timeout": 120})).await;
    world.made(MODELS, &smart("failover", 2, &json!({}))).await;
    world.upstream.next(Reply::never());
    let answer = world.foldgate.proxy().post(CHAT, &streamed("smart")).await;
    assert_eq!(answer.header(SERVED_BY), Some("t2"));
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
}

#[tokio::test]
async fn a_models_own_cooldown_spares_the_keys_other_models() {
    let world = World::start(1).await;
    let rest = json!({"cooldown": {"enabled": true, "default_seconds": 120}});
    set(&world, 1, &rest).await;
    let key = world.keys[0].rsplit('/').next().expect("an id");
    let other = json!({"display_name": "other", "model_name": "up-o", "provider_key_id": key});
    world.made(MODELS, &other).await;
    world.upstream.next(Reply::failing(503));
    let answer = world.chat("t1", &[]).await;
    assert_ne!(answer.status, 200);
    let answer = world.chat("t1", &[]).await;
    answer.error(503);
    let wait: u64 = answer
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("seconds");
    assert!((90..=132).contains(&wait), "{wait}");
    assert_eq!(tried(&world, CHAT, "other").await, ["up-o"]);
    assert_eq!(world.explain("t1").await["legs"][0]["state"], "asleep");
    assert_eq!(world.explain("other").await["legs"][0]["state"], "awake");
    // An operator's wake ends it.
    let id = id(&world.admin().keys().await[0]);
    let wake = format!("/x-keys/{id}/wake");
    world.admin().post(&wake, &json!({})).await.ok();
    eventually("t1 serves again", SOON, async || {
        let answer = world.foldgate.proxy().post(CHAT, &chat("t1")).await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text()),
        }
    })
    .await;
}
