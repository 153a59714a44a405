//! Models that lead to others: which target serves a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::rig::until;
use crate::targets::{
    ANSWER, CHAT, COMPLETIONS, EMBEDDINGS, EVENTS, VECTORS, World, held, merged, routing, target,
};
use crate::upstream::Script;

/// Targets with fields of their own, under one strategy.
fn leading(name: &str, strategy: &str, targets: &[(usize, Value)]) -> Value {
    let targets: Vec<Value> = targets
        .iter()
        .map(|(number, more)| merged(json!({"model": format!("t{number}")}), more.clone()))
        .collect();
    json!({"display_name": name, "routing": {"strategy": strategy, "targets": targets}})
}

#[tokio::test]
async fn the_first_target_serves_and_is_named_on_every_endpoint() {
    let mut world = World::start(2, json!({})).await;
    world.model(routing("smart", 2, json!({}))).await;
    for (path, answer) in [(CHAT, ANSWER), (COMPLETIONS, ANSWER), (EMBEDDINGS, VECTORS)] {
        world.upstream.clear(&crate::targets::secret(1));
        world.script(1, Script::json(200, answer));
        let reply = world.call(path, "smart", &[]).await;
        assert_eq!(reply.text(), answer);
        assert_eq!(reply.header("x-foldgate-served-by"), Some("t1"));
    }
    world.upstream.clear(&crate::targets::secret(1));
    world.script(1, Script::stream(EVENTS));
    for path in [CHAT, COMPLETIONS] {
        let reply = world.stream(path, "smart").await;
        assert_eq!(reply.text(), EVENTS);
        assert_eq!(reply.header("x-foldgate-served-by"), Some("t1"));
    }
    assert_eq!(world.asked(), [1; 5]);
    assert_eq!(world.models_asked(), ["up-1"; 5]);
}

#[tokio::test]
async fn the_next_target_serves_when_the_first_fails_with_the_body_it_knows() {
    let mut world = World::start(2, json!({})).await;
    world.model(routing("smart", 2, json!({}))).await;
    world.script(1, crate::targets::refusal(500));
    world.script(2, Script::json(200, VECTORS));
    let reply = world.call(EMBEDDINGS, "smart", &[]).await;
    assert_eq!(reply.text(), VECTORS);
    assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"));
    assert_eq!(world.models_asked(), ["up-1", "up-2"]);
    // The first one's key sleeps: it is not even asked.
    assert_eq!(world.turns("smart", 1).await, [2]);
}

#[tokio::test]
async fn the_next_target_serves_with_the_very_key_that_failed_the_first() {
    for status in [500, 529, 429] {
        let mut world = World::start(1, json!({})).await;
        let twin = json!({"display_name": "t2", "model_name": "up-2"});
        world.model(target(1, twin)).await;
        world.model(routing("smart", 2, json!({}))).await;
        world.script(1, crate::targets::refusal(status));
        world.script(1, Script::json(200, VECTORS));
        let reply = world.call(EMBEDDINGS, "smart", &[]).await;
        assert_eq!(reply.text(), VECTORS, "{status}");
        assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"));
        // The key rests for the model that failed, for whoever asks for that.
        let reply = world.call(EMBEDDINGS, "t1", &[]).await;
        assert!(
            matches!(reply.status.as_u16(), 429 | 503),
            "{}",
            reply.text()
        );
        world.call(EMBEDDINGS, "smart", &[]).await;
        assert_eq!(world.models_asked(), ["up-1", "up-2", "up-2"], "{status}");
    }
    // A key that is refused is of no use for the next target either.
    let mut world = World::start(1, json!({})).await;
    let twin = json!({"display_name": "t2", "model_name": "up-2"});
    world.model(target(1, twin)).await;
    world.model(routing("smart", 2, json!({}))).await;
    world.script(1, crate::targets::refusal(401));
    world.call(EMBEDDINGS, "smart", &[]).await;
    assert_eq!(world.models_asked(), ["up-1"]);
}

#[tokio::test]
async fn a_stream_moves_on_until_its_first_event_and_no_longer() {
    let mut world = World::start(2, json!({})).await;
    world.model(routing("smart", 2, json!({}))).await;
    world.script(
        1,
        Script::stream("data: {\"error\":{\"message\":\"no\",\"code\":500}}\n\n"),
    );
    world.script(2, Script::stream(EVENTS));
    let reply = world.stream(CHAT, "smart").await;
    assert_eq!(reply.text(), EVENTS);
    assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"));
    let begun = EVENTS.split_at(EVENTS.find("data: [DONE]").unwrap()).0;
    world.upstream.clear(&crate::targets::secret(2));
    world.script(2, Script::stream(begun));
    let reply = world.stream(CHAT, "smart").await;
    assert!(reply.text().starts_with(begun));
    assert!(reply.text().contains("upstream_stream_broken"));
    assert_eq!(world.asked(), [1, 2, 2]);
}

#[tokio::test]
async fn round_robin_gives_each_its_weight_evenly_spread() {
    let mut world = World::start(3, json!({})).await;
    let weights = [
        (1, json!({"weight": 3})),
        (2, json!({})),
        (3, json!({"weight": 0})),
    ];
    let number = world.model(leading("smart", "round_robin", &weights)).await;
    assert_eq!(world.turns("smart", 8).await, [1, 1, 2, 1, 1, 1, 2, 1]);
    let even = [(1, json!({})), (2, json!({})), (3, json!({}))];
    world
        .put(Some(number), leading("smart", "round_robin", &even))
        .await;
    assert_eq!(world.turns("smart", 6).await, [1, 2, 3, 1, 2, 3]);
}

/// Which target serves each of many keys, given by one header.
async fn by_header(world: &World, header: &str) -> BTreeMap<usize, Vec<usize>> {
    let mut served: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for key in 0..24 {
        let value = format!("team-{key}");
        let before = world.asked().len();
        let value = if header == "cookie" {
            format!("a=b; lane={value}")
        } else {
            value
        };
        for path in [CHAT, EMBEDDINGS] {
            world.call(path, "smart", &[(header, &value)]).await;
        }
        let asked = world.asked().split_off(before);
        assert_eq!(asked[0], asked[1], "the same key, the same target");
        served.entry(asked[0]).or_default().push(key);
    }
    served
}

#[tokio::test]
async fn consistent_hash_keeps_together_what_belongs_together() {
    let mut world = World::start(3, json!({})).await;
    let even = [(1, json!({})), (2, json!({})), (3, json!({}))];
    let mut value = leading("smart", "consistent_hash", &even);
    let number = world.model(value.clone()).await;
    for target in 1..=3 {
        world.script(target, Script::json(200, r#"{"choices":[],"data":[]}"#));
    }
    let before = by_header(&world, "x-foldgate-routing-key").await;
    assert_eq!(before.len(), 3, "all have a share: {before:?}");
    // Without the header all of one caller's requests go together.
    let turns = world.turns("smart", 5).await;
    assert!(turns.iter().all(|target| *target == turns[0]), "{turns:?}");
    // Only what was the third one's moves when that is gone.
    world
        .put(
            Some(number),
            leading("smart", "consistent_hash", &even[..2]),
        )
        .await;
    let after = by_header(&world, "x-foldgate-routing-key").await;
    for target in [1, 2] {
        for key in &before[&target] {
            assert!(after[&target].contains(key), "{key} moved: {after:?}");
        }
    }
    for (kind, name, header) in [("header", "X-Team", "x-team"), ("cookie", "lane", "cookie")] {
        value["routing"]["hash_on"] = json!([{"type": kind, "name": name}]);
        world.put(Some(number), value.clone()).await;
        assert_eq!(by_header(&world, header).await.len(), 3, "{kind}");
    }
    for kind in ["api_key", "client_ip"] {
        value["routing"]["hash_on"] = json!([{"type": kind}]);
        world.put(Some(number), value.clone()).await;
        assert_eq!(by_header(&world, "x-other").await.len(), 1, "{kind}");
        // What the request says itself goes before.
        let own = by_header(&world, "x-foldgate-routing-key").await;
        assert_eq!(own.len(), 3, "{kind}");
    }
}

#[tokio::test]
async fn least_cost_takes_the_cheapest_that_is_there() {
    let mut world = World::start(1, json!({})).await;
    let cost = |input: f64| json!({"cost": {"input_per_1k": input, "output_per_1k": 0.5}});
    for (number, more) in [(2, cost(0.4)), (3, cost(0.1))] {
        let secret = crate::targets::secret(number);
        let level = u64::try_from(number).unwrap();
        world.rig.key(level, &world.upstream, &secret).await;
        world.model(target(number, more)).await;
    }
    let even = [(1, json!({})), (2, json!({})), (3, json!({}))];
    world.model(leading("smart", "least_cost", &even)).await;
    assert_eq!(world.turns("smart", 2).await, [3, 3]);
    world.put_to_sleep(&[3]).await;
    assert_eq!(world.turns("smart", 1).await, [2]);
    world.put_to_sleep(&[2]).await;
    assert_eq!(
        world.turns("smart", 1).await,
        [1],
        "without a price is last"
    );
}

/// Opens a stream and leaves it open.
async fn open(world: &World, model: &str) -> http::Response<hyper::body::Incoming> {
    let body = json!({"model": model, "stream": true}).to_string();
    let request = world.rig.caller.request(Method::POST, CHAT, body);
    world.rig.caller.open(request).await
}

#[tokio::test]
async fn least_latency_asks_the_unknown_first_and_then_the_quickest() {
    let mut world = World::start(2, json!({})).await;
    let even = [(1, json!({})), (2, json!({}))];
    world.model(leading("smart", "least_latency", &even)).await;
    let go = Arc::new(Notify::new());
    let slow = Script::events(vec![
        crate::upstream::Step::Wait(Arc::clone(&go)),
        crate::upstream::Step::Send(EVENTS.to_owned()),
    ]);
    world.script(1, slow);
    world.script(2, Script::stream(EVENTS));
    let first = open(&world, "smart");
    let meanwhile = async {
        until("the first target is asked", || !world.asked().is_empty()).await;
        // All of these together take less than the one that waits for them.
        for _ in 0..5 {
            assert_eq!(world.stream(CHAT, "t2").await.status, 200);
        }
        go.notify_one();
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    assert_eq!(first.headers()["x-foldgate-served-by"], "t1");
    drop(first.into_body().collect().await.unwrap());
    for _ in 0..3 {
        let reply = world.stream(CHAT, "smart").await;
        assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"));
    }
    // What nothing is known of goes first.
    let secret = crate::targets::secret(3);
    world.rig.key(3, &world.upstream, &secret).await;
    world.model(target(3, json!({}))).await;
    let three = [(1, json!({})), (2, json!({})), (3, json!({}))];
    world.model(leading("more", "least_latency", &three)).await;
    world.script(3, Script::stream(EVENTS));
    let reply = world.stream(CHAT, "more").await;
    assert_eq!(reply.header("x-foldgate-served-by"), Some("t3"));
}

#[tokio::test]
async fn least_busy_takes_the_one_with_the_fewest_under_way_by_weight() {
    let mut world = World::start(2, json!({})).await;
    let weighted = [(1, json!({"weight": 2})), (2, json!({}))];
    world.model(leading("smart", "least_busy", &weighted)).await;
    let go = Arc::new(Notify::new());
    for target in [1, 2] {
        world.script(target, held(&go));
    }
    let mut open_ones = Vec::new();
    // 0:0, 1/2:0, 1/2:1, 2/2:1 of which the first is listed first.
    for expected in ["t1", "t2", "t1", "t1"] {
        let response = open(&world, "smart").await;
        assert_eq!(response.headers()["x-foldgate-served-by"], expected);
        open_ones.push(response);
    }
    go.notify_waiters();
}

#[tokio::test]
async fn tiers_go_by_priority_and_a_weight_of_nothing_comes_last() {
    let mut world = World::start(4, json!({})).await;
    let tiers = [
        (1, json!({"weight": 0, "priority": 9})),
        (2, json!({})),
        (3, json!({"priority": 5})),
        (4, json!({"priority": 5})),
    ];
    world.model(leading("smart", "round_robin", &tiers)).await;
    assert_eq!(world.turns("smart", 4).await, [3, 4, 3, 4]);
    world.put_to_sleep(&[3]).await;
    assert_eq!(world.turns("smart", 2).await, [4, 4]);
    world.put_to_sleep(&[4]).await;
    assert_eq!(world.turns("smart", 1).await, [2]);
    world.put_to_sleep(&[2]).await;
    assert_eq!(world.turns("smart", 1).await, [1]);
}

#[tokio::test]
async fn tags_lead_to_the_targets_that_have_them() {
    let mut world = World::start(3, json!({})).await;
    for target in 1..=3 {
        world.script(target, Script::json(200, r#"{"choices":[],"data":[]}"#));
    }
    let tags = |tags: Value| json!({"tags": tags});
    let with_default = [
        (1, tags(json!(["eu", "fast"]))),
        (2, tags(json!(["default", "us"]))),
        (3, json!({})),
    ];
    world
        .model(leading("smart", "failover", &with_default))
        .await;
    let plain = [(1, tags(json!(["eu"]))), (3, json!({}))];
    world.model(leading("plain", "failover", &plain)).await;
    let strict = [(1, tags(json!(["eu"]))), (2, tags(json!(["us"])))];
    world.model(leading("strict", "failover", &strict)).await;
    world.model(routing("untagged", 2, json!({}))).await;
    for (model, header, expected) in [
        ("smart", Some("eu"), 1),
        ("smart", Some("none, fast"), 1),
        ("smart", Some("us,eu"), 1),
        ("smart", Some("none"), 2),
        ("smart", None, 2),
        ("plain", Some("none"), 3),
        ("plain", None, 3),
        ("strict", Some("us"), 2),
        ("untagged", Some("none"), 1),
    ] {
        for path in [CHAT, EMBEDDINGS] {
            let headers: Vec<_> = header
                .iter()
                .map(|tags| ("x-foldgate-routing-tags", *tags))
                .collect();
            let reply = world.call(path, model, &headers).await;
            assert_eq!(reply.status, 200);
            let last = world.asked().last().copied();
            assert_eq!(last, Some(expected), "{model} {header:?}");
        }
    }
    for headers in [&[][..], &[("x-foldgate-routing-tags", "none")][..]] {
        let reply = world.call(CHAT, "strict", headers).await;
        assert_eq!(reply.code(), (400, "no_target_for_tags".to_owned()));
        let param = &reply.json()["error"]["param"];
        assert_eq!(param, "x-foldgate-routing-tags");
    }
}
