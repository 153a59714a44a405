//! How long a key sleeps: the upstream's own word, in each form it comes in.

use foldgate_tests::Reply;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use http::Method;

use super::{CHAT, World, chat};

/// The `Date` of an answer, moved by some seconds: an HTTP date without a clock
/// of the test's own.
async fn date_in(world: &World, seconds: u64) -> String {
    let answer = world.admin.send(Method::GET, "/x-keys", None).await;
    let now = answer
        .header("date")
        .expect("answers carry a date")
        .to_owned();
    // `Sun, 06 Nov 1994 08:49:37 GMT`: the time of day is moved within its day.
    let (day, time) = now.split_at(17);
    let numbers: Vec<u64> = time[..8]
        .split(':')
        .filter_map(|n| n.parse().ok())
        .collect();
    let [hour, minute, second] = numbers[..] else {
        panic!("no time in {now}")
    };
    let moved = (hour * 3600 + minute * 60 + second + seconds).min(86_399);
    format!(
        "{day}{:02}:{:02}:{:02} GMT",
        moved / 3600,
        moved / 60 % 60,
        moved % 60
    )
}

/// Lets the one key be refused and gives what remains of its sleep, in seconds.
async fn sleep_after(world: &World, reply: Reply) -> (String, f64) {
    let secret = serde_json::json!({"SecretKey": "sk-a-new-secret-0123456789"});
    world
        .admin
        .put(&format!("/x-keys/{}", world.key), &secret)
        .await
        .ok();
    world.upstream.next(reply);
    let status = world.proxy.post(CHAT, &chat("m")).await.status;
    assert!(status == 429 || status >= 500, "{status}");
    let entry = world.admin.sleeping(world.key, SOON).await;
    let cause = entry["Cause"].as_str().expect("a cause").to_owned();
    (cause, entry["RemainingSeconds"].as_f64().expect("a number"))
}

#[tokio::test]
async fn the_upstreams_word_decides() {
    let world = World::new().await;
    let date = date_in(&world, 500).await;
    for (hint, seconds) in [
        (Hint::Seconds(120), 120.0),
        (Hint::Millis(90_000), 90.0),
        (Hint::ResetRequests("2m0s".to_owned()), 120.0),
        (Hint::ResetTokens("6m0s".to_owned()), 360.0),
        (Hint::RetryInfo("340s".to_owned()), 340.0),
    ] {
        let (cause, left) = sleep_after(&world, Reply::rate_limited(hint.clone())).await;
        assert_eq!(cause, "rate_limit", "{hint:?}");
        // Some time has passed since; jitter and a second of care may be added.
        assert!(
            (seconds - 30.0..=seconds * 1.2 + 3.0).contains(&left),
            "{hint:?}: {left}"
        );
    }
    // Close to midnight the date cannot be moved far; then it says little.
    let (_, left) = sleep_after(&world, Reply::rate_limited(Hint::Date(date))).await;
    assert!(left <= 603.0, "{left}");
    let late = date_in(&world, 500).await.contains("23:59:59");
    assert!(late || left >= 400.0, "{left}");
}

#[tokio::test]
async fn without_a_word_the_class_decides() {
    let world = World::new().await;
    let (cause, left) = sleep_after(&world, Reply::rate_limited(Hint::None)).await;
    assert_eq!(cause, "rate_limit");
    assert!((1.0..=120.0).contains(&left), "{left}");
    let (cause, left) = sleep_after(&world, Reply::out_of_quota()).await;
    assert_eq!(cause, "exhausted");
    assert!(
        left >= 600.0,
        "no money does not come back in seconds: {left}"
    );
    // Headers that say nothing are no hint.
    let nothing = Reply::rate_limited(Hint::None).header("retry-after", "-1");
    let (_, left) = sleep_after(&world, nothing).await;
    assert!((1.0..=120.0).contains(&left), "{left}");
    let forever = Reply::rate_limited(Hint::Seconds(999_999_999));
    let (_, left) = sleep_after(&world, forever).await;
    assert!(left <= 86_400.0 * 1.2, "a sleep has a longest: {left}");
}
