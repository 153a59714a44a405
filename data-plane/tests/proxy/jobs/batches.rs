//! Batches.

use std::sync::Arc;
use std::time::Instant;

use foldgate_proto::{Measure, NanoDollars};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Works, dollars, done, jobs, seconds, used};
use crate::client::Caller;
use crate::rig::{PATIENCE, until};
use crate::upstream::{Script, Step};

impl Works {
    /// Begins a batch.
    pub(super) async fn begins_batch(&self, id: &str) {
        for (path, object) in [
            ("/v1/files", json!({"id": "file-in"})),
            ("/v1/batches", batch(id, "validating")),
        ] {
            let page = Script::json(200, &object.to_string());
            self.upstream.page(&format!("POST {path}"), page);
        }
        self.has(&format!("/v1/batches/{id}"), &batch(id, "in_progress"));
        let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{}\r\n--b--\r\n";
        let mut request = self.team.request(Method::POST, "/v1/files", form);
        let kind = "multipart/form-data; boundary=b".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        assert_eq!(self.team.send(request).await.status, 200);
        let body = r#"{"input_file_id":"file-in","endpoint":"/v1/chat/completions","completion_window":"24h"}"#;
        let reply = self.team.post("/v1/batches", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

pub(super) fn batch(id: &str, status: &str) -> Value {
    json!({"id": id, "object": "batch", "created_at": seconds(), "status": status,
        "endpoint": "/v1/chat/completions", "input_file_id": "file-in", "output_file_id": null})
}

#[tokio::test]
async fn a_batch_costs_half_of_what_its_calls_would() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    let mut ended = batch("batch_1", "completed");
    ended["model"] = json!("gpt-4o-2031-01-01");
    ended["output_file_id"] = json!("file-out");
    ended["usage"] = json!({"input_tokens": 10, "output_tokens": 3, "total_tokens": 13,
        "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 1}});
    works.has("/v1/batches/batch_1", &ended);
    works.team.get("/v1/batches/batch_1").await;
    let [record] = &works.billed()[..] else {
        panic!("it is billed when its end is handed on");
    };
    assert_eq!(record.cost, dollars(8));
    assert_eq!(
        (record.quantities.cached, record.quantities.reasoning),
        (4, 1)
    );
    assert_eq!(
        (record.endpoint.as_str(), record.model.as_str()),
        ("batch", "gpt-4o-2031-01-01")
    );
    // Whoever lists it, is told the same again.
    works.has("/v1/batches", &json!({"object": "list", "data": [ended]}));
    for caller in [&works.team, &works.rig.caller] {
        assert_eq!(
            caller.get("/v1/batches").await.json()["data"][0]["id"],
            "batch_1"
        );
    }
    assert_eq!(works.billed(), []);
}

#[tokio::test]
async fn a_batch_that_counts_nothing_is_counted_by_its_output() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    let line = |model: &str, usage: Value| {
        let body = json!({"model": model, "usage": usage,
            "choices": [{"message": {"content": "01234567"}}]});
        json!({"custom_id": "x", "response": {"status_code": 200, "body": body}}).to_string()
    };
    let counted = json!({"prompt_tokens": 10, "completion_tokens": 3});
    let lines = [
        line("gpt-4o", counted.clone()),
        line("gpt-4o", counted),
        json!({"custom_id": "y", "response": null, "error": {"code": "x"}}).to_string(),
    ];
    let page = Script::bytes("application/octet-stream", lines.join("\n"));
    works.upstream.page("GET /v1/files/file-out/content", page);
    let mut ended = batch("batch_1", "expired");
    ended["output_file_id"] = json!("file-out");
    works.has("/v1/batches/batch_1", &ended);
    // Seen in a list; the output is read by the gateway.
    works.has("/v1/batches", &json!({"object": "list", "data": [ended]}));
    works.team.get("/v1/batches").await;
    let record = works.next().await;
    assert_eq!((record.quantities, record.cost), (used(20, 6), dollars(16)));
    assert_eq!(
        (record.model.as_str(), record.measure),
        ("gpt-4o", Measure::Reported)
    );
    // One of which nothing came costs nothing.
    works.begins_batch("batch_2").await;
    works.has("/v1/batches/batch_2", &batch("batch_2", "failed"));
    works.team.get("/v1/batches/batch_2").await;
    assert_eq!(works.billed(), []);
}

#[tokio::test]
async fn a_batch_that_names_no_model_of_a_price_is_counted_by_its_output() {
    for model in [Value::Null, json!("theirs")] {
        let mut works = Works::new().await;
        works.begins_batch("batch_1").await;
        works.has_output("batch_1", Script::bytes("application/octet-stream", line()));
        let mut ended = batch("batch_1", "completed");
        ended["output_file_id"] = json!("file-out");
        ended["usage"] = json!({"input_tokens": 10, "output_tokens": 3});
        ended["model"] = model;
        works.has("/v1/batches/batch_1", &ended);
        works.team.get("/v1/batches/batch_1").await;
        let record = works.next().await;
        assert_eq!((record.model.as_str(), record.cost), ("gpt-4o", dollars(8)));
        assert_eq!(record.measure, Measure::Reported);
    }
}

/// Each under a name of its own, which whoever bills it knows.
#[tokio::test]
async fn a_batch_of_two_models_is_billed_by_each() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    let other = line().replace("gpt-4o", "gpt-4x");
    let lines = [line(), other, line()].join("\n");
    works.has_output("batch_1", Script::bytes("application/octet-stream", lines));
    works.team.get("/v1/batches/batch_1").await;
    let mut records = Vec::new();
    until("both are billed", || {
        records.extend(works.billed());
        records.len() == 2
    })
    .await;
    records.sort_by(|one, other| one.model.cmp(&other.model));
    let [one, other] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!(
        (one.model.as_str(), one.quantities),
        ("gpt-4o", used(20, 6))
    );
    assert_eq!(
        (other.model.as_str(), other.quantities),
        ("gpt-4x", used(10, 3))
    );
    assert_eq!((one.cost, other.cost), (dollars(16), NanoDollars(0)));
    assert!(other.unpriced && !one.unpriced);
    assert!(one.id != other.id && other.is_of_job());
}

/// It is told from what is whole.
#[tokio::test]
async fn an_output_that_breaks_off_is_billed_as_far_as_it_came() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    let whole = format!("{}\n", line());
    let go = Arc::new(Notify::new());
    let broken = Script {
        steps: vec![Step::Send(whole), Step::Wait(go.clone()), Step::Break],
        ..Script::bytes("application/octet-stream", "")
    };
    works.has_output("batch_1", broken);
    works.team.get("/v1/batches/batch_1").await;
    let goes_on = async {
        loop {
            works.team.get("/v1/models").await;
            go.notify_one();
        }
    };
    // Each deletion reads it again, until it is enough.
    let read = async {
        let deadline = Instant::now() + PATIENCE;
        while works.deletes("/v1/files/file-out").await != 200 {
            assert!(Instant::now() < deadline, "it is read for ever");
        }
    };
    tokio::select! {
        () = goes_on => {}
        () = read => {}
    }
    let record = works.next().await;
    assert_eq!(record.measure, Measure::Estimated);
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(8)));
}

#[tokio::test]
async fn where_an_output_is_may_be_said_a_moment_after_the_end() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    works.has("/v1/batches/batch_1", &batch("batch_1", "completed"));
    let asked = works.upstream.asked().len();
    works.team.get("/v1/batches/batch_1").await;
    until("it is looked at", || {
        works.upstream.asked().len() > asked + 1
    })
    .await;
    works.has_output("batch_1", Script::bytes("application/octet-stream", line()));
    let record = works.next().await;
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(8)));
}

impl Works {
    /// An upstream that counts nothing has ended a batch, and this is its output.
    fn has_output(&self, id: &str, output: Script) {
        self.upstream.page("GET /v1/files/file-out/content", output);
        let mut ended = batch(id, "completed");
        ended["output_file_id"] = json!("file-out");
        self.has(&format!("/v1/batches/{id}"), &ended);
    }

    /// Deletes what the upstream would let go.
    pub(super) async fn deletes(&self, path: &str) -> u16 {
        let page = Script::json(200, r#"{"deleted":true}"#);
        self.upstream.page(&format!("DELETE {path}"), page);
        let request = self.team.request(Method::DELETE, path, "");
        self.team.send(request).await.status.as_u16()
    }
}

fn lost() -> Script {
    Script::json(404, r#"{"error":{"message":"no such file"}}"#)
}

fn line() -> String {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 3});
    let body = json!({"model": "gpt-4o", "usage": usage});
    json!({"custom_id": "x", "response": {"status_code": 200, "body": body}}).to_string()
}

#[tokio::test]
async fn the_output_of_a_batch_is_counted_before_it_is_deleted() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    works.has_output("batch_1", lost());
    works.team.get("/v1/batches/batch_1").await;
    assert_eq!(
        works.deletes("/v1/files/file-out").await,
        409,
        "it cannot be read yet"
    );
    assert_eq!(works.billed(), []);
    let deletions = |works: &Works| {
        let asked = works.upstream.asked();
        asked
            .iter()
            .filter(|asked| asked.method == Method::DELETE)
            .count()
    };
    assert_eq!(deletions(&works), 0);
    works.has_output("batch_1", Script::bytes("application/octet-stream", line()));
    assert_eq!(works.deletes("/v1/files/file-out").await, 200);
    assert_eq!(deletions(&works), 1);
    let [record] = &works.billed()[..] else {
        panic!("it is billed before the file is gone");
    };
    assert_eq!((record.quantities, record.cost), (used(10, 3), dollars(8)));
    // A file of a batch under way is looked at, and may go.
    works.begins_batch("batch_2").await;
    assert_eq!(works.deletes("/v1/files/file-in").await, 200);
}

/// Who makes looks fail, such as by asking too often, would work for nothing.
#[tokio::test]
async fn what_cannot_be_seen_is_not_deleted() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    works.begins_batch("batch_1").await;
    let mut open = batch("batch_1", "finalizing");
    open["output_file_id"] = json!("file-out");
    works.has("/v1/batches/batch_1", &open);
    // So that the account knows the file, and may try to delete it.
    works.team.get("/v1/batches/batch_1").await;
    for status in [429, 500] {
        let page = Script::json(status, r#"{"error":{"message":"no"}}"#);
        for path in ["/v1/responses/resp_1", "/v1/batches/batch_1"] {
            works.upstream.page(&format!("GET {path}"), page.clone());
        }
        assert_eq!(works.deletes("/v1/files/file-out").await, 409, "{status}");
        assert_eq!(works.deletes("/v1/responses/resp_1").await, 409, "{status}");
    }
    works.has("/v1/responses/resp_1", &done("resp_1"));
    works.has_output("batch_1", Script::bytes("application/octet-stream", line()));
    assert_eq!(works.deletes("/v1/files/file-out").await, 200);
    assert_eq!(works.deletes("/v1/responses/resp_1").await, 200);
    let costs: Vec<_> = works.billed().iter().map(|record| record.cost).collect();
    assert_eq!(costs.iter().map(|cost| cost.0).sum::<i64>(), dollars(24).0);
}

#[tokio::test]
async fn each_of_many_batches_is_counted_before_its_output_is_deleted() {
    let mut works = Works::new().await;
    let names: Vec<String> = (0..40).map(|n| format!("batch_{n}")).collect();
    for name in &names {
        works.begins_batch(name).await;
        let mut open = batch(name, "finalizing");
        open["output_file_id"] = json!(format!("out_{name}"));
        works.has(&format!("/v1/batches/{name}"), &open);
        works.team.get(&format!("/v1/batches/{name}")).await;
    }
    for name in names.iter().take(20) {
        let mut ended = batch(name, "completed");
        ended["output_file_id"] = json!(format!("out_{name}"));
        works.has(&format!("/v1/batches/{name}"), &ended);
        let output = Script::bytes("application/octet-stream", line());
        let content = format!("GET /v1/files/out_{name}/content");
        works.upstream.page(&content, output);
        assert_eq!(works.deletes(&format!("/v1/files/out_{name}")).await, 200);
        // Looked at by itself, it may be billed a moment later.
        assert_eq!(works.next().await.cost, dollars(8), "{name}");
    }
}

/// A node that was started anew asks which batch a file may belong to.
#[tokio::test]
async fn a_node_that_did_not_hear_of_a_batch_counts_it_before_its_output_is_deleted() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    let anew = works.rig.beside(crate::rig::settings()).await;
    let mut outbox = anew.spool.outbox().unwrap();
    let go = Arc::new(Notify::new());
    // The first node reads it, and does not come to the end.
    let slow = Script {
        steps: vec![Step::Wait(go.clone()), Step::Send(line())],
        ..Script::bytes("application/octet-stream", "")
    };
    works.has_output("batch_1", slow);
    works.team.get("/v1/batches/batch_1").await;
    let reads = || {
        let asked = works.upstream.asked();
        asked.iter().any(|asked| asked.path.ends_with("/content"))
    };
    until("it is read", reads).await;
    works.has_output("batch_1", Script::bytes("application/octet-stream", line()));
    works.team = Caller::new(anew.address, "team");
    assert_eq!(works.deletes("/v1/files/file-out").await, 200);
    let [record] = &jobs(&mut outbox)[..] else {
        panic!("it is billed before the file is gone");
    };
    assert_eq!(record.cost, dollars(8));
    go.notify_one();
}

/// It stands in nobody's way after that.
#[tokio::test]
async fn an_output_that_is_lost_is_looked_for_five_times() {
    let mut works = Works::new().await;
    works.begins_batch("batch_1").await;
    works.has_output("batch_1", lost());
    // So that the account knows the file, and may try to delete it.
    works.team.get("/v1/batches/batch_1").await;
    let mut statuses = Vec::new();
    while statuses.last() != Some(&200) {
        assert!(statuses.len() < 5, "{statuses:?}");
        statuses.push(works.deletes("/v1/files/file-out").await);
    }
    let [record] = &works.billed()[..] else {
        panic!("it is given up");
    };
    assert_eq!(record.measure, Measure::Unsettled);
    assert_eq!(record.quantities, used(0, 0));
}

#[tokio::test]
async fn an_upstream_that_hangs_keeps_nobody_else_waiting() {
    let mut works = Works::new().await;
    works.begins("resp_1").await;
    let asked = works.upstream.begun();
    works
        .upstream
        .page("GET /v1/responses/resp_1", Script::hang());
    until("it is looked at", || works.upstream.begun() > asked).await;
    works.begins("resp_2").await;
    works.has("/v1/responses/resp_2", &done("resp_2"));
    assert_eq!(works.next().await.quantities, used(10, 3));
}
