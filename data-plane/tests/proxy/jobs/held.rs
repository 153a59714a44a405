//! What jobs under way are going to cost is held until they have ended.

use std::time::Instant;

use foldgate_domain::command::{Change, ProfileEdit};
use foldgate_proto::NanoDollars;
use serde_json::json;

use super::batches::batch;
use super::{RESPONSES, Works, dollars, done, response};
use crate::accounts::{ROOT, account};
use crate::client::Caller;
use crate::rig::{PATIENCE, until};
use crate::upstream::Script;

const BODY: &str = r#"{"model":"mine","input":"12345678","background":true}"#;

/// Works whose account may spend no more than this.
async fn limited(most: NanoDollars) -> Works {
    let hard_limit = Change::Set(most);
    bounded(ProfileEdit {
        hard_limit,
        ..ProfileEdit::default()
    })
    .await
}

async fn bounded(profile: ProfileEdit) -> Works {
    let mut works = Works::new().await;
    account(&mut works.rig, ROOT, "limited", profile).await;
    works.team = Caller::new(works.rig.address, "limited");
    works
}

#[tokio::test]
async fn a_response_in_the_background_holds_its_estimate() {
    // It is estimated to read 14 tokens, and may write a thousand.
    let estimate = 14 + 2 * 1_000;
    let works = limited(dollars(2 * estimate)).await;
    for id in ["resp_1", "resp_2"] {
        works.begins(id).await;
    }
    let third = works.team.post(RESPONSES, BODY).await;
    assert_eq!(third.code(), (429, "credit_held".to_owned()));
    // One has cost less than was held for it.
    works.has("/v1/responses/resp_1", &done("resp_1"));
    works.team.get("/v1/responses/resp_1").await;
    works.begins("resp_3").await;
    assert_eq!(works.team.post(RESPONSES, BODY).await.status, 429);
    // What came to nothing is held no longer.
    for id in ["resp_2", "resp_3"] {
        let cancelled = response(id, "cancelled");
        works.has(&format!("/v1/responses/{id}"), &cancelled);
        works.team.get(&format!("/v1/responses/{id}")).await;
    }
    // That is so when their upstream has had a moment to say what they used.
    let page = Script::json(200, &response("resp_4", "queued").to_string());
    works.upstream.page(&format!("POST {RESPONSES}"), page);
    let deadline = Instant::now() + PATIENCE;
    while works.team.post(RESPONSES, BODY).await.status != 200 {
        assert!(Instant::now() < deadline, "it is held for ever");
    }
}

/// What a job used counts in limits on tokens as soon as it is known, what its beginning
/// took of them among it.
#[tokio::test]
async fn tokens_of_a_job_count_when_it_has_ended() {
    let mut profile = ProfileEdit::default();
    profile.limits.tpd = Change::Set(20_000);
    let works = bounded(profile).await;
    let left = async || {
        let reply = works.team.post(RESPONSES, BODY).await;
        let left = reply.header("x-ratelimit-remaining-tokens");
        (reply.status, left.map(|left| left.parse::<u64>().unwrap()))
    };
    // Each is taken to use a thousand and its prompt: 13 tokens, and 15.
    works.begins("resp_1").await;
    assert_eq!(left().await.1, Some(20_000 - 1_013 - 1_015));
    let mut ended = done("resp_1");
    ended["usage"] = json!({"input_tokens": 6_000, "output_tokens": 4_000});
    works.has("/v1/responses/resp_1", &ended);
    works.team.get("/v1/responses/resp_1").await;
    // Once, however often it is asked for.
    works.team.get("/v1/responses/resp_1").await;
    assert_eq!(left().await.1, Some(20_000 - 10_000 - 2 * 1_015));
    ended["id"] = json!("resp_2");
    works.begins("resp_2").await;
    works.has("/v1/responses/resp_2", &ended);
    works.team.get("/v1/responses/resp_2").await;
    assert_eq!(left().await.0, 429);
}

#[tokio::test]
async fn a_batch_holds_half_a_cent_for_each_of_its_calls() {
    let works = limited(dollars(1)).await;
    works.begins_batch("batch_1").await;
    // Of a hundred calls: as much is left.
    works.begins_batch("batch_2").await;
    let body = r#"{"input_file_id":"file-in","endpoint":"/v1/chat/completions","completion_window":"24h"}"#;
    let third = works.team.post("/v1/batches", body).await;
    assert_eq!(third.code(), (429, "credit_held".to_owned()));
    for id in ["batch_1", "batch_2"] {
        let mut failed = batch(id, "failed");
        failed["request_counts"] = json!({"total": 100, "completed": 0, "failed": 100});
        works.has(&format!("/v1/batches/{id}"), &failed);
        works.team.get(&format!("/v1/batches/{id}")).await;
    }
    // One says that it has two hundred.
    let mut large = batch("batch_3", "validating");
    large["request_counts"] = json!({"total": 200, "completed": 0, "failed": 0});
    let page = Script::json(200, &large.to_string());
    works.upstream.page("POST /v1/batches", page);
    works.has("/v1/batches/batch_3", &large);
    assert_eq!(works.team.post("/v1/batches", body).await.status, 200);
    assert_eq!(works.team.post("/v1/batches", body).await.status, 429);
}

#[tokio::test]
async fn what_is_taken_up_again_is_held_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeping = crate::rig::settings();
    keeping.jobs_file = Some(dir.path().join("jobs"));
    let mut works = Works::with(keeping.clone()).await;
    let profile = ProfileEdit {
        hard_limit: Change::Set(dollars(1)),
        ..ProfileEdit::default()
    };
    account(&mut works.rig, ROOT, "limited", profile).await;
    works.team = Caller::new(works.rig.address, "limited");
    works.begins("resp_1").await;
    works.rig.shutdown.begin();
    let next_run = works.rig.apart(keeping).await;
    let asked = works.upstream.begun();
    until("it is looked at", || works.upstream.begun() > asked + 1).await;
    let there = Caller::new(next_run.address, "limited");
    assert_eq!(there.post(RESPONSES, BODY).await.status, 429);
}

/// It would take the places of all others, and what nobody looks after costs nothing.
#[tokio::test]
async fn an_account_has_a_thousand_jobs_under_way_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jobs");
    let mut keeping = crate::rig::settings();
    keeping.jobs_file = Some(file.clone());
    let works = Works::with(keeping.clone()).await;
    works.begins("resp_1").await;
    works.rig.shutdown.begin();
    let one = std::fs::read_to_string(&file).unwrap();
    let many: Vec<String> = (0..999)
        .map(|n| one.trim().replace("resp_1", &format!("resp_x{n}")))
        .collect();
    std::fs::write(&file, format!("{one}\n{}", many.join("\n"))).unwrap();
    let next_run = works.rig.apart(keeping).await;
    let there = Caller::new(next_run.address, "team");
    let full = there.post(RESPONSES, BODY).await;
    assert_eq!(full.code(), (429, "too_many_jobs".to_owned()));
    // What does not begin one is served.
    let page = Script::json(200, &done("resp_2").to_string());
    works.upstream.page(&format!("POST {RESPONSES}"), page);
    let body = r#"{"model":"mine","input":"x"}"#;
    assert_eq!(there.post(RESPONSES, body).await.status, 200);
}

/// Though they hang at the same key.
#[tokio::test]
async fn the_jobs_of_one_account_leave_room_for_looks_at_those_of_others() {
    let mut works = limited(dollars(100_000)).await;
    for n in 0..10 {
        let id = format!("resp_{n}");
        works.begins(&id).await;
        let line = format!("GET {RESPONSES}/{id}");
        works.upstream.page(&line, Script::hang());
    }
    let before = works.upstream.asked().len();
    until("they are looked at", || {
        works.upstream.asked().len() >= before + 4
    })
    .await;
    works.team = Caller::new(works.rig.address, "team");
    works.begins("resp_other").await;
    works.has("/v1/responses/resp_other", &done("resp_other"));
    assert_eq!(works.next().await.cost, dollars(16));
}
