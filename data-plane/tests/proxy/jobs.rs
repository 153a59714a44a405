//! Batches and responses in the background: the call that begins one is free, and its end
//! is billed once, whoever sees it.

mod batches;
mod held;
mod nodes;
mod streams;

use std::time::Instant;

use foldgate_domain::command::{Command, ProfileEdit};
use foldgate_log::usage::spool::Outbox;
use foldgate_proto::{Config, KeyNumber, Measure, NanoDollars, Quantities, UsageRecord};
use futures_util::future::join_all;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::accounts::{ROOT, account};
use crate::client::Caller;
use crate::rig::{KEY, PATIENCE, Rig, settings, until};
use crate::upstream::{Script, Step, Upstream};

const SECRET: &str = "sk-jobs-0123456789-0123456789";
const RESPONSES: &str = "/v1/responses";

/// A dollar for a token read, cached or not, two for one written.
const PRICING: &str =
    r#"{"ChatPricing":{"gpt-4o":{"InputText":1000000,"CachedText":1000000,"OutputText":2000000}}}"#;

/// A gateway with one key, an account, and what it writes down.
struct Works {
    rig: Rig,
    upstream: Upstream,
    team: Caller,
    outbox: Outbox,
}

impl Works {
    async fn new() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: foldgate_data_plane::Settings) -> Self {
        let upstream = Upstream::start().await;
        let mut rig = Rig::with(settings).await;
        rig.key(1, &upstream, SECRET).await;
        rig.all_to_level_1().await;
        rig.config(Config {
            model_mapper: Some([("mine".to_owned(), "gpt-4o".to_owned())].into()),
            pricing: Some(PRICING.to_owned()),
            ..Config::default()
        })
        .await;
        account(&mut rig, ROOT, "team", ProfileEdit::default()).await;
        Self {
            team: Caller::new(rig.address, "team"),
            outbox: rig.spool.outbox().unwrap(),
            upstream,
            rig,
        }
    }

    /// The upstream has this of a job from now on.
    fn has(&self, path: &str, object: &Value) {
        let page = Script::json(200, &object.to_string());
        self.upstream.page(&format!("GET {path}"), page);
    }

    /// Begins a response in the background.
    async fn begins(&self, id: &str) {
        let open = response(id, "queued");
        let page = Script::json(200, &open.to_string());
        self.upstream.page(&format!("POST {RESPONSES}"), page);
        self.has(&format!("{RESPONSES}/{id}"), &open);
        let body = r#"{"model":"mine","input":"12345678","background":true}"#;
        let reply = self.team.post(RESPONSES, body).await;
        assert_eq!(reply.text(), open.to_string());
    }

    /// What was written down of jobs since.
    fn billed(&mut self) -> Vec<UsageRecord> {
        jobs(&mut self.outbox)
    }

    /// The next record of a job, as soon as there is one.
    async fn next(&mut self) -> UsageRecord {
        next(&mut self.outbox).await
    }
}

fn jobs(outbox: &mut Outbox) -> Vec<UsageRecord> {
    let mut records = Vec::new();
    while let Some(batch) = outbox.next_batch().unwrap() {
        records.extend(batch.records);
        outbox.arrived().unwrap();
    }
    for record in &records {
        assert!(record.is_of_job() || record.cost.0 == 0, "{record:?}");
    }
    records.retain(UsageRecord::is_of_job);
    records
}

async fn next(outbox: &mut Outbox) -> UsageRecord {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(record) = jobs(outbox).pop() {
            return record;
        }
        assert!(Instant::now() < deadline, "nothing was written down");
        tokio::task::yield_now().await;
    }
}

fn seconds() -> i64 {
    chrono::Utc::now().timestamp()
}

fn response(id: &str, status: &str) -> Value {
    json!({"id": id, "object": "response", "created_at": seconds(), "status": status,
        "background": true, "model": "gpt-4o-2024-08-06", "output": [], "usage": null})
}

/// A response that used ten tokens and made three.
fn done(id: &str) -> Value {
    let mut done = response(id, "completed");
    done["output"] = json!([{"content": [{"type": "output_text", "text": "0123456789ab"}]}]);
    done["usage"] = json!({"input_tokens": 10, "output_tokens": 3, "total_tokens": 13});
    done
}

fn used(input: u64, output: u64) -> Quantities {
    Quantities {
        input,
        output,
        ..Quantities::default()
    }
}

fn dollars(number: i64) -> NanoDollars {
    NanoDollars(number * NanoDollars::DOLLAR.0)
}

#[tokio::test]
async fn a_response_in_the_background_is_billed_when_its_end_is_seen() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    works.team.get("/v1/responses/resp_1").await;
    assert_eq!(works.billed(), [], "it has not ended");
    works.has("/v1/responses/resp_1", &done("resp_1"));
    let reply = works.team.get("/v1/responses/resp_1").await;
    assert_eq!(reply.json()["status"], "completed");
    let [record] = &works.billed()[..] else {
        panic!("it is billed when its end is handed on");
    };
    assert_eq!(
        (record.requested.as_str(), record.model.as_str()),
        ("mine", "gpt-4o")
    );
    assert_eq!(record.upstream.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(16)));
    assert_eq!(
        (record.endpoint.as_str(), record.measure),
        ("responses", Measure::Reported)
    );
    assert!(record.provider_key.is_some() && record.level.is_some());
    // Who asks again pays nothing, and nobody else's asking counts.
    let again = [&works.team, &works.rig.caller];
    for caller in again {
        caller.get("/v1/responses/resp_1").await;
    }
    assert_eq!(works.billed(), []);
}

#[tokio::test]
async fn who_never_asks_pays_for_what_the_gateway_sees() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    works.has("/v1/responses/resp_1", &done("resp_1"));
    // Another says no usage.
    works.begins("resp_2").await;
    let mut unsaid = done("resp_2");
    unsaid["usage"] = Value::Null;
    works.has("/v1/responses/resp_2", &unsaid);
    let mut records = Vec::new();
    until("both are billed", || {
        records.extend(works.billed());
        records.len() == 2
    })
    .await;
    records.sort_by_key(|record| record.measure == Measure::Estimated);
    assert_eq!(records[0].quantities, used(10, 3));
    // A token for 4 bytes of the request's body and of the answer's text.
    assert_eq!(records[1].measure, Measure::Estimated);
    assert_eq!(records[1].quantities, used(14, 3));
}

#[tokio::test]
async fn a_stream_of_one_that_is_left_is_billed_by_its_end() {
    let mut works = Works::new().await;
    let created = json!({"type": "response.created", "response": response("resp_1", "queued")});
    let stream = Script::events(vec![
        Step::Send(format!("event: response.created\ndata: {created}\n\n")),
        Step::Hang,
    ]);
    works.upstream.page(&format!("POST {RESPONSES}"), stream);
    works.has("/v1/responses/resp_1", &done("resp_1"));
    let body = r#"{"model":"mine","input":"x","background":true,"stream":true}"#;
    let request = works.team.request(Method::POST, RESPONSES, body);
    let mut answer = works.team.open(request).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body_mut().frame().await.is_some());
    drop(answer);
    let record = works.next().await;
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(16)));
    // Taken up again, the stream is followed by a look, which finds nothing new.
    let asked = works.upstream.asked().len();
    let end = json!({"type": "response.completed", "response": done("resp_1")});
    works.upstream.page(
        "GET /v1/responses/resp_1",
        Script::stream(&format!("event: response.completed\ndata: {end}\n\n")),
    );
    works
        .team
        .get("/v1/responses/resp_1?stream=true&starting_after=1")
        .await;
    assert_eq!(works.billed(), []);
    assert_eq!(works.upstream.asked().len(), asked + 1);
}

#[tokio::test]
async fn what_is_cancelled_is_paid_as_far_as_it_was_counted() {
    let mut works = Works::new().await;
    for (id, usage) in [
        ("resp_1", Value::Null),
        ("resp_2", done("x")["usage"].take()),
    ] {
        works.begins(id).await;
        let mut cancelled = response(id, "cancelled");
        cancelled["usage"] = usage.clone();
        let line = format!("POST /v1/responses/{id}/cancel");
        works
            .upstream
            .page(&line, Script::json(200, &cancelled.to_string()));
        works.has(&format!("/v1/responses/{id}"), &cancelled);
        let cancel = works
            .team
            .post(&format!("/v1/responses/{id}/cancel"), "")
            .await;
        assert_eq!(cancel.status, 200);
        let costs: Vec<_> = works.billed().iter().map(|record| record.cost).collect();
        let wanted: &[_] = if usage.is_null() { &[] } else { &[dollars(16)] };
        assert_eq!(costs, wanted, "{id}");
    }
}

#[tokio::test]
async fn usage_that_is_said_a_moment_after_a_cancel_is_billed() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    let mut cancelled = response("resp_1", "cancelled");
    works.has("/v1/responses/resp_1", &cancelled);
    let page = Script::json(200, &cancelled.to_string());
    let cancel = "/v1/responses/resp_1/cancel";
    works.upstream.page(&format!("POST {cancel}"), page);
    works.team.post(cancel, "").await;
    // The gateway looks at it twice, as does who deletes it.
    assert_eq!(works.deletes("/v1/responses/resp_1").await, 409);
    cancelled["usage"] = done("x")["usage"].take();
    works.has("/v1/responses/resp_1", &cancelled);
    assert_eq!(works.next().await.cost, dollars(16));
    assert_eq!(works.deletes("/v1/responses/resp_1").await, 200);
}

/// Also when the owner deletes what an account had made.
#[tokio::test]
async fn what_is_to_be_deleted_is_looked_at_before() {
    for by_owner in [false, true] {
        let mut works = Works::new().await;
        works.begins("resp_1").await;
        works.has("/v1/responses/resp_1", &done("resp_1"));
        if by_owner {
            works.team = Caller::new(works.rig.address, KEY);
        }
        assert_eq!(works.deletes("/v1/responses/resp_1").await, 200);
        let records = works.billed();
        assert_eq!(records.len(), 1);
        assert_ne!(records[0].account, ROOT);
    }
}

#[tokio::test]
async fn what_is_gone_before_anybody_saw_its_end_is_billed_by_estimate() {
    for is_deleted in [true, false] {
        let mut works = Works::new().await;
        works.begins("resp_1").await;
        if is_deleted {
            // That it is not found is no reason: it may be found again.
            let gone = Script::json(404, r#"{"error":{"message":"no such response"}}"#);
            works.upstream.page("GET /v1/responses/resp_1", gone);
            for _ in 0..3 {
                assert_eq!(works.team.get("/v1/responses/resp_1").await.status, 404);
            }
            assert_eq!(works.billed(), []);
            assert_eq!(works.deletes("/v1/responses/resp_1").await, 200);
        } else {
            let remove = Command::RemoveKey(KeyNumber(1));
            works.rig.write(&remove).await;
        }
        let record = works.next().await;
        assert_eq!(record.measure, Measure::Unsettled);
        assert_eq!(record.quantities, used(14, 256));
        assert_eq!(record.cost, dollars(14 + 2 * 256));
    }
}

#[tokio::test]
async fn an_answer_that_did_not_wait_is_billed_once_too() {
    let mut works = Works::new().await;
    // The upstream does what it was asked in the background at once ...
    let page = Script::json(200, &done("resp_1").to_string());
    works.upstream.page(&format!("POST {RESPONSES}"), page);
    works.has("/v1/responses/resp_1", &done("resp_1"));
    let body = r#"{"model":"mine","input":"x","background":true}"#;
    assert_eq!(works.team.post(RESPONSES, body).await.status, 200);
    works.team.get("/v1/responses/resp_1").await;
    let costs: Vec<_> = works.billed().iter().map(|record| record.cost).collect();
    assert_eq!(costs, [dollars(16)]);
    // ... or knows no background: then the call is paid as any is, and its later reading
    // free.
    let mut plain = done("resp_2");
    plain["background"] = json!(false);
    let page = Script::json(200, &plain.to_string());
    works.upstream.page(&format!("POST {RESPONSES}"), page);
    works.has("/v1/responses/resp_2", &plain);
    assert_eq!(works.team.post(RESPONSES, body).await.status, 200);
    works.team.get("/v1/responses/resp_2").await;
    let batch = works.outbox.next_batch().unwrap().unwrap();
    let costs: Vec<_> = batch.records.iter().map(|record| record.cost).collect();
    assert_eq!(costs, [dollars(16), NanoDollars(0)]);
}

/// Nobody's call failed: clients find the key awake, and nobody reports it as dead.
#[tokio::test]
async fn a_job_that_cannot_be_seen_leaves_the_key_to_clients() {
    let all = [500, 429, 401].map(|status| async move {
        let works = Works::new().await;
        let id = "resp_1";
        works.begins(id).await;
        let body = r#"{"error":{"message":"no"}}"#;
        let line = format!("GET {RESPONSES}/{id}");
        works.upstream.page(&line, Script::json(status, body));
        let chat = "POST /v1/chat/completions";
        works.upstream.page(chat, Script::json(200, "{}"));
        let looks = || {
            let asked = works.upstream.asked();
            asked
                .iter()
                .filter(|asked| asked.path.ends_with(id))
                .count()
        };
        // Also its client asks for it.
        for _ in 0..2 {
            let reply = works.team.get(&format!("{RESPONSES}/{id}")).await;
            assert_ne!(reply.status, 200);
        }
        until("it is looked at again", || looks() >= 4).await;
        let body = r#"{"model":"mine"}"#;
        let reply = works.team.post("/v1/chat/completions", body).await;
        assert_eq!(reply.status, 200, "{status}: {}", reply.text());
    });
    join_all(all).await;
}
