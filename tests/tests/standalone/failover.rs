//! What happens when an upstream fails: the next key, the next Level, and the
//! client told only what is its own.

use std::sync::Arc;
use std::time::Duration;

use foldgate_tests::admin::list;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{FakeUpstream, Reply, Settings, paths, sse};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{CHAT, World, chat, streamed};

/// The entry of a key in `/x-conf`, if it sleeps.
async fn asleep(world: &World, key: u64) -> Option<Value> {
    let conf = world.admin.conf().await;
    list(&conf["SleepingKeys"])
        .into_iter()
        .find(|entry| entry["ID"] == key)
}

/// Failures that are the key's or the upstream's: the next key answers, and the
/// caller sees nothing of it.
#[tokio::test]
async fn the_next_key_answers_and_the_failed_one_sleeps() {
    for (reply, cause) in [
        (Reply::failing(500), "upstream_error"),
        (Reply::failing(503), "upstream_error"),
        (Reply::failing(529), "upstream_error"),
        (Reply::failing(408), "upstream_error"),
        (Reply::failing(409), "upstream_error"),
        (Reply::rate_limited(Hint::None), "rate_limit"),
        (Reply::out_of_quota(), "exhausted"),
        (Reply::error(402, "billing", None, "pay"), "exhausted"),
        (Reply::unauthorized(), "dead"),
        (
            Reply::error(
                400,
                "INVALID_ARGUMENT",
                Some("API_KEY_INVALID"),
                "API key not valid",
            ),
            "dead",
        ),
        (Reply::no_such_model(), "not_here"),
        (
            Reply::error(403, "permission", None, "not in your project"),
            "not_here",
        ),
    ] {
        let world = World::new().await;
        let second = FakeUpstream::start().await;
        world.admin.config(&json!({"SWITCH_OVER": "1=2"})).await;
        world.admin.add_key(2, &second.url()).await;
        let status = reply.status;
        world.upstream.always(reply);
        let answer = world.proxy.post(CHAT, &chat("m")).await;
        assert_eq!(
            answer.ok()["choices"][0]["message"]["content"],
            "echo: hello"
        );
        assert_eq!((world.upstream.count(), second.count()), (1, 1), "{status}");
        let entry = world.admin.sleeping(world.key, SOON).await;
        assert_eq!(entry["Cause"], cause, "{status}: {entry}");
        assert_eq!(entry["Level"], 1);
        assert_eq!(entry["Provider"], json!(world.upstream.url()));
        assert!(
            entry["RemainingSeconds"]
                .as_f64()
                .is_some_and(|left| left > 0.0),
            "{entry}"
        );
        for field in ["Name", "Until", "Node", "Region"] {
            assert!(entry[field].is_string(), "{field}: {entry}");
        }
        let model = if cause == "not_here" {
            json!("m")
        } else {
            Value::Null
        };
        assert_eq!(entry["Model"], model, "{status}: {entry}");
        world.proxy.post(CHAT, &chat("m")).await.ok();
        assert_eq!(
            world.upstream.count(),
            1,
            "{status}: a sleeping key is not called"
        );
    }
}

/// Failures that are the client's: told as they came, nobody sleeps.
#[tokio::test]
async fn the_clients_own_fault_goes_to_the_client() {
    let world = World::new().await;
    let second = FakeUpstream::start().await;
    world.admin.add_key(1, &second.url()).await;
    for status in [400, 413, 422] {
        let message = format!("bad field {status}");
        let reply = Reply::error(status, "invalid_request_error", Some("bad_field"), &message);
        world.upstream.always(reply.clone());
        second.always(reply);
        let before = world.upstream.count() + second.count();
        let error = world.proxy.post(CHAT, &chat("m")).await.error(status);
        assert_eq!(error.message, message);
        assert_eq!(error.code.as_deref(), Some("bad_field"));
        assert_eq!(
            world.upstream.count() + second.count(),
            before + 1,
            "no second try"
        );
    }
    assert_eq!(world.admin.conf().await["SleepingKeys"], json!([]));
}

#[tokio::test]
async fn a_model_nobody_serves_is_the_clients_to_know() {
    let world = World::new().await;
    let second = FakeUpstream::start().await;
    world.admin.add_key(1, &second.url()).await;
    world.upstream.always(Reply::no_such_model());
    second.always(Reply::no_such_model());
    world.proxy.post(CHAT, &chat("m")).await.error(404);
    assert_eq!((world.upstream.count(), second.count()), (1, 1));
    // The keys sleep for that model only.
    world.upstream.recover();
    second.recover();
    world.proxy.post(CHAT, &chat("other")).await.ok();
}

#[tokio::test]
async fn levels_switch_over_and_circles_end() {
    let world = World::new().await;
    let second = FakeUpstream::start().await;
    let third = FakeUpstream::start().await;
    world.admin.add_key(2, &second.url()).await;
    world.admin.add_key(3, &third.url()).await;
    world
        .admin
        .config(&json!({"SWITCH_OVER": "1=2, 2=3, 3=1"}))
        .await;
    world.upstream.always(Reply::failing(500));
    second.always(Reply::failing(500));
    world.proxy.post(CHAT, &chat("m")).await.ok();
    assert_eq!(
        (world.upstream.count(), second.count(), third.count()),
        (1, 1, 1)
    );
    third.always(Reply::failing(500));
    let answer = world.proxy.post(CHAT, &chat("m")).await;
    assert!(answer.status >= 500, "{}", answer.text());
    assert_eq!(
        (world.upstream.count(), second.count(), third.count()),
        (1, 1, 2)
    );
}

#[tokio::test]
async fn attempts_are_limited() {
    let settings = Settings::standalone().env("FOLDGATE_UPSTREAM_MAX_ATTEMPTS", "3");
    let world = World::with(settings).await;
    for _ in 0..9 {
        world.admin.add_key(1, &world.upstream.url()).await;
    }
    world.upstream.always(Reply::failing(500));
    let error = world.proxy.post(CHAT, &chat("m")).await;
    assert!(error.status >= 500);
    assert_eq!(world.upstream.count(), 3);
}

#[tokio::test]
async fn an_unreachable_upstream_fails_over() {
    let world = World::new().await;
    let [port] = paths::free_ports();
    let dead = world
        .admin
        .add_key(5, &format!("http://127.0.0.1:{port}"))
        .await;
    world
        .admin
        .config(&json!({"LEVEL_MAPPER": {"*": 5}, "SWITCH_OVER": "5=1"}))
        .await;
    world.proxy.post(CHAT, &chat("m")).await.ok();
    let entry = world.admin.sleeping(dead, SOON).await;
    assert_eq!(entry["Cause"], "connect");
}

#[tokio::test]
async fn an_upstream_that_never_answers_fails_over() {
    let settings = Settings::standalone().env("FOLDGATE_UPSTREAM_FIRST_BYTE_TIMEOUT", "700ms");
    let world = World::with(settings).await;
    let second = FakeUpstream::start().await;
    world.admin.add_key(2, &second.url()).await;
    world.admin.config(&json!({"SWITCH_OVER": "1=2"})).await;
    world.upstream.next(Reply::never());
    world.proxy.post(CHAT, &chat("m")).await.ok();
    let entry = world.admin.sleeping(world.key, SOON).await;
    assert_eq!(entry["Cause"], "timeout");
    assert_eq!(second.count(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = World::new().await;
    let trap = FakeUpstream::start().await;
    world
        .upstream
        .always(Reply::redirect(&format!("{}{CHAT}", trap.url())));
    let answer = world.proxy.post(CHAT, &chat("m")).await;
    assert!(answer.status >= 500, "{}", answer.text());
    assert!(answer.header("location").is_none());
    assert!(
        !answer.text().contains(&trap.port().to_string()),
        "{}",
        answer.text()
    );
    assert_eq!(trap.count(), 0);
}

#[tokio::test]
async fn an_error_as_the_first_event_of_a_stream_fails_over() {
    let world = World::new().await;
    let second = FakeUpstream::start().await;
    world.admin.add_key(2, &second.url()).await;
    world.admin.config(&json!({"SWITCH_OVER": "1=2"})).await;
    world.upstream.always(Reply::error_in_stream(&[]));
    let answer = world.proxy.post(CHAT, &streamed("m")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(sse::chat_text(&answer.events()), "echo: hello");
    assert!(!answer.text().contains("error"), "{}", answer.text());
    world.admin.sleeping(world.key, SOON).await;
    assert_eq!(second.count(), 1);
}

#[tokio::test]
async fn when_all_sleep_the_client_learns_the_earliest_wake() {
    let world = World::new().await;
    let second = FakeUpstream::start().await;
    world.admin.add_key(1, &second.url()).await;
    world
        .upstream
        .always(Reply::rate_limited(Hint::Seconds(400)));
    second.always(Reply::rate_limited(Hint::Seconds(200)));
    for _ in 0..2 {
        let answer = world.proxy.post(CHAT, &chat("m")).await;
        let error = answer.error(429);
        assert_eq!(error.kind, "rate_limit_error");
        let wait: u64 = answer
            .header("retry-after")
            .and_then(|v| v.parse().ok())
            .expect("a number");
        assert!((150..=260).contains(&wait), "{wait}");
    }
    assert_eq!((world.upstream.count(), second.count()), (1, 1));
    // With failures of other kinds it is 503.
    let world = World::new().await;
    world.upstream.always(Reply::failing(500));
    let answer = world.proxy.post(CHAT, &chat("m")).await;
    assert!(answer.status >= 500, "{}", answer.text());
    let answer = world.proxy.post(CHAT, &chat("m")).await;
    answer.error(503);
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn failures_in_flight_together_count_once() {
    let world = World::new().await;
    world
        .upstream
        .always(Reply::failing(500).after(Duration::from_millis(500)));
    let mut requests = Vec::new();
    for _ in 0..20 {
        let proxy = world.proxy.clone();
        requests.push(tokio::spawn(async move {
            proxy.post(CHAT, &chat("m")).await.status
        }));
    }
    for request in requests {
        assert!(request.await.expect("it ends") >= 500);
    }
    let entry = world.admin.sleeping(world.key, SOON).await;
    let left = entry["RemainingSeconds"].as_f64().expect("a number");
    assert!(
        left <= 20.0,
        "one failure sleeps seconds, not minutes: {entry}"
    );
}

#[tokio::test]
async fn a_sleep_ends_by_itself_and_a_new_secret_ends_it_at_once() {
    let world = World::new().await;
    world.upstream.next(Reply::rate_limited(Hint::Seconds(1)));
    world.proxy.post(CHAT, &chat("m")).await.error(429);
    foldgate_tests::holds("the key wakes", SOON, async || {
        world.proxy.post(CHAT, &chat("m")).await.status == 200
    })
    .await;
    assert!(asleep(&world, world.key).await.is_none());

    world
        .upstream
        .next(Reply::rate_limited(Hint::Seconds(3000)));
    world.proxy.post(CHAT, &chat("m")).await.error(429);
    world.admin.sleeping(world.key, SOON).await;
    let secret = json!({"SecretKey": "sk-a-new-secret-0123456789"});
    world
        .admin
        .put(&format!("/x-keys/{}", world.key), &secret)
        .await
        .ok();
    assert!(asleep(&world, world.key).await.is_none());
    world.proxy.post(CHAT, &chat("m")).await.ok();
}

#[tokio::test]
async fn a_disabled_key_is_not_called() {
    let world = World::new().await;
    let path = format!("/x-keys/{}", world.key);
    world.admin.put(&path, &json!({"Status": false})).await.ok();
    world.proxy.post(CHAT, &chat("m")).await.error(503);
    assert_eq!(world.upstream.count(), 0);
    world.admin.put(&path, &json!({"Status": true})).await.ok();
    world.proxy.post(CHAT, &chat("m")).await.ok();
}

#[tokio::test]
async fn a_key_that_wakes_is_tried_by_one_request() {
    let world = World::new().await;
    let gate = Arc::new(Notify::new());
    world.upstream.next(Reply::rate_limited(Hint::Seconds(1)));
    world.upstream.next(Reply::chat("back").held_by(&gate));
    world.proxy.post(CHAT, &chat("m")).await.error(429);
    let proxy = world.proxy.clone();
    let trial = tokio::spawn(async move {
        while proxy.post(CHAT, &chat("m")).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    world.upstream.called(2).await;
    // While the one trial is under way nobody else is let through.
    for _ in 0..5 {
        let status = world.proxy.post(CHAT, &chat("m")).await.status;
        assert!(matches!(status, 429 | 503), "{status}");
    }
    assert_eq!(world.upstream.count(), 2);
    gate.notify_one();
    let ended = tokio::time::timeout(SOON, trial).await;
    ended.expect("the trial ends").expect("the trial succeeds");
    world.proxy.post(CHAT, &chat("m")).await.ok();
}
