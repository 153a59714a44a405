//! `/admin/v1/models/status` and `/admin/v1/health`, through what befalls a real
//! provider key.

use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Admin, Reply, eventually};
use serde_json::{Value, json};

use super::CHAT;
use super::models_world::{MODELS, World, leading};

/// The entry of a list that has this name in this field.
fn named(list: &Value, field: &str, name: &str) -> Value {
    let mut entries = list.as_array().expect("a list").iter();
    let found = entries.find(|entry| entry[field] == name);
    found.unwrap_or_else(|| panic!("no {name}: {list}")).clone()
}

/// What both say of `t1`: its status, how it is, and how all are.
async fn seen(admin: &Admin) -> (Value, u64, String) {
    let status = admin.get("/admin/v1/models/status").await.ok();
    let health = admin.get("/admin/v1/health").await.ok();
    let line = named(&health["models"], "name", "t1");
    let (line, all) = (&line["health"], &health["status"]);
    (
        named(&status, "display_name", "t1"),
        line.as_u64().expect("a number"),
        all.as_str().expect("a text").to_owned(),
    )
}

/// Waits until `t1` has this status; how it is, and how all are then, must fit.
async fn becomes(admin: &Admin, status: &str, health: u64, all: &str) -> Value {
    let what = format!("t1 is {status}");
    eventually(&what, SOON, async || {
        let (entry, line, whole) = seen(admin).await;
        if entry["status"] == status && line == health && whole == all {
            Ok(entry)
        } else {
            Err(format!("{entry}, {line}, {whole}"))
        }
    })
    .await
}

#[tokio::test]
async fn a_model_is_healthy_then_left_alone_then_healthy_and_without_its_key_it_is_not() {
    let world = World::start(2).await;
    let admin = world.admin();
    let lead = leading(
        "lead",
        "failover",
        &json!([{"model": "t1"}, {"model": "t2"}]),
    );
    world.made(MODELS, &lead).await;
    let entry = becomes(&admin, "healthy", 0, "ok").await;
    assert_eq!(entry["kind"], "direct");
    assert_eq!(entry["cooldown_until"], Value::Null);
    let status = admin.get("/admin/v1/models/status").await.ok();
    let routes = named(&status, "display_name", "lead");
    assert_eq!(
        (&routes["kind"], &routes["status"]),
        (&json!("routing"), &json!("not_applicable"))
    );

    world.upstream.next(Reply::rate_limited(Hint::Seconds(5)));
    world.chat("t1", &[]).await.error(429);
    let entry = becomes(&admin, "cooldown", 2, "degraded").await;
    assert_eq!(entry["last_check_status"], 429, "{entry}");
    let until = entry["cooldown_until"]["secs_since_epoch"].as_i64();
    let checked = entry["last_checked_at"]["secs_since_epoch"].as_i64();
    assert!(until > checked && checked.is_some(), "{entry}");
    assert!(
        entry["status_reason"]
            .as_str()
            .is_some_and(|why| why.contains("rate limit"))
    );
    // The other target serves meanwhile.
    let answer = world.chat("lead", &[]).await;
    assert_eq!(answer.header("x-foldgate-served-by"), Some("t2"));

    becomes(&admin, "healthy", 0, "ok").await;
    // Nodes wake a key a little apart, so that they do not all try it at once.
    eventually("t1 is called again", SOON, async || {
        let answer = world.chat("t1", &[]).await;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text()),
        }
    })
    .await;

    // As it is read, its secret masked, it is put back, but for one field.
    let mut key = admin.get(&world.keys[0]).await.ok()["value"].clone();
    key["disabled"] = true.into();
    admin.put(&world.keys[0], &key).await.ok();
    let entry = becomes(&admin, "unhealthy", 2, "degraded").await;
    assert!(
        entry["status_reason"]
            .as_str()
            .is_some_and(|why| why.contains("switched off"))
    );
    let refused = world.chat("t1", &[]).await.error(503);
    assert_eq!(refused.code.as_deref(), Some("no_key_available"));
    // With all gone, nothing is well.
    let mut other = admin.get(&world.keys[1]).await.ok()["value"].clone();
    other["disabled"] = true.into();
    admin.put(&world.keys[1], &other).await.ok();
    becomes(&admin, "unhealthy", 2, "unhealthy").await;

    key["disabled"] = false.into();
    other["disabled"] = false.into();
    admin.put(&world.keys[0], &key).await.ok();
    admin.put(&world.keys[1], &other).await.ok();
    becomes(&admin, "healthy", 0, "ok").await;
    world
        .foldgate
        .proxy()
        .post(CHAT, &super::chat("lead"))
        .await
        .ok();
    assert_eq!(
        world.last().1,
        super::models_world::secret(1),
        "the secret is as it was"
    );
}
