//! One process: what a call used stands in the bill a moment later, whatever its form and
//! wherever it is shown.

use chrono::{TimeDelta, Timelike, Utc};
use foldgate_tests::poll::SOON;
use foldgate_tests::{Reply, Settings, eventually};
use serde_json::{Value, json};

use super::{CHAT, World, chat, streamed};

/// The owner's bill of today, once it has so many requests.
async fn billed(world: &World, requests: u64) -> Value {
    eventually("the bill", SOON, async || {
        let bill = world.admin.get("/dashboard/bill").await.json();
        if bill["total_usage"]["requests"] == requests {
            Ok(bill)
        } else {
            Err(bill.to_string())
        }
    })
    .await
}

#[tokio::test]
async fn calls_stand_in_the_bill_by_model() {
    let world = World::new().await;
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 400}});
    let answer = json!({"choices": [], "usage": usage});
    world.upstream.next(Reply::json(200, &answer));
    world.proxy.post(CHAT, &chat("gpt-4o")).await.ok();
    world.proxy.post(CHAT, &streamed("gpt-4o-mini")).await;
    let bill = billed(&world, 2).await;
    let by_model = &bill["data"][0]["usage_details"];
    // 600 at 2.5, 400 at 1.25 and 100 at 10 dollars for a million.
    let costs = [600 * 2_500, 400 * 1_250, 100 * 10_000];
    assert_eq!(
        by_model["gpt-4o"]["cost_nano_usd"],
        costs.iter().sum::<i64>()
    );
    assert_eq!(by_model["gpt-4o"]["prompt"], 1_000);
    assert_eq!(by_model["gpt-4o-mini"]["requests"], 1, "{bill}");
    let live = world.admin.get("/dashboard/live").await.ok();
    assert_eq!(live["usage"]["today"]["requests"], 2, "{live}");
    let csv = world.admin.get("/dashboard/bill?format=csv").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = csv.text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("gpt-4o-mini"), "{text}");
}

#[tokio::test]
async fn a_bill_outlives_its_process() {
    let mut world = World::new().await;
    world.proxy.post(CHAT, &chat("gpt-4o")).await.ok();
    // Perhaps before the batch was cut.
    world.foldgate.kill();
    let settings = world.foldgate.settings().clone();
    world.foldgate = settings.start().await;
    world.admin = world.foldgate.admin();
    let bill = billed(&world, 1).await;
    assert!(
        bill["total_usage"]["cost_nano_usd"].as_i64() > Some(0),
        "{bill}"
    );
}

/// How many seconds `Retry-After` says.
fn wait(refused: &foldgate_tests::client::Answer) -> i64 {
    let wait = refused.header("retry-after").expect("a wait");
    wait.parse().expect("seconds")
}

#[tokio::test]
async fn days_are_those_of_the_configured_zone() {
    // Of two zones far apart the one whose midnight is not near.
    let zones = [("Asia/Kolkata", 330), ("Pacific/Kiritimati", 840)];
    let local = |ahead: i64| Utc::now() + TimeDelta::minutes(ahead);
    let is_calm = |ahead| (1..23).contains(&local(ahead).hour());
    let (zone, ahead) = zones
        .into_iter()
        .find(|(_, ahead)| is_calm(*ahead))
        .expect("one of them");
    let settings = Settings::standalone().env("FOLDGATE_TIME_ZONE", zone);
    let World { admin, proxy, .. } = &World::with(settings).await;
    let limits = json!({"MODEL_LIMITS": {"daily": {"rpd": 1}}});
    admin.put("/x-config", &limits).await.ok();
    let bill = admin.get("/dashboard/bill").await.ok();
    assert_eq!(bill["time_zone"], zone);
    assert_eq!(bill["start"], local(ahead).date_naive().to_string());
    // What a day allows is there again at its midnight.
    proxy.post(CHAT, &chat("daily")).await.ok();
    let left = || 86_400 - i64::from(local(ahead).num_seconds_from_midnight());
    let before = left();
    let refused = proxy.post(CHAT, &chat("daily")).await;
    refused.error(429);
    let told = wait(&refused);
    assert!(
        (left() - 1..=before + 1).contains(&told),
        "{told} of {before}"
    );
    // Whoever looks at the fleet sees it.
    assert_eq!(admin.fleet().await[0]["time_zone"], zone);
}
