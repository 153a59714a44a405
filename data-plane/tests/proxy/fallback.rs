//! Models when their upstreams fail: further tries, the next target, keys that are
//! left alone for a while, time-outs, and what is said when nothing is available.

use std::time::Duration;

use foldgate_proto::{SleepCause, SleepReport, Timestamp};
use serde_json::{Value, json};

use crate::rig::settings;
use crate::targets::{
    ANSWER, CHAT, COMPLETIONS, EMBEDDINGS, EVENTS, VECTORS, World, refusal, routing, secret, target,
};
use crate::upstream::{Script, Step};

fn sleeping(world: &World) -> Vec<SleepReport> {
    world.rig.pools.sleeps().all()
}

fn rest(report: &SleepReport) -> Duration {
    report.until.since(Timestamp::from(chrono::Utc::now()))
}

#[tokio::test]
async fn the_last_key_of_a_target_is_tried_again_as_often_as_it_says() {
    let mut world = World::start(2, json!({"retries": 2})).await;
    world.model(routing("smart", 2, json!({}))).await;
    // A target by itself, too.
    for (model, path) in [("t1", CHAT), ("smart", EMBEDDINGS), ("smart", COMPLETIONS)] {
        world.upstream.clear(&secret(1));
        world.script(1, refusal(500));
        world.script(1, Script::slam());
        world.script(1, Script::json(200, r#"{"choices":[],"data":[]}"#));
        let before = world.asked().len();
        assert_eq!(world.call(path, model, &[]).await.status, 200);
        assert_eq!(world.asked().split_off(before), [1, 1, 1]);
        assert_eq!(sleeping(&world).len(), 0, "a further try mended it");
    }
    world.upstream.clear(&secret(1));
    world.script(1, refusal(500));
    assert_eq!(world.turns("smart", 1).await, [1, 1, 1, 2]);
    assert_eq!(sleeping(&world).len(), 1, "once, after the last try");
}

#[tokio::test]
async fn other_keys_come_before_further_tries() {
    let mut world = World::start(1, json!({"retries": 1})).await;
    world.rig.key(1, &world.upstream, &secret(9)).await;
    world.script(1, refusal(500));
    world.script(9, refusal(500));
    assert_ne!(world.call(CHAT, "t1", &[]).await.status, 200);
    let mut asked = world.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[1], asked[2], "the last one again");
    asked.dedup();
    asked.sort_unstable();
    assert_eq!(asked, [1, 9]);
}

#[tokio::test]
async fn a_limited_target_is_tried_again_only_where_that_is_said() {
    let mut world = World::start(2, json!({})).await;
    let smart = world
        .model(routing("smart", 2, json!({"retries": 1})))
        .await;
    let limited = || refusal(429).with("retry-after-ms", "1");
    world.script(1, limited());
    world.script(1, Script::json(200, ANSWER));
    assert_eq!(world.turns("smart", 1).await, [1, 2]);
    let mut world = World::start(2, json!({})).await;
    let again = json!({"retries": 1, "retry_on_429": true});
    assert_eq!(world.model(routing("smart", 2, again)).await, smart);
    world.script(1, limited());
    world.script(1, Script::json(200, ANSWER));
    assert_eq!(world.turns("smart", 1).await, [1, 1]);
    // Who asks for more than is waited for is left alone instead.
    world.upstream.clear(&secret(1));
    world.script(1, refusal(429).with("retry-after", "60"));
    assert_eq!(world.turns("smart", 1).await, [1, 2]);
}

#[tokio::test]
async fn a_request_at_fault_moves_on_where_its_status_is_listed() {
    let mut world = World::start(2, json!({})).await;
    let listed = json!({"fallback_on_statuses": [400, 422]});
    world.model(routing("smart", 2, listed)).await;
    world.model(routing("plain", 2, json!({}))).await;
    for (path, answer) in [(CHAT, ANSWER), (EMBEDDINGS, VECTORS)] {
        for number in [1, 2] {
            world.upstream.clear(&secret(number));
        }
        world.script(1, refusal(400));
        world.script(2, Script::json(200, answer));
        let reply = world.call(path, "smart", &[]).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (200, answer.to_owned())
        );
        assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"));
        let reply = world.call(path, "plain", &[]).await;
        assert_eq!(
            (
                reply.status.as_u16(),
                reply.json()["error"]["message"].clone()
            ),
            (400, json!("no 400"))
        );
    }
    world.upstream.clear(&secret(2));
    world.script(2, Script::stream(EVENTS));
    assert_eq!(world.stream(CHAT, "smart").await.text(), EVENTS);
    assert_eq!(sleeping(&world).len(), 0, "no key is at fault");
    // In the end the client hears what the last one said.
    world.upstream.clear(&secret(2));
    world.script(2, refusal(422));
    let reply = world.call(CHAT, "smart", &[]).await;
    assert_eq!(
        (
            reply.status.as_u16(),
            reply.json()["error"]["message"].clone()
        ),
        (422, json!("no 422"))
    );
}

#[tokio::test]
async fn no_more_targets_and_attempts_than_are_allowed() {
    let mut world = World::start(3, json!({})).await;
    world
        .model(routing("none", 3, json!({"max_fallbacks": 0})))
        .await;
    world
        .model(routing("one", 3, json!({"max_fallbacks": 1})))
        .await;
    for target in 1..=3 {
        world.script(target, refusal(400));
    }
    world
        .model(routing("all", 3, json!({"fallback_on_statuses": [400]})))
        .await;
    let bounded = |most: u32| json!({"fallback_on_statuses": [400], "max_fallbacks": most});
    world.model(routing("two", 3, bounded(1))).await;
    for (model, expected) in [("none", 1), ("one", 1), ("two", 2), ("all", 3)] {
        let before = world.asked().len();
        assert_eq!(world.call(CHAT, model, &[]).await.status, 400);
        assert_eq!(world.asked().len() - before, expected, "{model}");
    }
    for target in 1..=3 {
        world.upstream.clear(&secret(target));
        world.script(target, refusal(500));
    }
    let before = world.asked().len();
    assert_eq!(world.call(CHAT, "one", &[]).await.status, 502);
    assert_eq!(world.asked().split_off(before), [1, 2]);
    // The gateway's own limit holds over all targets.
    let mut limits = settings();
    limits.limits.attempts = 2;
    let mut world = World::with(3, json!({"retries": 5}), limits).await;
    world.model(routing("all", 3, json!({}))).await;
    world.script(1, refusal(500));
    assert_eq!(world.call(CHAT, "all", &[]).await.status, 502);
    assert_eq!(world.asked(), [1, 1]);
}

fn cooldown(more: Value) -> Value {
    let on = json!({"enabled": true, "default_seconds": 120, "max_seconds": 300});
    json!({"cooldown": crate::targets::merged(on, more)})
}

#[tokio::test]
async fn a_cooldown_leaves_the_key_alone_for_that_model_and_tells_the_fleet() {
    let mut world = World::start(1, cooldown(json!({}))).await;
    let mut heard = world.rig.reports.subscribe();
    let other = json!({"display_name": "other", "model_name": "up-other"});
    world.model(target(1, other)).await;
    world.script(1, refusal(503));
    world.script(1, Script::json(200, ANSWER));
    assert_ne!(world.call(CHAT, "t1", &[]).await.status, 200);
    let all = sleeping(&world);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].model.as_deref(), Some("up-1"));
    assert_eq!(all[0].cause, SleepCause::UpstreamError);
    let left = rest(&all[0]);
    assert!(
        Duration::from_secs(110) < left && left <= Duration::from_mins(2),
        "{left:?}"
    );
    assert!(matches!(
        heard.recv().await.unwrap(),
        foldgate_log::Report::Sleep(_)
    ));
    assert_eq!(world.turns("other", 1).await, [1], "the key serves others");
    let reply = world.call(CHAT, "t1", &[]).await;
    assert_eq!(reply.code(), (503, "all_keys_sleeping".to_owned()));
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((110..=126).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_cooldown_heeds_the_upstream_and_its_own_cap_and_triggers() {
    for (more, script, seconds) in [
        (
            json!({}),
            refusal(429).with("retry-after", "200"),
            Some(200),
        ),
        (
            json!({}),
            refusal(429).with("retry-after", "2000"),
            Some(300),
        ),
        (
            json!({"honor_retry_after": false}),
            refusal(429).with("retry-after", "200"),
            Some(120),
        ),
        (json!({"trigger_statuses": [404]}), refusal(404), Some(120)),
        (json!({"trigger_statuses": [418]}), refusal(503), None),
        (json!({}), Script::slam(), Some(120)),
        (json!({"trigger_on_transport": false}), Script::slam(), None),
    ] {
        let world = World::start(1, cooldown(more.clone())).await;
        world.script(1, script);
        assert_ne!(world.call(CHAT, "t1", &[]).await.status, 200);
        let all = sleeping(&world);
        assert_eq!(all.len(), 1, "{more}");
        let own = all[0].model.as_deref() == Some("up-1");
        assert_eq!(
            own,
            seconds.is_some(),
            "else the key sleeps as ever: {more}"
        );
        if let Some(seconds) = seconds {
            let left = rest(&all[0]).as_secs_f64();
            assert!(
                f64::from(seconds) - 10.0 < left && left <= f64::from(seconds),
                "{more}: {left}"
            );
        }
    }
}

#[tokio::test]
async fn what_ails_a_key_for_good_counts_for_all_its_models() {
    let world = World::start(1, cooldown(json!({}))).await;
    world.script(1, refusal(401));
    assert_ne!(world.call(CHAT, "t1", &[]).await.status, 200);
    let mut causes: Vec<_> = sleeping(&world)
        .into_iter()
        .map(|report| (report.model, report.cause))
        .collect();
    causes.sort_by_key(|(model, _)| model.clone());
    let expected = [
        (None, SleepCause::Dead),
        (Some("up-1".to_owned()), SleepCause::Dead),
    ];
    assert_eq!(causes, expected);
}

#[tokio::test]
async fn a_target_in_cooldown_is_passed_over() {
    let mut world = World::start(2, cooldown(json!({}))).await;
    world.model(routing("smart", 2, json!({}))).await;
    world.script(1, refusal(503));
    assert_eq!(world.turns("smart", 3).await, [1, 2, 2, 2]);
}

#[tokio::test]
async fn a_target_that_is_late_gives_way() {
    let quick = || json!({"timeout": 50, "stream_timeout": 60});
    // Late with its head, and in the midst of a whole answer.
    let begun = vec![Step::Send("{\"choices\":".to_owned()), Step::Hang];
    let half = Script {
        steps: begun,
        ..Script::json(200, "")
    };
    for (path, script) in [
        (CHAT, Script::hang()),
        (EMBEDDINGS, half.clone()),
        (COMPLETIONS, half),
    ] {
        let mut world = World::start(2, quick()).await;
        world.model(routing("smart", 2, json!({}))).await;
        world.script(1, script);
        world.script(2, Script::json(200, r#"{"choices":[],"data":[]}"#));
        let reply = world.call(path, "smart", &[]).await;
        assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"), "{path}");
        assert_eq!(sleeping(&world)[0].cause, SleepCause::Timeout);
    }
    // Late with its first event.
    let mut world = World::start(2, quick()).await;
    world.model(routing("smart", 2, json!({}))).await;
    world.script(1, Script::events(vec![Step::Hang]));
    world.script(2, Script::stream(EVENTS));
    let reply = world.stream(CHAT, "smart").await;
    assert_eq!(
        (reply.text(), reply.header("x-foldgate-served-by")),
        (EVENTS.to_owned(), Some("t2"))
    );
}

/// Whose limit was it: a Model's own leaves the key to other Models.
#[tokio::test]
async fn an_impatient_model_leaves_the_key_to_others() {
    let quick = json!({"timeout": 50, "stream_timeout": 60});
    let begun = EVENTS.split_at(EVENTS.find("data: [DONE]").unwrap()).0;
    let silent = Script::events(vec![Step::Send(begun.to_owned()), Step::Hang]);
    for (stream, script) in [
        (false, Script::hang()),
        (true, Script::events(vec![Step::Hang])),
        (true, silent),
    ] {
        let mut world = World::start(1, quick.clone()).await;
        let other = json!({"display_name": "other", "model_name": "up-other"});
        world.model(target(1, other)).await;
        world.script(1, script);
        world.script(1, Script::json(200, ANSWER));
        if stream {
            world.stream(CHAT, "t1").await;
        } else {
            world.call(CHAT, "t1", &[]).await;
        }
        let all = sleeping(&world);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].model.as_deref(), Some("up-1"));
        assert_eq!(all[0].cause, SleepCause::Timeout);
        assert_eq!(world.turns("other", 1).await, [1]);
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_closed_after_its_own_time() {
    let mut world = World::start(1, json!({})).await;
    let mut smart = routing("smart", 1, json!({}));
    smart["stream_timeout"] = json!(60);
    world.model(smart).await;
    let begun = EVENTS.split_at(EVENTS.find("data: [DONE]").unwrap()).0;
    world.script(
        1,
        Script::events(vec![Step::Send(begun.to_owned()), Step::Hang]),
    );
    let text = world.stream(COMPLETIONS, "smart").await.text();
    assert!(text.starts_with(begun) && text.contains("upstream_stream_broken"));
    assert_eq!(sleeping(&world)[0].cause, SleepCause::Timeout);
}

#[tokio::test]
async fn without_a_target_the_client_hears_when_to_come_back() {
    let mut world = World::start(2, json!({})).await;
    world.model(routing("smart", 2, json!({}))).await;
    let anyway = json!({"when_all_unavailable": "try_anyway", "strategy": "least_cost"});
    world.model(routing("anyway", 2, anyway)).await;
    for target in [1, 2] {
        let wait = (100 * target).to_string();
        world.script(target, refusal(429).with("retry-after", &wait));
        assert_eq!(
            world.call(CHAT, &format!("t{target}"), &[]).await.status,
            429
        );
        world.upstream.clear(&secret(target));
    }
    for path in [CHAT, EMBEDDINGS] {
        let reply = world.call(path, "smart", &[]).await;
        assert_eq!(reply.code(), (503, "no_target_available".to_owned()));
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((90..=120).contains(&wait), "the first to wake: {wait}");
    }
    world.script(1, refusal(500));
    world.script(2, Script::json(200, ANSWER));
    let reply = world.call(CHAT, "anyway", &[]).await;
    assert_eq!(reply.header("x-foldgate-served-by"), Some("t2"));
    assert_eq!(world.asked(), [1, 2, 1, 2]);
    // They sleep on, and the first for the model besides that failed.
    assert_eq!(sleeping(&world).len(), 3);
}

#[tokio::test]
async fn a_target_without_a_key_is_none() {
    let mut world = World::start(2, json!({})).await;
    world.model(target(8, json!({}))).await;
    let targets = json!({"targets": [{"model": "t8"}, {"model": "t2"}]});
    world
        .model(json!({"display_name": "smart", "routing": targets}))
        .await;
    assert_eq!(world.turns("smart", 1).await, [2]);
    let alone = json!({"targets": [{"model": "t8"}]});
    world
        .model(json!({"display_name": "alone", "routing": alone}))
        .await;
    let reply = world.call(CHAT, "alone", &[]).await;
    assert_eq!(reply.code(), (503, "no_target_available".to_owned()));
    assert_eq!(reply.header("retry-after"), None);
    let direct = world.call(CHAT, "t8", &[]).await;
    assert_eq!(direct.code(), (503, "no_key_available".to_owned()));
}
