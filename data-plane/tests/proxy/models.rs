//! Models on the proxy: how names lead to them, what the upstream is asked, who may
//! call them, and how often at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use foldgate_domain::command::{Command, PatchKey};
use foldgate_proto::{DefinitionNumber, KeyNumber, Level};
use http::{Method, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::rig::PATIENCE;
use crate::targets::{
    ANSWER, CHAT, COMPLETIONS, EMBEDDINGS, EVENTS, VECTORS, World, held, merged, routing, target,
};
use crate::upstream::Script;

#[tokio::test]
async fn a_model_is_asked_for_by_its_name_upstream_and_nothing_else_changes() {
    let world = World::start(1, json!({})).await;
    let body = r#"{ "n":1, "model" : "t1", "messages":[{"content":"t1"}] }"#;
    let embed = r#"{"input":"x","model":"t1"}"#;
    world.script(1, Script::json(200, ANSWER));
    let reply = world.rig.caller.post(CHAT, body).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (200, ANSWER.to_owned())
    );
    assert_eq!(reply.header("x-foldgate-served-by"), None, "it is no other");
    assert_eq!(world.rig.caller.post(COMPLETIONS, body).await.status, 200);
    world.script(1, Script::json(200, VECTORS));
    assert_eq!(world.rig.caller.post(EMBEDDINGS, embed).await.status, 200);
    let asked = world.upstream.asked();
    let paths: Vec<&str> = asked.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, [CHAT, COMPLETIONS, EMBEDDINGS]);
    let renamed = body.replacen("\"t1\"", "\"up-1\"", 1);
    assert_eq!([&asked[0].body, &asked[1].body], [&renamed, &renamed]);
    assert_eq!(asked[2].body, embed.replace("t1", "up-1"));
}

#[tokio::test]
async fn a_stream_of_a_model_passes() {
    let world = World::start(1, json!({})).await;
    world.script(1, Script::stream(EVENTS));
    for path in [CHAT, COMPLETIONS] {
        let reply = world.stream(path, "t1").await;
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (200, EVENTS.to_owned())
        );
    }
    assert_eq!(world.models_asked(), ["up-1", "up-1"]);
}

#[tokio::test]
async fn a_model_wins_over_the_mapper_and_changes_take_hold_at_once() {
    let mut world = World::start(2, json!({})).await;
    world.rig.all_to_level_1().await;
    let number = world
        .model(target(2, json!({"display_name": "gpt-4o"})))
        .await;
    assert_eq!(world.turns("gpt-4o", 1).await, [2]);
    let by_level_1 = json!({"display_name": "gpt-4o", "level": 1});
    world.put(Some(number), target(2, by_level_1)).await;
    assert_eq!(world.turns("gpt-4o", 1).await, [1]);
    world.remove(number).await;
    assert_eq!(world.turns("gpt-4o", 1).await, [1], "LEVEL_MAPPER's again");
    assert_eq!(world.models_asked(), ["up-2", "up-2", "gpt-4o"]);
}

#[tokio::test]
async fn a_wildcards_stars_are_filled() {
    let mut world = World::start(2, json!({})).await;
    let wild = |name: &str, upstream: &str, level: u64| json!({"display_name": name, "model_name": upstream, "level": level});
    world.model(wild("acme/*", "vendor-*", 1)).await;
    world.model(wild("acme/*-mini", "small/*", 2)).await;
    assert_eq!(world.call(CHAT, "acme/large", &[]).await.status, 200);
    world.script(2, Script::json(200, VECTORS));
    assert_eq!(world.call(EMBEDDINGS, "acme/x-mini", &[]).await.status, 200);
    assert_eq!(world.asked(), [1, 2]);
    assert_eq!(world.models_asked(), ["vendor-large", "small/x"]);
    let unknown = world.call(CHAT, "acme", &[]).await;
    assert_eq!(unknown.code(), (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn a_model_of_one_key_keeps_to_it_wherever_it_stands() {
    let mut world = World::start(2, json!({})).await;
    let state = world.rig.replica.state();
    let key = state.owners.values().next().unwrap().keys[&KeyNumber(2)].id;
    let one = json!({"display_name": "one", "model_name": "m", "provider_key_id": key.0});
    world.model(one).await;
    let to = |level| {
        Command::PatchKey(PatchKey {
            number: KeyNumber(2),
            level: Some(Level::new(level).unwrap()),
            ..PatchKey::default()
        })
    };
    assert_eq!(world.turns("one", 2).await, [2, 2]);
    world.rig.write(&to(1)).await;
    assert_eq!(world.turns("one", 3).await, [2, 2, 2]);
    let both: BTreeSet<usize> = world.turns("t1", 4).await.into_iter().collect();
    assert_eq!(both, BTreeSet::from([1, 2]), "the pool has both");
    let off = PatchKey {
        number: KeyNumber(2),
        enabled: Some(false),
        ..PatchKey::default()
    };
    world.rig.write(&Command::PatchKey(off)).await;
    let reply = world.call(CHAT, "one", &[]).await;
    assert_eq!(reply.code(), (503, "no_key_available".to_owned()));
}

#[tokio::test]
async fn models_may_be_bound_to_addresses() {
    let mut world = World::start(2, json!({})).await;
    let away = json!({"allowed_cidrs": ["192.0.2.0/24"]});
    let here = json!({"allowed_cidrs": ["192.0.2.0/24", "127.0.0.1"]});
    let named =
        |name: &str, more: &Value| target(1, merged(json!({"display_name": name}), more.clone()));
    world.model(named("away", &away)).await;
    world.model(named("here", &here)).await;
    let outer = merged(routing("outer", 2, json!({})), away.clone());
    world.model(outer).await;
    let to = |names: &[&str]| {
        let targets: Vec<Value> = names.iter().map(|name| json!({"model": name})).collect();
        json!({"targets": targets})
    };
    world
        .model(json!({"display_name": "mixed", "routing": to(&["away", "t2"])}))
        .await;
    world
        .model(json!({"display_name": "beyond", "routing": to(&["away"])}))
        .await;
    for path in [CHAT, COMPLETIONS, EMBEDDINGS] {
        for model in ["away", "outer", "beyond"] {
            let reply = world.call(path, model, &[]).await;
            assert_eq!(reply.code(), (403, "ip_not_allowed".to_owned()), "{model}");
            assert_eq!(reply.json()["error"]["param"], "model");
        }
    }
    assert_eq!(world.asked(), [] as [usize; 0]);
    assert_eq!(world.turns("here", 1).await, [1]);
    assert_eq!(
        world.turns("mixed", 1).await,
        [2],
        "the other target is left"
    );
    let listed = world.rig.caller.get("/v1/models").await.json().to_string();
    for (model, shown) in [
        ("here", true),
        ("mixed", true),
        ("away", false),
        ("outer", false),
    ] {
        assert_eq!(listed.contains(&format!("\"{model}\"")), shown, "{model}");
    }
}

#[tokio::test]
async fn exact_names_are_listed_and_wildcards_answer_for_what_they_match() {
    let mut world = World::start(2, json!({})).await;
    world.model(routing("smart", 2, json!({}))).await;
    world
        .model(target(1, json!({"display_name": "any/*"})))
        .await;
    world
        .model(target(9, json!({"display_name": "keyless"})))
        .await;
    let list = world.rig.caller.get("/v1/models").await.json();
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["smart", "t1", "t2"]);
    assert_eq!(world.rig.caller.get("/v1/models/any/x").await.status, 200);
    assert_eq!(world.rig.caller.get("/v1/models/none").await.status, 404);
}

async fn try_open(world: &World, path: &str, model: &str) -> Response<Incoming> {
    let body = json!({"model": model, "stream": true}).to_string();
    let request = world.rig.caller.request(Method::POST, path, body);
    world.rig.caller.open(request).await
}

/// Opens a stream and leaves it open.
async fn open(world: &World, path: &str, model: &str) -> Response<Incoming> {
    let response = try_open(world, path, model).await;
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test]
async fn no_more_calls_at_once_than_a_model_allows_until_the_streams_end() {
    let limited = json!({"rate_limit": {"concurrency": 2}});
    let world = World::start(1, limited).await;
    let (go, never) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    world.script(1, held(&go));
    world.script(1, held(&never));
    let first = open(&world, CHAT, "t1").await;
    let second = open(&world, COMPLETIONS, "t1").await;
    for path in [CHAT, COMPLETIONS, EMBEDDINGS] {
        let reply = world.call(path, "t1", &[]).await;
        assert_eq!(reply.code(), (429, "rate_limit_exceeded".to_owned()));
        assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(
        world.asked().len(),
        2,
        "who is refused does not reach the upstream"
    );
    // One reads to the end, the other leaves.
    go.notify_one();
    assert_eq!(
        first.into_body().collect().await.unwrap().to_bytes(),
        EVENTS
    );
    let _third = open(&world, CHAT, "t1").await;
    drop(second);
    // Its connection is closed beside our own calls.
    let deadline = Instant::now() + PATIENCE;
    while try_open(&world, CHAT, "t1").await.status() != 200 {
        assert!(Instant::now() < deadline, "a caller who leaves makes room");
    }
}

#[tokio::test]
async fn a_target_without_room_gives_way_and_the_model_that_leads_has_its_own_limit() {
    let mut world = World::start(2, json!({"rate_limit": {"concurrency": 1}})).await;
    world.model(routing("smart", 2, json!({}))).await;
    let narrow = json!({"rate_limit": {"concurrency": 1}});
    world
        .model(merged(routing("narrow", 2, json!({})), narrow))
        .await;
    let go = Arc::new(Notify::new());
    world.script(1, held(&go));
    world.script(2, held(&go));
    let _first = open(&world, CHAT, "t1").await;
    let second = open(&world, CHAT, "narrow").await;
    assert_eq!(second.headers()["x-foldgate-served-by"], "t2");
    assert_eq!(world.asked(), [1, 2]);
    for model in ["smart", "narrow"] {
        let reply = world.call(CHAT, model, &[]).await;
        assert_eq!(
            reply.code(),
            (429, "rate_limit_exceeded".to_owned()),
            "{model}"
        );
    }
}

#[tokio::test]
async fn a_model_that_goes_is_unknown_at_once() {
    let mut world = World::start(1, json!({})).await;
    let smart = world.model(routing("smart", 1, json!({}))).await;
    assert_eq!(world.turns("smart", 1).await, [1]);
    world.remove(smart).await;
    world.remove(DefinitionNumber(1)).await;
    for model in ["smart", "t1"] {
        let reply = world.call(CHAT, model, &[]).await;
        assert_eq!(reply.code(), (404, "model_not_found".to_owned()));
    }
}
