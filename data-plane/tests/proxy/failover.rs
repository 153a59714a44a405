//! When a key fails: who is asked next, who sleeps, and what the caller hears.

use std::collections::BTreeMap;
use std::time::Duration;

use foldgate_proto::{Config, Level, SleepCause, Timestamp};

use crate::rig::{Rig, settings, until};
use crate::upstream::{Script, Step, Upstream};

const BAD: &str = "sk-bad-0123456789-0123456789";
const GOOD: &str = "sk-good-0123456789-0123456789";
const FINE: &str = r#"{"id":"fine","choices":[]}"#;

/// One bad key on Level 1, a good one on Level 2, and a switch between them.
async fn two_levels(bad: Script) -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, BAD).await;
    rig.key(2, &upstream, GOOD).await;
    let level = |n| Level::new(n).unwrap();
    rig.config(Config {
        level_mapper: Some(BTreeMap::from([("*".to_owned(), level(1))])),
        switch_over: Some(BTreeMap::from([(level(1), level(2)), (level(2), level(1))])),
        ..Config::default()
    })
    .await;
    upstream.script(BAD, bad);
    upstream.script(GOOD, Script::json(200, FINE));
    (rig, upstream)
}

/// The bad key fails, the good one answers; why and how long the bad one sleeps.
async fn sleeps_after(bad: Script) -> (SleepCause, Duration) {
    let (rig, upstream) = two_levels(bad).await;
    let reply = rig.caller.chat("m").await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (200, FINE.to_owned())
    );
    assert_eq!(upstream.asked().len(), 2);
    // It is not asked again.
    assert_eq!(rig.caller.chat("m").await.status, 200);
    assert_eq!(upstream.asked().len(), 3);
    let sleeping = rig.pools.sleeps().all();
    assert_eq!(sleeping.len(), 1);
    let now = Timestamp::from(chrono::Utc::now());
    (sleeping[0].cause, sleeping[0].until.since(now))
}

fn error(status: u16, code: &str) -> Script {
    let body = format!(r#"{{"error":{{"message":"no","type":"x","code":"{code}"}}}}"#);
    Script::json(status, &body)
}

async fn assert_sleeps(bad: Script, cause: SleepCause, seconds: std::ops::Range<u64>) {
    let (found, rest) = sleeps_after(bad).await;
    assert_eq!(found, cause);
    let (from, to) = (
        Duration::from_secs(seconds.start),
        Duration::from_secs(seconds.end),
    );
    assert!(from <= rest && rest <= to, "{cause}: {rest:?}");
}

#[tokio::test]
async fn a_refused_key_gives_way() {
    assert_sleeps(error(401, "invalid_api_key"), SleepCause::Dead, 8..25).await;
}

#[tokio::test]
async fn a_limited_key_sleeps_as_long_as_its_upstream_says() {
    let limited = || error(429, "rate_limit_exceeded");
    assert_sleeps(limited(), SleepCause::RateLimit, 20..35).await;
    let by = |name, value| limited().with(name, value);
    assert_sleeps(by("retry-after", "100"), SleepCause::RateLimit, 90..115).await;
    assert_sleeps(
        by("retry-after-ms", "200000"),
        SleepCause::RateLimit,
        190..225,
    )
    .await;
    let date = httpdate(Duration::from_secs(500));
    assert_sleeps(by("retry-after", &date), SleepCause::RateLimit, 480..560).await;
    let reset =
        by("x-ratelimit-reset-requests", "6m0s").with("x-ratelimit-remaining-requests", "0");
    assert_sleeps(reset, SleepCause::RateLimit, 350..400).await;
}

fn httpdate(ahead: Duration) -> String {
    let when = chrono::Utc::now() + ahead;
    when.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn an_exhausted_key_sleeps_long() {
    assert_sleeps(
        error(429, "insufficient_quota"),
        SleepCause::Exhausted,
        3000..4000,
    )
    .await;
}

#[tokio::test]
async fn a_failing_upstream_gives_way() {
    assert_sleeps(error(500, "oops"), SleepCause::UpstreamError, 1..6).await;
    assert_sleeps(error(529, "overloaded"), SleepCause::UpstreamError, 1..6).await;
    let redirect = Script::json(302, "").with("location", "http://127.0.0.1:1/");
    assert_sleeps(redirect, SleepCause::UpstreamError, 1..6).await;
    let broken = Script::events(vec![Step::Break]);
    assert_sleeps(broken, SleepCause::UpstreamError, 1..6).await;
    let half = Script::events(vec![Step::Send("data: {\"a\"".to_owned()), Step::Break]);
    assert_sleeps(half, SleepCause::UpstreamError, 1..6).await;
    let empty = Script::events(vec![Step::Send(": only a comment\n\n".to_owned())]);
    assert_sleeps(empty, SleepCause::UpstreamError, 1..6).await;
    let cut = Script {
        steps: vec![Step::Send("{\"id\":".to_owned()), Step::Break],
        ..Script::json(200, "")
    };
    assert_sleeps(cut, SleepCause::UpstreamError, 1..6).await;
}

#[tokio::test]
async fn an_error_behind_a_200_gives_way() {
    let event = r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#;
    let stream = Script::stream(&format!(": hi\n\ndata: {event}\n\n"));
    assert_sleeps(stream, SleepCause::RateLimit, 20..35).await;
    assert_sleeps(Script::json(200, event), SleepCause::RateLimit, 20..35).await;
}

#[tokio::test]
async fn a_stream_without_an_answer_gives_way() {
    let endless = vec![Step::Send(": ping\n\n".repeat(40_000)), Step::Hang];
    let unended = vec![Step::Send(": ping\n".repeat(40_000)), Step::Hang];
    let asleep = SleepCause::UpstreamError;
    assert_sleeps(Script::events(endless), asleep, 1..6).await;
    assert_sleeps(Script::events(unended), asleep, 1..6).await;
    for text in [
        "data: [DONE]\n\n",
        "data:\n\ndata: {\"choices\":[]}\n\ndata: [DONE]\n\n",
        ": hi\n\ndata: \n\n",
        "data: {\"choices\":[",
        "event: error\ndata: boom\n\n",
        "data: {\"object\":\"error\",\"message\":\"boom\",\"code\":500}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"boom\"}}\n\n",
        "data: {\"detail\":\"boom\"}\n\n",
        "data: {\"message\":\"boom\"}\n\n",
    ] {
        assert_sleeps(Script::stream(text), asleep, 1..6).await;
    }
}

#[tokio::test]
async fn a_key_without_the_model_sleeps_for_it_alone() {
    let missing = error(404, "model_not_found");
    let (rig, upstream) = two_levels(missing).await;
    assert_eq!(rig.caller.chat("m").await.status, 200);
    let sleeping = rig.pools.sleeps().all();
    assert_eq!(
        (sleeping[0].cause, sleeping[0].model.as_deref()),
        (SleepCause::NotHere, Some("m"))
    );
    upstream.clear(BAD);
    let asked = upstream.asked().len();
    assert_eq!(rig.caller.chat("other").await.status, 200);
    assert_eq!(
        upstream.asked().len(),
        asked + 1,
        "the first key serves other models"
    );
}

#[tokio::test]
async fn if_no_key_has_the_model_the_caller_hears_so() {
    let (rig, upstream) = two_levels(error(404, "model_not_found")).await;
    upstream.clear(GOOD);
    upstream.script(GOOD, error(404, "model_not_found"));
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.code(), (404, "model_not_found".to_owned()));
    // Also when the keys are known not to have it.
    assert_eq!(
        rig.caller.chat("m").await.code(),
        (404, "model_not_found".to_owned())
    );
    assert_eq!(upstream.asked().len(), 2);
}

#[tokio::test]
async fn the_client_s_own_fault_is_told_at_once() {
    let host = Upstream::start().await;
    let words = format!(
        r#"{{"error":{{"message":"bad `messages` for {BAD} of org-abcdefghijk at http://{}/","type":"invalid_request_error","param":"messages","code":"bad_one"}}}}"#,
        host.address
    );
    let (rig, upstream) = two_levels(Script::json(400, &words)).await;
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.code(), (400, "bad_one".to_owned()));
    assert_eq!(reply.json()["error"]["param"], "messages");
    assert!(reply.text().contains("bad `messages`"));
    assert!(!reply.text().contains("0123456789"), "{}", reply.text());
    assert!(!reply.text().contains("org-abc"), "{}", reply.text());
    assert_eq!(upstream.asked().len(), 1);
    assert_eq!(rig.pools.sleeps().all().len(), 0);
}

#[tokio::test]
async fn when_all_sleep_the_caller_hears_until_when() {
    let (rig, upstream) =
        two_levels(error(429, "rate_limit_exceeded").with("retry-after", "50")).await;
    upstream.clear(GOOD);
    upstream.script(
        GOOD,
        error(429, "rate_limit_exceeded").with("retry-after", "40"),
    );
    for _ in 0..2 {
        let reply = rig.caller.chat("m").await;
        assert_eq!(reply.code(), (429, "all_keys_sleeping".to_owned()));
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        // The hint, a little more because hints are rounded, chance, this node's spread.
        assert!((40..=50).contains(&wait), "{wait}");
    }
    assert_eq!(upstream.asked().len(), 2);
    let (rig, upstream) = two_levels(error(500, "x")).await;
    upstream.clear(GOOD);
    upstream.script(GOOD, error(500, "x"));
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.code(), (503, "all_keys_sleeping".to_owned()));
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn the_last_attempt_on_the_last_key_tells_when_to_come_back() {
    let upstream = Upstream::start().await;
    let mut limited = settings();
    limited.limits.attempts = 1;
    let mut rig = Rig::with(limited).await;
    rig.key(1, &upstream, BAD).await;
    rig.all_to_level_1().await;
    upstream.script(
        BAD,
        error(429, "rate_limit_exceeded").with("retry-after", "50"),
    );
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.code(), (429, "all_keys_sleeping".to_owned()));
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn attempts_are_limited() {
    let upstream = Upstream::start().await;
    let mut limited = settings();
    limited.limits.attempts = 2;
    let mut rig = Rig::with(limited).await;
    for number in 0..4 {
        let secret = format!("sk-{number}-0123456789-0123456789");
        rig.key(1, &upstream, &secret).await;
        upstream.script(&secret, error(500, "x"));
    }
    rig.all_to_level_1().await;
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.code(), (502, "upstream_failed".to_owned()));
    assert_eq!(upstream.asked().len(), 2);
}

#[tokio::test]
async fn a_silent_upstream_gives_way() {
    for silent in [Script::hang(), Script::events(vec![Step::Hang])] {
        let upstream = Upstream::start().await;
        let mut limited = settings();
        limited.limits.first_byte = Duration::from_millis(200);
        let mut rig = Rig::with(limited).await;
        rig.key(1, &upstream, BAD).await;
        rig.all_to_level_1().await;
        upstream.script(BAD, silent);
        assert_eq!(rig.caller.chat_stream("m").await.status, 503);
        assert_eq!(rig.pools.sleeps().all()[0].cause, SleepCause::Timeout);
        until("the upstream saw the call dropped", || upstream.left() == 1).await;
    }
}

#[tokio::test]
async fn when_time_runs_out_the_caller_hears_so() {
    let upstream = Upstream::start().await;
    let mut limited = settings();
    limited.limits.total = Duration::from_millis(200);
    let mut rig = Rig::with(limited).await;
    rig.key(1, &upstream, BAD).await;
    rig.key(1, &upstream, GOOD).await;
    rig.all_to_level_1().await;
    upstream.script(BAD, Script::hang());
    upstream.script(GOOD, Script::hang());
    assert_eq!(
        rig.caller.chat("m").await.code(),
        (504, "upstream_timeout".to_owned())
    );
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_request_is_never_sent_twice_to_one_key() {
    let (rig, upstream) = two_levels(Script::slam()).await;
    upstream.script(BAD, Script::json(200, "{\"id\":\"second\"}"));
    assert_eq!(rig.caller.chat("m").await.json()["id"], "fine");
    assert_eq!(upstream.asked().len(), 2);
    assert_eq!(rig.pools.sleeps().all().len(), 1);
    assert_sleeps(Script::slam(), SleepCause::UpstreamError, 1..6).await;
}

#[tokio::test]
async fn an_answer_of_no_known_type_gives_way() {
    let page = |kind: &str, body: &str| Script::json(200, body).with("content-type", kind);
    let asleep = SleepCause::UpstreamError;
    assert_sleeps(page("text/html", "<html>log in</html>"), asleep, 1..6).await;
    assert_sleeps(page("application/json", "not json"), asleep, 1..6).await;
    assert_sleeps(page("text/html", &"<p>".repeat(1_000_000)), asleep, 1..6).await;
    let packed = page("text/html", "x").with("content-encoding", "br");
    assert_sleeps(packed, asleep, 1..6).await;
    let bare = r#"{"object":"error","message":"boom","code":500}"#;
    assert_sleeps(Script::json(200, bare), asleep, 1..6).await;
}

#[tokio::test]
async fn the_words_of_a_refusal_reach_the_caller_in_every_shape() {
    for body in [
        r#"{"detail":"no such thing"}"#,
        r#"{"object":"error","message":"no such thing"}"#,
        r#"[{"error":{"code":422,"message":"no such thing"}}]"#,
    ] {
        let (rig, _upstream) = two_levels(Script::json(422, body)).await;
        let reply = rig.caller.chat("m").await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.json()["error"]["message"], "no such thing");
    }
}

#[tokio::test]
async fn no_keys_and_no_such_level() {
    let mut rig = Rig::start().await;
    rig.all_to_level_1().await;
    assert_eq!(
        rig.caller.chat("m").await.code(),
        (503, "no_key_available".to_owned())
    );
}
