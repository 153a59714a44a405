//! Batches of messages: they live with the key that made them, as those of OpenAI's do.

use std::sync::Arc;

use bytes::Bytes;
use foldgate_domain::acl::ListEdit;
use foldgate_domain::command::ProfileEdit;
use foldgate_proto::{Config, Dialect, NanoDollars, UsageRecord};
use http::Method;
use serde_json::json;

use super::{CLAUDE, OPENAI, add, rig, speaking};
use crate::accounts::{ROOT, account};
use crate::client::{Caller, Reply};
use crate::rig::until;
use crate::upstream::{Script, Upstream};

const OTHER: &str = "sk-ant-other-0123456789-0123456789";
const PATH: &str = "/v1/messages/batches";
const JOBS: &str = r#"{"requests":[{"custom_id":"one","params":{"model":"claude-x","max_tokens":9,"messages":[]}}]}"#;

fn all(upstream: &Upstream, script: &Script) {
    for secret in [CLAUDE, OTHER] {
        upstream.clear(secret);
        upstream.script(secret, script.clone());
    }
}

async fn send(caller: &Caller, method: Method, path: &str) -> Reply {
    caller.send(caller.request(method, path, "")).await
}

fn by(upstream: &Upstream) -> String {
    let asked = upstream.asked().pop().unwrap();
    asked.headers["x-api-key"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_batch_of_messages_stays_with_its_key_and_its_account() {
    let (mut rig, upstream) = rig(Dialect::Anthropic, Script::json(200, "{}")).await;
    let at = upstream.url();
    let speaks = |_: &dyn Fn(&str) -> _| speaking(Dialect::Anthropic);
    rig.key_with(1, (&at, OTHER), speaks).await;
    for name in ["team-one", "team-two"] {
        account(&mut rig, ROOT, name, ProfileEdit::default()).await;
    }
    let [one, two] = ["team-one", "team-two"].map(|name| Caller::new(rig.address, name));
    let mut makers = Vec::new();
    for n in 0..4 {
        let made = format!(r#"{{"id":"msgbatch_{n}","type":"message_batch","results_url":null}}"#);
        all(&upstream, &Script::json(200, &made));
        let reply = one.post(PATH, JOBS).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, made));
        let asked = upstream.asked().pop().unwrap();
        assert_eq!(
            (asked.path.as_str(), &asked.body[..]),
            (PATH, JOBS.as_bytes())
        );
        assert_eq!(asked.headers["anthropic-version"], "2023-06-01");
        makers.push(by(&upstream));
    }
    let others = makers.iter().filter(|maker| **maker != makers[0]);
    assert!(others.count() > 0, "keys take turns");
    for (n, maker) in makers.iter().enumerate() {
        let (first, go) = ("{\"custom_id\":\"one\",\"result\":{}}\n", Arc::default());
        let second = "{\"custom_id\":\"two\",\"result\":{}}\n";
        for (method, path) in [
            (Method::GET, format!("{PATH}/msgbatch_{n}")),
            (
                Method::POST,
                format!("/messages/batches/msgbatch_{n}/cancel"),
            ),
            (Method::GET, format!("{PATH}/msgbatch_{n}/results")),
            (Method::DELETE, format!("{PATH}/msgbatch_{n}")),
        ] {
            let script = if path.ends_with("results") {
                Script::pieces("application/x-jsonl", [first, second].map(Bytes::from), &go)
            } else {
                Script::json(200, "{}")
            };
            all(&upstream, &script);
            let before = upstream.asked().len();
            let hidden = send(&two, method.clone(), &path).await;
            assert_eq!(hidden.status, 404, "{path}");
            assert_eq!(hidden.json()["error"]["type"], "not_found_error");
            assert_eq!(upstream.asked().len(), before, "nobody was asked");
            let reply = if path.ends_with("results") {
                let request = one.request(method, &path, "");
                let reply = one.in_pieces(request, first.as_bytes(), &go).await;
                assert_eq!(reply.text(), [first, second].concat());
                reply
            } else {
                send(&one, method, &path).await
            };
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            assert_eq!(&by(&upstream), maker, "{path}");
        }
    }
    let listed = r#"{"data":[{"id":"msgbatch_0"},{"id":"theirs"}],"has_more":false}"#;
    all(&upstream, &Script::json(200, listed));
    let reply = send(&one, Method::GET, &format!("{PATH}?limit=9")).await;
    let ids = reply.json()["data"].clone();
    assert!(!ids.to_string().contains("theirs"), "{ids}");
    assert_eq!(ids[0], json!({"id": "msgbatch_0"}));
    assert_eq!(
        upstream.asked().pop().unwrap().query.as_deref(),
        Some("limit=9")
    );
    let reply = send(&two, Method::GET, PATH).await;
    assert_eq!(reply.json()["data"], json!([]));
}

/// An SDK follows the link with the key of its caller.
#[tokio::test]
async fn the_link_to_a_batchs_results_leads_back_here() {
    let theirs = "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results";
    let batch = json!({"id": "msgbatch_1", "processing_status": "ended", "results_url": theirs});
    let (rig, _) = rig(Dialect::Anthropic, Script::json(200, &batch.to_string())).await;
    let ours = format!("{PATH}/msgbatch_1/results");
    let shown = rig.caller.get(&format!("{PATH}/msgbatch_1")).await.json();
    assert_eq!(shown["results_url"], ours.as_str());
    let list = json!({"data": [batch], "has_more": false}).to_string();
    let (rig, _) = super::rig(Dialect::Anthropic, Script::json(200, &list)).await;
    let listed = rig.caller.get(PATH).await.json();
    assert_eq!(listed["data"][0]["results_url"], ours.as_str());
}

#[tokio::test]
async fn who_may_not_call_any_model_makes_no_batch() {
    let (mut rig, upstream) = rig(Dialect::Anthropic, Script::json(200, "{}")).await;
    let few = ProfileEdit {
        allow_models: Some(ListEdit::parse("claude-cheap").unwrap()),
        ..ProfileEdit::default()
    };
    account(&mut rig, ROOT, "team-one", few).await;
    let reply = Caller::new(rig.address, "team-one").post(PATH, JOBS).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["error"]["type"], "permission_error");
    assert!(upstream.asked().is_empty());
}

/// Whatever Level has a key that can: a batch names no model to be led by.
#[tokio::test]
async fn a_batch_of_messages_finds_the_keys_that_speak_so() {
    let (mut rig, openai) = rig(Dialect::OpenAi, Script::json(200, "{}")).await;
    let reply = rig.caller.post(PATH, JOBS).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
    assert_eq!(reply.json()["type"], "error");
    let claude = Upstream::start().await;
    let at = claude.url();
    let speaks = |_: &dyn Fn(&str) -> _| speaking(Dialect::Anthropic);
    rig.key_with(7, (&at, CLAUDE), speaks).await;
    for _ in 0..3 {
        assert_eq!(rig.caller.post(PATH, JOBS).await.status, 200);
    }
    assert_eq!((openai.asked().len(), claude.asked().len()), (0, 3));
    add(&mut rig, &openai, Dialect::OpenAi).await;
    openai.script(OPENAI, Script::json(200, "{}"));
    assert_eq!(
        rig.caller.chat("m").await.status,
        200,
        "no key rests for it"
    );
}

#[tokio::test]
async fn a_batch_of_messages_is_billed_once_at_half_by_its_results() {
    let (mut rig, upstream) = rig(Dialect::Anthropic, Script::json(200, "{}")).await;
    rig.config(Config {
        pricing: Some(
            r#"{"ChatPricing":{"claude-x":{"InputText":1000000,"OutputText":2000000}}}"#.to_owned(),
        ),
        ..Config::default()
    })
    .await;
    account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    let one = Caller::new(rig.address, "team-one");
    let batch = |status: &str, results: Option<&str>| {
        json!({"id": "msgbatch_1", "type": "message_batch", "processing_status": status,
            "created_at": chrono::Utc::now().to_rfc3339(), "results_url": results})
        .to_string()
    };
    let open = batch("in_progress", None);
    upstream.page(&format!("POST {PATH}"), Script::json(200, &open));
    let ended = batch("ended", Some("https://api.anthropic.com/results"));
    let at = format!("{PATH}/msgbatch_1");
    upstream.page(&format!("GET {at}"), Script::json(200, &ended));
    let lines = concat!(
        r#"{"custom_id":"one","result":{"type":"succeeded","message":{"model":"claude-x","usage":{"input_tokens":8,"output_tokens":4}}}}"#,
        "\n",
        r#"{"custom_id":"two","result":{"type":"errored","error":{"type":"error"}}}"#,
        "\n"
    );
    let results = Script::bytes("application/x-jsonl", lines);
    upstream.page(&format!("GET {at}/results"), results);

    assert_eq!(one.post(PATH, JOBS).await.status, 200);
    for _ in 0..2 {
        assert_eq!(one.get(&at).await.status, 200);
    }
    let mut outbox = rig.spool.outbox().unwrap();
    let mut jobs: Vec<UsageRecord> = Vec::new();
    until("the batch is billed", || {
        while let Some(batch) = outbox.next_batch().unwrap() {
            jobs.extend(batch.records.into_iter().filter(UsageRecord::is_of_job));
            outbox.arrived().unwrap();
        }
        !jobs.is_empty()
    })
    .await;
    assert_eq!(one.get(&at).await.status, 200);
    while let Some(batch) = outbox.next_batch().unwrap() {
        jobs.extend(batch.records.into_iter().filter(UsageRecord::is_of_job));
        outbox.arrived().unwrap();
    }
    let [job] = &jobs[..] else {
        panic!("{jobs:?}");
    };
    // Sixteen dollars for the calls, half of that for the batch.
    assert_eq!(job.cost, NanoDollars(8 * NanoDollars::DOLLAR.0));
    assert_eq!(
        (job.model.as_str(), job.endpoint.as_str()),
        ("claude-x", "message_batch")
    );
    assert_eq!((job.quantities.input, job.quantities.output), (8, 4));
}

/// Its results go with it.
#[tokio::test]
async fn a_batch_of_messages_is_counted_before_it_is_deleted() {
    let (mut rig, upstream) = rig(Dialect::Anthropic, Script::json(200, "{}")).await;
    account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    let one = Caller::new(rig.address, "team-one");
    let batch = json!({"id": "msgbatch_1", "type": "message_batch", "processing_status": "ended",
        "created_at": chrono::Utc::now().to_rfc3339(), "results_url": "https://a/results"});
    let batch = Script::json(200, &batch.to_string());
    let at = format!("{PATH}/msgbatch_1");
    for line in [
        format!("POST {PATH}"),
        format!("GET {at}"),
        format!("DELETE {at}"),
    ] {
        upstream.page(&line, batch.clone());
    }
    let results = format!("GET {at}/results");
    upstream.page(&results, Script::json(404, "{}"));
    assert_eq!(one.post(PATH, JOBS).await.status, 200);
    assert_eq!(send(&one, Method::DELETE, &at).await.status, 409);
    let line = r#"{"result":{"type":"succeeded","message":{"model":"claude-x","usage":{"input_tokens":8,"output_tokens":4}}}}"#;
    upstream.page(&results, Script::bytes("application/x-jsonl", line));
    assert_eq!(send(&one, Method::DELETE, &at).await.status, 200);
    let mut outbox = rig.spool.outbox().unwrap();
    let batch = outbox.next_batch().unwrap().unwrap();
    let job = batch.records.iter().find(|record| record.is_of_job());
    let used = job.map(|job| (job.quantities.input, job.quantities.output));
    assert_eq!(used, Some((8, 4)));
}
