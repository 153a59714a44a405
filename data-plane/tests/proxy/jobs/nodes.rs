//! Jobs of several nodes, accounts and runs.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use super::batches::batch;
use super::{RESPONSES, Works, dollars, done, jobs, next, response, seconds, used};
use crate::client::Caller;
use crate::rig::{settings, until};
use crate::upstream::{Script, Step};

#[tokio::test]
async fn what_is_not_an_accounts_own_or_long_ago_is_not_billed() {
    let mut works = Works::new().await;
    // The owner may read what nobody remembers; it had it not made here.
    works.has("/v1/responses/resp_9", &done("resp_9"));
    let reply = works.rig.caller.get("/v1/responses/resp_9").await;
    assert_eq!(reply.json()["status"], "completed");
    let mut old = batch("batch_9", "completed");
    old["usage"] = json!({"input_tokens": 10, "output_tokens": 3});
    works.has("/v1/batches", &json!({"data": [old]}));
    works.rig.caller.get("/v1/batches").await;
    assert_eq!(works.billed(), []);
    // A node that knows whose it is, and nothing of its beginning, leaves it to who does.
    let apart = works.rig.beside(settings()).await;
    let mut outbox = apart.spool.outbox().unwrap();
    let long_ago = seconds() - 36 * 86_400;
    for (id, created) in [("resp_1", long_ago), ("resp_2", seconds())] {
        let mut plain = done(id);
        plain["background"] = json!(false);
        let page = Script::json(200, &plain.to_string());
        works.upstream.page(&format!("POST {RESPONSES}"), page);
        let body = r#"{"model":"mine","input":"x"}"#;
        assert_eq!(works.team.post(RESPONSES, body).await.status, 200);
        let mut ended = done(id);
        ended["created_at"] = json!(created);
        works.has(&format!("{RESPONSES}/{id}"), &ended);
        let there = Caller::new(apart.address, "team");
        // Nor is that what it asked before.
        for _ in 0..2 {
            let reply = there.get(&format!("{RESPONSES}/{id}")).await;
            assert_eq!(reply.status, 200);
            assert_eq!(jobs(&mut outbox).len(), 0, "{id}");
        }
    }
}

/// Such as one that was started anew: it asks for the beginning.
#[tokio::test]
async fn a_node_that_did_not_hear_of_a_beginning_bills_as_who_did() {
    for deletes in [false, true] {
        let mut works = Works::new().await;
        works.begins("resp_1").await;
        let anew = works.rig.beside(settings()).await;
        let mut outbox = anew.spool.outbox().unwrap();
        let mut ended = done("resp_1");
        ended["model"] = json!("vendor/model-x");
        works.has("/v1/responses/resp_1", &ended);
        works.team = Caller::new(anew.address, "team");
        if deletes {
            let mut status = works.deletes("/v1/responses/resp_1").await;
            while status == 409 {
                status = works.deletes("/v1/responses/resp_1").await;
            }
            assert_eq!(status, 200);
        } else {
            works.team.get("/v1/responses/resp_1").await;
            works.team.get("/v1/responses/resp_1").await;
        }
        let mut records = Vec::new();
        until("it is billed", || {
            // The first looks at it, too.
            records.extend(works.billed());
            records.extend(jobs(&mut outbox));
            !records.is_empty()
        })
        .await;
        for record in &records {
            assert_eq!(
                (record.cost, record.model.as_str()),
                (dollars(16), "gpt-4o")
            );
        }
    }
}

#[tokio::test]
async fn another_node_bills_as_the_first_would_and_tells_it() {
    let mut works = Works::new().await;
    let beside = works.rig.beside(settings()).await;
    let mut outbox = beside.spool.outbox().unwrap();
    works.begins("resp_1").await;
    let ended = done("resp_1");
    works.has("/v1/responses/resp_1", &ended);
    let there = Caller::new(beside.address, "team");
    // It is told of the beginning a moment later: only then it knows the model.
    there.get("/v1/responses/resp_1").await;
    let record = next(&mut outbox).await;
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(16)));
    let mut names = vec![record.id];
    works.team.get("/v1/responses/resp_1").await;
    names.extend(works.billed().iter().map(|record| record.id));
    names.dedup();
    assert_eq!(names.len(), 1, "whoever bills it, bills the same");
}

#[tokio::test]
async fn jobs_under_way_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeping = settings();
    keeping.jobs_file = Some(dir.path().join("jobs"));
    let works = Works::with(keeping.clone()).await;
    works.begins("resp_1").await;
    works.begins("resp_2").await;
    works.has("/v1/responses/resp_1", &done("resp_1"));
    works.team.get("/v1/responses/resp_1").await;
    works.rig.shutdown.begin();
    // Half a line is what a crash leaves.
    let file = dir.path().join("jobs");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("\n{\"began\":{\"kind\"");
    std::fs::write(&file, text).unwrap();
    let next_run = works.rig.apart(keeping).await;
    let mut outbox = next_run.spool.outbox().unwrap();
    works.has("/v1/responses/resp_2", &done("resp_2"));
    let record = next(&mut outbox).await;
    assert_eq!(
        (record.cost, record.model.as_str()),
        (dollars(16), "gpt-4o")
    );
    let kept = || std::fs::read_to_string(&file).unwrap();
    until("its end is kept", || kept().contains("billed")).await;
    assert!(!kept().contains("resp_1"), "{}", kept());
}

/// What is too large to be held passes unread; the gateway looks at it by itself.
#[tokio::test]
async fn a_large_answer_is_billed_by_a_look_behind_it() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    let mut large = done("resp_1");
    large["output"] = json!([{"content": [{"type": "output_text", "text": "x".repeat(2 << 20)}]}]);
    works.has("/v1/responses/resp_1", &large);
    let reply = works.team.get("/v1/responses/resp_1").await;
    assert_eq!(reply.json(), large);
    assert_eq!(works.next().await.quantities, used(10, 3));
    // One with pictures is not held by the look either.
    works.begins("resp_2").await;
    let picture = json!({"type": "image_generation_call", "result": "x".repeat(25 << 20)});
    let mut larger = done("resp_2");
    larger["output"] = json!([picture]);
    works.has("/v1/responses/resp_2", &larger);
    let record = works.next().await;
    assert_eq!(record.quantities, used(10, 3));
}

/// A call that begins a job, whose client leaves before the answer; and what that waits for.
async fn left(works: &Works, client: Caller) -> Arc<Notify> {
    let go = Arc::new(Notify::new());
    let open = response("resp_1", "queued").to_string();
    let page = Script {
        steps: vec![Step::Wait(go.clone()), Step::Send(open)],
        ..Script::json(200, "")
    };
    works.upstream.page(&format!("POST {RESPONSES}"), page);
    works.has("/v1/responses/resp_1", &done("resp_1"));
    let asks = tokio::spawn(async move {
        let body = r#"{"model":"mine","input":"x","background":true}"#;
        client.post(RESPONSES, body).await
    });
    until("it is asked", || works.upstream.asked().len() == 1).await;
    asks.abort();
    assert!(asks.await.unwrap_err().is_cancelled());
    // Meanwhile the gateway sees that the client is gone.
    for _ in 0..50 {
        works.team.get("/v1/models").await;
    }
    go
}

/// Its job lives at the upstream; whoever made it pays, and may ask for it.
#[tokio::test]
async fn a_job_whose_client_leaves_before_the_answer_is_known() {
    let mut works = Works::new().await;
    let go = left(&works, Caller::new(works.rig.address, "team")).await;
    assert_eq!(works.upstream.left(), 0, "the call runs on");
    go.notify_one();
    let record = works.next().await;
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(16)));
    assert_eq!(
        works.team.get("/v1/responses/resp_1").await.json()["status"],
        "completed"
    );
}

#[tokio::test]
async fn a_shutdown_waits_for_the_answer_that_tells_of_a_job() {
    let works = Works::new().await;
    let dir = tempfile::tempdir().unwrap();
    let mut keeping = settings();
    keeping.jobs_file = Some(dir.path().join("jobs"));
    let node = works.rig.apart(keeping).await;
    let go = left(&works, Caller::new(node.address, "team")).await;
    node.shutdown.begin();
    node.served.await.unwrap();
    assert!(!node.beside.is_finished());
    go.notify_one();
    node.beside.await.unwrap();
    let kept = std::fs::read_to_string(dir.path().join("jobs")).unwrap();
    assert!(kept.contains("resp_1"), "{kept}");
}
